-- Entries and exits of watched segments.
\pset format unaligned
\pset tuples_only on
\set VERBOSITY default
SELECT create_contacts('users');
INSERT INTO users (id, email, country) SELECT format('00000000-0000-0000-0000-%s', lpad(n::text, 12, '0'))::uuid, 'u' || n || '@example.com',
    (ARRAY['US', 'DE'])[1 + n % 2] FROM generate_series(1, 6) n;
CREATE FUNCTION usr(n int) RETURNS uuid LANGUAGE sql AS $$ SELECT format('00000000-0000-0000-0000-%s', lpad(n::text, 12, '0'))::uuid $$;
SELECT count(create_topic(t, audience => 'users')) FROM unnest('{news,offers}'::text[]) t;
SELECT (create_segment('US', '{"country": "US"}', audience => 'users')).id AS us \gset
SELECT (create_segment('US readers', '{"$segment": "US", "$topic": "news"}', audience => 'users')).id AS readers \gset
SELECT (create_segment('DE', '{"country": "DE"}', audience => 'users')).id AS de \gset
SELECT (create_segment('old', '{"created_at": {"$lt": {"$now": "-1 year"}}}', audience => 'users')).id AS old \gset

-- What is not live can be watched, too, which 89_watched_by_refresh has more of.
SELECT watch_segment(:'us');
SELECT set_freshness('users', 'live');
SELECT watch_segment(:'us'), watch_segment(:'readers');
SELECT watch_segment(:'old');
SELECT watch_segment('00000000-0000-0000-0000-000000000000');

-- What has been recorded since the last time, and that there is no contradiction: who entered was out, who left was in.
CREATE TABLE seen ("position" text);
CREATE FUNCTION news() RETURNS TABLE (segment text, changes text) LANGUAGE plpgsql AS $$
BEGIN
    CREATE TEMP TABLE new_changes ON COMMIT DROP AS SELECT * FROM segment_changes((SELECT max(s."position") FROM seen s)) WITH ORDINALITY;
    INSERT INTO seen SELECT c."position" FROM new_changes c ORDER BY ordinality DESC LIMIT 1;
    DELETE FROM seen s WHERE s."position" <> (SELECT c."position" FROM new_changes c ORDER BY ordinality DESC LIMIT 1);
    RETURN QUERY SELECT s.name, string_agg(c.change || ' ' || ltrim(right(c.contact_id, 12), '0'), ', ' ORDER BY c.contact_id, c.ordinality)
      FROM new_changes c JOIN segments.segment s ON s.id = c.segment GROUP BY s.name ORDER BY s.name;
    DROP TABLE new_changes;
END
$$;
SELECT * FROM news();
INSERT INTO users (id, country) VALUES (usr(11), 'US'), (usr(12), 'DE');
SELECT * FROM news();
-- What stays a member is no news.
UPDATE users SET country = CASE WHEN id > usr(3) THEN 'US' ELSE country END, city = 'Berlin';
SELECT * FROM news();
DELETE FROM users WHERE id IN (usr(2), usr(12));
SELECT * FROM news();
-- Another id is another contact.
UPDATE users SET id = usr(13) WHERE id = usr(11);
SELECT * FROM news();
SELECT subscribe_contact(usr(4), 'news', 'users'), subscribe_contact(usr(1), 'news', 'users');
INSERT INTO user_topics (contact_id, topic) VALUES (usr(4), 'offers'), (usr(5), 'news');
SELECT * FROM news();
UPDATE users SET country = 'DE' WHERE id IN (usr(4), usr(6));
DELETE FROM user_topics WHERE contact_id IN (usr(4), usr(5)) AND topic = 'news';
UPDATE users SET country = 'US' WHERE id IN (usr(1), usr(4));
SELECT * FROM news();

-- Nothing of what comes to nothing; nothing before it is committed.
BEGIN;
UPDATE users SET country = 'US' WHERE id = usr(6);
SAVEPOINT a;
UPDATE users SET country = 'DE' WHERE id = usr(6);
ROLLBACK TO a;
SELECT count(*) FROM news();
COMMIT;
SELECT * FROM news();
BEGIN;
DELETE FROM users;
ROLLBACK;
SELECT * FROM news();

-- A change of the definition.
SELECT name FROM update_segment(:'us', '{"conditions": {"country": {"$in": ["US", "DE"]}, "city": "Berlin"}}');
SELECT * FROM news();
SELECT name FROM update_segment(:'us', '{"description": "no news", "conditions": {"city": "Berlin"}}');
SELECT * FROM news();

TRUNCATE user_topics;
SELECT * FROM news();
INSERT INTO users (id, city) VALUES (usr(21), 'Berlin');
TRUNCATE users CASCADE;
SELECT * FROM news();
-- By who may do nothing else.
CREATE ROLE changes_truncater;
GRANT TRUNCATE ON users, user_topics TO changes_truncater;
SELECT watch_segment((create_segment('US again', '{"$segment": "US"}', audience => 'users')).id);
INSERT INTO users (id, city) VALUES (usr(22), 'Berlin'), (usr(23), 'Berlin');
INSERT INTO user_topics (contact_id, topic) VALUES (usr(23), 'news');
SELECT * FROM news();
SET ROLE changes_truncater;
TRUNCATE user_topics;
RESET ROLE;
SELECT * FROM news();
INSERT INTO user_topics (contact_id, topic) VALUES (usr(23), 'news');
SET ROLE changes_truncater;
TRUNCATE users, user_topics;
RESET ROLE;
SELECT * FROM news();
SELECT delete_segment(id) IS NOT NULL AS deleted FROM segments.segment WHERE name = 'US again';
DROP OWNED BY changes_truncater;
DROP ROLE changes_truncater;

