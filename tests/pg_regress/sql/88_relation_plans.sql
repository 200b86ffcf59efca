-- The plans of conditions on relations: semi-joins, anti-joins and grouped sub-queries, and no sub-plan that is not hashed.
\pset tuples_only
\pset format unaligned
CREATE SCHEMA plans;
SET search_path = plans, public;
CREATE TABLE person (id bigint PRIMARY KEY, country text, vip boolean);
INSERT INTO person SELECT i, (ARRAY['US', 'DE', NULL])[1 + i % 3], (ARRAY[true, false, NULL])[1 + i % 20 / 9] FROM generate_series(1, 3000) i;
CREATE TABLE purchase (id bigint PRIMARY KEY, person bigint, placed_at timestamptz, total numeric, kind text, weight float8, data jsonb);
INSERT INTO purchase
SELECT i, nullif(i * i % 3100, 0), timestamptz '2024-05-01 00:00Z' + i % 61 * interval '7 hours', nullif(i % 40, 7) / 4.0,
       (ARRAY['web', 'shop', 'app', NULL])[1 + i % 11 % 4], i % 10 / 10.0::float8, jsonb_build_object('score', i % 5, 'channel', 'c' || i % 3)
  FROM generate_series(1, 12000) i;
CREATE INDEX ON purchase (person);
CREATE INDEX ON purchase (placed_at);
-- The id as text, and no primary key.
CREATE TABLE visit (who text, at timestamp, name text);
INSERT INTO visit
SELECT i * i % 3100, timestamp '2024-05-01' + i % 53 * interval '9 hours', (ARRAY['pricing', 'sign-up', 'home', NULL])[1 + i % 13 % 4]
  FROM generate_series(1, 15000) i;
CREATE INDEX ON visit (who);
VACUUM ANALYZE person, purchase, visit;
SELECT attach_audience('people', 'plans.person');
SELECT attach_relation('orders', 'plans.purchase', 'person', 'people', properties_column => 'data', time_column => 'placed_at');
SELECT attach_relation('visits', 'plans.visit', 'who', 'people', time_column => 'at');
SELECT create_property('orders.score', 'number', 'people');

CREATE FUNCTION plan(condition text) RETURNS SETOF text LANGUAGE plpgsql AS $$
BEGIN
    RETURN QUERY EXECUTE 'EXPLAIN (COSTS OFF) SELECT count(*) FROM person WHERE '
        || conditions_sql(condition::segment_condition, 'people');
END $$;
-- How often a sub-plan stands in the plan of a condition, which may run once for each contact.
CREATE FUNCTION sub_plans(condition text) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE plan jsonb;
BEGIN
    EXECUTE 'EXPLAIN (FORMAT json) SELECT count(*) FROM person WHERE ' || conditions_sql(condition::segment_condition, 'people') INTO plan;
    RETURN (SELECT count(*) FROM jsonb_path_query(plan, '$.**."Parent Relationship" ? (@ == "SubPlan")'));
END $$;

-- What all versions have in common: how often the relation is read, and whether it is joined, grouped, or in a sub-plan.
CREATE FUNCTION shape(condition text) RETURNS text LANGUAGE sql AS $$
SELECT concat_ws(', ', count(*) FILTER (WHERE line ~ ' on (purchase|visit) ') || ' read',
                 CASE WHEN bool_or(line ~ 'Anti Join') THEN 'anti-join' WHEN bool_or(line ~ 'Join|Nested Loop') THEN 'join' END,
                 CASE WHEN bool_or(line ~ 'Group Key') THEN 'grouped' END, CASE WHEN bool_or(line ~ 'SubPlan') THEN 'sub-plan' END)
  FROM plan(condition) line
$$;
SET max_parallel_workers_per_gather = 0;
SELECT shape('{"orders": {"$some": {"kind": "app"}}}') ~ '^1 read, join';
SELECT shape('{"orders": {"$none": {"kind": "app"}}}');
SELECT shape('{"orders": {"$filter": {"kind": "app"}, "$count": {"$gte": 3}, "$sum": {"total": {"$gt": 5}}}, "country": "US"}');
SELECT shape('{"orders": {"$count": {"$lt": 3}}}');
SELECT shape('{"$or": [{"vip": true}, {"orders": {"$count": {"$gte": 5}}}]}');
-- The rows of one contact are found by the index, also where the id is compared as text.
SET enable_seqscan = off;
SELECT plan FROM plan('{"orders": {"$count": {"$gte": 3}}, "id": 7}') plan WHERE plan ~ 'Index';
SELECT plan FROM plan('{"$or": [{"vip": true}, {"orders": {"$count": {"$gte": 3}}}], "id": 7}') plan WHERE plan ~ 'Index';
SELECT plan FROM plan('{"visits": {"$some": {"name": "home"}}, "id": 7}') plan WHERE plan ~ 'Index';
RESET enable_seqscan;
RESET max_parallel_workers_per_gather;

