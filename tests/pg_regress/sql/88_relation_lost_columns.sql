-- A relation whose time or properties column is gone loses what needs that column, and nothing else.
\pset format unaligned
\pset tuples_only on
\set VERBOSITY default
CREATE SCHEMA lost;
SET search_path = lost, public;
CREATE TABLE members (id int PRIMARY KEY, name text);
INSERT INTO members SELECT n, 'm' || n FROM generate_series(1, 3) n;
CREATE TABLE visits (id int PRIMARY KEY, member int, fee int, at date, extra jsonb, gone boolean);
CREATE INDEX ON visits (member);
INSERT INTO visits VALUES (1, 1, 5, '2025-01-01', '{"desk": "north"}', false), (2, 1, 7, '2025-01-02', '{"desk": "south"}', false),
                          (3, 2, 9, '2025-01-03', '{"desk": "north"}', false);
SELECT attach_audience('members', 'members');
-- The columns are a list.
SELECT attach_relation('visits', 'visits', 'member', 'members', columns => '{{fee,at}}');
SELECT attach_relation('visits', 'visits', 'member', 'members', columns => ARRAY['fee', NULL]);
SELECT attach_audience('others', 'members', columns => '{{id,name}}');
SELECT attach_relation('visits', 'visits', 'member', 'members', columns => '{fee}', properties_column => 'extra', time_column => 'at');
SELECT create_property('visits.desk', 'string', 'members');
SELECT count(create_segment(name, condition::segment_condition, audience => 'members')) FROM (VALUES
    ('fees', '{"visits": {"$sum": {"fee": {"$gt": 10}}}}'), ('last', '{"visits": {"$last": {"fee": 7}}}'),
    ('by', '{"visits": {"$by": "at", "$first": {"fee": 5}}}'), ('north', '{"visits.desk": "north"}')) AS s(name, condition);
CREATE VIEW counts AS
SELECT s.name, r.contact_count, r.error FROM refresh_segments('members') r JOIN segments.segment s ON s.id = r.segment ORDER BY s.name;
SELECT * FROM counts;

-- 1. The time
BEGIN;
ALTER TABLE visits DROP at;
SELECT * FROM counts;
SELECT count_contacts('{"visits": {"$last": {"fee": 7}}}', 'members');
ROLLBACK;
BEGIN;
ALTER TABLE visits ALTER at TYPE text;
SELECT * FROM counts;
-- What has nothing to do with it warns of nothing.
ALTER TABLE visits ADD note text;
ALTER TABLE visits RENAME note TO remark;
-- The way back
ALTER TABLE visits ALTER at TYPE date USING at::date;
SELECT * FROM counts WHERE error IS NOT NULL;
ROLLBACK;

-- 2. The properties
ALTER TABLE visits DROP extra;
SELECT * FROM counts;
SELECT count_contacts('{"visits.desk": "north"}', 'members');
SELECT drop_property('visits.desk', 'members');
SELECT create_property('visits.window', 'string', 'members');
ALTER TABLE visits ADD extra jsonb;
SELECT attach_relation('visits', 'visits', 'member', 'members', columns => '{fee}', properties_column => 'extra', time_column => 'at');
SELECT * FROM counts WHERE error IS NOT NULL;

-- 3. Both at once; then what says whose row it is, and what the scope reads.
BEGIN;
ALTER TABLE visits DROP extra, DROP at;
ROLLBACK;
BEGIN;
ALTER TABLE visits DROP member CASCADE;
SELECT DISTINCT error FROM counts;
ROLLBACK;
SELECT attach_relation('visits', 'visits', 'member', 'members', time_column => 'at', scope => '{"gone": false}');
ALTER TABLE visits DROP gone;
SELECT detach_audience('members', true);
DROP SCHEMA lost CASCADE;
-- A list without columns names none, rather than all.
CREATE TABLE closed (id int PRIMARY KEY, secret text);
CREATE TABLE closed_notes (contact int, secret text);
CREATE INDEX ON closed_notes (contact);
SELECT attach_audience('closed', 'closed', columns => '{}'), attach_relation('notes', 'closed_notes', 'contact', 'closed', columns => '{}');
SELECT count_contacts('{"secret": "x"}', 'closed');
SELECT count_contacts('{"notes": {"$some": {"secret": "x"}}}', 'closed');
ALTER TABLE closed RENAME secret TO hidden;
ALTER TABLE closed_notes RENAME secret TO hidden;
SELECT count_contacts('{"hidden": "x"}', 'closed');
SELECT count_contacts('{"notes.hidden": "x"}', 'closed');
SELECT detach_audience('closed');
DROP TABLE closed, closed_notes;
