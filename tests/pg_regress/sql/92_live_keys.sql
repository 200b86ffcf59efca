-- It takes citext and ICU; a Postgres may lack them.
\pset format unaligned
\pset tuples_only on
SELECT count(*) < 2 AS lacks_some FROM (SELECT FROM pg_available_extensions WHERE name = 'citext' UNION ALL SELECT FROM pg_collation
    WHERE collname = 'und-x-icu') has
\gset
\if :lacks_some
\quit
\endif
-- Live counts, entries and exits where ids that are equal are written otherwise, or where subscriptions have another
-- type than the ids that they refer to: after each of many statements they are what a count says.
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS citext;
CREATE TYPE level AS ENUM ('low', 'high', 'top');
CREATE DOMAIN email AS citext;
CREATE COLLATION any_case (provider = icu, locale = 'und-u-ks-level2', deterministic = false);
CREATE TABLE faults (key text, step int, statement text, wrong text);

-- What the counts say that is not so, and whom the entries and exits have for members that are none, or the other way round.
CREATE FUNCTION wrong_keys() RETURNS text LANGUAGE sql AS $$
    WITH segment AS MATERIALIZED (SELECT s.id, s.name, s.contact_count, s.conditions FROM segments.segment s WHERE s.audience = 'keys'),
    told AS (
        SELECT DISTINCT ON (r.segment, r.contact_id) r.segment, r.contact_id, r.change FROM segments.change_record r
         ORDER BY r.segment, r.contact_id, r.transaction DESC, r.sequence DESC),
    member AS (SELECT s.id AS segment, m FROM segment s, segment_members(s.id) m)
    SELECT string_agg(message, '; ') FROM (
        SELECT format('%s: %s, not %s', s.name, s.contact_count, (SELECT count(*) FROM member m WHERE m.segment = s.id)) FROM segment s
         WHERE s.contact_count IS DISTINCT FROM (SELECT count(*) FROM member m WHERE m.segment = s.id)
        UNION ALL
        SELECT format('%s: %s %s', s.name, COALESCE(contact_id, m), COALESCE(t.change, 'is not told'))
          FROM (SELECT * FROM told WHERE told.change = 'entered') t
          FULL JOIN member m ON m.segment = t.segment AND m.m = t.contact_id
          JOIN segment s ON s.id = COALESCE(t.segment, m.segment)
         WHERE (t.segment IS NULL OR m.segment IS NULL)
           AND s.id IN (SELECT w.segment FROM segments.watch_config w)) wrong(message)
$$;

CREATE PROCEDURE try_keys(id_type text, who_type text, ids text[], steps int, whos text[] DEFAULT NULL) LANGUAGE plpgsql AS $$
DECLARE
    state bigint := current_setting('server_version_num')::int / 10000;
    statement text;
    wrong text;
    a text; b text; w text; v text; topic text; plan text;
    referenced boolean := true;