-- Conditions, and the same on a document where that is written in another way.
CREATE TABLE asked (number serial, condition text, on_document text);
INSERT INTO asked (condition) VALUES
    ('{"orders": {"$some": {"kind": "web", "total": {"$gt": 3}}}}'),
    ('{"orders": {"$none": {"kind": "web"}}}'),
    ('{"orders": {"$every": {"total": {"$lt": 9}}}}'),
    ('{"orders": {"$count": {"$gte": 5}}}'),
    ('{"orders": {"$filter": {"kind": "web"}, "$count": {"$lt": 2}}}'),
    ('{"orders": {"$filter": {"kind": "web"}, "$count": {"$lt": 2}, "$sum": {"total": {"$gt": 3}}}}'),
    ('{"orders": {"$sum": {"total": {"$gt": 20}}}}'),
    ('{"orders": {"$not": {"$sum": {"total": {"$gt": 20}}}}}'),
    ('{"orders": {"$avg": {"total": {"$gte": 5}}}}'),
    ('{"orders": {"$avg": {"total": {"$ne": 5}}}}'),
    ('{"orders": {"$sum": {"weight": {"$in": [0.3, 1.1, 2]}}}}'),
    ('{"orders": {"$min": {"total": {"$gte": 1}}}}'),
    ('{"orders": {"$max": {"total": {"$lt": 8}, "kind": {"$ne": "web"}}}}'),
    ('{"orders": {"$distinct": {"kind": {"$gte": 3}}}}'),
    ('{"orders": {"$distinct": {"score": {"$lte": 2}}}}'),
    ('{"orders.total": {"$gt": 9}}'),
    ('{"orders.total": {"$exists": false}}'),
    ('{"visits": {"$count": {"$gte": 6}}, "vip": true}'),
    ('{"visits": {"$none": {"name": "home"}}, "orders": {"$count": 0}}'),
    ('{"$or": [{"vip": true}, {"orders": {"$count": {"$gte": 5}}}]}'),
    ('{"$or": [{"orders": {"$some": {"kind": "web"}}}, {"orders": {"$sum": {"total": {"$gt": 20}}}}], "country": "US"}'),
    ('{"$nor": [{"vip": true}, {"orders": {"$count": {"$gte": 5}}, "visits": {"$some": {"name": "home"}}}]}'),
    ('{"$or": [{"orders": {"$none": {"score": 3}}}, {"visits": {"$count": {"$lt": 4}}}]}');
INSERT INTO asked (condition, on_document)
SELECT replace(condition, '@', ''),
       replace(condition, '@', CASE WHEN condition ~ 'orders' THEN '"$by": {"$field": "placed_at", "$as": "timestamp", "$stable": true}, '
                                    ELSE '"$by": {"$field": "at", "$as": "timestamp"}, ' END)
  FROM unnest(ARRAY[
    '{"orders": {@"$last": {"kind": "web"}}}',
    '{"orders": {@"$filter": {"total": {"$gt": 2}}, "$first": {"kind": {"$ne": "web"}}}}',
    '{"visits": {@"$first": {"name": "home"}}}',
    '{"orders": {@"$sequence": [{"kind": "web"}, {"kind": "shop", "$within": "3 days"}]}}',
    '{"orders": {@"$sequence": [{"kind": "web"}, {"kind": "app"}, {"kind": "shop", "$within": "1 month"}]}}',
    '{"visits": {@"$sequence": [{"name": "pricing"}, {"name": "sign-up", "$within": "5 days"}]}}',
    '{"$nor": [{"vip": true}, {"visits": {@"$sequence": [{"name": "pricing"}, {"name": "home", "$within": "90 hours"}]}}]}',
    '{"$or": [{"vip": true}, {"orders": {@"$last": {"kind": "web"}}}]}']) condition;

