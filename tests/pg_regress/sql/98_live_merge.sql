-- MERGE on a partitioned table. Postgres does not show triggers the rows that it moves to other partitions: then counts are forgotten,
-- and counted for each reader.
\pset format unaligned
\pset tuples_only on
\set VERBOSITY default
CREATE TABLE payers (id int, plan text, n int) PARTITION BY LIST (plan);
CREATE TABLE payers_free PARTITION OF payers FOR VALUES IN ('free');
CREATE TABLE payers_paid PARTITION OF payers DEFAULT PARTITION BY RANGE (n);
CREATE TABLE payers_few PARTITION OF payers_paid FOR VALUES FROM (MINVALUE) TO (10);
CREATE TABLE payers_many PARTITION OF payers_paid DEFAULT;
INSERT INTO payers SELECT i, CASE WHEN i % 2 = 0 THEN 'free' ELSE 'pro' END, i FROM generate_series(1, 6) i;
SELECT attach_audience('payers', 'payers', 'id'), set_freshness('payers', 'live');
SELECT watch_segment((create_segment('free', '{"plan": "free"}', audience => 'payers')).id);
SELECT count(create_segment(name, condition, audience => 'payers')) FROM (VALUES ('pro', '{"plan": "pro"}'), ('many', '{"n": {"$gte": 10}}')) v(name,
    condition);
-- What is shown, WRONG where there is something else, and whether it is known without counting.
CREATE FUNCTION payers() RETURNS text LANGUAGE sql AS $$
    SELECT string_agg(format('%s %s', s.name, s.contact_count)
               || CASE WHEN s.contact_count IS DISTINCT FROM (SELECT count(*) FROM segment_members(s.id)) THEN ' WRONG' ELSE '' END
               || CASE WHEN c.contact_count IS NULL THEN ' forgotten' ELSE '' END, ', ' ORDER BY s.name)
      FROM segments.segment s LEFT JOIN segments.segment_count c ON c.segment = s.id WHERE s.audience = 'payers'
$$;
-- Nothing moves.
MERGE INTO payers p USING (VALUES (1), (10)) v(id) ON p.id = v.id
 WHEN MATCHED THEN UPDATE SET n = 2 WHEN NOT MATCHED THEN INSERT VALUES (v.id, 'free', 1);
SELECT payers();
MERGE INTO payers p USING (VALUES (1), (2)) v(id) ON p.id = v.id
 WHEN MATCHED AND p.plan = 'free' THEN DELETE WHEN MATCHED THEN UPDATE SET n = 3;
UPDATE payers SET plan = 'free' WHERE id = 5;
SELECT payers();
-- A row moves; nothing else is done.
MERGE INTO payers p USING (VALUES (4)) v(id) ON p.id = v.id WHEN MATCHED THEN UPDATE SET plan = 'pro';
SELECT payers();
SELECT count(*) FROM refresh_segments('payers');
SELECT payers();
-- A row moves in a part of the table, and one does not.
MERGE INTO payers_paid p USING (VALUES (3), (4)) v(id) ON p.id = v.id WHEN MATCHED THEN UPDATE SET n = p.n * p.n;
SELECT payers();
SELECT count(*) FROM refresh_segments('payers');
-- With other actions, in a function.
DO $$
BEGIN
    MERGE INTO payers p USING (VALUES (6), (11), (1)) v(id) ON p.id = v.id
     WHEN MATCHED AND p.plan = 'pro' THEN DELETE WHEN MATCHED THEN UPDATE SET plan = 'pro' WHEN NOT MATCHED THEN INSERT VALUES (v.id, 'pro', 1);
END
$$;
SELECT payers();
SELECT count(*) FROM refresh_segments('payers');
-- Taken back, it never happened.
BEGIN;
MERGE INTO payers p USING (VALUES (4)) v(id) ON p.id = v.id WHEN MATCHED THEN UPDATE SET plan = 'free';
SELECT payers();
ROLLBACK;
SELECT payers();
SELECT detach_audience('payers', true);
DROP TABLE payers;
