-- Live counts of segments that ask what contacts are subscribed to.
\pset format unaligned
\pset tuples_only on
\set VERBOSITY default
SELECT create_contacts('readers');
INSERT INTO readers (id, email, country) SELECT format('00000000-0000-0000-0000-%s', lpad(n::text, 12, '0'))::uuid, 'r' || n || '@example.com',
    (ARRAY['US', 'DE'])[1 + n % 2] FROM generate_series(1, 20) n;
CREATE FUNCTION reader(n int) RETURNS uuid LANGUAGE sql AS $$ SELECT format('00000000-0000-0000-0000-%s', lpad(n::text, 12, '0'))::uuid $$;
SELECT count(create_topic(t, audience => 'readers')) FROM unnest('{a,b,c}'::text[]) t;
SELECT set_freshness('readers', 'live');
-- None of the counts of "a without b" and its like is the sum of what its parts change by.
SELECT count(create_segment(name, condition, audience => 'readers')) FROM (VALUES
    ('a', '{"$topic": "a"}'),
    ('not a', '{"$topic": {"$ne": "a"}}'),
    ('a without b', '{"$topic": {"$eq": "a", "$ne": "b"}}'),
    ('a and b', '{"$topic": {"$all": ["a", "b"]}}'),
    ('either', '{"$topic": {"$in": ["b", "c"]}}'),
    ('US a', '{"country": "US", "$topic": "a"}'),
    ('US or a', '{"$or": [{"country": "US"}, {"$segment": "a"}]}'),
    ('US', '{"country": "US"}'),
    ('none', '{"$topic": {"$nin": ["a", "b", "c"]}}')) v(name, condition);

SELECT counts_of('readers');

-- Subscribing, and every statement on the subscriptions.
SELECT count(subscribe_contact(reader(n), 'a', 'readers')) FROM generate_series(1, 6) n;
SELECT counts_of('readers');
INSERT INTO reader_topics (contact_id, topic) SELECT reader(n), 'b' FROM generate_series(4, 9) n;
SELECT counts_of('readers');
SELECT unsubscribe_contact(reader(1), 'a', 'readers');
DELETE FROM reader_topics WHERE contact_id = reader(4);
SELECT counts_of('readers');
UPDATE reader_topics SET topic = 'c' WHERE topic = 'b' AND contact_id <= reader(6);
SELECT counts_of('readers');
UPDATE reader_topics SET contact_id = reader(12) WHERE contact_id = reader(9);
SELECT counts_of('readers');
COPY reader_topics (contact_id, topic) FROM stdin;
00000000-0000-0000-0000-000000000014	a
00000000-0000-0000-0000-000000000014	b
\.
SELECT counts_of('readers');
-- Several events in one statement, for the same contact.
INSERT INTO reader_topics (contact_id, topic) VALUES (reader(14), 'a'), (reader(14), 'c'), (reader(15), 'a') ON CONFLICT (contact_id,
    topic) DO UPDATE SET topic = 'x';
SELECT counts_of('readers');
MERGE INTO reader_topics t USING (VALUES (reader(14), 'b'), (reader(14), 'a'), (reader(2), 'a'), (reader(2), 'b')) v(contact_id, topic)
    ON t.contact_id = v.contact_id AND t.topic = v.topic
    WHEN MATCHED THEN DELETE WHEN NOT MATCHED THEN INSERT (contact_id, topic) VALUES (v.contact_id, v.topic);
SELECT counts_of('readers');
WITH gone AS (DELETE FROM reader_topics WHERE contact_id = reader(14) AND topic = 'a'), changed AS (UPDATE reader_topics SET topic = 'b'
    WHERE contact_id = reader(14) AND topic = 'x')
