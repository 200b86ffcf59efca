-- Entries and exits that refreshes find: of periodic audiences, and of segments that time moves.
\pset format unaligned
\pset tuples_only on
\set VERBOSITY default
CREATE TABLE guests (id int PRIMARY KEY, plan text, seen timestamptz);
INSERT INTO guests SELECT n, (ARRAY['pro', 'free'])[1 + n % 2] FROM generate_series(1, 6) n;
SELECT attach_audience('guests', 'guests');
SELECT contact_count FROM create_segment('pro', '{"plan": "pro"}', audience => 'guests');
SELECT contact_count FROM create_segment('seen', '{"seen": {"$gte": {"$now": "-1 hour"}}}', audience => 'guests');

-- What has been recorded since the last time.
CREATE TABLE seen_changes ("position" text);
CREATE FUNCTION what_is_new() RETURNS TABLE (segment text, changes text) LANGUAGE plpgsql AS $$
BEGIN
    CREATE TEMP TABLE new_changes AS SELECT * FROM segment_changes((SELECT max(s."position") FROM seen_changes s)) WITH ORDINALITY;
    INSERT INTO seen_changes SELECT max(c."position") FROM new_changes c HAVING count(*) > 0;
    RETURN QUERY SELECT s.name, string_agg(c.change || ' ' || c.contact_id, ', ' ORDER BY c.contact_id, c.ordinality)
      FROM new_changes c JOIN segments.segment s ON s.id = c.segment GROUP BY s.name ORDER BY s.name;
    DROP TABLE new_changes;
END
$$;
-- Whom readers of all changes, who have begun with the members of then, take for a member, and who is one: no row if they are right.
CREATE TABLE believed (segment text, contact_id text, PRIMARY KEY (segment, contact_id));
CREATE FUNCTION wrong_beliefs() RETURNS TABLE (segment text, contact_id text, member boolean) LANGUAGE sql AS $$
    WITH last AS (SELECT DISTINCT ON (s.name, c.contact_id) s.name, c.contact_id, c.change
                    FROM segment_changes(NULL, NULL) WITH ORDINALITY c("position", segment, contact_id, change, changed_at, n)
                    JOIN segments.segment s ON s.id = c.segment ORDER BY s.name, c.contact_id, c.n DESC),
         belief AS (SELECT l.name, l.contact_id FROM last l WHERE l.change = 'entered'
                    UNION SELECT b.segment, b.contact_id FROM believed b
                     WHERE NOT EXISTS (SELECT FROM last l WHERE l.name = b.segment AND l.contact_id = b.contact_id)),
         member AS (SELECT s.name, m.m FROM segments.watch_config w JOIN segments.segment s ON s.id = w.segment, segment_members(s.id) m WHERE w.watched)
    SELECT coalesce(b.name, m.name), coalesce(b.contact_id, m.m), m.m IS NOT NULL
      FROM belief b FULL JOIN member m ON m.name = b.name AND m.m = b.contact_id WHERE b.name IS NULL OR m.name IS NULL ORDER BY 1, 2
$$;

-- Watching begins with the members of now, who do not enter.
SELECT watch_segment('pro'), watch_segment('seen');
INSERT INTO believed SELECT 'pro', segment_members('pro');
SELECT segment_id.name, ids FROM segments.member_set m JOIN segments.segment segment_id ON segment_id.id = m.segment ORDER BY 1;
SELECT count(contact_count), count(error) FROM refresh_segments('guests');
SELECT * FROM what_is_new();
-- Only the difference counts: 3 has entered and left again.
UPDATE guests SET plan = 'pro' WHERE id IN (1, 3);
UPDATE guests SET plan = 'free' WHERE id IN (2, 3);
INSERT INTO guests VALUES (7, 'pro', now() - interval '59 minutes'), (-8, 'pro', NULL), (9, 'free', now());
SELECT * FROM what_is_new();
SELECT count(contact_count), count(error) FROM refresh_segments('guests');
SELECT * FROM what_is_new();
SELECT * FROM wrong_beliefs();
SELECT counts_of('guests');
-- As time passes.
UPDATE guests SET seen = now() - interval '61 minutes' WHERE id = 7;
SELECT count(contact_count), count(error) FROM refresh_segments('guests');
SELECT * FROM what_is_new();

-- A refresh that finds nothing writes nothing; one that finds something writes one chunk.
CREATE FUNCTION chunks() RETURNS TABLE (segment text, chunk text) LANGUAGE sql AS $$
    SELECT s.name, concat_ws(' ', c.xmin, c.ctid) FROM segments.member_chunk c JOIN segments.segment s ON s.id = c.segment $$;
