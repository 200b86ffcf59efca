-- Counting anew: all segments of an audience in one pass, in one snapshot.
\pset format unaligned
\pset tuples_only on
CREATE TABLE person (
    id int PRIMARY KEY, country text, city varchar(20), code char(4), age int, balance numeric, score float8, vip boolean,
    born date, seen_at timestamptz, tags text[], extra jsonb, properties jsonb);
INSERT INTO person
SELECT n, (ARRAY['US', 'DE', 'FR', NULL])[1 + n % 4], 'City ' || n % 50, (ARRAY['a', 'b', NULL])[1 + n % 3],
       n % 90, n / 7.0, n / 8.0, (ARRAY[true, false, NULL])[1 + n % 3], date '2000-01-01' + n,
       timestamptz '2024-01-01 00:00Z' + n * interval '1 hour', ARRAY['t' || n % 5, 't' || n % 7],
       jsonb_build_object('n', n % 10, 'list', jsonb_build_array(n % 3, n % 4)),
       jsonb_build_object('plan', (ARRAY['free', 'pro', 'team'])[1 + n % 3], 'spent', n % 1000, 'country', 'nowhere')
FROM generate_series(1, 3000) n;
CREATE TABLE person_topic (person int, topic text);
SELECT attach_audience('people', 'person', properties_column => 'properties');
SELECT create_property('plan', 'string', 'people'), create_property('spent', 'number', 'people');
SELECT slug FROM create_topic('weekly', audience => 'people');
SELECT attach_topics('people', 'person_topic', 'person', 'topic');

CREATE TEMP TABLE wanted (number serial, conditions jsonb);
INSERT INTO wanted (conditions) VALUES
    ('{"country": "US"}'),
    ('{"country": {"$ne": "US"}}'),
    ('{"country": null}'),
    ('{"country": {"$exists": true}, "plan": {"$in": ["pro", "team"]}}'),
    ('{"city": {"$startsWith": "City 1"}, "age": {"$gte": 18, "$lt": 65}}'),
    ('{"code": "a "}'),
    ('{"code": {"$gt": "a"}}'),
    ('{"balance": {"$gte": 100.5}}'),
    ('{"score": 12.5}'),
    ('{"vip": true, "spent": {"$gt": 500}}'),
    ('{"$nor": [{"vip": true}, {"spent": {"$gt": 500}}]}'),
    ('{"born": {"$lt": "2001-01-01"}}'),
    ('{"seen_at": {"$gte": "2024-02-01", "$lte": "2024-02-29"}}'),
    ('{"seen_at": {"$gte": {"$now": "-1 day"}}}'),
    ('{"tags": {"$all": ["t1", "t2"]}}'),
    ('{"tags": {"$nin": ["t1"]}}'),
    ('{"tags": {"$elemMatch": {"$gt": "t3", "$lt": "t5"}}}'),
    ('{"extra.n": 7}'),
    ('{"extra.list": {"$size": 2}, "extra.list.0": 1}'),
    ('{"plan": {"$regex": "^t|o$"}}'),
    ('{"$or": [{"plan": "pro", "age": {"$lt": 20}}, {"country": "FR"}]}'),
    ('{"$segment": "segment 1", "vip": {"$ne": false}}'),
    ('{"$topic": "weekly"}'),
    ('{"$topic": {"$ne": "weekly"}, "country": "US"}');
SELECT count(*) FROM wanted, LATERAL create_segment('segment ' || number, conditions, audience => 'people');
CREATE VIEW cached AS
SELECT s.name, s.contact_count AS cached, count_contacts(s.conditions, 'people') AS exact
FROM segments.segment s WHERE s.audience = 'people';

-- Contacts come and go, which counts that are not live do not notice.
UPDATE person SET country = 'US', properties = properties || '{"plan": "pro"}' WHERE id % 5 = 0;
DELETE FROM person WHERE id % 11 = 0;
INSERT INTO person (id, seen_at) VALUES (0, now());
INSERT INTO person_topic SELECT id, 'weekly' FROM person WHERE id % 3 = 0;
SELECT count(*) FILTER (WHERE cached = exact) AS exact, count(*) FILTER (WHERE cached <> exact) AS stale FROM cached;
SELECT count(*), count(error) AS errors FROM refresh_segments('people');
SELECT count(*) FILTER (WHERE cached = exact) AS exact, count(*) FILTER (WHERE cached <> exact) AS stale FROM cached;
SELECT name, cached FROM cached ORDER BY substr(name, 9)::int;

