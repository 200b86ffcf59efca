-- segment_statistics of segments that read relations reads each relation once, whatever the number of contacts is, and names of their
-- columns are no obstacle.
\pset format unaligned
\pset tuples_only on
SET client_min_messages = warning;
SET max_parallel_workers_per_gather = 0;
-- A sub-plan would be neither hashed nor materialized.
SET work_mem = '64kB';
SET hash_mem_multiplier = 1;
SET enable_material = off;
CREATE TABLE fans (id int PRIMARY KEY, name text, kind text, properties jsonb);
INSERT INTO fans SELECT n, 'f' || n % 4, CASE n % 2 WHEN 0 THEN 'even' ELSE 'odd' END, jsonb_build_object('id', n % 3) FROM generate_series(1, 6000) n;
CREATE TABLE tickets (id int PRIMARY KEY, fan int, kind text, price int, at date, properties jsonb);
INSERT INTO tickets
SELECT n, n * 7 % 6300, 'k' || n % 5, n % 30, date '2025-01-01' + n % 300, jsonb_build_object('row', n % 7) FROM generate_series(1, 15000) n;
CREATE INDEX ON tickets (fan);
VACUUM ANALYZE fans, tickets;
SELECT attach_audience('fans', 'fans', properties_column => 'properties', scope => '{"kind": {"$exists": true}}'),
       attach_relation('tickets', 'tickets', 'fan', 'fans', properties_column => 'properties', time_column => 'at');
SELECT create_property('tickets.row', 'number', 'fans'), create_property('rank', 'number', 'fans');

-- How often a table is read for the statistics of a segment, and whether its shares are right.
CREATE FUNCTION reads(condition text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    segment uuid := (create_segment(md5(condition), condition::segment_condition, audience => 'fans')).id;
    scans bigint;
    share numeric;
    by_hand numeric;
BEGIN
    scans := (SELECT seq_scan + idx_scan FROM pg_stat_xact_user_tables WHERE relname = 'tickets');
    share := (SELECT (member_values -> 0 ->> 'share')::numeric FROM segment_statistics(segment, '{kind,name,rank}') AS s WHERE s.property = 'kind');
    scans := (SELECT seq_scan + idx_scan FROM pg_stat_xact_user_tables WHERE relname = 'tickets') - scans;
    by_hand := (
        SELECT round(max(n) / sum(n), 6) FROM (SELECT count(*) AS n FROM fans WHERE id IN (SELECT segment_members(segment, NULL::int)) GROUP BY kind) c);
    RETURN format('%s %s', scans, CASE WHEN share IS DISTINCT FROM by_hand THEN format('WRONG: %s, not %s', share, by_hand) ELSE 'right' END);
END $$;
SELECT reads('{"tickets": {"$some": {"kind": "k1"}}}');
SELECT reads('{"tickets": {"$none": {"kind": "k1"}}}');
SELECT reads('{"tickets": {"$filter": {"row": 3}, "$count": {"$gte": 2}, "$sum": {"price": {"$gt": 20}}}, "name": {"$ne": "f1"}}');
SELECT reads('{"tickets": {"$last": {"price": {"$lt": 20}}}}');
SELECT reads('{"$or": [{"kind": "even"}, {"tickets": {"$avg": {"price": {"$gte": 15}}}}]}');
DROP FUNCTION reads;
SELECT detach_audience('fans', true);
DROP TABLE fans, tickets;
