-- The zone of an audience: its scope reads dates in it, and so does each segment without a zone of its own, also when it changes.
\pset format unaligned
\pset tuples_only on
CREATE TABLE call (id int PRIMARY KEY, at timestamptz, kept jsonb NOT NULL DEFAULT '{}');
INSERT INTO call SELECT n, timestamptz '2024-03-01 00:30Z' + n * interval '1 hour' FROM generate_series(1, 1000) n;
UPDATE call SET kept = jsonb_build_object('at', to_jsonb(at), 'day', to_jsonb(at::date));
CREATE FUNCTION on_day(day date, zone text) RETURNS bigint LANGUAGE sql STABLE AS 'SELECT count(*) FROM call WHERE (at AT TIME ZONE zone)::date = day';

SELECT attach_audience('calls', 'call', properties_column => 'kept', time_zone => 'Asia/Kolkata');
SELECT create_property('kept_at', 'timestamp', 'calls');
UPDATE call SET kept = jsonb_build_object('kept_at', kept -> 'at');
SELECT name, time_zone FROM segments.audience WHERE name = 'calls';
SELECT name, time_zone, contact_count = on_day('2024-03-10', 'Asia/Kolkata') FROM create_segment('That day', '{"at": "2024-03-10"}', audience => 'calls');
SELECT name, time_zone, contact_count = on_day('2024-03-10', 'America/New_York') 
  FROM create_segment('New York', '{"kept_at": "2024-03-10"}', NULL, 'calls', 'America/New_York');
-- Each segment is read in its own zone, whoever refers to it.
SELECT name, time_zone, contact_count FROM create_segment('Both', '{"$segment": {"$in": ["That day", "New York"]}}', audience => 'calls', time_zone => 'UTC');
SELECT name, time_zone, contact_count FROM create_segment('First half', '{"id": {"$lte": 500}}', audience => 'calls');
SELECT name, time_zone, contact_count FROM create_segment('Instant', '{"at": {"$lt": "2024-03-10T00:00:00Z"}}', audience => 'calls');

-- Every way of asking agrees with Postgres's own dates: counts, pages, members, contacts, explanations, SQL.
CREATE FUNCTION wrong_zone(zone text) RETURNS TABLE (way text, answer bigint, there_are bigint) LANGUAGE plpgsql AS $$
DECLARE
    that CONSTANT uuid := (SELECT s.id FROM segments.segment s WHERE s.name = 'That day');
    by_sql bigint;
BEGIN
    EXECUTE 'SELECT count(*) FROM call WHERE ' || segment_sql(that) INTO by_sql;
    RETURN QUERY SELECT w.* FROM (VALUES
        ('cached', (SELECT contact_count FROM get_segment(that)), on_day('2024-03-10', zone)),
        ('of another, cached', (SELECT contact_count FROM get_segment('New York', 'calls')), on_day('2024-03-10', 'America/New_York')),
        ('both, cached', (SELECT contact_count FROM get_segment('Both', 'calls')),
            (SELECT count(*) FROM call WHERE '2024-03-10' IN ((at AT TIME ZONE zone)::date, (at AT TIME ZONE 'America/New_York')::date))),
        ('segment_sql', by_sql, on_day('2024-03-10', zone)),
        ('segment_contacts', (SELECT count(*) FROM segment_contacts(that, 1000)), on_day('2024-03-10', zone)),
        ('in_segment', (SELECT count(*) FROM call WHERE in_segment(id, that)), on_day('2024-03-10', zone)),
        ('in_segment, by name', (SELECT count(*) FROM call WHERE in_segment(id, 'That day')), on_day('2024-03-10', zone)),
        ('contact_segments', (SELECT count(*) FROM call, LATERAL contact_segments(id, 'calls') s WHERE s.id = that AND s.time_zone = zone),
            on_day('2024-03-10', zone)),
        ('explain_match', (SELECT count(*) FROM generate_series(200, 260) n, LATERAL explain_match(n, that) e WHERE e.path = '' AND e.matches),
            (SELECT count(*) FROM call WHERE id BETWEEN 200 AND 260 AND (at AT TIME ZONE zone)::date = '2024-03-10')),
        ('count_contacts', count_contacts('{"at": "2024-03-10"}', 'calls'), on_day('2024-03-10', zone)),
        ('search_contacts', (SELECT count(*) FROM search_contacts('{"at": "2024-03-10"}', 'calls', 1000)), on_day('2024-03-10', zone)),
        ('$segment', count_contacts('{"$segment": "That day"}', 'calls', 'UTC'), on_day('2024-03-10', zone)),
        ('the view', (SELECT count(*) FROM segments.segment s WHERE s.id = that AND s.time_zone = zone), 1)) w(way, answer, there_are)
     WHERE w.answer IS DISTINCT FROM w.there_are;
END
$$;
SELECT * FROM wrong_zone('Asia/Kolkata');

-- It changes. Only the segments that read dates in it are counted again, and those that refer to them.
CREATE TABLE before AS SELECT name, counted_at, updated_at FROM segments.segment WHERE audience = 'calls';
SELECT update_audience('calls', '{"time_zone": "Pacific/Honolulu"}');
SELECT time_zone FROM segments.audience WHERE name = 'calls';
SELECT name, s.time_zone, s.counted_at > b.counted_at AS counted, s.updated_at = b.updated_at AS same
  FROM segments.segment s JOIN before b USING (name) ORDER BY name;
