-- Partitions of a relation that are attached, detached and dropped, in a live audience: what they change is counted and recorded.
\pset format unaligned
\pset tuples_only on
CREATE TABLE readers_of (id bigint PRIMARY KEY, country text);
CREATE TABLE clicks (reader bigint NOT NULL, link text, at date NOT NULL) PARTITION BY RANGE (at);
CREATE INDEX ON clicks (reader);
CREATE TABLE clicks_2023 PARTITION OF clicks FOR VALUES FROM ('2023-01-01') TO ('2024-01-01');
CREATE TABLE clicks_2024 PARTITION OF clicks FOR VALUES FROM ('2024-01-01') TO ('2025-01-01');
-- Its columns have another order.
CREATE TABLE clicks_2025 (at date NOT NULL, note text, link text, reader bigint NOT NULL);
ALTER TABLE clicks_2025 DROP COLUMN note;
INSERT INTO readers_of SELECT n, (ARRAY['US', 'DE'])[1 + n % 2] FROM generate_series(1, 10) n;
INSERT INTO clicks SELECT 1 + n % 8, (ARRAY['buy', 'home'])[1 + n % 2], date '2023-06-01' + n * 20 FROM generate_series(1, 25) n;
INSERT INTO clicks_2025 SELECT date '2025-01-01' + n, CASE WHEN n % 3 = 0 THEN 'buy' ELSE 'home' END, 4 + n % 8 FROM generate_series(1, 12) n;
SELECT attach_audience('readers_of', 'readers_of');
SELECT attach_relation('clicks', 'clicks', 'reader', 'readers_of', time_column => 'at');
SELECT set_freshness('readers_of', 'live');
SELECT count(create_segment(name, condition::segment_condition, audience => 'readers_of')) FROM (VALUES
    ('US', '{"country": "US"}'), ('everyone', '{}')) v(name, condition);

-- As long as no segment asks for them, partitions are not read: counts stay, and nothing is recorded.
CREATE FUNCTION scans(relation text) RETURNS bigint LANGUAGE sql AS $$
    SELECT pg_stat_get_xact_numscans(relation::regclass)
$$;
BEGIN;
SELECT scans('clicks_2023') AS before \gset
ALTER TABLE clicks DETACH PARTITION clicks_2023;
SELECT scans('clicks_2023') - :before, (SELECT count(*) FROM segments.segment WHERE audience = 'readers_of' AND contact_count IS NULL);
ROLLBACK;
SELECT count(create_segment(name, condition::segment_condition, audience => 'readers_of')) FROM (VALUES
    ('buyers', '{"clicks.link": "buy"}'), ('never', '{"clicks": {"$none": {"link": "buy"}}}'),
    ('last home', '{"country": "US", "clicks": {"$last": {"link": "home"}}}'), ('busy', '{"clicks": {"$count": {"$gte": 4}}}')) v(name, condition);
SELECT count(watch_segment(id)) FROM segments.segment WHERE audience = 'readers_of' AND name IN ('buyers', 'never', 'busy');
DELETE FROM segments.change_record;
CREATE FUNCTION verdict() RETURNS SETOF text LANGUAGE sql AS $$
    SELECT counts_of('readers_of')
     UNION ALL
    (SELECT format('%s: %s', s.name, string_agg(c.change || ' ' || c.contact_id, ', ' ORDER BY c.contact_id))
      FROM segments.change_record c JOIN segments.segment s ON s.id = c.segment GROUP BY s.id, s.name ORDER BY s.id)
