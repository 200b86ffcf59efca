-- Tables of mallory's, on which hangs what she has found, and one of alice's beside them.
CREATE EXTENSION segments;
SELECT grant_segments_access(role, 'write:segments') FROM unnest('{alice,mallory}'::regrole[]) role;
CREATE TABLE armed (yes boolean);
CREATE TABLE witnessed (who name, logged_in name, what text);
CREATE TABLE attempted (what text, outcome text);
GRANT ALL ON armed, witnessed, attempted TO PUBLIC;
CREATE SCHEMA alices AUTHORIZATION alice;
CREATE SCHEMA hostile AUTHORIZATION mallory;

\connect - alice
CREATE TABLE alices.people (id int PRIMARY KEY, n int);
INSERT INTO alices.people SELECT n, n % 2 FROM generate_series(1, 100) n;
SELECT attach_audience('people', 'alices.people'), create_segment('Ones', '{"n": 1}', audience => 'people');

\connect - mallory
SET search_path = hostile, public;
CREATE TABLE deferring (id int);
CREATE FUNCTION deferred() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO public.witnessed VALUES (current_user, session_user, 'deferred trigger');
    RETURN NULL;
END $$;
CREATE CONSTRAINT TRIGGER deferred AFTER INSERT ON deferring DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION deferred();
CREATE PROCEDURE commits() LANGUAGE plpgsql AS 'BEGIN COMMIT; END';
CREATE TABLE attempts (what text, statement text);
INSERT INTO attempts VALUES
    ('another role', 'SET ROLE postgres'),
    ('another session', 'SET SESSION AUTHORIZATION postgres'),
    ('commit', 'CALL hostile.commits()'),
    ('contacts of others', 'SELECT FROM alices.people'),
    ('cursor that stays', 'DECLARE stays CURSOR WITH HOLD FOR SELECT 1'),
    ('deferred trigger', 'INSERT INTO hostile.deferring VALUES (1)'),
    ('files', 'SELECT pg_catalog.pg_read_file(''PG_VERSION'')'),
    ('its own role', 'RESET ROLE'),
    ('listening', 'LISTEN hostile'),
    ('prepared statement', 'PREPARE stays AS SELECT 1'),
    ('programs', 'COPY (SELECT 1) TO PROGRAM ''true'''),
    ('replica', 'SET session_replication_role = replica'),
    ('scopes', 'INSERT INTO segments.access VALUES (''mallory'', ''read:contacts'', NULL)'),
    ('superuser', 'ALTER ROLE mallory SUPERUSER'),
    ('temporary table', 'CREATE TEMP TABLE pg_class (oid oid)'),
    ('the end', 'SELECT pg_catalog.pg_terminate_backend(pg_catalog.pg_backend_pid())');
CREATE FUNCTION witness(what text) RETURNS boolean LANGUAGE plpgsql AS $$
DECLARE
    attempt record;
BEGIN
    IF NOT EXISTS (SELECT FROM public.armed) THEN RETURN true; END IF;
    INSERT INTO public.witnessed VALUES (current_user, session_user, what);
    IF nullif(current_setting('hostile.left', true), '') <> pg_current_xact_id()::text THEN
        INSERT INTO public.attempted VALUES ('what an earlier count has set', 'is there');
    END IF;
    PERFORM set_config('hostile.left', pg_current_xact_id()::text, false), set_config('search_path', 'hostile', false);
    FOR attempt IN SELECT * FROM hostile.attempts LOOP
        BEGIN
            EXECUTE attempt.statement;
            INSERT INTO public.attempted VALUES (attempt.what, 'done');
        EXCEPTION WHEN OTHERS THEN
            INSERT INTO public.attempted VALUES (attempt.what, SQLSTATE);
        END;
    END LOOP;
    RETURN true;
END $$;
CREATE FUNCTION constant(what text) RETURNS boolean IMMUTABLE LANGUAGE plpgsql AS 'BEGIN RETURN hostile.witness(what); END';
CREATE DOMAIN checked AS int CHECK (hostile.witness('check of a domain'));
CREATE TYPE level AS ENUM ('low');
CREATE FUNCTION level_of(int) RETURNS level LANGUAGE sql AS $$SELECT 'low'::hostile.level WHERE hostile.witness('cast')$$;
CREATE CAST (int AS level) WITH FUNCTION level_of(int);
CREATE FUNCTION equal(int, int) RETURNS boolean LANGUAGE sql AS $$SELECT hostile.witness('operator')$$;
CREATE OPERATOR = (LEFTARG = int, RIGHTARG = int, FUNCTION = equal);

CREATE TABLE forced (id int PRIMARY KEY, n int DEFAULT witness('default')::int);
INSERT INTO forced VALUES (1, 1);
ALTER TABLE forced ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE POLICY watching ON forced USING (witness('policy'));
CREATE TABLE parted (id int, n int) PARTITION BY RANGE (id);
CREATE TABLE part PARTITION OF parted DEFAULT;
INSERT INTO parted VALUES (1, 1);
CREATE INDEX ON part (n) WHERE constant('predicate of an index');
CREATE INDEX ON part ((constant('expression of an index') AND n IS NULL));
CREATE VIEW viewed AS SELECT id, n FROM part
 WHERE witness('view') AND id::checked IS NOT NULL AND id::level IS NOT NULL AND id OPERATOR(hostile.=) n;
SELECT attach_audience(name, ('hostile.' || name)::regclass, 'id') FROM unnest('{forced,parted,viewed}'::text[]) name;
SELECT create_segment(n::text, format('{"n": %s}', n)::jsonb, audience => name)
  FROM unnest('{forced,parted,viewed}'::text[]) name, generate_series(1, 2) n;
