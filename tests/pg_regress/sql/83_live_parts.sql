-- Live counts follow partitions, and other tables that inherit, as they come and go.
\pset format unaligned
\pset tuples_only on
\set VERBOSITY default
CREATE TABLE people (id int PRIMARY KEY, country text, age int) PARTITION BY RANGE (id);
CREATE TABLE people_1 PARTITION OF people FOR VALUES FROM (1) TO (100);
INSERT INTO people SELECT n, (ARRAY['US', 'DE'])[1 + n % 2], n FROM generate_series(1, 20) n;
SELECT attach_audience('people', 'people'), set_freshness('people', 'live');
SELECT (create_segment('US', '{"country": "US"}', audience => 'people')).id AS us \gset
SELECT count(create_segment(name, condition, audience => 'people')) FROM (VALUES
    ('adult', '{"age": {"$gte": 18}}'), ('US adult', '{"$and": [{"$segment": "US"}, {"$segment": "adult"}]}'), ('everyone', '{}')) v(name, condition);
SELECT watch_segment(:'us');

CREATE FUNCTION part_news() RETURNS text LANGUAGE plpgsql AS $$
DECLARE changes text;
BEGIN
    SELECT string_agg(change || ' ' || contact_id, ', ' ORDER BY change, contact_id::int) INTO changes FROM segments.change;
    DELETE FROM segments.change_record;
    RETURN changes;
END
$$;
SELECT counts_of('people');

-- A new partition, written to directly and through the whole.
CREATE TABLE people_2 PARTITION OF people FOR VALUES FROM (100) TO (200);
INSERT INTO people_2 VALUES (100, 'US', 30);
INSERT INTO people VALUES (101, 'US', 3), (30, 'US', 3);
SELECT counts_of('people'), part_news();
-- A row that moves from one to the other.
UPDATE people SET id = 150, country = 'DE' WHERE id = 30;
SELECT counts_of('people'), part_news();

-- A table with rows, whose columns have other numbers, and whose rows somebody has written to in the same transaction.
CREATE TABLE people_3 (gone int, age int, extra int, country text, id int NOT NULL);
ALTER TABLE people_3 DROP COLUMN gone, DROP COLUMN extra;
BEGIN;
INSERT INTO people_3 (id, country, age) VALUES (200, 'US', 40), (201, 'US', 4), (202, 'DE', 40);
ALTER TABLE people ATTACH PARTITION people_3 FOR VALUES FROM (200) TO (300);
SELECT counts_of('people');
UPDATE people_3 SET age = 20 WHERE id = 201;
UPDATE people SET country = 'US' WHERE id >= 200;
SELECT counts_of('people');
COMMIT;
SELECT counts_of('people'), part_news();
SELECT count(*) AS tables FROM segments.live_table WHERE root = 'people'::regclass;

-- Taken back, it never happened.
BEGIN;
ALTER TABLE people DETACH PARTITION people_3;
SELECT counts_of('people');
ROLLBACK;
UPDATE people_3 SET country = 'DE' WHERE id = 201;
SELECT counts_of('people'), part_news();

-- Taken out, it is none of the audience's any more.
ALTER TABLE people DETACH PARTITION people_3;
SELECT counts_of('people'), part_news();
SELECT count(*) AS triggers FROM pg_trigger WHERE tgrelid = 'people_3'::regclass AND NOT tgisinternal;
UPDATE people_3 SET country = 'US';
SELECT counts_of('people'), part_news();
-- And back; with parts of its own.
ALTER TABLE people_3 RENAME TO people_3_old;
CREATE TABLE people_3 (id int NOT NULL, country text, age int) PARTITION BY RANGE (id);
CREATE TABLE people_3a PARTITION OF people_3 FOR VALUES FROM (200) TO (250);
INSERT INTO people_3 SELECT id, country, age FROM people_3_old;
ALTER TABLE people ATTACH PARTITION people_3 FOR VALUES FROM (200) TO (300);
SELECT counts_of('people'), part_news();
CREATE TABLE people_3b PARTITION OF people_3 FOR VALUES FROM (250) TO (300);
INSERT INTO people_3b VALUES (260, 'US', 50);
INSERT INTO people_3 VALUES (261, 'US', 50);
UPDATE people_3a SET age = 70;
SELECT counts_of('people'), part_news();