BEGIN
    EXECUTE format('CREATE TABLE keys (id %s PRIMARY KEY, plan text)', id_type);
    EXECUTE format('CREATE TABLE key_topics (who %s, topic text, PRIMARY KEY (who, topic))', who_type);
    BEGIN
        ALTER TABLE key_topics ADD FOREIGN KEY (who) REFERENCES keys ON DELETE CASCADE ON UPDATE CASCADE;
    EXCEPTION WHEN OTHERS THEN
        referenced := false;
    END;
    PERFORM attach_audience('keys', 'keys', 'id');
    PERFORM attach_topics('keys', 'key_topics', 'who', 'topic');
    PERFORM create_topic(t, audience => 'keys') FROM unnest('{a,b}'::text[]) t;
    PERFORM set_freshness('keys', 'live');
    PERFORM watch_segment((create_segment(name, condition, audience => 'keys')).id) FROM (VALUES
        ('a', '{"$topic": "a"}'), ('not a', '{"$topic": {"$ne": "a"}}'), ('pro b', '{"plan": "pro", "$topic": "b"}'), ('pro',
            '{"plan": "pro"}')) s(name, condition);
    PERFORM create_segment(name, condition, audience => 'keys') FROM (VALUES
        ('A', '{"$topic": "a"}'), ('both', '{"$topic": {"$all": ["a", "b"]}}'), ('pro, not B', '{"plan": "pro", "$topic": {"$ne": "b"}}')) s(name, condition);
    COMMIT;
    FOR step IN 1 .. steps LOOP
        -- Random: each major version of Postgres tries other statements, and the same ones in each run.
        state := (state * 1103515245 + 12345) % 2147483648;
        a := ids[1 + (state / 7) % cardinality(ids)];
        b := ids[1 + (state / 101) % cardinality(ids)];
        w := (COALESCE(whos, ids))[1 + (state / 1009) % cardinality(COALESCE(whos, ids))];
        v := (COALESCE(whos, ids))[1 + (state / 20011) % cardinality(COALESCE(whos, ids))];
        topic := (ARRAY['a', 'b'])[1 + (state / 3001) % 2];
        plan := (ARRAY['pro', 'free'])[1 + (state / 5003) % 2];
        statement := format((ARRAY[
            'INSERT INTO keys VALUES (%1$L, %6$L) ON CONFLICT DO NOTHING',
            'INSERT INTO keys VALUES (%1$L, %6$L), (%1$L, %6$L) ON CONFLICT DO NOTHING',
            'INSERT INTO keys VALUES (%1$L, %6$L) ON CONFLICT (id) DO UPDATE SET plan = excluded.plan',
            'INSERT INTO keys VALUES (%1$L, %6$L) ON CONFLICT (id) DO UPDATE SET id = excluded.id, plan = excluded.plan',
            'UPDATE keys SET plan = %6$L WHERE id = %1$L',
            'UPDATE keys SET id = %1$L WHERE id = %1$L',
            'UPDATE keys SET id = %2$L WHERE id = %1$L AND NOT EXISTS (SELECT FROM keys WHERE id = %2$L)',
            'DELETE FROM keys WHERE id = %1$L',
            'INSERT INTO key_topics VALUES (%3$L, %5$L) ON CONFLICT DO NOTHING',
            'INSERT INTO key_topics VALUES (%3$L, ''a''), (%4$L, ''b'') ON CONFLICT DO NOTHING',
            'INSERT INTO key_topics VALUES (%3$L, %5$L) ON CONFLICT (who, topic) DO UPDATE SET who = excluded.who',
            'INSERT INTO key_topics VALUES (%3$L, %5$L), (%4$L, ''a'') ON CONFLICT (who, topic) DO UPDATE SET topic = CASE key_topics.topic
                WHEN ''a'' THEN ''x'' ELSE ''y'' END',
            'UPDATE key_topics SET who = %4$L WHERE who = %3$L AND NOT EXISTS (SELECT FROM key_topics WHERE who = %4$L)',
            'UPDATE key_topics SET who = %3$L WHERE who = %3$L',
            'UPDATE key_topics SET topic = CASE topic WHEN ''a'' THEN ''b'' ELSE ''a'' END WHERE who = %3$L AND topic IN (''x'', %5$L)
                AND (SELECT count(*) FROM key_topics WHERE who = %3$L) = 1',
            'DELETE FROM key_topics WHERE who = %3$L AND topic = %5$L',
            'DELETE FROM key_topics WHERE topic = %5$L',
            'MERGE INTO key_topics t USING (VALUES (%3$L, ''a''), (%4$L, ''b'')) v(who, topic) ON t.who = v.who::' || who_type || ' AND t.topic = v.topic
                WHEN MATCHED THEN DELETE WHEN NOT MATCHED THEN INSERT VALUES (v.who::' || who_type || ', v.topic)',
            'MERGE INTO keys t USING (VALUES (%1$L)) v(id) ON t.id = v.id::' || id_type || ' WHEN MATCHED AND t.plan = ''free'' THEN DELETE
                WHEN MATCHED THEN UPDATE SET id = v.id::' || id_type || ', plan = %6$L WHEN NOT MATCHED THEN INSERT VALUES (v.id::' || id_type || ', %6$L)',
            'WITH k AS (INSERT INTO keys VALUES (%1$L, %6$L) ON CONFLICT DO NOTHING) INSERT INTO key_topics VALUES (%3$L, %5$L) ON CONFLICT DO NOTHING',
            'WITH k AS (UPDATE keys SET plan = %6$L) DELETE FROM key_topics WHERE who = %3$L',
            'WITH k AS (DELETE FROM key_topics WHERE who = %3$L), n AS (INSERT INTO key_topics VALUES (%3$L, ''z'') ON CONFLICT DO NOTHING)
                UPDATE keys SET plan = %6$L WHERE id = %1$L'
            ])[1 + (state / 65536) % 22], a, b, w, v, topic, plan);
        BEGIN
            EXECUTE statement;
        EXCEPTION WHEN foreign_key_violation OR unique_violation OR cardinality_violation OR triggered_data_change_violation THEN
            -- What the constraints refuse changes nothing.
        END;
        wrong := wrong_keys();
        IF wrong IS NOT NULL THEN
            INSERT INTO faults VALUES (id_type || '/' || who_type, step, statement, wrong);
            EXIT;
        END IF;
        IF state % 4 = 0 THEN
            COMMIT;
        END IF;
    END LOOP;
    PERFORM detach_audience('keys', true);
    DELETE FROM segments.change_record;
    DROP TABLE key_topics, keys;
