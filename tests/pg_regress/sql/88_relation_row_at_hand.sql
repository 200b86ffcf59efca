-- Conditions on relations about the row at hand: one that is returned or checked, and those that policies let through.
\pset tuples_only
\pset format unaligned
SET client_min_messages = warning;
CREATE ROLE regress_segments_clerk;
CREATE SCHEMA hand;
GRANT USAGE ON SCHEMA hand TO PUBLIC;
SET search_path = hand, public;
CREATE TABLE person (id int PRIMARY KEY, country text);
INSERT INTO person VALUES (1, 'US'), (2, 'DE'), (3, 'DE'), (4, NULL);
CREATE TABLE purchase (id int PRIMARY KEY, person int, total int);
INSERT INTO purchase VALUES (1, 2, 5), (2, 2, 6), (3, 3, 7), (4, 5, 1), (5, 5, 2);
CREATE INDEX ON purchase (person);
SELECT attach_audience('people', 'hand.person');
SELECT attach_relation('orders', 'hand.purchase', 'person', 'people');
SELECT name FROM create_segment('s', '{"$or": [{"country": "US"}, {"orders": {"$count": {"$gte": 2}}}]}', audience => 'people');
-- Whether a query finds contacts by a query on contacts of its own.
CREATE FUNCTION reads_twice(query text) RETURNS boolean LANGUAGE plpgsql AS $$
DECLARE plan json;
BEGIN
    EXECUTE 'EXPLAIN (FORMAT json) ' || query INTO plan;
    RETURN plan::text LIKE '%"Alias": "contact"%';
END $$;

-- Rows as they are stored are found by a join, and rows that are written are what they are.
SELECT reads_twice($$SELECT id FROM person p WHERE in_segment(p.id, 's')$$),
       reads_twice($$SELECT id FROM person p WHERE NOT in_segment(p.id, 's')$$),
       reads_twice($$CREATE TABLE kept AS SELECT id FROM person p WHERE in_segment(p.id, 's')$$),
       reads_twice($$UPDATE person p SET country = country WHERE in_segment(p.id, 's')$$),
       reads_twice($$SELECT id FROM person p WHERE in_segment(p.id, 's') FOR UPDATE$$);
SELECT string_agg(id::text, ',' ORDER BY id) FROM person p WHERE in_segment(p.id, 's');
SELECT id, in_segment(p.id, 's'), NOT in_segment(p.id, 's') FROM person p ORDER BY id;
INSERT INTO person AS p VALUES (5, 'DE'), (6, 'US'), (7, 'DE') RETURNING id, in_segment(p.id, 's');
UPDATE person p SET country = CASE country WHEN 'US' THEN 'DE' ELSE 'US' END WHERE id IN (1, 3) RETURNING id, in_segment(p.id, 's');
DELETE FROM person p WHERE id IN (1, 3) RETURNING id, in_segment(p.id, 's');
INSERT INTO person AS p VALUES (1, 'US'), (3, 'DE');
INSERT INTO person AS p VALUES (6, 'FR'), (7, 'FR') ON CONFLICT (id) DO UPDATE SET country = 'FR' WHERE in_segment(p.id, 's')
    RETURNING id, country, in_segment(p.id, 's');
UPDATE person p SET country = 'US' WHERE id = 6;
MERGE INTO person p USING (VALUES (6), (7)) v(id) ON p.id = v.id WHEN MATCHED AND in_segment(p.id, 's') THEN UPDATE SET country = 'DE';
SELECT id, country FROM person WHERE id > 5 ORDER BY id;
SELECT id FROM person p WHERE in_segment(p.id, 's') ORDER BY id FOR UPDATE;
UPDATE person p SET country = 'SE' WHERE in_segment(p.id, 's') AND id = 1 RETURNING in_segment(p.id, 's');
UPDATE person SET country = 'US' WHERE id = 1;

-- Policies on the audience's own table.
GRANT ALL ON person, purchase TO regress_segments_clerk;
SELECT count(grant_segments_access('regress_segments_clerk', scope)::text) FROM unnest('{read:segments,read:contacts}'::text[]) scope;
CREATE POLICY reads ON person FOR SELECT USING (true);
CREATE POLICY adds ON person FOR INSERT WITH CHECK (in_segment(id, 's'));
ALTER TABLE person ENABLE ROW LEVEL SECURITY;
SET ROLE regress_segments_clerk;
INSERT INTO person VALUES (10, 'US');
INSERT INTO person VALUES (11, 'DE');
RESET ROLE;
DROP POLICY reads ON person;
CREATE POLICY reads ON person FOR SELECT USING (in_segment(id, 's'));
CREATE POLICY changes ON person FOR UPDATE USING (in_segment(id, 's')) WITH CHECK (in_segment(id, 's'));
SET ROLE regress_segments_clerk;
SELECT id FROM person ORDER BY id;
SELECT id FROM person p WHERE in_segment(p.id, 's') ORDER BY id;
UPDATE person SET country = 'US' WHERE id IN (2, 3) RETURNING id;
UPDATE person SET country = 'DE' WHERE id = 10 RETURNING id;
RESET ROLE;
SELECT id, country FROM person ORDER BY id;
SELECT detach_audience('people', true);
DROP SCHEMA hand CASCADE;
DROP OWNED BY regress_segments_clerk;
DROP ROLE regress_segments_clerk;
