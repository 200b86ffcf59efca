-- Relations follow renames of their tables and columns, and are lost with them.
\pset format unaligned
\pset tuples_only on
SET client_min_messages = warning;
CREATE TABLE readers (id int PRIMARY KEY, name text);
INSERT INTO readers SELECT n, 'r' || n FROM generate_series(1, 5) n;
CREATE TABLE loans (id int PRIMARY KEY, reader int, book text, fee numeric, lent_at date, extra jsonb, info jsonb, gone boolean);
CREATE INDEX ON loans (reader);
INSERT INTO loans VALUES (1, 1, 'A', 5, '2025-01-01', '{"desk": "north"}', '{"size": {"cm": 20}}', false),
                         (2, 1, 'B', 7, '2025-01-02', '{"desk": "south"}', '{"size": {"cm": 30}}', false),
                         (3, 2, 'A', 9, '2025-01-03', '{"desk": "north"}', '{"size": {"cm": 30}}', true),
                         (4, 3, 'C', 1, '2025-01-04', '{"desk": "south"}', '{"size": {"cm": 10}}', NULL);
SELECT attach_audience('readers', 'readers'), attach_audience('first', based_on => 'readers', scope => '{"id": {"$lt": 3}}');
SELECT attach_relation('loans', 'loans', 'reader', 'readers', columns => '{id,book,fee,lent_at,info,gone,reader}', properties_column => 'extra',
                       time_column => 'lent_at', scope => '{"gone": {"$ne": true}}');
SELECT create_property('loans.desk', 'string', 'readers'), create_property('loans.info.size.cm', 'number', 'readers');
CREATE FUNCTION make(conditions text, audience text = 'readers') RETURNS text LANGUAGE sql AS $$
    SELECT contact_count || ' ' || name
      FROM create_segment('s' || (SELECT count(*) FROM segments.segment_config s WHERE s.audience IN ('readers', 'first')), conditions::segment_condition,
                          audience => audience)
$$;
SELECT make('{"loans.fee": {"$gt": 5}}');
SELECT make('{"loans": {"$some": {"fee": {"$gt": 5}, "desk": "south"}}}');
SELECT make('{"loans": {"$filter": {"book": "A"}, "$count": 1, "$sum": {"fee": 5}}, "name": "r1"}', 'first');
SELECT make('{"loans": {"$last": {"info.size.cm": 30}}, "$or": [{"loans": {"$empty": false}}, {"loans.desk": "north"}]}', 'first');
SELECT make('{"loans": {"$by": "lent_at", "$sequence": [{"book": "A"}, {"book": "B", "$within": "1 day"}]}}');
CREATE FUNCTION there_is() RETURNS SETOF text LANGUAGE sql AS $$
    SELECT concat_ws(' ', s.name, r.contact_count, r.error, s.conditions) FROM segments.segment s JOIN refresh_segments() r ON r.segment = s.id
     WHERE s.audience IN ('readers', 'first') ORDER BY s.name
$$;
SELECT there_is();

-- The table, its schema, and every column.
CREATE SCHEMA library;
ALTER TABLE loans SET SCHEMA library;
ALTER SCHEMA library RENAME TO "The library";
ALTER TABLE "The library".loans RENAME TO lendings;
ALTER TABLE "The library".lendings RENAME reader TO borrower;
ALTER TABLE "The library".lendings RENAME book TO "ti.tle";
ALTER TABLE "The library".lendings RENAME fee TO "$price";
ALTER TABLE "The library".lendings RENAME lent_at TO at;
ALTER TABLE "The library".lendings RENAME extra TO more;
ALTER TABLE "The library".lendings RENAME info TO facts;
ALTER TABLE "The library".lendings RENAME gone TO deleted;
ALTER TABLE "The library".lendings RENAME id TO number;
SELECT * FROM segments.relation WHERE audience = 'readers';
SELECT relation_name, columns, column_numbers, time_number FROM segments.relation_config WHERE name = 'loans';
SELECT name, type, kind FROM segments.property WHERE audience = 'first' AND name LIKE 'loans%';
SELECT there_is();
-- A rename that only changes names of contacts' columns leaves those of rows alone.
ALTER TABLE readers RENAME name TO at;
SELECT there_is();
ALTER TABLE readers RENAME at TO name;

-- A column that a condition reads, but the definition does not.
BEGIN;
ALTER TABLE "The library".lendings DROP "ti.tle";
SELECT there_is();
ROLLBACK;
-- The one that says whose row it is: the relation is lost. What does not read it goes on working.
BEGIN;
ALTER TABLE "The library".lendings DROP borrower;
SELECT there_is();
SELECT count_contacts('{"name": "r1"}', 'readers');
SELECT refusal_of($$SELECT count_contacts('{"loans.number": 1}', 'readers')$$);
SELECT refusal_of($$SELECT create_property('loans.x', 'string', 'readers')$$);
-- Segments that use a property keep it, and will read it again.
SELECT refusal_of($$SELECT drop_property('loans.desk', 'readers')$$);
SELECT refusal_of($$SELECT drop_property('loans.facts.size.cm', 'readers')$$);
SELECT severity, path, sqlstate, message FROM validate_conditions('{"loans": {"$some": {"deleted": true}}}', 'readers');
-- Attached again, it is there again.
ALTER TABLE "The library".lendings ADD borrower int;
UPDATE "The library".lendings SET borrower = greatest(number - 1, 1);
SELECT attach_relation('loans', '"The library".lendings', 'borrower', 'readers', properties_column => 'more');
SELECT there_is();
ROLLBACK;
BEGIN;
ALTER TABLE "The library".lendings ALTER borrower TYPE date USING '2025-01-01';
SELECT DISTINCT error FROM refresh_segments('readers');
ROLLBACK;
-- The scope makes no sense any more.
BEGIN;
ALTER TABLE "The library".lendings DROP deleted;
SELECT DISTINCT error FROM refresh_segments('readers');
SELECT refusal_of($$SELECT count_contacts('{"loans.number": 1}', 'readers')$$);
ROLLBACK;
-- The table.
DROP TABLE "The library".lendings;
SELECT name, relation FROM segments.relation WHERE audience = 'readers';
SELECT DISTINCT error FROM refresh_segments('readers');
SELECT refusal_of($$SELECT count_contacts('{"loans.number": 1}', 'readers')$$);
SELECT refusal_of($$SELECT detach_relation('loans', 'readers')$$);
-- Another one in its place.
CREATE TABLE loans (id int PRIMARY KEY, borrower int, "ti.tle" text, "$price" numeric, at date, more jsonb, facts jsonb);
CREATE INDEX ON loans (borrower);
INSERT INTO loans VALUES (1, 4, 'A', 6, '2025-01-01', '{"desk": "south"}', NULL);
SELECT attach_relation('loans', 'loans', 'borrower', 'readers', properties_column => 'more', time_column => 'at');
SELECT there_is();
SELECT count(delete_segment(id)) FROM segments.segment WHERE audience IN ('readers', 'first');
SELECT detach_relation('loans', 'readers');
SELECT name FROM segments.property_config WHERE audience = 'readers';
SELECT detach_audience('readers', true);
DROP TABLE readers, loans;
DROP SCHEMA "The library";
DROP FUNCTION make, there_is;
