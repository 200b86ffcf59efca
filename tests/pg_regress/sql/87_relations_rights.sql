-- Rights to relations: who attaches one, who sees counts of segments that read it, and whose code runs.
\pset format unaligned
\pset tuples_only on
SET client_min_messages = warning;
CREATE ROLE regress_segments_shop;     -- owns the contacts
CREATE ROLE regress_segments_till;     -- owns the orders
CREATE ROLE regress_segments_desk;     -- reads contacts and segments
CREATE SCHEMA regress_relations;
GRANT ALL ON SCHEMA regress_relations TO PUBLIC;
SET search_path = regress_relations, public;
SELECT count(grant_segments_access(role, scope)::text) FROM unnest('{regress_segments_shop,regress_segments_till}'::regrole[]) role,
    unnest('{read:segments,write:segments}'::text[]) scope;
SET ROLE regress_segments_till;
CREATE TABLE orders (id int PRIMARY KEY, buyer int, total int, status text, placed_at date, hidden boolean);
CREATE INDEX ON orders (buyer);
INSERT INTO orders VALUES (1, 1, 10, 'paid', '2025-01-01', false), (2, 1, 20, 'open', '2025-01-02', false), (3, 2, 30, 'paid', '2025-01-03', false);
SET ROLE regress_segments_shop;
CREATE TABLE buyers (id int PRIMARY KEY, name text);
INSERT INTO buyers SELECT n, 'b' || n FROM generate_series(1, 3) n;
SELECT attach_audience('buyers', 'buyers');

-- 1. Attaching. The owner of the other table lets the owner of the contacts give its rows away.
SELECT refusal_of($$SELECT attach_relation('orders', 'orders', 'buyer', 'buyers')$$);
SET ROLE regress_segments_till;
SELECT refusal_of($$SELECT attach_relation('orders', 'orders', 'buyer', 'buyers')$$);
GRANT SELECT ON orders TO regress_segments_shop;
GRANT SELECT ON orders TO regress_segments_desk WITH GRANT OPTION;
SET ROLE regress_segments_desk;
GRANT SELECT ON orders TO regress_segments_shop WITH GRANT OPTION;
SET ROLE regress_segments_shop;
SELECT refusal_of($$SELECT attach_relation('orders', 'orders', 'buyer', 'buyers')$$);
SET ROLE regress_segments_till;
REVOKE ALL ON orders FROM regress_segments_desk CASCADE;
GRANT SELECT ON orders TO regress_segments_shop WITH GRANT OPTION;
SET ROLE regress_segments_shop;
SELECT attach_relation('orders', 'orders', 'buyer', 'buyers', time_column => 'placed_at', scope => '{"hidden": false}');
SELECT name, contact_count FROM create_segment('paid', '{"orders": {"$some": {"status": "paid"}}}', audience => 'buyers');
SELECT name, contact_count FROM create_segment('spent', '{"orders": {"$sum": {"total": {"$gt": 15}}}}', audience => 'buyers');
SELECT name, contact_count FROM create_segment('last paid', '{"orders": {"$last": {"status": "paid"}}}', audience => 'buyers');
SELECT name, contact_count FROM create_segment('any', '{"orders": {"$count": {"$gt": 0}}}', audience => 'buyers');
SELECT name, contact_count FROM create_segment('named', '{"name": "b1"}', audience => 'buyers');
SELECT count(grant_segments_access('regress_segments_desk'::regrole, scope, 'buyers')::text) FROM unnest('{read:contacts,read:segments}'::text[]) scope;
RESET ROLE;
SELECT role, has_table_privilege(role, 'orders', 'SELECT') FROM unnest('{regress_segments_desk}'::name[]) role;

-- 2. A count is for those who may SELECT all that it was counted with: of the condition and the scope, and what says whose row it is,
-- and in which order rows are.
SET ROLE regress_segments_desk;
SELECT name, contact_count FROM segments.segment WHERE audience = 'buyers' ORDER BY id;
SELECT refusal_of($$SELECT count_contacts('{"orders": {"$some": {"status": "paid"}}}', 'buyers')$$);
SELECT refusal_of($$SELECT count(*) FROM segment_members('paid', NULL::int)$$);
SELECT refusal_of($$SELECT in_segment(1, 'paid')$$);
SELECT name FROM infer_properties('buyers');
SET ROLE regress_segments_till;
GRANT SELECT (status, hidden) ON orders TO regress_segments_desk;
SET ROLE regress_segments_desk;
SELECT name, contact_count FROM segments.segment WHERE audience = 'buyers' AND contact_count IS NOT NULL ORDER BY id;
SET ROLE regress_segments_till;
GRANT SELECT (buyer) ON orders TO regress_segments_desk;
SET ROLE regress_segments_desk;
SELECT name, contact_count FROM segments.segment WHERE audience = 'buyers' AND contact_count IS NOT NULL ORDER BY id;
SELECT count_contacts('{"orders": {"$some": {"status": "paid"}}}', 'buyers'), in_segment(1, 'paid');
SET ROLE regress_segments_till;
GRANT SELECT (placed_at) ON orders TO regress_segments_desk;
SET ROLE regress_segments_desk;
SELECT name, contact_count FROM segments.segment WHERE audience = 'buyers' AND contact_count IS NOT NULL ORDER BY id;
SET ROLE regress_segments_till;
GRANT SELECT (id) ON orders TO regress_segments_desk;
SET ROLE regress_segments_desk;
SELECT name, contact_count FROM segments.segment WHERE audience = 'buyers' AND contact_count IS NOT NULL ORDER BY id;
SET ROLE regress_segments_till;
GRANT SELECT ON orders TO regress_segments_desk;
SET ROLE regress_segments_desk;
SELECT name, contact_count FROM segments.segment WHERE audience = 'buyers' ORDER BY id;
SELECT name FROM contact_segments(1, 'buyers') ORDER BY name;

