-- What the planner knows of a condition: a GIN index on the jsonb column serves it.
\pset format unaligned
\pset tuples_only on
SET max_parallel_workers_per_gather = 0;
CREATE TABLE lead (id int PRIMARY KEY, properties jsonb NOT NULL);
INSERT INTO lead
SELECT n, jsonb_build_object(
    'country', (ARRAY['US', 'DE', 'FR', 'EE'])[CASE WHEN n % 100 = 0 THEN 4 ELSE 1 + n % 3 END],
    'company', 'Company ' || n / 4,
    'score', n % 500,
    'tags', CASE WHEN n % 200 = 0 THEN '["vip", "beta"]' ELSE '["newsletter"]' END::jsonb,
    'address', jsonb_build_object('city', 'City ' || n % 300))
    || CASE WHEN n % 250 = 0 THEN '{"referrer": "friend"}' ELSE '{}' END::jsonb
FROM generate_series(1, 10000) n;
CREATE INDEX lead_paths ON lead USING gin (properties jsonb_path_ops);
VACUUM ANALYZE lead;

CREATE FUNCTION plan(condition text) RETURNS SETOF text LANGUAGE plpgsql AS $$
BEGIN
    RETURN QUERY EXECUTE format('EXPLAIN (COSTS OFF) SELECT * FROM lead WHERE properties @~ %L', condition);
END
$$;

-- Equality, as a number, as a string, of an element, of a field of an object.
SELECT plan('{"score": 17}');
SELECT plan('{"company": "Company 7"}');
SELECT plan('{"tags": "vip"}');
SELECT plan('{"address.city": "City 7"}');

-- A tree becomes one index condition, less what the index cannot say.
SELECT plan('{"country": "EE", "$or": [{"tags": "vip"}, {"score": {"$in": [17, 18]}}], "company": {"$ne": "Company 7"}}');
SELECT plan('{"$nor": [{"country": {"$ne": "EE"}}]}');

-- Containers are found by the scalars in them.
SELECT plan('{"tags": ["vip", "beta"]}');
SELECT plan('{"tags": {"$all": ["vip", "beta"]}}');
SELECT plan('{"address": {"$eq": {"city": "City 7"}}}');

-- The commutator, the function, and a parameter of any type that becomes a condition.
EXPLAIN (COSTS OFF) SELECT * FROM lead WHERE '{"score": 17}' ~@ properties;
EXPLAIN (COSTS OFF) SELECT * FROM lead WHERE segment_matches(properties, '{"score": 17}');
PREPARE by_condition(segment_condition) AS SELECT * FROM lead WHERE properties @~ $1;
PREPARE by_text(text) AS SELECT * FROM lead WHERE properties @~ $1;
PREPARE by_json(jsonb) AS SELECT * FROM lead WHERE properties @~ $1;
EXPLAIN (COSTS OFF) EXECUTE by_condition('{"score": 17}');
EXPLAIN (COSTS OFF) EXECUTE by_text('{"score": 17}');
EXPLAIN (COSTS OFF) EXECUTE by_json('{"score": 17}');
-- It stays so: the plan for any parameter is dearer.
DO $$ BEGIN FOR n IN 1..7 LOOP EXECUTE 'EXECUTE by_text(''{"score": 17}'')'; END LOOP; END $$;
EXPLAIN (COSTS OFF) EXECUTE by_text('{"score": 17}');
SET plan_cache_mode = force_generic_plan;
EXPLAIN (COSTS OFF) EXECUTE by_text('{"score": 17}');
RESET plan_cache_mode;

-- Whatever a missing field satisfies is no index condition.
SELECT plan('{"referrer": null}');
SELECT plan('{"score": {"$in": [17, null]}}');
SELECT plan('{"score": {"$ne": 17}}');
SELECT plan('{"score": {"$nin": [17]}}');
SELECT plan('{"referrer": {"$exists": false}}');
SELECT plan('{"$or": [{"score": 17}, {"score": {"$gt": 498}}]}');

-- jsonb_path_ops knows no keys, jsonb_ops does.
SELECT plan('{"referrer": {"$exists": true}}');
DROP INDEX lead_paths;
CREATE INDEX lead_keys ON lead USING gin (properties);
SELECT plan('{"referrer": {"$exists": true}}');
SELECT plan('{"referrer": {"$startsWith": "fr"}}');
SELECT plan('{"$or": [{"referrer": {"$regex": "^f"}}, {"coupon": {"$gt": 5}}]}');
SELECT plan('{"company": "Company 7", "tags": {"$ne": "vip"}}');

