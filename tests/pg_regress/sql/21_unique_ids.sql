-- Each contact has an id of its own. Where no constraint promises it, attaching looks; where it is not so, a row is a
-- contact, and every answer says so.
\pset format unaligned
\pset tuples_only on
\set VERBOSITY default
SET client_min_messages = notice;
CREATE TABLE unkeyed (id int, age int);
INSERT INTO unkeyed VALUES (1, 10), (2, 20), (2, 30), (3, 5), (3, 6), (3, 7), (NULL, 1), (NULL, 2);
SELECT attach_audience('unkeyed', 'unkeyed', 'id');
SELECT attach_audience('scoped', 'unkeyed', 'id', scope => '{"age": {"$in": [10, 20, 5]}}');
CREATE VIEW joined AS SELECT id, age FROM unkeyed WHERE id IS NOT NULL;
SELECT attach_audience('joined', 'joined', 'id');
CREATE VIEW distinct_ids AS SELECT DISTINCT ON (id) id, age FROM unkeyed ORDER BY id, age;
SELECT attach_audience('distinct ids', 'distinct_ids', 'id');
CREATE VIEW raising AS SELECT id, age / (id - 1) AS age FROM unkeyed;
SELECT attach_audience('raising', 'raising', 'id');
CREATE MATERIALIZED VIEW stored AS SELECT id, age FROM unkeyed WHERE id = 2;
SELECT attach_audience('stored', 'stored', 'id');
-- A unique index is of its table alone; that of a partitioned table is of all.
CREATE TABLE parent (id int PRIMARY KEY, age int);
CREATE TABLE child () INHERITS (parent);
INSERT INTO parent VALUES (1, 1);
INSERT INTO child VALUES (1, 2);
SELECT attach_audience('parent', 'parent');
CREATE TABLE whole (id int PRIMARY KEY, age int) PARTITION BY HASH (id);
CREATE TABLE part PARTITION OF whole FOR VALUES WITH (MODULUS 1, REMAINDER 0);
SELECT attach_audience('whole', 'whole');
-- Not every unique index says so.
CREATE UNIQUE INDEX ON unkeyed (id, age);
CREATE UNIQUE INDEX ON unkeyed (id) WHERE age < 6;
SELECT attach_audience('still', 'unkeyed', 'id');
SET client_min_messages = warning;

SELECT contact_count, count_contacts(conditions, 'joined') FROM create_segment('adult', '{"age": {"$in": [30, 6]}}', audience => 'joined');
SELECT m, in_segment(m, 'adult') FROM segment_members('adult', NULL::int) m ORDER BY m;
SELECT contact ->> 'id' AS id, contact ->> 'age' AS age FROM segment_contacts('adult') contact;
SELECT name FROM contact_segments(2, 'joined');
SELECT name FROM contact_segments(1, 'joined');
SELECT path, value, matches, note FROM explain_match(2, 'adult');
SELECT path, value, matches, note FROM explain_match(3, 'adult');
SELECT path, value, matches, note FROM explain_match(1, 'adult');

SELECT detach_audience(name, true) FROM segments.audience WHERE name IN ('unkeyed', 'scoped', 'joined', 'distinct ids', 'raising', 'stored',
    'parent', 'whole', 'still');
DROP MATERIALIZED VIEW stored;
DROP VIEW joined, distinct_ids, raising;
DROP TABLE unkeyed, parent, child, whole;
