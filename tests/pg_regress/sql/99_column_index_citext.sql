-- It takes citext; a Postgres may lack it.
SELECT count(*) = 0 AS lacks_citext FROM pg_available_extensions WHERE name = 'citext'
\gset
\if :lacks_citext
\quit
\endif
-- Postgres keeps an index where a column changes its type between text and citext, which compare otherwise.
\pset format unaligned
\pset tuples_only on
CREATE EXTENSION IF NOT EXISTS citext;
CREATE TABLE labelled (id int PRIMARY KEY, label text, labels citext[]);
INSERT INTO labelled SELECT n, CASE n % 3 WHEN 0 THEN 'red' WHEN 1 THEN 'RED' ELSE 'blue' END, ARRAY['Red', 'x' || n]::citext[] FROM generate_series(1, 999) n;
SELECT attach_audience('labelled', 'labelled');
CREATE INDEX labelled_segments ON labelled USING segments (label, labels);
VACUUM labelled;
SELECT segments_fold('labelled_segments') > 0 AS folded;
SET segments.use_columns = on;
SELECT count_contacts('{"label": "red"}', 'labelled');
SELECT image_pages > 0 AS by_images FROM explain_count('{"label": "red"}', 'labelled');
SELECT count_contacts('{"labels": "red", "label": "blue"}', 'labelled'), count_contacts('{"labels": "X7"}', 'labelled');
SELECT pg_relation_filenode('labelled_segments') AS before \gset
ALTER TABLE labelled ALTER COLUMN label TYPE citext;
SELECT pg_relation_filenode('labelled_segments') = :before AS is_kept;
SELECT count_contacts('{"label": "red"}', 'labelled');
SELECT * FROM segments_check_index('labelled_segments');
REINDEX INDEX labelled_segments;
SELECT count_contacts('{"label": "red"}', 'labelled');
ALTER TABLE labelled ALTER COLUMN label TYPE text;
SELECT count_contacts('{"label": "red"}', 'labelled');
SELECT * FROM segments_check_index('labelled_segments');
RESET segments.use_columns;
SELECT detach_audience('labelled');
DROP TABLE labelled;
