-- Who may do what: scopes, for one audience or for all.
\pset format unaligned
\pset tuples_only on
CREATE ROLE regress_segments_app;       -- attaches tables and writes segments
CREATE ROLE regress_segments_reader;    -- sees segments, not contacts
CREATE ROLE regress_segments_analyst;   -- sees one audience
CREATE ROLE regress_segments_mailer;    -- sees contacts, not segments
CREATE ROLE regress_segments_stranger;  -- nothing
CREATE SCHEMA regress_access;
GRANT ALL ON SCHEMA regress_access TO PUBLIC;
SET search_path = regress_access, public;

-- What is PUBLIC's: the type, the operator, the property functions, and the aggregate that owners of tables count with.
SELECT p.proname
  FROM pg_depend d JOIN pg_proc p ON p.oid = d.objid AND d.classid = 'pg_proc'::regclass
 WHERE d.refobjid = (SELECT oid FROM pg_extension WHERE extname = 'segments') AND d.deptype = 'e'
   AND has_function_privilege('regress_segments_stranger', p.oid, 'EXECUTE') AND p.proname NOT LIKE 'property\_%'
 ORDER BY 1;
SELECT has_schema_privilege('regress_segments_stranger', 'segments', 'USAGE');
SELECT c.relname
  FROM pg_depend d JOIN pg_class c ON c.oid = d.objid AND d.classid = 'pg_class'::regclass
 WHERE d.refobjid = (SELECT oid FROM pg_extension WHERE extname = 'segments') AND d.deptype = 'e'
   AND c.relkind IN ('r', 'v') AND has_any_column_privilege('regress_segments_stranger', c.oid, 'SELECT')
 ORDER BY 1;

-- Every function comes with a scope, is PUBLIC's, or is the extension's own; every table has a row policy, or is nobody's.
SELECT p.oid::regprocedure AS belongs_to_no_scope
  FROM pg_depend d JOIN pg_proc p ON p.oid = d.objid AND d.classid = 'pg_proc'::regclass
 WHERE d.refobjid = (SELECT oid FROM pg_extension WHERE extname = 'segments') AND d.deptype = 'e'
   AND p.pronamespace <> 'segments'::regnamespace
   AND NOT has_function_privilege('regress_segments_stranger', p.oid, 'EXECUTE')
   AND p.proname NOT IN (SELECT name FROM segments.function_scopes())
   AND NOT 'internal'::regtype = ANY (p.proargtypes);
SELECT name AS has_no_policy FROM segments.readable_tables() t
 WHERE NOT EXISTS (SELECT FROM pg_policies WHERE schemaname = 'segments' AND tablename = t.name)
    OR NOT (SELECT relrowsecurity FROM pg_class WHERE oid = format('segments.%I', t.name)::regclass);
SET ROLE regress_segments_stranger;
SELECT '{"plan": "pro"}'::jsonb @~ '{"plan": "pro"}' AS the_operator_is_everyones;
SELECT list_segments();
SELECT create_contacts();
SELECT count(*) FROM segments.segment;
RESET ROLE;

-- A role with write:segments makes audiences of tables that it owns.
SELECT grant_segments_access('regress_segments_app', 'write:segments');
SET ROLE regress_segments_app;
SELECT create_contacts('regress_members');
CREATE TABLE regress_customers (id int PRIMARY KEY, country text, secret text);
SELECT attach_audience('regress_customers', 'regress_customers');
INSERT INTO regress_members (email, country) VALUES ('a@example.com', 'US'), ('b@example.com', 'DE');
INSERT INTO regress_customers VALUES (1, 'US', 'x'), (2, 'US', 'y'), (3, 'DE', 'z');
SELECT slug FROM create_topic('Weekly news', audience => 'regress_customers');
SELECT name, contact_count FROM create_segment('American', '{"country": "US"}', audience => 'regress_members');
SELECT name, contact_count FROM create_segment('American', '{"country": "US"}', audience => 'regress_customers');
SELECT name, contact_count FROM create_segment('Secret', '{"secret": "x"}', audience => 'regress_customers');

-- Writing is not reading: list_segments is for read:segments, contacts for read:contacts.
SELECT name FROM list_segments();
SELECT count_contacts('{}', 'regress_members');

