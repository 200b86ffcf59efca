-- Live counts of columns of every sort, read from the rows that statements changed: as queries on the table read them.
\pset format unaligned
\pset tuples_only on
\set VERBOSITY default
CREATE TYPE mood AS ENUM ('sad', 'ok', 'happy');
CREATE DOMAIN years AS int CHECK (VALUE >= 0);
CREATE TABLE sorts (
    gone text, id bigint, flag boolean, small smallint, years years, exact numeric(10, 2), real real, double float8,
    text text, sized varchar(20), blank char(6), mail text, key uuid, mood mood, day date, at timestamptz, wall timestamp,
    tags text[], numbers int[], days date[], doc json, properties jsonb, long text,
    twice int GENERATED ALWAYS AS (small * 2) STORED
);
ALTER TABLE sorts DROP COLUMN gone;
ALTER TABLE sorts ALTER long SET STORAGE EXTERNAL;
SELECT attach_audience('sorts', 'sorts', id_column => 'id', properties_column => 'properties');
SELECT count(create_property(name, type, 'sorts')) FROM (VALUES ('plan', 'string'), ('visits', 'number'), ('seen', 'timestamp'), ('labels',
    'string[]')) v(name, type);
SELECT set_freshness('sorts', 'live');
SELECT count(create_segment(left(format('%s %s', n, condition), 100), condition::segment_condition, audience => 'sorts')) FROM unnest(ARRAY[
    '{"flag": true}', '{"flag": {"$ne": true}}', '{"small": {"$gt": 2}}', '{"years": {"$lte": 30}}', '{"exact": {"$gte": 10.5}}', '{"real": 0.5}',
    '{"double": {"$lt": 0.1}}', '{"text": {"$gte": "b"}}', '{"text": null}', '{"sized": {"$startsWith": "a"}}', '{"blank": "ab"}', '{"blank": {"$gt": "a"}}',
    '{"mail": "ANN@example.com"}', '{"mail": {"$in": ["bob@EXAMPLE.com", "x"]}}', '{"mail": {"$regex": "^Ann"}}',
        '{"key": "A0EEBC99-9C0B-4EF8-BB6D-6BB9BD380A11"}',
    '{"mood": "happy"}', '{"mood": {"$ne": "sad"}}', '{"day": {"$gte": "2024-02-01"}}', '{"at": {"$lt": "2024-02-01"}}',
        '{"at": {"$gte": "2024-01-31"}}', '{"wall": {"$gt": "2024-01-01"}}',
    '{"tags": "x"}', '{"tags": {"$all": ["x", "y"]}}', '{"tags": {"$size": 2}}', '{"numbers": {"$gt": 3}}', '{"days": "2024-01-01"}', '{"doc.a": 1}',
        '{"doc.b": {"$exists": true}}',
    '{"plan": "pro"}', '{"visits": {"$gte": 10}, "flag": true}', '{"seen": {"$gte": "2024-01-15"}}', '{"labels": "a"}', '{"$not": {"labels": "a"}}',
    '{"long": {"$endsWith": "z"}}', '{"twice": {"$gt": 5}}', '{"$or": [{"text": "abc"}, {"plan": "free"}, {"mood": "sad"}]}', '{}'
    ]) WITH ORDINALITY c(condition, n);
-- The oracle: the count that is shown is that of a query on the table.
CREATE FUNCTION sorts_counts() RETURNS text LANGUAGE sql AS $$
    SELECT coalesce(string_agg(format('WRONG: %s shows %s of %s', s.name, s.contact_count, c.n), E'\n'),
        'right, ' || count(*) FILTER (WHERE c.n > 0) || ' with members')
      FROM segments.segment s, LATERAL (SELECT count(*) AS n FROM segment_members(s.id, NULL::bigint)) c
     WHERE s.audience = 'sorts' AND s.contact_count IS DISTINCT FROM c.n
    HAVING count(*) > 0
    UNION ALL
    SELECT 'right: ' || string_agg(s.contact_count::text, ' ' ORDER BY s.id) FROM segments.segment s WHERE s.audience = 'sorts'
    LIMIT 1
