-- The columns of the table $1, in their order. A domain counts as the type that it is over.
SELECT a.attnum AS number,
       a.attname::text AS name,
       -- PostgreSQL 18 marks a column NOT NULL before its constraint is validated; until then it may hold NULLs.
       a.attnotnull AND NOT EXISTS (
           SELECT FROM pg_constraint k
            WHERE k.conrelid = a.attrelid AND k.contype = 'n' AND k.conkey = ARRAY[a.attnum] AND NOT k.convalidated) AS not_null,
       format('%I.%I', base.nspname, base.typname) AS type_name,
       base.oid AS type_id,
       base.nspname::text AS schema,
       base.typname::text AS type,
       base.labels,
       coalesce((SELECT l.collisdeterministic FROM pg_collation l WHERE l.oid = a.attcollation), true) AS is_deterministic,
       element.oid AS element_id,
       element.nspname::text AS element_schema,
       element.typname::text AS element_type,
       element.labels AS element_labels,
       base.typtype = ANY ('{b,e}') AND base.typcategory <> 'A' AS is_plain,
       base.oid <> a.atttypid AS is_domain,
       -- The schema of the operators that order the type
       CASE WHEN base.nspname <> 'pg_catalog' THEN
           (SELECT n.nspname::text
              FROM pg_opclass c
              JOIN pg_am m ON m.oid = c.opcmethod AND m.amname = 'btree'
              JOIN pg_amop e ON e.amopfamily = c.opcfamily AND e.amopstrategy = 3
                            AND e.amoplefttype = base.oid AND e.amoprighttype = base.oid
              JOIN pg_operator o ON o.oid = e.amopopr
              JOIN pg_namespace n ON n.oid = o.oprnamespace
             WHERE c.opcintype = base.oid AND c.opcdefault)
       END AS operators,
       a.atttypid AS declared,
       a.atttypid = 'numeric'::regtype AND a.atttypmod >= 0 AS has_precision
  FROM pg_attribute a
 CROSS JOIN LATERAL (
        WITH RECURSIVE type(oid, typtype, typbasetype, typelem, typcategory, typnamespace, typname) AS (
            SELECT t.oid, t.typtype, t.typbasetype, t.typelem, t.typcategory, t.typnamespace, t.typname
              FROM pg_type t
             WHERE t.oid = a.atttypid
             UNION ALL
            SELECT t.oid, t.typtype, t.typbasetype, t.typelem, t.typcategory, t.typnamespace, t.typname
              FROM type
              JOIN pg_type t ON t.oid = type.typbasetype
             WHERE type.typtype = 'd')
        SELECT type.*, n.nspname,
               (SELECT array_agg(e.enumlabel::text) FROM pg_enum e WHERE e.enumtypid = type.oid) AS labels
          FROM type
          JOIN pg_namespace n ON n.oid = type.typnamespace
         WHERE type.typtype <> 'd') base
  LEFT JOIN LATERAL (
        SELECT t.oid, t.typname, n.nspname,
               (SELECT array_agg(e.enumlabel::text) FROM pg_enum e WHERE e.enumtypid = t.oid) AS labels
          FROM pg_type t
          JOIN pg_namespace n ON n.oid = t.typnamespace
         WHERE t.oid = base.typelem AND base.typcategory = 'A'
        -- OFFSET 0 makes Postgres look types of elements up one by one. It would hash all types that exist, in half a millisecond.
        OFFSET 0) element ON true
 WHERE a.attrelid = $1 AND a.attnum > 0 AND NOT a.attisdropped
 ORDER BY a.attnum
