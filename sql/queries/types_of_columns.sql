-- The types of the columns of the tables $1, and what these types are made of: elements of arrays, what domains are over. A query on
-- `type` follows.
WITH RECURSIVE type(oid) AS (
    SELECT a.atttypid FROM pg_attribute a WHERE a.attrelid = ANY ($1) AND a.attnum > 0
     UNION
    SELECT part.oid
      FROM type
      JOIN pg_type t ON t.oid = type.oid
     CROSS JOIN LATERAL unnest(ARRAY[t.typelem, t.typbasetype]) part(oid))
