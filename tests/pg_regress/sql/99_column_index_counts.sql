-- Counting by a column index: the same counts as without it, whatever has happened to the table since pages were folded.
\pset format unaligned
\pset tuples_only on
CREATE TYPE plan AS ENUM ('free', 'pro', 'team');
CREATE TABLE shopper (
    id int PRIMARY KEY, country text, city varchar(20), code char(4), age int, balance numeric, score float8, ratio float4, vip boolean,
    born date, seen_at timestamptz, tags text[], plan plan, plans plan[], extra jsonb, raw json, token uuid, ip inet, properties jsonb)
    WITH (autovacuum_enabled = off);
CREATE FUNCTION shoppers(first int, last int) RETURNS SETOF shopper LANGUAGE sql AS $$
SELECT n, (ARRAY['US', 'DE', 'FR', NULL])[1 + n % 4], 'City ' || n % 50, (ARRAY['a', 'b', NULL])[1 + n % 3],
       n % 90, CASE n % 100 WHEN 0 THEN 'NaN' WHEN 1 THEN 'Infinity' ELSE n / 7.0 END, n / 8.0, n / 3.0, (ARRAY[true, false, NULL])[1 + n % 3],
       date '2000-01-01' + n, timestamptz '2024-01-01 00:00Z' + n * interval '1 hour', ARRAY['t' || n % 5, 't' || n % 7],
       (ARRAY['free', 'pro', 'team', NULL])[1 + n % 4]::plan, ARRAY[(ARRAY['free', 'pro', 'team'])[1 + n % 3]]::plan[],
       jsonb_build_object('n', n % 10, 'list', jsonb_build_array(n % 3, n % 4)), json_build_object('j', n % 6),
       md5((n % 20)::text)::uuid, ('10.0.0.' || n % 30)::inet,
       jsonb_build_object('tier', (ARRAY['free', 'pro', 'team'])[1 + n % 3], 'spent', n % 1000, 'nested', jsonb_build_object('a', n % 11),
                          'list', jsonb_build_array(n % 5, 'x' || n % 3),
                          'text', CASE WHEN n % 200 = 0 THEN repeat('long ', 1000) ELSE 'short ' || n % 13 END)
       || CASE WHEN n % 97 = 0 THEN jsonb_build_object('rare', n) ELSE '{}' END
  FROM generate_series(first, last) n
$$;
CREATE INDEX shopper_segments ON shopper USING segments (
    properties, country, city, code, age, balance, score, ratio, vip, born, seen_at, tags, plan, plans, extra, raw, token, ip, id);
INSERT INTO shopper SELECT * FROM shoppers(1, 700);
SELECT attach_audience('shoppers', 'shopper', properties_column => 'properties');
SELECT create_property(name, type, 'shoppers')
  FROM (VALUES ('tier', 'string'), ('spent', 'number'), ('nested', 'json'), ('list', 'json'),
               ('text', 'string'), ('rare', 'number'), ('new', 'json')) p (name, type);
CREATE TABLE asked (number serial, conditions segment_condition);
INSERT INTO asked (conditions) VALUES
    ('{"country": "US"}'), ('{"country": {"$ne": "US"}}'), ('{"country": null}'),
    ('{"country": {"$exists": true}, "plan": {"$in": ["pro", "team"]}}'),
    ('{"city": {"$startsWith": "City 1"}, "age": {"$gte": 18, "$lt": 65}}'), ('{"code": "a"}'), ('{"code": {"$gt": "a"}}'),
    ('{"balance": {"$gte": 100.5}}'), ('{"balance": {"$lt": 100.5}}'), ('{"score": 12.5}'), ('{"ratio": {"$lt": 10}}'),
    ('{"vip": true, "spent": {"$gt": 500}}'),
    ('{"$nor": [{"vip": true}, {"spent": {"$gt": 500}}]}'), ('{"born": {"$lt": "2001-01-01"}}'),
    ('{"seen_at": {"$gte": "2024-02-01", "$lte": "2024-02-29"}}'), ('{"tags": {"$all": ["t1", "t2"]}}'), ('{"tags": {"$nin": ["t1"]}}'),
    ('{"plan": "pro"}'), ('{"plans": "team"}'), ('{"extra.n": 7}'), ('{"extra.list": {"$size": 2}, "extra.list.0": 1}'), ('{"raw.j": 3}'),
    ('{"ip": "10.0.0.7"}'), ('{"nested.a": {"$gte": 5}}'), ('{"list": "x1"}'), ('{"text": {"$contains": "long"}}'), ('{"text": {"$regex": "^short 1"}}'),
    ('{"rare": {"$exists": true}}'), ('{"rare": {"$exists": false}}'), ('{}'), ('{"tier": {"$ne": "pro"}}'), ('{"new": 1}'),
    ('{"$or": [{"country": "US", "age": {"$lt": 10}}, {"nested.a": 3}, {"tags": "t4"}]}'), ('{"$expr": {"$gt": ["$spent", "$age"]}}'), ('{"id": {"$gt": 350}}');
INSERT INTO asked (conditions) SELECT ('{"token": "' || token || '"}')::segment_condition FROM shopper LIMIT 1;

-- The conditions of which the index counts others than a query does, in one snapshot.
CREATE FUNCTION wrong() RETURNS TABLE (conditions segment_condition, by_query bigint, by_index bigint) LANGUAGE plpgsql AS $$
DECLARE
    condition record;
    counts bigint[];
