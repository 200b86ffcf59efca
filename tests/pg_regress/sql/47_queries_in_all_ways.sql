-- in_segment() in queries: subscriptions, dates that are relative to now, and random conditions, asked in each way.
\pset format unaligned
\pset tuples_only on
\set VERBOSITY terse
SET max_parallel_workers_per_gather = 0;
SELECT create_contacts('people');
INSERT INTO people (id, email, country, city, status, properties, created_at)
SELECT md5(n::text)::uuid, 'u' || n, (ARRAY['US', 'DE', 'FR', NULL])[1 + n % 4], nullif('City ' || n % 11, 'City 3'),
    (ARRAY['subscribed', 'unsubscribed'])[1 + n % 2],
    jsonb_strip_nulls(jsonb_build_object('visits', nullif(n % 23, 5), 'plan', (ARRAY['free', 'pro', NULL])[1 + n % 3], 'vip', n % 5 = 0,
        'tags', CASE WHEN n % 2 = 0 THEN jsonb_build_array('t' || n % 3, 't' || n % 7) END)), now() - n * interval '1 hour'
  FROM generate_series(1, 2000) n;
CREATE INDEX people_created ON people (created_at);
SELECT count(create_topic(t, audience => 'people')) FROM unnest('{news,rare,offers}'::text[]) t;
INSERT INTO people_topics (contact_id, topic) SELECT id, t FROM people, unnest('{news,rare,offers}'::text[]) t
 WHERE CASE t WHEN 'news' THEN email ~ '[13579]$' WHEN 'rare' THEN email ~ '99$' ELSE country = 'DE' END;
ANALYZE people, people_topics;
SELECT count(create_property(p, t, 'people')) FROM (VALUES ('visits', 'number'), ('plan', 'string'), ('vip', 'boolean'), ('tags', 'string[]')) v(p, t);
SELECT count(create_segment(name, condition::segment_condition, audience => 'people')) FROM (VALUES
    ('rare', '{"$topic": "rare"}'), ('rare or Paris', '{"$or": [{"$topic": "rare"}, {"city": "Paris"}]}'),
    ('US without news', '{"country": "US", "$topic": {"$ne": "news"}}'), ('both', '{"$topic": {"$all": ["news", "offers"]}}'),
    ('new', '{"created_at": {"$gte": {"$now": "-2 days"}}}'),
    ('new readers', '{"$topic": "news", "created_at": {"$gte": {"$today": "-3 days"}}}')) v(name, condition);

-- Postgres prints hashed sub-plans otherwise since 17, has further kinds of joins since 16, and names for sub-plans since 19.
CREATE FUNCTION explained(query text) RETURNS SETOF text LANGUAGE plpgsql AS $$
DECLARE
    line text;
BEGIN
    FOR line IN EXECUTE 'EXPLAIN (COSTS off) ' || query LOOP
        line := regexp_replace(line, 'SubPlan \w+', 'SubPlan');
        line := regexp_replace(line, 'ANY \([^()]* = \((hashed SubPlan)\)\.col1\)', '\1');
        RETURN NEXT regexp_replace(replace(line, 'Right ', ''), '''[^'']*\d{4}[^'']*''', '''…''');
    END LOOP;
END
$$;

-- A sub-select is joined where it could have been written in WHERE.
SELECT explained('SELECT * FROM people p WHERE in_segment(p.id, ''rare'')');
SELECT line FROM explained('SELECT * FROM people p WHERE in_segment(p.id, ''US without news'')') line WHERE line ~ 'Join';
SELECT explained('SELECT * FROM people p WHERE in_segment(p.id, ''rare or Paris'')');
SELECT explained('SELECT * FROM people p WHERE NOT in_segment(p.id, ''rare'')');
SELECT explained('SELECT * FROM people p JOIN people q ON q.email = p.city AND in_segment(q.id, ''rare'') WHERE in_segment(p.id, ''rare'')');
SELECT line FROM explained('CREATE TABLE mailing AS SELECT p.id FROM people p WHERE in_segment(p.id, ''rare'')') line WHERE line ~ 'SubPlan';
SELECT line FROM explained('INSERT INTO people_topics (contact_id, topic) SELECT p.id, ''offers'' FROM people p WHERE in_segment(p.id, ''rare'')') line
 WHERE line ~ 'SubPlan';
SELECT explained('UPDATE people p SET city = ''Rome'' WHERE in_segment(p.id, ''rare'')');
SELECT explained('SELECT * FROM people p WHERE in_segment(p.id, ''rare'') FOR UPDATE');
SELECT explained('SELECT * FROM people p WHERE in_segment(p.id, ''new'')');

