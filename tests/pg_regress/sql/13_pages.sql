-- Searching and paging contacts; membership of one contact.
\pset format unaligned
\pset tuples_only on
\set VERBOSITY default
CREATE TABLE shoppers (no bigint PRIMARY KEY, joined date, name text NOT NULL, extra jsonb);
INSERT INTO shoppers SELECT n, CASE WHEN n % 4 <> 0 THEN date '2024-01-01' + n::int / 3 END, 'S' || n, CASE
    WHEN n % 3 <> 0 THEN jsonb_build_object('score', n) END FROM generate_series(1, 12) n;
SELECT attach_audience('shoppers', 'shoppers', properties_column => 'extra', created_column => 'joined');
SELECT create_property('score', 'number', 'shoppers');

-- The shape of a contact.
SELECT search_contacts('{"no": 2}', 'shoppers') - 'cursor' AS contact;

-- Newest first, those without a date last; each page goes on after the cursor of the one before.
WITH RECURSIVE page(n, contacts) AS (
    SELECT 1, ARRAY(SELECT c FROM search_contacts('{"score": {"$ne": 5}}', 'shoppers', 4) c)
    UNION ALL
    SELECT n + 1, ARRAY(SELECT c FROM search_contacts('{"score": {"$ne": 5}}', 'shoppers', 4, page.contacts[4] ->> 'cursor') c)
    FROM page WHERE cardinality(contacts) = 4)
SELECT n, ARRAY(SELECT c ->> 'id' FROM unnest(contacts) c) AS ids FROM page;

-- A cursor goes on working when its contact is gone.
SELECT c ->> 'cursor' AS cursor FROM search_contacts('{}', 'shoppers', 1) c \gset
DELETE FROM shoppers WHERE no = 11;
SELECT c ->> 'id' AS id FROM search_contacts('{}', 'shoppers', 2, :'cursor') c;
-- What is none is said to be none, whichever of its values cannot be read.
SELECT search_contacts('{}', 'shoppers', 2, rtrim(encode(convert_to('["yesterweek", "1"]', 'UTF8'), 'base64'), '='));
SELECT search_contacts('{}', 'shoppers', 2, rtrim(encode(convert_to('["2024-01-01", "one"]', 'UTF8'), 'base64'), '='));
SELECT search_contacts('{}', 'shoppers', 2, 'nonsense');
SELECT search_contacts('{}', 'shoppers', 0);

-- Members, in the type of their ids, for joins; and whether one contact is a member.
SELECT name, contact_count FROM create_segment('High', '{"score": {"$gte": 7}}', audience => 'shoppers');
SELECT name, contact_count FROM create_segment('Known', '{"score": {"$exists": true}}', audience => 'shoppers');
SELECT id AS high FROM segments.segment WHERE name = 'High' AND audience = 'shoppers' \gset
SELECT s.name FROM shoppers s JOIN segment_members(:'high', NULL::bigint) m ON m = s.no ORDER BY s.no;
SELECT m FROM segment_members(:'high') m ORDER BY m COLLATE "C";
SELECT c ->> 'id' AS id FROM segment_contacts(:'high', 2) c;
SELECT no, in_segment(no, :'high') AS by_number, in_segment(no::text, :'high') AS by_text FROM shoppers WHERE no IN (1, 8) ORDER BY no;
SELECT in_segment(99, :'high');
SELECT no, ARRAY(SELECT name FROM contact_segments(no, 'shoppers')) AS segments FROM shoppers WHERE no IN (1, 3, 8) ORDER BY no;

-- Pages of segments hold still while segments come and go.
SELECT count(create_segment('S' || n, '{"score": 1}', audience => 'shoppers')) FROM generate_series(1, 5) n;
SELECT array_agg(name) AS first_page, (array_agg(id))[3] AS last FROM list_segments('shoppers', 3) \gset
SELECT :'first_page' AS first_page;
SELECT delete_segment(:'last') IS NOT NULL AS deleted;
SELECT array_agg(name) AS second_page, (array_agg(id))[1] AS first FROM list_segments('shoppers', 3, after => :'last') \gset
SELECT :'second_page' AS second_page;
SELECT array_agg(name) AS before FROM list_segments('shoppers', 3, before => :'first');
SELECT list_segments('shoppers', after => :'first', before => :'first');

SELECT detach_audience('shoppers', true);
DROP TABLE shoppers;
