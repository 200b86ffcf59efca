-- segment_members() in users' queries: the planner gets the query for the members in the place of the call.
\pset format unaligned
\pset tuples_only on
\set VERBOSITY terse
SET max_parallel_workers_per_gather = 0;
CREATE SCHEMA regress_members;
SET search_path = regress_members, public;
CREATE TABLE people (id bigint PRIMARY KEY, country text, spent int, p jsonb);
INSERT INTO people SELECT n, (ARRAY['DE', 'US', 'FR'])[1 + n % 3], n % 100, jsonb_build_object('vip', n % 2 = 0) FROM generate_series(1, 2000) n;
CREATE INDEX people_spent ON people (spent);
CREATE TABLE orders (id int PRIMARY KEY, person bigint, amount int);
INSERT INTO orders SELECT n, 1 + n % 2000, n % 50 FROM generate_series(1, 4000) n;
CREATE INDEX orders_person ON orders (person);
ANALYZE people, orders;
SELECT attach_audience('people', 'people', properties_column => 'p');
SELECT create_property('vip', 'boolean', 'people');
SELECT count(create_segment(name, condition::segment_condition, audience => 'people')) FROM (VALUES
    ('spends', '{"spent": {"$gte": 98}}'), ('vips', '{"vip": true}'), ('few', '{"spent": 99, "country": "DE"}')) v(name, condition);
SELECT id AS spends FROM segments.segment WHERE name = 'spends' \gset

-- The plan is that of the condition: for every way to name the segment and the type, and for a parameter.
EXPLAIN (COSTS off) SELECT * FROM segment_members('spends', NULL::bigint);
EXPLAIN (COSTS off) SELECT * FROM segment_members(:'spends'::uuid, NULL::bigint);
EXPLAIN (COSTS off) SELECT m FROM segment_members(id_type => NULL::bigint, segment => 'spends') m ORDER BY m;
EXPLAIN (COSTS off, VERBOSE) SELECT * FROM segment_members('spends') WHERE segment_members < '2';
EXPLAIN (COSTS off, VERBOSE) SELECT * FROM segment_members('spends', NULL::numeric);
EXPLAIN (COSTS off) SELECT o.amount FROM orders o JOIN segment_members('spends', NULL::bigint) m ON m = o.person;
EXPLAIN (COSTS off) SELECT o.amount FROM orders o WHERE person IN (SELECT segment_members('spends', NULL::bigint));
EXPLAIN (COSTS off) SELECT o.amount FROM orders o WHERE person IN (SELECT * FROM segment_members('spends', NULL::bigint));
PREPARE named(text) AS SELECT count(*) FROM segment_members($1, NULL::bigint);
EXPLAIN (COSTS off) EXECUTE named('spends');
PREPARE by_id(text) AS SELECT count(*) FROM segment_members($1::uuid, NULL::bigint);
EXPLAIN (COSTS off) EXECUTE by_id(:'spends');

-- In all ways that a query can have it, the answer is that of in_segment().
CREATE FUNCTION expected(text, OUT n bigint, OUT ids numeric) LANGUAGE plpgsql
    AS $$ BEGIN EXECUTE format('SELECT count(*), sum(id) FROM people p WHERE in_segment(p.id, %L)', $1) INTO n, ids; END $$;
SELECT name, expected(name) FROM segments.segment WHERE audience = 'people' ORDER BY name;
SELECT count(*), sum(m) FROM segment_members('spends', NULL::bigint) m;
SELECT count(*), sum(m) FROM segment_members('spends', NULL::bigint) AS s(m);
SELECT count(*), sum((s.m)::bigint) FROM segment_members('spends') s(m);
SELECT count(*), sum(m.m) FROM (SELECT s AS m FROM segment_members('spends', NULL::int) s) m;
SELECT count(s), sum(s.s) FROM segment_members('spends', NULL::bigint) s CROSS JOIN (SELECT 1) one;
SELECT count(*), sum(m), max(n) FROM segment_members('spends', NULL::bigint) WITH ORDINALITY s(m, n);
SELECT count(*), sum(m), sum(v) FROM ROWS FROM (segment_members('spends', NULL::bigint), segment_members('vips', NULL::bigint)) s(m, v);
SELECT s.name, count(*), sum(m) FROM segments.segment s, segment_members(s.id, NULL::bigint) m WHERE s.audience = 'people' GROUP BY 1 ORDER BY 1;
SELECT s.name, count(m) FROM segments.segment s LEFT JOIN LATERAL segment_members(s.name, NULL::bigint) m ON m < 100
 WHERE s.audience = 'people' GROUP BY 1 ORDER BY 1;
