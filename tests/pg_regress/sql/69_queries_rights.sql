-- Where in_segment() becomes the segment's condition, everyone has the rights that they had with the call.
\pset format unaligned
\pset tuples_only on
\set VERBOSITY terse
SET max_parallel_workers_per_gather = 0;
CREATE ROLE regress_segments_mailer;    -- reads contacts and segments
CREATE ROLE regress_segments_sender;    -- reads contacts, but not what segments mean
CREATE ROLE regress_segments_clerk;     -- reads contacts, without what they spend
CREATE ROLE regress_segments_stranger;  -- reads the table, but sees no segments
CREATE ROLE regress_segments_team;      -- whose members read contacts and segments
CREATE ROLE regress_segments_member;
CREATE SCHEMA regress_queries;
GRANT ALL ON SCHEMA regress_queries TO PUBLIC;
SET search_path = regress_queries, public;
CREATE TABLE people (id int PRIMARY KEY, tenant int, email text, spent int) WITH (autovacuum_enabled = off);
INSERT INTO people SELECT n, n % 2, 'u' || n, n % 10 FROM generate_series(1, 100) n;
SELECT attach_audience('people', 'people');
SELECT count(create_segment(name, condition::segment_condition, audience => 'people')) FROM (VALUES
    ('spends', '{"spent": {"$gte": 8}}'), ('odd', '{"tenant": 1}')) v(name, condition);
SELECT count(grant_segments_access(role::text, scope, 'people')::text) FROM unnest('{read:contacts,read:segments}'::text[]) scope,
    unnest('{regress_segments_mailer,regress_segments_team}'::regrole[]) role;
SELECT grant_segments_access('regress_segments_sender', 'read:contacts', 'people');
SELECT grant_segments_access('regress_segments_clerk', 'read:segments', 'people');
GRANT EXECUTE ON FUNCTION in_segment(anyelement, text), in_segment(text, text) TO regress_segments_stranger, regress_segments_clerk;
GRANT EXECUTE ON FUNCTION segments.id_text(anyelement) TO regress_segments_stranger, regress_segments_clerk;
GRANT USAGE ON SCHEMA segments TO regress_segments_stranger;
GRANT SELECT ON people TO regress_segments_stranger;
GRANT SELECT (id, tenant, email) ON people TO regress_segments_clerk;

-- One prepared statement, many roles. Each has a plan of its own.
PREPARE spends AS SELECT count(*) FROM people p WHERE in_segment(p.id, 'spends');
EXECUTE spends;
SET ROLE regress_segments_mailer;
EXPLAIN (COSTS off) EXECUTE spends;
EXECUTE spends;
SET ROLE regress_segments_sender;
EXPLAIN (COSTS off) EXECUTE spends;
EXECUTE spends;
SET ROLE regress_segments_clerk;
EXPLAIN (COSTS off) EXECUTE spends;
EXECUTE spends;
EXPLAIN (COSTS off) SELECT count(*) FROM people p WHERE in_segment(p.id, 'odd');
SELECT count(*) FROM people p WHERE in_segment(p.id, 'odd');
SET ROLE regress_segments_stranger;
EXPLAIN (COSTS off) EXECUTE spends;
EXECUTE spends;
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
GRANT EXECUTE ON FUNCTION in_segment(anyelement, text), in_segment(text, text), segments.id_text(anyelement) TO regress_segments_mailer;
GRANT USAGE ON SCHEMA segments TO regress_segments_mailer;
SET ROLE regress_segments_mailer;
EXECUTE spends;
RESET ROLE;
REVOKE EXECUTE ON FUNCTION in_segment(anyelement, text), in_segment(text, text), segments.id_text(anyelement) FROM regress_segments_mailer;
SELECT grant_segments_access('regress_segments_mailer', 'read:contacts', 'people'),
       grant_segments_access('regress_segments_mailer', 'read:segments', 'people');
