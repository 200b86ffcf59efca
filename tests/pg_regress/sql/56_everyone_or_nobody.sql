-- What holds for everyone or for nobody is told, also where only a column's type or NOT NULL says so.
\pset format unaligned
\pset tuples_only on
SET client_min_messages = warning;
CREATE TABLE told (id int PRIMARY KEY, age int, joined date NOT NULL, ref uuid, custom jsonb);
INSERT INTO told SELECT i, 20 + i, '2024-01-01', NULL, '{"x": 1}' FROM generate_series(1, 3) i;
SELECT attach_audience('told', 'told', properties_column => 'custom');
SELECT create_property('x', 'number', audience => 'told');
CREATE TABLE asked (n serial, condition text);
INSERT INTO asked (condition) VALUES
    ('{"age": {"$gt": 99999999999}}'), ('{"age": {"$lt": 99999999999}}'), ('{"age": {"$not": {"$gt": 99999999999}}}'), ('{"age": 20.5}'),
    ('{"id": {"$exists": true}}'), ('{"joined": null}'), ('{"joined": {"$ne": null}}'), ('{"age": {"$exists": true}}'),
    ('{"$or": [{"age": 20.5}, {"age": {"$in": []}}]}'), ('{"$or": [{"age": 20.5}, {"x": 1}]}'), ('{"x": {"$exists": true}}');
SELECT a.condition, v.severity, v.path, v.message FROM asked a LEFT JOIN LATERAL validate_conditions(a.condition, 'told') v ON true ORDER BY a.n;
-- The notice is right.
SELECT condition FROM asked, LATERAL validate_conditions(condition, 'told') v, LATERAL count_contacts(condition::segment_condition, 'told') c
 WHERE v.message LIKE 'condition holds for %' AND c <> CASE WHEN v.message LIKE '% everyone' THEN 3 ELSE 0 END;
-- So do the functions that make segments and count.
SET client_min_messages = notice;
SELECT contact_count FROM create_segment('Old', '{"age": {"$gt": 99999999999}}', audience => 'told');
SELECT contact_count FROM create_segment('All', '{"id": {"$exists": true}}', audience => 'told');
SELECT contact_count FROM create_segment('Neither', '{"age": {"$lt": 99999999999}}', audience => 'told');
SELECT count_contacts('{"$segment": "Old"}', 'told'), count_contacts('{"ref": "not a uuid"}', 'told');
SELECT contact_count FROM update_segment((SELECT id FROM segments.segment WHERE name = 'Neither'), '{"conditions": {"x": {"$in": []}}}');
-- Ids of segments, as drivers write them.
SELECT count_contacts(format('{"$segment": {"$nin": [{"$uuid": "%s"}]}}', id)::segment_condition, 'told') FROM segments.segment WHERE name = 'Neither';
SELECT conditions FROM create_segment('Both', '{"$segment": {"$uuid": "00000000-0000-4000-8000-000000000000"}}', audience => 'told');
SET client_min_messages = warning;
SELECT count(delete_segment(id)) FROM segments.segment WHERE audience = 'told';
SELECT detach_audience('told');
DROP TABLE told, asked;