-- Not where the contact is of a table outside of a LATERAL sub-select, or of IN (…).
CREATE TABLE purchases AS SELECT id AS buyer, n FROM people, generate_series(1, 2) n;
SELECT count(*) FROM people p, LATERAL (SELECT * FROM purchases o WHERE o.buyer = p.id AND in_segment(p.id, 'rare')) s;
SELECT count(*) FROM people p LEFT JOIN LATERAL (SELECT * FROM purchases o WHERE o.buyer = p.id AND in_segment(p.id, 'rare')) s ON true;
SELECT count(*) FROM people p WHERE p.id IN (SELECT o.buyer FROM purchases o WHERE in_segment(p.id, 'rare'));
SELECT count(*) FROM people p WHERE EXISTS (SELECT FROM purchases o WHERE o.buyer = p.id AND in_segment(p.id, 'rare'));
SELECT count(*) FROM purchases o, LATERAL (SELECT * FROM people p WHERE p.id = o.buyer AND in_segment(p.id, 'rare')) s;
DROP TABLE purchases;
-- A call in the arguments of another one is no condition.
SELECT count(*) FROM people p WHERE in_segment(p.id, CASE WHEN NOT in_segment(p.id, 'rare') THEN 'new' ELSE 'both' END);
SELECT count(*) FROM people p WHERE in_segment(p.id::text || '', CASE WHEN NOT in_segment(p.id::text || '', 'rare') THEN 'new' ELSE 'both' END);
-- WITH CHECK asks about the contact as it is after the change.
CREATE VIEW rare_people AS SELECT * FROM people p WHERE in_segment(p.id, 'US without news') WITH CHECK OPTION;
SELECT count(*) AS members FROM rare_people;
UPDATE rare_people SET country = 'FR' WHERE email = (SELECT min(email) FROM rare_people);
SELECT count(*) AS members FROM rare_people;
DROP VIEW rare_people;
UPDATE people SET country = (ARRAY['US', 'DE', 'FR', NULL])[1 + substr(email, 2)::int % 4];

-- The rights and the policies of the table of subscriptions.
CREATE ROLE regress_segments_mailer;
SELECT grant_segments_access('regress_segments_mailer', 'read:contacts', 'people'),
       grant_segments_access('regress_segments_mailer', 'read:segments', 'people');
PREPARE rare AS SELECT count(*) FROM people p WHERE in_segment(p.id, 'rare');
SET ROLE regress_segments_mailer;
EXECUTE rare;
RESET ROLE;
CREATE POLICY few ON people_topics USING (left(contact_id::text, 1) < '8');
ALTER TABLE people_topics ENABLE ROW LEVEL SECURITY;
SET ROLE regress_segments_mailer;
SELECT explained('EXECUTE rare');
EXECUTE rare;
SELECT count(*) FROM people p WHERE in_segment(p.id::text || '', 'rare');
SELECT count(*) FROM people p WHERE NOT in_segment(p.id, 'rare');
RESET ROLE;
EXECUTE rare;
ALTER TABLE people_topics DISABLE ROW LEVEL SECURITY;
SET ROLE regress_segments_mailer;
EXECUTE rare;
RESET ROLE;
REVOKE SELECT ON people_topics FROM regress_segments_mailer;
SET ROLE regress_segments_mailer;
EXECUTE rare;
SELECT explained('EXECUTE rare');
RESET ROLE;

-- In a kept plan, now is the time of the transaction that runs it.
PREPARE new AS SELECT count(*) FROM people p WHERE in_segment(p.id, 'new');
EXECUTE new; EXECUTE new;
UPDATE people SET created_at = now() - interval '2 days' + interval '0.3 seconds' WHERE email = 'u1999';
BEGIN;
EXECUTE new;
SELECT pg_sleep(0.4);
EXECUTE new;
COMMIT;
EXECUTE new;
CREATE FUNCTION new() RETURNS bigint LANGUAGE plpgsql AS $$ BEGIN RETURN (SELECT count(*) FROM people p WHERE in_segment(p.id, 'new')); END $$;
UPDATE people SET created_at = now() - interval '2 days' + interval '0.3 seconds' WHERE email = 'u1999';
SELECT new();
SELECT pg_sleep(0.4);
SELECT new();
CREATE PROCEDURE new_twice(INOUT a bigint, INOUT b bigint) LANGUAGE plpgsql AS $$
BEGIN
    UPDATE people SET created_at = now() - interval '2 days' + interval '0.3 seconds' WHERE email = 'u1999';
    a := new();
    COMMIT;
    PERFORM pg_sleep(0.4);
    COMMIT;
    b := new();
END
$$;
CALL new_twice(NULL, NULL);