END
$$;

\if :{?steps}
\else
\set steps 20
\endif
CALL try_keys('citext', 'citext', '{Ada,ADA,ada,Bob,BOB,Eve}', :steps);
CALL try_keys('email', 'citext', '{Ada,ADA,ada,Bob,BOB,Eve}', :steps);
CALL try_keys('citext', 'email', '{Ada,ADA,ada,Bob,BOB,Eve}', :steps);
CALL try_keys('text COLLATE any_case', 'text COLLATE any_case', '{Ada,ADA,ada,Bob,BOB,Eve}', :steps);
CALL try_keys('text', 'citext', '{Ada,ADA,ada,Bob}', :steps);
CALL try_keys('text COLLATE "C"', 'varchar', '{Ada,ADA,ada,Bob}', :steps);
CALL try_keys('numeric', 'numeric', '{1,1.0,1.00,2,2.50,2.5}', :steps);
CALL try_keys('numeric', 'int', '{1,1.0,1.00,2,2.50,2.5}', :steps, '{1,2,3}');
CALL try_keys('int', 'numeric', '{1,2,3,4}', :steps, '{1,1.0,2,2.5,2.00}');
CALL try_keys('float8', 'float8', '{0,-0,1.5,15e-1,NaN,0.1}', :steps);
CALL try_keys('float8', 'numeric', '{0,-0,1.5,0.1}', :steps, '{0,0.0,1.5,1.50,0.1,0.1000000000000000055}');
CALL try_keys('float4', 'float8', '{0,-0,1.5,0.1}', :steps);
CALL try_keys('interval', 'interval', '{1 mon,30 days,720:00,1 day,24:00}', :steps);
CALL try_keys('jsonb', 'jsonb', '{1,1.0,"{\"a\": 1}","{\"a\": 1.0}"}', :steps);
CALL try_keys('char(4)', 'char(6)', '{a,"a ",b,"b  "}', :steps);
CALL try_keys('char(4)', 'text', '{a,"a ",b,"b  "}', :steps, '{a,b}');
CALL try_keys('text', 'varchar', '{a,"a ",b}', :steps);
CALL try_keys('varchar(9)', 'text', '{a,"a ",b}', :steps);
CALL try_keys('name', 'text', '{a,b,c}', :steps);
CALL try_keys('int', 'bigint', '{1,2,3,4}', :steps);
CALL try_keys('bigint', 'smallint', '{1,2,3,4}', :steps);
CALL try_keys('uuid', 'uuid', '{00000000-0000-0000-0000-00000000000a,00000000-0000-0000-0000-00000000000A,00000000-0000-0000-0000-00000000000b}', :steps);
CALL try_keys('date', 'date', '{2024-01-01,2024-02-29,infinity}', :steps);
CALL try_keys('date', 'timestamp', '{2024-01-01,2024-02-29,infinity}', :steps);
SET DateStyle = 'German';
CALL try_keys('timestamp', 'timestamp', '{2024-01-31 12:00,2024-01-31 12:00:00.5,infinity,0044-03-15 10:00 BC}', :steps);
CALL try_keys('timestamptz', 'timestamptz', '{2024-01-01 12:00+00,2024-01-01 14:00+02,infinity,0044-03-15 10:00+00 BC}', :steps);
RESET DateStyle;
CALL try_keys('inet', 'inet', '{10.0.0.1,10.0.0.1/32,10.0.0.1/8,::1}', :steps);
CALL try_keys('cidr', 'inet', '{10.0.0.0/8,10.0.0.1/32,::1}', :steps);
CALL try_keys('bytea', 'bytea', '{a,b,\\xff}', :steps);
CALL try_keys('level', 'level', '{low,high,top}', :steps);
CALL try_keys('bool', 'bool', '{t,f}', :steps);
CALL try_keys('timetz', 'timetz', '{12:00+00,13:00+01}', :steps);
SELECT * FROM faults;

