-- Whether Postgres may run code of others while it plans or runs a query on the table $1: of functions and operators in partition keys,
-- indexes, constraints and statistics of it and its parts, whose owners lack the rights of the role $2, or of foreign parts of such owners.
WITH RECURSIVE part(oid) AS (
    SELECT $1
     UNION
    SELECT h.inhrelid FROM part JOIN pg_inherits h ON h.inhparent = part.oid),
holder(classid, objid) AS (
    SELECT 'pg_class'::regclass::oid, part.oid FROM part
     UNION ALL
    SELECT 'pg_class'::regclass::oid, i.indexrelid FROM part JOIN pg_index i ON i.indrelid = part.oid
     UNION ALL
    SELECT 'pg_constraint'::regclass::oid, k.oid FROM part JOIN pg_constraint k ON k.conrelid = part.oid
     UNION ALL
    SELECT 'pg_statistic_ext'::regclass::oid, s.oid FROM part JOIN pg_statistic_ext s ON s.stxrelid = part.oid)
SELECT EXISTS (
       SELECT FROM holder
         JOIN pg_depend d ON d.classid = holder.classid AND d.objid = holder.objid
         LEFT JOIN pg_proc p ON d.refclassid = 'pg_proc'::regclass AND p.oid = d.refobjid
         LEFT JOIN pg_operator o ON d.refclassid = 'pg_operator'::regclass AND o.oid = d.refobjid
         LEFT JOIN pg_opclass c ON d.refclassid = 'pg_opclass'::regclass AND c.oid = d.refobjid
        WHERE NOT pg_has_role(coalesce(p.proowner, o.oprowner, c.opcowner), $2, 'USAGE'))
    OR EXISTS (
       SELECT FROM part JOIN pg_class c ON c.oid = part.oid
        WHERE c.relkind = 'f' AND NOT pg_has_role(c.relowner, $2, 'USAGE'))
