-- Refreshes count segments that read relations together: each relation is read once, and the counts are those of one query for each.
\pset tuples_only
\pset format unaligned
CREATE SCHEMA passes;
SET search_path = passes, public;
-- citext where there is one.
SELECT count(*) > 0 AS has_citext FROM pg_available_extensions WHERE name = 'citext' \gset
\if :has_citext
CREATE EXTENSION IF NOT EXISTS citext SCHEMA public;
\endif
SELECT coalesce(min(format('%I.%I', n.nspname, t.typname)), 'text') AS code_type
  FROM pg_type t JOIN pg_namespace n ON n.oid = t.typnamespace WHERE t.typname = 'citext' \gset
CREATE TABLE person (id int PRIMARY KEY, tenant int, country text, vip boolean, props jsonb);
INSERT INTO person SELECT i, i % 3, (ARRAY['US', 'DE', NULL])[1 + i % 3], (ARRAY[true, false, NULL])[1 + i % 20 / 9], jsonb_build_object('age', i % 60)
  FROM generate_series(1, 600) i;
CREATE TABLE purchase (number int PRIMARY KEY, person int, placed_at timestamptz, day date, total numeric, weight float8, kind text, code :code_type,
                       ref uuid, tags text[], gone boolean NOT NULL, data jsonb);
INSERT INTO purchase
SELECT i, nullif(abs(hashint4(i)) % 640, 0), timestamptz '2024-05-01 00:00Z' + i % 41 * interval '7 hours', nullif(date '2024-05-01' + i % 30, '2024-05-07'),
       CASE i % 50 WHEN 7 THEN NULL WHEN 8 THEN 'NaN' WHEN 9 THEN 'Infinity' ELSE i % 40 / 4.0 END, (i % 10 / 10.0)::float8,
       (ARRAY['web', 'shop', 'app', NULL])[1 + i % 11 % 4], (ARRAY['Ab', 'aB', 'C'])[1 + i % 3], md5((i % 9)::text)::uuid, ARRAY['t' || i % 4, 't' || i % 5],
       i % 17 = 0, jsonb_build_object('score', i % 5, 'lines', jsonb_build_array(jsonb_build_object('sku', i % 3), i % 2))
  FROM generate_series(1, 4000) i;
-- The id as text, and no primary key; the rows are counted as they are read.
CREATE SEQUENCE visits_read;
CREATE TABLE visit (who text, at timestamp, name text);
INSERT INTO visit
SELECT abs(hashint4(i)) % 640, timestamp '2024-05-01' + i % 29 * interval '9 hours', (ARRAY['pricing', 'sign-up', 'home', NULL])[1 + i % 13 % 4]
  FROM generate_series(1, 3000) i;
CREATE VIEW visit_read AS SELECT * FROM visit WHERE nextval('visits_read') > 0;
-- A relation of few rows, ordered by a key of texts.
CREATE TABLE ticket (name text, nth int, person int, opened_at timestamptz, title text, PRIMARY KEY (name, nth));
INSERT INTO ticket SELECT chr(97 + i % 26) || chr(65 + i % 7), i, i % 90, '2024-05-01', 'title ' || i % 4 FROM generate_series(1, 200) i;
VACUUM ANALYZE person, purchase, visit, ticket;

SELECT attach_audience('people', 'passes.person', properties_column => 'props');
SELECT create_property('age', 'number', 'people');
SELECT attach_relation('orders', 'passes.purchase', 'person', 'people', properties_column => 'data', time_column => 'placed_at', scope => '{"gone": false}');
SELECT attach_relation('visits', 'passes.visit_read', 'who', 'people', time_column => 'at');
SELECT attach_relation('tickets', 'passes.ticket', 'person', 'people', time_column => 'opened_at');
SELECT create_property('orders.score', 'number', 'people');
SELECT create_property('orders.lines', 'json', 'people');

