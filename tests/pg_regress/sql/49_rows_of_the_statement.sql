-- Functions that read contacts see them as they were when the calling statement began, as functions in SQL that are STABLE do. An audience
-- that is attached again keeps its filter.
\pset format unaligned
\pset tuples_only on
\set VERBOSITY terse
CREATE SCHEMA regress_statement;
SET search_path = regress_statement, public;
CREATE TABLE people (id int PRIMARY KEY, v int, org int);
INSERT INTO people SELECT n, 0, n % 2 FROM generate_series(1, 10) n;
SELECT attach_audience('people', 'people');
SELECT name FROM create_segment('zero', '{"v": 0}', audience => 'people');
CREATE TABLE other (n int);

-- The transaction has written before, and the statement itself writes.
BEGIN;
INSERT INTO other VALUES (1);
INSERT INTO people SELECT 100 + n, 0 FROM generate_series(1, 3) n
    RETURNING count_contacts('{"v": 0}', 'people'), (SELECT count(*) FROM search_contacts('{"v": 0}', 'people')),
              (SELECT count(*) FROM segment_contacts('zero')), (SELECT count(*) FROM contact_segments(id, 'people')),
              (SELECT sum(contacts) FROM segment_overlap(ARRAY(SELECT s.id FROM segments.segment s WHERE s.name = 'zero'), 'people')),
              (SELECT sum((share ->> 'share')::numeric) FROM segment_statistics('zero', '{org}') s, jsonb_array_elements(s.member_values) share);
SELECT count_contacts('{"v": 0}', 'people');
-- Each member is found once, though the statement adds others.
INSERT INTO people SELECT segment_members('zero', NULL::int) + 1000, 0;
INSERT INTO people SELECT m + n * 10000, 0 FROM (VALUES ('zero', 1), ('zero', 2)) s(name, n), segment_members(name, NULL::int) m;
SELECT count(*) FROM people;
ROLLBACK;

-- An audience whose table is gone keeps its filter and its zone when it is attached again.
CREATE TABLE lost (id int PRIMARY KEY, org int);
SELECT attach_audience('orgs', 'lost', scope => '{"org": 1}', time_zone => 'Asia/Tokyo');
SELECT contact_count FROM create_segment('all', '{"id": {"$gt": 0}}', audience => 'orgs');
DROP TABLE lost;
\set VERBOSITY default
SELECT attach_audience('orgs', 'other', id_column => 'n');
\set VERBOSITY terse
SELECT attach_audience('orgs', 'people');
SELECT scope, time_zone FROM segments.audience WHERE name = 'orgs';
SELECT count_contacts('{}', 'orgs');

-- Where the filter makes no sense any more, the audience can still become periodic.
SELECT set_freshness('orgs', 'live');
ALTER TABLE people DROP COLUMN org;
SELECT set_freshness('orgs', 'live');
SELECT set_freshness('orgs', 'periodic');
SELECT freshness FROM segments.audience WHERE name = 'orgs';
SELECT detach_audience(name, true) FROM unnest('{orgs,people}'::text[]) name;
RESET search_path;
SET client_min_messages = error;
DROP SCHEMA regress_statement CASCADE;
