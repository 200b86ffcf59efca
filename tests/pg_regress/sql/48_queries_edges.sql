-- in_segment() becomes the condition only where that means the same: ids that are NULL, other types of ids, ids that are not unique.
\pset format unaligned
\pset tuples_only on
\set VERBOSITY terse
SET max_parallel_workers_per_gather = 0;
CREATE TABLE members (id int UNIQUE, score int, email text);
INSERT INTO members VALUES (-1, 10, 'a'), (1, 10, 'b'), (2, NULL, 'c'), (NULL, 10, 'd');
SELECT attach_audience('members', 'members', 'id');
SELECT name FROM create_segment('ten', '{"score": 10}', audience => 'members');
SELECT email FROM members m WHERE in_segment(m.id, 'ten') ORDER BY email;

-- A NOT NULL constraint that has not been validated (Postgres 18) promises nothing.
SELECT current_setting('server_version_num')::int >= 180000 AS validates_later \gset
\if :validates_later
ALTER TABLE members ADD CONSTRAINT members_id NOT NULL id NOT VALID;
\endif
SELECT email FROM members m WHERE in_segment(m.id, 'ten') ORDER BY email;
SELECT email, in_segment(m.id, 'ten') FROM members m ORDER BY email;
DELETE FROM members WHERE id IS NULL;
ALTER TABLE members ALTER id DROP NOT NULL, ALTER id SET NOT NULL;
EXPLAIN (COSTS off) SELECT email FROM members m WHERE in_segment(m.id, 'ten');

-- An id of another type has another text: as an oid, -1 is 4294967295, which is nobody's.
SELECT email FROM members m WHERE in_segment(m.id::oid, 'ten') ORDER BY email;
EXPLAIN (COSTS off) SELECT email FROM members m WHERE in_segment(m.id::oid, 'ten');
SELECT email FROM members m WHERE in_segment(m.id::bigint::text::varchar, 'ten') ORDER BY email;
EXPLAIN (COSTS off) SELECT email FROM members m WHERE in_segment(m.id::text::varchar, 'ten');

-- Where ids are not unique, the call is about the contact, the condition about the row.
ALTER TABLE members DROP CONSTRAINT members_id_key;
INSERT INTO members VALUES (1, 20, 'second');
SELECT email FROM members m WHERE in_segment(m.id, 'ten') ORDER BY email;
SELECT email FROM members m WHERE in_segment(m.id + 0, 'ten') ORDER BY email;

SELECT detach_audience('members', true);
DROP TABLE members;

-- A call that stays sees contacts as they were when the statement began, whatever it has changed so far.
CREATE TABLE friends (id int PRIMARY KEY, friend int, score int);
INSERT INTO friends SELECT n, n / 2, 1 FROM generate_series(1, 9) n;
SELECT attach_audience('friends', 'friends');
SELECT name FROM create_segment('ones', '{"score": 1}', audience => 'friends');
BEGIN;
UPDATE friends f SET score = 2 WHERE in_segment(f.friend, 'ones') RETURNING id, in_segment(f.friend, 'ones'), in_segment(f.id, 'ones');
ROLLBACK;
BEGIN;
DELETE FROM friends f WHERE in_segment(f.friend, 'ones') RETURNING id, in_segment(f.friend, 'ones'), in_segment(f.id, 'ones');
ROLLBACK;
BEGIN;
WITH changed AS (UPDATE friends f SET score = 2 RETURNING *) SELECT count(*) FROM changed c WHERE in_segment(c.id, 'ones');
SELECT count(*) FROM friends f WHERE in_segment(f.id + 0, 'ones');
ROLLBACK;
-- A policy checks the new row too.
CREATE ROLE regress_segments_friend;
SELECT count(grant_segments_access('regress_segments_friend', scope, 'friends')::text) FROM unnest('{read:contacts,read:segments}'::text[]) scope;
GRANT ALL ON friends TO regress_segments_friend;
ALTER TABLE friends ENABLE ROW LEVEL SECURITY;
CREATE POLICY sees ON friends FOR SELECT USING (true);
CREATE POLICY adds ON friends FOR INSERT WITH CHECK (in_segment(id, 'ones'));
CREATE POLICY changes ON friends FOR UPDATE USING (NOT in_segment(id, 'ones')) WITH CHECK (in_segment(id, 'ones'));
SET ROLE regress_segments_friend;
INSERT INTO friends VALUES (10, NULL, 1);
INSERT INTO friends VALUES (11, NULL, 2);
PREPARE add AS INSERT INTO friends VALUES (12, NULL, 1);
EXECUTE add;
UPDATE friends SET score = 2;
RESET ROLE;
UPDATE friends SET score = id WHERE id > 8;
SET ROLE regress_segments_friend;
UPDATE friends SET score = 1 WHERE id = 9 RETURNING id, score;
UPDATE friends SET score = 2 WHERE id = 10 RETURNING id, score;
-- The condition reads a column, for which the role needs the right.
RESET ROLE;
REVOKE SELECT ON friends FROM regress_segments_friend;
GRANT SELECT (id) ON friends TO regress_segments_friend;
SET ROLE regress_segments_friend;
INSERT INTO friends VALUES (13, NULL, 1);
RESET ROLE;
SELECT detach_audience('friends', true);
DROP TABLE friends;
DROP OWNED BY regress_segments_friend;
DROP ROLE regress_segments_friend;

