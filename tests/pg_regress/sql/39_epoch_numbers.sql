-- Dates that are stored as numbers: milliseconds since 1970 in timestamp and date, seconds where the type says so. All who say who is
-- a member say the same as arithmetic on the numbers.
\pset format unaligned
\pset tuples_only on
CREATE TABLE stamped (id int PRIMARY KEY, millis numeric, properties jsonb);
SELECT attach_audience('stamped', 'stamped', properties_column => 'properties'), create_property('at', 'timestamp', 'stamped'),
       create_property('day', 'date', 'stamped'), create_property('at_seconds', 'timestamp(seconds)', 'stamped'),
       create_property('day_seconds', 'date(seconds)', 'stamped'), create_property('logins', 'timestamp(seconds)[]', 'stamped');
SELECT setseed(0.5);
-- Around the ends of the years 1 to 9999, 1970, and the days on which New York's clocks change; with and without fractions.
INSERT INTO stamped
SELECT row_number() OVER (), edge * 1000 + step, NULL
  FROM unnest('{-62135596800,253402300800,0,1710046800,1710133200,1730606400,1730692800,1717200000}'::numeric[]) edge,
       unnest('{-86400000,-18000000,-14400000,-1,-0.001,-0.0000001,0,0.0000001,0.001,0.5,1,14400000,18000000,86399999.9999}'::numeric[]) step;
INSERT INTO stamped SELECT 1000 + n, trunc((random() * 3e12 - 1e11)::numeric, n % 6), NULL FROM generate_series(1, 300) n;
INSERT INTO stamped VALUES (2000, 1e400, NULL), (2001, -1e400, NULL), (2002, 1e18, NULL), (2003, 1e-300, NULL), (2004, -1e-300, NULL);
UPDATE stamped SET properties = jsonb_build_object('at', millis, 'day', millis, 'at_seconds', millis * 0.001,
    'day_seconds', millis * 0.001, 'logins', jsonb_build_array(millis * 0.001, 'x'));
-- What is no number; strings are dates under timestamp and date alone.
INSERT INTO stamped SELECT 3000 + n, NULL, jsonb_build_object('at_seconds', v, 'day_seconds', v, 'logins', v)
  FROM unnest(ARRAY['"2024-03-10"', '"1710046800"', '"NaN"', '"Infinity"', 'null', 'true', '{}', '[]', '[[1710046800]]']::jsonb[]) WITH ORDINALITY u(v, n);
INSERT INTO stamped VALUES (4000, NULL, NULL), (4001, NULL, '{}'), (4002, NULL, '{"at": "NaN", "day": "1710046800000"}');

CREATE FUNCTION epoch_of(at timestamptz) RETURNS numeric LANGUAGE sql AS 'SELECT extract(epoch FROM at) * 1000000';
-- Each question with the microseconds from which and until which it is equal.
CREATE TABLE question AS
SELECT field, zone, test, operand,
       CASE WHEN is_whole OR is_day THEN epoch_of(day::timestamp AT TIME ZONE in_zone) ELSE epoch_of(operand::timestamptz) END AS first,
       CASE WHEN day = '9999-12-31' THEN epoch_of('10000-01-01 00:00Z') -- nothing is after that day, in any zone
            WHEN is_whole OR is_day THEN epoch_of((day + 1)::timestamp AT TIME ZONE in_zone)
            ELSE epoch_of(operand::timestamptz) + 1 END AS until, NULL::bigint AS expected, NULL::uuid AS segment
  FROM unnest('{at,day,at_seconds,day_seconds,logins}'::text[]) field, unnest('{America/New_York,Asia/Kolkata}'::text[]) zone,
       unnest('{$eq,$ne,$gt,$gte,$lt,$lte}'::text[]) test,
       unnest('{2024-03-10,0001-01-01,9999-12-31,1970-01-01,2024-11-03T06:00:00Z,1969-12-31T23:59:59.999999Z}'::text[]) operand,
       LATERAL (SELECT field ~ 'day' AS is_day, length(operand) = 10 AS is_whole) f,
       LATERAL (SELECT CASE WHEN is_day THEN 'UTC' ELSE zone END AS in_zone,
                       CASE WHEN is_whole THEN operand::date ELSE (operand::timestamptz AT TIME ZONE zone)::date END AS day) d;
UPDATE question q SET expected = (
    SELECT count(*) FILTER (WHERE (micros BETWEEN epoch_of('0001-01-01 00:00Z') AND epoch_of('10000-01-01 00:00Z') - 1 AND CASE test
               WHEN '$gt' THEN micros >= until WHEN '$gte' THEN micros >= first WHEN '$lt' THEN micros < first WHEN '$lte' THEN micros < until
               ELSE micros >= first AND micros < until END) IS TRUE <> (test = '$ne'))
      FROM (SELECT floor(millis * 1000) AS micros FROM stamped) s);
