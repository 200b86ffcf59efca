-- Extended JSON, and patterns in lists: each means what its plain form means, whoever counts, and is read back as it was written.
\pset format unaligned
\pset tuples_only on
SET client_min_messages = warning;
CREATE TABLE notes (id int PRIMARY KEY, t text, c char(5), u uuid, n int, m numeric, names text[], at timestamptz, custom jsonb);
INSERT INTO notes
SELECT i, (ARRAY['joe', 'Joe', 'ann', 'bob', NULL])[1 + i % 5], (ARRAY['JOE', 'joan', 'Ann', NULL])[1 + i % 4],
       ('00000000-0000-0000-0000-00000000000' || i % 7)::uuid, i, CASE i % 7 WHEN 0 THEN 'NaN' ELSE i * 1.5 END,
       ARRAY[(ARRAY['joe', 'bob', NULL])[1 + i % 3], (ARRAY['ann', 'x'])[1 + i % 2]], '2024-01-01Z'::timestamptz + i * interval '1 hour',
       jsonb_build_object('s', (ARRAY['"joe"', '["x", "ann"]', '5', 'null'])[1 + i % 4]::jsonb, 'k', i,
           'd', (ARRAY['joe', 'JOE', 'Ann', 'bob'])[1 + i % 4])
  FROM generate_series(1, 40) i;
INSERT INTO notes VALUES (41);
SELECT attach_audience('notes', 'notes', properties_column => 'custom') IS NULL;
SELECT create_property('d', 'string', 'notes') IS NULL, create_property('k', 'number', 'notes') IS NULL, create_property('s', 'json', 'notes') IS NULL;
CREATE TABLE pairs (extended text, plain text);
INSERT INTO pairs VALUES
    ('{"u": {"$uuid": "00000000-0000-0000-0000-000000000003"}}', '{"u": "00000000-0000-0000-0000-000000000003"}'),
    ('{"u": {"$in": [{"$uuid": "00000000-0000-0000-0000-000000000003"}, null]}}', '{"u": {"$in": ["00000000-0000-0000-0000-000000000003", null]}}'),
    ('{"t": {"$oid": "joe"}}', '{"t": "joe"}'),
    ('{"n": {"$gte": {"$numberInt": "5"}, "$lt": {"$numberDouble": "9.5"}}}', '{"n": {"$gte": 5, "$lt": 9.5}}'),
    ('{"m": {"$nin": [{"$numberDecimal": "4.5"}, {"$numberLong": "3"}]}}', '{"m": {"$nin": [4.5, 3]}}'),
    ('{"k": {"$numberLong": "7"}}', '{"k": 7}'),
    ('{"n": {"$mod": [{"$numberInt": "4"}, {"$numberInt": "1"}]}}', '{"n": {"$mod": [4, 1]}}'),
    ('{"names": {"$size": {"$numberInt": "2"}}}', '{"names": {"$size": 2}}'),
    ('{"at": {"$gte": {"$date": {"$numberLong": "1704110400000"}}}}', '{"at": {"$gte": {"$date": 1704110400000}}}'),
    ('{"at": {"$hour": {"$gte": {"$numberInt": "20"}}}}', '{"at": {"$hour": {"$gte": 20}}}'),
    ('{"$expr": {"$gt": ["$n", {"$numberInt": "5"}]}}', '{"$expr": {"$gt": ["$n", 5]}}'),
    ('{"s": {"$exists": 1}}', '{"s": {"$exists": true}}'), ('{"t": {"$exists": 0}}', '{"t": {"$exists": false}}'),
    ('{"s": {"$type": "int"}}', '{"s": {"$type": "number"}}'), ('{"n": {"$type": [1, 2]}}', '{"n": {"$type": ["number", "string"]}}'),
    ('{"m": {"$type": "decimal"}}', '{"m": {"$type": "number"}}');