-- Beside equalities, a key is looked for where the condition asks for no more than the key.
SELECT plan('{"referrer": {"$exists": true}, "country": "EE", "score": {"$gt": 5}}');
SELECT plan('{"$nor": [{"referrer": {"$exists": false}}]}');
SELECT plan('{"$or": [{"referrer": {"$exists": true}}, {"coupon": "x", "tags": {"$ne": "vip"}}]}');

-- A key that every document has is not looked for.
SELECT plan('{"company": {"$startsWith": "Company 7"}}');

-- Estimates come from documents: within a factor of 2 over 1 % of the table, of 5 over 0.1 %.
CREATE FUNCTION estimate(condition text, relation text = 'lead') RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
    plan json;
BEGIN
    EXECUTE format('EXPLAIN (FORMAT json) SELECT FROM %I WHERE properties @~ %L', relation, condition) INTO plan;
    RETURN plan -> 0 -> 'Plan' ->> 'Plan Rows';
END
$$;
SELECT condition, matching, estimate BETWEEN matching / most AND matching * most AS is_near
FROM (VALUES (2, '{}'), (2, '{"country": "EE"}'), (2, '{"country": {"$ne": "US"}}'), (2, '{"score": {"$lt": 50}}'),
             (2, '{"company": {"$regex": "7$"}}'), (2, '{"country": "DE", "score": {"$gte": 400}}'),
             (2, '{"$or": [{"tags": "vip"}, {"country": "EE"}]}'), (5, '{"tags": "vip"}'), (5, '{"referrer": {"$exists": true}}'),
             (5, '{"score": 17}'), (5, '{"address.city": "City 7"}')) conditions(most, condition),
    LATERAL (SELECT count(*) AS matching FROM lead WHERE properties @~ condition) counted,
    LATERAL estimate(condition) AS estimate;
SELECT estimate('{"company": "Company 7"}') < 20 AS is_rare, estimate('{"country": {"$in": []}}') AS nobody;
-- So is what an index finds: the rows with the equalities of a condition.
CREATE FUNCTION found(condition text) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
    plan json;
BEGIN
    EXECUTE format('EXPLAIN (FORMAT json) SELECT FROM lead WHERE properties @~ %L', condition) INTO plan;
    RETURN plan -> 0 -> 'Plan' -> 'Plans' -> 0 ->> 'Plan Rows';
END
$$;
SELECT condition, found(condition) = estimate(equalities) AS same
FROM (VALUES ('{"score": 17}', '{"score": 17}'), ('{"country": "EE", "score": {"$gt": 5}}', '{"country": "EE"}'),
             ('{"referrer": {"$exists": true}, "country": "EE"}', '{"referrer": {"$exists": true}, "country": "EE"}')) found(condition, equalities);
DROP FUNCTION found;
EXPLAIN (COSTS OFF) SELECT FROM lead a JOIN lead b ON b.id = a.id + 1 WHERE a.properties @~ '{"company": "Company 7"}'; -- few rows: a nested loop

-- Reading documents to estimate takes no part in what a serializable transaction watches.
BEGIN ISOLATION LEVEL SERIALIZABLE;
SELECT estimate('{"score": 17}') BETWEEN 4 AND 100 AS is_near;
SELECT count(*) AS watched FROM pg_locks WHERE mode = 'SIReadLock' AND relation = 'lead'::regclass;
COMMIT;

-- Scans go parallel.
SET max_parallel_workers_per_gather = 2;
SET min_parallel_table_scan_size = 0;
SET parallel_setup_cost = 10;
EXPLAIN (COSTS OFF) SELECT count(*) FROM lead WHERE properties @~ '{"score": {"$gt": 100}}';
RESET min_parallel_table_scan_size;
RESET parallel_setup_cost;
SET max_parallel_workers_per_gather = 0;

-- What evaluation costs grows with the condition.
CREATE FUNCTION price(condition text) RETURNS numeric LANGUAGE plpgsql AS $$
DECLARE
    plan json;
BEGIN
    EXECUTE format('EXPLAIN (FORMAT json) SELECT FROM lead WHERE properties @~ %L', condition) INTO plan;
    RETURN plan -> 0 -> 'Plan' ->> 'Total Cost';
END
$$;
SELECT price('{"score": {"$gt": 1}}') < price('{"score": {"$gt": 1}, "country": {"$gt": "A"}}') AS by_tests,
       price('{"score": {"$gt": 1}}') < price('{"country": {"$regex": "A"}}') AS by_operator;

