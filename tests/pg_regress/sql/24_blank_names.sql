-- A name that nobody can see is refused.
\pset format unaligned
\pset tuples_only on
CREATE TABLE named (id integer PRIMARY KEY, properties jsonb);
\set VERBOSITY default
SELECT attach_audience('   ', 'named');
\set VERBOSITY terse
SELECT attach_audience('named', 'named', properties_column => 'properties');
SELECT create_property(E' \t', 'string', 'named');
SELECT create_topic(' ', audience => 'named');
SELECT create_segment(U&'\00A0 ', '{"id": 1}', audience => 'named');
SELECT create_segment('', '{"id": 1}', audience => 'named');
SELECT name FROM create_segment(' one ', '{"id": 1}', audience => 'named');
SELECT update_segment(' one ', '{"name": "  "}'::jsonb);
SELECT detach_audience('named', true);
DROP TABLE named;
