-- Commands that change who is a member and fire no trigger: entries and exits are not recorded, which a warning says where it may be so.
\pset format unaligned
\pset tuples_only on
\set VERBOSITY default
CREATE TABLE visitors (id int PRIMARY KEY, plan text, age int, note text);
CREATE TABLE visitor_topics (visitor int, topic text);
INSERT INTO visitors SELECT n, 'pro', n FROM generate_series(1, 9) n;
SELECT attach_audience('visitors', 'visitors'), attach_topics('visitors', 'visitor_topics', 'visitor', 'topic');
SELECT set_freshness('visitors', 'live');
SELECT watch_segment((create_segment('adult', '{"age": {"$gte": 5}}', audience => 'visitors')).id);
SELECT name, contact_count FROM create_segment('pro', '{"plan": "pro"}', audience => 'visitors');
-- No such command.
ALTER TABLE visitors ADD COLUMN seen int DEFAULT 5;
ALTER TABLE visitors RENAME age TO years;
ALTER TABLE visitors DROP COLUMN note;
-- Such ones. Where a table is rewritten it is not known for which of its columns.
ALTER TABLE visitors ALTER seen TYPE text;
ALTER TABLE visitors ALTER years TYPE int USING years + 1;
SELECT name, contact_count FROM list_segments('visitors');
BEGIN;
ALTER TABLE visitors ALTER years TYPE bigint USING years - 1;
ALTER TABLE visitors ALTER years TYPE int;
COMMIT;
ALTER TABLE visitors DROP COLUMN years;
DROP TABLE visitor_topics;
CREATE TABLE visitor_topics (visitor int, topic text);
SELECT attach_topics('visitors', 'visitor_topics', 'visitor', 'topic');
-- Nobody watches any more.
SELECT count(watch_segment(id, false)) FROM segments.segment WHERE name = 'adult';
ALTER TABLE visitors DROP COLUMN plan;
-- What refreshes record is not lost.
ALTER TABLE visitors ADD COLUMN at timestamptz, ADD COLUMN age int;
SELECT watch_segment((create_segment('recent', '{"age": 5, "at": {"$gte": {"$now": "-1 hour"}}}', audience => 'visitors')).id);
ALTER TABLE visitors ALTER age TYPE bigint;
SELECT watch_segment((create_segment('five', '{"age": 5}', audience => 'visitors')).id);
ALTER TABLE visitors ALTER age TYPE int;
SELECT detach_audience('visitors', true);
DROP TABLE visitors;

-- What json holds and jsonb does not is no error of the page that it is on.
CREATE TABLE logs (id int PRIMARY KEY, entry json);
INSERT INTO logs VALUES (1, '{"a": "x\u0000y"}'), (2, '{"a": 1}');
SELECT attach_audience('logs', 'logs');
SELECT c ->> 'id' AS id, c -> 'entry' AS entry FROM search_contacts('{}', 'logs') c;
SELECT detach_audience('logs');
DROP TABLE logs;
