-- What the planner knows of a condition: a GIN index on the jsonb column serves it.
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

-- Under row-level security too: the operator is leakproof.
CREATE ROLE regress_planner_reader;
GRANT SELECT ON lead TO regress_planner_reader;
ALTER TABLE lead ENABLE ROW LEVEL SECURITY;
CREATE POLICY even ON lead USING (id % 2 = 0);
SET ROLE regress_planner_reader;
EXPLAIN (COSTS OFF) SELECT * FROM lead WHERE properties @~ '{"company": "Company 7"}';
SELECT id FROM lead WHERE properties @~ '{"company": "Company 7"}' ORDER BY id;
RESET ROLE;

DROP TABLE lead;
DROP FUNCTION plan;
DROP ROLE regress_planner_reader;
