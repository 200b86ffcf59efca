-- Which indexes serve the conditions of an audience: in the expression, and in every function that reads contacts.
\pset format unaligned
\pset tuples_only on
SET max_parallel_workers_per_gather = 0;
CREATE TYPE served_stage AS ENUM ('lead', 'trial', 'customer');
CREATE TABLE served (
    id bigint PRIMARY KEY, code uuid, stage served_stage, city text COLLATE "C", town text,
    small smallint, age integer, big bigint, price numeric, rate real, ratio double precision, tags text[], joined date, seen timestamptz,
    created_at timestamptz NOT NULL, properties jsonb NOT NULL);
INSERT INTO served
SELECT n, md5(n::text)::uuid, (ARRAY['lead', 'trial', 'customer'])[CASE WHEN n % 250 = 0 THEN 3 ELSE 1 + n % 2 END]::served_stage,
       'City ' || n, 'Town ' || n, n % 1000, n, n, n / 4.0, n / 4.0, n / 10.0, ARRAY['tag ' || n],
       date '2000-01-01' + n % 2000, timestamptz '2024-01-01Z' + n * interval '1 hour', timestamptz '2024-01-01Z' + n * interval '1 minute',
       jsonb_build_object('score', n, 'plan', 'plan ' || n, 'region', 'region ' || n % 400, 'tags', jsonb_build_array('t' || n % 700))
FROM generate_series(1, 5000) n;
CREATE INDEX served_code ON served (code);
CREATE INDEX served_stage ON served (stage);
CREATE INDEX served_city ON served (city);
CREATE INDEX served_town ON served (town text_pattern_ops);
CREATE INDEX served_small ON served (small);
CREATE INDEX served_age ON served (age);
CREATE INDEX served_big ON served (big);
CREATE INDEX served_price ON served (price);
CREATE INDEX served_rate ON served (rate);
CREATE INDEX served_ratio ON served (ratio);
CREATE INDEX served_tags ON served USING gin (tags);
CREATE INDEX served_joined ON served (joined);
CREATE INDEX served_seen ON served (seen);
CREATE INDEX served_gin ON served USING gin (properties jsonb_path_ops);
CREATE INDEX served_score ON served (property_number(properties, 'score'));
CREATE INDEX served_plan ON served (property_text(properties, 'plan') COLLATE "C");
VACUUM ANALYZE served;
SELECT attach_audience('served', 'served', properties_column => 'properties', created_column => 'created_at');
SELECT create_property('score', 'number', 'served'), create_property('plan', 'string', 'served'), create_property('region', 'string', 'served');

CREATE FUNCTION serving(conditions segment_condition) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    line text;
    found text := '';
BEGIN
    FOR line IN EXECUTE 'EXPLAIN (COSTS off) SELECT FROM served WHERE ' || conditions_sql(conditions, 'served') LOOP
        found := concat_ws(' ', nullif(found, ''), substring(line FROM 'Scan (?:using|on) (served_\w+)'), substring(line FROM 'Bitmap(?:Or|And)|Seq Scan'));
    END LOOP;
    RETURN found;
END
$$;

-- Each type of column, by its own index; what is not of the column's type becomes it.
SELECT conditions, conditions_sql(conditions, 'served'), serving(conditions)
FROM unnest(ARRAY[
    '{"code": "c4ca4238-a0b9-2382-0dcc-509a6f75849b"}', '{"code": {"$in": ["c4ca4238-a0b9-2382-0dcc-509a6f75849b", "no uuid"]}}',
    '{"stage": "customer"}',
    '{"city": "City 7"}', '{"city": {"$startsWith": "City 77"}}', '{"city": {"$gte": "City 995", "$lt": "City 997"}}',
    '{"town": {"$in": ["Town 7", "Town 8"]}}', '{"town": {"$startsWith": "Town 77"}}',
    '{"small": 7.0}', '{"small": {"$gt": 998.5}}', '{"small": {"$gt": 40000}}', '{"age": {"$gte": 4990.5}}', '{"age": {"$lt": 3, "$gt": -1e30}}',
    '{"big": {"$in": [7, 8.5, 9]}}', '{"price": {"$lte": 2.25}}', '{"rate": 2.25}', '{"rate": {"$lt": 2.3}}', '{"ratio": 0.7}', '{"ratio": {"$gt": 499.1}}',
    '{"tags": "tag 7"}', '{"tags": {"$all": ["tag 7"]}}', '{"joined": "2000-01-05"}', '{"joined": {"$lt": "2000-01-05"}}', '{"seen": "2024-01-05"}',
    '{"seen": {"$lt": "2024-01-01T05:00:00Z"}}'
]::segment_condition[]) conditions \gx

