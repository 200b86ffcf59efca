-- Periods of the calendar, and their first and last days, against Postgres's own date_trunc() in the segment's zone.
\pset format unaligned
\pset tuples_only on
CREATE TABLE visit (id int PRIMARY KEY, at timestamptz, local timestamp, day date, more jsonb);
INSERT INTO visit
SELECT n, t, t AT TIME ZONE 'UTC', t::date, jsonb_build_object('at', t, 'day', t::date)
  FROM generate_series(0, 1000) n, LATERAL (SELECT now() + (n - 500) * interval '58 hours' + n * interval '1 second' AS t) moment;
INSERT INTO visit VALUES (-1, NULL, NULL, NULL, NULL),
    (-2, 'infinity', 'infinity', 'infinity', '{"at": "soon"}'), (-3, '-infinity', '-infinity', '-infinity', '{}');
SELECT attach_audience('visits', 'visit', properties_column => 'more');
SELECT create_property('more_at', 'timestamp', 'visits');
UPDATE visit SET more = jsonb_build_object('more_at', more -> 'at', 'more_day', more -> 'day');
SELECT create_property('more_day', 'date', 'visits');

-- In one transaction it is all the time the same time.
BEGIN;
CREATE TABLE expected AS
SELECT period, zone, start AT TIME ZONE zone AS first, stop AT TIME ZONE zone AS until, start::date AS first_day, stop::date - 1 AS last_day
  FROM unnest('{America/New_York,Asia/Kolkata}'::text[]) zone,
       (VALUES ('this day', 'day', 0), ('last week', 'week', -1), ('this month', 'month', 0), ('1 month ago', 'month', -1), ('in 3 weeks', 'week', 3),
               ('next quarter', 'quarter', 1), ('2 quarters ago', 'quarter', -2), ('last year', 'year', -1)) p(period, unit, distance),
       LATERAL (SELECT CASE unit WHEN 'quarter' THEN interval '3 months' ELSE ('1 ' || unit)::interval END AS step) s,
       LATERAL (SELECT date_trunc(unit, now() AT TIME ZONE zone) + distance * step AS start) b,
       LATERAL (SELECT start + step AS stop) e;
-- No row: all agree, by every path: on columns, and on custom properties, whose instants and days are compared alike.
CREATE FUNCTION wrong(field text, test text, wanted text) RETURNS TABLE (period text, zone text, counted bigint, there_are bigint) LANGUAGE plpgsql AS $$
DECLARE e record;
BEGIN
    FOR e IN SELECT * FROM expected LOOP
        period := e.period; zone := e.zone;
        SELECT s.contact_count INTO counted
          FROM create_segment(md5(random()::text), format('{"%s": {"%s": {"$period": "%s"}}}', field, test, e.period)::segment_condition,
                              audience => 'visits', time_zone => e.zone) s;
        EXECUTE 'SELECT count(*) FROM visit WHERE ' || wanted INTO there_are USING e.first, e.until, e.first_day, e.last_day;
        IF counted <> there_are THEN
            RETURN NEXT;
        END IF;
    END LOOP;
END $$;
SELECT 'at', w.* FROM (
    SELECT * FROM wrong('at', '$eq', 'at >= $1 AND at < $2') UNION ALL
    SELECT * FROM wrong('at', '$ne', '(at >= $1 AND at < $2) IS NOT TRUE') UNION ALL
    SELECT * FROM wrong('at', '$gt', 'at >= $2') UNION ALL
    SELECT * FROM wrong('at', '$lte', 'at < $2')) w;
