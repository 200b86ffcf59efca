-- The main job: contacts, properties, and segments with their counts.
\pset format unaligned
\pset tuples_only on
\set VERBOSITY default
SET client_min_messages = notice;
SELECT create_contacts('people');
SELECT create_property('lifetime_value', 'number', 'people'), create_property('last_purchase_date', 'date', 'people'),
       create_property('tags', 'string[]', 'people'), create_property('address', 'json', 'people', 'Postal address');
INSERT INTO people (email, country, properties, created_at)
SELECT 'p' || n || '@example.com', (ARRAY['US', 'US', 'DE', 'FR', NULL])[1 + n % 5],
       jsonb_strip_nulls(jsonb_build_object('lifetime_value', CASE WHEN n % 7 <> 0 THEN n * 10 END,
                          'last_purchase_date', CASE WHEN n % 3 <> 0 THEN to_char(date '2023-12-25' + n, 'YYYY-MM-DD') END,
                          'tags', CASE WHEN n % 2 = 0 THEN jsonb_build_array('vip', 'n' || n % 4) END,
                          'address', CASE WHEN n % 4 = 0 THEN jsonb_build_object('city', 'Springfield') END)),
       timestamptz '2024-01-01 00:00+00' + n * interval '1 hour'
FROM generate_series(1, 40) n;

SELECT name, description, conditions, audience, time_zone, contact_count, counted_at IS NOT NULL AS counted, created_at = updated_at AS fresh
FROM create_segment('US big spenders',
  '{"$and": [{"country": {"$eq": "US"}}, {"lifetime_value": {"$gte": 100}}, {"last_purchase_date": {"$gte": "2024-01-01"}}]}',
  'Spent 100 and bought this year', 'people') \gx
SELECT count(*) FROM people WHERE country = 'US' AND (properties ->> 'lifetime_value')::numeric >= 100
    AND (properties ->> 'last_purchase_date')::date >= '2024-01-01';

-- The row is the API's object.
SELECT jsonb_object_keys(to_jsonb(s)) AS key FROM segments.segment s ORDER BY 1;

-- Native columns and custom properties, under $or and $not too; NULL never leaks through a negation.
SELECT c AS condition, count_contacts(c, 'people'), conditions_sql(c, 'people')
FROM (VALUES ('{"country": "US"}'), ('{"country": {"$ne": "US"}}'), ('{"country": null}'), ('{"country": {"$exists": false}}'),
             ('{"$nor": [{"country": "US"}, {"lifetime_value": {"$lt": 100}}]}'),
             ('{"$or": [{"country": {"$in": ["DE", "FR"]}}, {"tags": "n2"}]}'),
             ('{"$not": {"country": {"$in": ["US", null]}}}'),
             ('{"address.city": "Springfield", "created_at": {"$gte": "2024-01-02"}}'),
             ('{"email": {"$startsWith": "p1"}, "lifetime_value": {"$gt": 10, "$lte": 150}}'),
             ('{"lifetime_value": {"$exists": false}}'), ('{"tags": {"$size": 2}, "country": {"$ne": null}}')) v(c);
-- What holds for a condition and what holds for its complement are everyone.
SELECT c, count_contacts(c, 'people') + count_contacts(format('{"$not": %s}', c)::segment_condition, 'people') AS everyone
FROM (VALUES ('{"country": "US"}'), ('{"lifetime_value": {"$gt": 100}}'), ('{"$or": [{"country": "US"}, {"tags": "vip"}]}'),
             ('{"created_at": {"$lt": "2024-01-02"}, "country": {"$ne": "DE"}}')) v(c);

-- Membership follows the contacts.
SELECT id AS spenders FROM segments.segment WHERE name = 'US big spenders' AND audience = 'people' \gset
SELECT count(*) FROM segment_members(:'spenders');
UPDATE people SET country = 'DE' WHERE country = 'US';
SELECT count(*) FROM segment_members(:'spenders');
UPDATE people SET country = 'US' WHERE country = 'DE' AND email < 'p2';