-- Custom properties: a typed index where there is one, else GIN, also in one disjunction and beside what no index serves.
SELECT conditions, conditions_sql(conditions, 'served'), serving(conditions)
FROM unnest(ARRAY[
    '{"score": {"$gte": 100, "$lt": 110}}', '{"score": {"$in": [7, 8]}}', '{"plan": "plan 7"}', '{"plan": {"$startsWith": "plan 77"}}',
    '{"region": "region 7"}', '{"region": {"$in": ["region 7", "region 8"]}, "score": {"$ne": 7}}',
    '{"$or": [{"score": {"$lt": 5}}, {"plan": {"$startsWith": "plan 77"}}, {"age": 7}, {"region": "region 7", "city": {"$ne": "City 7"}}]}',
    '{"region": "region 7", "$or": [{"score": {"$lt": 500}}, {"town": {"$regex": "9$"}}]}'
]::segment_condition[]) conditions \gx

-- Counts, searches and members read through them, and never the table as a whole.
CREATE FUNCTION scans(statement text, index regclass) RETURNS TABLE(by_index boolean, by_table boolean) LANGUAGE plpgsql AS $$
DECLARE
    of_index_before bigint := pg_stat_get_xact_numscans(index);
    of_table_before bigint := pg_stat_get_xact_numscans('served'::regclass);
BEGIN
    EXECUTE statement;
    RETURN QUERY SELECT pg_stat_get_xact_numscans(index) > of_index_before, pg_stat_get_xact_numscans('served'::regclass) > of_table_before;
END
$$;
SELECT id AS by_typed FROM create_segment('By typed index', '{"score": {"$lt": 10}}', audience => 'served') \gset
SELECT id AS by_gin FROM create_segment('By GIN', '{"region": "region 7"}', audience => 'served') \gset
SELECT regexp_replace(call, '[0-9a-f]{8}-[-0-9a-f]+', '…') AS call, scans.* FROM (VALUES
    ('served_score'::regclass, $$SELECT count_contacts('{"score": {"$lt": 10}}', 'served')$$),
    ('served_gin', $$SELECT count_contacts('{"region": "region 7"}', 'served')$$),
    ('served_age', $$SELECT count_contacts('{"age": {"$lt": 10}}', 'served')$$),
    ('served_gin', $$SELECT search_contacts('{"region": "region 7"}', 'served')$$),
    ('served_score', $$SELECT search_contacts('{"score": {"$lt": 10}}', 'served')$$),
    ('served_score', format('SELECT segment_contacts(%L)', :'by_typed')),
    ('served_gin', format('SELECT segment_members(%L, NULL::bigint)', :'by_gin')),
    ('served_score', format('SELECT segment_members(%L, NULL::bigint)', :'by_typed')),
    ('served_pkey', format('SELECT in_segment(7::bigint, %L)', :'by_typed'))
) calls(index, call), LATERAL scans(call, index);

-- Under row-level security too, but for what is not leakproof in Postgres: comparisons of numeric, and LIKE.
CREATE ROLE regress_served_reader;
GRANT SELECT ON served TO regress_served_reader;
ALTER TABLE served ENABLE ROW LEVEL SECURITY;
CREATE POLICY early ON served USING (id <= 4000);
SET ROLE regress_served_reader;
EXPLAIN (COSTS off) SELECT FROM served WHERE properties @~ '{"region": {"$in": ["region 7", "region 8"]}, "score": {"$gt": 5}}';
EXPLAIN (COSTS off) SELECT FROM served WHERE property_text(properties, 'plan') COLLATE "C" = 'plan 7';
EXPLAIN (COSTS off) SELECT FROM served WHERE property_number(properties, 'score') = 7;
RESET ROLE;
REVOKE ALL ON served FROM regress_served_reader;
DROP POLICY early ON served;
ALTER TABLE served DISABLE ROW LEVEL SECURITY;
DROP ROLE regress_served_reader;

-- Partitions that a condition excludes are not read.
CREATE TABLE served_parts (id bigint, country text, properties jsonb) PARTITION BY LIST (country);
CREATE TABLE served_de PARTITION OF served_parts FOR VALUES IN ('DE');
CREATE TABLE served_us PARTITION OF served_parts FOR VALUES IN ('US');
INSERT INTO served_parts SELECT n, (ARRAY['DE', 'US'])[1 + n % 2], jsonb_build_object('score', n) FROM generate_series(1, 1000) n;
ANALYZE served_parts;
SELECT attach_audience('parts', 'served_parts', id_column => 'id', properties_column => 'properties');
SELECT create_property('score', 'number', 'parts');
SELECT 'EXPLAIN (COSTS off) SELECT FROM served_parts WHERE ' || conditions_sql('{"country": "DE", "score": {"$gt": 100}}', 'parts') AS statement \gset
:statement;
SELECT pg_stat_force_next_flush();
BEGIN;
SELECT count_contacts('{"country": "DE", "score": {"$gt": 100}}', 'parts');
SELECT relname, seq_scan FROM pg_stat_xact_user_tables WHERE relname IN ('served_de', 'served_us') ORDER BY 1;
ROLLBACK;

DROP FUNCTION serving, scans;
SELECT detach_audience('parts'), detach_audience('served', cascade => true);
DROP TABLE served, served_parts;
DROP TYPE served_stage;
