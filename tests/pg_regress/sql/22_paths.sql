-- A declared name with a dot is a path into the properties; a backslash keeps the dot in a key.
\pset tuples_only on
SET client_min_messages = warning;
CREATE TABLE firms (id int PRIMARY KEY, properties jsonb, extra jsonb);
INSERT INTO firms
SELECT n, jsonb_build_object('company', jsonb_build_object('size', n, 'name', 'Firm ' || n, 'founded', '2024-01-01'::date + n,
                                                           'tags', jsonb_build_array('t' || n % 3))),
       jsonb_build_object('score', n)
  FROM generate_series(1, 200) n;
INSERT INTO firms VALUES (201, '{"company.size": 50}'), (202, '{"company": {"size": "50"}}'), (203, '{"company": {"size": [50]}}'),
    (204, '{"company": [{"size": 50}]}'), (205, NULL), (206, '{"company": 50}');
SELECT attach_audience('firms', 'firms', properties_column => 'properties') IS NULL;

SELECT create_property('company.size', 'number', 'firms'), create_property('company.name', 'string', 'firms'),
       create_property('company.founded', 'date', 'firms'), create_property('company.tags', 'string[]', 'firms');
SELECT create_property('company\.size', 'number', 'firms');
SELECT name, type FROM segments.property WHERE audience = 'firms' AND kind = 'custom' ORDER BY name;
SELECT condition, count_contacts(condition, 'firms')
  FROM unnest(ARRAY['{"company.size": {"$gte": 22}}', '{"company.size": {"$lt": 22}}', '{"company.size": 50}',
                    '{"company.size": {"$ne": 50}}', '{"company.size": {"$exists": true}}', '{"company\\.size": 50}',
                    '{"company.name": {"$startsWith": "Firm 1"}}', '{"company.founded": {"$lte": "2024-01-03"}}',
                    '{"company.tags": "t1"}', '{"company.tags.0": "t1"}']::segment_condition[]) condition;
\set VERBOSITY default
SELECT count_contacts('{"company.size": {"$gte": "22"}}', 'firms');
SELECT count_contacts('{"company.sise": 5}', 'firms');
SELECT count_contacts('{"company": {"$exists": true}}', 'firms');
SELECT count_contacts('{"company.size.value": 5}', 'firms');
SELECT create_property('company.size.value', 'number', 'firms');
SELECT create_property('company', 'string', 'firms');
SELECT create_property('company.size', 'number', 'firms');
SELECT create_property('company..size', 'number', 'firms');
\set VERBOSITY terse

-- Indexes know the path: what they find is what a scan finds.
SELECT index_property('company.size', 'firms'), index_property('company\.size', 'firms');
SELECT property_number('{"a": {"b": 5}}', 'a.b'), property_number('{"a.b": 6}', 'a.b'), property_number('{"a.b": 6}', 'a\.b'),
       property_number('{"a": [7, {"b": 8}]}', 'a.1.b'), property_number('{"a": [{"b": 8}]}', 'a.b'), property_text('"x"', 'a.b'),
       property_text('{"": {"": "x"}}', '.');
SELECT conditions_sql('{"company.size": {"$gte": 190}}', 'firms');
CREATE INDEX firms_size ON firms (property_number(properties, 'company.size'));
CREATE INDEX firms_name ON firms (property_text(properties, 'company.name') COLLATE "C");
ANALYZE firms;
SELECT conditions_sql('{"company.size": {"$gte": 190}, "company.name": {"$startsWith": "Firm 19"}}', 'firms');
SET enable_seqscan = off;
EXPLAIN (COSTS OFF) SELECT FROM firms WHERE property_number(properties, 'company.size') >= 190;
SELECT count_contacts('{"company.size": {"$gte": 190}}', 'firms'), count_contacts('{"company.size": 50}', 'firms'),
       count_contacts('{"company.name": "Firm 7"}', 'firms');
RESET enable_seqscan;
SELECT name FROM create_segment('Large', '{"company.size": {"$gte": 200}}', audience => 'firms');
SELECT pg_stat_force_next_flush();
SELECT suggestion, property, ddl FROM suggest_indexes('firms');
DROP INDEX firms_size;
SELECT suggestion, property, ddl FROM suggest_indexes('firms') WHERE suggestion = 'create';

-- All who say who is a member say the same.
SELECT contact_count FROM create_segment('Fifty', '{"company.size": 50}', audience => 'firms');
SELECT segment_members(id) FROM segments.segment WHERE name = 'Fifty';
SELECT c, in_segment(c::text, s.id), e.value, e.matches, e.note
  FROM segments.segment s, unnest(ARRAY[50, 201, 202, 203, 204]) c, explain_match(c::text, s.id) e
 WHERE s.name = 'Fifty' AND e.path = '/company.size' ORDER BY c;
SELECT c, s.name FROM unnest('{50,200,202}'::int[]) c, contact_segments(c::text, 'firms') s ORDER BY 1;
SELECT contact_count FROM refresh_segments('firms') ORDER BY 1;
SELECT set_freshness('firms', 'live');
UPDATE firms SET properties = '{"company": {"size": 50.0}}' WHERE id > 200;
SELECT name, contact_count FROM segments.segment WHERE audience = 'firms' ORDER BY name;
UPDATE firms SET properties = '{"company.size": 50}' WHERE id > 202;
SELECT name, contact_count FROM segments.segment WHERE audience = 'firms' ORDER BY name;

-- What is below a json parent has no type until it is declared, which is refused where segments would come to mean
-- something else; so is what takes the type away again.
SELECT create_property('company', 'json', 'firms');
SELECT count_contacts('{"company.other": null}', 'firms'), count_contacts('{"company.size": {"$gte": 190}}', 'firms');
SELECT contact_count FROM create_segment('Other', '{"company.other.deep": 5}', audience => 'firms');
\set VERBOSITY default
SELECT create_property('company.other', 'json', 'firms');
SELECT drop_property('company.size', 'firms');
SELECT drop_property('company', 'firms');
SELECT delete_segment(id) IS NOT NULL FROM segments.segment WHERE name = 'Other';
SELECT drop_property('company', 'firms');
SELECT drop_property('company.sice', 'firms');
\set VERBOSITY terse
SELECT drop_property('company\.size', 'firms');

-- A path may begin at a column that is jsonb, and at no other.
SELECT create_property('extra.score', 'number', 'firms');
SELECT count_contacts('{"extra.score": {"$gt": 190}}', 'firms'), conditions_sql('{"extra.score": {"$gt": 190}}', 'firms');
SELECT index_property('extra.score', 'firms');
SELECT create_property('id.x', 'number', 'firms');

-- The dot in the name of a column takes a backslash as well.
ALTER TABLE firms ADD "x.y" int DEFAULT 5;
SELECT name FROM segments.property WHERE audience = 'firms' AND name LIKE 'x%';
\set VERBOSITY default
SELECT count_contacts('{"x.y": 5}', 'firms');
SELECT count_contacts('{"x\\.y": 5}', 'firms'), index_property('x\.y', 'firms');

SELECT detach_audience('firms', cascade => true);
DROP TABLE firms;
