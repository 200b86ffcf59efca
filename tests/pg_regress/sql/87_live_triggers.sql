-- Triggers of a live audience that are disabled, missing or called otherwise.
\pset format unaligned
\pset tuples_only on

CREATE TABLE drivers (id int PRIMARY KEY, age int, licensed date);
INSERT INTO drivers SELECT n, n, '2000-01-01' FROM generate_series(1, 100) n;
SELECT attach_audience('drivers', 'drivers');
SELECT s.name, s.contact_count FROM (VALUES ('adults', '{"age": {"$gte": 18}}'), ('recent', '{"licensed": {"$gt": {"$now": "-10 years"}}}')) v(name, condition),
    LATERAL create_segment(v.name, condition, audience => 'drivers') s ORDER BY 1;
SELECT set_freshness('drivers', 'live');
CREATE FUNCTION kept() RETURNS TABLE (name text, kept text, contact_count bigint, is_right boolean, is_stored boolean, is_due boolean, error text)
    LANGUAGE sql AS $$
SELECT s.name, t.kept, s.contact_count, s.contact_count = count_contacts(s.conditions, 'drivers'), s.counted_at IS NOT NULL, t.due <= now(), t.error
  FROM segments.segment s JOIN segments.segment_status t ON t.segment = s.id WHERE s.audience = 'drivers' ORDER BY s.name
$$;

-- Triggers are known by what they do, not by what they are called.
ALTER TRIGGER segments_live_update ON drivers RENAME TO renamed;
SELECT set_freshness('drivers', 'live');
UPDATE drivers SET age = 17 WHERE id > 60;
SELECT * FROM kept() WHERE name <> 'recent';
ALTER TABLE drivers DISABLE TRIGGER renamed;
SELECT set_freshness('drivers', 'live');
UPDATE drivers SET age = 17 WHERE id > 50;
SELECT * FROM kept() WHERE name <> 'recent';
DROP TRIGGER segments_live_delete ON drivers;
SELECT set_freshness('drivers', 'live');
DELETE FROM drivers WHERE id > 40;
SELECT * FROM kept() WHERE name <> 'recent';
SELECT tgname FROM pg_trigger WHERE tgrelid = 'drivers'::regclass ORDER BY 1;
SELECT set_freshness('drivers', 'periodic');
SELECT count(*) FROM pg_trigger WHERE tgrelid = 'drivers'::regclass;
SELECT detach_audience('drivers', true);

-- What a dump of the table alone has brought along does nothing, and goes.
CREATE TRIGGER left_behind AFTER INSERT ON drivers REFERENCING NEW TABLE AS segments_new FOR EACH STATEMENT EXECUTE FUNCTION segments.keep_counts();
INSERT INTO drivers VALUES (1000, 1);
SELECT attach_audience('drivers', 'drivers'), set_freshness('drivers', 'periodic');
SELECT count(*) FROM pg_trigger WHERE tgrelid = 'drivers'::regclass;
SELECT detach_audience('drivers');
DROP FUNCTION kept();
DROP TABLE drivers;