-- Watched no longer: what was recorded stays readable.
SELECT watch_segment(:'us', false);
INSERT INTO users (id, city) VALUES (usr(31), 'Berlin');
SELECT * FROM news();
SELECT count(*) > 10 AS readable FROM segment_changes(page_size => 1000);

-- Pages: each change once, in one order.
SELECT count(*) AS pages, bool_and(whole) AS each_change_once FROM (
    WITH RECURSIVE page(number, changes) AS (
        SELECT 1, ARRAY(SELECT "position" FROM segment_changes(page_size => 4))
        UNION ALL
        SELECT number + 1, ARRAY(SELECT "position" FROM segment_changes(changes[cardinality(changes)], 4)) FROM page WHERE cardinality(changes) = 4)
    SELECT number, (SELECT array_agg(p ORDER BY number, n) FROM page, unnest(changes) WITH ORDINALITY u(p, n))
                   = (SELECT array_agg("position") FROM segments.change) AS whole FROM page) p;
SELECT * FROM segment_changes('yesterday');
SELECT * FROM segment_changes('abcdefgh-1-1-1');
SELECT * FROM segment_changes(page_size => 0);
-- Positions compare as texts.
SELECT bool_and("position" > before COLLATE "C") AND bool_and("position" > before) AS in_order
  FROM (SELECT "position", lag("position") OVER (ORDER BY n) AS before FROM segment_changes(NULL, NULL) WITH ORDINALITY c(p, s, i, h, t, n)
          JOIN LATERAL (SELECT p) q("position") ON true) c WHERE before IS NOT NULL;
-- Who starts from now reads what is recorded from now on.
SELECT segments.newest_position() AS now \gset
SELECT count(*) AS before_now FROM segment_changes(:'now');
SELECT watch_segment(:'us');
INSERT INTO users (id, city) VALUES (usr(32), 'Berlin');
SELECT change, right(contact_id, 2) AS contact FROM segment_changes(:'now');
SELECT count(*) AS before_now FROM segment_changes(segments.newest_position());
SELECT watch_segment(:'us', false);
-- Positions of a history that this server has not had, as after a failover.
CREATE FUNCTION read_from(log text, timeline text, transaction text, sequence text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    after text := concat_ws('-', log, timeline, transaction, sequence);
BEGIN
    RETURN (SELECT count(*) FROM segment_changes(after)) || ' read';
EXCEPTION WHEN OTHERS THEN
    RETURN concat_ws(' ', SQLSTATE, replace(SQLERRM, after, '…'));
END
$$;
SELECT read_from(p[1], p[2], p[3], p[4]) AS here, read_from(p[1], (p[2]::int + 1)::text, p[3], p[4]) AS timeline_to_come,
       read_from(p[1], (p[2]::int - 1)::text, p[3], p[4]) AS timeline_before, read_from(p[1], NULL, p[3], p[4]) AS without_timeline,
       read_from(p[1], p[2], (p[3]::bigint + 100000)::text, p[4]) AS transaction_to_come
  FROM (SELECT string_to_array(max("position"), '-') FROM segment_changes(NULL, 1)) s(p) \gx

-- Only of segments that one may count.
CREATE ROLE changes_reader;
SELECT grant_segments_access('changes_reader', 'read:segments', 'users'), grant_segments_access('changes_reader', 'read:contacts', 'users');
SET ROLE changes_reader;
SELECT count(*) > 0 AS sees FROM segment_changes();
RESET ROLE;
REVOKE SELECT ON user_topics FROM changes_reader;
SET ROLE changes_reader;
SELECT s.name, count(*) > 0 AS sees FROM segments.change JOIN segments.segment s ON s.id = segment GROUP BY 1 ORDER BY 1;
RESET ROLE;
-- Whoever reads what a segment asks, but not the id, may count its members and not be told of them.
REVOKE SELECT ON users FROM changes_reader;
GRANT SELECT (city) ON users TO changes_reader;
SET ROLE changes_reader;
SELECT name, contact_count FROM segments.segment WHERE name = 'US';
SELECT count(*) AS sees FROM segments.change;
SELECT count(*) AS sees FROM segment_changes();
RESET ROLE;
GRANT SELECT (id) ON users TO changes_reader;
SET ROLE changes_reader;
SELECT s.name, count(*) > 0 AS sees FROM segments.change JOIN segments.segment s ON s.id = segment GROUP BY 1 ORDER BY 1;
RESET ROLE;
SELECT revoke_segments_access('changes_reader', 'read:segments', 'users'), revoke_segments_access('changes_reader', 'read:contacts', 'users');
DROP OWNED BY changes_reader;
DROP ROLE changes_reader;

-- Old ones are deleted in time.
SHOW segments.change_retention;
SELECT segments.prune_changes();
UPDATE segments.change_record SET changed_at = changed_at - interval '8 days' WHERE change = 'exited';
SELECT segments.prune_changes() > 0 AS pruned;
SELECT change, count(*) > 0 AS kept FROM segments.change GROUP BY 1;

SELECT detach_audience('users', true);
SELECT count(*) FROM segments.watch_config;
DROP TABLE user_topics, users;
