-- The audience $1. An OID alone may have come to mean another relation, so a relation must also have the name that is stored; names
-- follow renames (see sql/following.sql).
SELECT c.oid, n.nspname::text, c.relname::text, c.relowner, c.relkind::text,
       a.relation_name,
       a.id_column::text, a.id_number,
       a.properties_column::text, a.properties_number,
       a.created_column::text, a.created_number,
       a.columns::text[],
       a.scope::text,
       tc.oid, tn.nspname::text, tc.relname::text, tc.relowner, tc.relkind::text,
       a.topics_relation_name,
       a.topics_contact_column::text, a.topics_contact_number,
       a.topics_topic_column::text, a.topics_topic_number,
       (SELECT en.nspname::text
          FROM pg_extension e
          JOIN pg_namespace en ON en.oid = e.extnamespace
         WHERE e.extname = 'segments') AS extension_schema,
       a.time_zone
  FROM segments.audience_config a
  LEFT JOIN (pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace)
    ON c.oid = a.relation AND format('%I.%I', n.nspname, c.relname) = a.relation_name
  LEFT JOIN (pg_class tc JOIN pg_namespace tn ON tn.oid = tc.relnamespace)
    ON tc.oid = a.topics_relation AND format('%I.%I', tn.nspname, tc.relname) = a.topics_relation_name
 WHERE a.name = $1