-- A condition that changes from row to row.
SELECT count(*) FROM lead WHERE id <= 600 AND properties @~ format('{"score": %s}', id);

-- Under row-level security too an index serves: the operator is leakproof. But estimates know nothing of documents there, or
-- they would tell of hidden rows; not even where the same was estimated before for someone who sees all.
CREATE FUNCTION tells(relation text = 'lead') RETURNS boolean LANGUAGE sql AS $$
    SELECT estimate('{"country": {"$startsWith": "E"}}', relation) <> estimate('{"country": {"$startsWith": "X"}}', relation)
        OR estimate('{"company": {"$startsWith": "C"}}', relation) <> estimate('{"company": {"$startsWith": "X"}}', relation)
$$;
SELECT tells() AS all_rows;
CREATE ROLE regress_planner_reader;
GRANT SELECT ON lead TO regress_planner_reader;
CREATE VIEW early_lead WITH (security_barrier) AS SELECT * FROM lead WHERE id <= 9000;
CREATE VIEW plain_lead AS SELECT * FROM lead;
GRANT SELECT ON early_lead, plain_lead TO regress_planner_reader;
SET ROLE regress_planner_reader;
SELECT tells() AS all_rows, tells('plain_lead') AS plain, tells('early_lead') AS barrier;
RESET ROLE;
ALTER TABLE lead ENABLE ROW LEVEL SECURITY;
CREATE POLICY early ON lead USING (id <= 9000);
SET ROLE regress_planner_reader;
EXPLAIN (COSTS OFF) SELECT * FROM lead WHERE properties @~ '{"company": "Company 7"}';
SELECT id FROM lead WHERE properties @~ '{"company": "Company 7"}' ORDER BY id;
SELECT tells() AS policies, tells('plain_lead') AS owner_of_view;
SELECT plan('{"company": {"$startsWith": "Company 7"}}'); -- that every document has the key is not known either
RESET ROLE;

DROP VIEW early_lead, plain_lead;
DROP TABLE lead;

-- So it is with partitions, whose rows the policies of the whole hide.
CREATE TABLE lead (id int, properties jsonb) PARTITION BY RANGE (id);
CREATE TABLE lead_1 PARTITION OF lead FOR VALUES FROM (0) TO (3000);
CREATE TABLE lead_2 (properties jsonb, id int);
ALTER TABLE lead ATTACH PARTITION lead_2 FOR VALUES FROM (3000) TO (6000);
INSERT INTO lead SELECT n, '{"country": "EE", "company": "Company"}' FROM generate_series(0, 5999) n;
ANALYZE lead;
GRANT SELECT (properties) ON lead TO regress_planner_reader;
SET ROLE regress_planner_reader;
SELECT tells() AS all_rows;
RESET ROLE;
ALTER TABLE lead ENABLE ROW LEVEL SECURITY;
CREATE POLICY early ON lead USING (id <= 1000);
GRANT SELECT ON lead TO regress_planner_reader;
SET ROLE regress_planner_reader;
SELECT tells() AS policies;
RESET ROLE;
DROP TABLE lead;
DROP ROLE regress_planner_reader;

-- Tables that were never analyzed, that hold NULL, and that hold few different documents.
CREATE TABLE lead (properties jsonb);
INSERT INTO lead SELECT CASE WHEN n % 4 = 0 THEN NULL ELSE jsonb_build_object('n', n % 10) END FROM generate_series(1, 5000) n;
SELECT estimate('{"n": 7}') BETWEEN 400 AND 600 AS before_analyze, estimate('{}') BETWEEN 3000 AND 4500 AS everybody;
ANALYZE lead;
SELECT estimate('{"n": 7}') BETWEEN 400 AND 600 AS after_analyze, estimate('{"n": 6}') BETWEEN 200 AND 300 AS of_other, estimate('{}') = 3750 AS everybody;
TRUNCATE lead;
SELECT estimate('{"n": 7}') BETWEEN 50 AND 300 AS of_empty_table; -- which Postgres takes to have ten pages
DROP TABLE lead;

-- Documents that are stored out of line, of which ANALYZE keeps nothing, are read too.
CREATE TABLE lead (properties jsonb);
ALTER TABLE lead ALTER properties SET STORAGE EXTERNAL;
INSERT INTO lead SELECT jsonb_build_object('pad', repeat('x', 4000), 'n', n % 10) FROM generate_series(1, 3000) n;
ANALYZE lead;
SELECT estimate('{"n": 7}') BETWEEN 150 AND 600 AS is_near;
DROP TABLE lead;

