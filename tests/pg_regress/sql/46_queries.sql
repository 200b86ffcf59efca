-- in_segment() in a query on the audience's table becomes the segment's condition, and means the same.
\pset format unaligned
\pset tuples_only on
\set VERBOSITY terse
SET max_parallel_workers_per_gather = 0;
CREATE TABLE buyers (id int PRIMARY KEY, country text, score int, joined date NOT NULL, properties jsonb) WITH (autovacuum_enabled = off);
INSERT INTO buyers SELECT n, (ARRAY['US', 'DE', 'FR', NULL])[1 + n % 4], nullif(n % 200, 0), '2020-01-01'::date + n % 1000,
    CASE WHEN n % 7 <> 0 THEN jsonb_build_object('plan', CASE n % 3 WHEN 0 THEN 'pro' ELSE 'free' END, 'visits', n % 50) END FROM generate_series(1, 2000) n;
CREATE INDEX buyers_score ON buyers (score);
CREATE INDEX buyers_country ON buyers (country);
CREATE TABLE orders (id int PRIMARY KEY, buyer int, amount int);
INSERT INTO orders SELECT n, nullif(n % 2500, 0), n % 100 FROM generate_series(1, 3000) n;
CREATE INDEX orders_buyer ON orders (buyer);
ANALYZE buyers, orders;
SELECT attach_audience('buyers', 'buyers', properties_column => 'properties');
SELECT create_property('plan', 'string', 'buyers'), create_property('visits', 'number', 'buyers');
SELECT count(create_segment(name, condition::segment_condition, audience => 'buyers')) FROM (VALUES
    ('top', '{"score": {"$gte": 198}}'), ('low or nowhere', '{"$or": [{"score": {"$lt": 2}}, {"country": "XX"}]}'),
    ('pro', '{"plan": "pro"}'), ('not US', '{"country": {"$ne": "US"}}'), ('pro, top', '{"$and": [{"$segment": "pro"}, {"$segment": "top"}]}'),
    ('everyone', '{}'), ('nobody', '{"score": {"$in": []}}'), ('a day', '{"joined": "2021-03-04"}'),
    ('some', '{"$bucket": {"of": 10, "in": [3], "salt": "s"}}'),
    ('recent', '{"joined": {"$gte": {"$today": "-100 years"}}}')) v(name, condition);

-- Indexes serve, by the id or the name of the segment, and by the id of the contact in its own type or as text.
EXPLAIN (COSTS off) SELECT * FROM buyers b WHERE in_segment(b.id, 'top');
EXPLAIN (COSTS off) SELECT * FROM buyers b WHERE in_segment(b.id::text, 'top');
SELECT id AS top FROM segments.segment WHERE name = 'top' \gset
EXPLAIN (COSTS off) SELECT * FROM buyers WHERE in_segment(id, :'top'::uuid) AND country = 'DE';
EXPLAIN (COSTS off) SELECT * FROM buyers WHERE in_segment(contact_id => id, segment => :'top');
EXPLAIN (COSTS off) SELECT * FROM buyers WHERE in_segment(id, 'low or nowhere');
EXPLAIN (COSTS off) SELECT * FROM buyers WHERE in_segment(id, 'top') OR country = 'XX';
EXPLAIN (COSTS off) SELECT * FROM buyers WHERE in_segment(id, 'pro, top');
EXPLAIN (COSTS off) SELECT * FROM buyers WHERE in_segment(id, 'everyone');
-- Postgres 19 says what a Result replaces.
EXPLAIN (COSTS off) SELECT * FROM buyers WHERE in_segment(id, 'nobody') \g | grep -v Replaces:
EXPLAIN (COSTS off) SELECT o.amount FROM buyers b JOIN orders o ON o.buyer = b.id WHERE in_segment(b.id, 'top') AND o.amount > 90;
EXPLAIN (COSTS off) SELECT o.amount FROM orders o WHERE EXISTS (SELECT FROM buyers b WHERE b.id = o.buyer AND in_segment(b.id, 'top')) AND o.amount = 3;
EXPLAIN (COSTS off) DELETE FROM buyers WHERE in_segment(id, 'top');