$$;
INSERT INTO sorts VALUES
    (1, true, 1, 30, 10.50, 0.5, 0.05, 'abc', 'abc', 'ab', 'Ann@Example.com', 'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11', 'happy', '2024-02-01',
        '2024-01-31 23:00Z', '2024-01-01 12:00',
     '{x,y}', '{1,5}', '{2024-01-01}', '{"a": 1}', '{"plan": "pro", "visits": 12, "seen": "2024-01-20T10:00:00Z", "labels": ["a"]}', repeat('y', 9000) || 'z'),
    (2, false, 3, 31, 'NaN', 'NaN', 'Infinity', 'b', '', 'b', 'BOB@example.com', NULL, 'sad', 'infinity', '-infinity', 'infinity',
     '{}', '{}', '{}', '{"a": [1], "b": null}', '{"plan": 1, "visits": "12", "seen": 5, "labels": "a"}', NULL),
    (3, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, repeat('x', 100000)),
    (NULL, true, 5, 5, 1e7, -0.5, -1, 'abc', 'b', 'a', 'x', NULL, 'ok', '2023-01-01', '2024-02-01', '2023-01-01', '{x,NULL}', '{4,NULL}', NULL, '[]',
        '[]', 'z');
SELECT sorts_counts();
INSERT INTO sorts SELECT id + 10, NOT flag, small + 1, years + 1, exact + 1, real + 1, double / 2, text || 'c', upper(sized), blank, upper(mail),
    key, mood, day - 1, at + '1 day', wall, tags || 'z'::text, numbers, days, doc,
       properties || '{"plan": "free"}', long FROM sorts WHERE jsonb_typeof(properties) = 'object';
SELECT sorts_counts();
-- What json holds and jsonb cannot is there, and is null.
INSERT INTO sorts (id, doc) VALUES (20, '{"a": 1, "b": "\u0000"}'), (21, '{"a": 1, "b": 1e200000}'), (22, '{"a": 1, "b": "\ud800"}'),
    (23, format('{"a": 1, "b": %s1%s}', repeat('[', 1000), repeat(']', 1000))::json), (24, '{"a": 1, "b": 2}');
SELECT sorts_counts();
SELECT count_contacts('{"doc.a": 1, "id": {"$gte": 20}}', 'sorts'), count_contacts('{"doc": null, "id": {"$gte": 20}}', 'sorts'),
    count_contacts('{"doc": {"$exists": false}, "id": {"$gte": 20}}', 'sorts');
DELETE FROM sorts WHERE id BETWEEN 20 AND 24;
UPDATE sorts SET flag = NOT flag;
UPDATE sorts SET mail = upper(mail), text = text;
UPDATE sorts SET properties = properties || '{"visits": 30, "labels": ["b"]}' WHERE id > 1 AND jsonb_typeof(properties) = 'object';
UPDATE sorts SET long = 'z', small = coalesce(small, 1) + 2, blank = 'ab  ';
SELECT sorts_counts();
UPDATE sorts SET mood = 'happy', tags = '{x,y}', numbers = '{9}', days = days || '2024-01-01'::date, doc = '{"b": {}}' WHERE id IS DISTINCT FROM 2;
SELECT sorts_counts();
-- Columns with other numbers; a type with new labels.
ALTER TABLE sorts DROP COLUMN sized;
ALTER TABLE sorts ADD COLUMN late int DEFAULT 7;
SELECT create_segment('late', '{"late": 7}', audience => 'sorts') IS NOT NULL AS made;
UPDATE sorts SET late = 8 WHERE id = 1;
ALTER TYPE mood RENAME VALUE 'happy' TO 'glad';
UPDATE sorts SET flag = NOT flag;
SELECT name, contact_count, segments.how_kept(id) FROM segments.segment WHERE audience = 'sorts' AND (name ~ 'sized|happy|late') ORDER BY id;
-- Segments whose column is gone have no count; the others are right.
SELECT s.name, s.contact_count, c.n FROM segments.segment s, LATERAL (SELECT count_contacts(s.conditions::text::segment_condition, 'sorts') AS n
    WHERE s.name !~ 'sized|happy') c
 WHERE s.audience = 'sorts' AND s.contact_count IS DISTINCT FROM c.n;
