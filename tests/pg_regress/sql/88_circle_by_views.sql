-- A segment that depends on itself by what a view, a function or a policy asks. An error says so.
\pset format unaligned
\pset tuples_only on
CREATE SCHEMA circle;
SET search_path = circle, public;
CREATE TABLE patrons (id int PRIMARY KEY, country text);
INSERT INTO patrons SELECT n, CASE WHEN n % 2 = 0 THEN 'US' END FROM generate_series(1, 6) n;
CREATE TABLE gifts (id int PRIMARY KEY, patron int, amount int);
CREATE INDEX ON gifts (patron);
INSERT INTO gifts SELECT n, n % 6 + 1, n FROM generate_series(1, 20) n;
SELECT attach_audience('patrons', 'patrons');
SELECT contact_count FROM create_segment('American', '{"country": "US"}', audience => 'patrons');
-- 1. A view that asks for another segment is no circle.
CREATE VIEW of_americans AS SELECT g.* FROM gifts g JOIN patrons p ON p.id = g.patron WHERE in_segment(p.id, 'American');
CREATE VIEW of_americans_by_members AS SELECT g.* FROM gifts g WHERE g.patron IN (SELECT segment_members('American', NULL::int));
SELECT attach_relation('gifts', 'of_americans', 'patron', 'patrons'), attach_relation('others', 'of_americans_by_members', 'patron', 'patrons');
SELECT contact_count FROM create_segment('generous', '{"gifts": {"$sum": {"amount": {"$gt": 30}}}}', audience => 'patrons');
SELECT contact_count FROM create_segment('generous too', '{"others": {"$sum": {"amount": {"$gt": 30}}}}', audience => 'patrons');
SELECT id FROM patrons WHERE in_segment(id, 'generous') ORDER BY id;

-- 2. Now it asks for the segment that reads it.
CREATE OR REPLACE VIEW of_americans AS SELECT g.* FROM gifts g JOIN patrons p ON p.id = g.patron WHERE in_segment(p.id, 'generous');
SELECT id FROM patrons WHERE in_segment(id, 'generous') ORDER BY id;
SELECT in_segment(1, 'generous');
SELECT count(*) FROM segment_members('generous', NULL::int);
SELECT segment_members('generous', NULL::int);
SELECT name FROM contact_segments('1', 'patrons');
SELECT count_contacts('{"$segment": "generous"}', 'patrons');
SELECT contact_count FROM create_segment('more', '{"$segment": "generous", "country": "US"}', audience => 'patrons');
SELECT s.name, r.contact_count, r.error FROM refresh_segments('patrons') r JOIN segments.segment s ON s.id = r.segment ORDER BY 1;
CREATE OR REPLACE VIEW of_americans_by_members AS SELECT g.* FROM gifts g WHERE g.patron IN (SELECT segment_members('generous too', NULL::int));
SELECT id FROM patrons WHERE in_segment(id, 'generous too') ORDER BY id;
SELECT count(*) FROM segment_members('generous too', NULL::int);

-- 3. A call that the planner does not replace, by a function.
CREATE FUNCTION is_in(contact int, segment text) RETURNS boolean LANGUAGE plpgsql STABLE AS 'BEGIN RETURN in_segment(contact, segment); END';
CREATE OR REPLACE VIEW of_americans AS SELECT g.* FROM gifts g WHERE is_in(g.patron, 'generous');
SELECT id FROM patrons WHERE in_segment(id, 'generous') ORDER BY id;
SELECT in_segment(1, 'generous');
-- 4. The way out
SELECT name, contact_count FROM update_segment((SELECT id FROM segments.segment WHERE name = 'generous'), '{"conditions": {"country": "US"}}');
SELECT id FROM patrons WHERE in_segment(id, 'generous') ORDER BY id;
-- An error ends what was under way.
SELECT in_segment(2, 'generous');
SELECT detach_audience('patrons', true);
DROP SCHEMA circle CASCADE;
