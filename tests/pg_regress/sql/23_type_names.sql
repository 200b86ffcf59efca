-- A type that any user can create is not taken for citext because of its name.
\pset format unaligned
\pset tuples_only on
CREATE SCHEMA imitation;
CREATE TYPE imitation.citext AS (mail text);
CREATE TABLE letters (id integer PRIMARY KEY, mail imitation.citext, also imitation.citext[]);
SELECT attach_audience('letters', 'letters');
SELECT name, type FROM segments.property WHERE audience = 'letters';
SELECT count_contacts('{"mail": "ada@example.com"}', 'letters');
SELECT detach_audience('letters');
DROP TABLE letters;
DROP SCHEMA imitation CASCADE;
