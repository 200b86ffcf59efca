-- Hostile users: what they put in the way changes nothing, and what they may not see they do not learn.
\pset format unaligned
\pset tuples_only on
CREATE ROLE regress_segments_alice;    -- sees some of the contacts
CREATE ROLE regress_segments_mallory;  -- owns hostile tables
CREATE SCHEMA regress_hostile;
GRANT ALL ON SCHEMA regress_hostile TO PUBLIC;
SET search_path = regress_hostile, public;

-- 1. A caller whose search_path shadows what Postgres itself has: operators, functions, types, tables.
CREATE TABLE guarded (id int PRIMARY KEY, country text, score numeric, made timestamptz, tags text[], rank varchar, props jsonb);
CREATE TABLE guarded_topics (contact int, topic text);
INSERT INTO guarded
SELECT n, (ARRAY['US', 'DE', NULL])[n % 3 + 1], n * 1.5, timestamptz '2024-01-01 00:00+00' + n * interval '1 day', ARRAY['t' || n % 2], 'r' || n,
       jsonb_build_object('plan', 'p' || n % 2, 'visits', n) FROM generate_series(1, 12) n;
SELECT attach_audience('guarded', 'guarded', properties_column => 'props', created_column => 'made', scope => '{"id": {"$lte": 10}}'),
       attach_topics('guarded', 'guarded_topics', 'contact', 'topic'),
       create_property('plan', 'string', 'guarded'), create_property('visits', 'number', 'guarded');
SELECT (create_topic('News', audience => 'guarded')).slug, subscribe_contact(1, 'news', 'guarded'), subscribe_contact(2, 'news', 'guarded');
SELECT contact_count FROM create_segment('American', '{"country": "US"}', audience => 'guarded');
SELECT id AS american FROM segments.segment WHERE name = 'American' AND audience = 'guarded' \gset

CREATE SCHEMA regress_evil;
GRANT USAGE ON SCHEMA regress_evil TO PUBLIC;
DO $$
DECLARE
    shadowed record;
    types CONSTANT regtype[] := '{bool,"char",name,int2,int4,int8,text,varchar,bpchar,oid,uuid,json,jsonb,numeric,float8,
        date,timestamp,timestamptz,interval,regclass,text[],name[],int2[],oid[],anyarray,anyenum,anyelement,record}';
BEGIN
    FOR shadowed IN
        SELECT row_number() OVER () AS number, oprname, oprleft::regtype AS l, oprright::regtype AS r, oprresult::regtype AS result
          FROM pg_operator WHERE oprnamespace = 'pg_catalog'::regnamespace AND oprleft = ANY (types) AND oprright = ANY (types)
    LOOP
        EXECUTE format('CREATE FUNCTION regress_evil.%I(%s, %s) RETURNS %s LANGUAGE plpgsql AS %L', 'op' || shadowed.number,
                       shadowed.l, shadowed.r, shadowed.result, 'BEGIN RAISE EXCEPTION ''shadow of an operator''; END');
        EXECUTE format('CREATE OPERATOR regress_evil.%s (LEFTARG = %s, RIGHTARG = %s, FUNCTION = regress_evil.%I)', shadowed.oprname,
                       shadowed.l, shadowed.r, 'op' || shadowed.number);
    END LOOP;
    FOR shadowed IN
        SELECT p.proname, p.proretset, pg_get_function_identity_arguments(p.oid) AS arguments, p.prorettype::regtype AS result
          FROM pg_proc p
         WHERE p.pronamespace = 'pg_catalog'::regnamespace AND p.prokind = 'f' AND p.prolang = 12 AND p.provariadic = 0
           AND p.prorettype = ANY (types) AND p.proargtypes::oid[] <@ types::oid[] AND p.proargmodes IS NULL
    LOOP
        EXECUTE format('CREATE FUNCTION regress_evil.%I(%s) RETURNS %s %s LANGUAGE plpgsql AS %L', shadowed.proname, shadowed.arguments,
                       CASE WHEN shadowed.proretset THEN 'SETOF' ELSE '' END, shadowed.result, 'BEGIN RAISE EXCEPTION ''shadow of a function''; END');
    END LOOP;
    CREATE FUNCTION regress_evil.boom(bigint) RETURNS bigint LANGUAGE plpgsql AS 'BEGIN RAISE EXCEPTION ''shadow of an aggregate''; END';
    CREATE AGGREGATE regress_evil.count(*) (SFUNC = regress_evil.boom, STYPE = bigint, INITCOND = '0');
    CREATE FUNCTION regress_evil.jsonb_build_object(VARIADIC "any") RETURNS jsonb LANGUAGE internal AS 'jsonb_build_array';
    CREATE FUNCTION regress_evil.jsonb_build_array(VARIADIC "any") RETURNS jsonb LANGUAGE internal AS 'jsonb_build_object';
    CREATE FUNCTION regress_evil.matches(jsonb, segment_condition) RETURNS boolean LANGUAGE sql AS 'SELECT true';
    CREATE OPERATOR regress_evil.@~ (LEFTARG = jsonb, RIGHTARG = segment_condition, FUNCTION = regress_evil.matches);
    CREATE TYPE regress_evil.text AS ENUM ('evil');
    CREATE TYPE regress_evil.uuid AS ENUM ('evil');
    CREATE TYPE regress_evil.jsonb AS ENUM ('evil');
    CREATE TYPE regress_evil.int8 AS ENUM ('evil');
    CREATE TYPE regress_evil.bool AS ENUM ('evil');
    CREATE TYPE regress_evil.name AS ENUM ('evil');
    CREATE TYPE regress_evil.timestamptz AS ENUM ('evil');
    CREATE TYPE regress_evil.segment_condition AS ENUM ('evil');
    CREATE TABLE regress_evil.pg_class (oid int);
    CREATE TABLE regress_evil.pg_attribute (attrelid int);
    CREATE TABLE regress_evil.pg_roles (oid int);
    CREATE TABLE regress_evil.guarded (id int);
    CREATE TEMP TABLE guarded (id int, country pg_catalog.text);
    CREATE TEMP TABLE pg_namespace (oid int);
    CREATE TEMP TABLE segment_config (id int);
