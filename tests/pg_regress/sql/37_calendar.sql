-- Anniversaries and the parts of dates, against Postgres's own extract() and age arithmetic, by every path.
\pset format unaligned
\pset tuples_only on
CREATE TABLE guest (id int PRIMARY KEY, at timestamptz, local timestamp, day date, days date[], more jsonb);
INSERT INTO guest
SELECT n, t, t AT TIME ZONE 'UTC', t::date, ARRAY[t::date, t::date + 100],
       jsonb_build_object('more_at', t, 'more_day', t::date, 'list', jsonb_build_array(jsonb_build_object('at', t)))
  FROM generate_series(0, 1200) n, LATERAL (SELECT timestamptz '2016-01-01 00:30Z' + n * interval '63 hours 7 minutes' AS t) moment;
INSERT INTO guest VALUES
    (-1, NULL, NULL, NULL, NULL, NULL),
    (-2, 'infinity', 'infinity', 'infinity', '{infinity}', '{"more_at": "soon"}'),
    (-3, '-infinity', '-infinity', '-infinity', '{NULL}', '{}');
SELECT attach_audience('guests', 'guest', properties_column => 'more');
SELECT create_property('more_at', 'timestamp', 'guests'), create_property('more_day', 'date', 'guests'), create_property('list', 'json', 'guests');

-- What Postgres says; what is infinite counts as the first or the last day there is.
CREATE FUNCTION shown(at timestamptz, zone text) RETURNS timestamp LANGUAGE sql IMMUTABLE AS $$
    SELECT CASE WHEN at = 'infinity' THEN '9999-12-31 23:59:59' WHEN at = '-infinity' THEN '0001-01-01' ELSE at AT TIME ZONE zone END
$$;
CREATE FUNCTION shown(day date) RETURNS timestamp LANGUAGE sql IMMUTABLE AS $$
    SELECT CASE WHEN day = 'infinity' THEN '9999-12-31' WHEN day = '-infinity' THEN '0001-01-01' ELSE day END
$$;
-- The anniversaries of a day between two others: those that Postgres finds by adding years.
CREATE FUNCTION has_anniversary(day timestamp, first date, last date) RETURNS boolean LANGUAGE sql IMMUTABLE AS $$
    SELECT day IS NOT NULL AND EXISTS (
        SELECT FROM generate_series(CASE WHEN day < '1900-01-01' THEN 1900 ELSE 1 END, CASE WHEN day < '1900-01-01' THEN 2100 ELSE 40 END) years
         WHERE extract(year FROM day) + years < 9999 AND (day::date + years * interval '1 year')::date BETWEEN first AND last)
$$;
-- A field as Postgres has it, in a zone.
CREATE FUNCTION read(field text) RETURNS text LANGUAGE sql IMMUTABLE AS $$
    SELECT CASE field WHEN 'at' THEN 'shown(at, zone)' WHEN 'local' THEN 'shown(local AT TIME ZONE ''UTC'', zone)' WHEN 'day' THEN 'shown(day)'
                      WHEN 'more_at' THEN 'CASE WHEN isfinite(at) THEN at AT TIME ZONE zone END' ELSE 'CASE WHEN isfinite(day) THEN day END' END
$$;
CREATE TABLE asked AS
SELECT row_number() OVER () AS number, c.* FROM (
    SELECT zone, format('{"%s": {"%s": %s}}', field, part, wanted) AS condition, format(test, format('extract(%s FROM %s)', unit, read(field))) AS expected
      FROM unnest('{America/New_York,Asia/Kolkata}'::text[]) zone, unnest('{at,local,day,more_at,more_day}'::text[]) field,
           (VALUES ('$month', 'month'), ('$dayOfMonth', 'day'), ('$isoDayOfWeek', 'isodow'), ('$hour', 'hour')) p(part, unit),
           (VALUES ('3', '%s = 3'), ('{"$gte": 2, "$lt": 5}', '%s >= 2 AND %1$s < 5'), ('{"$ne": 4}', '(%s = 4) IS NOT TRUE')) t(wanted, test)
     WHERE part <> '$hour' OR field NOT IN ('day', 'more_day')
    UNION ALL
    SELECT zone, format('{"%s": {"$anniversary": {"$gte": "%s", "$lte": "%s"}}}', field, first, last),
           format('has_anniversary(%s, ''%s'', ''%s'')', read(field), first, last)
      FROM unnest('{UTC,America/New_York}'::text[]) zone, unnest('{at,day,more_at}'::text[]) field,
           (VALUES ('2023-02-28', '2023-02-28'), ('2024-02-28', '2024-02-28'), ('2024-02-29', '2024-02-29'), ('2020-12-28', '2021-01-03'),
                   ('2021-05-01', '2022-04-30'), ('2018-06-01', '2018-06-30')) d(first, last)
    UNION ALL
    SELECT zone, format('{"%s": {"$year": {"$in": [2017, 2019]}}}', field), format('extract(year FROM %s) IN (2017, 2019)', read(field))
      FROM unnest('{UTC,America/New_York}'::text[]) zone, unnest('{at,day}'::text[]) field) c;