DELETE FROM sorts WHERE id IS NULL OR id > 10;
SELECT s.name, s.contact_count, c.n FROM segments.segment s, LATERAL (SELECT count_contacts(s.conditions::text::segment_condition, 'sorts') AS n
    WHERE s.name !~ 'sized|happy') c
 WHERE s.audience = 'sorts' AND s.contact_count IS DISTINCT FROM c.n;

-- Entries and exits are by id, and one without an id has none.
SELECT watch_segment(id) FROM segments.segment WHERE audience = 'sorts' AND name = 'late';
UPDATE sorts SET late = 15 - late WHERE id <= 2;
UPDATE sorts SET id = 3 - id WHERE id <= 2;
INSERT INTO sorts (id) VALUES (NULL), (4);
UPDATE sorts SET late = 1 WHERE id IS NULL OR id = 4;
SELECT change, contact_id FROM segment_changes();
SELECT contact_count, count_contacts('{"late": 7}', 'sorts') FROM segments.segment WHERE audience = 'sorts' AND name = 'late';

-- Many audiences over one table, each with a scope, and with other properties.
CREATE TABLE tenants (id int PRIMARY KEY, org int, plan text, extra jsonb, other jsonb);
SELECT count(attach_audience('org ' || n, 'tenants', properties_column => CASE n % 3 WHEN 0 THEN 'extra' WHEN 1 THEN 'other' END::name,
                             columns => CASE WHEN n = 5 THEN '{org}'::name[] END, scope => format('{"org": %s}', n)::segment_condition))
  FROM generate_series(1, 6) n;
SELECT count(create_property('level', 'number', 'org ' || n)) FROM unnest('{1,3,4,6}'::int[]) n;
SELECT count(set_freshness('org ' || n, 'live')) FROM generate_series(1, 6) n;
SELECT count(create_segment('all', '{}', audience => 'org ' || n)) FROM generate_series(1, 6) n;
SELECT count(create_segment('pro', '{"plan": "pro"}', audience => 'org ' || n)) FROM unnest('{1,2,3,4,6}'::int[]) n;
SELECT count(create_segment('high', '{"level": {"$gt": 5}}', audience => 'org ' || n)) FROM unnest('{1,3,4,6}'::int[]) n;
INSERT INTO tenants SELECT n, 1 + n % 7, (ARRAY['pro', 'free'])[1 + n % 2], jsonb_build_object('level', n % 10), jsonb_build_object('level', n % 8)
    FROM generate_series(1, 100) n;
UPDATE tenants SET org = 1 + id % 5, other = other || '{"level": 6}' WHERE id % 4 = 0;
DELETE FROM tenants WHERE id % 10 = 0;
SELECT s.audience, s.name, s.contact_count FROM segments.segment s, LATERAL (SELECT count(*) AS n FROM segment_members(s.id)) c
 WHERE s.audience ~ '^org' AND s.contact_count IS DISTINCT FROM c.n;
SELECT audience, string_agg(name || ' ' || contact_count, ', ' ORDER BY name) FROM segments.segment WHERE audience ~ '^org' GROUP BY 1 ORDER BY 1;
SELECT count(detach_audience('org ' || n, true)) FROM generate_series(1, 6) n;
SELECT detach_audience('sorts', true);
DROP TABLE sorts, tenants;
DROP FUNCTION sorts_counts;
DROP DOMAIN years;
DROP TYPE mood;