-- Random conditions. Each way to ask finds the same members.
CREATE FUNCTION random_condition(depth int) RETURNS jsonb LANGUAGE plpgsql VOLATILE AS $$
DECLARE
    leaves jsonb[] := ARRAY['{"country": "US"}', '{"country": {"$ne": "DE"}}', '{"country": {"$in": ["FR", null]}}', '{"city": {"$gte": "City 5"}}',
        '{"city": null}', '{"visits": {"$lt": 7}}', '{"visits": {"$not": {"$gte": 3}}}', '{"plan": {"$nin": ["pro"]}}', '{"plan": {"$exists": false}}',
        '{"vip": true}', '{"tags": "t1"}', '{"tags": {"$ne": "t2"}}', '{"tags": {"$size": 2}}', '{"$topic": "news"}', '{"$topic": {"$ne": "offers"}}',
        '{"$topic": {"$nin": ["rare", "news"]}}', '{"$segment": "rare or Paris"}', '{"$segment": {"$ne": "both"}}', '{"email": {"$regex": "7$"}}',
        '{"created_at": {"$gte": {"$now": "-40 days"}}}', '{"created_at": {"$not": {"$lt": {"$today": "-20 days"}}}}', '{"status": {"$eq": "subscribed"}}',
        '{"$expr": {"$gt": ["$email", "$city"]}}', '{"$bucket": {"of": 4, "in": [1, 2], "salt": "x"}}', '{"first_name": {"$empty": true}}']::jsonb[];
    parts jsonb;
BEGIN
    IF depth = 0 OR random() < 0.2 THEN
        RETURN leaves[1 + floor(random() * cardinality(leaves))];
    END IF;
    SELECT jsonb_agg(random_condition(depth - 1)) INTO parts FROM generate_series(1, 1 + floor(random() * 3)::int);
    RETURN jsonb_build_object((ARRAY['$and', '$or', '$nor'])[1 + floor(random() * 3)], parts);
END
$$;
CREATE FUNCTION ways(segment text) RETURNS TABLE (way text, members text) LANGUAGE plpgsql AS $$
DECLARE
    query text;
BEGIN
    FOR way, query IN VALUES
        ('where', 'SELECT p.id FROM people p WHERE in_segment(p.id, ~name~)'),
        ('not', 'SELECT id FROM people EXCEPT SELECT p.id FROM people p WHERE NOT in_segment(p.id, ~name~)'),
        ('value', 'SELECT id FROM (SELECT p.id, in_segment(p.id, ~name~) AS member FROM people p OFFSET 0) p WHERE member'),
        ('outer', 'SELECT p.id FROM (SELECT 1) o LEFT JOIN people p ON in_segment(p.id, ~name~) WHERE p.id IS NOT NULL'),
        ('nullable', 'SELECT p.id FROM people q LEFT JOIN people p ON q.id = p.id AND p.city IS NOT NULL WHERE in_segment(p.id, ~name~)
                       UNION ALL SELECT id FROM people WHERE city IS NULL AND in_segment(people.id, ~name~)'),
        ('not nullable', 'SELECT id FROM people EXCEPT SELECT q.id FROM people q LEFT JOIN people p ON q.id = p.id WHERE NOT in_segment(p.id, ~name~)'),
        ('exists', 'SELECT q.id FROM people q WHERE EXISTS (SELECT FROM people p WHERE p.id = q.id AND in_segment(p.id, ~name~))'),
        ('or exists', 'SELECT q.id FROM people q WHERE q.email = '''' OR EXISTS (SELECT FROM people p WHERE p.id = q.id AND in_segment(p.id, ~name~))'),
        ('sql', format('SELECT id FROM people WHERE %s', segment_sql(segment))),
        ('members', 'SELECT segment_members(~name~, NULL::uuid) AS id') LOOP
        query := replace(query, '~name~', quote_literal(segment));
        EXECUTE format('SELECT md5(string_agg(id::text, '' '' ORDER BY id)) FROM (%s) found', query) INTO members;
        RETURN NEXT;
    END LOOP;
END
$$;
SELECT setseed(0.25);
SELECT count(create_segment('random ' || n, random_condition(2 + n % 2)::text, audience => 'people')) FROM generate_series(1, 24) n;
SELECT s.name, s.conditions, string_agg(way, ', ' ORDER BY way) AS differ
  FROM segments.segment s, ways(s.name) w WHERE s.audience = 'people' GROUP BY s.name, s.conditions, s.id, members
 HAVING count(*) <> (SELECT count(*) FROM ways('rare')) ORDER BY s.name;
SELECT count(*) FILTER (WHERE contact_count NOT IN (0, 2000)) > 15 AS is_telling FROM segments.segment WHERE audience = 'people';
-- The call, for few of them.
SELECT s.name, p.email FROM segments.segment s, LATERAL (SELECT array_agg(m) AS ids FROM segment_members(s.id, NULL::uuid) m) members, people p
 WHERE s.audience = 'people' AND p.email ~ '^u.?7$' AND in_segment(p.id::text || '', s.id) IS DISTINCT FROM p.id = ANY (coalesce(ids, '{}'));

DEALLOCATE ALL;
SELECT detach_audience('people', true);
DROP PROCEDURE new_twice;
DROP FUNCTION new, explained, ways, random_condition;
DROP TABLE people_topics, people;
DROP OWNED BY regress_segments_mailer;
DROP ROLE regress_segments_mailer;
