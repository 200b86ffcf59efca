-- The indexes of the table $1 that cover all of its rows; whether each begins with an expression, and whether that is in C order.
-- Column indexes are left out, because no query looks rows up in them. Partitions have the indexes of the whole, but foreign ones have
-- none. Tables that inherit otherwise must each have an index like it.
WITH RECURSIVE part(oid) AS (
    SELECT h.inhrelid FROM pg_inherits h WHERE h.inhparent = $1
     UNION
    SELECT h.inhrelid FROM part JOIN pg_inherits h ON h.inhparent = part.oid),
leaf AS MATERIALIZED (
    SELECT k.oid, k.relkind, k.relispartition
      FROM part
      JOIN pg_class k ON k.oid = part.oid
     WHERE k.relkind <> 'p')
SELECT i.indexrelid, i.indkey[0] = 0, i.indcollation[0] = '"C"'::regcollation::oid
  FROM pg_index i
 WHERE i.indrelid = $1
   AND i.indisvalid AND i.indisready AND i.indislive AND i.indpred IS NULL
   AND NOT EXISTS (SELECT FROM pg_class c JOIN pg_am m ON m.oid = c.relam WHERE c.oid = i.indexrelid AND m.amname = 'segments')
   AND NOT EXISTS (
       SELECT FROM leaf
        WHERE leaf.relkind = 'f'
           OR NOT leaf.relispartition AND NOT EXISTS (
               SELECT FROM pg_index o
                WHERE o.indrelid = leaf.oid
                  AND o.indisvalid AND o.indisready AND o.indislive AND o.indpred IS NULL
                  AND o.indclass[0] = i.indclass[0]
                  AND o.indcollation[0] = i.indcollation[0]
                  AND pg_get_indexdef(o.indexrelid, 1, false) = pg_get_indexdef(i.indexrelid, 1, false)))
