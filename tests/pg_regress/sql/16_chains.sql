-- A mistake at the end of a chain of segments is told once, with the segment that is to be mended.
\pset format unaligned
\pset tuples_only on
CREATE TABLE chained (id int PRIMARY KEY, age int, country text);
SELECT attach_audience('chained', 'chained');
SELECT count(create_segment('s0', '{"age": 1}', audience => 'chained'));
CREATE FUNCTION chain(most int) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    FOR n IN 1 .. most LOOP
        PERFORM create_segment('s' || n, format('{"$segment": "s%s"}', n - 1)::segment_condition, audience => 'chained');
    END LOOP;
END
$$;
\set VERBOSITY default
\set SHOW_CONTEXT never
SELECT chain(70);
SELECT chain(63);
SELECT create_segment('s64', '{"$segment": "s63"}', audience => 'chained');
ALTER TABLE chained DROP COLUMN age;
SELECT count_contacts('{"$segment": "s0"}', 'chained');
SELECT count_contacts('{"$segment": "s62"}', 'chained');
SELECT severity, path, sqlstate, message FROM validate_conditions('{"$or": [{"$segment": "s50"}, {"country": "US"}]}', 'chained');
\set VERBOSITY terse
SELECT detach_audience('chained', true);
DROP FUNCTION chain;
DROP TABLE chained;
