-- Counts over a large table whose statistics are old are planned without nested loops.
\pset tuples_only
\pset format unaligned
CREATE SCHEMA old;
SET search_path = old, public;
CREATE TABLE person (id int PRIMARY KEY, country text) WITH (autovacuum_enabled = off);
INSERT INTO person SELECT i, (ARRAY['US', 'DE'])[1 + i % 2] FROM generate_series(1, 100) i;
CREATE TABLE purchase (id int, person int, kind text, padding text) WITH (autovacuum_enabled = off, fillfactor = 10);
INSERT INTO purchase SELECT i, i, 'web' FROM generate_series(1, 10) i;
CREATE INDEX ON purchase (person);
ANALYZE person, purchase;
-- Whether nested loops are allowed while contacts are counted, as a relation.
CREATE VIEW setting AS SELECT id AS person, current_setting('enable_nestloop') AS loops FROM person;
SELECT attach_audience('people', 'old.person');
SELECT attach_relation('orders', 'old.purchase', 'person', 'people'), attach_relation('settings', 'old.setting', 'person', 'people');
\set count 'count_contacts(''{"settings": {"$some": {"loops": "off"}}, "orders": {"$count": {"$gte": 1}}}'', ''people'')'
SELECT :count;
INSERT INTO purchase SELECT i, i % 100, 'app', repeat('x', 200) FROM generate_series(1, 8000) i;
SELECT :count;
SELECT count_contacts('{"orders": {"$filter": {"kind": "app"}, "$count": {"$gte": 80}}}', 'people'), current_setting('enable_nestloop');
-- Also where the table is partitioned, of which the parts have the rows.
ALTER TABLE purchase RENAME TO recent;
CREATE TABLE purchase (id int, person int, kind text, padding text) PARTITION BY LIST (kind);
ALTER TABLE recent ALTER kind SET NOT NULL;
ALTER TABLE purchase ATTACH PARTITION recent FOR VALUES IN ('web', 'app');
SELECT detach_relation('orders', 'people'), attach_relation('orders', 'old.purchase', 'person', 'people');
SELECT :count;
SELECT pg_stat_force_next_flush();
ANALYZE purchase;
SELECT :count;
-- A view of a view of the table is no better.
CREATE VIEW bought AS SELECT * FROM purchase;
CREATE VIEW bought_online AS SELECT * FROM bought WHERE kind = 'web';
SELECT attach_relation('bought', 'old.bought_online', 'person', 'people');
\set count_of_views 'count_contacts(''{"settings": {"$some": {"loops": "off"}}, "bought": {"$count": {"$gte": 1}}}'', ''people'')'
SELECT :count_of_views;
INSERT INTO purchase SELECT i, i % 100, 'app', repeat('x', 200) FROM generate_series(1, 9000) i;
SELECT pg_stat_force_next_flush();
SELECT :count_of_views;
-- Conditions that read no rows are planned as ever.
SELECT count_contacts('{"country": "US"}', 'people');
SELECT detach_audience('people', true);
DROP SCHEMA old CASCADE;