END $$;
SET search_path = pg_temp, regress_evil, pg_catalog, public;
SELECT 1 = 1;
SELECT lower('A');
SELECT count(*) FROM segments.audience;
-- The same answers, with and without.
SELECT public.count_contacts('{"country": "US", "plan": "p1"}', 'guarded'),
    public.count_contacts('{"tags": "t1", "score": {"$gt": 3}, "made": {"$lt": "2024-01-10"}}', 'guarded'),
       public.count_contacts('{"$topic": "news", "$segment": "American"}', 'guarded'),
           public.count_contacts('{"$or": [{"rank": {"$startsWith": "r1"}}, {"visits": {"$type": "number", "$lt": 4}}]}', 'guarded');
SELECT public.search_contacts('{"id": {"$in": [1, 2]}}', 'guarded');
SELECT public.search_contacts('{}', 'guarded', 1, public.search_contacts('{}', 'guarded', 1) OPERATOR(pg_catalog.->>) 'cursor');
SELECT public.in_segment(3, :'american'), public.in_segment(1, :'american'), public.segment_members(:'american', NULL::int4);
SELECT s.name, s.contact_count FROM public.contact_segments(3, 'guarded') s;
SELECT s.name, s.contact_count FROM public.list_segments('guarded') s;
SELECT s.name, s.contact_count FROM public.create_segment('German', '{"country": {"$in": ["DE"]}, "$nor": [{"$segment": "American"}]}',
    audience => 'guarded') s;
SELECT s.name, s.contact_count FROM public.update_segment((SELECT s.id FROM segments.segment s WHERE s.name OPERATOR(pg_catalog.=) 'German'
    AND s.audience OPERATOR(pg_catalog.=) 'guarded'), '{"conditions": {"country": "DE"}}'::pg_catalog.jsonb) s;
SELECT e.path, e.value, e.matches, e.note FROM public.explain_match(3, :'american') e;
SELECT o.contacts FROM public.segment_overlap(ARRAY[:'american']::pg_catalog.uuid[], 'guarded') o;
SELECT s.property, s.present, s.audience_present FROM public.segment_statistics(:'american'::pg_catalog.uuid) s;
SELECT v.severity, v.path, v.message FROM public.validate_conditions('{"country": {"$ne": "US"}, "contry": 1}'::pg_catalog.text, 'guarded') v;
SELECT i.name, i.type, i.distinct_values FROM public.infer_properties('guarded') i;
SELECT public.segment_sql(:'american'), public.conditions_sql('{"country": "US"}', 'guarded');
SELECT p.name, p.type FROM segments.property p WHERE p.audience OPERATOR(pg_catalog.=) 'guarded';
SELECT public.create_property('extra', 'date', 'guarded'), public.drop_property('extra', 'guarded'), public.subscribe_contact(3, 'news', 'guarded'),
    public.unsubscribe_contact(2, 'news', 'guarded');
SELECT public.grant_segments_access('regress_segments_alice', 'read:segments', 'guarded'), public.revoke_segments_access('regress_segments_alice',
    'read:segments', 'guarded');
