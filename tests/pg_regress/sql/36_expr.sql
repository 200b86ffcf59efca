-- $expr: fields compared with each other. All who say who is a member say the same, whatever columns and properties hold.
\pset tuples_only on
SET client_min_messages = warning;
CREATE TYPE phase AS ENUM ('a', 'b');
CREATE TABLE buyers (id int PRIMARY KEY, n int, m numeric, r real, d double precision, t text, u text COLLATE "C", c char(3), e phase,
                     b boolean NOT NULL DEFAULT true, day date, at timestamptz, wall timestamp, custom jsonb, doc jsonb);
SELECT setseed(0.5);
-- One of some texts, of which one that is empty is NULL.
CREATE FUNCTION pick(VARIADIC text[]) RETURNS text LANGUAGE sql VOLATILE AS 'SELECT nullif($1[1 + floor(random() * cardinality($1))], $$$$)';
INSERT INTO buyers
SELECT i, pick('1', '2', '')::int, pick('1', '2', '1.5', 'NaN', 'Infinity', '')::numeric, pick('1', '0.1', 'NaN', 'Infinity', '')::real,
       pick('0.1', '2', '-Infinity', '')::float8, pick('a', 'b', 'B', ''), pick('a', 'b', 'é', ''), pick('a', 'b', ''), pick('a', 'b', '')::phase,
       pick('t', 'f')::bool, pick('2024-06-01', '2024-06-02', 'infinity', '9999-12-31', '0044-03-15 BC', '0001-01-01', '')::date,
       pick('2024-06-01 23:30-04', '2024-06-01 12:00Z', '2024-06-02 00:30Z', 'infinity', '9999-12-31 23:59:59.999999Z', '')::timestamptz,
       pick('2024-06-01 12:00', '2024-06-02 03:30', '-infinity', '')::timestamp,
       jsonb_build_object('spent', pick('1', '2', '1.5', '"1"', '[1]', 'null')::jsonb, 'name', pick('"a"', '"b"', '5', 'null')::jsonb,
           'ok', pick('true', 'false', '1')::jsonb, 'since', pick('"2024-06-01"', '"2024-06-02T00:30:00Z"', '"soon"', 'null')::jsonb,
           'until', pick('"2024-06-01T23:30:00-04:00"', '"2024-06-02"')::jsonb, 'any', pick('1', '"a"', '[1]', '{"x": 2}', 'null')::jsonb)
           - pick('spent', 'name', 'since', 'until', 'any', 'none'),
       pick('{"x": 1, "y": {"z": 1.50}}', '{"x": "a", "y": {"z": true}}', '{"y": [{"z": 1}], "x": null}', '{"x": 2, "y": {"z": 2}}', '')::jsonb
  FROM generate_series(1, 150) i;
INSERT INTO buyers (id) VALUES (151);
SELECT attach_audience('buyers', 'buyers', properties_column => 'custom') IS NULL;
SELECT count(create_property(name, type, 'buyers'))
  FROM (VALUES ('spent', 'number'), ('name', 'string'), ('ok', 'boolean'), ('since', 'date'), ('until', 'timestamp'), ('any', 'json')) p(name, type);

CREATE TABLE compared (condition text PRIMARY KEY);
-- Each field with each other of its type.
INSERT INTO compared
SELECT format('{"$expr": {"%s": ["$%s", "$%s"]}}', op, one, other)
  FROM (VALUES ('{n,m,r,d,spent,doc.x,any}'::text[]), ('{t,u,c,e,name,doc.x}'), ('{b,ok}'), ('{day,at,wall,since,until}'),
      ('{any,doc.x,doc.y.z,doc,any.x}')) f(fields),
       unnest(fields) one, unnest(fields) other, unnest('{$ne,$gt,$lte}'::text[]) op
 WHERE one <> other AND ('{b,ok}'::text[] <> fields OR op = '$ne')
    ON CONFLICT DO NOTHING;
INSERT INTO compared
SELECT condition FROM unnest(ARRAY['{"$nor": [{"$expr": {"$gt": ["$n", "$m"]}}, {"t": "a"}]}',
    '{"$expr": {"$or": [{"$gt": ["$n", "$spent"]}, {"$not": [{"$eq": ["$t", "$name"]}]}]}}',
    '{"$expr": {"$gte": ["$n", 2]}}', '{"$expr": {"$lt": ["2024-06-02", "$at"]}}', '{"$expr": {"$eq": ["$doc.y.z", 1.5]}, "n": 1}',
        '{"$and": [{"$expr": true}]}']) condition;
SELECT count(*) FROM compared;
SELECT count(create_segment(condition, condition::segment_condition, audience => 'buyers', time_zone => 'America/New_York')) FROM (SELECT *
    FROM compared WHERE length(condition) <= 100) a;

