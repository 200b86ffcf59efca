-- Where all tables are published, Postgres lets rows change only of those that say what identifies a row.
\pset format unaligned
\pset tuples_only on
SELECT c.oid::regclass FROM pg_class c
 WHERE c.relnamespace = 'segments'::regnamespace AND c.relkind = 'r' AND c.relreplident = 'd'
   AND NOT EXISTS (SELECT FROM pg_index i WHERE i.indrelid = c.oid AND i.indisprimary);

SET client_min_messages = error;
CREATE PUBLICATION everything FOR ALL TABLES;
RESET client_min_messages;
CREATE ROLE regress_segments_published;
CREATE TABLE published (id int PRIMARY KEY, n int);
INSERT INTO published SELECT n, n FROM generate_series(1, 10) n;
SELECT attach_audience('published', 'published');
SELECT contact_count FROM create_segment('high', '{"n": {"$gt": 5}}', audience => 'published');
SELECT set_freshness('published', 'live'), watch_segment(id) FROM segments.segment WHERE audience = 'published';
UPDATE published SET n = n + 1;
SELECT segments.fold_counts() > 0 AS folded;
UPDATE published SET n = n + 1;
SELECT contact_count, error FROM refresh_segments('published');
SELECT grant_segments_access('regress_segments_published', 'read:segments'), revoke_segments_access('regress_segments_published', 'read:segments');
SELECT set_freshness('published', 'periodic'), watch_segment(id, false) FROM segments.segment WHERE audience = 'published';
SELECT detach_audience('published', cascade => true);
DROP PUBLICATION everything;
DROP TABLE published;
DROP ROLE regress_segments_published;
