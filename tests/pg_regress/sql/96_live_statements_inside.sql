-- Live counts, entries and exits where a statement runs others before it is done: in BEFORE triggers, and in functions that it
-- calls, which change the other table, or the same one.
\pset format unaligned
\pset tuples_only on
SET client_min_messages = warning;
CREATE TABLE guests (id int PRIMARY KEY, plan text, n int DEFAULT 0);
CREATE TABLE guest_topics (guest int, topic text, PRIMARY KEY (guest, topic));
SELECT attach_audience('guests', 'guests', 'id'), attach_topics('guests', 'guest_topics', 'guest', 'topic');
SELECT count(create_topic(t, audience => 'guests')) FROM unnest('{a,b}'::text[]) t;
SELECT set_freshness('guests', 'live');
SELECT watch_segment((create_segment(name, condition, audience => 'guests')).id) FROM (VALUES
    ('a', '{"$topic": "a"}'), ('pro a', '{"plan": "pro", "$topic": "a"}'), ('pro, not b', '{"plan": "pro", "$topic": {"$ne": "b"}}')) v(name, condition);
SELECT count(create_segment(name, condition, audience => 'guests')) FROM (VALUES
    ('A', '{"$topic": "a"}'), ('pro A', '{"plan": "pro", "$topic": "a"}'), ('pro B', '{"plan": "pro", "$topic": "b"}')) v(name, condition);

-- What the counts say that is not so, and whom entries and exits have for members that are none, or the other way round.
CREATE FUNCTION wrong_guests() RETURNS SETOF text LANGUAGE sql AS $$
    WITH segment AS MATERIALIZED (SELECT s.id, s.name, s.contact_count FROM segments.segment s WHERE s.audience = 'guests'),
    told AS (
        SELECT DISTINCT ON (r.segment, r.contact_id) r.segment, r.contact_id, r.change FROM segments.change_record r
         ORDER BY r.segment, r.contact_id, r.horizon DESC, r.sequence DESC),
    member AS (SELECT s.id AS segment, m AS contact FROM segment s, segment_members(s.id) m)
    SELECT format('%s: %s, not %s', s.name, s.contact_count, (SELECT count(*) FROM member m WHERE m.segment = s.id)) FROM segment s
     WHERE s.contact_count IS DISTINCT FROM (SELECT count(*) FROM member m WHERE m.segment = s.id)
    UNION ALL
    SELECT format('%s: %s %s', s.name, COALESCE(t.contact_id, m.contact), COALESCE(t.change, 'is not told'))
      FROM (SELECT * FROM told WHERE told.change = 'entered') t FULL JOIN member m ON m.segment = t.segment AND m.contact = t.contact_id
      JOIN segment s ON s.id = COALESCE(t.segment, m.segment) AND s.id IN (SELECT w.segment FROM segments.watch_config w)
     WHERE t.segment IS NULL OR m.segment IS NULL
$$;
CREATE FUNCTION shown() RETURNS text LANGUAGE sql AS
    $$ SELECT string_agg(name || ' ' || contact_count, ', ' ORDER BY name COLLATE "C") FROM segments.segment WHERE audience = 'guests' $$;

-- A guest is subscribed before it is there.
CREATE FUNCTION subscribe() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN INSERT INTO guest_topics VALUES (NEW.id, 'a')
    ON CONFLICT DO NOTHING; RETURN NEW; END $$;