$$;
CREATE FUNCTION forget() RETURNS void LANGUAGE sql AS $$ DELETE FROM segments.change_record $$;
SELECT verdict();
ALTER TABLE clicks ATTACH PARTITION clicks_2025 FOR VALUES FROM ('2025-01-01') TO ('2026-01-01');
SELECT verdict();
SELECT forget();
ALTER TABLE clicks DETACH PARTITION clicks_2024;
SELECT verdict();
SELECT forget();
BEGIN;
ALTER TABLE clicks DETACH PARTITION clicks_2023;
ALTER TABLE clicks DETACH PARTITION clicks_2025;
SELECT verdict();
ROLLBACK;
SELECT verdict();
-- What is written afterwards is counted, too, in the parts that are there, and in no others.
INSERT INTO clicks VALUES (9, 'buy', '2025-03-03'), (10, 'buy', '2023-03-03');
INSERT INTO clicks_2024 VALUES (10, 'buy', '2024-03-03');
INSERT INTO clicks_2025 (reader, link, at) VALUES (1, 'home', '2025-03-03');
SELECT verdict();
SELECT forget();
ALTER TABLE clicks ATTACH PARTITION clicks_2024 DEFAULT;
SELECT verdict();
SELECT forget();
ALTER TABLE clicks DETACH PARTITION clicks_2024;
SELECT verdict();
SELECT forget();
ALTER TABLE clicks DETACH PARTITION clicks_2025 CONCURRENTLY;
SELECT verdict();
-- Dropped with its rows. What a drop changes is counted; who has left is not known any more.
DROP TABLE clicks_2023;
SELECT verdict();
DROP TABLE clicks_2024, clicks_2025;
CREATE TABLE clicks_2026 PARTITION OF clicks FOR VALUES FROM ('2026-01-01') TO ('2027-01-01') PARTITION BY RANGE (at);
CREATE TABLE clicks_2026_1 PARTITION OF clicks_2026 FOR VALUES FROM ('2026-01-01') TO ('2026-02-01');
SELECT forget();
INSERT INTO clicks VALUES (1, 'buy', '2026-01-01');
SELECT verdict();
ALTER TABLE clicks DETACH PARTITION clicks_2026;
SELECT verdict();
-- The triggers are gone with it.
SELECT count(*) FROM pg_trigger WHERE tgrelid IN ('clicks_2026'::regclass, 'clicks_2026_1'::regclass) AND NOT tgisinternal;
ALTER TABLE clicks ATTACH PARTITION clicks_2026 FOR VALUES FROM ('2026-01-01') TO ('2027-01-01');
SELECT forget();
TRUNCATE clicks_2026_1;
SELECT verdict();

-- A foreign or unlogged partition cannot be followed. The segments that ask for it become periodic, the others stay live.
CREATE UNLOGGED TABLE clicks_2027 PARTITION OF clicks FOR VALUES FROM ('2027-01-01') TO ('2028-01-01');
SELECT s.name, t.kept FROM segments.segment s JOIN segments.segment_status t ON t.segment = s.id WHERE s.audience = 'readers_of' ORDER BY s.id;
DROP TABLE clicks_2027;
SELECT count(*) FROM segments.segment s JOIN segments.segment_status t ON t.segment = s.id WHERE s.audience = 'readers_of' AND t.kept <> 'live';
-- Neither can a table that goes to another owner.
CREATE ROLE clicks_owner;
ALTER TABLE clicks OWNER TO clicks_owner;
SELECT count(*) FROM segments.segment s JOIN segments.segment_status t ON t.segment = s.id WHERE s.audience = 'readers_of' AND t.kept <> 'live';
INSERT INTO clicks VALUES (5, 'buy', '2026-01-01');
ALTER TABLE clicks OWNER TO CURRENT_USER;
SELECT count(*) FROM segments.segment s JOIN segments.segment_status t ON t.segment = s.id WHERE s.audience = 'readers_of' AND t.kept <> 'live';
SELECT counts_of('readers_of');
DROP ROLE clicks_owner;
-- Disabled triggers.
ALTER TABLE clicks_2026_1 DISABLE TRIGGER ALL;
INSERT INTO clicks_2026_1 VALUES (6, 'buy', '2026-01-02');
SELECT count(*) FROM segments.segment s JOIN segments.segment_status t ON t.segment = s.id WHERE s.audience = 'readers_of' AND t.kept <> 'live';
ALTER TABLE clicks_2026_1 ENABLE TRIGGER ALL;
SELECT count(*) FROM segments.segment s JOIN segments.segment_status t ON t.segment = s.id WHERE s.audience = 'readers_of' AND t.kept <> 'live';
SELECT counts_of('readers_of');
INSERT INTO clicks_2026_1 VALUES (7, 'buy', '2026-01-02');
SELECT counts_of('readers_of');
-- Columns that change what is read: another type, and a column that is gone.
ALTER TABLE clicks ALTER COLUMN link TYPE varchar USING CASE link WHEN 'buy' THEN 'home' ELSE 'buy' END;
SELECT counts_of('readers_of');
DROP TABLE clicks;
SELECT name, contact_count FROM segments.segment WHERE audience = 'readers_of' ORDER BY id;
SELECT detach_audience('readers_of', true);
DROP TABLE readers_of;
DROP FUNCTION verdict, forget, scans;