CREATE FUNCTION condition_of(question) RETURNS segment_condition
    LANGUAGE sql AS $$SELECT format('{"%s": {"%s": "%s"}}', $1.field, $1.test, $1.operand)::segment_condition$$;
UPDATE question q
   SET segment = (create_segment(format('%s %s %s %s', field, test, operand, zone), condition_of(q), audience => 'stamped', time_zone => zone)).id;

-- Counted one by one, all at once, contact by contact, and live. No row: all agree.
SELECT count(*), count(DISTINCT expected) > 30 AS different FROM question;
SELECT q.*, contact_count FROM question q JOIN segments.segment s ON s.id = q.segment WHERE contact_count <> expected;
SELECT q.*, contact_count FROM question q JOIN refresh_segments('stamped') r USING (segment) WHERE contact_count IS DISTINCT FROM expected;
SELECT c.id, count(*) FROM stamped c, LATERAL (SELECT array_agg(s.id) AS ids FROM contact_segments(c.id, 'stamped') s) found, question q
 WHERE c.id % 50 = 0 AND in_segment(c.id, q.segment) <> coalesce(q.segment = ANY (found.ids), false) GROUP BY 1;
SELECT set_freshness('stamped', 'live');
INSERT INTO stamped SELECT id + 10000, millis, properties FROM stamped;
DELETE FROM stamped WHERE id < 10000;
SELECT * FROM wrong_counts('stamped');
SELECT q.*, contact_count FROM question q JOIN segments.segment s ON s.id = q.segment WHERE contact_count IS DISTINCT FROM expected;
SELECT set_freshness('stamped', 'periodic');

-- Indexes serve, and find the same. property_number has the seconds.
SELECT p, index_property(p, 'stamped') FROM unnest('{at,day,at_seconds,day_seconds,logins}'::text[]) p;
CREATE INDEX stamped_at ON stamped (property_timestamp(properties, 'at'));
CREATE INDEX stamped_day ON stamped (property_date(properties, 'day'));
CREATE INDEX stamped_at_seconds ON stamped (property_number(properties, 'at_seconds'));
CREATE INDEX stamped_day_seconds ON stamped (property_number(properties, 'day_seconds'));
ANALYZE stamped;
SET enable_seqscan = off;
SET jit = off; -- or each plan with a disabled scan would be compiled
SELECT q.*, found FROM question q, LATERAL (SELECT count(*) AS found FROM segment_members(q.segment)) m WHERE found <> expected;
CREATE FUNCTION index_of(condition text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE plan json;
BEGIN
    EXECUTE 'EXPLAIN (FORMAT json) SELECT FROM stamped WHERE ' || conditions_sql(condition::segment_condition, 'stamped') INTO plan;
    RETURN substring(plan::text FROM '"Index Name": "(\w+)"');
END $$;
SELECT c, index_of(c) FROM unnest(ARRAY['{"at": {"$gt": "2024-03-10"}}', '{"day": "2024-03-10"}', '{"at_seconds": {"$gte": "2024-03-10"}}',
    '{"day_seconds": {"$in": ["2024-03-10", "1970-01-01"]}}', '{"at_seconds": {"$year": 2024}}', '{"at_seconds": {"$ne": "2024-03-10"}}']) c;
RESET enable_seqscan;
SELECT conditions_sql('{"at_seconds": {"$gte": "2024-03-10"}}', 'stamped');
SELECT unnest(string_to_array(conditions_sql('{"at_seconds": {"$lt": "2024-03-10"}, "day_seconds": {"$month": 3}}', 'stamped'), ' AND '));
DROP INDEX stamped_at_seconds;
SELECT suggestion, property, ddl FROM suggest_indexes('stamped') WHERE property = 'at_seconds';
SELECT detach_audience('stamped', true);
DROP FUNCTION condition_of, epoch_of, index_of;
DROP TABLE stamped, question;

-- The functions, which nothing makes raise.
SET datestyle = iso;
SELECT n, property_timestamp(d, 'n') AT TIME ZONE 'UTC' AS timestamp, property_date(d, 'n')::text AS date
  FROM unnest('{0,-0.001,-0.0001,1704067200000,1704067200000.9999,1704067200,-62135596800000,-62135596800000.0001,
                 253402300799999.9999,253402300800000,1e400}'::text[]) n,
       LATERAL (SELECT format('{"n": %s}', n)::jsonb AS d) d;
