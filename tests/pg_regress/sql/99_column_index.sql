-- The access method of the column index: what can be indexed, what writers mark, and what DDL makes of it.
\pset format unaligned
\pset tuples_only on
\pset null NULL

-- Every type of columns that conditions can use has a default operator class, without operators.
CREATE TYPE state_of_mind AS ENUM ('glad', 'sad');
CREATE DOMAIN short_words AS varchar(20);
CREATE TABLE every_type (
    a jsonb, b json, c text, d varchar(20), e char(4), f name, g uuid, h inet, i cidr, j bool, k int2, l int4, m int8, n numeric(10, 2), o float4, p float8,
    q date, r timestamp, s timestamptz, t state_of_mind, u text[], v state_of_mind[], w short_words, x short_words[]);
CREATE INDEX every_type_segments ON every_type USING segments (a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p, q, r, s, t, u, v, w, x);
SELECT c.opcname FROM pg_opclass c JOIN pg_am m ON m.oid = c.opcmethod
 WHERE m.amname = 'segments' AND NOT (amvalidate(c.oid) AND c.opcdefault AND c.opcnamespace = 'segments'::regnamespace);
INSERT INTO every_type DEFAULT VALUES;
SELECT count(*) FROM every_type;
SELECT pg_get_indexdef('every_type_segments'::regclass);
DROP TABLE every_type;

-- What it refuses.
CREATE TABLE page (id int, name text, properties jsonb, place point);
\set VERBOSITY default
CREATE INDEX ON page USING segments (lower(name));
CREATE INDEX ON page USING segments (name) WHERE id > 0;
\set VERBOSITY terse
CREATE INDEX ON page USING segments (name) INCLUDE (id);
CREATE UNIQUE INDEX ON page USING segments (name);
CREATE INDEX ON page USING segments (place);
CREATE INDEX ON page USING segments (name) WITH (fillfactor = 50);
ALTER TABLE page ADD EXCLUDE USING segments (name WITH =);
CREATE INDEX page_segments ON page USING segments (name, properties);
ALTER TABLE page CLUSTER ON page_segments;
ALTER INDEX page_segments SET (fillfactor = 50);
ALTER INDEX page_segments RESET (fillfactor);
SELECT segments.index_pages('page'::regclass);
SELECT segments.index_pages('pg_class_oid_index'::regclass);
SELECT segments.index_pages(1::regclass);
DROP TABLE page;

-- Rows on many pages, and what the index says of the pages; everything that is wrong with it.
CREATE TABLE person (id int PRIMARY KEY, country text, properties jsonb) WITH (fillfactor = 90, autovacuum_enabled = off);
INSERT INTO person SELECT n, 'DE', jsonb_build_object('n', n, 'text', repeat('x', 100)) FROM generate_series(1, 1000) n;
CREATE VIEW status AS
SELECT s.index, s.pages > 0 AS has_pages, s.image_pages, s.changed_pages, s.uncovered_pages, s.not_visible_pages = s.pages AS none_visible,
       s.bytes / 8192 AS index_pages, s.folded_at IS NOT NULL AS is_folded, s.note
  FROM segments.index_status s WHERE s.pages = s.image_pages + s.changed_pages + s.not_visible_pages + s.uncovered_pages;
CREATE INDEX person_segments ON person USING segments (country, properties);
SELECT * FROM status;
VACUUM person;
SELECT image_pages, changed_pages, uncovered_pages = pages FROM segments.index_status;
-- An update marks the pages of the new rows, and those become all-visible with VACUUM. A deletion is marked by VACUUM.
UPDATE person SET country = 'FR' WHERE id = 7;
SELECT changed_pages, not_visible_pages FROM segments.index_status;
VACUUM person;
SELECT changed_pages, not_visible_pages FROM segments.index_status;
DELETE FROM person WHERE id IN (100, 101);
VACUUM (INDEX_CLEANUP on) person;
SELECT changed_pages, not_visible_pages FROM segments.index_status;
-- A row on a page that is not covered marks nothing.
INSERT INTO person SELECT n, 'DE', jsonb_build_object('n', n, 'text', repeat('x', 100)) FROM generate_series(2001, 2100) n;
VACUUM person;
SELECT changed_pages < 5, not_visible_pages, changed_pages + uncovered_pages = pages FROM segments.index_status;
-- What is rolled back is marked, too.
BEGIN;
UPDATE person SET country = 'IT' WHERE id = 500;
ROLLBACK;
VACUUM (INDEX_CLEANUP on) person;
SELECT changed_pages < 6, not_visible_pages FROM segments.index_status;

