-- explain_match says of a stored value what comparisons make of it.
\pset format unaligned
\pset tuples_only on
CREATE TABLE kinds (id int PRIMARY KEY, properties jsonb);
INSERT INTO kinds VALUES (1, '{"tags": "vip"}'), (2, '{"tags": ["vip"]}'), (3, '{"tags": 5}'), (4, '{"tags": ["vip", 5]}'),
    (5, '{"tags": ["x", null]}'), (6, '{"tags": [5]}'), (7, '{"tags": {}}'), (8, '{"tags": null}'), (9, '{}'), (10, '{"tags": []}');
SELECT attach_audience('kinds', 'kinds', properties_column => 'properties'), create_property('tags', 'string[]', 'kinds');
SELECT contact_count FROM create_segment('vip', '{"tags": "vip"}', audience => 'kinds');
SELECT id, value, matches, note FROM kinds, explain_match(id, 'vip') WHERE path = '/tags' ORDER BY id;
SELECT detach_audience('kinds', true);
DROP TABLE kinds;