CREATE TRIGGER subscribe BEFORE INSERT ON guests FOR EACH ROW EXECUTE FUNCTION subscribe();
INSERT INTO guests VALUES (1, 'pro'), (2, 'free'), (3, 'pro');
SELECT shown();
SELECT * FROM wrong_guests();
-- And again, where it was rolled back.
BEGIN;
INSERT INTO guests VALUES (4, 'pro');
SAVEPOINT s;
INSERT INTO guests VALUES (5, 'pro');
ROLLBACK TO s;
INSERT INTO guests VALUES (6, 'pro'), (2, 'pro') ON CONFLICT (id) DO UPDATE SET plan = excluded.plan;
COMMIT;
SELECT shown();
SELECT * FROM wrong_guests();
-- A statement that failed is not waited for.
DO $$
BEGIN
    BEGIN
        INSERT INTO guests VALUES (7, 'pro'), (1, 'pro');
    EXCEPTION WHEN unique_violation THEN
    END;
    UPDATE guests SET plan = 'free' WHERE id = 1;
    DELETE FROM guest_topics WHERE guest = 3;
END
$$;
SELECT shown();
SELECT * FROM wrong_guests();
DROP TRIGGER subscribe ON guests;

-- A subscription changes its guest, of which some have been inserted already.
CREATE FUNCTION count_up() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    UPDATE guests SET n = n + 1, plan = CASE n % 2 WHEN 0 THEN 'free' ELSE 'pro' END WHERE id = NEW.guest;
    RETURN NEW;
END $$;
CREATE TRIGGER count_up BEFORE INSERT ON guest_topics FOR EACH ROW EXECUTE FUNCTION count_up();
INSERT INTO guest_topics VALUES (3, 'a'), (3, 'b'), (1, 'b');
SELECT shown();
SELECT * FROM wrong_guests();
DELETE FROM guest_topics;
SELECT shown();
SELECT * FROM wrong_guests();
-- The same after each row, and in a statement that inserts the guest as well.
DROP TRIGGER count_up ON guest_topics;
CREATE TRIGGER count_up AFTER INSERT ON guest_topics FOR EACH ROW EXECUTE FUNCTION count_up();
WITH guest AS (INSERT INTO guests VALUES (8, 'pro') RETURNING id) INSERT INTO guest_topics SELECT id, t FROM guest, unnest('{a,b}'::text[]) t;
INSERT INTO guest_topics VALUES (3, 'a'), (3, 'b'), (1, 'b'), (4, 'a');
SELECT shown();
SELECT * FROM wrong_guests();
DROP TRIGGER count_up ON guest_topics;

-- Functions.
CREATE FUNCTION swap(guest int) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
    DELETE FROM guest_topics t WHERE t.guest = swap.guest AND t.topic = 'b';
    INSERT INTO guest_topics VALUES (swap.guest, 'a') ON CONFLICT DO NOTHING;
    UPDATE guests SET n = n + 1 WHERE id = swap.guest + 1;
    RETURN 'pro';
END $$;
UPDATE guests SET plan = swap(id) WHERE id IN (1, 3, 6, 8);
SELECT shown();
SELECT * FROM wrong_guests();
INSERT INTO guests SELECT g, swap(g) FROM generate_series(10, 12) g;
INSERT INTO guest_topics SELECT id, 'b' FROM guests WHERE swap(id) = 'pro';
SELECT shown();
SELECT * FROM wrong_guests();
DELETE FROM guests WHERE id IN (6, 12) RETURNING swap(id);
SELECT shown();
SELECT * FROM wrong_guests();

-- A trigger that fires before that of the extension, so that what it does is not known to be inside the statement.
CREATE FUNCTION unsubscribe_all() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN DELETE FROM guest_topics WHERE topic = 'b'; RETURN NULL; END $$;
CREATE TRIGGER "A first" BEFORE UPDATE ON guests FOR EACH STATEMENT EXECUTE FUNCTION unsubscribe_all();
SET client_min_messages = notice;
UPDATE guests SET plan = CASE id % 2 WHEN 0 THEN 'pro' ELSE 'free' END;
SELECT shown();
SELECT count(*) AS forgotten FROM segments.segment s WHERE s.audience = 'guests' AND NOT EXISTS (SELECT FROM segments.segment_count c WHERE c.segment = s.id);
SET client_min_messages = warning;
DROP TRIGGER "A first" ON guests;
SELECT detach_audience('guests', true);
DROP TABLE guests, guest_topics;