-- Each was put to the rows in one pass, but for those that ask for subscriptions: workers share the work.
BEGIN;
SET LOCAL parallel_setup_cost = 0;
SET LOCAL parallel_tuple_cost = 0;
SET LOCAL min_parallel_table_scan_size = 0;
SET LOCAL max_parallel_workers_per_gather = 2;
EXPLAIN (COSTS OFF) SELECT segments_tally('[[["country", 0]], 1, null, ["{\"country\": \"US\"}", "{\"plan\": \"pro\"}"]]', country, properties)
FROM person;
SELECT segments_tally('[[["country", 0]], 1, null, ["{\"country\": \"US\"}", "{\"plan\": \"pro\"}"]]', country, properties)
FROM person;
SELECT count(*) FILTER (WHERE r.contact_count = c.exact) AS exact, count(*)
FROM refresh_segments('people') r JOIN segments.segment s ON s.id = r.segment JOIN cached c ON c.name = s.name;
ROLLBACK;
SELECT segments_tally('nonsense', id) FROM person;
SELECT segments_tally('[[["country", 7]], null, null, ["{}"]]', country) FROM person;

-- A refresh that is rolled back leaves everything as it was. While it runs, others see that it does.
BEGIN;
DELETE FROM person WHERE country = 'US';
SELECT count(*) FROM refresh_segments('people');
SELECT cached FROM cached WHERE name = 'segment 1';
SELECT audience, phase FROM segments.refresh_progress;
ROLLBACK;
SELECT cached FROM cached WHERE name = 'segment 1';
SELECT audience, phase FROM segments.refresh_progress;

-- A segment that cannot be counted keeps its count and says why; the others are counted.
ALTER TABLE person DROP COLUMN vip;
DELETE FROM person WHERE id = 1;
SELECT s.name, r.contact_count, r.error FROM refresh_segments('people') r JOIN segments.segment s ON s.id = r.segment
WHERE r.error IS NOT NULL ORDER BY s.id;
SELECT name, error, failed_at IS NOT NULL AS failed, counted_at < failed_at AS has_an_older_count
FROM segments.segment_status WHERE audience = 'people' AND error IS NOT NULL ORDER BY segment;
SELECT count(*) FILTER (WHERE error IS NULL) AS sound, count(*) FILTER (WHERE duration > '0') AS timed
FROM segments.segment_status WHERE audience = 'people';

-- It is due again later and later.
SELECT set_refresh_interval('people', '10 minutes');
SELECT set_refresh_interval('people', '0 seconds');
SELECT set_refresh_interval('people', '-1 day');
SELECT set_refresh_interval('people', '300000 years');
SELECT set_refresh_interval('nobody', '1 day');
SELECT set_refresh_interval(NULL, '1 day');
SELECT count(*) FROM refresh_segments('people'), refresh_segments('people') again;
SELECT DISTINCT error IS NULL AS sound, kept, due - greatest(counted_at, failed_at) AS due_after
FROM segments.segment_status WHERE audience = 'people' AND name <> 'segment 14';
ALTER TABLE person ADD COLUMN vip boolean;
SELECT count(*), count(error) AS errors FROM refresh_segments('people');
SELECT count(*) FILTER (WHERE due - counted_at = '10 minutes') AS due FROM segments.segment_status WHERE audience = 'people';
-- One with $now may change at any moment, and is due each minute.
SELECT name, due - counted_at < '10 minutes' AS sooner FROM segments.segment_status WHERE audience = 'people' AND due - counted_at <> '10 minutes';

-- Only what is due.
SELECT segments.refresh_due() >= 0 AS done;
SELECT set_refresh_interval('people', '1 second');
SELECT pg_sleep(1.1);
SELECT segments.refresh_due();
SELECT set_refresh_interval('people', '1 day');
SELECT segments.refresh_due();

