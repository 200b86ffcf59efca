-- What triggers cannot see of a live audience. Times in which they do not fire: what is counted then is not taken for live
-- afterwards.
\pset format unaligned
\pset tuples_only on
CREATE ROLE regress_segments_keeper;
CREATE TABLE readers (id int PRIMARY KEY, country text) PARTITION BY RANGE (id);
CREATE TABLE readers_1 PARTITION OF readers FOR VALUES FROM (0) TO (100);
CREATE TABLE readers_2 PARTITION OF readers FOR VALUES FROM (100) TO (200);
CREATE TABLE reader_topics (reader_id int, topic text);
INSERT INTO readers SELECT n, 'US' FROM generate_series(1, 4) n;
INSERT INTO reader_topics VALUES (1, 'a'), (2, 'a');
SELECT attach_audience('readers', 'readers'), attach_topics('readers', 'reader_topics', 'reader_id', 'topic');
SELECT slug FROM create_topic('a', audience => 'readers');
SELECT set_freshness('readers', 'live');
SELECT count(create_segment(name, condition, audience => 'readers')) FROM (VALUES ('US', '{"country": "US"}'), ('a', '{"$topic": "a"}')) v(name, condition);

-- How each is kept and counted, and WRONG where there is something else; what is cached comes first.
CREATE FUNCTION gap_counts() RETURNS text LANGUAGE sql AS $$
    SELECT string_agg(format('%s %s %s', s.name, segments.how_kept(s.id), s.contact_count)
               || CASE WHEN segments.how_kept(s.id) = 'live' AND s.contact_count IS DISTINCT FROM (SELECT count(*)
                   FROM segment_members(s.id)) THEN ' WRONG' ELSE '' END
               || CASE WHEN c.contact_count IS NULL THEN ' uncached' ELSE '' END, ', ' ORDER BY s.name)
      FROM segments.segment s LEFT JOIN segments.segment_count c ON c.segment = s.id WHERE s.audience = 'readers'
$$;
SELECT gap_counts();

-- As pg_restore --data-only --disable-triggers does it.
ALTER TABLE readers_1 DISABLE TRIGGER ALL;
INSERT INTO readers_1 SELECT n, 'US' FROM generate_series(11, 13) n;
SELECT gap_counts();
ALTER TABLE readers_1 ENABLE TRIGGER ALL;
SELECT gap_counts();
-- What has no count is due at once.
SELECT name, due <= now() AS due FROM segments.segment_status JOIN segments.segment s USING (name) WHERE s.audience = 'readers' ORDER BY name;
SELECT count(*) FROM refresh_segments('readers');
INSERT INTO readers VALUES (14, 'US');
SELECT gap_counts();
-- Counted meanwhile, and with two gaps that overlap.
ALTER TABLE readers_1 DISABLE TRIGGER segments_live_delete;
SELECT count(*) FROM refresh_segments('readers');
ALTER TABLE readers_2 DISABLE TRIGGER segments_live_insert;
ALTER TABLE readers_1 ENABLE TRIGGER segments_live_delete;
SELECT count(*) FROM refresh_segments('readers');
INSERT INTO readers_2 VALUES (101, 'US');
SELECT gap_counts();
ALTER TABLE readers_2 ENABLE TRIGGER segments_live_insert;
SELECT gap_counts();
-- A trigger that was renamed, or dropped.
SELECT count(*) FROM refresh_segments('readers');
ALTER TRIGGER segments_live_insert ON readers_1 RENAME TO mine;
INSERT INTO readers_1 VALUES (15, 'US');
SELECT gap_counts();
ALTER TRIGGER mine ON readers_1 RENAME TO segments_live_insert;
SELECT gap_counts();
DROP TRIGGER segments_live_update ON readers_2;
SELECT gap_counts();
UPDATE readers_2 SET country = 'DE';
SELECT set_freshness('readers', 'live');
SELECT gap_counts();

-- Row security that applies to the owner.
CREATE POLICY nobody ON readers USING (false);
GRANT ALL ON reader_topics TO regress_segments_keeper;
ALTER TABLE readers OWNER TO regress_segments_keeper;
ALTER TABLE readers ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
INSERT INTO readers VALUES (16, 'US');
SELECT count(*) FROM refresh_segments('readers');
SELECT name, segments.how_kept(id) FROM segments.segment WHERE audience = 'readers' ORDER BY 1;
INSERT INTO readers_1 VALUES (17, 'US');
ALTER TABLE readers NO FORCE ROW LEVEL SECURITY;
SELECT gap_counts();
SELECT count(*) FROM refresh_segments('readers');
ALTER TABLE readers FORCE ROW LEVEL SECURITY;
INSERT INTO readers VALUES (18, 'US');
ALTER TABLE readers OWNER TO CURRENT_USER;
ALTER TABLE readers DISABLE ROW LEVEL SECURITY;
SELECT gap_counts();
SELECT count(*) FROM refresh_segments('readers');

