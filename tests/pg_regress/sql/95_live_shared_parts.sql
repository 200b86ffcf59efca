-- A part of a live audience's table that is also a part of another table: statements that name the other one change its rows.
\pset format unaligned
\pset tuples_only on
\set VERBOSITY default
CREATE TABLE members (id int PRIMARY KEY, country text);
CREATE TABLE members_abroad () INHERITS (members);
CREATE TABLE abroad (country text);
SELECT attach_audience('members', 'members', 'id');
SELECT set_freshness('members', 'live');
SELECT (create_segment('DE', '{"country": "DE"}', audience => 'members')).contact_count;
-- It becomes one.
ALTER TABLE members_abroad INHERIT abroad;
INSERT INTO members_abroad VALUES (1, 'US');
UPDATE abroad SET country = 'DE';
SELECT name, freshness FROM segments.audience WHERE name = 'members';
SELECT contact_count, error FROM refresh_segments('members');
-- It is one.
SELECT set_freshness('members', 'live');
-- Not any more.
ALTER TABLE members_abroad NO INHERIT abroad;
SELECT set_freshness('members', 'live');
UPDATE members SET country = 'DE';
SELECT contact_count FROM list_segments('members');
-- It is made as one.
CREATE TABLE members_nowhere () INHERITS (members, abroad);
SELECT name, freshness FROM segments.audience WHERE name = 'members';
-- Both of its parents are parts of the audience's table.
DROP TABLE members_nowhere;
CREATE TABLE members_at_home () INHERITS (members);
CREATE TABLE members_somewhere () INHERITS (members_abroad, members_at_home);
SELECT set_freshness('members', 'live');
INSERT INTO members_somewhere VALUES (2, 'US');
UPDATE members_at_home SET country = 'DE';
SELECT contact_count FROM list_segments('members');
UPDATE members SET country = 'FR' WHERE id = 2;
SELECT contact_count FROM list_segments('members');
SELECT detach_audience('members', true);
DROP TABLE members, abroad CASCADE;
-- A catalog of Postgres's own.
SELECT attach_audience('relations', 'pg_class', 'oid');
SELECT set_freshness('relations', 'live');
SELECT detach_audience('relations');