-- Outside of WHERE, and under NOT, false is not NULL.
EXPLAIN (COSTS off, VERBOSE) SELECT in_segment(id, 'top') FROM buyers;
EXPLAIN (COSTS off) SELECT * FROM buyers WHERE NOT in_segment(id, 'top');
EXPLAIN (COSTS off, VERBOSE) SELECT count(*) FILTER (WHERE in_segment(id, 'pro')) FROM buyers;
EXPLAIN (COSTS off) SELECT * FROM buyers WHERE in_segment(id, 'top') = (country = 'DE');
SELECT count(*), count(*) FILTER (WHERE in_segment(id, 'top')), count(*) FILTER (WHERE NOT in_segment(id, 'top')),
       count(*) FILTER (WHERE in_segment(id, 'top') IS NULL) FROM buyers;

-- The nullable side of an outer join: the call is NULL for a row that is missing.
EXPLAIN (COSTS off) SELECT count(*) FROM orders o LEFT JOIN buyers b ON b.id = o.buyer AND in_segment(b.id, 'top');
EXPLAIN (COSTS off) SELECT count(*) FROM orders o LEFT JOIN buyers b ON b.id = o.buyer WHERE NOT in_segment(b.id, 'not US');
EXPLAIN (COSTS off, VERBOSE) SELECT in_segment(b.id, 'not US') FROM orders o LEFT JOIN buyers b ON b.id = o.buyer;

-- What each query says with the call, which an expression in place of the column keeps, and with the condition.
CREATE FUNCTION differ(query text) RETURNS TABLE (segment text, inlined text, called text) LANGUAGE plpgsql AS $$
BEGIN
    FOR segment IN SELECT s.name FROM segments.segment s WHERE s.audience = 'buyers' ORDER BY s.id LOOP
        EXECUTE format(replace(query, '?', 'in_segment(b.id, %1$L)'), segment) INTO inlined;
        EXECUTE format(replace(query, '?', 'in_segment(b.id + 0, %1$L)'), segment) INTO called;
        CONTINUE WHEN inlined IS NOT DISTINCT FROM called;
        RETURN NEXT;
    END LOOP;
END
$$;
CREATE VIEW few AS SELECT * FROM buyers WHERE id % 7 = 1;
SELECT query, differ(query) FROM unnest(ARRAY[
    'SELECT array_agg(b.id ORDER BY b.id) FROM few b WHERE ?', 'SELECT array_agg(b.id ORDER BY b.id) FROM few b WHERE NOT ?',
    'SELECT array_agg(? ORDER BY b.id) FROM few b', 'SELECT array_agg(b.id ORDER BY b.id) FROM few b WHERE ? IS NULL OR (? AND b.id < 100)',
    'SELECT array_agg(? ORDER BY o.id) FROM orders o LEFT JOIN few b ON b.id = o.buyer',
    'SELECT count(*) FROM orders o LEFT JOIN few b ON b.id = o.buyer WHERE ?',
    'SELECT count(*) FROM orders o LEFT JOIN few b ON b.id = o.buyer WHERE NOT ?',
    'SELECT count(*) FROM orders o LEFT JOIN few b ON b.id = o.buyer WHERE ? IS NOT TRUE',
    'SELECT count(b.id) FROM orders o LEFT JOIN few b ON b.id = o.buyer AND ?',
    'SELECT count(b.id) FROM orders o LEFT JOIN few b ON b.id = o.buyer AND NOT ?',
    'SELECT count(*) FROM few b FULL JOIN orders o ON b.id = o.buyer WHERE NOT ? OR o.amount < 5',
    'SELECT count(*) FROM orders o WHERE o.amount < 3 OR EXISTS (SELECT FROM few b WHERE b.id = o.buyer AND ?)',
    'SELECT count(*) FROM orders o WHERE o.buyer NOT IN (SELECT b.id FROM few b WHERE ?)',
    'SELECT count(*) FROM orders o WHERE o.id < 100 AND (SELECT ? FROM few b WHERE b.id = o.buyer)',
    'SELECT array_agg(n ORDER BY n) FROM (SELECT count(*) AS n FROM few b GROUP BY b.id HAVING ?) g',
    'SELECT array_agg(x || '' '' || n ORDER BY x, n) FROM (SELECT ? AS x, count(*) AS n FROM few b GROUP BY 1) g',
    'SELECT array_agg(x ORDER BY g.id) FROM (SELECT b.id, ? AS x, count(*) FROM few b GROUP BY b.id) g',
    'SELECT array_agg(x ORDER BY g.id) FROM (SELECT b.id, ? AS x, count(*) FROM few b GROUP BY ROLLUP (b.id)) g',
    'SELECT array_agg(x ORDER BY id) FROM (SELECT b.id, lag(?) OVER (ORDER BY b.id) AS x FROM few b) w',
    'SELECT sum(n) FROM (SELECT DISTINCT ON (?) b.id AS n FROM few b ORDER BY ?, b.id) d',
    'SELECT count(*) FROM (SELECT b.id FROM few b WHERE ? LIMIT 7) l',
    'SELECT count(*) FROM (SELECT b.id FROM few b WHERE ? UNION ALL SELECT b.id FROM few b WHERE NOT ?) u',
    'SELECT array_agg(b.id ORDER BY b.id) FROM (SELECT id FROM few OFFSET 0) b WHERE ?',
    'WITH b AS (SELECT id FROM few) SELECT array_agg(b.id ORDER BY b.id) FROM b WHERE ?',
    'SELECT count(*) FROM buyers b TABLESAMPLE SYSTEM (100) WHERE ?',
    'SELECT count(*) FROM buyers b JOIN few d ON b.id = d.score WHERE ? AND in_segment(d.id, ''pro'')']) query;