CREATE TABLE before AS SELECT * FROM chunks();
SELECT count(contact_count) FROM refresh_segments('guests');
SELECT count(*) FROM (TABLE before EXCEPT SELECT * FROM chunks()) changed;
DELETE FROM guests WHERE id = 7;
SELECT count(contact_count) FROM refresh_segments('guests');
SELECT b.segment FROM (TABLE before EXCEPT SELECT * FROM chunks()) b;
SELECT * FROM what_is_new();

-- What is rolled back is not recorded.
BEGIN;
DELETE FROM guests;
SELECT count(contact_count) FROM refresh_segments('guests');
ROLLBACK;
SELECT count(contact_count) FROM refresh_segments('guests');
SELECT * FROM what_is_new();
-- In a transaction whose snapshot is older.
BEGIN ISOLATION LEVEL REPEATABLE READ;
DELETE FROM guests WHERE id = 4;
SELECT count(contact_count) FROM refresh_segments('guests');
INSERT INTO guests VALUES (4, 'pro');
SELECT count(contact_count) FROM refresh_segments('guests');
COMMIT;
SELECT * FROM what_is_new();

-- A changed condition records the difference, of segments that refer to it, too.
SELECT watch_segment((create_segment('not pro', '{"$nor": [{"$segment": "pro"}]}', audience => 'guests')).id);
INSERT INTO believed SELECT 'not pro', segment_members('not pro');
DELETE FROM guests WHERE id = -8;
SELECT contact_count FROM update_segment('pro', '{"conditions": {"plan": "pro", "id": {"$gte": 4}}}');
SELECT * FROM what_is_new();
SELECT * FROM wrong_beliefs();
-- Another name does not.
SELECT name FROM update_segment('not pro', '{"name": "others"}');
UPDATE believed SET segment = 'others' WHERE segment = 'not pro';
SELECT count(contact_count) FROM refresh_segments('guests');
SELECT * FROM what_is_new();

-- A segment that cannot be counted keeps its members, and goes on when it can.
ALTER TABLE guests RENAME plan TO contract;
SELECT count(contact_count), count(error) FROM refresh_segments('guests');
ALTER TABLE guests DROP COLUMN contract;
SELECT count(contact_count), count(error) FROM refresh_segments('guests');
SELECT * FROM what_is_new();
ALTER TABLE guests ADD COLUMN contract text;
UPDATE guests SET contract = 'pro' WHERE id IN (5, 6);
SELECT count(contact_count), count(error) FROM refresh_segments('guests');
SELECT * FROM what_is_new();
SELECT * FROM wrong_beliefs();

-- Live: triggers record, but for segments that time moves. What no refresh has found yet is not lost.
UPDATE guests SET contract = 'pro', seen = now() WHERE id = 4;
SELECT set_freshness('guests', 'live');
SELECT * FROM what_is_new();
SELECT s.name, m.ids, t.kept FROM segments.segment s JOIN segments.segment_status t ON t.segment = s.id LEFT JOIN segments.member_set m ON m.segment = s.id
 WHERE s.audience = 'guests' ORDER BY s.name;
UPDATE guests SET contract = 'free', seen = now() WHERE id IN (4, 5);
SELECT * FROM what_is_new();
SELECT count(contact_count) FROM refresh_segments('guests');
SELECT * FROM what_is_new();
-- A condition that begins to read time, and ceases to.
SELECT contact_count FROM update_segment('pro', '{"conditions": {"contract": "free", "seen": {"$lt": {"$now": "1 hour"}}}}');
SELECT * FROM what_is_new();
UPDATE guests SET contract = 'free', seen = now() WHERE id = 6;
SELECT * FROM what_is_new();
SELECT count(contact_count) FROM refresh_segments('guests');
SELECT * FROM what_is_new();
UPDATE guests SET contract = 'free', seen = now() WHERE id = 1;
SELECT contact_count FROM update_segment('pro', '{"conditions": {"contract": "free"}}');
SELECT * FROM what_is_new();
UPDATE guests SET contract = 'pro' WHERE id = 1;
SELECT * FROM what_is_new();
SELECT * FROM wrong_beliefs();
-- Periodic again.
SELECT set_freshness('guests', 'periodic');
UPDATE guests SET contract = 'pro';
SELECT * FROM what_is_new();
SELECT count(contact_count) FROM refresh_segments('guests');
SELECT * FROM what_is_new();
SELECT * FROM wrong_beliefs();
-- Triggers that are off for a while: what happens until the next refresh is not recorded, what happens later is.
SELECT set_freshness('guests', 'live');
ALTER TABLE guests DISABLE TRIGGER USER;
UPDATE guests SET contract = 'free' WHERE id = 1;
SELECT count(contact_count) FROM refresh_segments('guests');
UPDATE guests SET contract = 'free' WHERE id = 4;
SELECT count(contact_count) FROM refresh_segments('guests');
SELECT * FROM what_is_new();
ALTER TABLE guests ENABLE ALWAYS TRIGGER _segments_live_begin, ENABLE ALWAYS TRIGGER segments_live_insert,
    ENABLE ALWAYS TRIGGER segments_live_update, ENABLE ALWAYS TRIGGER segments_live_delete,
    ENABLE ALWAYS TRIGGER segments_live_truncate, ENABLE ALWAYS TRIGGER segments_live_truncated;
