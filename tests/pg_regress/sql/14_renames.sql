-- What is shown of a segment, and what is given to update_segment(), means what the text says now.
\pset format unaligned
\pset tuples_only on
CREATE TABLE people (id int PRIMARY KEY, age int, country text, data jsonb, properties jsonb);
INSERT INTO people SELECT n, n, (ARRAY['US', 'DE'])[n % 2 + 1], '{"x": 1}', '{"plan": "pro"}' FROM generate_series(1, 10) n;
SELECT attach_audience('people', 'people', properties_column => 'properties', scope => '{"age": {"$gt": 0}}'), create_property('plan', 'string', 'people');

-- A segment is renamed, and another one takes its name.
SELECT contact_count FROM create_segment('A', '{"age": {"$lte": 3}}', audience => 'people');
SELECT contact_count FROM create_segment('Dep', '{"$or": [{"$segment": "A"}, {"$not": {"$nor": [{"$segment": "A"}]}}]}', audience => 'people');
SELECT id AS a FROM segments.segment WHERE name = 'A' AND audience = 'people' \gset
SELECT contact_count FROM create_segment('By id', format('{"$segment": "%s"}', :'a'), audience => 'people');
SELECT name FROM update_segment(:'a', '{"name": "Both at once", "conditions": {"age": {"$lte": 4}}}');
SELECT name, contact_count FROM list_segments('people');
SELECT name FROM update_segment(:'a', '{"name": "B", "conditions": {"age": {"$lte": 3}}}');
SELECT contact_count FROM create_segment('A', '{"age": {"$gt": 3}}', audience => 'people');
SELECT name, replace(conditions::text, :'a', 'id of B') AS conditions, contact_count FROM list_segments('people');
SELECT id AS dep, conditions AS "is" FROM segments.segment WHERE name = 'Dep' AND audience = 'people' \gset
SELECT count_contacts(:'is', 'people');
SELECT contact_count FROM create_segment('Clone', :'is', audience => 'people');
SELECT conditions, contact_count FROM update_segment(:'dep', jsonb_build_object('conditions', :'is'::jsonb));
SELECT path, condition, matches FROM explain_match(1, :'dep');
-- What is given means what it says now, also where it said something else once.
SELECT conditions, contact_count FROM update_segment(:'dep', '{"conditions": {"$segment": "A"}}');
SELECT delete_segment(id) FROM segments.segment WHERE name = 'A' AND audience = 'people';
-- Names that read as ids are not taken for one.
SELECT name FROM update_segment(:'a', '{"name": "01900000-0000-7000-8000-000000000000"}');
SELECT replace(conditions::text, :'a', 'its id') AS conditions, contact_count FROM segments.segment WHERE name = 'Clone';
SELECT name FROM update_segment(:'a', '{"name": "Young", "conditions": {"age": {"$lt": 3}}}');
SELECT replace(conditions::text, :'a', 'its id') AS conditions, contact_count FROM segments.segment WHERE name = 'Clone';
SELECT replace(reference, :'a', 'its id') AS reference, count(*) FROM segments.segment_reference WHERE target = :'a' GROUP BY 1 ORDER BY 1;

-- Columns: segments, scopes and declarations go on.
SELECT contact_count FROM create_segment('Deep', '{"$or": [{"age": 4}, {"data.x": 2}], "plan": {"$ne": "x"}, "age": {"$exists": true}}', audience => 'people');
SELECT create_property('age', 'number', 'people', 'Age');
ALTER TABLE people RENAME age TO years;
ALTER TABLE people RENAME data TO "a.b";
SELECT name, conditions, count_contacts(conditions, 'people'), contact_count FROM segments.segment WHERE name IN ('Deep', 'Young') ORDER BY id;
SELECT scope FROM segments.audience WHERE name = 'people';
SELECT name, label FROM segments.property WHERE audience = 'people' AND label IS NOT NULL;
-- Swapped.
ALTER TABLE people RENAME years TO n;
ALTER TABLE people RENAME id TO years;
ALTER TABLE people RENAME n TO id;
SELECT name, conditions, count_contacts(conditions, 'people') FROM segments.segment WHERE name IN ('Deep', 'Young') ORDER BY id;
SELECT id_column, scope FROM segments.audience WHERE name = 'people';
-- What is not a property of an audience is no concern of its segments.
CREATE TABLE few (id int PRIMARY KEY, a int, hidden text, properties jsonb);
INSERT INTO few VALUES (1, 1, 'x', '{"hidden": 5}');
SELECT attach_audience('few', 'few', columns => '{a}', properties_column => 'properties'), create_property('hidden', 'number', 'few');
SELECT contact_count FROM create_segment('Hidden', '{"hidden": 5, "a": 1}', audience => 'few');
ALTER TABLE few RENAME hidden TO other;
ALTER TABLE few RENAME a TO b;
SELECT conditions, count_contacts(conditions, 'few') FROM segments.segment WHERE name = 'Hidden';
-- Of a parent table, of a view, and of the type of a table.
CREATE TABLE parent (country text);
CREATE TABLE child (id int PRIMARY KEY) INHERITS (parent);
CREATE VIEW seen AS SELECT id, country FROM child;
CREATE TYPE person AS (id int, country text);
CREATE TABLE persons OF person (PRIMARY KEY (id));
SELECT attach_audience('child', 'child'), attach_audience('seen', 'seen', 'id'), attach_audience('persons', 'persons');
SELECT contact_count FROM (VALUES ('child'), ('seen'), ('persons')) a(name), create_segment('German', '{"country": "DE"}', audience => a.name);
ALTER TABLE parent RENAME country TO land;
ALTER VIEW seen RENAME country TO pays;
ALTER TYPE person RENAME ATTRIBUTE country TO nation CASCADE;
SELECT audience, conditions, count_contacts(conditions, audience) FROM segments.segment WHERE name = 'German' ORDER BY audience;

SELECT detach_audience(name, true) FROM segments.audience WHERE name IN ('people', 'few', 'child', 'seen', 'persons');
DROP VIEW seen;
DROP TABLE people, few, parent, child, persons;
DROP TYPE person;