-- An EXISTS that the planner also tries as a hashed sub-select: its own tables must not be taken for those around it.
SELECT count(*) FROM buyers b WHERE b.score = 3 OR EXISTS (SELECT FROM orders o WHERE in_segment(o.id, 'top') AND o.buyer = b.id);
SELECT count(*) FROM buyers b WHERE b.score = 3 OR EXISTS (SELECT FROM orders o WHERE in_segment(o.id + 0, 'top') AND o.buyer = b.id);
SELECT count(*) FROM buyers b WHERE in_segment(b.id, 'pro') AND (b.score = 3 OR EXISTS (SELECT FROM orders o WHERE in_segment(o.id, 'top') AND o.buyer = b.id));
SELECT count(*) FROM buyers b WHERE in_segment(b.id + 0, 'pro')
   AND (b.score = 3 OR EXISTS (SELECT FROM orders o WHERE in_segment(o.id + 0, 'top') AND o.buyer = b.id));
-- Nor a CHECK constraint of another table.
CREATE TABLE checked (id int PRIMARY KEY CHECK (in_segment(id, 'top') OR id > 0));
INSERT INTO checked SELECT n FROM generate_series(1, 300) n;
SET constraint_exclusion = on;
SELECT count(*) FROM buyers b, checked c WHERE in_segment(b.id, 'top') AND c.id = b.id AND c.id < 0 IS NOT TRUE;
RESET constraint_exclusion;
DROP TABLE checked;

-- Where it is not known to be the contact of the row, or not when the plan is made, the call stays.
EXPLAIN (COSTS off) SELECT * FROM orders WHERE in_segment(id, 'top');
EXPLAIN (COSTS off) SELECT * FROM buyers WHERE in_segment(score, 'top');
EXPLAIN (COSTS off) SELECT * FROM buyers, (VALUES ('top'), ('pro')) s(name) WHERE in_segment(buyers.id, s.name);
EXPLAIN (COSTS off) SELECT * FROM buyers WHERE in_segment(id, 'no such segment');
SELECT * FROM buyers WHERE in_segment(id, 'no such segment');
-- In what a statement returns or does, the condition is about the row at hand.
UPDATE buyers SET score = 199 WHERE id = 1 RETURNING in_segment(id, 'top');
INSERT INTO buyers VALUES (-1, 'US', 199, '2020-01-01') RETURNING in_segment(id, 'top');
INSERT INTO buyers VALUES (-1, 'US', 199, '2020-01-01') ON CONFLICT (id) DO UPDATE SET score = 1 WHERE in_segment(buyers.id, 'top') RETURNING score;
INSERT INTO buyers VALUES (-1, 'US', 199, '2020-01-01') ON CONFLICT (id) DO UPDATE SET score = 2 WHERE in_segment(buyers.id, 'top') RETURNING score;
MERGE INTO buyers b USING (VALUES (-1), (1), (2)) v(id) ON v.id = b.id WHEN MATCHED AND in_segment(b.id, 'top') THEN UPDATE SET score = 198
 WHEN MATCHED AND NOT in_segment(b.id, 'top') THEN UPDATE SET country = 'XX';
