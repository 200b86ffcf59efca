-- explain_match has no note where rows compare otherwise than as the texts that it shows: citext, and a uuid written in capitals.
\pset format unaligned
\pset tuples_only on
CREATE EXTENSION IF NOT EXISTS citext;
CREATE TABLE tenants (id int PRIMARY KEY);
CREATE TABLE bookings (tenant int, room citext, rooms citext[], ref uuid, note text);
CREATE INDEX ON bookings (tenant);
INSERT INTO tenants VALUES (1), (2);
INSERT INTO bookings VALUES
    (1, 'Blue', '{A1,b2}', '0a1b2c3d-0000-4000-8000-00000000000f', 'late'), (1, 'BLUE', NULL, NULL, NULL), (1, 'Red', '{a1}', NULL, 'late');
SELECT attach_audience('tenants', 'tenants'), attach_relation('bookings', 'bookings', 'tenant', 'tenants');
CREATE FUNCTION explained(condition text) RETURNS TABLE (matches boolean, note text) LANGUAGE sql AS $$
    SELECT m.matches, m.note FROM create_segment(gen_random_uuid()::text, condition::segment_condition, audience => 'tenants') s, explain_match('1', s.id) m
     WHERE m.path <> ''
$$;
SELECT * FROM explained('{"bookings": {"$some": {"room": "bLUE"}}}');
SELECT * FROM explained('{"bookings": {"$some": {"rooms": "A1"}}}');
SELECT * FROM explained('{"bookings": {"$filter": {"room": {"$startsWith": "B"}}, "$count": 2}}');
SELECT * FROM explained('{"bookings": {"$max": {"room": "RED"}}}');
SELECT * FROM explained('{"bookings": {"$some": {"ref": "0A1B2C3D-0000-4000-8000-00000000000F"}}}');
SELECT * FROM explained('{"bookings": {"$some": {"note": "late"}}}');
SELECT detach_audience('tenants', cascade => true);
DROP FUNCTION explained;
DROP TABLE bookings, tenants;