-- Where few documents match and there are statistics of a property by itself, of CREATE STATISTICS or of an index, they are
-- used: the estimates are Postgres's own for the expression.
CREATE TABLE lead (properties jsonb);
INSERT INTO lead SELECT jsonb_build_object('score', n % 3000, 'plan', 'plan ' || n % 2000, 'vip', n % 700 = 0, 'pad', n,
                                           'seen', timestamptz '2024-01-01Z' + n * interval '1 hour') FROM generate_series(1, 20000) n;
CREATE STATISTICS lead_score ON (property_number(properties, 'score')) FROM lead;
CREATE STATISTICS lead_vip ON (property_boolean(properties, 'vip')) FROM lead;
CREATE INDEX ON lead (property_text(properties, 'plan') COLLATE "C");
CREATE INDEX ON lead (property_timestamp(properties, 'seen'));
ANALYZE lead;
CREATE FUNCTION estimate_by_hand(expression text) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
    plan json;
BEGIN
    EXECUTE 'EXPLAIN (FORMAT json) SELECT FROM lead WHERE ' || expression INTO plan;
    RETURN plan -> 0 -> 'Plan' ->> 'Plan Rows';
END
$$;
SELECT condition, estimate(condition) = estimate_by_hand(expression) AS same
FROM (VALUES ('{"score": 17}', $$property_number(properties, 'score') = 17$$),
             ('{"score": {"$as": "number", "$gte": 2990}}', $$property_number(properties, 'score') >= 2990$$),
             ('{"score": {"$gt": 1000, "$lte": 1010.5}}', $$property_number(properties, 'score') > 1000 AND property_number(properties, 'score') <= 1010.5$$),
             ('{"score": {"$lt": 2}, "plan": {"$as": "string", "$eq": "plan 1"}}', $$property_number(properties, 'score') < 2
                 AND property_text(properties, 'plan') COLLATE "C" = 'plan 1'$$),
             ('{"vip": true}', $$property_boolean(properties, 'vip')$$),
             ('{"plan": "plan 7"}', $$property_text(properties, 'plan') COLLATE "C" = 'plan 7'$$),
             ('{"seen": {"$as": "timestamp", "$gte": {"$date": "2026-04-10"}}}', $$property_timestamp(properties,
                 'seen') >= '2026-04-10Z'$$)) same(condition, expression);
SELECT estimate('{"score": {"$ne": 17}}') > 19000 AS of_complement, estimate('{"score": {"$in": [17, 18]}}') BETWEEN 5 AND 30 AS of_list,
       estimate('{"score": {"$gt": 1e300}}') BETWEEN 0 AND 100 AS of_huge, estimate('{"score": {"$gt": 1e99999}}') BETWEEN 0 AND 100 AS of_too_huge;
-- Under row-level security they may not be used.
CREATE ROLE regress_planner_reader;
GRANT SELECT ON lead TO regress_planner_reader;
ALTER TABLE lead ENABLE ROW LEVEL SECURITY;
CREATE POLICY everything ON lead USING (properties IS NOT NULL);
SET ROLE regress_planner_reader;
SELECT estimate('{"score": {"$lt": 300}}') = estimate('{"score": {"$lt": 3000}}') AS same;
RESET ROLE;
DROP TABLE lead;
DROP ROLE regress_planner_reader;
DROP FUNCTION estimate_by_hand;

-- Partitions: those that the query reads are each estimated.
CREATE TABLE lead (id int, properties jsonb) PARTITION BY RANGE (id);
CREATE TABLE lead_1 PARTITION OF lead FOR VALUES FROM (0) TO (3000);
CREATE TABLE lead_2 PARTITION OF lead FOR VALUES FROM (3000) TO (6000);
INSERT INTO lead SELECT n, jsonb_build_object('n', n % 10, 'half', n / 3000) FROM generate_series(0, 5999) n;
CREATE INDEX ON lead USING gin (properties);
VACUUM ANALYZE lead;
SELECT estimate('{"n": 7}') BETWEEN 300 AND 1200 AS is_near;
EXPLAIN (COSTS OFF) SELECT FROM lead WHERE id >= 3000 AND properties @~ '{"half": 0}';
DROP TABLE lead;

DROP FUNCTION plan, tells, estimate, price;
