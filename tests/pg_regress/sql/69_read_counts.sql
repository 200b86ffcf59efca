-- read:counts: cached counts for roles that may not read the contacts.
\pset format unaligned
\pset tuples_only on
CREATE ROLE regress_counts_owner;
CREATE ROLE regress_counts_reader;
CREATE ROLE regress_counts_writer;
SELECT grant_segments_access('regress_counts_owner', scope) FROM unnest('{read:segments,write:segments}'::text[]) scope;
CREATE SCHEMA counts AUTHORIZATION regress_counts_owner;
GRANT USAGE ON SCHEMA counts TO regress_counts_reader;
SET ROLE regress_counts_owner;
CREATE TABLE counts.people (id int PRIMARY KEY, org int, plan text, properties jsonb);
INSERT INTO counts.people SELECT n, n % 2, CASE WHEN n % 3 = 0 THEN 'pro' ELSE 'free' END, jsonb_build_object('vip', n % 5 = 0)
  FROM generate_series(1, 30) n;
ALTER TABLE counts.people ENABLE ROW LEVEL SECURITY;
CREATE POLICY own ON counts.people TO regress_counts_reader USING (org = 1);
SELECT attach_audience('people', 'counts.people', properties_column => 'properties'), attach_audience('odd', 'counts.people', scope => '{"org": 1}');
SELECT contact_count FROM create_segment('pro', '{"plan": "pro"}', audience => 'people');
SELECT create_property('vip', 'boolean', 'people'), (create_topic('News', audience => 'people')).slug;
SELECT contact_count FROM create_segment('vip', '{"vip": true}', audience => 'people');
SELECT contact_count FROM create_segment('free', '{"plan": "free"}', audience => 'odd');

-- Segments are shown without counts: the role may read no column, or not all rows.
SELECT grant_segments_access('regress_counts_reader', scope, 'people') FROM unnest('{read:segments,read:contacts}'::text[]) scope;
SET ROLE regress_counts_reader;
SELECT name, contact_count FROM list_segments();
SELECT contact_count FROM segments.count_history ORDER BY 1;

-- The owner of the contacts grants it, for one audience; another role with the function does not.
RESET ROLE;
SELECT grant_segments_access('regress_counts_reader', 'read:counts');
SELECT grant_segments_access('regress_counts_writer', 'write:segments');
SET ROLE regress_counts_writer;
SELECT grant_segments_access('regress_counts_reader', 'read:counts', 'people');
SET ROLE regress_counts_owner;
SELECT grant_segments_access('regress_counts_reader', 'read:counts', 'people');
SET ROLE regress_counts_reader;

-- The role sees counts and history, though row security applies to it. Contacts are read under it as before.
SELECT name, contact_count FROM list_segments();
SELECT contact_count FROM segments.count_history ORDER BY 1;
SELECT count_contacts('{"plan": "pro"}', 'people');
SELECT name, contact_count FROM contact_segments(3, 'people');
SELECT kept FROM segments.segment_status;

-- By itself, it shows the segments of that audience with their counts, and no contact.
SET ROLE regress_counts_owner;
SELECT revoke_segments_access('regress_counts_reader', scope, 'people') FROM unnest('{read:segments,read:contacts}'::text[]) scope;
SET ROLE regress_counts_reader;
SELECT name, contact_count FROM segments.segment ORDER BY 1;
SELECT name, contact_count FROM get_segment('pro', 'people');
SELECT count_contacts('{}', 'people');
SELECT FROM segment_members((SELECT id FROM segments.segment WHERE name = 'pro'));
SELECT FROM counts.people;

-- Live counts are shown as well, the changes of the open transaction included.
SET ROLE regress_counts_owner;
SELECT set_freshness('people', 'live');
BEGIN;
DELETE FROM counts.people WHERE id = 3;
SET ROLE regress_counts_reader;
SELECT s.name, s.contact_count, k.kept FROM segments.segment s JOIN segments.segment_status k ON k.segment = s.id ORDER BY s.name;
SELECT name, type FROM segments.property WHERE kind = 'custom';
SELECT slug FROM segments.topic;
ROLLBACK;

-- No other scope implies it: who creates a segment does not see its count without it.
SET ROLE regress_counts_writer;
SELECT contact_count FROM create_segment('org 1', '{"org": 1}', audience => 'people');

-- Revoked, it is gone. The owner of the extension can revoke it too.
RESET ROLE;
SELECT revoke_segments_access('regress_counts_reader', 'read:counts');
SELECT grant_segments_access('regress_counts_reader', 'read:segments', 'people');
SET ROLE regress_counts_reader;
SELECT name, contact_count FROM segments.segment WHERE name = 'pro';
SELECT contact_count FROM segments.count_history WHERE contact_count IS NOT NULL;
RESET ROLE;

-- The filter of an audience is no permission. Granting its contacts says so, if no row security limits what the role reads.
SELECT grant_segments_access('regress_counts_reader', 'read:contacts', 'odd');
ALTER TABLE counts.people DISABLE ROW LEVEL SECURITY;
SELECT grant_segments_access('regress_counts_reader', 'read:contacts', 'odd');
SELECT revoke_segments_access('regress_counts_reader', 'read:contacts');

-- Each owner decides for itself: an audience that gets the table of another owner loses the scope, one that gets another of the same owner's
-- tables keeps it.
CREATE FUNCTION shown() RETURNS TABLE (name text, contact_count bigint) LANGUAGE sql AS 'SELECT s.name, s.contact_count FROM segments.segment s';
SET ROLE regress_counts_owner;
CREATE TABLE counts.moved (no int PRIMARY KEY, plan text);
SELECT grant_segments_access('regress_counts_reader', 'read:counts', audience) FROM unnest('{people,odd}'::text[]) audience;
ALTER TABLE counts.people DROP COLUMN id;
SELECT attach_audience('odd', 'counts.moved');
SELECT attach_audience('odd', 'counts.moved', scope => '{}');
DROP TABLE counts.people;
RESET ROLE;
GRANT USAGE, CREATE ON SCHEMA counts TO regress_counts_writer;
SET ROLE regress_counts_writer;
CREATE TABLE counts.pay (id int PRIMARY KEY, org int, plan text);
INSERT INTO counts.pay VALUES (1, 1, 'pro');
SELECT attach_audience('people', 'counts.pay');
SELECT count(*) FROM refresh_segments('people');
SET ROLE regress_counts_reader;
SELECT * FROM shown() ORDER BY name;
SET ROLE regress_counts_writer;
SELECT grant_segments_access('regress_counts_reader', 'read:counts', 'people');
SET ROLE regress_counts_reader;
SELECT * FROM shown() WHERE name = 'pro';
RESET ROLE;
DROP FUNCTION shown;

SELECT detach_audience('people', true), detach_audience('odd', true);
SELECT revoke_segments_access(role::regrole, scope) FROM unnest('{regress_counts_owner,regress_counts_writer,regress_counts_reader}'::text[]) role,
       unnest('{read:segments,write:segments}'::text[]) scope;
DROP SCHEMA counts CASCADE;
DROP ROLE regress_counts_owner, regress_counts_reader, regress_counts_writer;