-- Changing: only what is given; conditions are counted anew.
SELECT name, description, contact_count FROM update_segment(:'spenders', '{"name": "Big spenders"}');
-- Numbers stay what they are.
SELECT replace(conditions::text, repeat('0', 300), '…')
  FROM update_segment(:'spenders', '{"conditions": {"lifetime_value": {"$gt": 12345678901234567890123.456789, "$lt": 1e400}}}');
SELECT name, description, contact_count FROM update_segment(:'spenders', '{"conditions": {"country": "US"}, "description": null}');
SELECT update_segment(:'spenders', '{"title": "x"}');
SELECT update_segment(:'spenders', '{"name": 5}');
-- A name that is another one's id is a name as others are.
SELECT (create_segment(:'spenders', '{"country": "GB"}', audience => 'people')).contact_count;
SELECT contact_count FROM create_segment('Newcomers', '{"country": "GB"}', audience => 'people');
\set VERBOSITY sqlstate
SELECT update_segment((SELECT id FROM segments.segment WHERE name = 'Newcomers'), format('{"name": "%s"}', :'spenders')::jsonb);
\set VERBOSITY default
SELECT count(delete_segment(id)) FROM segments.segment WHERE name IN ('Newcomers', :'spenders');
SELECT update_segment(:'spenders', '{"time_zone": "Mars/Olympus"}');
SELECT update_segment(:'spenders', '{"conditions": {"contry": "US"}}');

-- Names: 1 to 100 characters, unique in an audience; descriptions up to 500. Characters, not bytes.
SELECT create_segment('', '{"country": "US"}', audience => 'people');
SELECT length((create_segment(repeat('ü', 100), '{"country": "US"}', repeat('ß', 500), 'people')).name);
SELECT create_segment(repeat('ü', 101), '{"country": "US"}', audience => 'people');
SELECT create_segment('x', '{"country": "US"}', repeat('ß', 501), 'people');
SELECT create_segment('Big spenders', '{"country": "US"}', audience => 'people');
SELECT create_segment(NULL, '{"country": "US"}', audience => 'people');
SELECT create_segment('x', '{"country": "US"}', audience => 'nobody');
SELECT create_segment('x', '{"country": "US"}', audience => 'people', time_zone => 'Nowhere');

-- Conditions are checked against the properties.
SELECT create_segment('x', '{"lifetime_valu": 5}', audience => 'people');
SELECT create_segment('x', '{"lifetime_value": "5"}', audience => 'people');
SELECT create_segment('x', '{"lifetime_value": {"$regex": "5"}}', audience => 'people');
SELECT create_segment('x', '{"last_purchase_date": {"$gt": "yesterday"}}', audience => 'people');
SELECT create_segment('x', '{"tags": {"$contains": "vip"}}', audience => 'people');
SELECT create_segment('x', '{"lifetime_value.x": 5}', audience => 'people');
SELECT create_segment('x', '{"status": {"$gt": true}}', audience => 'people');

-- Everyone, with a notice.
SELECT name, contact_count FROM create_segment('Everyone', '{}', audience => 'people');
SELECT count_contacts('{}', 'people');

-- Getting, listing, deleting.
SELECT name FROM get_segment(:'spenders');
SELECT name FROM list_segments('people');
SELECT delete_segment(:'spenders') = :'spenders' AS deleted;
\set VERBOSITY sqlstate
SELECT get_segment(:'spenders');
SELECT delete_segment(:'spenders');
\set VERBOSITY default
SELECT count(*) FROM list_segments('people');
SELECT list_segments('people', page_size => 101);

-- Properties.
SELECT name, type, kind, label FROM segments.property WHERE audience = 'people' AND (kind = 'custom' OR name IN ('country', 'created_at'));
SELECT create_property('lifetime_value', 'number', 'people');
SELECT create_property('country', 'number', 'people');
SELECT create_property('x', 'int', 'people');
SELECT create_property('$x', 'string', 'people');
SELECT contact_count FROM create_segment('Tagged', '{"tags": "vip"}', audience => 'people');
SELECT drop_property('tags', 'people');
SELECT drop_property('address', 'people');
SELECT drop_property('adress', 'people');

SELECT detach_audience('people');
SELECT detach_audience('people', cascade => true);
SELECT count(*) AS contacts_stay FROM people;
DROP TABLE people_topics, people;