-- No plan has a sub-plan, however little memory there is.
SELECT condition, sub_plans(condition) FROM asked WHERE sub_plans(condition) > 0;
SET work_mem = '64kB';
SELECT condition, sub_plans(condition) FROM asked WHERE sub_plans(condition) > 0;
SELECT shape('{"$or": [{"vip": true}, {"orders": {"$count": {"$gte": 5}}}]}');
RESET work_mem;

-- Those who satisfy a condition are those whose document, with arrays of rows, satisfies it: by the query that counts, by
-- the expression for WHERE, and one by one.
SET TimeZone = 'UTC';
CREATE TABLE documents AS
SELECT p.id, jsonb_strip_nulls(to_jsonb(p)) || jsonb_build_object(
    'orders', (SELECT coalesce(jsonb_agg(o.data || jsonb_strip_nulls(to_jsonb(o) - 'data') ORDER BY o.id), '[]') FROM purchase o WHERE o.person = p.id),
    'visits', (SELECT coalesce(jsonb_agg(jsonb_strip_nulls(to_jsonb(v))), '[]') FROM visit v WHERE v.who = p.id::text)) AS document
  FROM person p;
CREATE FUNCTION found(condition text) RETURNS SETOF bigint LANGUAGE plpgsql AS $$
BEGIN
    RETURN QUERY EXECUTE 'SELECT id FROM person WHERE ' || conditions_sql(condition::segment_condition, 'people');
END $$;
SELECT a.condition, f.found, f.counted, d.expected
  FROM asked a
 CROSS JOIN LATERAL (SELECT array_agg(id ORDER BY id) AS expected FROM documents
                      WHERE document @~ coalesce(on_document, condition)::segment_condition) d
 CROSS JOIN LATERAL (SELECT (SELECT array_agg(id ORDER BY id) FROM found(condition) id) AS found,
                            count_contacts(condition::segment_condition, 'people') AS counted) f
 WHERE f.found IS DISTINCT FROM d.expected OR f.counted <> coalesce(cardinality(d.expected), 0);
SELECT count(*) AS conditions, count(*) FILTER (WHERE count_contacts(condition::segment_condition, 'people') BETWEEN 1 AND 2999) AS of_some FROM asked;
-- A count asks one of several queries, whichever costs least: look-ups where these cost nothing, and others without indexes.
CREATE TABLE around (number serial, condition text);
INSERT INTO around (condition) VALUES ('{"$and": [?, {"country": "US"}]}'), ('{"$or": [?, {"vip": true}]}');
CREATE FUNCTION wrongly_counted(half int) RETURNS TABLE (condition text, counted bigint, expected bigint) LANGUAGE sql AS $$
SELECT replace(around.condition, '?', asked.condition), c.counted, d.expected
  FROM asked
 CROSS JOIN around
 CROSS JOIN LATERAL (SELECT count_contacts(replace(around.condition, '?', asked.condition)::segment_condition, 'people') AS counted) c
 CROSS JOIN LATERAL (SELECT count(*) AS expected FROM documents
                      WHERE document @~ replace(around.condition, '?', coalesce(on_document, asked.condition))::segment_condition) d
 WHERE (asked.number + around.number) % 2 = half AND c.counted <> d.expected
$$;
SET random_page_cost = 0;
SELECT * FROM wrongly_counted(0);
RESET random_page_cost;
SET enable_indexscan = off;
SET enable_bitmapscan = off;
SELECT * FROM wrongly_counted(1);
RESET enable_indexscan;
RESET enable_bitmapscan;
SELECT count(create_segment('asked ' || number, condition::segment_condition, audience => 'people')) FROM asked;
SELECT a.condition, p.id FROM asked a JOIN documents p ON p.id % 150 = 1
 WHERE in_segment(p.id::text, 'asked ' || a.number) <> (p.document @~ coalesce(on_document, condition)::segment_condition);
SELECT a.condition, p.id FROM asked a JOIN documents p ON p.id IN (1, 7, 9, 2999)
 WHERE (SELECT matches FROM explain_match(p.id::text, 'asked ' || a.number) LIMIT 1)
       <> (p.document @~ coalesce(on_document, condition)::segment_condition);
SELECT a.condition, r.contact_count, r.error
  FROM refresh_segments('people') r JOIN segments.segment s ON s.id = r.segment JOIN asked a ON s.name = 'asked ' || a.number
 WHERE r.contact_count IS DISTINCT FROM count_contacts(a.condition::segment_condition, 'people');
SET client_min_messages = warning;
SELECT detach_audience('people', true);
DROP SCHEMA plans CASCADE;
