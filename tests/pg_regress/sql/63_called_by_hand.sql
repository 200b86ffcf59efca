-- What only Postgres or segments themselves are meant to call, called by hand and with forged arguments: it raises, or answers, and does
-- not bring the server down. Much of this takes a superuser to begin with.
\pset format unaligned
\pset tuples_only on
CREATE ROLE regress_segments_mallory;
CREATE SCHEMA regress_by_hand;
GRANT ALL ON SCHEMA regress_by_hand TO PUBLIC;
SET search_path = regress_by_hand, public;

-- 1. Functions for triggers.
SELECT segments.keep_counts();
SELECT segments.definitions_changed();
SELECT segments.follow_parts();
SELECT segments.forget_dropped_relations();
SELECT segments.forget_dropped();
SELECT segments.follow_altered();
SELECT segments.follow_renamed_relations();
SELECT segments.forget_rewritten_counts();
SELECT segments.forget_rewritten();
SELECT segments.forget_relabelled_counts();
SELECT segments.forget_relabelled();
SELECT segments.apply_access_after_upgrade();
SELECT segments.name_change_log();

-- 2. The tally, which is everyone's: plans that are none, of other columns, of other types, of other people's refreshes.
CREATE TYPE colour AS ENUM ('red', 'blue');
CREATE DOMAIN colours AS colour[];
CREATE TYPE pair AS (a int, b text);
CREATE TABLE everything (
    a bool, b "char", c name, d int2, e int4, f int8, g float4, h float8, i numeric, j text, k varchar(9), l char(9), m bytea, n uuid,
    o date, p time, q timestamp, r timestamptz, s interval, t json, u jsonb, v cidr, w point, x inet, y bit(3), z tsvector,
    aa colour, ab colours, ac pair, ad pair[], ae int4[], af text[], ag jsonb[], ah int4range, ai int4multirange, aj oid, ak regclass,
    al int2vector, am oidvector, an segment_condition, ao money, ap pg_lsn, aq tid, ar xid8, "as" jsonpath);
INSERT INTO everything VALUES (
    true, 'x', 'x', 1, 1, 1, 1.5, 'NaN', 'Infinity', 'x', 'x', 'x', '\x00ff', '00000000-0000-0000-0000-000000000000',
    'infinity', '12:00', '-infinity', '2024-01-01', '1 day', '{"a": [1]}', '{"a": [1]}', '::1/128', '(1,2)', '::1', '101', 'a b',
    'red', '{red,NULL}', '(1,x)', '{"(1,x)",NULL}', '[3:4]={1,NULL}', '{{a,b},{c,d}}', '{"{}"}', '[1,2)', '{[1,2)}', 1, 'pg_class',
    '1 2', '1 2', '{"a": 1}', 1, '0/1', '(0,1)', '1', '$.a'), (NULL);
GRANT SELECT ON everything TO PUBLIC;
SET ROLE regress_segments_mallory;
SELECT segments_tally('[[["n", 0]], null, null, ["{\"n\": {\"$gt\": 1}}", "{}"]]', n) FROM generate_series(1, 3) n;
SELECT segments_tally(NULL, 1);
SELECT segments_tally('', 1);
\set VERBOSITY sqlstate
SELECT segments_tally(NULL, 1);
SELECT segments_tally('[[], 7, null, ["{\"n\": 1}"]]', 1);
\set VERBOSITY terse
SELECT segments_tally('[[["n", 1]], null, null, ["{\"n\": 1}"]]', 1);
SELECT segments_tally('[[["n", 18446744073709551615]], null, null, ["{\"n\": 1}"]]', 1);
SELECT segments_tally('[[["n", -1]], null, null, ["{\"n\": 1}"]]', 1);
SELECT segments_tally('[[], 7, null, ["{\"n\": 1}"]]', 1);
SELECT segments_tally('[[["n", 0]], null, null, ["{\"n\": {\"$nope\": 1}}"]]', 1);
SELECT segments_tally('[[["n", 0]], 0, [0, 1], ["{\"n\": 1}", "{\"m\": 1}"]]', 1), segments_tally('[[], null, [99, 1], []]', 1);
SELECT segments_tally('[[["n", 0], ["n", 1]], null, [18446744073709551615, 18446744073709551615], ["{\"n\": 1}"]]', 1, 'x'::text),
       segments_tally('[[["n", 0]], null, null, ["{\"n\": 1}"]]', VARIADIC '{1,2}'::int[]),
       segments_tally('[[["n", 0]], null, null, ["{\"n\": 1}"]]', NULL);
