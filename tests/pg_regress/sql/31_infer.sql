-- Which properties a sample has: also inside objects, by the names that conditions give them, in a time that grows with
-- the number of keys.
\pset format unaligned
\pset tuples_only on
CREATE TABLE kept (id int PRIMARY KEY, properties jsonb);
SELECT attach_audience('kept', 'kept', properties_column => 'properties');
INSERT INTO kept VALUES
    (1, '{"$geoip": "DE", "company.size": 5, "back\\slash": true, "company": {"size": 5, "since": "2024-01-01", "tags": ["a"], "at": {"city": "x"}}}'),
    (2, '{"$geoip": "FR", "company": {"size": 7, "$id": "x", "a.b": null}, "": 1, "list": [{"a": 1}]}'),
    (3, '{"company": "none", "list": [1, 2]}'), (4, '[]'), (5, NULL);
SELECT * FROM infer_properties('kept');
-- The most frequent values are the examples, nulls aside, and one odd value among a hundred does not make a type.
TRUNCATE kept;
INSERT INTO kept SELECT n, CASE WHEN n <= 50 THEN '{"a": null}' WHEN n = 51 THEN '{"a": "x"}' ELSE jsonb_build_object('a', n % 5, 'b',
    ARRAY[n % 3]) END FROM generate_series(1, 200) n;
SELECT * FROM infer_properties('kept');
-- Many keys: those are shown that most contacts have.
TRUNCATE kept;
INSERT INTO kept SELECT 1, jsonb_object_agg('k' || n, n) || '{"object": {"a": 1}}' FROM generate_series(1, 50000) n;
INSERT INTO kept VALUES (2, '{"k50000": 1, "plan": "pro"}');
\set VERBOSITY default
SET client_min_messages = notice;
SELECT count(*), count(*) FILTER (WHERE present = 1), min(name), sum(distinct_values) FROM infer_properties('kept');
SET client_min_messages = warning;
SELECT detach_audience('kept', true);
DROP TABLE kept;
