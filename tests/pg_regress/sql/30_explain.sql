-- It explains itself: validate_conditions, explain_match, infer_properties.
\pset format unaligned
\pset tuples_only on
\set VERBOSITY default
SELECT create_contacts('subjects');
INSERT INTO subjects (email, country, properties) VALUES
    ('a@example.com', 'US', '{"lifetime_value": 150, "last_purchase_date": "2024-03-01", "tags": ["vip", "x"], "extra": {"a": 5}}'),
    ('b@example.com', 'US', '{"lifetime_value": "50", "plan": "pro", "signed": "2024-01-01T10:00:00Z"}'),
    ('c@example.com', NULL, '{"plan": "free"}');

-- What properties are there? And take them as they are.
SELECT * FROM infer_properties('subjects');
SELECT create_property('lifetime_value', 'number', 'subjects');
SELECT name, type, declared FROM infer_properties('subjects', "declare" => true);
SELECT name, type FROM segments.property WHERE audience = 'subjects' AND kind = 'custom';

-- Dates are what conditions take for dates; of keys that are null everywhere nothing is known.
INSERT INTO subjects (email, properties) VALUES ('d@example.com', '{"visits": ["2024-01-01", "2024-02-01"], "part_no": "2024-99-99", "unknown": null}');
SELECT name, type, declared FROM infer_properties('subjects', "declare" => true) WHERE name IN ('visits', 'part_no', 'unknown');
-- Numbers stay what they are.
UPDATE subjects SET properties = '{"huge": [12345678901234567890.123, 1e400]}' WHERE email = 'd@example.com';
SELECT name, type, replace(examples::text, repeat('0', 300), '…') AS examples FROM infer_properties('subjects') WHERE name = 'huge';
DELETE FROM subjects WHERE email = 'd@example.com';

-- Every error at once, and notices of what is legal and probably not meant.
SELECT severity, path, sqlstate, message, hint FROM validate_conditions(
  '{"$or": [{"countri": "US"}, {"lifetime_value": {"$gtt": 1, "$lt": "x"}}], "tags": {"$gt": "a", "$lt": "b"},
    "country": {"$ne": "US"}, "extra.since": {"$gte": "2024-01-01"}}', 'subjects');
SELECT * FROM validate_conditions('{"country": "US"}', 'subjects');
SELECT severity, sqlstate, message FROM validate_conditions('{}'::jsonb, 'subjects');
SELECT severity, sqlstate, message FROM validate_conditions('{"country"', 'subjects');
SELECT severity, sqlstate, message FROM validate_conditions('{"$segment": "none", "$topic": "none"}', 'subjects');
SELECT severity, sqlstate, message FROM validate_conditions('{"country": "US"}', 'nobody');
-- How many have no value is counted for all of them in one pass; where counting raises, it is left out.
SELECT path, message FROM
    validate_conditions('{"country": {"$ne": "US", "$nin": ["DE"]}, "plan": {"$ne": "pro"}, "tags": {"$ne": "x"}, "email": {"$ne": "x"}}', 'subjects');
CREATE VIEW dividing AS SELECT n AS id, 1 / (n - 1) AS x, n AS y FROM generate_series(1, 3) n;
SELECT attach_audience('dividing', 'dividing', 'id');
SELECT severity, path, message FROM validate_conditions('{"x": {"$ne": 1}}', 'dividing');
SELECT severity, path, message FROM validate_conditions('{"x": {"$ne": 1}, "y": {"$ne": 1}}', 'dividing');
SELECT detach_audience('dividing');
DROP VIEW dividing;
-- A NULL is no condition, and no row would say that it is a good one.
SELECT severity, path, sqlstate, message, hint FROM validate_conditions(NULL, 'subjects');
SELECT severity, path, sqlstate, message, hint FROM validate_conditions(NULL::jsonb, 'subjects');
SELECT severity, path, sqlstate, message, hint FROM validate_conditions(NULL::json, 'subjects');
SELECT severity, path, sqlstate, message, hint FROM validate_conditions('{}', NULL);
-- Natural mistakes.
SELECT path, message, hint FROM unnest('{"{\"properties.extra\": 1}", "{\"properties\": {\"extra\": 1}}",
    "{\"country\": {\"eq\": \"US\"}}", "{\"country\": {\"$like\": \"U%\"}}"}'::text[]) WITH ORDINALITY c(condition, n),
    LATERAL validate_conditions(condition, 'subjects') ORDER BY n;

-- Why is this contact a member, or not?
SELECT contact_count FROM create_segment('Sample',
    '{"$or": [{"country": "FR"}, {"lifetime_value": {"$gte": 100, "$lt": 1000}}], "extra.a": 5, "tags": {"$ne": "no"}}', audience => 'subjects');
SELECT id AS sample FROM segments.segment WHERE name = 'Sample' AND audience = 'subjects' \gset
SELECT e.path, e.condition, e.value, e.matches, e.note FROM subjects s, explain_match(s.id, :'sample') e WHERE email = 'a@example.com';
SELECT e.path, e.value, e.matches, e.note FROM subjects s, explain_match(s.id::text, :'sample') e WHERE email = 'b@example.com';
SELECT explain_match('00000000-0000-0000-0000-000000000000', :'sample');
SELECT explain_match('nobody', :'sample');
-- Of topics it sees those that the contact is subscribed to.
SELECT slug, subscribe_contact(s.id, 'news', 'subjects') FROM create_topic('News', audience => 'subjects'), subjects s WHERE email = 'a@example.com';
SELECT id AS readers FROM create_segment('Readers', '{"$topic": {"$in": ["news"]}, "country": "US"}', audience => 'subjects') \gset
SELECT e.path, e.value, e.matches FROM subjects s, explain_match(s.id, :'readers') e WHERE email = 'a@example.com';
-- A nested value that is missing is none; where an array lies on the path, the whole property is shown.
INSERT INTO subjects (email, properties) VALUES ('e@example.com', '{"company": {"name": "x"}, "orders": [{"id": 1}]}');
SELECT create_property('company', 'json', 'subjects'), create_property('orders', 'json', 'subjects');
SELECT id AS nested FROM create_segment('Nested', '{"company.size": {"$gt": 5}, "company.name.first": "x", "orders.total": {"$gt": 5}}',
    audience => 'subjects') \gset
SELECT e.path, e.value, e.matches, e.note FROM subjects s, explain_match(s.id, :'nested') e WHERE email = 'e@example.com';

SELECT detach_audience('subjects', true);
DROP TABLE subject_topics, subjects;