UPDATE guests SET contract = 'free' WHERE id = 5;
SELECT * FROM what_is_new();
SELECT count(contact_count) FROM refresh_segments('guests');
SELECT * FROM what_is_new();
UPDATE guests SET contract = 'free' WHERE id = 6;
SELECT * FROM what_is_new();
-- What cannot be left to triggers is told, and no writer waits for it. Afterwards it is left to them.
CREATE FUNCTION are_writers_held() RETURNS boolean LANGUAGE sql AS
    $$ SELECT EXISTS (SELECT FROM pg_locks WHERE relation = 'guests'::regclass AND mode = 'ShareRowExclusiveLock' AND pid = pg_backend_pid()) $$;
ALTER TABLE guests DISABLE TRIGGER USER;
SELECT count(contact_count) FROM refresh_segments('guests');
ALTER TABLE guests ENABLE ALWAYS TRIGGER _segments_live_begin, ENABLE ALWAYS TRIGGER segments_live_insert,
    ENABLE ALWAYS TRIGGER segments_live_update, ENABLE ALWAYS TRIGGER segments_live_delete,
    ENABLE ALWAYS TRIGGER segments_live_truncate, ENABLE ALWAYS TRIGGER segments_live_truncated;
CREATE TABLE kept AS SELECT c.* FROM segments.member_chunk c JOIN segments.segment s ON s.id = c.segment WHERE s.name = 'pro';
UPDATE segments.member_chunk c SET members = c.members || '\x00' FROM kept k WHERE k.segment = c.segment;
SELECT count(contact_count), count(error) FROM refresh_segments('guests');
BEGIN;
SELECT count(contact_count), count(error) FROM refresh_segments('guests');
SELECT s.name, t.error FROM segments.segment_status t JOIN segments.segment s ON s.id = t.segment WHERE s.audience = 'guests' AND t.error IS NOT NULL;
SELECT are_writers_held();
COMMIT;
UPDATE segments.member_chunk c SET members = k.members FROM kept k WHERE k.segment = c.segment AND k.key = c.key;
BEGIN;
SELECT count(contact_count), count(error) FROM refresh_segments('guests');
SELECT are_writers_held();
COMMIT;
SELECT s.name FROM segments.member_set m JOIN segments.segment s ON s.id = m.segment ORDER BY 1;
BEGIN;
SELECT count(contact_count), count(error) FROM refresh_segments('guests');
SELECT are_writers_held();
COMMIT;
DROP FUNCTION are_writers_held;
DROP TABLE kept;
SELECT * FROM what_is_new();
TRUNCATE guests;
SELECT * FROM what_is_new();
SELECT * FROM wrong_beliefs();
SELECT set_freshness('guests', 'periodic');

-- Watched no longer, and from then on again.
SELECT watch_segment('pro', false);
SELECT s.name FROM segments.member_set m JOIN segments.segment s ON s.id = m.segment ORDER BY 1;
INSERT INTO guests VALUES (1, now(), 'free');
SELECT watch_segment('pro'), watch_segment('pro');
INSERT INTO guests VALUES (2, now(), 'free');
SELECT count(contact_count) FROM refresh_segments('guests');
SELECT * FROM what_is_new();
-- After a restore there is no set.
DELETE FROM segments.member_set;
INSERT INTO guests VALUES (3, now(), 'free');
SELECT count(contact_count) FROM refresh_segments('guests');
INSERT INTO guests VALUES (4, now(), 'free');
SELECT count(contact_count) FROM refresh_segments('guests');
SELECT * FROM what_is_new();
-- A damaged one is an error, until watching begins anew.
UPDATE segments.member_chunk SET members = members || '\x00';
SELECT count(contact_count), string_agg(DISTINCT error, '; ') FROM refresh_segments('guests');
SELECT count(watch_segment(id, false)), count(watch_segment(id)) FROM segments.segment WHERE audience = 'guests';
SELECT count(contact_count), count(error) FROM refresh_segments('guests');
SELECT * FROM what_is_new();

-- The table of sets is nobody's.
SELECT grantee, privilege_type FROM information_schema.role_table_grants
 WHERE table_schema = 'segments' AND table_name LIKE 'member%' AND grantee <> current_user;