-- Subscriptions whose "=" with the ids is none, or another than the ids' own, are refused, also later.
CREATE FUNCTION refused_keys(id_type text, who_type text) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
    EXECUTE format('CREATE TABLE keys (id %s PRIMARY KEY, plan text)', id_type);
    EXECUTE format('CREATE TABLE key_topics (who %s, topic text)', who_type);
    PERFORM attach_audience('keys', 'keys', 'id');
    PERFORM attach_topics('keys', 'key_topics', 'who', 'topic');
    RAISE EXCEPTION 'accepted';
EXCEPTION WHEN OTHERS THEN
    RETURN SQLSTATE || ' ' || SQLERRM;
END
$$;
CREATE TYPE mood AS ENUM ('low', 'high');
SELECT id, who, refused_keys(id, who) FROM (VALUES
    ('citext', 'text'), ('text', 'citext'), ('text', 'uuid'), ('int', 'text'), ('int', 'float8'), ('timestamptz', 'date'), ('timestamptz', 'timestamp'),
    ('level', 'mood'), ('level', 'text'), ('text COLLATE any_case', 'text'), ('text', 'text COLLATE any_case'), ('text COLLATE "C"', 'text COLLATE "POSIX"'),
    ('text COLLATE "C"', 'text'), ('text', 'varchar COLLATE "C"'), ('int', 'oid')) v(id, who);
CREATE TABLE keys (id citext PRIMARY KEY, plan text);
CREATE TABLE key_topics (who citext, topic text);
SELECT attach_audience('keys', 'keys', 'id'), attach_topics('keys', 'key_topics', 'who', 'topic');
SELECT count(create_topic('a', audience => 'keys')), count(create_segment('a', '{"$topic": "a"}', audience => 'keys'));
SELECT set_freshness('keys', 'live');
ALTER TABLE key_topics ALTER who TYPE text;
INSERT INTO key_topics VALUES ('Ada', 'a');
INSERT INTO keys VALUES ('Ada', 'pro');
SELECT s.kept FROM segments.segment_status s WHERE s.audience = 'keys';
SELECT count_contacts('{"$topic": "a"}', 'keys');
ALTER TABLE key_topics ALTER who TYPE citext;
SELECT count_contacts('{"$topic": "a"}', 'keys'), contact_count FROM segments.segment WHERE audience = 'keys';
SELECT detach_audience('keys', true);
DROP TABLE key_topics, keys;

-- Names that the extension's own queries might have for something else.
CREATE TABLE "segments.changed" (id int PRIMARY KEY, "segments.sign" int, "segments.row" text, plan text);
CREATE TABLE "segments.row" ("segments.sign" int REFERENCES "segments.changed" ON DELETE CASCADE, contact text);
SELECT attach_audience('names', '"segments.changed"', 'id'), attach_topics('names', '"segments.row"', 'segments.sign', 'contact');
SELECT count(create_topic('a', audience => 'names'));
SELECT set_freshness('names', 'live');
SELECT count(create_segment(name, condition, audience => 'names')) FROM (VALUES
    ('topic', '{"$topic": "a"}'), ('sign', '{"segments\\.sign": {"$gt": 1}}'), ('both', '{"$or": [{"segments\\.sign": {"$gt": 1}}, {"$topic": "a"}]}'),
    ('watched', '{"segments\\.row": "x", "$topic": "a"}')) v(name, condition);
SELECT watch_segment(id) FROM segments.segment WHERE audience = 'names' AND name = 'watched';
INSERT INTO "segments.changed" VALUES (1, 1, 'x', 'pro'), (2, 2, 'y', 'pro'), (3, 3, 'x', 'free');
INSERT INTO "segments.row" VALUES (1, 'a'), (2, 'a');
UPDATE "segments.changed" SET "segments.sign" = 5 - "segments.sign", "segments.row" = 'x';
DELETE FROM "segments.changed" WHERE id = 2;
SELECT name, contact_count, (SELECT count(*) FROM segment_members(id)) FROM segments.segment WHERE audience = 'names' ORDER BY name;
SELECT contact_id, change FROM segments.change_record r JOIN segments.segment s ON s.id = r.segment WHERE s.audience = 'names' ORDER BY contact_id,
    transaction, sequence;
SELECT detach_audience('names', true);
DROP TABLE "segments.row", "segments.changed";
DROP FUNCTION refused_keys;
DROP PROCEDURE try_keys;
DROP FUNCTION wrong_keys;
DROP TABLE faults;