-- Membership of a role that may see the segment.
GRANT regress_segments_team TO regress_segments_member;
SET ROLE regress_segments_member;
EXECUTE spends;
RESET ROLE;
REVOKE regress_segments_team FROM regress_segments_member;
GRANT SELECT ON people TO regress_segments_member;
GRANT EXECUTE ON FUNCTION in_segment(anyelement, text), in_segment(text, text), segments.id_text(anyelement) TO regress_segments_member;
GRANT USAGE ON SCHEMA segments TO regress_segments_member;
SET ROLE regress_segments_member;
EXECUTE spends;
RESET ROLE;

-- The rights are those at the time of execution, in PL/pgSQL and in functions with their owner's rights.
CREATE FUNCTION spends() RETURNS bigint LANGUAGE plpgsql AS $$ BEGIN RETURN (SELECT count(*) FROM people p WHERE in_segment(p.id, 'spends')); END $$;
CREATE FUNCTION spends_as_owner() RETURNS bigint LANGUAGE sql SECURITY DEFINER
    AS 'SELECT count(*) FROM regress_queries.people p WHERE public.in_segment(p.id, ''spends'')';
SELECT spends(), spends_as_owner();
SET ROLE regress_segments_clerk;
SELECT spends();
SELECT spends_as_owner();
SET ROLE regress_segments_mailer;
SELECT spends(), spends_as_owner();
RESET ROLE;

-- A view reads with its owner's rights, but the call is the caller's. A view that reads with the caller's rights is like the table.
CREATE VIEW owned AS SELECT id, email FROM people;
CREATE VIEW invoked WITH (security_invoker) AS SELECT id AS number, email FROM people;
CREATE VIEW barred WITH (security_barrier) AS SELECT id, email FROM people WHERE tenant = 1;
CREATE VIEW spenders AS SELECT id FROM people WHERE in_segment(id, 'spends');
GRANT SELECT ON owned, invoked, barred, spenders TO PUBLIC;
EXPLAIN (COSTS off) SELECT * FROM owned WHERE in_segment(id, 'spends');
EXPLAIN (COSTS off) SELECT * FROM invoked WHERE in_segment(number, 'spends');
EXPLAIN (COSTS off) SELECT * FROM barred WHERE in_segment(id, 'spends');
EXPLAIN (COSTS off) SELECT * FROM spenders;
SET ROLE regress_segments_mailer;
EXPLAIN (COSTS off) SELECT * FROM owned WHERE in_segment(id, 'spends');
EXPLAIN (COSTS off) SELECT * FROM invoked WHERE in_segment(number, 'spends');
EXPLAIN (COSTS off) SELECT * FROM spenders;
SELECT (SELECT count(*) FROM owned WHERE in_segment(id, 'spends')), (SELECT count(*) FROM invoked WHERE in_segment(number, 'spends')),
       (SELECT count(*) FROM barred WHERE in_segment(id, 'spends')), (SELECT count(*) FROM spenders);
SET ROLE regress_segments_clerk;
SELECT count(*) FROM owned WHERE in_segment(id, 'spends');
SELECT count(*) FROM invoked WHERE in_segment(number, 'spends');
SELECT count(*) FROM barred WHERE in_segment(id, 'spends');
SELECT count(*) FROM spenders;
SET ROLE regress_segments_stranger;
SELECT count(*) FROM owned WHERE in_segment(id, 'spends');
RESET ROLE;

-- Row security comes first, whatever a function in the query lets out.
CREATE FUNCTION leak(text) RETURNS boolean LANGUAGE plpgsql COST 0.0001 AS $$ BEGIN RAISE NOTICE 'seen: %', $1; RETURN true; END $$;
CREATE POLICY own ON people USING (tenant = 1);
ALTER TABLE people ENABLE ROW LEVEL SECURITY;
SET ROLE regress_segments_mailer;
EXPLAIN (COSTS off) SELECT * FROM people p WHERE in_segment(p.id, 'spends') AND leak(email) AND id < 10;
SELECT id FROM people p WHERE in_segment(p.id, 'spends') AND leak(email) AND id < 10;
SELECT count(*), count(*) FILTER (WHERE in_segment(id, 'spends')), count(*) FILTER (WHERE in_segment(id, 'odd')) FROM people;
EXECUTE spends;
RESET ROLE;
EXECUTE spends;
ALTER TABLE people DISABLE ROW LEVEL SECURITY;
SET ROLE regress_segments_mailer;
EXECUTE spends;
EXPLAIN (COSTS off) SELECT * FROM barred WHERE leak(email) AND in_segment(id, 'spends') AND id < 10;
RESET ROLE;
-- A policy may ask for a segment of its own table, which the call could not answer without end.
CREATE POLICY spends ON people FOR SELECT TO regress_segments_mailer USING (in_segment(id, 'spends'));
DROP POLICY own ON people;
ALTER TABLE people ENABLE ROW LEVEL SECURITY;
SET ROLE regress_segments_mailer;
SELECT count(*) FROM people;
RESET ROLE;
DROP POLICY spends ON people;
ALTER TABLE people DISABLE ROW LEVEL SECURITY;

