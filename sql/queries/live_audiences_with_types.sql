-- The live audiences that have columns of the enums $1, of arrays of them or of domains over them; each with its tables.
, type(oid) AS (
    SELECT t.oid FROM pg_type t WHERE t.oid = ANY ($1) AND t.typtype = 'e'
    UNION
    SELECT t.oid FROM type
      JOIN pg_type t ON type.oid = t.typelem OR type.oid = t.typbasetype),
relation AS (
    SELECT n.attrelid AS oid FROM type
      JOIN pg_attribute n ON n.atttypid = type.oid AND NOT n.attisdropped),
audience(name, tables) AS (
    SELECT a.name, ARRAY(SELECT t.relation::oid UNION SELECT o.relation FROM other o WHERE o.source = a.source)
      FROM segments.audience_config a
      JOIN segments.table_config t ON t.audience = a.source
     WHERE a.freshness = 'live')
SELECT a.name, a.tables FROM audience a
 WHERE EXISTS (SELECT FROM relation r WHERE r.oid = ANY (a.tables))
 ORDER BY a.name