-- A pattern: alone, under $regex and $not, and in lists, beside other entries and without.
INSERT INTO pairs
SELECT format(extended, field), replace(plain, 'F', field)
  FROM unnest('{t,c,names,d,s}'::text[]) field, (VALUES
    ('{"%s": {"$regularExpression": {"pattern": "^jo", "options": "i"}}}', '{"F": {"$regex": "^jo", "$options": "i"}}'),
    ('{"%s": {"$regex": {"$regularExpression": {"pattern": "n$", "options": ""}}, "$ne": "joan"}}', '{"F": {"$regex": "n$", "$ne": "joan"}}'),
    ('{"%s": {"$not": {"$regularExpression": {"pattern": "^jo", "options": ""}}}}', '{"F": {"$not": {"$regex": "^jo"}}}'),
    ('{"%s": {"$in": [{"$regularExpression": {"pattern": "^jo", "options": ""}}, "ann"]}}', '{"$or": [{"F": {"$regex": "^jo"}}, {"F": "ann"}]}'),
    ('{"%s": {"$nin": [{"$regularExpression": {"pattern": "^jo", "options": ""}}, "ann"]}}', '{"$nor": [{"F": {"$regex": "^jo"}}, {"F": "ann"}]}'),
    ('{"%s": {"$nin": [{"$regularExpression": {"pattern": "^jo", "options": ""}}, null]}}', '{"$nor": [{"F": {"$regex": "^jo"}}, {"F": null}]}'),
    ('{"%s": {"$in": [{"$regularExpression": {"pattern": "^b", "options": ""}}, {"$regularExpression": {"pattern": "N$", "options": "i"}}]}}',
        '{"$or": [{"F": {"$regex": "^b"}}, {"F": {"$regex": "N$", "$options": "i"}}]}')) forms(extended, plain);
INSERT INTO pairs
SELECT format('{"%s": {"$all": [{"$regularExpression": {"pattern": "^jo", "options": ""}}, {"$regularExpression": {"pattern": "n$"}}]}}', field),
       format('{"%1$s": {"$regex": "^jo"}, "$and": [{"%1$s": {"$regex": "n$"}}]}', field)
  FROM unnest('{names,s}'::text[]) field;
SELECT count(create_segment(left(extended, 100), extended::segment_condition, audience => 'notes')) FROM pairs;

-- Each difference is a fault.
CREATE FUNCTION notes_otherwise() RETURNS TABLE (name text, shown bigint, members bigint, plain bigint, pass bigint) LANGUAGE sql AS $$
    WITH pass AS MATERIALIZED (SELECT n.id, s.id AS segment FROM notes n, contact_segments(n.id, 'notes') s)
    SELECT s.name, s.contact_count, m.n, count_contacts(p.plain::segment_condition, 'notes'), c.n
      FROM segments.segment s JOIN pairs p ON s.name = left(p.extended, 100),
           LATERAL (SELECT count(*) AS n FROM segment_members(s.id)) m, LATERAL (SELECT count(*) AS n FROM pass WHERE pass.segment = s.id) c
     WHERE s.audience = 'notes'
       AND (m.n, count_contacts(p.plain::segment_condition, 'notes'), c.n) IS DISTINCT FROM (s.contact_count, s.contact_count, s.contact_count)
$$;
SELECT * FROM notes_otherwise();
SELECT count(*), count(error) FROM refresh_segments('notes');
SELECT * FROM notes_otherwise();
SELECT set_freshness('notes', 'live');
UPDATE notes SET t = 'joan', c = 'ann', names = '{ann,joe,joan}', custom = custom || '{"s": ["joe", "ann"]}' WHERE id % 3 = 0;
DELETE FROM notes WHERE id % 9 = 0;
SELECT * FROM notes_otherwise();
-- None is of everybody or of nobody by mistake.
SELECT name, contact_count FROM segments.segment WHERE audience = 'notes' AND contact_count IN (0, (SELECT count(*) FROM notes)) ORDER BY name;

-- Users read back what they wrote.
SELECT extended FROM pairs
 WHERE extended::jsonb IS DISTINCT FROM (SELECT conditions FROM segments.segment WHERE audience = 'notes' AND name = left(extended, 100));
SELECT conditions_sql('{"n": {"$gte": {"$numberInt": "5"}}, "u": {"$uuid": "00000000-0000-0000-0000-000000000003"}}', 'notes');
SELECT path, condition, value, matches FROM explain_match(7, (create_segment('explained',
    '{"t": {"$in": [{"$regularExpression": {"pattern": "^a", "options": ""}}, "x"]}, "n": {"$lt": {"$numberLong": "8"}}}', audience => 'notes')).id);
SELECT severity, path, sqlstate, message, hint FROM validate_conditions('{"s": {"$type": ["string", 16]}}'::text, 'notes');
SELECT severity, path, sqlstate, message FROM validate_conditions('{"n": {"$in": [{"$regularExpression": {"pattern": "^a"}}]}}'::text, 'notes');
SELECT severity, path, sqlstate, message FROM validate_conditions('{"n": {"$oid": "5"}}'::text, 'notes');
SELECT severity, path, sqlstate, message FROM validate_conditions('{"d": {"$numberInt": "5"}}'::text, 'notes');
SELECT detach_audience('notes', true);
DROP FUNCTION notes_otherwise;
DROP TABLE notes, pairs;