-- HOT updates stay HOT, on Postgres 16 and later: fewer than a tenth are not. Before, an update of an indexed column is never one.
CREATE TABLE hot (id int, country text, properties jsonb) WITH (fillfactor = 50, autovacuum_enabled = off);
INSERT INTO hot SELECT n, 'DE', '{}' FROM generate_series(1, 1000) n;
CREATE INDEX hot_segments ON hot USING segments (country, properties);
BEGIN;
UPDATE hot SET country = 'FR', properties = '{"a": 1}' WHERE id % 10 = 0;
SELECT CASE WHEN current_setting('server_version_num')::int >= 160000 THEN pg_stat_get_xact_tuples_hot_updated('hot'::regclass) > 90
            ELSE pg_stat_get_xact_tuples_hot_updated('hot'::regclass) = 0 END;
ROLLBACK;
DROP TABLE hot;

-- The planner is not offered it.
CREATE FUNCTION plan_of(query text) RETURNS SETOF text LANGUAGE plpgsql AS $$ BEGIN RETURN QUERY EXECUTE 'EXPLAIN ' || query; END $$;
SET enable_seqscan = off;
SELECT line FROM unnest(ARRAY['SELECT count(*) FROM person', 'SELECT id FROM person WHERE country = ''DE''',
                              'SELECT id FROM person ORDER BY country']) query, plan_of(query) line WHERE line LIKE '%person_segments%';
RESET enable_seqscan;
DROP FUNCTION plan_of;

-- Concurrently, it covers nothing.
CREATE INDEX CONCURRENTLY person_concurrently ON person USING segments (properties);
SELECT index, bytes, uncovered_pages = pages FROM segments.index_status ORDER BY 1;
REINDEX INDEX CONCURRENTLY person_segments;
SELECT index, bytes, uncovered_pages = pages FROM segments.index_status ORDER BY 1;
DROP INDEX CONCURRENTLY person_concurrently;
UPDATE person SET country = 'ES' WHERE id < 10;
VACUUM (INDEX_CLEANUP on) person;
SELECT changed_pages FROM segments.index_status;
REINDEX INDEX person_segments;
SELECT bytes > 16384, uncovered_pages = pages FROM segments.index_status;
UPDATE person SET country = 'PT' WHERE id < 10;
VACUUM person;
SELECT changed_pages > 0 FROM segments.index_status;

-- Everything that rewrites the table makes the index anew.
VACUUM FULL person;
SELECT * FROM status;
CLUSTER person USING person_pkey;
SELECT * FROM status;
ALTER TABLE person ALTER country TYPE varchar(10);
SELECT * FROM status;
ALTER TABLE person ALTER country TYPE text[] USING ARRAY[country];
SELECT * FROM status;
ALTER TABLE person ALTER country TYPE point USING NULL;
ALTER TABLE person ADD COLUMN score float8 DEFAULT random();
SELECT * FROM status;
ALTER TABLE person SET UNLOGGED;
SELECT * FROM status;
INSERT INTO person VALUES (5001, ARRAY['DE'], '{}', 0);
ALTER TABLE person SET LOGGED;
SELECT * FROM status;
TRUNCATE person;
SELECT * FROM status;
INSERT INTO person VALUES (1, ARRAY['DE'], '{}', 0);
BEGIN;
CREATE TABLE fresh (id int, properties jsonb);
CREATE INDEX fresh_segments ON fresh USING segments (properties);
INSERT INTO fresh VALUES (1, '{}');
TRUNCATE fresh;
INSERT INTO fresh VALUES (2, '{}');
COMMIT;
SELECT count(*) FROM fresh;
SELECT * FROM status ORDER BY 1;
DROP TABLE fresh;
DROP INDEX person_segments;
DROP VIEW status;
DROP TABLE person;

