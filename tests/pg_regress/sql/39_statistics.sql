-- segment_overlap and segment_statistics: what a segment is made of.
\pset format unaligned
\pset tuples_only on
CREATE TABLE buyers (id int PRIMARY KEY, plan text, age int, born date, tags text[], properties jsonb);
INSERT INTO buyers
SELECT n, CASE WHEN n % 4 = 0 THEN 'pro' WHEN n % 4 < 3 THEN 'free' END, n % 50, date '2000-01-01' + n,
       CASE WHEN n % 2 = 0 THEN ARRAY['even', 'even', 'x' || n % 3] END,
       jsonb_build_object('city', CASE WHEN n % 10 = 0 THEN 'Rome' ELSE 'Bern' END, 'vip', n % 5 = 0,
                          'spent', CASE WHEN n % 7 = 0 THEN '"unknown"'::jsonb ELSE to_jsonb(n % 3) END, 'company', jsonb_build_object('size', n % 2))
  FROM generate_series(1, 200) n;
SELECT attach_audience('buyers', 'buyers', properties_column => 'properties');
SELECT create_property('city', 'string', 'buyers'), create_property('vip', 'boolean', 'buyers'), create_property('spent', 'number', 'buyers'),
       create_property('company.size', 'number', 'buyers'), create_property('none', 'string', 'buyers');
SELECT id AS pro FROM create_segment('pro', '{"plan": "pro"}', audience => 'buyers') \gset
SELECT id AS young FROM create_segment('young', '{"age": {"$lt": 20}}', audience => 'buyers') \gset
SELECT id AS vip FROM create_segment('vip', '{"vip": true}', audience => 'buyers') \gset
SELECT id AS nobody FROM create_segment('nobody', '{"plan": "none"}', audience => 'buyers') \gset

-- Each contact is counted in exactly one combination, or in none.
SELECT ARRAY(SELECT name FROM unnest(combination) WITH ORDINALITY u(id, n) JOIN segments.segment s USING (id) ORDER BY n), contacts
  FROM segment_overlap(ARRAY[:'pro', :'young', :'vip', :'nobody', :'pro']::uuid[], 'buyers');
SELECT (SELECT sum(contacts) FROM segment_overlap(ARRAY[:'pro', :'young', :'vip']::uuid[], 'buyers'))
       = count_contacts('{"$or": [{"$segment": "pro"}, {"$segment": "young"}, {"$segment": "vip"}]}', 'buyers') AS whole;
SELECT * FROM segment_overlap('{}', 'buyers');
SELECT * FROM segment_overlap(ARRAY[:'nobody']::uuid[], 'buyers');
SELECT * FROM segment_overlap(ARRAY[:'pro', NULL]::uuid[], 'buyers');
SELECT * FROM segment_overlap(ARRAY(SELECT gen_random_uuid() FROM generate_series(1, 65)), 'buyers');
SELECT attach_audience('others', 'buyers');
SELECT id AS other FROM create_segment('other', '{}', audience => 'others') \gset
SELECT * FROM segment_overlap(ARRAY[:'other']::uuid[], 'buyers');

-- Each value with its share and lift, or with its quantile.
CREATE FUNCTION brief(listed jsonb) RETURNS text LANGUAGE sql AS $$
    SELECT string_agg(concat_ws(' ', v -> 'value', v ->> 'quantile', v ->> 'share', '×' || (v ->> 'lift')), ', ' ORDER BY n)
      FROM jsonb_array_elements(listed) WITH ORDINALITY e(v, n) $$;

-- Values of which there are few: the most frequent ones, the same lift on both sides.
SELECT property, type, present, audience_present, E'\n' || brief(member_values), E'\n' || brief(audience_values)
  FROM segment_statistics(:'pro', '{city,vip,plan}');
SELECT member_values FROM segment_statistics(:'pro', '{city}');
-- Of a number, only numbers are values. An array's values are its elements, each once for a contact.
SELECT property, type, present, audience_present, E'\n' || brief(member_values), E'\n' || brief(audience_values)
  FROM segment_statistics(:'pro', '{spent,tags,company.size,none}');
-- Many numbers and dates: quantiles.
SELECT property, type, present, audience_present, E'\n' || brief(member_values), E'\n' || brief(audience_values)
  FROM segment_statistics(:'pro', '{age,born}');
