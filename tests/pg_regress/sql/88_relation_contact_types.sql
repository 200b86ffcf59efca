-- It takes citext; a Postgres may lack it.
SELECT count(*) = 0 AS lacks_citext FROM pg_available_extensions WHERE name = 'citext'
\gset
\if :lacks_citext
\quit
\endif
-- Rows are grouped by contacts as they are compared with them, not as the type of their own column has it: a citext that is
-- compared with a text is compared as text.
\pset format unaligned
\pset tuples_only on
CREATE EXTENSION IF NOT EXISTS citext;
CREATE TABLE writers (code text PRIMARY KEY);
CREATE TABLE letters (writer citext, weight int, day date);
INSERT INTO writers VALUES ('a'), ('A'), ('b');
INSERT INTO letters VALUES ('a', 1, '2024-01-01'), ('a', 2, '2024-01-02'), ('A', 4, '2024-01-03'), ('b', 8, '2024-01-04'), ('B', 16, '2024-01-05');
CREATE TABLE meters (number float8 PRIMARY KEY);
CREATE TABLE readings (meter numeric, amount int);
INSERT INTO meters VALUES (0.5), (1.5);
-- As floats, all three are the same.
INSERT INTO readings VALUES (0.5, 1), (0.50000000000000000001, 2), (0.50000000000000000002, 4);
SELECT attach_audience('writers', 'writers'), attach_relation('letters', 'letters', 'writer', 'writers', time_column => 'day');
SELECT attach_audience('meters', 'meters'), attach_relation('readings', 'readings', 'meter', 'meters');
SELECT count(create_segment(condition, condition::segment_condition, audience => audience)) FROM (VALUES
    ('writers', '{"letters": {"$count": 1}}'), ('writers', '{"letters": {"$count": {"$gte": 2}}}'),
    ('writers', '{"letters": {"$sum": {"weight": {"$lte": 4}}}}'), ('writers', '{"$or": [{"letters": {"$sum": {"weight": 3}}}, {"code": "b"}]}'),
    ('writers', '{"letters": {"$distinct": {"weight": 1}}}'), ('writers', '{"letters": {"$none": {"weight": {"$gt": 4}}}}'),
    ('writers', '{"letters": {"$last": {"weight": {"$in": [2, 4]}}}}'), ('writers', '{"letters": {"$sequence": [{"weight": 2}, {"weight": 4}]}}'),
    ('meters', '{"readings": {"$count": 3}}'), ('meters', '{"readings": {"$sum": {"amount": 7}}}')) v(audience, condition);
-- By a query, of one contact after another, and in a refresh.
SELECT s.name, s.contact_count, (SELECT string_agg(m, ' ' ORDER BY m COLLATE "C") FROM segment_members(s.id) m) AS members,
       (SELECT string_agg(c.id, ' ' ORDER BY c.id COLLATE "C")
          FROM (SELECT 'writers', code FROM writers UNION ALL SELECT 'meters', number::text FROM meters) c(audience, id)
         WHERE c.audience = s.audience AND in_segment(c.id, s.id)) AS one_by_one
  FROM segments.segment s WHERE s.audience IN ('writers', 'meters') ORDER BY s.audience DESC, s.name COLLATE "C";
SELECT count(*) AS wrong FROM (SELECT * FROM refresh_segments('writers') UNION ALL SELECT * FROM refresh_segments('meters')) r
 WHERE r.contact_count <> (SELECT count(*) FROM segment_members(r.segment));
SELECT detach_audience('writers', cascade => true), detach_audience('meters', cascade => true);
DROP TABLE writers, letters, meters, readings;
