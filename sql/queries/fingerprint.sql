-- One text that changes whenever something changes from which conditions were compiled. It follows types_of_columns.sql.
-- $1: tables, $2: the names of their audiences
, source(audience) AS (SELECT DISTINCT a.source FROM segments.audience_config a WHERE a.name = ANY ($2))
SELECT concat_ws(';',
    -- The names of the types of columns
    (SELECT string_agg(concat_ws(' ', t.oid, n.nspname, t.typname), ',' ORDER BY t.oid)
       FROM type
       JOIN pg_type t ON t.oid = type.oid
       JOIN pg_namespace n ON n.oid = t.typnamespace),
    -- Which version of its row each definition is
    (SELECT string_agg(concat_ws(' ', a.name, a.xmin, a.ctid), ',' ORDER BY a.name)
       FROM segments.audience_config a
      WHERE a.name = ANY ($2)
         OR a.freshness = 'live' AND a.source IN (
                SELECT t.audience FROM segments.table_config t
                 WHERE t.relation::oid = ANY ($1) OR t.topics_relation::oid = ANY ($1))),
    (SELECT string_agg(concat_ws(' ', t.audience, t.xmin, t.ctid), ',' ORDER BY t.audience)
       FROM segments.table_config t
      WHERE t.audience IN (SELECT source.audience FROM source)),
    (SELECT md5(string_agg(concat_ws(' ', s.id, s.xmin, s.ctid, w.xmin, w.ctid), ',' ORDER BY s.id))
       FROM segments.segment_config s
       LEFT JOIN segments.watch_config w ON w.segment = s.id
      WHERE s.audience = ANY ($2)),
    (SELECT md5(string_agg(concat_ws(' ', p.audience, p.name, p.xmin, p.ctid), ',' ORDER BY p.audience, p.name))
       FROM segments.property_config p
      WHERE p.audience IN (SELECT source.audience FROM source)),
    (SELECT md5(string_agg(concat_ws(' ', t.id, t.xmin, t.ctid), ',' ORDER BY t.id))
       FROM segments.topic_config t
      WHERE t.audience IN (SELECT source.audience FROM source)),
    (SELECT md5(string_agg(concat_ws(' ', r.segment, r.reference, r.target), ',' ORDER BY r.segment, r.reference))
       FROM segments.segment_reference r
       JOIN segments.segment_config s ON s.id = r.segment
      WHERE s.audience = ANY ($2)),
    -- The tables: their names and owners, and whether row security applies to these
    (SELECT string_agg(concat_ws(' ',
                c.oid, c.relnamespace, c.relname, c.relowner, c.relkind, c.relrowsecurity, c.relforcerowsecurity,
                -- their columns
                (SELECT string_agg(concat_ws(' ', a.attnum, a.attname, a.atttypid, a.attcollation, a.attnotnull, a.attgenerated),
                                   ',' ORDER BY a.attnum)
                   FROM pg_attribute a
                  WHERE a.attrelid = c.oid AND a.attnum > 0),
                -- their indexes, by which conditions are written, and which of them are unique
                (SELECT string_agg(concat_ws(' ', i.indexrelid, i.indisunique), ',' ORDER BY i.indexrelid)
                   FROM pg_index i
                  WHERE i.indrelid = c.oid AND i.indisvalid),
                -- whether they have parts, and what they are parts of
                EXISTS (SELECT FROM pg_inherits h WHERE h.inhparent = c.oid),
                (SELECT string_agg(i.inhparent::text, ',' ORDER BY i.inhparent)
                   FROM pg_inherits i
                  WHERE i.inhrelid = c.oid),
                -- and their foreign keys, whose triggers may be off
                (SELECT string_agg(concat_ws(' ', k.oid, k.confrelid, k.convalidated, k.condeferrable,
                                             (SELECT string_agg(t.tgenabled::text, '' ORDER BY t.oid)
                                                FROM pg_trigger t
                                               WHERE t.tgrelid = c.oid AND t.tgconstraint = k.oid)),
                                   ',' ORDER BY k.oid)
                   FROM pg_constraint k
                  WHERE k.conrelid = c.oid AND k.contype = ANY ('{f,n}'))),
                '|' ORDER BY c.oid)
       FROM pg_class c
      WHERE c.oid = ANY ($1)))