CREATE TABLE asked (number int GENERATED ALWAYS AS IDENTITY, condition text);
INSERT INTO asked (condition) VALUES
    ('{"orders": {"$some": {"kind": "web", "total": {"$gt": 5}}}}'),
    ('{"orders": {"$none": {"kind": "web"}}}'),
    ('{"orders": {"$every": {"score": {"$gt": 0}}}}'),
    ('{"orders": {"$count": {"$gte": 7}}}'),
    ('{"orders": {"$count": {"$lt": 7}}, "country": "US"}'),
    ('{"orders": {"$filter": {"kind": "shop"}, "$count": {"$in": [0, 2, 100]}}}'),
    ('{"orders": {"$filter": {"kind": "shop"}, "$sum": {"total": {"$gt": 10}}}}'),
    ('{"orders": {"$sum": {"total": {"$lte": 30}}}}'),
    ('{"orders": {"$sum": {"weight": {"$gt": 3.1}}, "$count": {"$gt": 2}}}'),
    ('{"orders": {"$avg": {"total": {"$gt": 5}}}}'),
    ('{"orders": {"$not": {"$avg": {"total": {"$gt": 5}}}}}'),
    ('{"orders": {"$min": {"total": {"$lt": 0.5}}, "$max": {"weight": {"$gte": 0.9}}}}'),
    ('{"orders": {"$min": {"placed_at": {"$gte": "2024-05-03"}}}}'),
    ('{"orders": {"$max": {"day": {"$eq": "2024-05-30"}}}}'),
    ('{"orders": {"$max": {"code": "c"}}}'),
    ('{"orders": {"$min": {"code": {"$in": ["AB", "x"]}}}}'),
    ('{"orders": {"$min": {"ref": {"$gte": "45c48cce-2e2d-7fbd-ea1a-fc51c7c6ad26"}}}}'),
    ('{"orders": {"$some": {"code": "AB", "ref": "C9F0F895-FB98-AB91-59F5-1FD0297E236D"}}}'),
    ('{"orders": {"$distinct": {"kind": {"$gte": 3}}}}'),
    ('{"orders": {"$distinct": {"code": {"$eq": 2}, "score": {"$gt": 2}}}}'),
    ('{"orders": {"$distinct": {"total": {"$gte": 9}}}}'),
    ('{"orders": {"$distinct": {"tags": {"$gte": 7}}}}'),
    ('{"orders": {"$first": {"kind": "web"}}}'),
    ('{"orders": {"$last": {"kind": {"$ne": "app"}}, "$filter": {"score": {"$lt": 4}}}}'),
    ('{"orders": {"$by": "day", "$last": {"kind": "shop"}}}'),
    ('{"orders": {"$sequence": [{"kind": "web"}, {"kind": "shop"}, {"kind": "app"}]}}'),
    ('{"orders": {"$sequence": [{"kind": "web"}, {"kind": "shop", "$within": "2 days"}]}}'),
    ('{"orders": {"$sequence": [{"kind": "web"}, {"$none": {"kind": "shop"}, "$within": "3 days"}]}}'),
    ('{"orders": {"$by": "day", "$filter": {"score": {"$gt": 1}}, "$sequence": [{}, {"kind": "app", "$within": "1 month"}, {"total": {"$lt": 3}}]}}'),
    ('{"orders.kind": "app", "orders.total": {"$exists": false}}'),
    ('{"orders": {"$empty": true}}'),
    ('{"orders": {"$exists": true}, "vip": true}'),
    ('{"orders": {"$size": 6}}'),
    ('{"orders.lines.sku": 2, "orders.tags": "t3"}'),
    ('{"orders": {"$some": {"lines": {"$some": {"sku": 1}}, "tags": {"$all": ["t1", "t2"]}}}}'),
    ('{"orders": {"$some": {"$expr": {"$gt": ["$total", "$weight"]}}}}'),
    ('{"$or": [{"vip": true}, {"orders": {"$count": {"$gte": 9}}}, {"age": {"$lt": 3}}]}'),
    ('{"$nor": [{"orders": {"$some": {"kind": "web"}}}, {"visits": {"$some": {"name": "home"}}}]}'),
    ('{"visits": {"$some": {"name": "pricing"}}}'),
    ('{"visits": {"$first": {"name": "pricing"}}}'),
    ('{"visits": {"$last": {"name": {"$exists": false}}}}'),
    ('{"visits": {"$sequence": [{"name": "pricing"}, {"$none": {"name": "sign-up"}, "$within": "7 days"}]}, "country": "DE"}'),
    ('{"visits": {"$count": 5}, "orders": {"$count": {"$gt": 5}}, "age": {"$gte": 30}}'),
    ('{"tickets": {"$first": {"title": "title 1"}}}'),
    ('{"tickets": {"$last": {"title": {"$regex": "[13]$"}}}}'),
    ('{"tickets": {"$sequence": [{"title": "title 3"}, {"title": "title 1"}]}}'),
    ('{"orders": {"$some": {"placed_at": {"$lt": {"$now": "-1 day"}}}}}'),
    ('{"country": "US"}'),
    ('{}');

-- Counted one by one, as each segment is when it is created, where that is different, or where no count could be refreshed.
CREATE TABLE alone (segment uuid PRIMARY KEY, contact_count bigint);
CREATE FUNCTION differing(of text) RETURNS TABLE (name text, refreshed text, alone bigint) LANGUAGE sql AS $$
SELECT s.name, coalesce(r.error, r.contact_count::text), a.contact_count
  FROM refresh_segments(of) r JOIN segments.segment s ON s.id = r.segment LEFT JOIN passes.alone a ON a.segment = s.id
 WHERE r.contact_count IS DISTINCT FROM a.contact_count AND s.audience = of