SELECT 'local', w.* FROM wrong('local', '$eq', 'at >= $1 AND at < $2') w;
SELECT 'more_at', w.* FROM wrong('more_at', '$gte', 'isfinite(at) AND at >= $1') w;
SELECT field, w.* FROM unnest('{day,more_day}'::text[]) field, wrong(field, '$eq', 'isfinite(day) AND day BETWEEN $3 AND $4') w;
-- Counted anew, all at once, and put to one contact after another.
SELECT s.name FROM refresh_segments('visits') r JOIN segments.segment s ON s.id = r.segment WHERE s.contact_count <> r.contact_count;
SELECT count(*) AS segments, count(DISTINCT contact_count) > 20 AS different FROM segments.segment WHERE audience = 'visits';
SELECT s.name FROM (VALUES (-1), (490), (500), (600)) v(id),
       LATERAL (SELECT array_agg(c.id) AS ids FROM contact_segments(v.id, 'visits') c) found, segments.segment s
 WHERE s.audience = 'visits' AND in_segment(v.id, s.id) <> (s.id = ANY (found.ids));
COMMIT;
SELECT count(delete_segment(id)) > 0 AS deleted FROM segments.segment WHERE audience = 'visits';

-- The first and the last day of a period are days, as $today is.
SELECT count_contacts('{"day": {"$gte": {"$today": "0 days", "$startOf": "month"}, "$lte": {"$today": "0 days", "$endOf": "month"}}}', 'visits')
     - count_contacts('{"day": {"$period": "this month"}}', 'visits') AS difference;
SELECT count_contacts('{"at": {"$gte": {"$now": "-1 year", "$startOf": "quarter"}}}', 'visits')
     = (SELECT count(*) FROM visit WHERE at >= date_trunc('quarter', (now() AT TIME ZONE 'UTC') - interval '1 year') AT TIME ZONE 'UTC') AS agree;

-- Indexes serve: on columns, and on what property_* functions read.
CREATE INDEX ON visit (at);
CREATE INDEX ON visit (day);
CREATE INDEX ON visit (property_timestamp(more, 'more_at'));
ANALYZE visit;
SET enable_seqscan = off;
CREATE FUNCTION index_of(condition text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE plan json;
BEGIN
    EXECUTE 'EXPLAIN (FORMAT json) SELECT FROM visit WHERE ' || conditions_sql(condition::segment_condition, 'visits') INTO plan;
    RETURN substring(plan::text FROM '"Index Name": "(\w+)"');
END $$;
SELECT index_of('{"at": {"$period": "last month"}}'), index_of('{"day": {"$gt": {"$period": "last year"}}}'), index_of('{"more_at": {"$period": "this week"}}');
RESET enable_seqscan;
SELECT regexp_replace(conditions_sql('{"day": {"$in": [{"$period": "last year"}, {"$today": "0 days", "$endOf": "year"}]}}', 'visits'),
    '\d{4}-\d\d-\d\d', 'DAY', 'g');

-- What moves with time is periodic.
SELECT name FROM create_segment('this month', '{"at": {"$period": "this month"}}', audience => 'visits');
SELECT set_freshness('visits', 'live');
SELECT kept, due::date - current_date BETWEEN 0 AND 1 AS due_by_tomorrow FROM segments.segment_status WHERE audience = 'visits';
SELECT set_freshness('visits', 'periodic');

-- Refusals, with what to write.
SELECT '{"more_at": "2024-01-01T10:00:00Z"}'::jsonb @~ '{"more_at": {"$period": "this month"}}';
SELECT message, hint FROM unnest(ARRAY[
    '{"at": "last month"}', '{"at": {"$gte": {"$period": "yesterday"}}}', '{"at": {"$gte": {"$period": "last 3 months"}}}',
    '{"at": {"$gte": {"$today": "0 days", "$startOf": "hour"}}}', '{"at": {"$startOf": "month"}}',
    '{"at": {"$gt": {"$period": "this week"}, "$lte": {"$period": "this week"}}}']) c, validate_conditions(c, 'visits');
SELECT conditions FROM get_segment('this month', 'visits');
BEGIN;
UPDATE visit SET at = now() WHERE id = 500;
SELECT path, matches FROM explain_match(500, (get_segment('this month', 'visits')).id);
COMMIT;
SELECT detach_audience('visits', true);
DROP FUNCTION wrong, index_of;
DROP TABLE visit, expected;
