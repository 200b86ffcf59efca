-- Tables that Citus distributes over other servers: what changes their rows there fires no trigger here. Citus itself is not
-- needed for this, only the catalog in which it says which tables those are.
\pset format unaligned
\pset tuples_only on
SELECT create_contacts('spread');
INSERT INTO spread (email, country) VALUES ('a', 'US'), ('b', 'DE');
SELECT name, contact_count FROM create_segment('US', '{"country": "US"}', audience => 'spread');
SELECT slug FROM create_topic('news', audience => 'spread');

-- A table of that name elsewhere means nothing.
CREATE TABLE pg_dist_partition (logicalrelid regclass);
INSERT INTO pg_dist_partition VALUES ('spread'), ('spread_topics');
SELECT set_freshness('spread', 'live');
SELECT name, freshness FROM segments.audience WHERE name = 'spread';
SELECT set_freshness('spread', 'periodic');
DROP TABLE pg_dist_partition;

SET allow_system_table_mods = on;
CREATE TABLE pg_catalog.pg_dist_partition (logicalrelid regclass);
RESET allow_system_table_mods;
SELECT set_freshness('spread', 'live');
INSERT INTO pg_catalog.pg_dist_partition VALUES ('spread_topics');

-- Subscriptions that are distributed: segments that ask for them are periodic.
SELECT name, contact_count FROM create_segment('news', '{"$topic": "news"}', audience => 'spread');
SELECT name, kept FROM segments.segment_status WHERE audience = 'spread' ORDER BY name;

-- An audience that is live is so no more, from the next command that alters its table.
INSERT INTO pg_catalog.pg_dist_partition VALUES ('spread');
ALTER TABLE spread ADD COLUMN shard int;
SELECT name, freshness FROM segments.audience WHERE name = 'spread';
\set VERBOSITY sqlstate
SELECT set_freshness('spread', 'live');
\set VERBOSITY default
SELECT set_freshness('spread', 'live');
SELECT name, contact_count FROM segments.segment WHERE audience = 'spread' ORDER BY name;
UPDATE spread SET country = 'US';
SELECT s.name, r.contact_count FROM refresh_segments('spread') r JOIN segments.segment s ON s.id = r.segment ORDER BY s.name;

SET allow_system_table_mods = on;
DROP TABLE pg_catalog.pg_dist_partition;
RESET allow_system_table_mods;
SELECT set_freshness('spread', 'live');
SELECT name, kept FROM segments.segment_status WHERE audience = 'spread' ORDER BY name;
SELECT detach_audience('spread', true);
DROP TABLE spread_topics, spread;
