-- Hostile owners of tables: the code that hangs on these runs with its owner's rights, or not at all, when segments do something of
-- their own accord: as event triggers, for statements of others, or with the rights of the extension's owner.
\pset format unaligned
\pset tuples_only on
CREATE ROLE regress_segments_mallory;  -- owns hostile tables
CREATE ROLE regress_segments_writer;   -- has nothing to do with segments
CREATE SCHEMA regress_owners;
GRANT ALL ON SCHEMA regress_owners TO PUBLIC;
SET search_path = regress_owners, public;
SELECT grant_segments_access('regress_segments_mallory', 'write:segments');
CREATE TABLE witnessed (who name, what text);
GRANT ALL ON witnessed TO PUBLIC;

-- 1. Expressions and predicates of indexes, which Postgres evaluates, as far as they are constant, while it plans a query.
SET ROLE regress_segments_mallory;
CREATE FUNCTION witness(what text) RETURNS boolean LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO regress_owners.witnessed VALUES (current_user, what);
    RETURN true;
END $$;
CREATE FUNCTION constant(what text) RETURNS boolean IMMUTABLE LANGUAGE plpgsql AS 'BEGIN RETURN regress_owners.witness(what); END';
CREATE TABLE parted (id int, n int) PARTITION BY RANGE (id);
CREATE TABLE parted_1 PARTITION OF parted FOR VALUES FROM (0) TO (10);
CREATE TABLE parted_2 (id int, n int);
INSERT INTO parted VALUES (1, 1), (2, 2);
INSERT INTO parted_2 VALUES (11, 1);
CREATE INDEX ON parted_1 (n) WHERE constant('predicate');
CREATE INDEX ON parted_1 ((constant('expression') AND n = 1));
CREATE INDEX ON parted_2 (n) WHERE constant('predicate of a part that comes');
CREATE INDEX ON parted_2 ((constant('expression of a part that comes') AND n = 1));
SELECT attach_audience('parted', 'parted', 'id');
SELECT name FROM create_segment('Ones', '{"n": 1}', audience => 'parted');
SELECT set_freshness('parted', 'live');
SELECT watch_segment(id) FROM segments.segment WHERE audience = 'parted';
ALTER TABLE parted ATTACH PARTITION parted_2 FOR VALUES FROM (10) TO (20);
ALTER TABLE parted DETACH PARTITION parted_2;
ALTER TABLE parted ATTACH PARTITION parted_2 FOR VALUES FROM (10) TO (20);
TRUNCATE parted_1;
DROP TABLE parted_2;
RESET ROLE;
SELECT DISTINCT who FROM witnessed;

-- 2. A command that changes any table has live audiences follow theirs. What others' contacts are is not told on the way.
CREATE TABLE quoted (id int, n int) PARTITION BY RANGE (id);
CREATE TABLE quoted_1 (id int, n int);
INSERT INTO quoted_1 VALUES (1, 1);
ALTER TABLE quoted OWNER TO regress_segments_mallory;
ALTER TABLE quoted_1 OWNER TO regress_segments_mallory;
SELECT attach_audience('quoted', 'quoted', 'id');
SELECT name FROM create_segment('One', '{"n": 1}', audience => 'quoted');
SELECT set_freshness('quoted', 'live');
REVOKE ALL ON quoted, quoted_1 FROM regress_segments_mallory;
ALTER TABLE quoted ATTACH PARTITION quoted_1 FOR VALUES FROM (0) TO (10);
SET ROLE regress_segments_writer;
CREATE TABLE unrelated (id int);
DROP TABLE unrelated;
RESET ROLE;
SELECT set_freshness('quoted', 'periodic');
DROP TABLE quoted CASCADE;

-- 3. Whoever changes tables may have put anything into the way of what follows them: functions, operators and tables of their own.
CREATE TABLE followed (id int PRIMARY KEY, country text, note text) PARTITION BY RANGE (id);
CREATE TABLE followed_1 PARTITION OF followed FOR VALUES FROM (0) TO (10);
SELECT attach_audience('followed', 'followed', columns => '{country,note}');
SELECT name FROM create_segment('American', '{"country": "US"}', audience => 'followed');
SELECT set_freshness('followed', 'live');
ALTER TABLE followed OWNER TO regress_segments_writer;
ALTER TABLE followed_1 OWNER TO regress_segments_writer;
SET ROLE regress_segments_writer;
DO $$
DECLARE
    shadow text;
