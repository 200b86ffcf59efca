-- A session loads the library only when it has to do with segments. Commands in a database without audiences do not load it.
\pset format unaligned
\pset tuples_only on
SELECT current_setting('shared_preload_libraries') <> '' AS is_preloaded \gset
\if :is_preloaded
\quit
\endif
\set home :DBNAME
CREATE DATABASE regress_segments_empty;
\c regress_segments_empty
SET client_min_messages = warning;
CREATE EXTENSION segments;
\c
SET client_min_messages = warning;
CREATE TYPE mood AS ENUM ('glad');
CREATE TABLE plain (id integer, mood mood);
ALTER TYPE mood RENAME VALUE 'glad' TO 'happy';
ALTER TABLE plain ALTER id TYPE bigint;
ALTER TABLE plain RENAME mood TO feeling;
DROP TABLE plain;
-- Its settings would be here.
SELECT name FROM pg_settings WHERE name LIKE 'segments.%';
-- A condition loads it.
SELECT '{}'::segment_condition;
SELECT name FROM pg_settings WHERE name LIKE 'segments.%' ORDER BY name LIMIT 1;
\c :home
DROP DATABASE regress_segments_empty;
