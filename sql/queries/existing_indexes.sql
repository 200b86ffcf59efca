-- The indexes $1: their columns with how each is ordered, whether they are there for uniqueness, and how often they were used.
-- In a GIN index no column comes first; in the others, included columns cannot be searched, so they are left out.
SELECT i.indexrelid,
       quote_ident(n.nspname) || '.' || quote_ident(c.relname) AS name,
       m.amname::text AS method,
       k.columns, k.operator_classes, k.in_own_collation, k.in_c,
       i.indisunique OR i.indisexclusion OR i.indisreplident OR i.indisclustered AS is_unique,
       coalesce(pg_stat_get_numscans(i.indexrelid), 0) AS scans
  FROM pg_index i
  JOIN pg_class c ON c.oid = i.indexrelid
  JOIN pg_namespace n ON n.oid = c.relnamespace
  JOIN pg_am m ON m.oid = c.relam
 CROSS JOIN LATERAL (
       SELECT array_agg(a.attname::text ORDER BY p.place) AS columns,
              array_agg(o.opcname::text ORDER BY p.place) AS operator_classes,
              array_agg(coalesce(i.indcollation[p.place] = a.attcollation, false) ORDER BY p.place) AS in_own_collation,
              array_agg(i.indcollation[p.place] = '"C"'::regcollation::oid ORDER BY p.place) AS in_c
         FROM generate_series(0, i.indnkeyatts - 1) p(place)
         JOIN pg_opclass o ON o.oid = i.indclass[p.place]
         LEFT JOIN pg_attribute a
           ON a.attrelid = i.indrelid AND a.attnum = i.indkey[p.place] AND i.indkey[p.place] <> 0) k
 WHERE i.indexrelid = ANY ($1)
 ORDER BY c.relname