BEGIN
    FOREACH shadow IN ARRAY ARRAY['shadow(oid, oid) RETURNS boolean', 'shadow(name, name) RETURNS boolean', 'shadow(text[], text[]) RETURNS boolean',
                                  'to_regclass(text) RETURNS regclass', 'pg_event_trigger_dropped_objects() RETURNS SETOF oid',
                                  'pg_event_trigger_ddl_commands() RETURNS SETOF oid'] LOOP
        EXECUTE format('CREATE FUNCTION regress_owners.%s LANGUAGE plpgsql AS %L', shadow, 'BEGIN RAISE EXCEPTION ''shadow''; END');
    END LOOP;
    CREATE OPERATOR regress_owners.= (LEFTARG = oid, RIGHTARG = oid, FUNCTION = regress_owners.shadow);
    CREATE OPERATOR regress_owners.= (LEFTARG = name, RIGHTARG = name, FUNCTION = regress_owners.shadow);
    CREATE OPERATOR regress_owners.<@ (LEFTARG = text[], RIGHTARG = text[], FUNCTION = regress_owners.shadow);
END $$;
CREATE TEMP TABLE pg_class (oid oid);
CREATE TEMP TABLE audience_config (name text);
SET search_path = pg_temp, regress_owners, pg_catalog, public;
ALTER TABLE regress_owners.followed RENAME note TO remark;
ALTER TABLE regress_owners.followed RENAME TO "'; DROP TABLE witnessed; --";
CREATE TABLE regress_owners."""; DROP TABLE witnessed; --" PARTITION OF regress_owners."'; DROP TABLE witnessed; --" FOR VALUES FROM (10) TO (20);
INSERT INTO regress_owners."'; DROP TABLE witnessed; --" VALUES (1, 'US'), (11, 'US');
ALTER TABLE regress_owners."'; DROP TABLE witnessed; --" DETACH PARTITION regress_owners.followed_1;
RESET ROLE;
SET search_path = regress_owners, public;
DISCARD TEMP;
SELECT relation_name, columns FROM segments.audience WHERE name = 'followed';
SELECT name, contact_count FROM list_segments('followed');
SET search_path = pg_temp, regress_owners, pg_catalog, public;
DROP TABLE "'; DROP TABLE witnessed; --";
SET search_path = regress_owners, public;
SELECT relation IS NULL AS forgotten FROM segments.audience WHERE name = 'followed';

-- Nor does it depend on settings how names are kept.
CREATE TABLE named (id int PRIMARY KEY);
CREATE TABLE named_topics (contact int, topic text);
SET quote_all_identifiers = on;
SELECT attach_audience('named', 'named'), attach_topics('named', 'named_topics', 'contact', 'topic'), count_contacts('{}', 'named');
ALTER TABLE named RENAME TO renamed;
SELECT count_contacts('{}', 'named');
SELECT relation, relation_name FROM segments.audience WHERE name = 'named';
RESET quote_all_identifiers;
SELECT relation, relation_name, topics_relation, count_contacts('{}', name) FROM segments.audience WHERE name = 'named';

-- 4. Triggers of the names that live counts use are not theirs.
CREATE TABLE live (id int PRIMARY KEY, n int);
GRANT TRIGGER ON live TO regress_segments_writer;
SELECT attach_audience('live', 'live');
SELECT name FROM create_segment('Ones', '{"n": 1}', audience => 'live');
SET ROLE regress_segments_writer;
CREATE FUNCTION nothing() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END';
CREATE TRIGGER segments_live_insert AFTER INSERT ON live EXECUTE FUNCTION nothing();
CREATE TRIGGER segments_live_update AFTER UPDATE ON live EXECUTE FUNCTION nothing();
CREATE TRIGGER segments_live_delete AFTER DELETE ON live EXECUTE FUNCTION nothing();
CREATE TRIGGER segments_live_truncate AFTER TRUNCATE ON live EXECUTE FUNCTION nothing();
CREATE TRIGGER segments_live_truncated AFTER TRUNCATE ON live EXECUTE FUNCTION nothing();
RESET ROLE;
SELECT set_freshness('live', 'live');
SET client_min_messages = error;
SELECT count(detach_audience(name, cascade => true)) FROM segments.audience WHERE name IN ('parted', 'quoted', 'followed', 'named', 'live');
-- And those who may write segments cannot make any.
SET ROLE regress_segments_mallory;
CREATE TRIGGER mine AFTER INSERT ON parted EXECUTE FUNCTION segments.keep_counts();
RESET ROLE;

SELECT count(revoke_segments_access(quote_ident(role), scope)) FROM segments.access WHERE role LIKE 'regress%';
DROP SCHEMA regress_owners CASCADE;
DROP OWNED BY regress_segments_mallory, regress_segments_writer;
DROP ROLE regress_segments_mallory, regress_segments_writer;