INSERT INTO reader_topics (contact_id, topic) VALUES (reader(14), 'a2');
SELECT counts_of('readers');
-- Contacts and their subscriptions in one statement.
WITH added AS (INSERT INTO readers (id, country) SELECT reader(n), 'US' FROM generate_series(31, 34) n RETURNING id)
INSERT INTO reader_topics (contact_id, topic) SELECT id, t FROM added, unnest('{a,b}'::text[]) t WHERE id > reader(31);
SELECT counts_of('readers');
WITH moved AS (UPDATE readers SET country = 'DE' WHERE id = reader(33) RETURNING id)
DELETE FROM reader_topics USING moved WHERE contact_id = id AND topic = 'b';
SELECT counts_of('readers');

-- What a foreign key does.
DELETE FROM readers WHERE id IN (reader(2), reader(5), reader(32));
SELECT counts_of('readers');
ALTER TABLE reader_topics DROP CONSTRAINT reader_topics_contact_id_fkey, ADD FOREIGN KEY (contact_id) REFERENCES readers ON UPDATE CASCADE ON DELETE CASCADE;
UPDATE readers SET id = reader(100) WHERE id = reader(34);
UPDATE readers SET id = reader(101), country = 'US' WHERE id = reader(3);
SELECT counts_of('readers');
ALTER TABLE reader_topics ADD COLUMN origin int;
CREATE TABLE origins (id int PRIMARY KEY);
ALTER TABLE reader_topics ADD FOREIGN KEY (origin) REFERENCES origins ON DELETE CASCADE;
INSERT INTO origins VALUES (1), (2), (3);
UPDATE reader_topics SET origin = CASE topic WHEN 'a' THEN 1 WHEN 'b' THEN 2 ELSE 3 END;
DELETE FROM origins WHERE id > 1;
SELECT counts_of('readers');
-- A statement that does one thing itself, and another by a foreign key.
INSERT INTO origins VALUES (2), (3);
INSERT INTO reader_topics (contact_id, topic, origin) VALUES (reader(101), 'b', 2), (reader(101), 'c', 3);
SELECT counts_of('readers');
WITH o AS (DELETE FROM origins WHERE id = 2) DELETE FROM reader_topics WHERE contact_id = reader(101) AND topic = 'a';
SELECT counts_of('readers');

-- Triggers of the tables' own: new contacts are subscribed, and who subscribes to a is subscribed to b.
CREATE FUNCTION welcome() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN INSERT INTO reader_topics (contact_id, topic) VALUES (NEW.id, 'a'); RETURN NULL; END $$;
CREATE TRIGGER welcome AFTER INSERT ON readers FOR EACH ROW EXECUTE FUNCTION welcome();
CREATE FUNCTION both_topics() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN INSERT INTO reader_topics (contact_id, topic) VALUES (NEW.contact_id, 'b')
    ON CONFLICT DO NOTHING; RETURN NULL; END $$;
CREATE TRIGGER both_topics AFTER INSERT ON reader_topics FOR EACH ROW WHEN (NEW.topic = 'a') EXECUTE FUNCTION both_topics();
INSERT INTO readers (id, country) VALUES (reader(51), 'US'), (reader(52), 'DE');
SELECT counts_of('readers');
CREATE FUNCTION moves() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN UPDATE readers SET country = 'US' WHERE id = OLD.contact_id; RETURN NULL; END $$;
CREATE TRIGGER moves AFTER DELETE ON reader_topics FOR EACH ROW EXECUTE FUNCTION moves();
DELETE FROM reader_topics WHERE contact_id = reader(52) AND topic = 'b';
SELECT counts_of('readers');
DROP TRIGGER welcome ON readers; DROP TRIGGER both_topics ON reader_topics; DROP TRIGGER moves ON reader_topics;

-- Transactions.
BEGIN;
DELETE FROM reader_topics WHERE topic = 'a';
SAVEPOINT s;
UPDATE readers SET country = 'US';
INSERT INTO reader_topics (contact_id, topic) SELECT id, 'a' FROM readers;
SELECT counts_of('readers');
ROLLBACK TO s;
SELECT counts_of('readers');
ROLLBACK;
SELECT counts_of('readers');

-- A change of the contact alone.
UPDATE readers SET country = CASE country WHEN 'US' THEN 'DE' ELSE 'US' END;
SELECT counts_of('readers');