SELECT s.name, (SELECT sum(m) FROM segment_members(s.id, NULL::bigint) m) FROM segments.segment s WHERE s.audience = 'people' ORDER BY 1;
WITH m AS MATERIALIZED (SELECT * FROM segment_members('spends', NULL::bigint) m) SELECT count(*), sum(m) FROM m;
WITH RECURSIVE r(n, m) AS (SELECT 1, m FROM segment_members('few', NULL::bigint) m
    UNION ALL SELECT n + 1, m.m FROM r, LATERAL segment_members(CASE n WHEN 1 THEN 'few' END, NULL::bigint) m WHERE n < 2 AND m.m = r.m)
    SELECT n, count(*), sum(m) FROM r GROUP BY n ORDER BY n;
SELECT count(*), sum(m) FROM (SELECT segment_members('spends', NULL::bigint) UNION SELECT segment_members('few', NULL::bigint)) u(m);
SELECT count(*), sum(m) FROM (SELECT m FROM segment_members('spends', NULL::bigint) m EXCEPT SELECT segment_members('few', NULL::bigint)) u(m);
SELECT array_length(ARRAY(SELECT segment_members('spends', NULL::bigint)), 1), (SELECT DISTINCT segment_members('few', NULL::bigint) ORDER BY 1 LIMIT 1);
SELECT segment_members('few', NULL::bigint), segment_members('few') ORDER BY 1 LIMIT 2;
SELECT n, segment_members('few', NULL::bigint) + n FROM generate_series(1, 2) n ORDER BY 1, 2 LIMIT 2;
SELECT count(*), sum(m) FROM generate_series(1, 3) n, LATERAL (SELECT segment_members('few', NULL::int) + n * 0 AS m) s;
SELECT count(*) FROM people p LEFT JOIN segment_members('few', NULL::bigint) m ON m = p.id WHERE m IS NULL;
SELECT count(*) FROM orders WHERE NOT EXISTS (SELECT FROM segment_members('few', NULL::bigint) m WHERE m = person);
CREATE TABLE sent AS SELECT m AS person, 0 AS times FROM segment_members('spends', NULL::bigint) m;
INSERT INTO sent SELECT segment_members('few', NULL::bigint), 1;
UPDATE sent SET times = times + 10 FROM segment_members('few', NULL::bigint) m WHERE m = person;
DELETE FROM sent USING segment_members('few', NULL::bigint) m WHERE m = person AND times = 11;
MERGE INTO sent USING segment_members('few', NULL::bigint) m ON m = person WHEN MATCHED THEN UPDATE SET times = 20 WHEN NOT MATCHED THEN INSERT VALUES (m, 30);
SELECT times, count(*) FROM sent GROUP BY times ORDER BY times;
SELECT count(*) FROM (SELECT o.id FROM orders o JOIN segment_members('few', NULL::bigint) m ON m = o.person FOR UPDATE) locked;
SELECT count(*) FROM (SELECT * FROM segment_members('few', NULL::bigint) m FOR UPDATE) locked;
UPDATE people SET spent = spent FROM segment_members('few', NULL::bigint) m WHERE m = id AND id IN (SELECT segment_members('spends', NULL::bigint));
-- A call that stays does not see what the statement around it has changed so far either: each of three calls returns the same.
BEGIN;
CREATE TABLE lists AS SELECT n, id FROM segments.segment, generate_series(1, 3) n WHERE name = 'few';
WITH new AS (INSERT INTO people SELECT segment_members(id, NULL::bigint) + n * 10000, 'DE', 99 FROM lists RETURNING *) SELECT count(*) FROM new;
WITH new AS (INSERT INTO people SELECT m + n * 100000, 'DE', 99 FROM lists, segment_members(id, NULL::bigint) m RETURNING *) SELECT count(*) FROM new;
WITH new AS (INSERT INTO people SELECT m + n * 1000000, 'DE', 99 FROM lists, segment_members(id, NULL::bigint) WITH ORDINALITY s(m) RETURNING *)
    SELECT count(*) FROM new;