CREATE TABLE made AS
SELECT a.number, s.id, s.contact_count
  FROM asked a, create_segment(a.number::text, a.condition::segment_condition, audience => 'guests', time_zone => a.zone) s;
CREATE FUNCTION there_are(expected text, zone text) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE n bigint;
BEGIN
    EXECUTE 'SELECT count(*) FROM guest WHERE ' || replace(expected, 'zone', quote_literal(zone)) INTO n;
    RETURN n;
END $$;
-- No row: all agree.
SELECT a.condition, a.zone, m.contact_count, there_are(a.expected, a.zone)
  FROM asked a JOIN made m USING (number) WHERE m.contact_count <> there_are(a.expected, a.zone);
SELECT count(*), count(DISTINCT contact_count) > 30 AS different FROM made;
-- Counted anew in one pass; put to one contact after another; live, which needs no clock.
SELECT m.number FROM made m JOIN refresh_segments('guests') r ON r.segment = m.id WHERE r.contact_count <> m.contact_count;
SELECT m.number FROM (VALUES (-3), (-2), (-1), (59), (60), (1000)) v(id),
       LATERAL (SELECT array_agg(c.id) AS ids FROM contact_segments(v.id, 'guests') c) found, made m
 WHERE in_segment(v.id, m.id) <> (m.id = ANY (found.ids));
SELECT set_freshness('guests', 'live');
SELECT DISTINCT kept FROM segments.segment_status WHERE audience = 'guests';
UPDATE guest SET id = id + 10000 WHERE id < 5;
INSERT INTO guest SELECT id + 20000, at, local, day, days, more FROM guest WHERE id BETWEEN 100 AND 600;
DELETE FROM guest WHERE id BETWEEN 200 AND 250;
SELECT a.condition FROM asked a JOIN made m USING (number) JOIN segments.segment s USING (id) WHERE s.contact_count <> there_are(a.expected, a.zone);
SELECT count(delete_segment(id)) FROM made;
SELECT set_freshness('guests', 'periodic');

-- The SQL, and what indexes serve: years are whole days in a row.
SELECT conditions_sql('{"at": {"$year": {"$gte": 2017, "$lt": 2020}}, "day": {"$year": 2018}}', 'guests');
SELECT conditions_sql('{"day": {"$month": 5}}', 'guests');
SELECT conditions_sql('{"days": {"$month": 5, "$year": 2018}}', 'guests');
SELECT count_contacts('{"days": {"$month": {"$ne": 12}}}', 'guests')
     = (SELECT count(*) FROM guest WHERE NOT EXISTS (SELECT FROM unnest(days) d WHERE extract(month FROM shown(d)) = 12)) AS agree;
SELECT count_contacts('{"list.at": {"$hour": 3}}', 'guests')
     = (SELECT count(*) FROM guest WHERE isfinite(at) AND extract(hour FROM at AT TIME ZONE 'UTC') = 3) AS agree;
SELECT count_contacts('{"day": {"$not": {"$anniversary": {"$today": "0 days"}}}}', 'guests')
     + count_contacts('{"day": {"$anniversary": {"$today": "0 days"}}}', 'guests') = count(*) AS all_of_them FROM guest;

-- By documents alone, where the zone is said.
SELECT d @~ '{"at": {"$month": 1}}', d @~ '{"at": {"$as": "timestamp", "$zone": "America/New_York", "$month": 12, "$eq": "2023-12-31"}}'
  FROM (SELECT jsonb '{"at": "2024-01-01T03:59:00Z"}') v(d);
SELECT jsonb '{"at": "2024-01-01T03:59:00Z"}' @~ '{"at": {"$as": "timestamp", "$zone": "Nowhere", "$month": 12}}';
SELECT jsonb '{"born": "1990-05-01"}' @~ '{"born": {"$anniversary": {"$today": "0 days"}}}';

-- What moves with time is periodic; what is asked is shown, and what is probably not meant is told.
SELECT conditions
  FROM create_segment('birthdays', '{"day": {"$anniversary": {"$lte": {"$today": "7 days"}, "$gte": {"$today": "0 days"}}}}', audience => 'guests');
SELECT severity, path, message, hint
  FROM unnest(ARRAY['{"day": {"$month": 13}}', '{"day": {"$month": {"$ne": 5}}}', '{"day": {"$dayOfWeek": 1}}', '{"day": {"$anniversary": "last month"}}']) c,
       validate_conditions(c, 'guests');
SELECT path, condition, matches
  FROM create_segment('parts', '{"at": {"$month": 3, "$hour": {"$lt": 12}}}', audience => 'guests', time_zone => 'Asia/Kolkata') s, explain_match(27, s.id);
SELECT detach_audience('guests', true);
DROP FUNCTION shown(timestamptz, text), shown(date), has_anniversary, read, there_are;
DROP TABLE guest, asked, made;
