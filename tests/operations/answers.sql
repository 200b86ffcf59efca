-- All that segments answers in the database of build.sql: the same whatever is done to the server in between.
SET client_min_messages = warning;
SET search_path = public, extensions;
\pset null NULL

SELECT name, relation, relation_name, id_column, properties_column, created_column, columns, scope, time_zone, topics_relation,
       freshness, refresh_interval, based_on, created_at FROM segments.audience ORDER BY name;
SELECT audience, name, type, kind, label FROM segments.property ORDER BY 1, 2;
SELECT * FROM segments.topic ORDER BY id;
SELECT * FROM segments.relation ORDER BY audience, name;
SELECT id, name, description, conditions, audience, time_zone, contact_count, created_at, updated_at,
       CASE WHEN audience IN (SELECT name FROM segments.audience WHERE freshness = 'periodic') THEN counted_at END AS counted_at
  FROM segments.segment ORDER BY id;
SELECT role, scope, audience FROM segments.access ORDER BY 1, 2, 3;
SELECT segment, reference, target FROM segments.segment_reference ORDER BY 1, 2;

-- What each segment says now, or why it cannot.
CREATE FUNCTION pg_temp.ask(segment uuid) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
    RETURN (SELECT count(*) || ': ' || md5(string_agg(contact::text, '' ORDER BY contact::text)) || ' WHERE ' || segment_sql(segment)
              FROM segment_contacts(segment, 1000) contact);
EXCEPTION WHEN OTHERS THEN
    RETURN SQLSTATE || ': ' || SQLERRM;
END $$;
SELECT name, audience, pg_temp.ask(id) FROM segments.segment ORDER BY id;
SELECT count_contacts('{"lifetime_value": {"$gt": 100}, "$topic": "weekly-news"}'), count_contacts('{}', 'tenant 2');

-- Who may do what.
SELECT r.rolname, p.proname, count(*)
  FROM pg_depend d JOIN pg_proc p ON p.oid = d.objid AND d.classid = 'pg_proc'::regclass, pg_roles r
 WHERE d.refobjid = (SELECT oid FROM pg_extension WHERE extname = 'segments') AND d.deptype = 'e'
   AND r.rolname ILIKE 'regress%' AND has_function_privilege(r.oid, p.oid, 'EXECUTE')
 GROUP BY 1, 2 ORDER BY 1, 2;
SELECT c.oid::regclass::text AS relation,
       (SELECT string_agg(concat_ws(' ', grantee::regrole, privilege_type), ', ' ORDER BY grantee::regrole::text, privilege_type)
          FROM aclexplode(c.relacl) WHERE grantee <> c.relowner) AS acl,
       (SELECT array_agg(attname || attacl::text ORDER BY attnum) FROM pg_attribute WHERE attrelid = c.oid AND attacl IS NOT NULL) AS columns,
       c.relrowsecurity, (SELECT array_agg(polname ORDER BY polname) FROM pg_policy WHERE polrelid = c.oid) AS policies
  FROM pg_class c WHERE c.relkind IN ('r', 'v') AND c.relnamespace::regnamespace::text IN ('segments', 'public', '"Own schema"') ORDER BY 1;
SET SESSION AUTHORIZATION regress_segments_reader;
SELECT name, audience, contact_count FROM list_segments(page_size => 100);
RESET SESSION AUTHORIZATION;
SET SESSION AUTHORIZATION regress_segments_tenant;
SELECT name, audience, contact_count FROM list_segments(page_size => 100);
SELECT count_contacts('{}', 'tenant 2'), count_contacts('{}', 'owned');
SELECT count_contacts('{}', 'contacts');
RESET SESSION AUTHORIZATION;

-- The users' own: columns, indexes, triggers, constraints.
SELECT indexdef FROM pg_indexes WHERE schemaname IN ('public', 'Own schema') ORDER BY 1;
SELECT tgrelid::regclass::text, pg_get_triggerdef(oid) FROM pg_trigger WHERE NOT tgisinternal ORDER BY 1, 2;
SELECT conrelid::regclass::text, pg_get_constraintdef(oid) FROM pg_constraint WHERE contype <> 'n' AND conrelid <> 0 ORDER BY 1, 2;
SELECT evtname, evtenabled FROM pg_event_trigger ORDER BY 1;

-- It goes on: a renamed column is followed, a segment is made, a count is taken.
BEGIN;
ALTER TABLE "Own schema"."Custo""mers" RENAME number TO "no";
ALTER TABLE "Own schema"."Custo""mers" RENAME properties TO props;
ALTER TABLE contact_topics RENAME topic TO subject;
ALTER TABLE "Own schema"."Or.ders" RENAME amount TO total;
ALTER TABLE "Own schema"."Or.ders" RENAME placed TO at;
ALTER TABLE "Own schema"."Custo""mers" RENAME country TO nation;
SELECT id_column, properties_column FROM segments.audience WHERE name = 'customers';
SELECT name, conditions FROM segments.segment ORDER BY id;
SELECT name, audience, pg_temp.ask(id) FROM segments.segment ORDER BY id;
SELECT contact_count FROM create_segment('New', '{"$segment": "Both"}');
SELECT contact_count FROM create_segment('New', '{"vip": true}', audience => 'customers');
INSERT INTO zebra.live VALUES (101, 1), (102, 2);
SELECT name, contact_count FROM segments.segment WHERE audience = 'live';
ROLLBACK;