ROLLBACK;
CREATE VIEW spenders AS SELECT m AS id FROM segment_members('spends', NULL::bigint) m;
EXPLAIN (COSTS off) SELECT * FROM spenders WHERE id < 150;
SELECT count(*), sum(id) FROM spenders;
CREATE MATERIALIZED VIEW kept AS SELECT * FROM spenders;
SELECT count(*), sum(id) FROM kept;
BEGIN;
DECLARE members SCROLL CURSOR FOR SELECT * FROM segment_members('few', NULL::bigint) m ORDER BY m;
FETCH 2 FROM members;
FETCH PRIOR FROM members;
COMMIT;

-- Sorted by the collation of the call's result, not by that in which ids are compared.
SELECT array_agg(m) FROM (SELECT m FROM segment_members('few') m WHERE m LIKE '_99' ORDER BY m LIMIT 3) m;

-- What is not known when the query is planned, and what could raise an error for contacts that are no members, stays a call.
-- It still returns one id after the other.
EXPLAIN (COSTS off) SELECT * FROM segments.segment_config s, segment_members(s.id) LIMIT 1;
EXPLAIN (COSTS off) SELECT * FROM segment_members('spends', NULL::int);
EXPLAIN (COSTS off) SELECT * FROM segment_members('spends', NULL::bigint) WITH ORDINALITY;
EXPLAIN (COSTS off) SELECT * FROM segment_members('spends', (random() > 2)::int::bigint);
SET plan_cache_mode = force_generic_plan;
EXPLAIN (COSTS off) EXECUTE named('spends');
EXECUTE named('spends');
EXECUTE by_id(:'spends');
RESET plan_cache_mode;
-- The estimate is the count that is kept.
EXPLAIN SELECT * FROM segment_members('spends', NULL::bigint) WITH ORDINALITY;
EXPLAIN SELECT * FROM segment_members('vips', NULL::bigint) WITH ORDINALITY;
EXPLAIN SELECT * FROM segment_members('nobody knows', NULL::bigint) WITH ORDINALITY;
SELECT * FROM segment_members('nobody knows', NULL::bigint);
SELECT * FROM segment_members(NULL::text, NULL::bigint);
SELECT segment_members(NULL::uuid);

