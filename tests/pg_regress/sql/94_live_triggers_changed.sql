-- The triggers of a live audience, whatever its tables' owner does to them: where they are not as they have to be, counts are
-- periodic, and set_freshness() makes them anew.
\pset format unaligned
\pset tuples_only on
SET client_min_messages = warning;
CREATE TABLE riders (id int PRIMARY KEY, age int);
CREATE TABLE rider_topics (rider int REFERENCES riders ON DELETE CASCADE, topic text);
SELECT attach_audience('riders', 'riders'), attach_topics('riders', 'rider_topics', 'rider', 'topic');
SELECT count(create_topic('a', audience => 'riders')), count(create_segment('old', '{"age": {"$gt": 17}}', audience => 'riders')),
    count(create_segment('a', '{"$topic": "a"}', audience => 'riders'));
SELECT set_freshness('riders', 'live');
CREATE FUNCTION riders() RETURNS text LANGUAGE sql AS $$
    SELECT string_agg(format('%s %s %s', s.name, segments.how_kept(s.id), s.contact_count)
               || CASE WHEN s.contact_count IS DISTINCT FROM (SELECT count(*) FROM segment_members(s.id)) THEN ' WRONG' ELSE '' END, ', ' ORDER BY s.name)
      FROM segments.segment s WHERE s.audience = 'riders'
$$;
CREATE FUNCTION triggers() RETURNS text LANGUAGE sql AS $$
    SELECT string_agg(format('%s %s', tgname, tgenabled), ', ' ORDER BY tgname) FROM pg_trigger WHERE tgrelid = 'riders'::regclass AND NOT tgisinternal
$$;
SELECT triggers();
-- Some trigger in the place of one, or beside it.
CREATE TABLE replacements (n serial, drops text, name text, definition text);
INSERT INTO replacements (drops, name, definition) VALUES
    ('segments_live_insert', 'x', 'AFTER INSERT ON riders REFERENCING NEW TABLE AS segments_new FOR EACH STATEMENT WHEN (pg_trigger_depth() < 9 AND false)'),
    ('segments_live_update', 'x', 'AFTER UPDATE OF id ON riders FOR EACH STATEMENT'),
    ('segments_live_delete', 'x', 'AFTER DELETE ON riders FOR EACH STATEMENT'),
    ('segments_live_truncate', 'x', 'AFTER TRUNCATE ON riders FOR EACH STATEMENT'),
    (NULL, 'x', 'AFTER INSERT ON riders REFERENCING NEW TABLE AS segments_new FOR EACH STATEMENT'),
    (NULL, 'x', 'AFTER UPDATE ON riders REFERENCING OLD TABLE AS segments_old NEW TABLE AS segments_new FOR EACH STATEMENT');
DO $$
DECLARE
    r replacements;
BEGIN
    FOR r IN SELECT * FROM replacements ORDER BY n LOOP
        IF r.drops IS NOT NULL THEN
            EXECUTE format('DROP TRIGGER %I ON riders', r.drops);
        END IF;
        EXECUTE format('CREATE TRIGGER %I %s EXECUTE FUNCTION segments.keep_counts()', r.name, r.definition);
        BEGIN
            INSERT INTO riders VALUES (r.n, 18), (r.n + 100, 17);
            UPDATE riders SET age = 20 - age % 2 WHERE id % 2 = 0;
            DELETE FROM riders WHERE id = r.n;
        EXCEPTION WHEN OTHERS THEN
            RAISE WARNING '%', SQLERRM;
        END;
        RAISE WARNING '% %: %', r.drops, r.definition, riders();
        PERFORM set_freshness('riders', 'live');
        INSERT INTO riders VALUES (r.n, 18), (r.n + 200, 18);
        UPDATE riders SET age = 18 + age % 2;
        DELETE FROM riders WHERE id = r.n;
        RAISE WARNING '%', riders();
    END LOOP;
END
$$;
SELECT triggers();
-- One with another name for the new rows, and an owner who may not read what segments ask for. The cause is told to superusers.
DROP TRIGGER segments_live_insert ON rider_topics;
CREATE TRIGGER segments_live_insert AFTER INSERT ON rider_topics REFERENCING NEW TABLE AS others FOR EACH STATEMENT EXECUTE FUNCTION segments.keep_counts();
CREATE ROLE regress_segments_rider;
GRANT INSERT ON rider_topics TO regress_segments_rider;
ALTER TABLE riders OWNER TO regress_segments_rider;
\set VERBOSITY default
INSERT INTO rider_topics VALUES (101, 'a');
SET ROLE regress_segments_rider;
INSERT INTO rider_topics VALUES (101, 'a');
RESET ROLE;
\set VERBOSITY terse
ALTER TABLE riders OWNER TO CURRENT_USER;
DROP OWNED BY regress_segments_rider;
DROP ROLE regress_segments_rider;
SELECT riders();
SELECT set_freshness('riders', 'live');
SELECT riders(), triggers();
-- Enabled again, they fire always again.
ALTER TABLE riders DISABLE TRIGGER USER;
SELECT riders();
ALTER TABLE riders ENABLE TRIGGER USER;
SELECT riders(), triggers();
INSERT INTO riders VALUES (50, 50);
SELECT riders();
ALTER TABLE riders ENABLE REPLICA TRIGGER segments_live_insert;
SELECT riders();
ALTER TABLE riders ENABLE TRIGGER ALL;
SELECT riders(), triggers();

-- A session that migrates data, in which foreign keys are not enforced either.
SELECT watch_segment(id) FROM segments.segment WHERE audience = 'riders' ORDER BY name;
SET session_replication_role = replica;
INSERT INTO riders VALUES (51, 51), (52, 5), (53, 53);
INSERT INTO rider_topics VALUES (51, 'a'), (52, 'a'), (60, 'a');
SELECT riders();
UPDATE riders SET age = 60 - age;
DELETE FROM riders WHERE id = 51;
SELECT riders();
INSERT INTO riders VALUES (60, 60);
DELETE FROM rider_topics WHERE rider = 52;
SELECT riders();
COPY riders FROM stdin;
70	70
71	7
\.
SELECT riders();
SELECT s.name, r.contact_id, r.change FROM segments.change_record r JOIN segments.segment s ON s.id = r.segment WHERE s.audience = 'riders'
    ORDER BY 1, 2, r.transaction, r.sequence;
-- Its commands are followed.
CREATE TABLE riders_too (CHECK (id > 100)) INHERITS (riders);
INSERT INTO riders_too VALUES (101, 101);
SELECT riders();
ALTER TABLE riders RENAME TO cyclists;
INSERT INTO cyclists VALUES (80, 80);
SELECT riders();
TRUNCATE cyclists CASCADE;
SELECT riders();
ALTER TABLE cyclists RENAME TO riders;
DROP TABLE riders_too;
RESET session_replication_role;
SELECT count(evtname), bool_and(evtenabled = 'A') FROM pg_event_trigger WHERE evtname LIKE 'segments%';
SELECT detach_audience('riders', true);
DROP FUNCTION riders, triggers;
DROP TABLE replacements, rider_topics, riders;
