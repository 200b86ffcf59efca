-- Runs first, in a new database. Without the library preloaded, the extension says what it does not do.
SET client_min_messages = notice;
CREATE EXTENSION segments;
\getenv folder PG_ABS_SRCDIR
\i :folder/oracles.sql