-- A build makes images of what is all-visible. It keeps to maintenance_work_mem, so it makes smaller chunks then.
CREATE TABLE worded (id int, word text) WITH (autovacuum_enabled = off);
INSERT INTO worded SELECT n, repeat(md5(n::text), 10) FROM generate_series(1, 4000) n;
VACUUM worded;
CREATE INDEX worded_segments ON worded USING segments (word);
SELECT image_pages = pages AS all FROM segments.index_status;
SELECT bytes FROM segments.index_status \gset at_once_
SET maintenance_work_mem = '1MB';
REINDEX INDEX worded_segments;
RESET maintenance_work_mem;
SELECT image_pages = pages AS all, bytes > :at_once_bytes AS in_more_chunks FROM segments.index_status;
DROP TABLE worded;

-- Temporary tables, and partitions.
CREATE TEMP TABLE passing (id int, properties jsonb);
INSERT INTO passing SELECT n, '{}' FROM generate_series(1, 500) n;
CREATE INDEX passing_segments ON passing USING segments (properties);
UPDATE passing SET properties = '{"a": 1}' WHERE id = 1;
VACUUM passing;
SELECT index, changed_pages > 0 FROM segments.index_status;
DROP TABLE passing;
CREATE TABLE parts (id int, properties jsonb) PARTITION BY RANGE (id);
CREATE TABLE parts_1 PARTITION OF parts FOR VALUES FROM (0) TO (100);
CREATE INDEX parts_segments ON parts USING segments (properties);
CREATE TABLE parts_2 PARTITION OF parts FOR VALUES FROM (100) TO (200);
INSERT INTO parts SELECT n, '{}' FROM generate_series(1, 199) n;
UPDATE parts SET id = id + 100 WHERE id = 99;
SELECT index, relation, pages FROM segments.index_status ORDER BY 1;
CREATE INDEX parts_only ON ONLY parts USING segments (id, properties);
CREATE INDEX CONCURRENTLY parts_1_only ON parts_1 USING segments (id, properties);
CREATE INDEX CONCURRENTLY parts_2_only ON parts_2 USING segments (id, properties);
ALTER INDEX parts_only ATTACH PARTITION parts_1_only;
ALTER INDEX parts_only ATTACH PARTITION parts_2_only;
SELECT indisvalid FROM pg_index WHERE indexrelid = 'parts_only'::regclass;
ALTER TABLE parts DETACH PARTITION parts_2;
DROP TABLE parts;
SELECT index, relation, pages FROM segments.index_status ORDER BY 1;
DROP TABLE parts_2;
CREATE MATERIALIZED VIEW stored AS SELECT n AS id, '{}'::jsonb AS properties FROM generate_series(1, 10) n;
CREATE INDEX stored_segments ON stored USING segments (properties);
REFRESH MATERIALIZED VIEW stored;
SELECT index, pages FROM segments.index_status;
DROP MATERIALIZED VIEW stored;

-- In every kind of statement that writes.
CREATE TABLE written (id int PRIMARY KEY, properties jsonb);
CREATE INDEX written_segments ON written USING segments (properties);
COPY written FROM stdin;
1	{}
2	{"a": 1}
\.
INSERT INTO written VALUES (1, '{"b": 1}') ON CONFLICT (id) DO UPDATE SET properties = excluded.properties;
MERGE INTO written w USING (VALUES (2), (3)) v (id) ON v.id = w.id
    WHEN MATCHED THEN UPDATE SET properties = '{"m": 1}' WHEN NOT MATCHED THEN INSERT VALUES (v.id, '{}');
BEGIN;
SAVEPOINT a;
UPDATE written SET properties = '{"s": 1}';
ROLLBACK TO a;
INSERT INTO written VALUES (4, NULL);
COMMIT;
SELECT * FROM written ORDER BY id;
ANALYZE written;
VACUUM (FREEZE) written;
SELECT relname, relpages, reltuples FROM pg_class WHERE relname = 'written_segments';
DROP TABLE written;
DROP TYPE state_of_mind;
DROP DOMAIN short_words;
