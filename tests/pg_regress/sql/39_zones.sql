-- The zone in which dates are read: of a condition that belongs to no segment.
\pset format unaligned
\pset tuples_only on
CREATE TABLE arrival (id int PRIMARY KEY, at timestamptz);
INSERT INTO arrival SELECT n, timestamptz '2024-03-01 00:30Z' + n * interval '1 hour' FROM generate_series(1, 1000) n;
SELECT attach_audience('arrivals', 'arrival');

-- Counts, pages and SQL agree with Postgres's own dates, in every zone.
CREATE TABLE zoned AS
SELECT zone, condition, expected
  FROM unnest('{NULL,UTC,America/New_York,Asia/Kolkata,Etc/GMT-2}'::text[]) zone,
       (VALUES ('{"at": "2024-03-10"}', $$local::date = '2024-03-10'$$), ('{"at": {"$gt": "2024-03-10"}}', $$local::date > '2024-03-10'$$),
               ('{"at": {"$hour": {"$lt": 6}}}', 'extract(hour FROM local) < 6'),
               ('{"at": {"$anniversary": {"$lte": "2025-03-20"}}}', $$local::date <= '2024-03-20'$$),
               ('{"at": {"$gte": "2024-03-10T12:00:00"}}', $$local >= '2024-03-10 12:00'$$)) c(condition, expected);
CREATE FUNCTION arrived(condition text, zone text) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
    n bigint;
BEGIN
    EXECUTE format('SELECT count(*) FROM (SELECT *, at AT TIME ZONE %L AS local FROM arrival) a WHERE ', coalesce(zone, 'UTC')) || condition INTO n;
    RETURN n;
END
$$;
CREATE VIEW compared AS
SELECT condition, zone, arrived(expected, zone) AS there_are, count_contacts(condition::segment_condition, 'arrivals', zone) AS counted,
       arrived(conditions_sql(condition::segment_condition, 'arrivals', zone), zone) AS by_sql,
       (SELECT count(*) FROM search_contacts(condition::segment_condition, 'arrivals', 1000, time_zone => zone)) AS found
  FROM zoned;
SELECT * FROM compared WHERE there_are IN (0, 1000) OR counted <> there_are OR by_sql <> there_are OR found <> there_are;

-- As a preview of a segment: the same as the segment has then.
SELECT count(*), count(*) FILTER (WHERE s.contact_count <> count_contacts(a.condition, 'arrivals', a.zone))
  FROM zoned a, create_segment(a.condition || a.zone, a.condition::segment_condition, audience => 'arrivals', time_zone => a.zone) s WHERE a.zone IS NOT NULL;

-- Pages after and before a cursor, with the other arguments by place as before.
SELECT p.c ->> 'id' FROM search_contacts('{"at": "2024-03-10"}', 'arrivals', 2, NULL, NULL, 'Asia/Kolkata') p(c);
SELECT count_contacts('{"at": "2024-03-10"}'::text, 'arrivals'), count_contacts(audience => 'arrivals', conditions => '{"at": "2024-03-10"}'::jsonb);
SELECT conditions_sql('{"at": "2024-03-10"}', 'arrivals'), conditions_sql('{"at": "2024-03-10"}', 'arrivals', 'Asia/Kolkata');

-- A zone that does not exist is the same mistake everywhere. validate_conditions() tells it beside those of the condition.
\set VERBOSITY default
SELECT create_segment('x', '{}', audience => 'arrivals', time_zone => 'Mars/Olympus');
\echo :SQLSTATE
SELECT count_contacts('{}', 'arrivals', 'Mars/Olympus');
\echo :SQLSTATE
\set VERBOSITY terse
SELECT search_contacts('{}', 'arrivals', time_zone => 'Mars/Olympus');
SELECT conditions_sql('{}', 'arrivals', time_zone => 'UTC+2');
SELECT * FROM validate_conditions('{"at": {"$gte": "yesterday"}}', 'arrivals', 'Mars/Olympus');
SELECT * FROM validate_conditions('{"at": "2024-03-10"}'::jsonb, 'arrivals', '');
SELECT * FROM validate_conditions('{"at": "2024-03-10"}'::json, 'arrivals', 'Asia/Kolkata');

SELECT detach_audience('arrivals', true);
DROP VIEW compared;
DROP TABLE arrival, zoned;
DROP FUNCTION arrived;