-- Plans that differ from row to row, in windows, sets and groups.
SELECT segments_tally(CASE WHEN n = 1 THEN '[[["n", 0]], null, null, ["{\"n\": 1}"]]' ELSE '[[], null, null, ["{}", "{}", "{}"]]' END, n)
  FROM (SELECT n FROM generate_series(1, 3) n ORDER BY n) n;
SELECT n, segments_tally('[[["n", 0]], null, null, ["{\"n\": 2}"]]', n) OVER (ORDER BY n ROWS BETWEEN 1 PRECEDING AND CURRENT ROW),
       segments_tally('[[["n", 0]], null, null, ["{}"]]', n) FILTER (WHERE n < 3) OVER (PARTITION BY n % 2) FROM generate_series(1, 4) n ORDER BY n;
SELECT n % 2 AS odd, segments_tally(DISTINCT '[[["n", 0]], null, null, ["{}"]]', n % 3) FROM generate_series(1, 4) n GROUP BY 1 ORDER BY 1;
SELECT n % 2 AS odd, n % 3 AS rest, segments_tally('[[["n", 0]], null, null, ["{}"]]', n) FROM generate_series(1, 4) n GROUP BY CUBE (1, 2) ORDER BY 1, 2;
-- Every column as every sort of value, of which it is asked everything.
DO $$
DECLARE
    columns text := (SELECT string_agg(quote_ident(attname), ', ' ORDER BY attnum) FROM pg_attribute WHERE attrelid = 'everything'::regclass AND attnum > 0);
    number int := (SELECT count(*) FROM pg_attribute WHERE attrelid = 'everything'::regclass AND attnum > 0);
    tests text[] := '{1,"\"x\"",true,null,"\"2024-01-01\"","[1, 2]","{\"$gt\": 1}",
        "{\"$regex\": \"x\"}","{\"$type\": \"date\"}","{\"$elemMatch\": {\"$gt\": 0}}",
            "{\"$exists\": true}","{\"$size\": 2}","{\"$lt\": {\"$now\": \"0 days\"}}"}';
    answered int := 0;
    raised int := 0;
    conditions jsonb;
BEGIN
    SELECT jsonb_agg(format('{%s: %s}', to_json(key), test)) INTO conditions FROM unnest(tests) test, unnest('{k,k.a}'::text[]) key;
    FOR position IN 0..number - 1 LOOP
        FOR folds IN 0..1 LOOP
            BEGIN
                EXECUTE format('SELECT segments_tally($1, %s), segments_tally($2, %1$s) FROM regress_by_hand.everything', columns)
                  USING jsonb_build_array(jsonb_build_array(jsonb_build_array('k', position, folds = 1)), position, NULL, conditions)::text,
                        jsonb_build_array('[]'::jsonb, position, NULL, conditions)::text;
                answered := answered + 1;
            EXCEPTION WHEN OTHERS THEN
                raised := raised + 1;
                RAISE NOTICE '%', SQLERRM;
            END;
        END LOOP;
    END LOOP;
    RAISE WARNING '% answered, % raised', answered, raised;
END $$;
SELECT segments_tally('[[["n", 0]], 0, null, ["{\"n\": 1}", "{\"m\": 1}"]]', most_common_vals) FROM pg_stats WHERE false;
-- Who may not call a function cannot have an aggregate, an operator or a trigger call it.
CREATE AGGREGATE forged(text, VARIADIC "any") (SFUNC = segments.tally_row, STYPE = internal);
CREATE AGGREGATE forged(bytea) (SFUNC = segments.tally_deserialize, STYPE = internal);
CREATE FUNCTION ignores(a int, b int) RETURNS boolean LANGUAGE sql IMMUTABLE AS 'SELECT true';
CREATE OPERATOR === (LEFTARG = int, RIGHTARG = int, FUNCTION = ignores, RESTRICT = segment_matches_sel);
CREATE FUNCTION supported(a int) RETURNS boolean LANGUAGE sql IMMUTABLE SUPPORT segment_matches_support AS 'SELECT true';
CREATE TABLE mine (id int PRIMARY KEY);
CREATE TRIGGER forged AFTER INSERT ON mine EXECUTE FUNCTION segments.keep_counts('guarded');
CREATE EVENT TRIGGER forged ON sql_drop EXECUTE FUNCTION segments.forget_dropped_relations();
RESET ROLE;