SELECT * FROM wrong_zone('Pacific/Honolulu');
SELECT segment FROM refresh_segments('calls') WHERE error IS NOT NULL;
SELECT * FROM wrong_zone('Pacific/Honolulu');
-- In the same transaction, and back again.
BEGIN;
SELECT update_audience('calls', '{"time_zone": "+05:45"}'::json);
SELECT contact_count, time_zone FROM get_segment('That day', 'calls');
SELECT * FROM wrong_zone('Asia/Kathmandu') WHERE way NOT IN ('contact_segments', 'the view');
ROLLBACK;
SELECT * FROM wrong_zone('Pacific/Honolulu');
SELECT update_audience(name => 'calls', changes => '{}');

-- A segment leaves the audience's zone, and comes back to it.
SELECT time_zone, contact_count = on_day('2024-03-10', 'UTC') FROM update_segment('That day', '{"time_zone": "UTC"}');
SELECT update_audience('calls', '{"time_zone": "Asia/Kolkata"}'::text);
SELECT time_zone, contact_count = on_day('2024-03-10', 'UTC') FROM get_segment('That day', 'calls');
SELECT time_zone, contact_count = on_day('2024-03-10', 'Asia/Kolkata') FROM update_segment('That day', '{"time_zone": null}');
SELECT * FROM wrong_zone('Asia/Kolkata');

-- A day begins at midnight in the zone in force.
SELECT set_refresh_interval('calls', '1 year');
CREATE FUNCTION due_at_midnight(zone text) RETURNS TABLE (name text, due_at_midnight boolean) LANGUAGE sql AS $$
    SELECT s.name, s.due = (date_trunc('day', now() AT TIME ZONE zone) + interval '1 day') AT TIME ZONE zone
      FROM segments.segment_status s WHERE s.audience = 'calls' AND s.name ~ '^[ti]' ORDER BY s.name
$$;
BEGIN;
SELECT count(create_segment(name, condition::segment_condition, audience => 'calls', time_zone => zone)) FROM (VALUES
    ('today', '{"at": {"$today": "0 days"}}', NULL), ('this month', '{"kept_at": {"$period": "this month"}}', NULL),
    ('its own', '{"at": {"$today": "0 days"}}', 'UTC')) v(name, condition, zone);
SELECT * FROM due_at_midnight('Asia/Kolkata');
SELECT update_audience('calls', '{"time_zone": "Pacific/Honolulu"}');
SELECT * FROM due_at_midnight('Pacific/Honolulu');
SELECT update_audience('calls', '{"time_zone": "Pacific/Kiritimati"}');
SELECT * FROM due_at_midnight('Pacific/Kiritimati');
ROLLBACK;

-- The scope, and counts that triggers keep.
SELECT attach_audience('march', 'call', scope => '{"at": {"$gte": "2024-03-10"}}');
SELECT name, scope, time_zone FROM segments.audience WHERE name = 'march';
SELECT contact_count, time_zone FROM create_segment('all of march', '{}', audience => 'march', time_zone => 'Asia/Kolkata');
SELECT set_freshness('march', 'live'), set_freshness('calls', 'live');
SELECT watch_segment(id) FROM segments.segment WHERE name = 'That day';
SELECT update_audience('march', '{"time_zone": "Pacific/Honolulu"}'), update_audience('calls', '{"time_zone": "America/New_York"}');
SELECT contact_count, (SELECT count(*) FROM call WHERE (at AT TIME ZONE 'Pacific/Honolulu')::date >= '2024-03-10') FROM get_segment('all of march');
SELECT * FROM wrong_zone('America/New_York');
SELECT change, count(*), min(contact_id), max(contact_id) FROM segments.change
 WHERE segment = (SELECT id FROM segments.segment WHERE name = 'That day') GROUP BY change ORDER BY change;
INSERT INTO call SELECT 1000 + n, timestamptz '2024-03-10 00:30Z' + n * interval '1 hour' FROM generate_series(1, 48) n;
SELECT contact_count, (SELECT count(*) FROM call WHERE (at AT TIME ZONE 'Pacific/Honolulu')::date >= '2024-03-10') FROM get_segment('all of march');
SELECT * FROM wrong_zone('America/New_York') WHERE way <> 'of another, cached' AND way <> 'both, cached';

-- Mistakes.
\set VERBOSITY default
SELECT update_audience('calls', '{"timezone": "UTC"}');
SELECT update_audience('calls', '{"scope": {}}');
SELECT update_audience('calls', '{"time_zone": null}');
SELECT update_audience('calls', '{"time_zone": "Mars/Olympus"}');
SELECT update_audience('calls', '["time_zone"]');
SELECT update_audience('nowhere', '{}');
\set VERBOSITY terse
SELECT attach_audience('elsewhere', 'call', time_zone => 'UTC+2');
SELECT update_segment('That day', '{"time_zone": 5}');
SELECT name, time_zone FROM segments.audience WHERE name IN ('calls', 'elsewhere');
-- It is for the owner of the table.
CREATE ROLE zone_author;
SELECT grant_segments_access('zone_author', 'write:segments');
SET ROLE zone_author;
SELECT update_audience('calls', '{"time_zone": "UTC"}');
RESET ROLE;

-- What becomes of it when the table is lost: the audience that is attached again keeps its zone, unless another is given.
DROP TABLE call;
SELECT update_audience('calls', '{"time_zone": "UTC"}');
CREATE TABLE call (id int PRIMARY KEY, at timestamptz);
SELECT attach_audience('calls', 'call'), attach_audience('march', 'call', time_zone => 'UTC');
SELECT name, time_zone FROM segments.audience WHERE name IN ('calls', 'march') ORDER BY name;
SELECT detach_audience('calls', true), detach_audience('march', true);
SELECT attach_audience('calls', 'call');
SELECT name, time_zone FROM segments.audience WHERE name = 'calls';

SELECT revoke_segments_access('zone_author', 'write:segments');
DROP ROLE zone_author;
SELECT detach_audience('calls', true);
DROP TABLE call, before;
DROP FUNCTION on_day, wrong_zone, due_at_midnight;