-- 3. Without the right of the owner of the contacts there is no count, for nobody; segment_status says why.
RESET ROLE;
CREATE FUNCTION counts() RETURNS SETOF text LANGUAGE sql AS $$
    SELECT concat_ws(' ', s.name, coalesce(s.contact_count::text, '-')) FROM segments.segment s WHERE audience = 'buyers' ORDER BY id
$$;
CREATE FUNCTION why() RETURNS SETOF text LANGUAGE sql AS $$
    SELECT DISTINCT error FROM segments.segment_status WHERE audience = 'buyers' AND error IS NOT NULL
$$;
REVOKE GRANT OPTION FOR SELECT ON orders FROM regress_segments_shop;
SELECT counts();
REVOKE SELECT ON orders FROM regress_segments_shop;
SELECT counts();
SELECT count(*) FROM refresh_segments('buyers') WHERE contact_count IS NULL;
SELECT why();
SELECT name, contact_count FROM create_segment('no right', '{"orders.total": 10}', audience => 'buyers');
SET ROLE regress_segments_desk;
SELECT counts();
SELECT count_contacts('{"orders": {"$some": {"status": "paid"}}}', 'buyers');
RESET ROLE;
GRANT SELECT ON orders TO regress_segments_shop;
SELECT count(*) FROM refresh_segments('buyers') WHERE contact_count IS NULL;
SELECT why();
-- Row security that applies to the owner of the contacts: a part of the rows is no count.
ALTER TABLE orders ENABLE ROW LEVEL SECURITY;
CREATE POLICY few ON orders USING (id = 1);
SELECT counts();
SELECT count(*) FROM refresh_segments('buyers') WHERE contact_count IS NULL;
SELECT why();
SET ROLE regress_segments_desk;
SELECT count_contacts('{"orders": {"$some": {"status": "paid"}}}', 'buyers');
RESET ROLE;
DROP POLICY few ON orders;
ALTER TABLE orders DISABLE ROW LEVEL SECURITY;
-- Whoever reads counts sees none either that cannot be taken.
SET ROLE regress_segments_shop;
SELECT grant_segments_access('regress_segments_desk'::regrole, 'read:counts', 'buyers');
SET ROLE regress_segments_till;
REVOKE ALL ON orders FROM regress_segments_desk;
SET ROLE regress_segments_desk;
SELECT count(contact_count) FROM segments.segment WHERE audience = 'buyers';
SET ROLE regress_segments_till;
REVOKE ALL ON orders FROM regress_segments_shop;
SET ROLE regress_segments_desk;
SELECT count(contact_count) FROM segments.segment WHERE audience = 'buyers';
RESET ROLE;

-- 4. Code of a relation's owner does not run with the rights of the owner of the contacts: in a view,
CREATE TABLE witnessed (who name, what text);
GRANT ALL ON witnessed TO PUBLIC;
SET ROLE regress_segments_till;
CREATE FUNCTION witness(what text) RETURNS boolean LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO regress_relations.witnessed VALUES (current_user, what);
    RETURN true;