-- Nor is it writing to the extension's tables.
INSERT INTO segments.segment_config SELECT * FROM segments.segment_config;
UPDATE segments.table_config SET relation = 'pg_catalog.pg_authid';
SELECT contact_count FROM segments.segment_count;
SELECT * FROM segments.access;
SELECT grant_segments_access('regress_segments_stranger', 'read:segments');

-- The owner of a table says who may use its audience.
SELECT grant_segments_access('regress_segments_analyst', 'read:segments', 'regress_customers');
SELECT grant_segments_access('regress_segments_analyst', 'read:contacts', 'regress_customers');
RESET ROLE;
CREATE TABLE regress_others (id int PRIMARY KEY);
SELECT attach_audience('regress_others', 'regress_others');
SET ROLE regress_segments_app;
SELECT grant_segments_access('regress_segments_analyst', 'read:segments', 'regress_others');
SELECT detach_audience('regress_others');
RESET ROLE;

-- The analyst sees one audience, and its contacts.
SET ROLE regress_segments_analyst;
SELECT name, audience, contact_count FROM list_segments() ORDER BY name;
SELECT name, audience, contact_count FROM segments.segment ORDER BY name;
SELECT name FROM segments.audience;
SELECT audience, name FROM segments.topic;
SELECT DISTINCT audience FROM segments.property;
SELECT count_contacts('{"country": "US"}', 'regress_customers');
SELECT contact->>'id' AS id FROM search_contacts('{"country": "US"}', 'regress_customers') contact;
SELECT name FROM contact_segments(1, 'regress_customers') ORDER BY name;

-- Of another audience, nothing: not even that it exists.
SELECT list_segments('regress_members');
SELECT count_contacts('{}', 'regress_members');
SELECT get_segment(id) FROM (SELECT '00000000-0000-0000-0000-000000000000'::uuid AS id) none;

-- And may not write.
SELECT create_segment('Mine', '{}', audience => 'regress_customers');
SELECT grant_segments_access('regress_segments_stranger', 'read:segments', 'regress_customers');
RESET ROLE;

-- The reader sees all segments; counts only where it could have counted.
SELECT grant_segments_access('regress_segments_reader', 'read:segments');
SET ROLE regress_segments_reader;
SELECT name, audience, contact_count, counted_at IS NOT NULL AS counted FROM list_segments(NULL, 100)
 WHERE audience LIKE 'regress%' ORDER BY audience, name;
SELECT name FROM segments.audience WHERE name LIKE 'regress%' ORDER BY name;
SELECT update_segment('00000000-0000-0000-0000-000000000000', '{"name": "Mine"}');
RESET ROLE;
GRANT SELECT (id, country) ON regress_customers TO regress_segments_reader;
SET ROLE regress_segments_reader;
SELECT name, contact_count FROM list_segments('regress_customers') ORDER BY name;
RESET ROLE;

-- The mailer asks for members without reading what segments say.
SELECT id AS american FROM segments.segment WHERE name = 'American' AND audience = 'regress_customers' \gset
SELECT id AS foreign_segment FROM segments.segment WHERE name = 'American' AND audience = 'regress_members' \gset
SELECT grant_segments_access('regress_segments_mailer', 'read:contacts', 'regress_customers');
SET ROLE regress_segments_mailer;
SELECT * FROM segment_members(:'american', NULL::int) ORDER BY 1;
SELECT in_segment(1, :'american'), in_segment(3, :'american'), in_segment(99, :'american');
SELECT count(*) FROM segment_contacts(:'american');
SELECT count_contacts('{"$segment": "American"}', 'regress_customers');
SELECT name FROM segments.segment;
SELECT list_segments('regress_customers');
SELECT path FROM explain_match(1, :'american');
SELECT contact_segments(1, 'regress_customers');
\set VERBOSITY sqlstate
SELECT in_segment(1, :'foreign_segment');
\set VERBOSITY terse
SELECT subscribe_contact(1, 'weekly-news', 'regress_customers');
RESET ROLE;

-- Scopes of roles that one is a member of count, if inherited.
GRANT regress_segments_analyst TO regress_segments_stranger;
SET ROLE regress_segments_stranger;
SELECT name, contact_count FROM list_segments() ORDER BY name;
RESET ROLE;
REVOKE regress_segments_analyst FROM regress_segments_stranger;

