-- NULL where a value is needed is an error that names the argument, in every function that roles may be given. What is put to rows
-- is an exception, and answers NULL as operators do: in_segment, and what the extension's views read with. validate_conditions says what is
-- wrong and raises nothing.
\pset format unaligned
\pset tuples_only on
SELECT create_contacts('nulls');
SELECT name FROM create_segment('all', '{"country": null}', audience => 'nulls');

-- Arguments that may be left out because NULL says something, or as much as the default.
CREATE TABLE null_says (function name, argument text);
INSERT INTO null_says VALUES
    ('attach_audience', 'id_column'), ('attach_audience', 'properties_column'), ('attach_audience', 'columns'), ('attach_audience', 'created_column'),
    ('attach_audience', 'scope'), ('create_property', 'label'), ('create_topic', 'slug'), ('create_topic', 'description'), ('create_segment', 'description'),
    ('list_segments', 'audience'), ('list_segments', 'page_size'), ('list_segments', 'after'), ('list_segments', 'before'),
    ('attach_audience', 'time_zone'), ('attach_audience', 'relation'), ('attach_audience', 'based_on'), ('create_segment', 'time_zone'),
    ('search_contacts', 'time_zone'), ('count_contacts', 'time_zone'), ('conditions_sql', 'time_zone'),
    ('search_contacts', 'page_size'), ('search_contacts', 'after'), ('search_contacts', 'before'),
    ('segment_contacts', 'page_size'), ('segment_contacts', 'after'), ('segment_contacts', 'before'),
    ('segment_members', 'id_type'), ('suggest_indexes', 'audience'), ('refresh_segments', 'audience'), ('set_refresh_interval', 'every'),
    ('attach_relation', 'columns'), ('attach_relation', 'properties_column'), ('attach_relation', 'time_column'), ('attach_relation', 'scope'),
    ('segment_changes', 'after'), ('segment_changes', 'page_size'), ('segment_statistics', 'properties'),
    ('grant_segments_access', 'audience'), ('revoke_segments_access', 'audience');

CREATE FUNCTION null_answers() RETURNS TABLE (call text, answer text) LANGUAGE plpgsql AS $$
DECLARE
    argument record;
BEGIN
    FOR argument IN
        SELECT p.oid, p.proname, n.nspname, a.name, a.number, p.proisstrict,
               (SELECT string_agg(CASE WHEN o.number = a.number THEN 'NULL::' ELSE CASE p.proargnames[o.number]
                       WHEN 'segment' THEN (SELECT quote_literal(s.id) FROM segments.segment s WHERE s.audience = 'nulls')
                       WHEN 'contact_id' THEN quote_literal('7') WHEN 'role' THEN quote_literal(current_user)
                           WHEN 'every' THEN quote_literal('1 hour') WHEN 'changes' THEN quote_literal('{}')
                       ELSE CASE t.typname WHEN 'text' THEN quote_literal('nulls') WHEN 'name' THEN quote_literal('id')
                           WHEN 'regclass' THEN quote_literal('nulls')
                       WHEN '_uuid' THEN quote_literal('{}') WHEN 'bool' THEN quote_literal('f')
                       WHEN 'int4' THEN quote_literal('1') WHEN 'segment_condition' THEN quote_literal('{}')
                       ELSE 'NULL' END END || '::' END || CASE t.typname WHEN 'anyelement' THEN 'int' ELSE format_type(t.oid, NULL) END, ', ' ORDER BY o.number)
                  FROM unnest(p.proargtypes::oid[]) WITH ORDINALITY o(type, number) JOIN pg_type t ON t.oid = o.type) AS arguments
          FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace
          JOIN pg_depend d ON d.classid = 'pg_proc'::regclass AND d.objid = p.oid AND d.deptype = 'e'
          JOIN pg_extension e ON d.refclassid = 'pg_extension'::regclass AND e.oid = d.refobjid AND e.extname = 'segments'
          JOIN segments.function_scopes() f ON f.name = p.proname,
               unnest(p.proargnames) WITH ORDINALITY a(name, number)
         WHERE a.number <= p.pronargs AND n.nspname <> 'segments' AND p.proname NOT IN ('in_segment', 'validate_conditions')
           AND NOT EXISTS (SELECT FROM null_says s WHERE s.function = p.proname AND s.argument = a.name)
         ORDER BY p.oid::regprocedure::text, a.number
    LOOP
        call := format('%s: %s', argument.oid::regprocedure, argument.name);
        BEGIN
            EXECUTE format('SELECT * FROM %I.%I(%s)', argument.nspname, argument.proname, argument.arguments);
            answer := 'no error';
        EXCEPTION WHEN OTHERS THEN
            answer := nullif(SQLSTATE || ' ' || SQLERRM, format('22004 %s must not be NULL', argument.name));
        END;
        RETURN NEXT;
    END LOOP;
END
$$;
SELECT count(*) > 60 AS many FROM null_answers();
SELECT * FROM null_answers() WHERE answer IS NOT NULL;

\set VERBOSITY default
SELECT count_contacts(NULL, 'nulls');
\set VERBOSITY terse
SELECT in_segment(NULL::text, gen_random_uuid()), in_segment('x', NULL::uuid), property_text(NULL, 'x');
SELECT severity, sqlstate, message FROM validate_conditions(NULL::text, 'nulls');
SELECT severity, sqlstate, message FROM validate_conditions('{}', NULL);

-- Arrays with NULL in them.
SELECT segments.permits_every_audience(ARRAY[NULL]);
SELECT count(*) FROM segments.permitted_audiences(ARRAY[NULL, 'read:segments']);
SELECT attach_audience('some nulls', 'nulls', columns => '{email,NULL}');
SELECT attach_relation('some nulls', 'nulls', 'id', 'nulls', columns => '{email,NULL}');
-- No function that takes one is missing above.
SELECT p.oid::regprocedure FROM pg_proc p JOIN pg_depend d ON d.classid = 'pg_proc'::regclass AND d.objid = p.oid AND d.deptype = 'e'
  JOIN pg_extension e ON d.refclassid = 'pg_extension'::regclass AND e.oid = d.refobjid AND e.extname = 'segments'
 WHERE EXISTS (SELECT FROM unnest(p.proargtypes::oid[]) t JOIN pg_type y ON y.oid = t WHERE y.typcategory = 'A') ORDER BY p.oid::regprocedure::text COLLATE "C";

SELECT detach_audience('nulls', true);
DROP TABLE null_topics, nulls, null_says;
DROP FUNCTION null_answers();
