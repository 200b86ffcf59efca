-- Topics, and segments in segments.
\pset format unaligned
\pset tuples_only on
\set VERBOSITY default
SELECT create_contacts('readers');
INSERT INTO readers (email, country) SELECT 'r' || n || '@example.com', CASE WHEN n % 2 = 0 THEN 'US' ELSE 'DE' END FROM generate_series(1, 6) n;
SELECT slug, name, description FROM create_topic('Weekly News!', audience => 'readers');
SELECT slug, name, description FROM create_topic('Product', 'product', 'Releases', 'readers');
SELECT slug FROM create_topic('Unused', audience => 'readers');
SELECT create_topic('weekly news', audience => 'readers');
SELECT create_topic('!!!', audience => 'readers');
SELECT subscribe_contact(id, 'weekly-news', 'readers') FROM readers WHERE email < 'r4';
SELECT subscribe_contact(id, 'weekly-news', 'readers') FROM readers WHERE email = 'r1@example.com';
SELECT subscribe_contact(id::text, (SELECT id::text FROM segments.topic WHERE slug = 'product'), 'readers') FROM readers
    WHERE email IN ('r1@example.com', 'r6@example.com');
SELECT subscribe_contact('00000000-0000-0000-0000-000000000000', 'product', 'readers');
-- A constraint of the user's own is named, as in an error of an INSERT by hand.
BEGIN;
ALTER TABLE reader_topics ADD CONSTRAINT no_product CHECK (topic <> 'product') NOT VALID;
DO $$
DECLARE constraint_name text; context text;
BEGIN
    PERFORM subscribe_contact(id, 'product', 'readers') FROM readers WHERE email = 'r3@example.com';
EXCEPTION WHEN check_violation THEN
    GET STACKED DIAGNOSTICS constraint_name = CONSTRAINT_NAME, context = PG_EXCEPTION_CONTEXT;
    RAISE WARNING '%, the query is hidden: %', constraint_name, context !~ 'INSERT';
END
$$;
ROLLBACK;
SELECT subscribe_contact(id, 'wekly-news', 'readers') FROM readers LIMIT 1;

SELECT c AS condition, (SELECT string_agg(left(r.email, 2), ' ' ORDER BY r.email) FROM readers r WHERE r.id::text IN (SELECT id ->> 'id'
    FROM search_contacts(c, 'readers') id)) AS contacts
FROM (VALUES ('{"$topic": "weekly-news"}'), ('{"$topic": {"$ne": "weekly-news"}}'), ('{"$topic": {"$in": ["weekly-news", "product"]}}'),
             ('{"$topic": {"$all": ["weekly-news", "product"]}}'), ('{"$topic": {"$nin": ["product"]}}'),
             ('{"$or": [{"$topic": "product"}, {"country": "DE"}]}'), ('{"$not": {"$topic": {"$eq": "unused"}}}')) v(c);
SELECT conditions_sql('{"$topic": {"$in": ["weekly-news", "product"]}, "country": "US"}', 'readers');
SELECT search_contacts('{"email": "r1@example.com"}', 'readers') -> 'topics' AS topics;
SELECT unsubscribe_contact(id, 'product', 'readers') FROM readers;
SELECT count_contacts('{"$topic": "product"}', 'readers');
SELECT count_contacts('{"$topic": "nothing"}', 'readers');
EXPLAIN (COSTS off) SELECT count(*) FROM readers WHERE id IN (SELECT contact_id FROM reader_topics WHERE topic = 'weekly-news');

-- A subscription table of one's own.
CREATE TABLE members (member_no int PRIMARY KEY, name text);
CREATE TABLE member_interests (member int REFERENCES members, interest text, PRIMARY KEY (member, interest));
INSERT INTO members VALUES (1, 'Ann'), (2, 'Bob');
INSERT INTO member_interests VALUES (1, 'chess');
SELECT attach_audience('members', 'members');
SELECT attach_topics('members', 'member_interests', 'member', 'interest');
SELECT slug FROM create_topic('Chess', audience => 'members');
SELECT search_contacts('{"$topic": "chess"}', 'members') - 'cursor' AS member;
SELECT subscribe_contact(2, 'chess', 'members');
SELECT count_contacts('{"$topic": "chess"}', 'members');
-- Its columns hold ids of contacts, and topics by slug or id.
SELECT attach_topics('members', 'member_interests', 'interest', 'interest');
ALTER TABLE member_interests ADD since date, ADD topic_no int;
SELECT attach_topics('members', 'member_interests', 'member', 'since');
SELECT attach_topics('members', 'member_interests', 'member', 'topic');
SELECT attach_topics('members', 'member_interests', 'member', 'topic_no');

-- What cannot be an id is the id of no contact.
SELECT subscribe_contact('nobody', 'product', 'readers');
SELECT unsubscribe_contact('nobody', 'product', 'readers');
SELECT contact_segments('nobody', 'readers'), contact_segments('1.5', 'members');

-- Segments in segments: by name and by id, expanded when used.
SELECT contact_count FROM create_segment('Americans', '{"country": "US"}', audience => 'readers');
SELECT contact_count FROM create_segment('American readers', '{"$segment": "Americans", "$topic": "weekly-news"}', audience => 'readers');
SELECT o.contact_count FROM segments.segment s, create_segment('Others', format('{"$not": {"$segment": "%s"}}', s.id), audience => 'readers') o
WHERE s.name = 'American readers';
SELECT segment_sql(id) FROM segments.segment WHERE name = 'American readers';

-- A change of an inner segment takes effect in the outer ones, and a rename breaks nothing.
SELECT name FROM update_segment((SELECT id FROM segments.segment WHERE name = 'Americans'), '{"name": "Germans", "conditions": {"country": "DE"}}');
SELECT name, contact_count FROM list_segments('readers');

-- Circles are refused and printed; a diamond is none.
SELECT update_segment((SELECT id FROM segments.segment WHERE name = 'Germans'), '{"conditions": {"$segment": "Others"}}');
SELECT contact_count FROM create_segment('Diamond', '{"$or": [{"$segment": "Others"}, {"$segment": "Germans"}]}', audience => 'readers');
SELECT create_segment('x', '{"$segment": "x"}', audience => 'readers');
SELECT create_segment('x', '{"$segment": "German"}', audience => 'readers');

-- What is used cannot be deleted.
SELECT delete_segment((SELECT id FROM segments.segment WHERE name = 'Germans'));
SELECT detach_audience('readers', true), detach_audience('members', true);
DROP TABLE reader_topics, readers, member_interests, members;
