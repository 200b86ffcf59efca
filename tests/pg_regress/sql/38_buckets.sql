-- $bucket: a stable share of the contacts, by the SHA-256 of salt and id that Postgres itself computes.
\pset tuples_only on
SET client_min_messages = warning;
CREATE FUNCTION by_sha256(id text, salt text, buckets int) RETURNS numeric LANGUAGE sql IMMUTABLE AS $$
    SELECT mod(sum(get_byte(digest, n) * 256::numeric ^ (7 - n)), buckets)
      FROM sha256(convert_to(salt, 'UTF8') || '\x00'::bytea || convert_to(id, 'UTF8')) digest, generate_series(0, 7) n
$$;
SELECT bool_and(bucket_of(i, 'spring', b) = by_sha256(i::text, 'spring', b)) FROM generate_series(1, 2000) i, unnest('{2,3,10,10000}'::int[]) b;
-- Even, and another share for another salt.
SELECT min(n) > 9600, max(n) < 10400 FROM (SELECT bucket_of(i, 'spring', 10), count(*) n FROM generate_series(1, 100000) i GROUP BY 1) b;
SELECT count(*) BETWEEN 9600 AND 10400 FROM generate_series(1, 100000) i WHERE bucket_of(i, 'spring', 10) = bucket_of(i, 'summer', 10);