BEGIN;
TRUNCATE reader_topics;
SELECT counts_of('readers');
INSERT INTO reader_topics (contact_id, topic) VALUES (reader(7), 'a');
TRUNCATE readers CASCADE;
SELECT counts_of('readers');
ROLLBACK;
SELECT counts_of('readers');

-- Another table of subscriptions, without a foreign key: some precede their contacts.
CREATE TABLE interests (who text, what text);
INSERT INTO interests SELECT reader(n)::text, 'a' FROM generate_series(1, 60) n;
ALTER TABLE interests ALTER COLUMN who TYPE uuid USING who::uuid;
SELECT attach_topics('readers', 'interests', 'who', 'what');
SELECT counts_of('readers');
SELECT tgrelid::regclass AS "table", count(*) AS triggers FROM pg_trigger WHERE tgname LIKE 'segments%' AND tgrelid::regclass::text IN ('readers',
    'interests') GROUP BY tgrelid ORDER BY tgrelid::regclass::text;
INSERT INTO reader_topics (contact_id, topic) SELECT id, 'c' FROM readers ON CONFLICT DO NOTHING;
INSERT INTO interests VALUES (reader(7), 'b'), (reader(61), 'b'), (NULL, 'a'), (reader(8), NULL);
INSERT INTO readers (id, country) VALUES (reader(60), 'US'), (reader(61), 'US');
DELETE FROM readers WHERE id = reader(7);
DELETE FROM interests WHERE who IN (reader(7), reader(10));
UPDATE interests SET who = NULL WHERE who = reader(12);
UPDATE interests SET who = reader(60), what = 'c' WHERE what IS NULL;
SELECT counts_of('readers');
-- Topics by their ids, and partitions written directly.
CREATE TABLE subscribed (topic uuid, reader uuid REFERENCES readers ON DELETE CASCADE) PARTITION BY HASH (reader);
CREATE TABLE subscribed0 PARTITION OF subscribed FOR VALUES WITH (MODULUS 2, REMAINDER 0);
CREATE TABLE subscribed1 (reader uuid, extra text, topic uuid);
ALTER TABLE subscribed1 DROP COLUMN extra;
ALTER TABLE subscribed ATTACH PARTITION subscribed1 FOR VALUES WITH (MODULUS 2, REMAINDER 1);
SELECT attach_topics('readers', 'subscribed', 'reader', 'topic');
SELECT counts_of('readers');
INSERT INTO subscribed SELECT t.id, reader(n) FROM segments.topic t, generate_series(13, 17) n WHERE t.slug <> 'c';
SELECT counts_of('readers');
INSERT INTO subscribed1 SELECT reader(n), t.id FROM segments.topic t, generate_series(13, 20) n WHERE t.slug = 'c'
    AND satisfies_hash_partition('subscribed'::regclass, 2, 1, reader(n));
DELETE FROM subscribed0 WHERE reader = reader(16);
SELECT counts_of('readers');
DELETE FROM readers WHERE id = reader(15);
TRUNCATE subscribed1;
SELECT counts_of('readers');
SELECT detach_audience('readers', true);
SELECT count(*) AS triggers FROM pg_trigger WHERE tgname LIKE 'segments%' AND tgrelid::regclass::text IN ('readers', 'interests');
DROP TABLE subscribed, interests, reader_topics, origins, readers;

-- Audiences of the same contacts and subscriptions, and audiences whose contacts have the same ids.
CREATE TABLE tenants (id int PRIMARY KEY);
CREATE TABLE their_topics (who int REFERENCES tenants ON DELETE CASCADE, topic text);
CREATE TABLE others_topics (who int REFERENCES tenants ON DELETE CASCADE, topic text);
INSERT INTO tenants VALUES (1), (2), (3);
SELECT attach_audience(a, 'tenants') FROM unnest('{one,two,three}'::text[]) a;
SELECT count(create_topic('News', audience => a)) FROM unnest('{one,two,three}'::text[]) a;
SELECT attach_topics(a, t, 'who', 'topic') FROM (VALUES ('one', 'their_topics'::regclass), ('two', 'their_topics'), ('three', 'others_topics')) v(a, t);
SELECT set_freshness(a, 'live') FROM unnest('{one,two,three}'::text[]) a;
SELECT count(create_segment('Readers', '{"$topic": "news"}', audience => a)) FROM unnest('{one,two,three}'::text[]) a;
CREATE FUNCTION readers() RETURNS text LANGUAGE sql AS $$
    SELECT string_agg(format('%s %s/%s', s.audience, s.contact_count, (SELECT count(*) FROM segment_members(s.id))), ', ' ORDER BY s.id)
      FROM segments.segment s WHERE s.audience IN ('one', 'two', 'three')
