-- The properties of the rows of a relation: columns, and keys of its jsonb column.
\pset format unaligned
\pset tuples_only on
CREATE TABLE donors (id int PRIMARY KEY, properties jsonb);
INSERT INTO donors SELECT n, '{"plan": "pro"}' FROM generate_series(1, 4) n;
CREATE TABLE gifts (id int PRIMARY KEY, donor int, amount numeric, extra jsonb, data jsonb, note point);
INSERT INTO gifts
SELECT n, n % 3 + 1, n * 10, jsonb_build_object('channel', (ARRAY['web', 'post'])[n % 2 + 1], 'score', n), jsonb_build_object('a', jsonb_build_object('b', n))
  FROM generate_series(1, 6) n;
CREATE TABLE calls (donor int, at timestamptz);
SELECT attach_audience('donors', 'donors', properties_column => 'properties'), attach_audience('few', based_on => 'donors', scope => '{"id": {"$lt": 3}}');
SELECT attach_relation('gifts', 'gifts', 'donor', 'donors', properties_column => 'extra', scope => '{"score": {"$as": "number", "$gt": 0}}');
SELECT attach_relation('calls', 'calls', 'donor', 'donors');
\set VERBOSITY terse
SELECT create_property('gifts.channel', 'string', 'donors', 'How it came');
SELECT create_property('gifts.data.a.b', 'number', 'donors');
-- Also those of an audience that is based on it.
SELECT name, type, kind, label FROM segments.property WHERE audience = 'few' AND (name LIKE 'gifts%' OR name LIKE 'calls%');
SELECT count_contacts('{"gifts.channel": "web"}', 'donors'), count_contacts('{"gifts": {"$some": {"channel": "web", "data.a.b": {"$gt": 4}}}}', 'few');
SELECT refusal_of($$SELECT count_contacts('{"gifts": {"$some": {"chanel": "web"}}}', 'donors')$$);
SELECT refusal_of($$SELECT count_contacts('{"gifts": {"$some": {"note": null}}}', 'donors')$$);

SELECT refusal_of($$SELECT create_property('gifts.channel', 'number', 'donors')$$);
SELECT refusal_of($$SELECT create_property('gifts.amount', 'number', 'donors')$$);
SELECT refusal_of($$SELECT create_property('gifts.note', 'string', 'donors')$$);
SELECT refusal_of($$SELECT create_property('gifts', 'json', 'donors')$$);
SELECT refusal_of($$SELECT create_property('calls.length', 'number', 'donors')$$);
SELECT refusal_of($$SELECT create_property('gifts.channel.name', 'string', 'donors')$$);
SELECT refusal_of($$SELECT create_property('gifts.other', 'string', 'few')$$);
-- The scope reads it as a number.
SELECT refusal_of($$SELECT create_property('gifts.score', 'string', 'donors')$$);
SELECT create_property('gifts.score', 'number', 'donors');
-- A path that is used without a type would be read otherwise.
SELECT name, contact_count FROM create_segment('deep', '{"gifts": {"$some": {"data.a.c": 5}}}', audience => 'few');
SELECT refusal_of($$SELECT create_property('gifts.data.a.c', 'string', 'donors')$$);

-- What is in use is not dropped, wherever in a condition it is.
SELECT name, contact_count FROM create_segment('by web', '{"gifts": {"$none": {"channel": "web"}}}', audience => 'few');
SELECT name, contact_count
  FROM create_segment('summed', '{"gifts": {"$filter": {"data.a.b": {"$lt": 3}}, "$sum": {"amount": {"$gt": 5}}}}', audience => 'donors');
SELECT refusal_of($$SELECT drop_property('gifts.channel', 'donors')$$);
SELECT refusal_of($$SELECT drop_property('gifts.data.a.b', 'donors')$$);
SELECT refusal_of($$SELECT drop_property('gifts.chanel', 'donors')$$);
SELECT drop_property('gifts.score', 'donors');
SELECT delete_segment('by web') IS NOT NULL;
SELECT drop_property('gifts.channel', 'donors');

-- Keys that rows have.
SELECT name, type, present, distinct_values, examples, declared FROM infer_properties('donors');
SELECT name, declared FROM infer_properties('donors', "declare" => true);
SELECT name FROM segments.property_config WHERE audience = 'donors' ORDER BY name COLLATE "C";
-- Not of rows that the scope leaves out.
UPDATE gifts SET extra = extra || '{"old": true, "score": -1}' WHERE id = 1;
SELECT name, present FROM infer_properties('donors') WHERE name LIKE 'gifts.%';
SELECT detach_audience('donors', true);
DROP TABLE donors, gifts, calls;
