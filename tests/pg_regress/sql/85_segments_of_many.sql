-- contact_segments() of many contacts in one query: what is kept from one contact to the next is right for each.
\pset format unaligned
\pset tuples_only on
\set VERBOSITY terse
CREATE SCHEMA regress_many;
SET search_path = regress_many, public;
CREATE TABLE people (id int PRIMARY KEY, spent int, at timestamptz, p jsonb);
INSERT INTO people SELECT n, n % 10, now() - n * interval '1 day', jsonb_build_object('n', n) FROM generate_series(1, 60) n;
SELECT attach_audience('people', 'people', properties_column => 'p');
SELECT create_property('n', 'number', 'people');
SELECT count(create_segment(name, condition::segment_condition, audience => 'people')) FROM (VALUES
    ('spends', '{"spent": {"$gte": 8}}'), ('everyone', '{}'), ('seven', '{"n": 7}'),
    ('week', '{"at": {"$gte": {"$now": "-7 days"}}}'), ('month', '{"at": {"$gte": {"$now": "-30 days"}}, "spent": {"$lt": 5}}'),
    ('bucket', '{"$bucket": {"of": 2, "in": [0], "salt": "s"}}')) v(name, condition);

-- As one by one, and as in_segment() says; with the counts and the order that the view has.
CREATE FUNCTION one_by_one(id int) RETURNS text LANGUAGE plpgsql AS $$ DECLARE found text; BEGIN
    EXECUTE format('SELECT string_agg(s::text, E''\n'') FROM (SELECT * FROM contact_segments(%s, ''people'')) s', id) INTO found; RETURN found; END $$;
SELECT p.id FROM people p WHERE (SELECT string_agg(s::text, E'\n') FROM contact_segments(p.id, 'people') s) IS DISTINCT FROM one_by_one(p.id);
SELECT p.id, s.name FROM people p CROSS JOIN segments.segment s LEFT JOIN LATERAL contact_segments(p.id, 'people') c ON c.id = s.id
 WHERE s.audience = 'people' AND ((c.id IS NOT NULL) <> in_segment(p.id, s.id) OR c.contact_count <> s.contact_count);
SELECT c.name, count(*), min(c.contact_count) FROM people p, contact_segments(p.id, 'people') c GROUP BY 1 ORDER BY 1;
SELECT count(*) FROM people p, contact_segments(p.id::text, 'people') c, contact_segments(p.id + 1, 'people') d WHERE c.id = d.id AND c.name = 'week';
SELECT bool_and(c.id < c.before) FROM
    (SELECT id, lag(id) OVER (PARTITION BY contact ORDER BY n) AS before
       FROM people p(contact), contact_segments(contact, 'people') WITH ORDINALITY s(object, id, name, d, c, a, t, k, e, f, g, n)) c;
EXPLAIN (COSTS off) SELECT * FROM people p, contact_segments(p.id, 'people');

-- Several audiences from one place, and one that does not exist.
SELECT attach_audience('same', 'people');
SELECT name FROM create_segment('same', '{"spent": 7}', audience => 'same');
SELECT a, count(*) FROM people p CROSS JOIN unnest('{people,same}'::text[]) a, contact_segments(p.id, a) c GROUP BY a ORDER BY a;
SELECT count(*) FROM unnest('{people,none}'::text[]) a, contact_segments(7, a) c;

-- A query that changes what it asks about.
CREATE FUNCTION changed(n int) RETURNS int LANGUAGE plpgsql AS $$ BEGIN
    CASE n WHEN 2 THEN PERFORM update_segment('seven', '{"name": "7", "conditions": {"n": {"$in": [7, 8]}}}');
           WHEN 3 THEN PERFORM create_segment('late', '{"n": 7}', audience => 'people');
           WHEN 4 THEN PERFORM delete_segment('bucket');
           WHEN 5 THEN UPDATE people SET spent = 9 WHERE id = 7;
           ELSE NULL; END CASE;
    RETURN 7; END $$;
BEGIN;
SELECT n, (SELECT string_agg(name || coalesce(' ' || contact_count, ''), ', ' ORDER BY name) FROM contact_segments(changed(n), 'people')
    WHERE name <> 'bucket') FROM generate_series(1, 5) n;
SELECT string_agg(name, ', ' ORDER BY name) FROM contact_segments(7, 'people');
ROLLBACK;

-- Rights: those of the role that asks, and its policies.
CREATE ROLE regress_segments_asker;
GRANT USAGE ON SCHEMA regress_many TO regress_segments_asker;
SELECT grant_segments_access('regress_segments_asker', scope, 'people') FROM unnest('{read:contacts,read:segments}'::text[]) scope;
REVOKE SELECT ON people FROM regress_segments_asker;
GRANT SELECT (id, at, p) ON people TO regress_segments_asker;
SET ROLE regress_segments_asker;
SELECT count(*) FROM generate_series(1, 3) n, contact_segments(n, 'people') c;
SELECT count(*) FROM generate_series(1, 3) n, contact_segments(n, 'same') c;
RESET ROLE;
GRANT SELECT ON people TO regress_segments_asker;
CREATE POLICY few ON people USING (id < 3);
ALTER TABLE people ENABLE ROW LEVEL SECURITY;
SET ROLE regress_segments_asker;
SELECT c.name, count(*), count(contact_count) FROM generate_series(1, 5) n, contact_segments(n, 'people') c GROUP BY 1 ORDER BY 1;
RESET ROLE;

SELECT detach_audience(name, true) FROM segments.audience WHERE name IN ('people', 'same');
SELECT revoke_segments_access('regress_segments_asker', scope) FROM unnest('{read:contacts,read:segments}'::text[]) scope;
RESET search_path;
SET client_min_messages = error;
DROP SCHEMA regress_many CASCADE;
DROP OWNED BY regress_segments_asker;
DROP ROLE regress_segments_asker;