SELECT id, country, score FROM buyers WHERE id < 3 ORDER BY id;
UPDATE buyers SET country = 'FR' WHERE country = 'XX';
DELETE FROM buyers WHERE id = -1;
UPDATE buyers SET score = 1 WHERE in_segment(id, 'top') AND id = 1 RETURNING score;

-- Prepared statements: a plan for the value has the condition; a plan for any value has the call, and Postgres prefers the former.
PREPARE of_segment(text) AS SELECT count(*) FROM buyers b WHERE in_segment(b.id, $1);
EXECUTE of_segment('top'); EXECUTE of_segment('pro'); EXECUTE of_segment('top'); EXECUTE of_segment('not US'); EXECUTE of_segment('top');
EXECUTE of_segment('top'); EXECUTE of_segment('top');
EXPLAIN (COSTS off) EXECUTE of_segment('top');
SET plan_cache_mode = force_generic_plan;
EXPLAIN (COSTS off) EXECUTE of_segment('top');
EXECUTE of_segment('top');
RESET plan_cache_mode;

-- A kept plan is made anew once a definition has changed.
PREPARE kept AS SELECT count(*), sum(id) FROM buyers b WHERE in_segment(b.id, 'top');
CREATE FUNCTION kept() RETURNS bigint LANGUAGE plpgsql AS $$ BEGIN RETURN (SELECT count(*) FROM buyers b WHERE in_segment(b.id, 'top')); END $$;
EXECUTE kept; SELECT kept();
SELECT name FROM update_segment('top', '{"conditions": {"score": {"$gte": 190}}}');
EXECUTE kept; SELECT kept();
SELECT name FROM update_segment('top', '{"name": "best"}');
EXECUTE kept;
SELECT kept();
SELECT name FROM update_segment('best', '{"name": "top"}');
EXECUTE kept; SELECT kept();
BEGIN;
SELECT delete_segment('pro, top') IS NOT NULL, delete_segment('top') IS NOT NULL;
SAVEPOINT s; EXECUTE kept; ROLLBACK TO s;
SELECT name FROM create_segment('top', '{"score": 5}', audience => 'buyers');
EXECUTE kept;
ROLLBACK;
EXECUTE kept; SELECT kept();
ALTER TABLE buyers RENAME score TO points;
EXECUTE kept; SELECT kept();
ALTER TABLE buyers RENAME points TO score;
ALTER TABLE buyers RENAME id TO number;
SELECT count(*) FROM buyers b WHERE in_segment(b.number, 'top');
ALTER TABLE buyers RENAME number TO id;
PREPARE pro AS SELECT count(*) FROM buyers b WHERE in_segment(b.id, 'pro') AND in_segment(b.id, 'top');
EXECUTE pro;
SELECT name FROM update_segment('pro', '{"conditions": {"visits": 3}}');
EXECUTE pro;
-- With a typed index, conditions are written for it.
PREPARE typed AS SELECT count(*) FROM buyers b WHERE in_segment(b.id, 'pro');
EXECUTE typed;
CREATE INDEX buyers_visits ON buyers (property_number(properties, 'visits'));
ANALYZE buyers;
EXPLAIN (COSTS off) EXECUTE typed;
EXECUTE typed;

SELECT detach_audience('buyers', true);
DROP FUNCTION kept;
DEALLOCATE ALL;
DROP TABLE buyers, orders CASCADE;