SELECT delete_segment(id) IS NOT NULL AS deleted FROM segments.segment WHERE name = 'others';
SELECT count(*) FROM segments.member_set;
SELECT detach_audience('guests', true);
SELECT count(*) FROM segments.member_set;
SELECT count(*) FROM segments.member_chunk;
DROP TABLE guests, believed, seen_changes, before;
DROP FUNCTION what_is_new, wrong_beliefs, chunks;

-- Ids of all sorts, thousands of them, some twice and some NULL: the changes are those of the members, and few chunks are written for them.
CREATE TYPE colour AS ENUM ('red', 'green', 'blue');
CREATE DOMAIN number AS int;
-- A collation whose order is not that of bytes, where Postgres is built with one.
SELECT coalesce((SELECT quote_ident(c.collname) FROM pg_collation c WHERE c.collname = 'en-x-icu'), '"C"') AS other_collation \gset
CREATE TABLE things (number int, small smallint, big bigint, domained number, uid uuid, code text, latin text COLLATE :other_collation,
                     fixed char(12), at timestamptz, day date, price numeric, address inet, hue colour, member boolean);
INSERT INTO things SELECT n, n % 30000, n * 1e12 - 2e16, n, md5(n::text)::uuid, 'item ' || md5(n::text), chr(200 + n % 50) || n, n,
    '2026-01-01'::timestamptz + n * interval '1 hour', '2026-01-01'::date + n, n / 7.0, '10.0.0.0'::inet + n,
    (ARRAY['red', 'green', 'blue', NULL]::colour[])[1 + n % 4], n % 3 = 0
  FROM generate_series(1, 20000) n;
INSERT INTO things (member) VALUES (true), (false);
INSERT INTO things (number, small, big, uid, code, latin, member) SELECT number, small, big, uid, code, latin, member FROM things WHERE number < 50;
CREATE TABLE found (kind text, entered bigint, exited bigint, wrong bigint, wrong_count bigint, chunks bigint, written bigint);
CREATE PROCEDURE follow(kind text) LANGUAGE plpgsql AS $$
DECLARE
    watched uuid;
    start text;
BEGIN
    PERFORM attach_audience(kind, 'things', id_column => kind);
    watched := (create_segment('members', '{"member": true}', audience => kind)).id;
    PERFORM watch_segment(watched);
    COMMIT;
    start := segments.newest_position();
    EXECUTE format('CREATE TEMP TABLE was AS SELECT DISTINCT m FROM segment_members(%L::uuid) m WHERE m IS NOT NULL', watched);
    EXECUTE format('CREATE TEMP TABLE chunk AS SELECT c.key, c.xmin::text AS written FROM segments.member_chunk c WHERE c.segment = %L', watched);
    UPDATE things SET member = NOT member WHERE number % 199 = 0 OR number BETWEEN 10 AND 30;
    PERFORM refresh_segments(kind);
    COMMIT;
    EXECUTE format('CREATE TEMP TABLE is_now AS SELECT DISTINCT m FROM segment_members(%L::uuid) m WHERE m IS NOT NULL', watched);
    EXECUTE format('CREATE TEMP TABLE change AS SELECT contact_id, change FROM segment_changes(%L, NULL) c WHERE c.segment = %L', start, watched);
    INSERT INTO found SELECT kind, count(*) FILTER (WHERE change = 'entered'), count(*) FILTER (WHERE change = 'exited'),
        (SELECT count(*) FROM ((SELECT m, 'entered' FROM is_now EXCEPT SELECT m, 'entered' FROM was) UNION ALL
                               (SELECT m, 'exited' FROM was EXCEPT SELECT m, 'exited' FROM is_now) EXCEPT ALL TABLE change) d),
        (SELECT count(*) FROM wrong_counts(kind)),
        (SELECT count(*) FROM segments.member_chunk c WHERE c.segment = watched),
        (SELECT count(*) FROM segments.member_chunk c WHERE c.segment = watched AND (c.key, c.xmin::text) NOT IN (SELECT k.key, k.written FROM chunk k))
      FROM change;
    DROP TABLE was, is_now, chunk, change;
    PERFORM detach_audience(kind, true);
    COMMIT;
END
$$;
SET client_min_messages = error;
CALL follow('number');
CALL follow('small');
CALL follow('big');
CALL follow('domained');
CALL follow('uid');
CALL follow('code');
CALL follow('latin');
CALL follow('fixed');
CALL follow('at');
CALL follow('day');
CALL follow('price');
CALL follow('address');
CALL follow('hue');
RESET client_min_messages;
SELECT kind, entered, exited, wrong, wrong_count, chunks, written FROM found;
DROP PROCEDURE follow;
DROP TABLE things, found;
DROP TYPE colour;
DROP DOMAIN number;