-- write:contacts comes with INSERT, UPDATE and DELETE.
SELECT grant_segments_access('regress_segments_mailer', 'write:contacts', 'regress_members');
SELECT grant_segments_access('regress_segments_mailer', 'read:contacts', 'regress_members');
SET ROLE regress_segments_app;
SELECT slug FROM create_topic('Weekly news', audience => 'regress_members');
RESET ROLE;
SET ROLE regress_segments_mailer;
SELECT subscribe_contact((SELECT id FROM regress_members WHERE country = 'US'), 'weekly-news', 'regress_members');
SELECT contact->>'email' AS email, contact->'topics' AS topics FROM search_contacts('{"$topic": "weekly-news"}', 'regress_members') contact;
SELECT subscribe_contact('00000000-0000-0000-0000-000000000000', 'weekly-news', 'regress_members');
RESET ROLE;
SELECT grantee, string_agg(privilege_type, ' ' ORDER BY privilege_type) AS privileges
  FROM information_schema.role_table_grants
 WHERE table_name = 'regress_member_topics' AND grantee LIKE 'regress_segments_m%' GROUP BY grantee;

-- A table of subscriptions that is attached later is theirs as the contacts' table is; it is not for those who have scopes alone.
GRANT SELECT ON regress_members TO regress_segments_analyst;
SELECT grant_segments_access('regress_segments_reader', 'read:contacts', 'regress_members');
REVOKE SELECT ON regress_members FROM regress_segments_reader;
SET ROLE regress_segments_app;
CREATE TABLE regress_subscriptions (member uuid, topic text);
SELECT attach_topics('regress_members', 'regress_subscriptions', 'member', 'topic');
RESET ROLE;
SET ROLE regress_segments_mailer;
SELECT subscribe_contact((SELECT id FROM regress_members WHERE country = 'DE'), 'weekly-news', 'regress_members');
SELECT count_contacts('{"$topic": "weekly-news"}', 'regress_members');
RESET ROLE;
SELECT grantee, string_agg(privilege_type, ' ' ORDER BY privilege_type) AS privileges
  FROM information_schema.role_table_grants
 WHERE table_name = 'regress_subscriptions' AND grantee <> 'regress_segments_app' GROUP BY grantee;
REVOKE SELECT ON regress_members FROM regress_segments_analyst;
SELECT revoke_segments_access('regress_segments_reader', 'read:contacts', 'regress_members');
SET ROLE regress_segments_app;
SELECT attach_topics('regress_members', 'regress_member_topics', 'contact_id', 'topic');
DROP TABLE regress_subscriptions;
RESET ROLE;

-- Whoever may not take the privileges on a table back is told so.
SET ROLE regress_segments_app;
CREATE TABLE regress_lent (id int PRIMARY KEY);
CREATE TABLE regress_lent_topics (contact int, topic text);
SELECT attach_audience('regress_lent', 'regress_lent'), attach_topics('regress_lent', 'regress_lent_topics', 'contact', 'topic');
SELECT grant_segments_access('regress_segments_mailer', 'read:contacts', 'regress_lent');
RESET ROLE;
ALTER TABLE regress_lent_topics OWNER TO regress_segments_reader;
SET ROLE regress_segments_app;
SELECT revoke_segments_access('regress_segments_mailer', 'read:contacts', 'regress_lent');
\set VERBOSITY sqlstate
SELECT revoke_segments_access('regress_segments_mailer', 'read:contacts', 'regress_lent');
\set VERBOSITY terse
SELECT detach_audience('regress_lent');
RESET ROLE;
DROP TABLE regress_lent, regress_lent_topics;

-- Taking it back.
SELECT revoke_segments_access('regress_segments_mailer', 'read:contacts', 'regress_members');
SELECT revoke_segments_access('regress_segments_mailer', 'write:contacts');
SELECT revoke_segments_access('regress_segments_analyst', 'read:segments');
SELECT table_name, grantee, string_agg(privilege_type, ' ' ORDER BY privilege_type) AS privileges
  FROM information_schema.role_table_grants
 WHERE table_schema = 'regress_access' AND grantee IN ('regress_segments_mailer', 'regress_segments_analyst')
 GROUP BY table_name, grantee ORDER BY 1, 2;