-- Ids of every type: the text is what segment_members() writes, whatever the session says.
CREATE TYPE hue AS ENUM ('red', 'blue');
CREATE FUNCTION wrong_buckets(id_type regtype, literals text[]) RETURNS text LANGUAGE plpgsql AS $$
DECLARE result text; segment uuid;
BEGIN
    EXECUTE format('CREATE TABLE of_type (id %s PRIMARY KEY, n int); INSERT INTO of_type SELECT l::%1$s, 1 FROM unnest(%L::text[]) l', id_type, literals);
    PERFORM attach_audience('of_type', 'of_type', id_column => 'id');
    SELECT id INTO segment FROM create_segment('half', '{"$bucket": {"of": 2, "in": [1], "salt": "é"}}', audience => 'of_type');
    SET LOCAL extra_float_digits = -10; SET LOCAL bytea_output = 'escape'; SET LOCAL DateStyle = 'German'; SET LOCAL TimeZone = 'Asia/Tokyo'; SET
        LOCAL IntervalStyle = 'postgres_verbose';
    EXECUTE format('SELECT string_agg(id::text, '', '') FROM of_type t WHERE (bucket_of(t.id, ''é'', 2) = 1)
        IS DISTINCT FROM (by_sha256(segments.id_text(t.id), ''é'', 2) = 1)
        OR (bucket_of(t.id, ''é'', 2) = 1) IS DISTINCT FROM (EXISTS (SELECT FROM segment_members(%L) m WHERE m = segments.id_text(t.id)))
        OR (bucket_of(t.id, ''é'', 2) = 1) IS DISTINCT FROM (EXISTS (SELECT FROM contact_segments(segments.id_text(t.id), ''of_type'')))', segment) INTO result;
    -- Triggers read ids from transition tables.
    PERFORM set_freshness('of_type', 'live');
    DELETE FROM of_type; EXECUTE format('INSERT INTO of_type SELECT l::%s, 1 FROM unnest(%L::text[]) l', id_type, literals);
    SELECT concat_ws('; ', result, 'live ' || contact_count) INTO result FROM get_segment(segment)
     WHERE contact_count <> (SELECT count(*) FROM segment_members(segment));
    PERFORM detach_audience('of_type', true);
    DROP TABLE of_type;
    RETURN concat(cardinality(literals), ' ids', '; wrong: ' || result);
END $$;
SELECT wrong_buckets('int', ARRAY(SELECT i::text FROM generate_series(-20, 20) i)), wrong_buckets('uuid', ARRAY(SELECT md5(i::text) FROM
    generate_series(1, 20) i)),
       wrong_buckets('text', '{a,b,A,é,日本,"a b"}'), wrong_buckets('char(5)', '{a,b,c}'), wrong_buckets('hue', '{red,blue}'), wrong_buckets('boolean', '{t,f}');
SELECT wrong_buckets('date', '{2024-01-01,2024-02-29,1999-12-31}'), wrong_buckets('timestamptz', '{2024-01-01 10:00+05,2024-07-01 00:00Z}'),
    wrong_buckets('timestamp', '{2024-01-01 10:00}'),
       wrong_buckets('double precision', '{0.1,1e300,-3.5,1e-5}'), wrong_buckets('bytea', '{"\\x00ff","\\x41"}'), wrong_buckets('inet',
           '{10.0.0.1,::1,10.0.0.0/8}'), wrong_buckets('interval', '{1 day,02:30,1 year 2 mons}');
-- Intervals are written as ISO 8601 has them.
SELECT bucket_of(i, 'x', 10000) = by_sha256(text, 'x', 10000) FROM (VALUES (interval '1 day', 'P1D'), ('1 year 02:30', 'P1YT2H30M')) i(i, text);

-- Where equal ids can be written otherwise, it is refused.
CREATE TABLE amounts (id numeric PRIMARY KEY, n int);
SELECT attach_audience('amounts', 'amounts') IS NULL;
\set VERBOSITY default
SELECT count_contacts('{"$bucket": {"of": 2, "in": [1], "salt": "x"}}', 'amounts');
SELECT '{}'::jsonb @~ '{"$bucket": {"of": 2, "in": [1], "salt": "x"}}';
SELECT count_contacts('{"$bucket": {"of": 2, "in": [2], "salt": "x"}}', 'amounts');
SELECT bucket_of(1, 'x', 0);
\set VERBOSITY terse
SELECT detach_audience('amounts', true);

-- In a segment: negated, beside other tests, live, watched, and explained.
CREATE TABLE people (id int PRIMARY KEY, n int);
INSERT INTO people SELECT i, i % 3 FROM generate_series(1, 300) i;
SELECT attach_audience('people', 'people') IS NULL;
SELECT name, contact_count FROM create_segment('held out', '{"$bucket": {"of": 10, "in": [0, 9], "salt": "spring"}}', audience => 'people');
SELECT name, contact_count FROM create_segment('sent', '{"n": 1, "$not": {"$segment": "held out"}}', audience => 'people');
SELECT count(*) FILTER (WHERE bucket_of(id, 'spring', 10) IN (0, 9)), count(*) FILTER (WHERE n = 1 AND bucket_of(id, 'spring', 10) NOT IN (0, 9)) FROM people;
SELECT conditions_sql('{"$nor": [{"$bucket": {"of": 10, "in": [0], "salt": "spring"}}, {"n": 1}]}', 'people');
SELECT set_freshness('people', 'live');
SELECT watch_segment(id) IS NULL FROM segments.segment WHERE name = 'sent';
UPDATE people SET id = id + 1000 WHERE id <= 50;
DELETE FROM people WHERE id > 280 AND id < 1000;
SELECT s.name, s.contact_count = (SELECT count(*) FROM segment_members(s.id)) FROM segments.segment s WHERE audience = 'people' ORDER BY 1;
SELECT count(*) FROM people p WHERE EXISTS (SELECT FROM contact_segments(p.id, 'people') s WHERE s.name = 'sent') <> EXISTS (SELECT
    FROM segments.segment s WHERE s.name = 'sent' AND in_segment(p.id::text, s.id));
SELECT count(*), sum((error IS NOT NULL)::int) FROM refresh_segments('people');
SELECT s.name, s.contact_count = (SELECT count(*) FROM segment_members(s.id)) FROM segments.segment s WHERE audience = 'people' ORDER BY 1;
SELECT e.path, e.value = to_jsonb(bucket_of(1001, 'spring', 10)), e.matches = (bucket_of(1001, 'spring', 10) IN (0, 9)) FROM segments.segment s,
    explain_match('1001', s.id) e WHERE s.name = 'held out' AND path <> '';
SELECT path, severity, message FROM validate_conditions('{"$bucket": {"of": 2, "in": [1, 0], "salt": "x"}}', 'people');
SELECT detach_audience('people', true);
DROP FUNCTION wrong_buckets, by_sha256;
DROP TABLE people, amounts;
DROP TYPE hue;
