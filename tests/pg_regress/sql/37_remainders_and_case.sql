-- $mod, and equality without regard to case: all who say who is a member say the same, whatever holds the number or the string.
\pset tuples_only on
SET client_min_messages = warning;
CREATE TABLE parts (id int PRIMARY KEY, s smallint, n int, l bigint, m numeric, r real, d double precision, ns int[], t text, c char(5),
    names text[], custom jsonb);
INSERT INTO parts
SELECT i, i - 30, i - 30, (i - 30)::bigint * 1000000000000, CASE i % 7 WHEN 0 THEN 'NaN' WHEN 1 THEN '-Infinity' ELSE (i - 30) * 1.3 END,
       CASE i % 5 WHEN 0 THEN 'NaN' WHEN 1 THEN 'Infinity' ELSE (i - 30) * 0.7 END, (i - 30) * 1e20, ARRAY[i - 30, NULL, i],
       (ARRAY['Ann', 'ANN', 'ann ', 'Σ', 'ς', 'σ', 'K', 'K', NULL])[1 + i % 9], (ARRAY['Ann', 'aNN', NULL])[1 + i % 3],
       ARRAY[(ARRAY['x', 'ANN', NULL])[1 + i % 3], 'y'], jsonb_build_object('n', (i - 30) / 2.0, 't', (ARRAY['"ann"', '["b", "ANN"]', '5',
           'null'])[1 + i % 4]::jsonb)
  FROM generate_series(1, 60) i;
INSERT INTO parts VALUES (61);
SELECT attach_audience('parts', 'parts', properties_column => 'custom') IS NULL, create_property('n2', 'number', 'parts') IS NULL;
SELECT create_property('t2', 'json', 'parts') IS NULL;
UPDATE parts SET custom = custom || jsonb_build_object('n2', custom -> 'n', 't2', jsonb_build_object('x', custom -> 't'));
SELECT count(create_segment(condition, condition::segment_condition, audience => 'parts')) FROM (
    SELECT format('{"%s": {"$mod": [%s, %s]}}', field, divisor, remainder)
      FROM unnest('{s,n,l,m,r,d,ns,n2}'::text[]) field, unnest('{4,-3,9223372036854775807}'::bigint[]) divisor, unnest('{-1,0,1}'::int[]) remainder
    UNION ALL
    SELECT format('{"%s": {"$not": {"$mod": [3, 1]}}}', field) FROM unnest('{s,n,l,m,r,d,ns,n2}'::text[]) field
    UNION ALL
    SELECT format('{"%s": {"%s": %s, "$options": "i"}}', field, operator, operand)
      FROM unnest('{t,c,names,t2.x}'::text[]) field, (VALUES ('$eq', '"ann"'), ('$ne', '"ann"'), ('$in', '["ANN", "k", null]'), ('$nin',
          '["ς", "x"]')) o(operator, operand)) c(condition);
CREATE TABLE parts_in AS SELECT p.id, s.id AS segment FROM parts p, contact_segments(p.id, 'parts') s;
CREATE FUNCTION parts_otherwise() RETURNS TABLE (name text, sql bigint, pass bigint, contacts bigint) LANGUAGE sql AS $$
    SELECT s.name, m.n, s.contact_count, c.n FROM segments.segment s,
           LATERAL (SELECT count(*) AS n FROM segment_members(s.id)) m,
           LATERAL (SELECT count(*) AS n FROM parts_in i WHERE i.segment = s.id) c
     WHERE s.audience = 'parts' AND (m.n <> s.contact_count OR c.n <> s.contact_count) ORDER BY 1
$$;
SELECT count(*), sum((error IS NOT NULL)::int) FROM refresh_segments('parts');
SELECT * FROM parts_otherwise();
SELECT set_freshness('parts', 'live');
UPDATE parts SET n = n + 1, s = -s, m = m - 1, t = upper(t) WHERE id % 2 = 0;
DELETE FROM parts WHERE id % 9 = 0;
TRUNCATE parts_in;
INSERT INTO parts_in SELECT p.id, s.id AS segment FROM parts p, contact_segments(p.id, 'parts') s;
SELECT * FROM parts_otherwise();
SELECT name, contact_count FROM segments.segment WHERE audience = 'parts' AND name LIKE '%options%' ORDER BY name;

-- No index answers what ignores case.
CREATE INDEX parts_t ON parts (t);
CREATE INDEX parts_custom ON parts USING gin (custom);
SET enable_seqscan = off;
SELECT count_contacts('{"t": {"$eq": "ANN", "$options": "i"}}', 'parts'), count_contacts('{"t2.x": {"$eq": "ANN", "$options": "i"}}', 'parts');
RESET enable_seqscan;
SELECT count_contacts('{"t": {"$eq": "ANN", "$options": "i"}}', 'parts'), count_contacts('{"t2.x": {"$eq": "ANN", "$options": "i"}}', 'parts');
\set VERBOSITY default
SELECT count_contacts('{"t": {"$mod": [4, 1]}}', 'parts');
SELECT count_contacts('{"n": {"$eq": 5, "$options": "i"}}', 'parts');
SELECT count_contacts('{"t2": {"$eq": "ann", "$options": "i"}}', 'parts');
SELECT detach_audience('parts', true);
DROP FUNCTION parts_otherwise;
DROP TABLE parts, parts_in;