$$;
INSERT INTO their_topics VALUES (1, 'news');
SELECT readers();
WITH theirs AS (INSERT INTO their_topics VALUES (2, 'news'), (3, 'news') RETURNING who) INSERT INTO others_topics SELECT n, 'news' FROM generate_series(1, 2) n;
SELECT readers();
DELETE FROM tenants WHERE id = 2;
SELECT readers();
SELECT detach_audience(a, true) FROM unnest('{one,two,three}'::text[]) a;
DROP FUNCTION readers;
DROP TABLE their_topics, others_topics, tenants;
-- Types of columns that come to be called otherwise, while this session has compiled what names them.
CREATE TYPE mood AS ENUM ('sad', 'ok');
CREATE DOMAIN last_mood AS mood;
CREATE TABLE felt (id int PRIMARY KEY, mood mood, past mood[], last last_mood);
CREATE TABLE felt_topics (felt int REFERENCES felt ON DELETE CASCADE, topic text, PRIMARY KEY (felt, topic));
SELECT attach_audience('felt', 'felt'), attach_topics('felt', 'felt_topics', 'felt', 'topic');
SELECT count(create_topic('w', audience => 'felt'));
SELECT set_freshness('felt', 'live');
SELECT name, contact_count FROM unnest('{mood,past,last}'::text[]) property, create_segment(property, jsonb_build_object(property, 'sad', '$topic',
    'w'), audience => 'felt');
CREATE PROCEDURE feel(id int) LANGUAGE plpgsql AS $$
BEGIN
    EXECUTE format('INSERT INTO felt VALUES (%s, ''sad'', ''{ok,sad}'', ''sad'')', id);
    INSERT INTO felt_topics VALUES (id, 'w');
END
$$;
CREATE FUNCTION felt() RETURNS TABLE (name text, shown bigint, there_are bigint, first_is_in text) LANGUAGE sql AS $$
    SELECT s.name, s.contact_count, (SELECT count(*) FROM segment_members(s.id)), (SELECT string_agg(c.name, ' ') FROM contact_segments(1, 'felt') c)
      FROM segments.segment s WHERE s.audience = 'felt' ORDER BY s.name
$$;
CALL feel(1);
SELECT * FROM felt();
ALTER TYPE mood RENAME TO feeling;
ALTER DOMAIN last_mood RENAME TO last_feeling;
CALL feel(2);
ANALYZE felt, felt_topics;
CALL feel(3);
SELECT * FROM felt();
CREATE SCHEMA moods;
ALTER TYPE feeling SET SCHEMA moods;
ALTER DOMAIN last_feeling SET SCHEMA moods;
ANALYZE felt, felt_topics;
CALL feel(4);
SELECT * FROM felt();
-- It has plans of all sessions made anew, whatever they are about.
ALTER SCHEMA moods RENAME TO feelings;
CALL feel(5);
SELECT * FROM felt();
BEGIN;
ALTER TYPE feelings.feeling RENAME TO mood;
ANALYZE felt, felt_topics;
CALL feel(6);
SELECT * FROM felt();
ROLLBACK;
CALL feel(7);
SELECT * FROM felt();
SELECT detach_audience('felt', true);
DROP PROCEDURE feel;
DROP FUNCTION felt;
DROP TABLE felt_topics, felt;
DROP SCHEMA feelings CASCADE;