-- A limit reads no more rows than it returns: in each way, whether the segment is known or not.
CREATE SEQUENCE seen;
CREATE FUNCTION is_seen(bigint) RETURNS boolean LANGUAGE plpgsql AS $$ BEGIN RETURN nextval('seen') > 0; END $$;
CREATE ROLE regress_segments_reader;
GRANT USAGE ON SCHEMA regress_members TO regress_segments_reader;
GRANT ALL ON SEQUENCE seen TO regress_segments_reader;
SELECT grant_segments_access('regress_segments_reader', scope, 'people') FROM unnest('{read:contacts,read:segments}'::text[]) scope;
CREATE POLICY seen ON people USING (is_seen(id));
ALTER TABLE people ENABLE ROW LEVEL SECURITY;
CREATE FUNCTION reads(query text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    n bigint;
BEGIN
    PERFORM setval('seen', 1);
    EXECUTE format('SELECT count(*) FROM (%s) q', query) INTO n;
    RETURN format('%s rows, %s reads', n, (SELECT last_value - 1 FROM seen));
END
$$;
SET ROLE regress_segments_reader;
SET enable_bitmapscan = off;
SET enable_indexscan = off;
SELECT reads('SELECT * FROM segment_members(''vips'', NULL::bigint) LIMIT 10');
SELECT reads('SELECT segment_members(''vips'') LIMIT 10');
SELECT reads('SELECT segment_members(''vips''), 1 LIMIT 10');
SELECT reads('SELECT * FROM segments.segment s, segment_members(s.id, NULL::int) WHERE name = ''vips'' LIMIT 10');
SELECT reads('SELECT * FROM segment_members((SELECT id FROM segments.segment WHERE name = ''vips'')) LIMIT 10');
SELECT reads('SELECT * FROM generate_series(1, 3) n, LATERAL (SELECT segment_members(''vips''), n LIMIT 10) m');
-- A loop that is left early, again and again, and one with an error inside.
CREATE FUNCTION pg_temp.left_early() RETURNS bigint[] LANGUAGE plpgsql AS $$
DECLARE
    m bigint;
    found bigint[] := '{}';
BEGIN
    FOR n IN 1 .. 3 LOOP
        FOR m IN SELECT segment_members(s.id, NULL::bigint) FROM segments.segment s WHERE s.name = 'vips' LOOP
            found := found || m;
            EXIT WHEN m > 3;
        END LOOP;
        BEGIN
            FOR m IN SELECT segment_members(s.id, NULL::bigint) FROM segments.segment s WHERE s.name = 'vips' LOOP
                found := found || m / (m - 6);
            END LOOP;
        EXCEPTION WHEN division_by_zero THEN NULL;
        END;
    END LOOP;
    RETURN found;
END
$$;
SELECT pg_temp.left_early();
-- A cursor that outlives its transaction has all of its rows.
BEGIN;
DECLARE held CURSOR WITH HOLD FOR SELECT segment_members(s.id, NULL::bigint) FROM segments.segment s WHERE s.name = 'vips';
FETCH 2 FROM held;
COMMIT;
FETCH 2 FROM held;
CLOSE held;
RESET enable_bitmapscan;
RESET enable_indexscan;
RESET ROLE;
ALTER TABLE people DISABLE ROW LEVEL SECURITY;
DROP POLICY seen ON people;

-- A kept plan is made anew when the segment has changed, and means the present day.
PREPARE kept AS SELECT count(*) FROM segment_members('spends', NULL::bigint);
CREATE FUNCTION kept() RETURNS bigint LANGUAGE plpgsql AS $$ BEGIN RETURN (SELECT count(*) FROM segment_members('spends', NULL::bigint)); END $$;
EXECUTE kept;
SELECT kept();
SELECT name FROM update_segment('spends', '{"conditions": {"spent": {"$gte": 97}}}');
EXECUTE kept;
SELECT kept();
ALTER TABLE people RENAME spent TO paid;
EXECUTE kept;
SELECT kept();
UPDATE segments.audience_config SET scope = '{"country": "DE"}' WHERE name = 'people';
EXECUTE kept;
SELECT kept();
UPDATE segments.audience_config SET scope = NULL WHERE name = 'people';
SELECT name FROM update_segment('spends', '{"name": "spent"}');
SELECT name FROM create_segment('spends', '{"paid": 1}', audience => 'people');
EXECUTE kept;
SELECT kept();
SELECT FROM delete_segment('spends');
EXECUTE kept;
SELECT kept();
SELECT name FROM update_segment('spent', '{"name": "spends"}');
EXECUTE kept;
SELECT kept();
ALTER TABLE people ADD at timestamptz DEFAULT now();
SELECT name FROM create_segment('today', '{"at": {"$gte": {"$now": "-1 hour"}}}', audience => 'people');
CREATE FUNCTION shows_now(query text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    line text;
BEGIN
    FOR line IN EXECUTE query LOOP
        IF line ~ 'segment_members' THEN RETURN 'the call'; END IF;
        IF line ~ 'at >= ' THEN
            RETURN substring(line FROM '''(.*)''')::timestamptz BETWEEN now() - interval '1 hour 1 millisecond' AND now() - interval '59 minutes';
        END IF;
    END LOOP;
END
$$;
PREPARE today AS SELECT count(*) FROM segment_members('today', NULL::bigint);
SELECT shows_now('EXPLAIN EXECUTE today');
EXECUTE today;
SELECT pg_sleep(0.01);
SELECT shows_now('EXPLAIN EXECUTE today');

-- Other audiences: of a view, of partitions, with ids of other types.
CREATE VIEW germans AS SELECT * FROM people WHERE country = 'DE';
SELECT attach_audience('germans', 'germans', id_column => 'id');
SELECT name FROM create_segment('german spenders', '{"paid": {"$gte": 98}}', audience => 'germans');
EXPLAIN (COSTS off) SELECT * FROM segment_members('german spenders', NULL::bigint);
SELECT count(*), sum(m) FROM segment_members('german spenders', NULL::bigint) m;
CREATE TABLE parts (id uuid, tenant int, PRIMARY KEY (tenant, id)) PARTITION BY LIST (tenant);
CREATE TABLE parts_0 PARTITION OF parts FOR VALUES IN (0);
CREATE TABLE parts_1 PARTITION OF parts FOR VALUES IN (1);
INSERT INTO parts SELECT md5(n::text)::uuid, n % 2 FROM generate_series(1, 10) n;
SELECT attach_audience('parts', 'parts', id_column => 'id');
SELECT name FROM create_segment('odd', '{"tenant": 1}', audience => 'parts');
EXPLAIN (COSTS off) SELECT * FROM segment_members('odd', NULL::uuid);
SELECT count(m), min(m) FROM segment_members('odd') m;
CREATE DOMAIN positive AS int CHECK (VALUE > 0);
CREATE TYPE level AS ENUM ('low', 'high');
CREATE TABLE floats (id float8 PRIMARY KEY);
CREATE TABLE domains (id positive PRIMARY KEY);
CREATE TABLE levels (id level PRIMARY KEY);
CREATE TABLE texts (id varchar(10) COLLATE "C" PRIMARY KEY);
INSERT INTO floats VALUES (0.1), (1e300);
INSERT INTO domains VALUES (1), (2);
INSERT INTO levels VALUES ('low'), ('high');
INSERT INTO texts VALUES ('b'), ('A');
SELECT attach_audience(name, name::regclass) FROM unnest('{floats,domains,levels,texts}'::text[]) name;
SELECT count(create_segment('all ' || name, '{}', audience => name)) FROM unnest('{floats,domains,levels,texts}'::text[]) name;
SET extra_float_digits = -5;
SELECT array_agg(m) FROM segment_members('all floats') m;
SELECT array_agg(m) FROM (SELECT segment_members('all floats')) s(m);
RESET extra_float_digits;
SELECT array_agg(m), pg_typeof(min(m)) FROM segment_members('all domains', NULL::int) m;
SELECT array_agg(m::int) FROM segment_members('all domains', NULL::positive) m;
SELECT array_agg(m) FROM segment_members('all domains') m;
EXPLAIN (COSTS off, VERBOSE) SELECT m FROM segment_members('all domains', NULL::positive) m;
SELECT array_agg(m ORDER BY m), array_agg(t ORDER BY t) FROM segment_members('all levels', NULL::level) m, segment_members('all levels') t WHERE m::text = t;
SELECT array_agg(m ORDER BY m) FROM segment_members('all texts', NULL::varchar) m;
SELECT array_agg(m ORDER BY m) FROM segment_members('all texts') m;
EXPLAIN (COSTS off, VERBOSE) SELECT m FROM segment_members('all texts', NULL::varchar) m ORDER BY m;

-- Ids are not rows, which would be many columns in FROM. A condition beside the call is asked once, not for each member.
CREATE TYPE pair AS (a text, b int);
CREATE TABLE pairs (id text PRIMARY KEY);
INSERT INTO pairs VALUES ('(x,1)'), ('(y,2)');
SELECT attach_audience('pairs', 'pairs');
SELECT name FROM create_segment('all pairs', '{}', audience => 'pairs');
SELECT b, a FROM segment_members('all pairs', NULL::pair) ORDER BY 1;
CREATE SEQUENCE asked;
SELECT segment_members('all pairs') WHERE nextval('asked') > 0;
SELECT last_value FROM asked;
SELECT detach_audience('pairs', true);

SELECT detach_audience(name, true) FROM segments.audience WHERE name IN ('people', 'germans', 'parts', 'floats', 'domains', 'levels', 'texts');
SELECT revoke_segments_access('regress_segments_reader', scope) FROM unnest('{read:contacts,read:segments}'::text[]) scope;
RESET search_path;
SET client_min_messages = error;
DROP SCHEMA regress_members CASCADE;
DEALLOCATE ALL;
DROP OWNED BY regress_segments_reader;
DROP ROLE regress_segments_reader;