SELECT public.create_contacts('regress_hostile.shadowed');
SELECT public.attach_audience('shadowed too', 'regress_hostile.shadowed'), public.detach_audience('shadowed too');
ALTER TABLE regress_hostile.shadowed RENAME email TO mail;
DROP TABLE regress_hostile.shadowed CASCADE;
SELECT public.set_freshness('guarded', 'live');
INSERT INTO regress_hostile.guarded (id, country) VALUES (-1, 'US');
SELECT s.name, s.contact_count FROM public.list_segments('guarded') s;
SELECT public.set_freshness('guarded', 'periodic');
SELECT public.detach_audience('shadowed', true);
SET search_path = regress_hostile, public;
DISCARD TEMP;
DELETE FROM guarded WHERE id = -1;

-- 2. SQL in every name and value is data.
CREATE TABLE canary (id int PRIMARY KEY);
SELECT count_contacts(jsonb_build_object('country', evil), 'guarded'), count_contacts(jsonb_build_object('plan', evil), 'guarded'),
       count_contacts(jsonb_build_object('rank', jsonb_build_object('$contains', evil)), 'guarded'),
       count_contacts(jsonb_build_object('tags', jsonb_build_object('$in', jsonb_build_array(evil, 't1'))), 'guarded')
  FROM unnest(ARRAY[$$'; DROP TABLE canary; --$$, $$\'; DROP TABLE canary; --$$,
      $$"; DROP TABLE canary; --$$, $$$1$$, $$%s %I {} :x$$, E'\n\t\u00e9\U0001F600']) evil;
SELECT create_property(evil, 'string', 'guarded') FROM unnest(ARRAY[$$'; DROP TABLE canary; --$$, $$"; DROP TABLE canary; --$$, E'\\']) evil;
SELECT count_contacts(jsonb_build_object(evil, 'x'), 'guarded') FROM unnest(ARRAY[$$'; DROP TABLE canary; --$$, $$"; DROP TABLE canary; --$$, E'\\']) evil;
UPDATE guarded SET props = props || jsonb_build_object($$'; DROP TABLE canary; --$$, $$'; DROP TABLE canary; --$$) WHERE id = 5;
SELECT count_contacts(jsonb_build_object(evil, evil), 'guarded') FROM (VALUES ($$'; DROP TABLE canary; --$$)) v(evil);
SELECT slug FROM create_topic($$'; DROP TABLE canary; --$$, slug => $$'; DROP TABLE canary; --$$, audience => 'guarded');
SELECT subscribe_contact(5, $$'; DROP TABLE canary; --$$, 'guarded');
SELECT count_contacts(jsonb_build_object('$topic', $$'; DROP TABLE canary; --$$), 'guarded');
SELECT contact->'topics' AS topics FROM search_contacts('{"id": 5}', 'guarded') contact;
SELECT name, contact_count FROM create_segment($$'; DROP TABLE canary; --$$, '{"id": 5}', $$'; DROP TABLE canary; --$$, 'guarded');
SELECT count_contacts(jsonb_build_object('$segment', $$'; DROP TABLE canary; --$$), 'guarded');
SELECT create_segment('Zone', '{}', time_zone => $$UTC'; DROP TABLE canary; --$$, audience => 'guarded');
SELECT count_contacts('{}', $$guarded'; DROP TABLE canary; --$$);
SELECT search_contacts('{}', 'guarded', 1, $$'; DROP TABLE canary; --$$);
SELECT search_contacts('{}', 'guarded', 1, translate(encode(convert_to($$["2024-01-01' OR true --", "1) OR (true"]$$, 'UTF8'), 'base64'), E'+/=\n', '-_'));
SELECT in_segment($$1' OR true --$$, :'american');
SELECT segment_members(:'american', NULL::canary);
CREATE TABLE "{scope} {table} $1 %s" (id int PRIMARY KEY, "{scope}" text, props jsonb);
INSERT INTO "{scope} {table} $1 %s" VALUES (1, 'x', '{"a": 1}');
SELECT attach_audience('{scope}', '"{scope} {table} $1 %s"', properties_column => 'props', scope => $${"{scope}": {"$ne": "\"; DROP TABLE canary; --"}}$$);
SELECT name, type FROM infer_properties('{scope}');
SELECT count_contacts('{"a": 1}', '{scope}') FROM create_property('a', 'number', '{scope}');
SELECT id FROM canary;

-- 3. Row security, column privileges, views: nobody counts, lists or confirms what they may not see.
CREATE TABLE hidden (id int PRIMARY KEY, owner name, country text, secret text, props jsonb);
CREATE TABLE hidden_topics (contact int, topic text);
INSERT INTO hidden SELECT n, CASE WHEN n <= 2 THEN 'regress_segments_alice' ELSE 'somebody' END, 'US', 'secret ' || n, jsonb_build_object('hint',
    'secret ' || n) FROM generate_series(1, 8) n;
INSERT INTO hidden_topics SELECT n, 'club' FROM generate_series(1, 8) n;
-- The policies of users name what they like without a schema.
CREATE FUNCTION is_mine(owner name) RETURNS boolean LANGUAGE sql STABLE AS 'SELECT owner = current_user';
ALTER TABLE hidden ENABLE ROW LEVEL SECURITY;
CREATE POLICY own ON hidden USING (is_mine(owner));
SELECT attach_audience('hidden', 'hidden', properties_column => 'props'), attach_topics('hidden', 'hidden_topics', 'contact', 'topic'),
    create_property('hint', 'string', 'hidden');
SELECT slug FROM create_topic('Club', audience => 'hidden');
SELECT grant_segments_access('regress_segments_alice', scope, 'hidden') FROM unnest('{read:segments,write:segments,read:contacts}'::text[]) scope;
SET ROLE regress_segments_alice;
SELECT name, contact_count FROM create_segment('Secret 5', '{"secret": "secret 5"}', audience => 'hidden');
SELECT name, contact_count FROM create_segment('All', '{"country": "US"}', audience => 'hidden');
SELECT contact_count FROM segments.segment_count;
SELECT segments.visible_count(id) FROM segments.segment WHERE name = 'All';
SELECT count_contacts('{}', 'hidden'), count_contacts('{"secret": "secret 5"}', 'hidden'), count_contacts('{"$topic": "club"}', 'hidden');
SELECT id AS "all" FROM segments.segment WHERE name = 'All' \gset
SELECT contact->>'id' AS id FROM segment_contacts(:'all') contact;
SELECT segment_members(:'all', NULL::int);
SELECT in_segment(2, :'all'), in_segment(5, :'all'), in_segment(99, :'all');
SELECT name FROM contact_segments(5, 'hidden');
SELECT explain_match(5, :'all');
SELECT explain_match(99, :'all');
SELECT message FROM validate_conditions('{"hint": {"$ne": "x"}}'::text, 'hidden');
SELECT name, distinct_values, examples FROM infer_properties('hidden');
RESET ROLE;
SELECT name, contact_count FROM list_segments('hidden');
-- Its owner counts with it, where it is forced.
ALTER TABLE hidden DISABLE ROW LEVEL SECURITY;
SET ROLE regress_segments_alice;
SELECT name, contact_count FROM list_segments('hidden');
SELECT name, contact_count FROM create_segment('Club', '{"$topic": "club"}', audience => 'hidden');
RESET ROLE;
-- A column that one may not read, wherever it is used: in a condition, in another segment, in the audience's scope.
REVOKE SELECT ON hidden FROM regress_segments_alice;
GRANT SELECT (id, country, owner) ON hidden TO regress_segments_alice;
SELECT contact_count FROM create_segment('Of secret 5', '{"$segment": "Secret 5"}', audience => 'hidden');
SELECT attach_audience('scoped', 'hidden', columns => '{country}', scope => '{"id": {"$lt": 4}}');
SELECT attach_audience('secretly scoped', 'hidden', scope => '{"secret": {"$contains": "secret"}}');
SELECT (create_segment('All', '{"country": "US"}', audience => name)).contact_count, grant_segments_access('regress_segments_alice', 'read:segments',
    name) FROM unnest('{scoped,secretly scoped}'::text[]) name;
SET ROLE regress_segments_alice;
SELECT name, audience, contact_count FROM list_segments() ORDER BY audience, name;
SELECT count_contacts('{"country": "US"}', 'hidden');
SELECT count_contacts('{"secret": "secret 5"}', 'hidden');
SELECT count_contacts('{"$segment": "Of secret 5"}', 'hidden');
SELECT message FROM validate_conditions('{"secret": {"$ne": "x"}}'::text, 'hidden');
RESET ROLE;
GRANT SELECT ON hidden TO regress_segments_alice;
ALTER TABLE hidden_topics ENABLE ROW LEVEL SECURITY;
SET ROLE regress_segments_alice;
SELECT name, contact_count FROM list_segments('hidden') ORDER BY name;
SELECT count_contacts('{"$topic": "club"}', 'hidden');
RESET ROLE;
-- A view of someone else's.
CREATE VIEW hidden_view AS SELECT id, country FROM hidden WHERE owner = current_user;
SELECT attach_audience('view', 'hidden_view', 'id'), grant_segments_access('regress_segments_alice', 'read:segments', 'view'),
    grant_segments_access('regress_segments_alice', 'read:contacts', 'view');
SELECT name FROM create_segment('All', '{"country": "US"}', audience => 'view');
SET ROLE regress_segments_alice;
SELECT name, contact_count FROM list_segments('view');
SELECT count_contacts('{}', 'view');
-- An error that its owner meets may quote what others may not read: they learn that there was one.
RESET ROLE;
CREATE VIEW quoting AS SELECT id, secret::int AS number FROM hidden;
SELECT attach_audience('quoting', 'quoting', 'id'), grant_segments_access('regress_segments_alice', 'read:segments', 'quoting'),
    grant_segments_access('regress_segments_alice', 'write:segments', 'quoting');
SELECT create_segment('Number', '{"number": 5}', audience => 'quoting');
SET ROLE regress_segments_alice;
SELECT create_segment('Number', '{"number": 5}', audience => 'quoting');
RESET ROLE;
UPDATE hidden SET secret = id;
SELECT contact_count FROM create_segment('Number', '{"number": 5}', audience => 'quoting');
UPDATE hidden SET secret = 'secret ' || id;
SET ROLE regress_segments_alice;
SELECT contact_count, error FROM refresh_segments('quoting');
SELECT error FROM segments.segment_status WHERE audience = 'quoting';
-- What one does not own cannot be attached, nor mapped, nor granted.
SELECT attach_audience('mine', 'canary');
RESET ROLE;
SELECT grant_segments_access('regress_segments_alice', 'write:segments');
SET ROLE regress_segments_alice;
SELECT attach_audience('mine', 'canary');
SELECT attach_topics('hidden', 'hidden_topics', 'contact', 'topic');
SELECT detach_audience('hidden', cascade => true);
RESET ROLE;

-- Nor is an owner's error told where the members of a watched segment are read anew, or where subscriptions are written.
CREATE TABLE quoted (id int PRIMARY KEY, n int);
ALTER TABLE quoted OWNER TO regress_segments_mallory;
SELECT attach_audience('quoted', 'quoted'), grant_segments_access('regress_segments_alice', 'read:segments', 'quoted'),
    grant_segments_access('regress_segments_alice', 'write:segments', 'quoted');
SELECT set_freshness('quoted', 'live');
SELECT watch_segment((create_segment('One', '{"n": 1}', audience => 'quoted')).id);
REVOKE ALL ON quoted FROM regress_segments_mallory;
SELECT update_segment(id, '{"conditions": {"n": 2}}') FROM segments.segment WHERE audience = 'quoted';
SET ROLE regress_segments_alice;
SELECT update_segment(id, '{"conditions": {"n": 2}}') FROM segments.segment WHERE audience = 'quoted';
RESET ROLE;
CREATE TABLE quoted_topics (quoted int, topic text);
GRANT INSERT ON quoted_topics TO regress_segments_alice;
GRANT SELECT ON quoted_topics TO regress_segments_mallory;
SELECT delete_segment(id) IS NOT NULL AS deleted FROM segments.segment WHERE audience = 'quoted';
SELECT slug FROM create_topic('weekly', audience => 'quoted');
SELECT attach_topics('quoted', 'quoted_topics', 'quoted', 'topic');
GRANT ALL ON quoted TO regress_segments_mallory;
SELECT name FROM create_segment('Both', '{"$topic": "weekly", "n": 1}', audience => 'quoted');
SET ROLE regress_segments_alice;
INSERT INTO quoted_topics VALUES (1, 'weekly');
RESET ROLE;
REVOKE ALL ON quoted FROM regress_segments_mallory;
SET ROLE regress_segments_alice;
INSERT INTO quoted_topics VALUES (1, 'weekly');
RESET ROLE;
-- Nor to who empties the tables, and may do nothing else.
SELECT watch_segment(id) FROM segments.segment WHERE audience = 'quoted';
GRANT TRUNCATE ON quoted, quoted_topics TO regress_segments_mallory;
SET ROLE regress_segments_mallory;
TRUNCATE quoted, quoted_topics;
RESET ROLE;
SELECT detach_audience('quoted', cascade => true);
DROP TABLE quoted, quoted_topics;
-- Nor to an owner who may not read the table, and changes the zone.
CREATE TABLE moved AS SELECT 1 AS id, timestamptz '2025-01-01 20:00+00' AS at;
ALTER TABLE moved OWNER TO regress_segments_mallory;
SELECT attach_audience('moved', 'moved', 'id'), set_freshness('moved', 'live'),
    grant_segments_access('regress_segments_mallory', 'read:segments', 'moved'), grant_segments_access('regress_segments_mallory', 'write:segments', 'moved');
SELECT watch_segment((create_segment('Day', '{"at": "2025-01-01"}', audience => 'moved')).id);
REVOKE ALL ON moved FROM regress_segments_mallory;
SET ROLE regress_segments_mallory;
SELECT update_audience('moved', '{"time_zone": "Asia/Tokyo"}');
RESET ROLE;
SELECT revoke_segments_access('regress_segments_mallory', scope, 'moved') FROM unnest('{read:segments,write:segments}'::text[]) scope;
SELECT detach_audience('moved', cascade => true);
DROP TABLE moved;

-- 4. Hostile tables: whatever their owner hangs on them runs with the owner's rights when segments count, and not at all
-- where a plain SELECT would not run it either.
CREATE TABLE witnessed (who name, what text);
CREATE TABLE armed (yes boolean);
GRANT ALL ON witnessed, armed TO PUBLIC;
SELECT grant_segments_access('regress_segments_mallory', 'write:segments');
SET ROLE regress_segments_mallory;
CREATE FUNCTION witness(what text) RETURNS boolean LANGUAGE plpgsql AS $$
BEGIN
    IF NOT EXISTS (SELECT FROM regress_hostile.armed) THEN RETURN true; END IF;
    INSERT INTO regress_hostile.witnessed VALUES (current_user, what);
    PERFORM set_config('segments_regress.hostile', 'was here', false), set_config('search_path', 'regress_evil', false);
    BEGIN
        RESET ROLE;
        INSERT INTO regress_hostile.witnessed VALUES (current_user, what || ' after RESET ROLE');
    EXCEPTION WHEN OTHERS THEN NULL;
    END;
    BEGIN
        CREATE TEMP TABLE left_behind (id int);
        INSERT INTO regress_hostile.witnessed VALUES (current_user, what || ' made a temporary table');
    EXCEPTION WHEN OTHERS THEN NULL;
    END;
    RETURN true;
END $$;
CREATE TYPE level AS ENUM ('low', 'high');
CREATE FUNCTION level_text(level) RETURNS text LANGUAGE sql AS $$SELECT 'low' WHERE regress_hostile.witness('cast to text')$$;
CREATE FUNCTION level_json(level) RETURNS json LANGUAGE sql AS $$SELECT '"low"'::json WHERE regress_hostile.witness('cast to json')$$;
CREATE FUNCTION level_of(text) RETURNS level LANGUAGE sql AS $$SELECT 'low'::regress_hostile.level WHERE regress_hostile.witness('cast from text')$$;
CREATE CAST (text AS level) WITH FUNCTION level_of(text) AS ASSIGNMENT;
CREATE CAST (level AS text) WITH FUNCTION level_text(level) AS ASSIGNMENT;
CREATE CAST (level AS json) WITH FUNCTION level_json(level);
CREATE DOMAIN checked AS text CHECK (regress_hostile.witness('check of a domain'));
CREATE DOMAIN level_domain AS level;
CREATE TABLE trap (id checked PRIMARY KEY, level level, levels level[], n int);
INSERT INTO trap VALUES ('a', 'low', '{low,high}', 1), ('b', 'high', NULL, 2);
CREATE TABLE levels (id level PRIMARY KEY, topic level);
CREATE TABLE level_topics (contact level, topic level);
INSERT INTO levels VALUES ('low'), ('high');
CREATE VIEW peeping AS SELECT n AS id, n FROM trap WHERE witness('view');
CREATE TABLE forced (id int PRIMARY KEY, n int);
INSERT INTO forced VALUES (1, 1), (2, 2);
ALTER TABLE forced ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE POLICY watching ON forced USING (witness('policy'));
SELECT attach_audience('trap', 'trap'), attach_audience('levels', 'levels'), attach_topics('levels', 'level_topics', 'contact', 'topic'),
       attach_audience('peeping', 'peeping', 'id'), attach_audience('forced', 'forced');
CREATE TYPE pair AS (a int, b int);
CREATE TABLE pairs (id pair PRIMARY KEY, made pair, n int);
SELECT attach_audience('pairs', 'pairs');
SELECT attach_audience('pairs', 'pairs', id_column => 'n', created_column => 'made');
RESET ROLE;
SELECT (create_topic('low', audience => 'levels')).slug;
INSERT INTO armed VALUES (true);
SELECT count_contacts(c, 'trap') FROM (VALUES ('{"level": "low"}'), ('{"level": {"$regex": "o"}}'), ('{"level": {"$contains": "ig"}}'),
    ('{"level": {"$gt": "k"}}'),
    ('{"levels": "high"}'), ('{"levels": {"$regex": "h"}}'), ('{"levels": {"$elemMatch": {"$gte": "l"}}}'), ('{"id": "a"}')) v(c);
SELECT contact - 'cursor' AS contact FROM search_contacts('{}', 'trap') contact;
SELECT next->>'id' AS id FROM search_contacts('{}', 'trap', 1) page, search_contacts('{}', 'trap', 1, page->>'cursor') next;
SELECT contact->>'id' AS id FROM search_contacts('{"$topic": "low"}', 'levels') contact;
SELECT contact->>'id' AS id, contact->'topics' AS topics FROM search_contacts('{}', 'levels') contact;
SELECT next->>'id' AS id FROM search_contacts('{}', 'levels', 1) page, search_contacts('{}', 'levels', 1, page->>'cursor') next;
SELECT subscribe_contact('high', 'low', 'levels');
SELECT count_contacts('{"$topic": "low"}', 'levels');
SELECT unsubscribe_contact('high', 'low', 'levels');
SELECT name, contact_count FROM create_segment('All', '{}', audience => 'levels');
SELECT in_segment('low', id), explain_match('low', id) FROM segments.segment WHERE name = 'All' AND audience = 'levels';
SELECT id, ARRAY(SELECT name FROM contact_segments(id, 'levels')) AS segments FROM unnest('{low,high,medium}'::text[]) id;
SELECT in_segment('low'::level, id), explain_match('low'::level, id), subscribe_contact('low'::level, 'low', 'levels'),
    unsubscribe_contact('low'::level, 'low', 'levels'),
       ARRAY(SELECT name FROM contact_segments('low'::level, 'levels')) AS segments FROM segments.segment WHERE name = 'All' AND audience = 'levels';
SELECT segment_members(id, NULL::level), segment_members(id, NULL::level_domain), segment_members(id) FROM segments.segment WHERE name = 'All'
    AND audience = 'levels';
SELECT name, contact_count FROM create_segment('Low', '{"level": {"$regex": "low"}}', audience => 'trap');
SELECT in_segment('a', id), explain_match('a', id), segment_members(id) FROM segments.segment WHERE name = 'Low' AND audience = 'trap';
-- Nor for whoever has a table of their own whose ids are of that type, when its counts are kept live.
SET ROLE regress_segments_alice;
CREATE TABLE borrowed (id level PRIMARY KEY, n int);
CREATE TABLE borrowed_topics (contact level, topic level);
RESET ROLE;
SELECT attach_audience('borrowed', 'borrowed'), attach_topics('borrowed', 'borrowed_topics', 'contact', 'topic'), set_freshness('borrowed', 'live');
SELECT (create_topic('low', audience => 'borrowed')).slug;
SELECT watch_segment((create_segment(name, conditions, audience => 'borrowed')).id) FROM (VALUES ('Ones', '{"n": 1}'), ('Readers',
    '{"$topic": "low", "n": 1}')) v(name, conditions);
INSERT INTO borrowed VALUES ('low', 1), ('high', 1);
INSERT INTO borrowed_topics VALUES ('low', 'low'), ('high', 'low');
UPDATE borrowed_topics SET topic = topic;
UPDATE borrowed SET n = 2 WHERE id = 'high';
UPDATE borrowed_topics SET topic = 'high' WHERE contact = 'low';
SELECT (update_segment(id, '{"conditions": {"n": 2}}')).name FROM segments.segment WHERE name = 'Ones' AND audience = 'borrowed';
TRUNCATE borrowed, borrowed_topics;
SELECT s.name, c.contact_id, string_agg(c.change, ', ' ORDER BY c.ordinality) AS changes
  FROM segment_changes() WITH ORDINALITY c JOIN segments.segment s ON s.id = c.segment WHERE s.audience = 'borrowed' GROUP BY 1, 2 ORDER BY 1, 2;
SELECT detach_audience('borrowed', cascade => true);
SELECT * FROM witnessed;
-- A view and a forced policy are asked with their owner's rights, and leave nothing behind.
SELECT name, contact_count FROM create_segment('Twos', '{"n": 2}', audience => 'peeping');
SELECT name, contact_count FROM create_segment('Twos', '{"n": 2}', audience => 'forced');
SELECT DISTINCT who, what FROM witnessed ORDER BY 1, 2;
SELECT current_setting('segments_regress.hostile', true) AS hostile, current_setting('search_path') AS search_path,
    to_regclass('pg_temp.left_behind') AS left_behind, current_user = session_user AS still_me;

-- 5. SQL in names of the catalog: schemas, tables, columns, types, labels, properties, topics, roles.
CREATE SCHEMA "s'; DROP TABLE canary; --";
CREATE TYPE "s'; DROP TABLE canary; --"."e'; --" AS ENUM ('l''; DROP TABLE canary; --', 'b');
CREATE ROLE "regress_r'""; DROP TABLE canary; --";
CREATE TABLE "s'; DROP TABLE canary; --"."t""'; --" ("id'; --" int PRIMARY KEY, "c""; --" "s'; DROP TABLE canary; --"."e'; --", "n%I$1" numeric,
    "p'; --" jsonb, "made""'" timestamptz);
CREATE TABLE "s'; DROP TABLE canary; --"."tt'; --" ("c'" int, "t'" text);
INSERT INTO "s'; DROP TABLE canary; --"."t""'; --" VALUES (1, 'b', 1, '{"x''; --": "v"}', '2024-01-01'), (2, 'l''; DROP TABLE canary; --', 2, '{}',
    '2024-01-02');
\set evil 'a\'"; DROP TABLE canary; --'
SELECT attach_audience(:'evil', '"s''; DROP TABLE canary; --"."t""''; --"', properties_column => 'p''; --', created_column => 'made"'''),
       attach_topics(:'evil', '"s''; DROP TABLE canary; --"."tt''; --"', 'c''', 't'''), create_property('x''; --', 'string', :'evil'),
           (create_topic('t''; --', 't''; --', audience => :'evil')).slug;
SELECT subscribe_contact(1, 't''; --', :'evil'), count_contacts(jsonb_build_object('c"; --', 'l''; DROP TABLE canary; --'), :'evil'),
       count_contacts('{"n%I$1": {"$gt": 1}, "$topic": {"$ne": "t''; --"}}', :'evil');
SELECT replace(index_property('x''; --', :'evil'), ' CONCURRENTLY', '') AS ddl \gset
SELECT :'ddl' AS ddl;
:ddl;
SELECT name, contact_count FROM create_segment(:'evil', jsonb_build_object('x''; --', 'v', 'c"; --', jsonb_build_object('$in',
    jsonb_build_array('b'))), audience => :'evil');
SELECT suggestion FROM suggest_indexes(:'evil');
SELECT set_freshness(:'evil', 'live');
SELECT watch_segment(id) FROM segments.segment WHERE audience = :'evil';
UPDATE "s'; DROP TABLE canary; --"."t""'; --" SET "c""; --" = 'b', "p'; --" = '{"x''; --": "v"}';
SELECT change, contact_id FROM segment_changes();
SELECT contact_count, error FROM refresh_segments(:'evil');
SELECT name, type FROM infer_properties(:'evil');
SET client_min_messages = error;
SELECT grant_segments_access('"regress_r''""; DROP TABLE canary; --"', scope, :'evil'),
    revoke_segments_access('"regress_r''""; DROP TABLE canary; --"', scope, :'evil')
  FROM unnest('{read:segments,write:segments,read:contacts,write:contacts}'::text[]) scope;
RESET client_min_messages;
ALTER TABLE "s'; DROP TABLE canary; --"."t""'; --" RENAME TO "u""'; --";
SELECT relation_name FROM segments.audience WHERE name = :'evil';
SELECT set_freshness(:'evil', 'periodic'), detach_audience(:'evil', true);
SELECT id FROM canary;
SET client_min_messages = error;
DROP SCHEMA "s'; DROP TABLE canary; --" CASCADE;
RESET client_min_messages;
DROP ROLE "regress_r'""; DROP TABLE canary; --";

-- 6. Changes of watched segments name contacts: they are told to those who may read them.
UPDATE guarded SET country = 'DE';
SELECT set_freshness('guarded', 'live'), watch_segment(:'american');
UPDATE guarded SET country = 'US' WHERE id = 2;
SELECT grant_segments_access('regress_segments_alice', scope, 'guarded') FROM unnest('{read:segments,read:contacts}'::text[]) scope;
SET ROLE regress_segments_alice;
SELECT contact_id, change FROM segment_changes();
RESET ROLE;
ALTER TABLE guarded ENABLE ROW LEVEL SECURITY;
SET ROLE regress_segments_alice;
SELECT contact_id, change FROM segment_changes();
SELECT contact_id, change FROM segments.change;
RESET ROLE;
ALTER TABLE guarded DISABLE ROW LEVEL SECURITY;
REVOKE SELECT ON guarded FROM regress_segments_alice;
GRANT SELECT (id, props) ON guarded TO regress_segments_alice;
SET ROLE regress_segments_alice;
SELECT contact_id, change FROM segment_changes();
RESET ROLE;
SELECT contact_id, change FROM segment_changes();

-- 7. Conditions and patterns that would take forever or everything.
SELECT '{}'::jsonb @~ (SELECT jsonb_build_object('$or', jsonb_agg(jsonb_build_object('a', jsonb_build_object('$regex', '\w{16}' || n)))) FROM
    generate_series(1, 1000) n)::segment_condition;
SELECT length(format('{"a": {"$contains": %s, "$options": "i"}}', to_jsonb(repeat('x', 4000000)))::segment_condition::text);

-- The end.
DELETE FROM armed;
SELECT count(detach_audience(name, cascade => true)) FROM segments.audience WHERE relation_name LIKE 'regress_hostile.%';
SELECT count(revoke_segments_access(quote_ident(role), scope)) FROM segments.access WHERE role LIKE 'regress%';
SET client_min_messages = error;
DROP SCHEMA regress_hostile, regress_evil CASCADE;
DROP OWNED BY regress_segments_alice, regress_segments_mallory;
DROP ROLE regress_segments_alice, regress_segments_mallory;
