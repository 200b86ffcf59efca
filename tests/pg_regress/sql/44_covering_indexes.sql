-- An index serves where it covers every row of the audience's table, its partitions and the tables that inherit from it included.
\pset format unaligned
\pset tuples_only on
CREATE FOREIGN DATA WRAPPER covered_wrapper;
CREATE SERVER covered_elsewhere FOREIGN DATA WRAPPER covered_wrapper;
CREATE TABLE covered (id int, properties jsonb, PRIMARY KEY (id)) PARTITION BY RANGE (id);
CREATE TABLE covered_1 PARTITION OF covered FOR VALUES FROM (0) TO (100);
SELECT attach_audience('covered', 'covered', properties_column => 'properties'), create_property('score', 'number', 'covered');
SELECT conditions_sql('{"score": 7}', 'covered');

-- ON ONLY the whole, it covers nothing, until each partition has its own.
CREATE INDEX covered_score ON ONLY covered (property_number(properties, 'score'));
SELECT conditions_sql('{"score": 7}', 'covered');
CREATE INDEX covered_1_score ON covered_1 (property_number(properties, 'score'));
ALTER INDEX covered_score ATTACH PARTITION covered_1_score;
SELECT conditions_sql('{"score": 7}', 'covered');
-- A partition that comes gets one, be it partitioned itself.
CREATE TABLE covered_2 PARTITION OF covered FOR VALUES FROM (100) TO (200) PARTITION BY RANGE (id);
CREATE TABLE covered_2_1 (LIKE covered);
ALTER TABLE covered_2 ATTACH PARTITION covered_2_1 FOR VALUES FROM (100) TO (150);
SELECT conditions_sql('{"score": 7}', 'covered');
SELECT index_property('score', 'covered');

-- A foreign one does not, though Postgres calls the index valid. None is proposed.
CREATE TABLE foreign_parts (id int, properties jsonb) PARTITION BY RANGE (id);
CREATE TABLE foreign_parts_1 PARTITION OF foreign_parts FOR VALUES FROM (0) TO (100);
CREATE FOREIGN TABLE foreign_parts_2 PARTITION OF foreign_parts FOR VALUES FROM (100) TO (200) SERVER covered_elsewhere;
SELECT attach_audience('foreign parts', 'foreign_parts', id_column => 'id', properties_column => 'properties'),
       create_property('score', 'number', 'foreign parts');
\set VERBOSITY default
SELECT index_property('score', 'foreign parts');
SELECT * FROM suggest_indexes('foreign parts');
\set VERBOSITY terse
CREATE INDEX foreign_parts_score ON foreign_parts (property_number(properties, 'score'));
SELECT indisvalid FROM pg_index WHERE indexrelid = 'foreign_parts_score'::regclass;
SELECT conditions_sql('{"score": 7}', 'foreign parts');
ALTER TABLE foreign_parts DETACH PARTITION foreign_parts_2;
SELECT conditions_sql('{"score": 7}', 'foreign parts');

-- Tables that inherit otherwise each need one like it.
CREATE TABLE heirs (id int PRIMARY KEY, properties jsonb);
CREATE TABLE heirs_1 () INHERITS (heirs);
CREATE TABLE heirs_2 (extra text, properties jsonb) INHERITS (heirs);
SELECT attach_audience('heirs', 'heirs', properties_column => 'properties'), create_property('score', 'number', 'heirs'),
       create_property('plan', 'string', 'heirs');
SET client_min_messages = notice;
\set VERBOSITY default
SELECT index_property('score', 'heirs');
\set VERBOSITY terse
RESET client_min_messages;
CREATE INDEX heirs_score ON heirs (property_number(properties, 'score'));
CREATE INDEX heirs_1_score ON heirs_1 (property_number(properties, 'score'));
CREATE INDEX heirs_plan ON heirs (property_text(properties, 'plan') COLLATE "C");
SELECT conditions_sql('{"score": 7}', 'heirs');
CREATE INDEX heirs_2_score ON heirs_2 (property_number(properties, 'score')) WHERE id > 5;
SELECT conditions_sql('{"score": 7}', 'heirs');
DROP INDEX heirs_2_score;
CREATE INDEX heirs_2_score ON heirs_2 (property_number(properties, 'other'));
SELECT conditions_sql('{"score": 7}', 'heirs');
CREATE INDEX heirs_2_score_too ON heirs_2 (property_number(properties, 'score'), extra);
SELECT conditions_sql('{"score": 7}', 'heirs'), conditions_sql('{"plan": "a"}', 'heirs');

SELECT detach_audience(name) FROM unnest(ARRAY['covered', 'foreign parts', 'heirs']) name;
DROP TABLE covered, foreign_parts, heirs, heirs_1, heirs_2;
DROP FOREIGN DATA WRAPPER covered_wrapper CASCADE;
