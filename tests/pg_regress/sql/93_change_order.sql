-- Entries and exits where triggers of the table's owner change the same contact: the last one says whether it is a member.
\pset format unaligned
\pset tuples_only on
SET client_min_messages = warning;
CREATE TABLE pupils (id int PRIMARY KEY, plan text, note text);
CREATE TABLE pupil_topics (pupil int, topic text, PRIMARY KEY (pupil, topic));
SELECT attach_audience('pupils', 'pupils', 'id'), attach_topics('pupils', 'pupil_topics', 'pupil', 'topic');
SELECT count(create_topic('a', audience => 'pupils'));
SELECT set_freshness('pupils', 'live');
SELECT watch_segment((create_segment(name, condition, audience => 'pupils')).id) FROM (VALUES
    ('pro', '{"plan": "pro"}'), ('pro a', '{"plan": "pro", "$topic": "a"}')) v(name, condition);

-- What has been recorded since the last time, and what is not as it says.
CREATE FUNCTION told() RETURNS TABLE (segment text, changes text, wrong text) LANGUAGE sql AS $$
    WITH record AS (
        DELETE FROM segments.change_record r RETURNING r.*)
    SELECT s.name, string_agg(format('%s %s', r.contact_id, r.change), ', ' ORDER BY r.contact_id, r.transaction, r.sequence),
           (SELECT string_agg(last.contact_id, ', ') FROM (
               SELECT DISTINCT ON (l.contact_id) l.contact_id, l.change FROM record l WHERE l.segment = s.id
                ORDER BY l.contact_id, l.transaction DESC, l.sequence DESC) last
             WHERE (last.change = 'entered') <> EXISTS (SELECT FROM segment_members(s.id) m WHERE m = last.contact_id)) ||
           CASE WHEN NOT bool_and(r.in_order) THEN ' changed_at' ELSE '' END
      FROM (SELECT record.*, changed_at >= lag(changed_at, 1, changed_at) OVER (PARTITION BY record.segment, contact_id ORDER BY record.transaction,
          sequence) AS in_order
              FROM record) r
      JOIN segments.segment s ON s.id = r.segment GROUP BY s.id, s.name ORDER BY s.name
$$;

CREATE FUNCTION demote() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN UPDATE pupils SET plan = 'free' WHERE id = NEW.id AND plan = 'pro'; RETURN NULL; END $$;
CREATE TRIGGER demote AFTER INSERT OR UPDATE ON pupils FOR EACH ROW WHEN (NEW.note = 'demote') EXECUTE FUNCTION demote();
INSERT INTO pupils VALUES (1, 'pro', 'demote');
SELECT * FROM told();
INSERT INTO pupils VALUES (2, 'pro', NULL), (3, 'pro', 'demote'), (4, 'free', 'demote');
SELECT * FROM told();
UPDATE pupils SET plan = 'pro';
SELECT * FROM told();
DELETE FROM pupils;
SELECT * FROM told();

-- A chain: in, out, in, out, in.
CREATE FUNCTION swing() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    UPDATE pupils SET plan = CASE plan WHEN 'pro' THEN 'free' ELSE 'pro' END, note = left(note, -1) WHERE id = NEW.id;
    RETURN NULL;
END $$;
CREATE TRIGGER swing AFTER INSERT OR UPDATE ON pupils FOR EACH ROW WHEN (NEW.note LIKE '%!') EXECUTE FUNCTION swing();
INSERT INTO pupils VALUES (1, 'pro', '!!!!');
SELECT * FROM told();
INSERT INTO pupils VALUES (2, 'pro', '!!!'), (3, 'free', '!!'), (4, 'free', '!');
SELECT * FROM told();
DROP TRIGGER swing ON pupils;

-- Triggers for the statement, whose names are before and after those of the extension.
CREATE FUNCTION swing_all() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF pg_trigger_depth() = 1 THEN
        UPDATE pupils SET plan = CASE plan WHEN 'pro' THEN 'free' ELSE 'pro' END;
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER a AFTER INSERT OR UPDATE ON pupils FOR EACH STATEMENT EXECUTE FUNCTION swing_all();
INSERT INTO pupils VALUES (5, 'pro', NULL);
SELECT * FROM told();
ALTER TRIGGER a ON pupils RENAME TO z;
INSERT INTO pupils VALUES (6, 'pro', NULL);
SELECT * FROM told();
UPDATE pupils SET plan = 'pro';
SELECT * FROM told();
DROP TRIGGER z ON pupils;

-- Before the row: who is there goes, so that who comes has the id.
CREATE FUNCTION replace_pupil() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN DELETE FROM pupils WHERE id = NEW.id; RETURN NEW; END $$;
CREATE TRIGGER replace BEFORE INSERT ON pupils FOR EACH ROW EXECUTE FUNCTION replace_pupil();
UPDATE pupils SET plan = CASE WHEN id < 3 THEN 'pro' ELSE 'free' END, note = NULL;
SELECT count(*) FROM told();
INSERT INTO pupils VALUES (1, 'pro', NULL), (2, 'free', NULL), (3, 'pro', NULL), (4, 'pro', 'demote');
SELECT * FROM told();
DROP TRIGGER replace ON pupils;