-- Partitions: those that do not matter are not read, and a query of one has the rights and the policies of the whole.
CREATE TABLE parts (tenant int, email text, id int NOT NULL, spent int, PRIMARY KEY (tenant, id)) PARTITION BY LIST (tenant);
CREATE TABLE parts_0 PARTITION OF parts FOR VALUES IN (0);
CREATE TABLE parts_1 (spent int, id int NOT NULL, email text, tenant int NOT NULL);
ALTER TABLE parts ATTACH PARTITION parts_1 FOR VALUES IN (1);
INSERT INTO parts SELECT n % 2, 'u' || n, n, n % 10 FROM generate_series(1, 100) n;
SELECT attach_audience('parts', 'parts', id_column => 'id');
SELECT count(create_segment(name, condition::segment_condition, audience => 'parts')) FROM (VALUES
    ('part spends', '{"spent": {"$gte": 8}}'), ('part odd', '{"tenant": 1}'), ('part odd spends', '{"tenant": 1, "spent": 9}')) v(name, condition);
EXPLAIN (COSTS off) SELECT * FROM parts WHERE in_segment(id, 'part odd');
EXPLAIN (COSTS off) SELECT * FROM parts WHERE in_segment(id, 'part odd spends');
EXPLAIN (COSTS off) SELECT * FROM parts_1 p WHERE in_segment(p.id, 'part odd spends');
SELECT (SELECT count(*) FROM parts WHERE in_segment(id, 'part spends')), (SELECT count(*) FROM parts_1 WHERE in_segment(id, 'part spends')),
       (SELECT count(*) FROM parts_1 WHERE in_segment(id + 0, 'part spends')), (SELECT count(*) FROM ONLY parts WHERE in_segment(id, 'part spends'));
GRANT SELECT ON parts_1 TO regress_segments_mailer;
SELECT grant_segments_access('regress_segments_mailer', 'read:segments', 'parts');
SET ROLE regress_segments_mailer;
SELECT count(*) FROM parts_1 WHERE in_segment(id, 'part spends');
RESET ROLE;
GRANT SELECT ON parts TO regress_segments_mailer;
SET ROLE regress_segments_mailer;
PREPARE part AS SELECT count(*) FROM parts_1 WHERE in_segment(id, 'part spends');
EXPLAIN (COSTS off) EXECUTE part;
EXECUTE part;
RESET ROLE;
CREATE POLICY low ON parts USING (id < 50);
ALTER TABLE parts ENABLE ROW LEVEL SECURITY;
SET ROLE regress_segments_mailer;
EXPLAIN (COSTS off) EXECUTE part;
EXECUTE part;
RESET ROLE;
EXECUTE part;

SELECT detach_audience(name, true) FROM segments.audience WHERE name IN ('people', 'parts');
RESET search_path;
SET client_min_messages = error;
DROP SCHEMA regress_queries CASCADE;
DEALLOCATE ALL;
SELECT count(revoke_segments_access(role::text, scope)::text)
  FROM unnest('{regress_segments_mailer,regress_segments_sender,regress_segments_team,regress_segments_clerk}'::regrole[]) role,
    unnest('{read:segments,read:contacts}'::text[]) scope;
DROP OWNED BY regress_segments_mailer, regress_segments_sender, regress_segments_clerk, regress_segments_stranger, regress_segments_team,
    regress_segments_member;
DROP ROLE regress_segments_mailer, regress_segments_sender, regress_segments_clerk, regress_segments_stranger, regress_segments_team,
    regress_segments_member;
