-- Where segment_members() becomes the query for the members, everyone has the rights that they had with the call.
\pset format unaligned
\pset tuples_only on
\set VERBOSITY terse
SET max_parallel_workers_per_gather = 0;
CREATE ROLE regress_segments_mailer;    -- reads contacts and segments
CREATE ROLE regress_segments_sender;    -- reads contacts, but not what segments mean
CREATE ROLE regress_segments_clerk;     -- reads contacts, without what they spend
CREATE ROLE regress_segments_stranger;  -- reads the table, but sees no segments
CREATE SCHEMA regress_members;
GRANT ALL ON SCHEMA regress_members TO PUBLIC;
SET search_path = regress_members, public;
CREATE TABLE people (id int PRIMARY KEY, tenant int, email text, spent int);
INSERT INTO people SELECT n, n % 2, 'u' || n, n % 10 FROM generate_series(1, 100) n;
SELECT attach_audience('people', 'people');
SELECT count(create_segment(name, condition::segment_condition, audience => 'people')) FROM (VALUES
    ('spends', '{"spent": {"$gte": 8}}'), ('odd', '{"tenant": 1}')) v(name, condition);
SELECT grant_segments_access('regress_segments_mailer', scope, 'people') FROM unnest('{read:contacts,read:segments}'::text[]) scope;
SELECT grant_segments_access('regress_segments_sender', 'read:contacts', 'people');
SELECT grant_segments_access('regress_segments_clerk', 'read:segments', 'people');
GRANT EXECUTE ON FUNCTION segment_members(text, anyelement) TO regress_segments_stranger, regress_segments_clerk;
GRANT SELECT ON people TO regress_segments_stranger;
GRANT SELECT (id, tenant, email) ON people TO regress_segments_clerk;

-- One prepared statement, many roles. Each has a plan of its own.
PREPARE spends AS SELECT count(*) FROM segment_members('spends', NULL::int);
EXECUTE spends;
SET ROLE regress_segments_mailer;
EXPLAIN (COSTS off) EXECUTE spends;
EXECUTE spends;
SET ROLE regress_segments_sender;
EXPLAIN (COSTS off) EXECUTE spends;
EXECUTE spends;
EXPLAIN SELECT * FROM segment_members('spends', NULL::int) WITH ORDINALITY;
SET ROLE regress_segments_clerk;
EXPLAIN (COSTS off) EXECUTE spends;
EXECUTE spends;
EXPLAIN (COSTS off) SELECT * FROM segment_members('odd', NULL::int);
SELECT count(*) FROM segment_members('odd', NULL::int);
-- The estimate does not tell a count to a role that may not see it.
EXPLAIN SELECT * FROM segment_members('spends', NULL::int) WITH ORDINALITY;
EXPLAIN SELECT * FROM segment_members('odd', NULL::int) WITH ORDINALITY;
SET ROLE regress_segments_stranger;
EXPLAIN (COSTS off) EXECUTE spends;
EXECUTE spends;
EXPLAIN SELECT * FROM segment_members('odd', NULL::int) WITH ORDINALITY;
RESET ROLE;
EXECUTE spends;

-- A right that is taken away is missed by a plan that was kept: on a column, on the function, to see the segment.
SET ROLE regress_segments_mailer;
EXECUTE spends;
RESET ROLE;
REVOKE SELECT ON people FROM regress_segments_mailer;
GRANT SELECT (id) ON people TO regress_segments_mailer;
SET ROLE regress_segments_mailer;
EXECUTE spends;
RESET ROLE;
GRANT SELECT ON people TO regress_segments_mailer;
SET ROLE regress_segments_mailer;
EXECUTE spends;
RESET ROLE;
SELECT revoke_segments_access('regress_segments_mailer', 'read:segments', 'people');
SET ROLE regress_segments_mailer;
EXPLAIN (COSTS off) EXECUTE spends;
EXECUTE spends;
RESET ROLE;
SELECT revoke_segments_access('regress_segments_mailer', 'read:contacts', 'people');
GRANT SELECT ON people TO regress_segments_mailer;
SET ROLE regress_segments_mailer;
EXECUTE spends;
RESET ROLE;
SELECT grant_segments_access('regress_segments_mailer', scope, 'people') FROM unnest('{read:contacts,read:segments}'::text[]) scope;
SET ROLE regress_segments_mailer;
EXECUTE spends;
RESET ROLE;
REVOKE EXECUTE ON FUNCTION segment_members(text, anyelement) FROM regress_segments_mailer;
SET ROLE regress_segments_mailer;
EXECUTE spends;
SELECT segment_members('spends', NULL::int) LIMIT 1;
RESET ROLE;
GRANT EXECUTE ON FUNCTION segment_members(text, anyelement) TO regress_segments_mailer;

-- The rights are those at the time of execution: in PL/pgSQL, in functions with their owner's rights, and in views, where the call
-- is always the caller's.
CREATE FUNCTION spends() RETURNS bigint LANGUAGE plpgsql AS $$ BEGIN RETURN (SELECT count(*) FROM segment_members('spends', NULL::int)); END $$;
CREATE FUNCTION spends_as_owner() RETURNS bigint LANGUAGE sql SECURITY DEFINER
    AS 'SELECT count(*) FROM public.segment_members(''spends'', NULL::int)';