-- 3. Estimators and support functions, of operators and functions of other types.
CREATE FUNCTION likes(int, int) RETURNS boolean LANGUAGE plpgsql SUPPORT segment_matches_support AS 'BEGIN RETURN true; END';
CREATE FUNCTION likes(int, segment_condition) RETURNS boolean LANGUAGE plpgsql SUPPORT segment_matches_support AS 'BEGIN RETURN true; END';
CREATE FUNCTION likes(jsonb, text) RETURNS boolean LANGUAGE plpgsql SUPPORT segment_matches_support AS 'BEGIN RETURN true; END';
CREATE FUNCTION likes(segment_condition) RETURNS boolean LANGUAGE plpgsql SUPPORT segment_matches_support AS 'BEGIN RETURN true; END';
CREATE FUNCTION likes() RETURNS boolean LANGUAGE plpgsql SUPPORT segment_matches_support AS 'BEGIN RETURN true; END';
CREATE FUNCTION likings(int) RETURNS SETOF int LANGUAGE plpgsql SUPPORT segment_matches_support AS 'BEGIN RETURN NEXT 1; END';
CREATE OPERATOR === (LEFTARG = int, RIGHTARG = int, FUNCTION = likes, RESTRICT = segment_matches_sel);
CREATE OPERATOR === (LEFTARG = int, RIGHTARG = segment_condition, FUNCTION = likes, RESTRICT = segment_matches_sel);
CREATE OPERATOR === (LEFTARG = jsonb, RIGHTARG = text, FUNCTION = likes, RESTRICT = segment_matches_sel);
CREATE TABLE documents (id int, document jsonb);
INSERT INTO documents SELECT n, jsonb_build_object('plan', n % 3) FROM generate_series(1, 100) n;
CREATE INDEX ON documents USING gin (document jsonb_path_ops);
CREATE INDEX ON documents (id);
ANALYZE documents;
SELECT count(*) FROM documents WHERE id === 1 AND 1 === id AND likes(id, 1) AND likes();
SELECT count(*) FROM documents WHERE id === '{"plan": 1}'::segment_condition AND likes(id, NULL::segment_condition) AND likes('{}'::segment_condition);
SELECT count(*) FROM documents WHERE document === '{"plan": 1}'::text AND likes(document, '{}'::text) AND likes(document, NULL::text);
SELECT count(*) FROM documents, likings(id);
SELECT count(*) FROM documents d JOIN documents e ON d.id === e.id AND likes(d.document, e.document::text) WHERE d.id < 3 AND e.id < 3;

-- 4. Bytes that are no conditions, from a client that says that they are.
CREATE TABLE conditions (condition segment_condition);
\set VERBOSITY sqlstate
\copy conditions FROM PROGRAM 'printf ''PGCOPY\n\377\r\n\0\0\0\0\0\0\0\0\0\0\001\0\0\0\010{"a": 1}\377\377''' WITH (FORMAT binary)
\copy conditions FROM PROGRAM 'printf ''PGCOPY\n\377\r\n\0\0\0\0\0\0\0\0\0\0\001\0\0\0\003\377\376\375\377\377''' WITH (FORMAT binary)
\copy conditions FROM PROGRAM 'printf ''PGCOPY\n\377\r\n\0\0\0\0\0\0\0\0\0\0\001\0\0\0\004{\0\0}\377\377''' WITH (FORMAT binary)
\copy conditions FROM PROGRAM 'printf ''PGCOPY\n\377\r\n\0\0\0\0\0\0\0\0\0\0\001\0\0\0\0\377\377''' WITH (FORMAT binary)
\copy conditions FROM PROGRAM 'printf ''PGCOPY\n\377\r\n\0\0\0\0\0\0\0\0\0\0\001\177\377\377\377{}\377\377''' WITH (FORMAT binary)
\copy conditions FROM PROGRAM 'printf ''PGCOPY\n\377\r\n\0\0\0\0\0\0\0\0\0\0\001\0\0\0\012{"a": "\355\240\200"}\377\377''' WITH (FORMAT binary)
\set VERBOSITY terse
SELECT * FROM conditions;

SET client_min_messages = error;
DROP SCHEMA regress_by_hand CASCADE;
DROP OWNED BY regress_segments_mallory;
DROP ROLE regress_segments_mallory;
