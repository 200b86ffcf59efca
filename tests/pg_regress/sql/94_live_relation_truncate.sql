-- What a statement reads to keep live counts of segments that read relations, and what transition tables and snapshots do not show:
-- TRUNCATE, COPY … FREEZE, and counting in the middle of a statement.
\pset format unaligned
\pset tuples_only on
CREATE TABLE shoppers (id int PRIMARY KEY, country text, visits int DEFAULT 0);
CREATE TABLE baskets (id int PRIMARY KEY, shopper int REFERENCES shoppers ON DELETE CASCADE, total int);
CREATE TABLE glances (shopper int, page text) PARTITION BY LIST (page);
CREATE TABLE glances_home PARTITION OF glances FOR VALUES IN ('home');
CREATE TABLE glances_rest PARTITION OF glances DEFAULT;
CREATE INDEX ON baskets (shopper);
CREATE INDEX ON glances (shopper);
INSERT INTO shoppers SELECT n, (ARRAY['US', 'DE'])[1 + n % 2] FROM generate_series(1, 10) n;
INSERT INTO baskets SELECT n, 1 + n % 7, n * 10 FROM generate_series(1, 20) n;
INSERT INTO glances SELECT 1 + n % 6, (ARRAY['home', 'pricing', 'docs'])[1 + n % 3] FROM generate_series(1, 20) n;
SELECT attach_audience('shoppers', 'shoppers');
SELECT attach_relation('baskets', 'baskets', 'shopper', 'shoppers');
SELECT attach_relation('glances', 'glances', 'shopper', 'shoppers');
SELECT set_freshness('shoppers', 'live');
SELECT count(create_segment(name, condition::segment_condition, audience => 'shoppers')) FROM (VALUES
    ('US', '{"country": "US"}'), ('US buyers', '{"country": "US", "baskets": {"$empty": false}}'),
    ('busy buyers', '{"visits": {"$gte": 5}, "baskets.total": {"$gte": 50}}'),
    ('over 100', '{"baskets": {"$sum": {"total": {"$gt": 100}}}}')) v(name, condition);
SELECT count(watch_segment(id)) FROM segments.segment WHERE audience = 'shoppers' AND name <> 'US';
DELETE FROM segments.change_record;
CREATE FUNCTION recorded() RETURNS SETOF text LANGUAGE sql AS $$
    SELECT format('%s: %s', s.name, string_agg(c.change || ' ' || c.contact_id, ', ' ORDER BY c.contact_id::int, c.sequence))
      FROM segments.change_record c JOIN segments.segment s ON s.id = c.segment GROUP BY s.id, s.name ORDER BY s.id
$$;
CREATE FUNCTION scans(relation regclass) RETURNS bigint LANGUAGE sql AS $$
    SELECT pg_stat_get_xact_numscans(relation) + (SELECT sum(pg_stat_get_xact_numscans(i.indexrelid)) FROM pg_index i WHERE i.indrelid = relation)
$$;
CREATE FUNCTION counted_at() RETURNS SETOF text LANGUAGE sql AS $$
    SELECT format('%s is counted again', s.name) FROM segments.segment s WHERE s.audience = 'shoppers' AND s.counted_at >= now() ORDER BY s.id
$$;

-- Rows of the contacts are read twice, before and after, however many segments are concerned.
BEGIN;
SELECT scans('baskets') AS before \gset
INSERT INTO baskets VALUES (100, 9, 300), (101, 9, 20);
SELECT scans('baskets') - :before;
SELECT counts_of('shoppers');
-- An update of contacts reads nothing if no test of a contact's own fields has another answer than before.
SELECT scans('baskets') AS before \gset
UPDATE shoppers SET visits = visits + 1;
SELECT scans('baskets') - :before;
UPDATE shoppers SET visits = visits + 5 WHERE id = 7;
SELECT scans('baskets') - :before;
SELECT counts_of('shoppers');
ROLLBACK;
DELETE FROM segments.change_record;