END $$;
CREATE FUNCTION constant(what text) RETURNS boolean IMMUTABLE LANGUAGE plpgsql AS 'BEGIN RETURN regress_relations.witness(what); END';
CREATE VIEW told AS SELECT * FROM orders WHERE witness('view');
GRANT SELECT ON told TO regress_segments_shop WITH GRANT OPTION;
SET ROLE regress_segments_shop;
SELECT attach_relation('told', 'told', 'buyer', 'buyers');
SELECT name, contact_count FROM create_segment('told', '{"told.total": 10}', audience => 'buyers');
SELECT contact_count, error FROM refresh_segments('buyers') WHERE segment = (get_segment('told', 'buyers')).id;
RESET ROLE;
SELECT DISTINCT who, what FROM witnessed;
-- in the key of a partitioned table,
SET ROLE regress_segments_till;
CREATE TABLE parted (buyer int, total int) PARTITION BY LIST ((CASE WHEN constant('key') THEN total END));
CREATE TABLE parted_here PARTITION OF parted FOR VALUES IN (10);
CREATE TABLE plain (buyer int, total int, seen boolean DEFAULT witness('default'), CHECK (total > 0)) PARTITION BY LIST (total);
CREATE TABLE plain_here PARTITION OF plain FOR VALUES IN (10);
INSERT INTO plain VALUES (1, 10, false);
GRANT SELECT ON parted, plain TO regress_segments_shop WITH GRANT OPTION;
SET ROLE regress_segments_shop;
SELECT attach_relation('parted', 'parted', 'buyer', 'buyers'), attach_relation('plain', 'plain', 'buyer', 'buyers');
SELECT name, contact_count FROM create_segment('parted', '{"parted.total": 10}', audience => 'buyers');
SELECT contact_count, error FROM refresh_segments('buyers') WHERE segment = (get_segment('parted', 'buyers')).id;
SELECT name, contact_count FROM create_segment('plain', '{"plain.total": 10}', audience => 'buyers');
-- in a foreign part,
RESET ROLE;
CREATE FOREIGN DATA WRAPPER regress_segments_nothing;
CREATE SERVER regress_segments_nowhere FOREIGN DATA WRAPPER regress_segments_nothing;
GRANT USAGE ON FOREIGN SERVER regress_segments_nowhere TO regress_segments_till;
SET ROLE regress_segments_till;
CREATE FOREIGN TABLE plain_there PARTITION OF plain FOR VALUES IN (20) SERVER regress_segments_nowhere;
SET ROLE regress_segments_shop;
SELECT contact_count, error FROM refresh_segments('buyers') WHERE segment = (get_segment('plain', 'buyers')).id;
RESET ROLE;
DROP FOREIGN DATA WRAPPER regress_segments_nothing CASCADE;
-- in what an index is of,
SET ROLE regress_segments_till;
CREATE INDEX sly ON orders (total) WHERE constant('index');
GRANT SELECT ON orders TO regress_segments_shop;
TRUNCATE witnessed;
SET ROLE regress_segments_shop;
SELECT contact_count, error FROM refresh_segments('buyers') WHERE segment = (get_segment('paid', 'buyers')).id;
RESET ROLE;
SELECT DISTINCT who, what FROM witnessed;
SET ROLE regress_segments_till;
DROP INDEX sly;
SET ROLE regress_segments_shop;
SELECT contact_count, error FROM refresh_segments('buyers') WHERE segment = (get_segment('paid', 'buyers')).id;
-- Nor is anything else read that could run code, whatever is in it now: a materialized view,
SET ROLE regress_segments_till;
CREATE MATERIALIZED VIEW summed AS SELECT buyer, sum(total) AS total FROM orders GROUP BY buyer;
GRANT SELECT ON summed TO regress_segments_shop WITH GRANT OPTION;
SET ROLE regress_segments_shop;
SELECT attach_relation('summed', 'summed', 'buyer', 'buyers');
SELECT name, contact_count FROM create_segment('summed', '{"summed.total": 30}', audience => 'buyers');
SELECT contact_count, error FROM refresh_segments('buyers') WHERE segment = (get_segment('summed', 'buyers')).id;
-- or a table with row security that the owner of the contacts bypasses.
RESET ROLE;
ALTER ROLE regress_segments_shop BYPASSRLS;
ALTER TABLE orders ENABLE ROW LEVEL SECURITY;
SET ROLE regress_segments_shop;
SELECT name, contact_count FROM create_segment('bypassed', '{"orders.total": 10}', audience => 'buyers');
SELECT contact_count, error FROM refresh_segments('buyers') WHERE segment = (get_segment('bypassed', 'buyers')).id;
RESET ROLE;
ALTER ROLE regress_segments_shop NOBYPASSRLS;
ALTER TABLE orders DISABLE ROW LEVEL SECURITY;
SET ROLE regress_segments_shop;
SELECT contact_count, error FROM refresh_segments('buyers') WHERE segment = (get_segment('bypassed', 'buyers')).id;
-- Code in another table of the same name does not run either.
RESET ROLE;
ALTER EVENT TRIGGER segments_follow_renamed_relations DISABLE;
ALTER TABLE orders RENAME TO orders_before;
ALTER EVENT TRIGGER segments_follow_renamed_relations ENABLE ALWAYS;
SET ROLE regress_segments_till;
CREATE VIEW orders AS SELECT * FROM orders_before WHERE witness('another');
GRANT SELECT ON orders TO regress_segments_shop WITH GRANT OPTION;
SET ROLE regress_segments_shop;
SELECT contact_count, error FROM refresh_segments('buyers') WHERE segment = (get_segment('paid', 'buyers')).id;
RESET ROLE;
SELECT DISTINCT who, what FROM witnessed;

-- 5. Detaching needs ownership of the contacts.
SET ROLE regress_segments_till;
SELECT refusal_of($$SELECT detach_relation('orders', 'buyers')$$);
RESET ROLE;
SELECT count(revoke_segments_access(a.role::regrole, a.scope, a.audience)::text) FROM segments.access a
 WHERE a.role::text ~ '^regress_segments_(shop|till|desk)$';
SELECT detach_audience('buyers', true);
DROP SCHEMA regress_relations CASCADE;
DROP ROLE regress_segments_shop, regress_segments_till, regress_segments_desk;