-- Subscriptions, which other segments do not ask for. Their table becomes a part of another one, and is none any more.
INSERT INTO reader_topics VALUES (3, 'a');
SELECT gap_counts();
CREATE TABLE all_topics (reader_id int, topic text);
ALTER TABLE reader_topics INHERIT all_topics;
UPDATE all_topics SET topic = 'b' WHERE reader_id = 3;
SELECT count(*) FROM refresh_segments('readers');
DELETE FROM reader_topics WHERE reader_id = 2;
SELECT gap_counts();
ALTER TABLE reader_topics NO INHERIT all_topics;
SELECT gap_counts();
INSERT INTO reader_topics VALUES (4, 'a');
SELECT count(*) FROM refresh_segments('readers');
SELECT gap_counts();
SELECT silent, restricted, obstructed FROM segments.live_table WHERE root = part;

-- A column that takes over the name of a property, whose conditions then ask for it.
SELECT detach_audience('readers', true);
ALTER TABLE readers ADD COLUMN properties jsonb DEFAULT '{"seats": 5}';
SELECT attach_audience('readers', 'readers', properties_column => 'properties');
SELECT create_property('seats', 'number', 'readers'), set_freshness('readers', 'live');
SELECT contact_count FROM create_segment('large', '{"seats": {"$gte": 5}}', audience => 'readers');
ALTER TABLE readers ADD COLUMN seats int;
SELECT gap_counts();
UPDATE readers SET seats = 7 WHERE id = 1;
SELECT gap_counts();

-- Labels of an enum that are renamed.
CREATE TYPE mood AS ENUM ('sad', 'ok');
CREATE DOMAIN moods AS mood[];
SELECT detach_audience('readers', true);
ALTER TABLE readers ADD COLUMN mood mood DEFAULT 'sad', ADD COLUMN moods moods DEFAULT '{sad,ok}';
SELECT attach_audience('readers', 'readers', columns => '{mood}'), attach_audience('many', 'readers', columns => '{moods}');
SELECT set_freshness('readers', 'live'), set_freshness('many', 'live');
SELECT contact_count FROM create_segment('sad', '{"mood": "sad"}', audience => 'readers');
SELECT contact_count FROM create_segment('sad', '{"moods": "sad"}', audience => 'many');
ALTER TYPE mood RENAME VALUE 'sad' TO 'blue';
UPDATE readers SET mood = 'ok', moods = '{ok}' WHERE id = 1;
ALTER TYPE mood RENAME VALUE 'blue' TO 'sad';
SELECT s.audience, s.contact_count, segments.how_kept(s.id), (SELECT count(*) FROM segment_members(s.id))
  FROM segments.segment s WHERE s.name = 'sad' ORDER BY 1;

SELECT detach_audience('readers', true), detach_audience('many', true);

-- What a crash empties.
\set VERBOSITY default
CREATE UNLOGGED TABLE sessions (id int PRIMARY KEY, country text);
INSERT INTO sessions VALUES (1, 'US');
SELECT attach_audience('sessions', 'sessions');
SELECT set_freshness('sessions', 'live');
ALTER TABLE sessions SET LOGGED;
SELECT set_freshness('sessions', 'live');
SELECT segments.how_kept(id), contact_count FROM create_segment('US', '{"country": "US"}', audience => 'sessions');
CREATE UNLOGGED TABLE more_sessions () INHERITS (sessions);
SELECT segments.how_kept(id), contact_count FROM segments.segment WHERE audience = 'sessions';
DROP TABLE more_sessions;
SELECT set_freshness('sessions', 'live');
ALTER TABLE sessions SET UNLOGGED;
SELECT segments.how_kept(id), contact_count FROM segments.segment WHERE audience = 'sessions';
SELECT count(*) AS triggers FROM pg_trigger WHERE tgrelid = 'sessions'::regclass AND NOT tgisinternal;
SELECT detach_audience('sessions', true);
DROP TABLE sessions;
-- Subscriptions.
CREATE TABLE sessions (id int PRIMARY KEY);
CREATE UNLOGGED TABLE session_topics (session int, topic text);
SELECT attach_audience('sessions', 'sessions'), attach_topics('sessions', 'session_topics', 'session', 'topic');
SELECT slug FROM create_topic('a', audience => 'sessions');
SELECT set_freshness('sessions', 'live');
SELECT name, segments.how_kept((create_segment(name, condition, audience => 'sessions')).id)
  FROM (VALUES ('everyone', '{}'), ('a', '{"$topic": "a"}')) v(name, condition);
SELECT detach_audience('sessions', true);
DROP TABLE sessions, session_topics;
\set VERBOSITY terse
DROP TABLE readers, reader_topics, all_topics;
DROP TYPE mood CASCADE;
DROP FUNCTION gap_counts;
DROP OWNED BY regress_segments_keeper;
DROP ROLE regress_segments_keeper;