SET ROLE regress_segments_analyst;
SELECT list_segments();
SELECT name FROM segments.segment;
SELECT count_contacts('{}', 'regress_customers');
RESET ROLE;
SELECT revoke_segments_access('regress_segments_analyst', 'read:contacts');
SET ROLE regress_segments_analyst;
SELECT count_contacts('{}', 'regress_customers');
SELECT * FROM segments.segment;
RESET ROLE;

-- Revoking for one audience what was granted for all is no use.
SELECT revoke_segments_access('regress_segments_reader', 'read:segments', 'regress_customers');

-- Mistakes.
SELECT grant_segments_access('regress_segments_reader', 'read:segment');
SELECT grant_segments_access('regress_segments_reader', 'read:segments', 'nobody');
SELECT grant_segments_access('regress_segments_nobody', 'read:segments');
SELECT grant_segments_access('regress_segments_reader', NULL);
SELECT grant_segments_access(NULL, 'read:segments');

-- A role that is dropped and made again has nothing of what it had.
SELECT grant_segments_access('regress_segments_stranger', 'read:segments', 'regress_customers');
DROP OWNED BY regress_segments_stranger;
DROP ROLE regress_segments_stranger;
CREATE ROLE regress_segments_stranger;
SELECT grant_segments_access('regress_segments_stranger', 'read:segments', 'regress_members');
SET ROLE regress_segments_stranger;
SELECT name, audience FROM list_segments();
RESET ROLE;
-- Nor when the extension is upgraded, after which scopes are applied to what is new in it.
DROP OWNED BY regress_segments_stranger;
DROP ROLE regress_segments_stranger;
CREATE ROLE regress_segments_stranger;
CREATE TABLE added ();
ALTER EXTENSION segments ADD TABLE added;
SELECT has_schema_privilege('regress_segments_stranger', 'segments', 'USAGE') AS uses_schema,
       has_function_privilege('regress_segments_stranger', 'list_segments(text, int, uuid, uuid)', 'EXECUTE') AS lists,
       has_function_privilege('regress_segments_reader', 'list_segments(text, int, uuid, uuid)', 'EXECUTE') AS reader_lists;
SELECT scope FROM segments.access WHERE role = 'regress_segments_stranger';
ALTER EXTENSION segments DROP TABLE added;
DROP TABLE added;

-- A role that has given everything back depends on nothing. What it had itself, it keeps.
REVOKE USAGE ON SCHEMA public FROM PUBLIC;
CREATE ROLE regress_segments_guest;
SELECT grant_segments_access(role, scope)
  FROM unnest('{regress_segments_guest,regress_segments_stranger}'::regrole[]) role, unnest('{read:segments,write:segments}'::text[]) scope;
SELECT has_schema_privilege('regress_segments_guest', 'public', 'USAGE') AS reaches;
SELECT revoke_segments_access('regress_segments_guest', 'write:segments');
SELECT has_schema_privilege('regress_segments_guest', 'public', 'USAGE') AS still_reaches;
SELECT revoke_segments_access('regress_segments_guest', 'read:segments');
DROP ROLE regress_segments_guest;
SELECT revoke_segments_access('regress_segments_stranger', scope) FROM unnest('{read:segments,write:segments}'::text[]) scope;
GRANT USAGE ON SCHEMA public TO regress_segments_stranger;
SELECT grant_segments_access('regress_segments_stranger', 'read:segments'), revoke_segments_access('regress_segments_stranger', 'read:segments');
SELECT has_schema_privilege('regress_segments_stranger', 'public', 'USAGE') AS had_it_itself;
GRANT USAGE ON SCHEMA public TO PUBLIC;

-- Scopes end with their audience.
SELECT detach_audience('regress_members', cascade => true);
SELECT role, scope, audience FROM segments.access WHERE role LIKE 'regress%' ORDER BY 1, 2, 3;
SELECT detach_audience(name, cascade => true) FROM segments.audience WHERE name LIKE 'regress%';
SELECT revoke_segments_access(role::text::regrole, scope) FROM segments.access WHERE role LIKE 'regress%';
DROP OWNED BY regress_segments_app, regress_segments_reader, regress_segments_analyst, regress_segments_mailer,
    regress_segments_stranger;
DROP ROLE regress_segments_app, regress_segments_reader, regress_segments_analyst, regress_segments_mailer,
    regress_segments_stranger;
RESET search_path;
SET client_min_messages = error;
DROP SCHEMA regress_access CASCADE;
