-- The owner of a live audience's table may not read it any more, and counts were forgotten. Lists of segments can still be read.
\pset format unaligned
\pset tuples_only on
CREATE ROLE regress_segments_owner;
CREATE TABLE visitors (id integer PRIMARY KEY, plan text);
INSERT INTO visitors VALUES (1, 'pro'), (2, 'free');
CREATE TABLE guests (id integer PRIMARY KEY);
INSERT INTO guests VALUES (1);
SELECT attach_audience('visitors', 'visitors'), attach_audience('guests', 'guests');
SELECT contact_count FROM create_segment('Pro', '{"plan": "pro"}', audience => 'visitors');
SELECT contact_count FROM create_segment('First', '{"id": 1}', audience => 'guests');
SELECT set_freshness('visitors', 'live');
ALTER TABLE visitors OWNER TO regress_segments_owner;
REVOKE SELECT ON visitors FROM regress_segments_owner;
UPDATE segments.segment_count SET contact_count = NULL
 WHERE segment = (SELECT id FROM segments.segment_config WHERE audience = 'visitors');
SELECT name, contact_count FROM list_segments() WHERE audience IN ('visitors', 'guests');
SELECT name, contact_count FROM get_segment('Pro', 'visitors');
SELECT name, contact_count FROM contact_segments('1', 'guests');
-- A refresh says why.
SELECT contact_count, error FROM refresh_segments('visitors');
SELECT contact_count, error FROM segments.segment JOIN segments.segment_status ON segment = id WHERE segment.name = 'Pro';
GRANT SELECT ON visitors TO regress_segments_owner;
SELECT name, contact_count FROM list_segments('visitors');
SELECT detach_audience('visitors', true), detach_audience('guests', true);
DROP TABLE visitors, guests;
DROP ROLE regress_segments_owner;