-- A kept plan that has policies of the table of subscriptions in it, once row_security is off.
CREATE TABLE readers (id int PRIMARY KEY, email text);
CREATE TABLE reads (reader int REFERENCES readers, topic text, PRIMARY KEY (reader, topic));
INSERT INTO readers SELECT n, 'u' || n FROM generate_series(1, 10) n;
INSERT INTO reads SELECT n, 'news' FROM generate_series(1, 10, 3) n;
SELECT attach_audience('readers', 'readers');
SELECT attach_topics('readers', 'reads', 'reader', 'topic');
SELECT slug FROM create_topic('News', 'news', audience => 'readers');
SELECT name FROM create_segment('news', '{"$topic": "news"}', audience => 'readers');
CREATE ROLE regress_segments_reader;
SELECT count(grant_segments_access('regress_segments_reader', scope, 'readers')::text) FROM unnest('{read:contacts,read:segments}'::text[]) scope;
CREATE POLICY low ON reads USING (reader < 6);
ALTER TABLE reads ENABLE ROW LEVEL SECURITY;
PREPARE news AS SELECT count(*) FROM readers r WHERE in_segment(r.id, 'news');
PREPARE others AS SELECT count(*) FROM readers r;
EXECUTE news;
SET ROLE regress_segments_reader;
EXECUTE news;
SET row_security = off;
EXECUTE news;
EXECUTE others;
SELECT count(*) FROM readers r WHERE in_segment(r.id::text || '', 'news');
SET row_security = on;
EXECUTE news;
RESET ROLE;
SET row_security = off;
EXECUTE news;
RESET row_security;

-- A function that is folded to a constant while the query is planned may itself run queries that are planned, and raise.
CREATE FUNCTION folded(n int) RETURNS int LANGUAGE plpgsql IMMUTABLE AS $$
BEGIN
    RETURN n + (SELECT count(*) FROM readers r WHERE in_segment(r.id, 'news')) / n;
END
$$;
PREPARE with_folded AS SELECT count(*) FROM readers r WHERE in_segment(r.id, 'news') AND r.id < folded(4);
EXECUTE with_folded;
SELECT count(*) FROM readers r WHERE in_segment(r.id, 'news') AND r.id < folded(0);
SELECT name FROM update_segment('news', '{"conditions": {"$topic": {"$ne": "news"}}}');
EXECUTE with_folded;
DEALLOCATE ALL;
SELECT detach_audience('readers', true);
DROP FUNCTION folded;
DROP TABLE reads, readers;
DROP OWNED BY regress_segments_reader;
DROP ROLE regress_segments_reader;