-- Dropped: who left watched segments is not known any more.
DROP TABLE people_3;
SELECT counts_of('people'), part_news();
DROP TABLE people_2;
SELECT counts_of('people'), part_news();
CREATE TABLE people_default PARTITION OF people DEFAULT;
INSERT INTO people VALUES (1000, 'US', 1);
SELECT counts_of('people'), part_news();
TRUNCATE people_default;
SELECT counts_of('people'), part_news();
SELECT detach_audience('people', true);
SELECT count(*) AS tables FROM segments.live_table WHERE root = 'people'::regclass;
SELECT tgrelid::regclass AS table, count(*) AS triggers FROM pg_trigger WHERE tgname LIKE 'segments%' AND tgrelid::regclass::text LIKE 'people%' GROUP BY 1;
DROP TABLE people, people_3_old;

-- The same by inheritance, in a schema that goes.
CREATE TABLE people (id int PRIMARY KEY, country text, age int);
INSERT INTO people VALUES (1, 'US', 20), (2, 'DE', 20);
SELECT attach_audience('people', 'people'), set_freshness('people', 'live');
SELECT count(create_segment(name, condition, audience => 'people')) FROM (VALUES ('US', '{"country": "US"}'), ('everyone', '{}')) v(name, condition);
CREATE SCHEMA parts CREATE TABLE more (extra int) INHERITS (public.people);
INSERT INTO parts.more (id, country) VALUES (3, 'US'), (4, 'DE');
UPDATE people SET country = 'US' WHERE id > 2;
SELECT counts_of('people');
CREATE TABLE parts.most (age int, country text, id int NOT NULL);
INSERT INTO parts.most VALUES (1, 'US', 5);
ALTER TABLE parts.most INHERIT parts.more;
SELECT counts_of('people');
ALTER TABLE parts.most ADD COLUMN extra int;
ALTER TABLE parts.most INHERIT parts.more;
SELECT counts_of('people');
UPDATE parts.more SET country = 'DE' WHERE id = 5;
DELETE FROM ONLY parts.most;
SELECT counts_of('people');
ALTER TABLE parts.more NO INHERIT people;
SELECT counts_of('people');
ALTER TABLE parts.more INHERIT people;
SELECT counts_of('people');
DROP SCHEMA parts CASCADE;
SELECT counts_of('people');
-- A tree that comes at once, and goes.
SELECT watch_segment(id) FROM segments.segment WHERE name = 'US';
CREATE TABLE tree (id int NOT NULL, country text, age int);
CREATE TABLE branch () INHERITS (tree);
INSERT INTO tree VALUES (7, 'US'), (8, 'DE');
INSERT INTO branch VALUES (9, 'US');
ALTER TABLE tree INHERIT people;
SELECT counts_of('people'), part_news();
ALTER TABLE tree NO INHERIT people;
SELECT counts_of('people'), part_news();
DROP TABLE tree CASCADE;

-- What cannot be live: a table that has become a part itself, and one with a part elsewhere.
CREATE TABLE everybody (id int, country text, age int);
ALTER TABLE people INHERIT everybody;
SELECT freshness FROM segments.audience WHERE name = 'people';
SELECT DISTINCT kept FROM segments.segment_status WHERE audience = 'people';
SELECT count(*) AS triggers FROM pg_trigger WHERE tgrelid = 'people'::regclass AND NOT tgisinternal;
SELECT counts_of('people');
ALTER TABLE people NO INHERIT everybody;
SELECT set_freshness('people', 'live');
CREATE FOREIGN DATA WRAPPER nothing;
CREATE SERVER nowhere FOREIGN DATA WRAPPER nothing;
CREATE FOREIGN TABLE foreign_people () INHERITS (people) SERVER nowhere;
SELECT freshness FROM segments.audience WHERE name = 'people';
DROP FOREIGN DATA WRAPPER nothing CASCADE;
SELECT counts_of('people');

-- A table that others rewrite: values change without a statement that triggers see.
SELECT set_freshness('people', 'live');
ALTER TABLE people ALTER country TYPE text USING lower(country);
SELECT counts_of('people');
SELECT detach_audience('people', true);
DROP TABLE people, everybody;
DROP FUNCTION part_news;