-- Without an interval of its own, an audience has that of the settings.
SELECT set_refresh_interval('people', NULL), set_refresh_interval('nobody', NULL);
SELECT set_refresh_interval('people', NULL);
SET segments.refresh_interval = '2h';
SELECT name, refresh_interval FROM segments.audience WHERE name = 'people';
RESET segments.refresh_interval;

-- What changes as time passes is due when it does: at a midnight, or in a minute.
SELECT set_refresh_interval('people', '10 days');
SELECT count(create_segment(name, condition::jsonb, audience => 'people', time_zone => time_zone))
FROM (VALUES ('by day', '{"seen_at": {"$gte": {"$today": "-7 days"}}}', 'UTC'),
             ('by day in Kathmandu', '{"seen_at": {"$gte": {"$today": "-7 days"}}}', 'Asia/Kathmandu'),
             ('by day of a date', '{"born": {"$gte": {"$now": "-1 month"}}}', 'UTC'),
             ('by day in another', '{"$segment": "by day"}', 'UTC'),
             ('by hour of a date', '{"born": {"$gte": {"$now": "-36 hours"}}}', 'UTC'),
             ('by moment', '{"seen_at": {"$gte": {"$now": "-1 month"}}}', 'UTC'),
             ('by both', '{"seen_at": {"$gte": {"$now": "-1 month"}}, "born": {"$lt": {"$today": "0 days"}}}', 'UTC')) v(name, condition, time_zone);
SELECT t.name, due - t.counted_at <= CASE WHEN t.name LIKE 'by day%' THEN interval '1 day' ELSE interval '1 minute' END AS in_time,
       due IN (date_trunc('day', due AT TIME ZONE 'UTC') AT TIME ZONE 'UTC', date_trunc('day',
           due AT TIME ZONE time_zone) AT TIME ZONE time_zone) AS at_midnight
FROM segments.segment_status t JOIN segments.segment s ON s.id = t.segment WHERE t.audience = 'people' AND t.name LIKE 'by %' ORDER BY s.id;
SELECT count(*) FILTER (WHERE due - counted_at = '10 days') AS fixed FROM segments.segment_status WHERE audience = 'people' AND name LIKE 'segment%';
SELECT delete_segment(id) IS NOT NULL AS deleted FROM segments.segment WHERE audience = 'people' AND name LIKE 'by %' ORDER BY name = 'by day', name;
-- Of an audience whose scope is relative, every segment.
SELECT attach_audience('newcomers', 'person', scope => '{"seen_at": {"$gte": {"$today": "-30 days"}}}');
SELECT set_refresh_interval('newcomers', '10 days');
SELECT contact_count FROM create_segment('all', '{"country": "US"}', audience => 'newcomers');
SELECT due < counted_at + '1 day' AS in_time FROM segments.segment_status WHERE audience = 'newcomers';
SELECT detach_audience('newcomers', cascade => true);

-- Some rows of a view cannot be computed: only the segments that read that column cannot be counted.
CREATE VIEW ratio AS SELECT id, country, 100 / (id - 50) AS share FROM person WHERE id < 100;
SELECT attach_audience('ratios', 'ratio', id_column => 'id');
SELECT contact_count FROM create_segment('by country', '{"country": "US"}', audience => 'ratios');
SELECT contact_count FROM create_segment('all', '{"id": {"$gte": 0}}', audience => 'ratios');
SELECT create_segment('by share', '{"share": {"$gt": 1}}', audience => 'ratios');
CREATE OR REPLACE VIEW ratio AS SELECT id, country, id AS share FROM person WHERE id < 100;
SELECT contact_count FROM create_segment('by share', '{"share": {"$gt": 1}}', audience => 'ratios');
CREATE OR REPLACE VIEW ratio AS SELECT id, country, 100 / (id - 50) AS share FROM person WHERE id < 100;
SELECT s.name, r.contact_count, r.error FROM refresh_segments('ratios') r JOIN segments.segment s ON s.id = r.segment ORDER BY s.id;
DROP VIEW ratio;
SELECT s.name, r.contact_count, r.error FROM refresh_segments('ratios') r JOIN segments.segment s ON s.id = r.segment ORDER BY s.id;