CREATE VIEW spenders AS SELECT m AS id FROM segment_members('spends', NULL::int) m;
CREATE VIEW barred WITH (security_barrier) AS SELECT m AS id FROM segment_members('spends', NULL::int) m;
GRANT SELECT ON spenders, barred TO PUBLIC;
SELECT spends(), spends_as_owner(), (SELECT count(*) FROM spenders);
SET ROLE regress_segments_clerk;
SELECT spends();
SELECT spends_as_owner();
SELECT count(*) FROM spenders;
SET ROLE regress_segments_mailer;
SELECT spends(), spends_as_owner(), (SELECT count(*) FROM spenders);
SET ROLE regress_segments_stranger;
SELECT spends_as_owner();
SELECT count(*) FROM spenders;
RESET ROLE;

-- Row security comes first, and a function in the query sees no contacts that the caller does not see, nor through a barrier those
-- that are no members.
CREATE FUNCTION leak(int) RETURNS boolean LANGUAGE plpgsql COST 0.0001 AS $$ BEGIN RAISE WARNING 'seen: %', $1; RETURN true; END $$;
CREATE POLICY own ON people USING (tenant = 1);
ALTER TABLE people ENABLE ROW LEVEL SECURITY;
SET ROLE regress_segments_mailer;
EXPLAIN (COSTS off) SELECT * FROM segment_members('spends', NULL::int) m WHERE leak(m) AND m < 20;
SELECT * FROM segment_members('spends', NULL::int) m WHERE leak(m) AND m < 20;
SELECT * FROM barred WHERE leak(id) AND id < 20;
EXECUTE spends;
SELECT count(*) FROM segment_members('odd', NULL::int);
-- Without row_security, policies are refused: to the plan that is kept, too, though it was made while they applied.
SET row_security = off;
SELECT count(*) FROM segment_members('odd', NULL::int);
EXECUTE spends;
RESET row_security;
EXECUTE spends;
RESET ROLE;
EXECUTE spends;
-- A policy is added, changed and dropped under a plan that is kept.
ALTER POLICY own ON people USING (tenant = 0 AND id > 50);
SET ROLE regress_segments_mailer;
EXECUTE spends;
RESET ROLE;
ALTER TABLE people DISABLE ROW LEVEL SECURITY;
SET ROLE regress_segments_mailer;
EXECUTE spends;
SELECT count(*) FROM barred WHERE leak(id) AND id < 12;
RESET ROLE;

-- Names in a user's schemas and other functions with the support function have no part in it.
CREATE FUNCTION segment_members(text, anyelement) RETURNS SETOF anyelement LANGUAGE sql AS 'SELECT $2';
SELECT count(*) FROM segment_members('spends', 7) m, public.segment_members('spends', NULL::int) n;
DROP FUNCTION segment_members(text, anyelement);
CREATE FUNCTION other(text) RETURNS SETOF int LANGUAGE sql SUPPORT segments.segment_members_support AS 'SELECT 1';
SELECT count(*) FROM other('nobody knows');
CREATE FUNCTION other(int) RETURNS SETOF int LANGUAGE sql SUPPORT segments.segment_members_support AS 'SELECT $1';
SELECT * FROM other(3);
SET ROLE regress_segments_stranger;
CREATE FUNCTION mine(text) RETURNS SETOF int LANGUAGE sql SUPPORT segments.segment_members_support AS 'SELECT 1';
RESET ROLE;
-- A segment's name is data.
SELECT name FROM create_segment($$x'; DROP TABLE people; --$$, '{"email": "u1''); DROP TABLE people; --"}', audience => 'people');
SELECT count(*) FROM segment_members($$x'; DROP TABLE people; --$$, NULL::int);
SELECT count(*) FROM people;

-- A policy may ask for a segment of another table.
CREATE TABLE letters (id int PRIMARY KEY, person int);
INSERT INTO letters SELECT n, n FROM generate_series(1, 100) n;
CREATE POLICY members ON letters USING (person IN (SELECT segment_members('spends', NULL::int)));
ALTER TABLE letters ENABLE ROW LEVEL SECURITY;
GRANT SELECT ON letters TO PUBLIC;
SET ROLE regress_segments_mailer;
SELECT count(*) FROM letters;
SET ROLE regress_segments_clerk;
SELECT count(*) FROM letters;
RESET ROLE;

SELECT detach_audience('people', true);
RESET search_path;
SET client_min_messages = error;
DROP SCHEMA regress_members CASCADE;
DEALLOCATE ALL;
SELECT count(revoke_segments_access(role::text, scope)::text)
  FROM unnest('{regress_segments_mailer,regress_segments_sender,regress_segments_clerk}'::regrole[]) role,
    unnest('{read:segments,read:contacts}'::text[]) scope;
DROP OWNED BY regress_segments_mailer, regress_segments_sender, regress_segments_clerk, regress_segments_stranger;
DROP ROLE regress_segments_mailer, regress_segments_sender, regress_segments_clerk, regress_segments_stranger;