BEGIN
    SET LOCAL segments.use_columns = off;
    counts := ARRAY(SELECT count_contacts(a.conditions, 'shoppers') FROM asked a ORDER BY number);
    SET LOCAL segments.use_columns = on;
    FOR condition IN SELECT a.conditions AS asked, counts[row_number() OVER (ORDER BY number)] AS by_query,
                            count_contacts(a.conditions, 'shoppers') AS by_index FROM asked a
    LOOP
        IF condition.by_query IS DISTINCT FROM condition.by_index THEN
            conditions := condition.asked; by_query := condition.by_query; by_index := condition.by_index;
            RETURN NEXT;
        END IF;
    END LOOP;
END
$$;
CREATE VIEW ways AS
SELECT e.way, image_pages = 0 AS none, heap_pages = 0 AS all, note, count(*)
  FROM asked a, explain_count(a.conditions, 'shoppers') e GROUP BY 1, 2, 3, 4 ORDER BY 1, 2, 3, 4;
SELECT * FROM ways;
SET segments.use_columns = on;
SELECT * FROM ways;
SELECT * FROM segments_check_index('shopper_segments');
-- On Postgres 19 readers make pages all-visible, before any vacuum.
SELECT segments_fold('shopper_segments') AS pages \gset before_
VACUUM shopper;
SELECT segments_fold('shopper_segments') + :before_pages = pages FROM segments.index_status;
SELECT image_pages = pages, folded_at <= now(), note IS NULL FROM segments.index_status;
SELECT * FROM wrong();
SELECT * FROM ways;
SELECT * FROM segments_check_index('shopper_segments');
SELECT segments_fold('shopper_segments');

-- Rows come, change and go.
INSERT INTO shopper SELECT * FROM shoppers(701, 740);
UPDATE shopper SET country = 'IT', plan = 'team', properties = properties || '{"tier": "none", "new": 1}' WHERE id % 100 = 3;
DELETE FROM shopper WHERE id % 50 = 7;
SELECT * FROM wrong();
SELECT * FROM ways;
BEGIN;
UPDATE shopper SET country = 'ES' WHERE id < 300;
SELECT * FROM wrong();
ROLLBACK;
BEGIN ISOLATION LEVEL SERIALIZABLE;
SELECT way, note FROM explain_count('{}', 'shoppers');
COMMIT;
VACUUM (INDEX_CLEANUP on) shopper;
SELECT * FROM wrong();
SELECT segments_fold('shopper_segments') > 0;
SELECT image_pages = pages FROM segments.index_status;
SELECT * FROM segments_check_index('shopper_segments', 0.5);

-- An update that changes no indexed value is not marked, and moves rows to where others were deleted.
UPDATE shopper SET vip = vip WHERE id % 50 IN (6, 8);
VACUUM (INDEX_CLEANUP on) shopper;
SELECT * FROM segments_check_index('shopper_segments');
SELECT * FROM wrong();
SELECT segments_fold('shopper_segments') >= 0;

-- Names and labels may change; what was dropped is not read.
ALTER TABLE shopper RENAME country TO land;
ALTER TYPE plan RENAME VALUE 'pro' TO 'plus';
UPDATE asked SET conditions = replace(replace(conditions::text, '"country"', '"land"'), '"pro"', '"plus"')::segment_condition;
SELECT * FROM ways;
ALTER TABLE shopper ADD COLUMN level int DEFAULT 3;
INSERT INTO asked (conditions) VALUES ('{"level": 3}'), ('{"level": 3, "land": "DE"}'),
    ('{"level": 3, "id": {"$lt": 10}}'), ('{"level": 4, "text": {"$contains": "long"}, "id": 200}');
SELECT * FROM wrong();
-- What the index has says on which pages to look for what it does not have, if these are few.
SELECT way, image_pages > heap_pages AS most, heap_pages > 0 AS asked, note FROM explain_count('{"level": 3, "id": {"$lt": 10}}', 'shoppers');
SELECT way, note FROM explain_count('{"level": 3, "land": "DE"}', 'shoppers');

-- Everything is given up at once, and folded again into the same pages.
UPDATE shopper SET age = age + 1;
VACUUM (INDEX_CLEANUP on) shopper;
SELECT segments_fold('shopper_segments') > 0;
UPDATE shopper SET age = age + 1;
VACUUM (INDEX_CLEANUP on) shopper;
SELECT segments_fold('shopper_segments') > 0;
SELECT * FROM wrong();

-- A build makes images, too.
REINDEX INDEX shopper_segments;
SELECT image_pages = pages FROM segments.index_status;
SELECT * FROM wrong();
SELECT * FROM segments_check_index('shopper_segments');
TRUNCATE shopper;
INSERT INTO shopper (id, land, properties) SELECT n, 'DE', '{"tier": "pro"}' FROM generate_series(1, 50) n;
SELECT * FROM wrong();

-- Who may fold.
CREATE ROLE regress_segments_folder;
SELECT grant_segments_access('regress_segments_folder', 'write:segments');
SET ROLE regress_segments_folder;
SELECT segments_fold('shopper_segments');
SELECT index, pages FROM segments.index_status;
RESET ROLE;
SELECT segments_fold('shopper_pkey');
BEGIN READ ONLY;
SELECT segments_fold('shopper_segments');
ROLLBACK;
DROP OWNED BY regress_segments_folder;
DROP ROLE regress_segments_folder;
CREATE ROLE regress_segments_reader;
SELECT grant_segments_access('regress_segments_reader', 'read:contacts');
SET ROLE regress_segments_reader;
SELECT index, pages FROM segments.index_status;
RESET ROLE;
DROP OWNED BY regress_segments_reader;
DROP ROLE regress_segments_reader;
SELECT detach_audience('shoppers', true);
DROP VIEW ways;
DROP FUNCTION wrong, shoppers;
DROP TABLE asked;
DROP TABLE shopper;
DROP TYPE plan;