-- What the counts were: each refresh, thinned out with age.
SELECT count(*) FROM segments.count_history h JOIN segments.segment s ON s.id = h.segment
WHERE s.name = 'by share' AND s.audience = 'ratios';
SELECT id AS segment FROM segments.segment WHERE name = 'segment 1' AND audience = 'people' \gset
DELETE FROM segments.count_record WHERE segment = :'segment';
INSERT INTO segments.count_record
SELECT :'segment', date_trunc('hour', now()) - n * interval '10 minutes', n FROM generate_series(1, 6 * 24 * 80) n;
DELETE FROM segments.history_state;
SELECT count(*) FROM refresh_segments('people');
SELECT age, CASE WHEN hours_apart < 0.3 THEN 'each' WHEN hours_apart < 2 THEN 'hourly' ELSE 'daily' END AS kept
FROM (SELECT CASE WHEN counted_at > now() - interval '2 days' THEN 'days' WHEN counted_at > now() - interval '60 days' THEN 'weeks' ELSE 'months' END AS age,
             extract(epoch FROM max(counted_at) - min(counted_at)) / (count(*) - 1) / 3600 AS hours_apart
      FROM segments.count_history WHERE segment = :'segment' AND counted_at < date_trunc('hour', now()) GROUP BY 1) h
ORDER BY age;
-- Once an hour is enough.
INSERT INTO segments.count_record SELECT :'segment', now() - interval '3 days' - n * interval '1 second', n FROM generate_series(1, 5) n;
SELECT count(*) FROM segments.count_history WHERE segment = :'segment' \gset before_
SELECT count(*) FROM refresh_segments('people');
SELECT count(*) - :before_count AS more FROM segments.count_history WHERE segment = :'segment';

-- Who may.
CREATE ROLE regress_refresh_writer;
CREATE ROLE regress_refresh_stranger;
SELECT grant_segments_access('regress_refresh_writer', 'write:segments', 'people');
SELECT grant_segments_access('regress_refresh_writer', 'read:segments', 'people');
SET ROLE regress_refresh_stranger;
SELECT refresh_segments('people');
SET ROLE regress_refresh_writer;
SELECT refresh_segments('ratios');
SELECT count(*), count(contact_count) AS visible, count(error) AS errors FROM refresh_segments();
SELECT count(*) > 0 AS any, count(contact_count) AS visible FROM segments.count_history;
SELECT set_refresh_interval('people', '1 hour');
SELECT segments.refresh_due();
RESET ROLE;
GRANT SELECT (id, country, properties) ON person TO regress_refresh_writer;
SET ROLE regress_refresh_writer;
SELECT s.name FROM refresh_segments() r JOIN segments.segment s ON s.id = r.segment WHERE r.contact_count IS NOT NULL ORDER BY s.id;
SELECT DISTINCT s.name FROM segments.count_history h JOIN segments.segment s ON s.id = h.segment WHERE h.contact_count IS NOT NULL ORDER BY 1;
RESET ROLE;
REVOKE ALL ON person FROM regress_refresh_writer;
SELECT revoke_segments_access('regress_refresh_writer', 'write:segments', 'people');
SELECT revoke_segments_access('regress_refresh_writer', 'read:segments', 'people');
DROP ROLE regress_refresh_writer, regress_refresh_stranger;

-- Where nothing can be written, it says so before it counts.
BEGIN READ ONLY;
SELECT refresh_segments('people');
ROLLBACK;
\set VERBOSITY default
BEGIN READ ONLY;
SELECT create_segment('Everyone', '{}', audience => 'people');
ROLLBACK;
\set VERBOSITY terse

-- Nothing is left of what is deleted.
SELECT detach_audience('people', cascade => true), detach_audience('ratios', cascade => true);
SELECT count(*) FROM segments.segment_refresh r WHERE NOT EXISTS (SELECT FROM segments.segment_config s WHERE s.id = r.segment);
SELECT count(*) FROM segments.count_record r WHERE NOT EXISTS (SELECT FROM segments.segment_config s WHERE s.id = r.segment);
DROP VIEW cached;
DROP TABLE person, person_topic;
