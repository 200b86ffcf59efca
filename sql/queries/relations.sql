-- The relations of the audience $1. As in audience.sql, a relation must have the name that is stored.
SELECT r.name,
       c.oid, n.nspname::text, c.relname::text, c.relowner, c.relkind::text,
       r.relation_name,
       r.contact_column::text, r.contact_number,
       r.properties_column::text, r.properties_number,
       r.time_column::text, r.time_number,
       r.columns::text[],
       r.scope::text,
       -- The columns of the primary key. That of a table from which others inherit says nothing of their rows
       (SELECT array_agg(a.attname::text ORDER BY k.place)
          FROM pg_index i
         CROSS JOIN LATERAL unnest(i.indkey) WITH ORDINALITY k(number, place)
          JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = k.number
         WHERE i.indrelid = c.oid AND i.indisprimary AND k.place <= i.indnkeyatts
           AND (c.relkind = 'p' OR NOT EXISTS (SELECT FROM pg_inherits h WHERE h.inhparent = c.oid))) AS key
  FROM segments.relation_config r
  LEFT JOIN (pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace)
    ON c.oid = r.relation AND format('%I.%I', n.nspname, c.relname) = r.relation_name
 WHERE r.audience = $1
 ORDER BY r.name