$$;
SELECT count(create_segment(number::text, condition::segment_condition, audience => 'people')) FROM asked;
INSERT INTO alone SELECT id, contact_count FROM segments.segment WHERE audience = 'people';
-- Few conditions hold for everyone or for nobody.
SELECT count(*) FILTER (WHERE contact_count IN (0, 600)) < 9, count(DISTINCT contact_count) > 30 FROM refresh_segments('people');
SELECT * FROM differing('people');
SET work_mem = '64kB';
SELECT * FROM differing('people');
RESET work_mem;
SET enable_hashjoin = off;
SET enable_mergejoin = off;
SELECT * FROM differing('people');
RESET enable_hashjoin;
RESET enable_mergejoin;
-- The relation with the sequence was read once, as often as it has rows.
SELECT setval('visits_read', 1) \g /dev/null
SELECT count(error) FROM refresh_segments('people');
SELECT currval('visits_read') - 1, count(*) FROM visit;

-- Tenants: each alone, whose rows are found by their contacts, and all of them together.
SELECT attach_audience('tenant ' || tenant, based_on => 'people', scope => jsonb_build_object('tenant', tenant)::segment_condition)
  FROM generate_series(0, 2) tenant;
SELECT count(create_segment(tenant || ' ' || number, condition::segment_condition, audience => 'tenant ' || tenant)) FROM asked, generate_series(0, 2) tenant;
INSERT INTO alone SELECT id, contact_count FROM segments.segment WHERE audience ~ '^tenant';
SELECT d.* FROM generate_series(0, 2) tenant, differing('tenant ' || tenant) d;
SELECT count(*), count(*) FILTER (WHERE r.contact_count IS DISTINCT FROM a.contact_count), count(r.error)
  FROM refresh_segments() r JOIN segments.segment s ON s.id = r.segment LEFT JOIN alone a ON a.segment = s.id WHERE s.audience ~ '^(people|tenant)';
SELECT detach_audience('tenant ' || tenant, true) FROM generate_series(0, 2) tenant;

-- A contact with very many rows: what keeps them is counted one by one, and the rest together.
INSERT INTO purchase (number, person, placed_at, total, kind, gone)
SELECT i, 5, timestamptz '2024-05-01' + i * interval '1 minute', i, (ARRAY['web', 'shop'])[1 + i % 2], false FROM generate_series(10001, 14000) i;
UPDATE alone a SET contact_count = count_contacts(s.conditions, 'people') FROM segments.segment s WHERE s.id = a.segment AND s.audience = 'people';
SET work_mem = '64kB';
SELECT setval('visits_read', 1) \g /dev/null
SELECT count(error) FROM refresh_segments('people');
SELECT currval('visits_read') > 3001;
SELECT * FROM differing('people');
RESET work_mem;

-- One of them raises an error: the others are counted.
CREATE FUNCTION fails(text) RETURNS text LANGUAGE plpgsql AS $$ BEGIN RETURN $1; END $$;
CREATE TABLE broken (person int, name text);
INSERT INTO broken VALUES (1, 'x');
CREATE VIEW breaking AS SELECT person, fails(name) AS name FROM broken;
SELECT attach_relation('breaking', 'passes.breaking', 'person', 'people');
SELECT create_segment('breaks ' || i, format('{"breaking": {"$some": {"name": "%s"}}}', i)::segment_condition, audience => 'people')
  FROM generate_series(1, 2) i \g /dev/null
CREATE OR REPLACE FUNCTION fails(text) RETURNS text LANGUAGE plpgsql AS $$ BEGIN RAISE division_by_zero; END $$;
SELECT r.error, count(*), count(*) FILTER (WHERE r.contact_count IS NULL) FROM refresh_segments('people') r GROUP BY 1 ORDER BY 1;

-- What refreshes call, called by hand.
SELECT segments_gather('[[["n", 0]], null, null, ["{\"rows\": {\"$count\": {\"$gt\": 2}}}", "{\"rows\": {\"$some\": {\"n\": 2}}}"]]', n)
  FROM generate_series(1, 3) n;
SELECT n % 2, segments_gather('[[["n", 0]], null, null, ["{\"rows\": {\"$some\": {\"n\": 2}}}"]]', n) FROM generate_series(1, 3) n GROUP BY 1 ORDER BY 1;
SELECT segments_tally('[[["rows", 0]], null, null, ["{\"rows\": {\"$some\": {\"n\": 2}}}", "{\"rows\": {\"$none\": {\"n\": 3}}}"]]', told)
  FROM (VALUES ('\x'::bytea), (NULL), ('\x01'), ('\x02'), ('\xffffffffffffffffffff')) v(told);
\set VERBOSITY terse
SELECT segments_gather('nonsense', 1);
SELECT segments_gather('[[], null, null, ["{\"n\": 1}"]]', 1);
SELECT segments_gather('[[["n", 1]], null, null, []]', 1);
SELECT segments_gather('[[], null, null, []]', 1);
SELECT segments_gather('[[], null, null, []]', n) OVER () FROM generate_series(1, 2) n;
SELECT segments_tally('[[["rows", 0]], null, null, ["{\"rows\": 1}"]]', '\x01'::bytea);
SELECT detach_audience('people', true);
