-- Nothing is after 9999-12-31, in whichever zone and by whichever path: what columns hold beyond it counts as its last moment.
\pset format unaligned
\pset tuples_only on
CREATE TYPE stage AS ENUM ('lead', 'customer');
CREATE TABLE ends (id uuid PRIMARY KEY, at timestamptz, local timestamp, day date, stage stage, more jsonb);
INSERT INTO ends SELECT md5(n::text)::uuid, t, t, t, 'lead', jsonb_build_object('at', t)
  FROM unnest('{9999-12-31 23:59+00,10000-01-01 03:00+00,infinity,2024-01-01 00:00+00,-infinity}'::timestamptz[]) WITH ORDINALITY u(t, n);
SELECT attach_audience('ends', 'ends', properties_column => 'more'), create_property('at', 'timestamp', 'ends');
CREATE TABLE asked AS
SELECT s.*
  FROM unnest('{at,local,day}'::text[]) field, unnest('{UTC,America/New_York,Asia/Tokyo}'::text[]) zone,
       (VALUES ('$gt', '9999-12-31'), ('$gte', '9999-12-31'), ('$lte', '9999-12-31'), ('$lt', '0001-01-01'), ('$eq', '9999-12-31')) t(test, day),
       create_segment(format('%s %s %s', field, test, zone), format('{"%s": {"%s": "%s"}}', field, test, day)::segment_condition,
                      audience => 'ends', time_zone => zone) s;
SELECT split_part(name, ' ', 1) AS field, split_part(name, ' ', 2) AS test, array_agg(contact_count ORDER BY name) FROM asked GROUP BY 1, 2 ORDER BY 1, 2;
-- The same by a refresh, by one contact after another, and live.
SELECT name, s.contact_count, r.contact_count FROM asked s JOIN refresh_segments('ends') r ON r.segment = s.id WHERE s.contact_count <> r.contact_count;
SELECT name, s.contact_count FROM asked s
 WHERE s.contact_count <> (SELECT count(*) FROM ends e CROSS JOIN contact_segments(e.id, 'ends') c WHERE c.id = s.id)
    OR s.contact_count <> (SELECT count(*) FROM ends e WHERE in_segment(e.id, s.id));
SELECT set_freshness('ends', 'live');
INSERT INTO ends SELECT md5(id::text)::uuid, at, local, day, stage, more FROM ends;
SELECT a.name, s.contact_count, a.contact_count FROM asked a JOIN segments.segment s USING (id) WHERE s.contact_count <> 2 * a.contact_count;

-- The end of the last day has a spelling of its own, and 24:00 is not for users.
SELECT count_contacts('{"at": {"$gte": "2024-01-01T24:00:00Z"}}', 'ends');
SELECT '{"at": {"$as": "timestamp", "$lte": {"$date": {"day": "9999-12-31",
    "from": "9999-12-31T05:00:00Z", "until": "10000-01-01T00:00:00Z"}}}}'::segment_condition;

-- Columns whose type has few values.
SELECT path, message, hint FROM validate_conditions('{"stage": {"$in": ["led", "lead"]}, "id": "7"}', 'ends');
SELECT path, message, hint FROM validate_conditions('{"stage": "closed"}', 'ends');
SELECT detach_audience('ends', true);
DROP TABLE asked, ends;
DROP TYPE stage;