-- Dates are compared as dates, however they are written, and what is none is no value.
CREATE TABLE seen_at (id int PRIMARY KEY, at timestamptz, properties jsonb);
INSERT INTO seen_at SELECT n, timestamptz '2024-01-01 00:00+00' + n * interval '1 h', jsonb_build_object(
    'first', CASE n % 3 WHEN 0 THEN to_jsonb(1704067200000 + n * 3600000)
                        WHEN 1 THEN to_jsonb(to_char(timestamp '2024-01-01 12:00' + n * interval '1 h', 'YYYY-MM-DD"T"HH24:MI+12:00'))
                        ELSE to_jsonb(timestamp '2024-01-01' + n * interval '1 h') END, 'days', jsonb_build_array('2024-01-' || n, 'never'))
  FROM generate_series(10, 31) n;
INSERT INTO seen_at VALUES (1, '-infinity', '{"first": "soon"}'), (2, '0044-03-15 12:00 BC', '{"first": null}');
SELECT attach_audience('seen', 'seen_at', properties_column => 'properties');
SELECT create_property('first', 'timestamp', 'seen'), create_property('days', 'date[]', 'seen');
SELECT id AS seen FROM create_segment('seen', '{"id": {"$gt": 20}}', audience => 'seen') \gset
SET TimeZone = 'America/New_York';
SELECT property, type, present, round(audience_present, 2), member_values -> 0 -> 'value', member_values -> -1 -> 'value', audience_values -> 3
  FROM segment_statistics(:'seen', '{at,first,days}');
RESET TimeZone;
SELECT detach_audience('seen', true);
DROP TABLE seen_at;
-- The same by hand.
SELECT (SELECT (member_values -> 3 ->> 'value')::int FROM segment_statistics(:'pro', '{age}'))
       = percentile_disc(0.5) WITHIN GROUP (ORDER BY age) FILTER (WHERE plan = 'pro'),
       (SELECT (audience_values -> 5 ->> 'value')::date FROM segment_statistics(:'pro', '{born}')) = percentile_disc(0.9) WITHIN GROUP (ORDER BY born)
  FROM buyers;
-- Every property but the id; without members there is nothing to say of them.
SELECT property, type, present, audience_present, member_values FROM segment_statistics(:'nobody');
SELECT * FROM segment_statistics(:'pro', '{}');
SELECT * FROM segment_statistics(:'pro', '{cit}');
SELECT * FROM segment_statistics(:'pro', '{city,NULL}');
SELECT * FROM segment_statistics(:'pro', array_fill('city'::text, '{1601}'));
SELECT count(*) FROM segment_statistics(:'pro', array_fill('city'::text, '{1600}'));

-- One scan for both, whatever the number of properties.
CREATE FUNCTION scans() RETURNS bigint LANGUAGE sql AS $$
    SELECT pg_stat_get_xact_numscans('buyers'::regclass) + pg_stat_get_xact_numscans('buyers_pkey'::regclass) $$;
BEGIN;
SELECT scans() AS before \gset
SELECT count(*) FROM segment_statistics(:'pro');
SELECT scans() - :before AS scans;
SELECT count(*) FROM segment_overlap(ARRAY[:'pro', :'young']::uuid[], 'buyers');
SELECT scans() - :before AS scans;
COMMIT;

-- With the caller's rights.
CREATE ROLE regress_statistics;
SELECT grant_segments_access('regress_statistics', 'read:contacts', 'buyers');
REVOKE SELECT ON buyers FROM regress_statistics;
GRANT SELECT (plan, tags) ON buyers TO regress_statistics;
SET ROLE regress_statistics;
SELECT property, present FROM segment_statistics(:'pro', '{plan,tags}');
SELECT property, present FROM segment_statistics(:'pro');
\set VERBOSITY default
SELECT property, present FROM segment_statistics(:'pro', '{plan,age}');
SELECT property, present FROM segment_statistics(:'pro', '{company.size}');
\set VERBOSITY terse
SELECT contacts FROM segment_overlap(ARRAY[:'pro']::uuid[], 'buyers');
SELECT contacts FROM segment_overlap(ARRAY[:'pro', :'young']::uuid[], 'buyers');
RESET ROLE;
-- Row security hides contacts from both.
ALTER TABLE buyers ENABLE ROW LEVEL SECURITY;
CREATE POLICY first_half ON buyers USING (id <= 100);
SET ROLE regress_statistics;
SELECT contacts FROM segment_overlap(ARRAY[:'pro']::uuid[], 'buyers');
RESET ROLE;
GRANT SELECT ON buyers TO regress_statistics;
SET ROLE regress_statistics;
SELECT contacts FROM segment_overlap(ARRAY[:'pro']::uuid[], 'buyers');
SELECT member_values FROM segment_statistics(:'pro', '{plan}');
RESET ROLE;
SELECT revoke_segments_access('regress_statistics', 'read:contacts');
SELECT detach_audience('buyers', true), detach_audience('others', true);
DROP TABLE buyers;
DROP FUNCTION scans, brief;
DROP ROLE regress_statistics;
