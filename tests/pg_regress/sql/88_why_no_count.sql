-- Why a segment has no count, said when it is made; and why triggers do not keep a count, said in segments.segment_status.
\pset format unaligned
\pset tuples_only on
SET client_min_messages = warning;
CREATE ROLE regress_segments_shop;     -- owns the contacts
CREATE ROLE regress_segments_till;     -- owns the receipts
CREATE SCHEMA why;
GRANT ALL ON SCHEMA why TO PUBLIC;
SET search_path = why, public;
SELECT grant_segments_access('regress_segments_shop'::regrole, 'write:segments'), grant_segments_access('regress_segments_shop'::regrole, 'read:segments');
SET ROLE regress_segments_till;
CREATE TABLE receipts (buyer int, total int);
CREATE INDEX ON receipts (buyer);
INSERT INTO receipts VALUES (1, 10), (2, 20);
GRANT SELECT ON receipts TO regress_segments_shop WITH GRANT OPTION;
CREATE VIEW large AS SELECT * FROM receipts WHERE total > 15;
GRANT SELECT ON large TO regress_segments_shop WITH GRANT OPTION;
SET ROLE regress_segments_shop;
CREATE TABLE buyers (id int PRIMARY KEY, name text);
INSERT INTO buyers VALUES (1, 'b1'), (2, 'b2');
SELECT attach_audience('buyers', 'buyers');
SELECT attach_relation('receipts', 'receipts', 'buyer', 'buyers'), attach_relation('large', 'large', 'buyer', 'buyers');

-- 1. The reason and the way out.
SET client_min_messages = notice;
\set VERBOSITY default
SELECT name, contact_count FROM create_segment('dear', '{"receipts": {"$some": {"total": 20}}}', audience => 'buyers');
SELECT name, contact_count FROM create_segment('by a view', '{"large": {"$count": {"$gt": 0}}}', audience => 'buyers');
SET ROLE regress_segments_till;
REVOKE SELECT ON receipts FROM regress_segments_shop;
GRANT SELECT (buyer) ON receipts TO regress_segments_shop;
SET ROLE regress_segments_shop;
SELECT name, contact_count FROM update_segment('dear', '{"conditions": {"receipts": {"$some": {"total": 10}}}}');
-- What is no longer read is no obstacle, and a name is not counted.
SELECT name, contact_count FROM update_segment('dear', '{"name": "dearest"}');
SELECT name, contact_count FROM create_segment('any', '{"receipts": {"$count": {"$gt": 0}}}', audience => 'buyers');
SET ROLE regress_segments_till;
GRANT SELECT ON receipts TO regress_segments_shop;
ALTER TABLE receipts ENABLE ROW LEVEL SECURITY;
SET ROLE regress_segments_shop;
SELECT name, contact_count FROM create_segment('none', '{"receipts": {"$count": 0}}', audience => 'buyers');
SET ROLE regress_segments_till;
ALTER TABLE receipts DISABLE ROW LEVEL SECURITY;
CREATE FUNCTION peek(int) RETURNS int LANGUAGE sql IMMUTABLE AS 'SELECT $1';
CREATE INDEX ON receipts (peek(total));
SET ROLE regress_segments_shop;
SELECT name, contact_count FROM create_segment('peeked', '{"receipts": {"$some": {"total": 10}}}', audience => 'buyers');
RESET ROLE;
SET client_min_messages = warning;
SELECT detach_audience('buyers', true);

-- 2. A live audience: which counts triggers keep, and why not the others.
CREATE TABLE guests (id int PRIMARY KEY, born date, country text);
CREATE UNLOGGED TABLE stays (guest int, nights int);
SELECT attach_audience('guests', 'guests'), attach_relation('stays', 'stays', 'guest', 'guests');
SELECT count(create_segment(name, condition::segment_condition, audience => 'guests')) FROM (VALUES
    ('American', '{"country": "US"}'), ('long', '{"stays": {"$some": {"nights": 5}}}'),
    ('young', '{"born": {"$gte": {"$today": "-20 years"}}}'), ('both', '{"$segment": "young", "country": "US"}')) AS s(name, condition);
CREATE VIEW kept AS
SELECT name, kept, why_periodic FROM segments.segment_status WHERE audience = 'guests' ORDER BY segment;
SELECT * FROM kept;
SELECT set_freshness('guests', 'live');
SELECT * FROM kept;
ALTER TABLE guests DISABLE TRIGGER segments_live_insert;
SELECT * FROM kept WHERE name = 'American';
ALTER TABLE guests ENABLE TRIGGER segments_live_insert;
SELECT * FROM kept WHERE name = 'American';
ALTER TABLE guests DROP COLUMN country;
SELECT name, kept, why_periodic FROM kept WHERE name = 'American';
SELECT detach_audience('guests', true);
RESET search_path;
DROP SCHEMA why CASCADE;
SELECT revoke_segments_access('regress_segments_shop'::regrole, 'write:segments'), revoke_segments_access('regress_segments_shop'::regrole, 'read:segments');
DROP ROLE regress_segments_shop, regress_segments_till;