-- Several events in one command, and subscriptions whose triggers change the contact.
MERGE INTO pupils p USING (VALUES (1, 1), (11, 1)) v(id, new) ON p.id = v.id
    WHEN MATCHED THEN UPDATE SET id = 100 WHEN NOT MATCHED THEN INSERT VALUES (v.new, 'pro');
WITH gone AS (DELETE FROM pupils WHERE plan = 'pro' RETURNING *) INSERT INTO pupils SELECT * FROM gone;
SELECT * FROM told();
CREATE FUNCTION promote() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    UPDATE pupils SET plan = 'pro' WHERE id = NEW.pupil;
    UPDATE pupils SET plan = 'free' WHERE id = NEW.pupil AND note = 'demote';
    RETURN NULL;
END $$;
CREATE TRIGGER promote AFTER INSERT ON pupil_topics FOR EACH ROW EXECUTE FUNCTION promote();
UPDATE pupils SET plan = 'pro' WHERE id IN (3, 4);
INSERT INTO pupil_topics SELECT id, 'a' FROM pupils;
SELECT * FROM told();
UPDATE pupils SET plan = 'free';
DELETE FROM pupil_topics;
SELECT count(*) FROM told();
INSERT INTO pupil_topics SELECT id, 'a' FROM pupils;
SELECT * FROM told();
WITH gone AS (DELETE FROM pupil_topics), changed AS (UPDATE pupils SET plan = 'pro') SELECT;
SELECT * FROM told();

-- What a savepoint takes back is not there to be put in order.
UPDATE pupils SET plan = 'free', note = NULL;
SELECT count(*) FROM told();
CREATE FUNCTION tries() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    BEGIN
        UPDATE pupils SET plan = 'free' WHERE id = NEW.id;
        RAISE 'no';
    EXCEPTION WHEN raise_exception THEN
    END;
    RETURN NULL;
END $$;
CREATE TRIGGER tries AFTER UPDATE ON pupils FOR EACH ROW WHEN (NEW.plan = 'pro') EXECUTE FUNCTION tries();
BEGIN;
UPDATE pupils SET plan = 'pro' WHERE id = 1;
UPDATE pupils SET plan = 'free' WHERE id = 1;
UPDATE pupils SET plan = 'pro' WHERE id = 1;
COMMIT;
SELECT * FROM told();
SELECT name, contact_count, (SELECT count(*) FROM segment_members(id)) FROM segments.segment WHERE audience = 'pupils' ORDER BY name;
SELECT detach_audience('pupils', true);

-- It takes citext and ICU; a Postgres may lack them.
SELECT count(*) < 2 AS lacks_some FROM (SELECT FROM pg_available_extensions WHERE name = 'citext' UNION ALL SELECT FROM pg_collation
    WHERE collname = 'und-x-icu') has
\gset
\if :lacks_some
\quit
\endif
CREATE EXTENSION IF NOT EXISTS citext;
-- Where nothing promises that ids are unique, counts are of rows; a contact enters with the first of its id, and leaves with the last.
CREATE TABLE doubles (id citext, plan text);
CREATE TABLE double_topics (who citext, topic text);
SELECT attach_audience('pupils', 'doubles', 'id'), attach_topics('pupils', 'double_topics', 'who', 'topic');
SELECT count(create_topic('a', audience => 'pupils'));
SELECT set_freshness('pupils', 'live');
SELECT watch_segment((create_segment(name, condition, audience => 'pupils')).id) FROM (VALUES
    ('pro', '{"plan": "pro"}'), ('a', '{"$topic": "a"}')) v(name, condition);
CREATE FUNCTION counts_of_doubles() RETURNS text LANGUAGE sql AS $$
    SELECT string_agg(format('%s %s/%s', name, contact_count, (SELECT count(*) FROM segment_members(id))), ', ' ORDER BY name) FROM segments.segment
        WHERE audience = 'pupils'
$$;
INSERT INTO doubles VALUES ('Ada', 'pro'), ('Ada', 'pro'), ('ada', 'free');
SELECT counts_of_doubles();
SELECT * FROM told();
INSERT INTO double_topics VALUES ('ADA', 'a');
SELECT counts_of_doubles();
SELECT * FROM told();
DELETE FROM doubles WHERE ctid = (SELECT min(ctid) FROM doubles);
UPDATE doubles SET plan = 'pro';
SELECT counts_of_doubles();
SELECT * FROM told();
DELETE FROM double_topics;
DELETE FROM doubles;
SELECT counts_of_doubles();
SELECT * FROM told();
SELECT detach_audience('pupils', true);
DROP TABLE doubles, double_topics, pupils, pupil_topics;
DROP FUNCTION told, counts_of_doubles, demote, swing, swing_all, replace_pupil, promote, tries;
