-- in_segment() of segments that take rows of relations together: the rows are read as a whole where a query finds many contacts, and
-- looked up where it finds few.
\pset tuples_only
\pset format unaligned
CREATE SCHEMA few;
SET search_path = few, public;
CREATE TABLE person (id int PRIMARY KEY, email text UNIQUE, country text);
INSERT INTO person SELECT i, 'p' || i, (ARRAY['US', 'DE'])[1 + i % 2] FROM generate_series(1, 20000) i;
CREATE TABLE purchase (id int PRIMARY KEY, person int, placed_at date, kind text);
INSERT INTO purchase SELECT i, nullif(i::bigint * i % 21000, 0), '2024-01-01'::date + i % 300, (ARRAY['web', 'shop', 'app'])[1 + i % 7 % 3]
  FROM generate_series(1, 80000) i;
CREATE INDEX ON purchase (person, placed_at);
VACUUM ANALYZE person, purchase;
SELECT attach_audience('people', 'few.person');
SELECT attach_relation('orders', 'few.purchase', 'person', 'people', time_column => 'placed_at');
SELECT count(create_segment(name, condition::segment_condition, audience => 'people')) FROM (VALUES
    ('many', '{"orders": {"$count": {"$gte": 5}}}'), ('few', '{"orders": {"$count": {"$lt": 5}}}'), ('last', '{"orders": {"$last": {"kind": "web"}}}'),
    ('either', '{"$or": [{"country": "DE"}, {"orders": {"$count": {"$gte": 5}}}]}'), ('some', '{"orders": {"$some": {"kind": "web"}}}')) s(name, condition);
CREATE TABLE asked (number serial, query text);
INSERT INTO asked (query) VALUES
    ('SELECT array_agg(p.id) FROM person p WHERE p.email = ''p77'' AND ?'),
    ('SELECT array_agg(p.id) FROM person p WHERE p.email = ''p78'' AND NOT ?'),
    ('SELECT array_agg(p.id ORDER BY p.id) FROM person p WHERE p.email IN (''p79'', ''p80'', ''p4'') AND (? OR p.country IS NULL)'),
    ('SELECT ? FROM person p WHERE p.email = ''p81'''),
    ('SELECT array_agg(o.id ORDER BY o.id) FROM purchase o LEFT JOIN person p ON p.id = o.person AND ? WHERE o.id IN (5, 17, 200, 2000) AND p.id IS NULL'),
    ('SELECT array_agg(f) FROM (SELECT ? AS f FROM person p ORDER BY p.id LIMIT 5) p'),
    ('WITH c AS (UPDATE person p SET country = country WHERE p.email = ''p82'' AND ? RETURNING p.id) SELECT count(*) FROM c'),
    ('SELECT count(*) FROM person p WHERE ?'),
    ('SELECT count(*) FROM person p WHERE NOT ?'),
    ('SELECT count(*) FROM person p WHERE ? OR p.id < 50');
-- What a plan reads as a whole.
CREATE FUNCTION read(query text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE plan jsonb;
BEGIN
    EXECUTE 'EXPLAIN (FORMAT json) ' || query INTO plan;
    RETURN (SELECT string_agg(DISTINCT node ->> 'Relation Name', ' ')
              FROM jsonb_path_query(plan, 'strict $.** ? (@."Node Type" == "Seq Scan" || @."Node Type" like_regex "^Index" && !exists(@."Index Cond"))') node);
END
$$;
SET max_parallel_workers_per_gather = 0;
SELECT a.query, s.name, read(replace(a.query, '?', format('in_segment(p.id, %L)', s.name)))
  FROM asked a, unnest('{many,either}'::text[]) s(name) ORDER BY a.number, s.name;
-- The last row of one contact is that of an index. For all contacts, versions of Postgres differ.
SELECT a.query, read(replace(a.query, '?', 'in_segment(p.id, ''last'')'))
  FROM asked a WHERE a.query !~ 'FROM person p WHERE (NOT )?\?' ORDER BY a.number;
SET work_mem = '64kB';
SELECT a.query, s.name, read(replace(a.query, '?', format('in_segment(p.id, %L)', s.name)))
  FROM asked a, unnest('{many}'::text[]) s(name) ORDER BY a.number, s.name;
RESET work_mem;
-- The answers are those of the call.
CREATE FUNCTION answer(query text, segment text, contact text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE answered text;
BEGIN
    EXECUTE replace(query, '?', format('in_segment(%s, %L)', contact, segment)) INTO answered;
    RETURN answered;
END
$$;
SELECT a.query, s.name, answer(a.query, s.name, 'p.id'), answer(a.query, s.name, 'p.id + 0')
  FROM asked a, segments.segment s
 WHERE s.audience = 'people' AND a.query !~ 'FROM person p WHERE (NOT )?\?'
   AND answer(a.query, s.name, 'p.id') IS DISTINCT FROM answer(a.query, s.name, 'p.id + 0');
SELECT s.name, answer(a.query, s.name, 'p.id')::bigint = count_contacts(s.conditions, 'people') FROM asked a, segments.segment s
 WHERE s.audience = 'people' AND a.query LIKE '%p WHERE ?' ORDER BY s.name;
-- Members, beside a table that is no audience's.
SELECT read('SELECT o.kind FROM purchase o WHERE o.id = 5 AND o.person IN (SELECT segment_members(''many'', NULL::int))');
SELECT o.kind FROM purchase o WHERE o.id IN (5, 6, 100) AND o.person IN (SELECT segment_members('many', NULL::int));
SELECT o.kind FROM purchase o WHERE o.id IN (5, 6, 100) AND in_segment(o.person, 'many');
-- A plan that is kept is made anew, in whatever way it was made.
PREPARE one AS SELECT count(*) FROM person p WHERE p.email = 'p77' AND in_segment(p.id, 'many');
SET plan_cache_mode = force_generic_plan;
EXECUTE one;
SELECT name FROM update_segment('many', '{"conditions": {"orders": {"$count": {"$lt": 5}}}}');
EXECUTE one;
DEALLOCATE one;
RESET plan_cache_mode;
SET client_min_messages = warning;
SELECT detach_audience('people', true);
DROP SCHEMA few CASCADE;
