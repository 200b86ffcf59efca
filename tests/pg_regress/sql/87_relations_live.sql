-- Segments that read relations, in a live audience: refreshes count them, and one that cannot be counted does not stop the others.
\pset format unaligned
\pset tuples_only on
CREATE SCHEMA liverel;
SET search_path = liverel, public;
CREATE TABLE guests (id int PRIMARY KEY, country text);
CREATE TABLE stays (guest int, nights int);
CREATE INDEX ON stays (guest);
CREATE VIEW prices AS SELECT guest, 100 / nights AS price FROM stays;
INSERT INTO guests VALUES (1, 'US'), (2, 'DE');
INSERT INTO stays VALUES (1, 2), (1, 5), (2, 1);
SELECT attach_audience('guests', 'guests');
SELECT attach_relation('stays', 'stays', 'guest', 'guests'), attach_relation('prices', 'prices', 'guest', 'guests');
SELECT count(create_segment(name, condition::segment_condition, audience => 'guests')) FROM (VALUES
    ('American', '{"country": "US"}'), ('long', '{"stays": {"$some": {"nights": {"$gte": 5}}}}'),
    ('dear', '{"prices": {"$max": {"price": {"$gte": 50}}}}')) AS s(name, condition);
INSERT INTO stays VALUES (2, 0);
SELECT set_freshness('guests', 'live');
CREATE VIEW counts AS
SELECT s.name, s.contact_count, t.kept, t.error FROM segments.segment s JOIN segments.segment_status t ON t.segment = s.id
 WHERE s.audience = 'guests' ORDER BY 1;
SELECT * FROM counts;
INSERT INTO guests VALUES (3, 'US');
INSERT INTO stays VALUES (3, 9);
SELECT * FROM counts;
SELECT s.name, r.contact_count, r.error FROM refresh_segments('guests') r JOIN segments.segment s ON s.id = r.segment ORDER BY s.name;
DELETE FROM stays WHERE nights = 0;
SELECT s.name, r.contact_count, r.error FROM refresh_segments('guests') r JOIN segments.segment s ON s.id = r.segment ORDER BY s.name;
SELECT * FROM counts;
SELECT detach_audience('guests', true);
DROP SCHEMA liverel CASCADE;