-- The oracle: counted by SQL, all at once in a pass over the rows, each contact by itself, and kept by triggers.
CREATE TABLE compared_in AS SELECT b.id, s.id AS segment FROM buyers b, contact_segments(b.id, 'buyers') s;
CREATE FUNCTION compared_otherwise() RETURNS TABLE (name text, sql bigint, pass bigint, contacts bigint) LANGUAGE sql AS $$
    SELECT s.name, m.n, s.contact_count, c.n FROM segments.segment s,
           LATERAL (SELECT count(*) AS n FROM segment_members(s.id)) m,
           LATERAL (SELECT count(*) AS n FROM compared_in i WHERE i.segment = s.id) c
     WHERE s.audience = 'buyers' AND (m.n <> s.contact_count OR c.n <> s.contact_count) ORDER BY 1
$$;
SELECT count(*), sum((error IS NOT NULL)::int) FROM refresh_segments('buyers');
SELECT * FROM compared_otherwise();
SELECT set_freshness('buyers', 'live');
UPDATE buyers SET n = 3 - n, day = day + 1, custom = custom || '{"spent": 2}', t = u WHERE id % 3 = 0;
DELETE FROM buyers WHERE id % 7 = 0;
TRUNCATE compared_in;
INSERT INTO compared_in SELECT b.id, s.id AS segment FROM buyers b, contact_segments(b.id, 'buyers') s;
SELECT * FROM compared_otherwise();

-- What a column is, SQL says; what is inside documents, they do.
SELECT conditions_sql(condition::segment_condition, 'buyers') FROM unnest(ARRAY['{"$expr": {"$gt": ["$n", "$m"]}}',
    '{"$expr": {"$ne": ["$n", "$m"]}}', '{"$expr": {"$eq": ["$r", "$m"]}}',
    '{"$expr": {"$lte": ["$t", "$u"]}}', '{"$expr": {"$eq": ["$c", "$e"]}}', '{"$expr": {"$eq": ["$b", "$ok"]}}',
        '{"$expr": {"$gt": ["$spent", "$n"]}}', '{"$expr": {"$lt": ["$day", "$at"]}}',
    '{"$expr": {"$gte": ["$at", "$wall"]}}', '{"$expr": {"$gt": ["$since", "$day"]}}', '{"$expr": {"$gt": ["$since", "$until"]}}',
        '{"$expr": {"$eq": ["$any", "$doc.x"]}, "n": {"$gt": 1}}']) condition;

-- In a document, alone and with what is known of it to an index.
SELECT '{"a": 2, "b": 1}'::jsonb @~ '{"$expr": {"$gt": ["$a", "$b"]}}', '{"a": 2}'::jsonb @~ '{"$expr": {"$ne": ["$a", "$b"]}}',
       '{"a": "2024-06-02T03:00:00Z", "b": "2024-06-01"}'::jsonb @~
           '{"$expr": {"$eq": [{"$field": "a", "$as": "timestamp"}, {"$field": "b", "$as": "date"}], "$zone": "America/New_York"}}';
CREATE INDEX buyers_custom ON buyers USING gin (custom);
SET enable_seqscan = off;
EXPLAIN (COSTS OFF) SELECT FROM buyers WHERE custom @~ '{"$expr": {"$gt": ["$spent", "$limit"]}}';
SELECT count(*) FROM buyers WHERE custom @~ '{"$expr": {"$gt": ["$spent", "$any"]}}';
RESET enable_seqscan;
SELECT count(*) FROM buyers WHERE custom @~ '{"$expr": {"$gt": ["$spent", "$any"]}}';

-- What it says of itself.
SELECT name FROM create_segment('over', '{"$and": [{"$expr": {"$gt": ["$spent", "$n"]}, "$comment": "ask Ann"}], "$comment": "kept"}', audience => 'buyers');
SELECT s.conditions, e.* FROM segments.segment s, explain_match('2', s.id) e WHERE s.name = 'over';
SELECT path, severity, message, hint FROM validate_conditions('{"$expr": {"$ne": ["$spent", "$nn"]}}', 'buyers');
SELECT path, severity, message FROM validate_conditions('{"$and": [{"$expr": true}]}', 'buyers');
ALTER TABLE buyers RENAME n TO number;
SELECT conditions FROM segments.segment WHERE name = 'over';
\set VERBOSITY default
SELECT count_contacts('{"$expr": {"$gt": ["$t", "$m"]}}', 'buyers');
SELECT count_contacts('{"$eq": ["$t", "$u"]}', 'buyers');
SELECT count_contacts('{"$expr": {"$gt": ["$at", "$$NOW"]}}', 'buyers');
SELECT detach_audience('buyers', true);
DROP FUNCTION compared_otherwise, pick;
DROP TABLE compared, compared_in, buyers;
DROP TYPE phase;
