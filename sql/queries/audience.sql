-- The audience $1, with the tables of its source. An OID alone may have come to mean another relation, so a relation must also have the
-- name that is stored; names follow renames (see sql/following.sql).
SELECT c.oid, n.nspname::text, c.relname::text, c.relowner, c.relkind::text,
       t.relation_name,
       t.id_column::text, t.id_number,
       t.properties_column::text, t.properties_number,
       t.created_column::text, t.created_number,
       t.columns::text[],
       a.scope::text,
       tc.oid, tn.nspname::text, tc.relname::text, tc.relowner, tc.relkind::text,
       t.topics_relation_name,
       t.topics_contact_column::text, t.topics_contact_number,
       t.topics_topic_column::text, t.topics_topic_number,
       (SELECT en.nspname::text
          FROM pg_extension e
          JOIN pg_namespace en ON en.oid = e.extnamespace
         WHERE e.extname = 'segments') AS extension_schema,
       t.time_zone, a.source
  FROM segments.audience_config a
  JOIN segments.table_config t ON t.audience = a.source
  LEFT JOIN (pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace)
    ON c.oid = t.relation AND format('%I.%I', n.nspname, c.relname) = t.relation_name
  LEFT JOIN (pg_class tc JOIN pg_namespace tn ON tn.oid = tc.relnamespace)
    ON tc.oid = t.topics_relation AND format('%I.%I', tn.nspname, tc.relname) = t.topics_relation_name
 WHERE a.name = $1