-- As long as no segment asks for them, a TRUNCATE of glances reads nothing, locks no other table, and leaves counts alone.
BEGIN;
SELECT scans('shoppers') AS before \gset
TRUNCATE glances;
SELECT scans('shoppers') - :before, (SELECT count(*) FROM pg_locks WHERE relation = 'shoppers'::regclass AND mode = 'ShareRowExclusiveLock');
SELECT * FROM counted_at();
ROLLBACK;
-- Segments that do not ask for the emptied relation are not counted again.
SELECT count(create_segment(name, condition::segment_condition, audience => 'shoppers')) FROM (VALUES
    ('looked', '{"glances.page": "home"}'), ('neither', '{"glances": {"$empty": true}, "baskets": {"$empty": true}}')) v(name, condition);
SELECT count(watch_segment(id)) FROM segments.segment WHERE audience = 'shoppers' AND name = 'neither';
BEGIN;
TRUNCATE glances_home;
SELECT * FROM counted_at();
SELECT counts_of('shoppers');
SELECT * FROM recorded();
ROLLBACK;
BEGIN;
TRUNCATE glances, baskets;
SELECT * FROM counted_at();
SELECT counts_of('shoppers');
SELECT * FROM recorded();
ROLLBACK;
BEGIN;
TRUNCATE shoppers CASCADE;
SELECT * FROM counted_at();
SELECT counts_of('shoppers');
SELECT * FROM recorded();
ROLLBACK;
-- One that fails leaves nothing behind for a later one.
BEGIN;
CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE 'refused'; END $$;
CREATE TRIGGER zz_refuse BEFORE TRUNCATE ON baskets FOR EACH STATEMENT EXECUTE FUNCTION refuse();
SAVEPOINT a;
TRUNCATE baskets;
ROLLBACK TO a;
DROP TRIGGER zz_refuse ON baskets;
TRUNCATE glances;
SELECT * FROM counted_at();
SELECT counts_of('shoppers');
ROLLBACK;

-- Snapshots as of earlier commands see frozen rows, too.
BEGIN;
TRUNCATE baskets;
COPY baskets FROM stdin (FREEZE);
1	8	500
2	9	5
3	9	6
\.
SELECT counts_of('shoppers');
INSERT INTO baskets VALUES (4, 10, 1000);
DELETE FROM baskets WHERE id = 1;
SELECT counts_of('shoppers');
COMMIT;
SELECT * FROM recorded();
DELETE FROM segments.change_record;
BEGIN;
TRUNCATE shoppers CASCADE;
COPY shoppers (id, country) FROM stdin (FREEZE);
1	US
2	DE
3	US
\.
COPY baskets FROM stdin (FREEZE);
1	1	500
2	2	5
\.
COMMIT;
SELECT counts_of('shoppers');
SELECT * FROM recorded();

-- What is counted while a statement runs has a part of what it does.
CREATE FUNCTION creates(name text) RETURNS text LANGUAGE sql AS $$
    SELECT (create_segment(name, '{"baskets.total": {"$gte": 1}}', audience => 'shoppers')).name
$$;
UPDATE shoppers SET country = CASE WHEN id = 2 AND creates('made while it ran') IS NOT NULL THEN 'FR' ELSE 'FR' END;
SELECT counts_of('shoppers');
UPDATE baskets SET total = CASE WHEN id = 2 AND creates('made while baskets changed') IS NOT NULL THEN -1 ELSE -1 END;
SELECT counts_of('shoppers');
CREATE FUNCTION empties() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN TRUNCATE baskets; RETURN NEW; END $$;
CREATE TRIGGER empties AFTER UPDATE ON shoppers FOR EACH ROW WHEN (NEW.id = 2) EXECUTE FUNCTION empties();
UPDATE baskets SET total = 7;
UPDATE shoppers SET country = 'US';
SELECT counts_of('shoppers');
INSERT INTO baskets VALUES (1, 1, 1);
SELECT counts_of('shoppers');
SELECT detach_audience('shoppers', true);
DROP TABLE baskets, glances, shoppers;
DROP FUNCTION recorded, scans, counted_at, creates, empties;
