-- What validate_conditions says of conditions that are legal and fit the contacts badly.
\pset format unaligned
\pset tuples_only on
\pset null NULL
CREATE TABLE fits (id int PRIMARY KEY, org text, status text, properties jsonb);
INSERT INTO fits SELECT n, 'acme', (ARRAY['active', 'paused', 'gone'])[n % 3 + 1], jsonb_build_object(
    'plan', (ARRAY['pro', 'free'])[n % 2 + 1], 'revenue', n::text, 'mixed', CASE WHEN n % 4 = 0 THEN to_jsonb(n) ELSE '"x"' END,
    'signed', '03/25/2024', 'born', CASE WHEN n < 10 THEN '2024-01-01' ELSE '31.12.2024' END, 'tags', CASE WHEN n = 1 THEN '["vip"]' ELSE '"vip"' END::jsonb,
    'company', jsonb_build_object('size', n, 'offices', ARRAY[jsonb_build_object('city', 'x')]), 'email', n || '@example.com', 'ok', true)
  FROM generate_series(1, 40) n;
SELECT attach_audience('fits', 'fits', properties_column => 'properties', scope => '{"org": "acme"}');
SELECT create_property(name, type, 'fits') FROM (VALUES ('plan', 'string'), ('revenue', 'number'), ('mixed', 'number'), ('signed', 'date'), ('born', 'date'),
    ('tags', 'string[]'), ('company', 'json'), ('email', 'string'), ('ok', 'boolean'), ('unset', 'number')) v(name, type);
CREATE FUNCTION said(conditions text) RETURNS TABLE (path text, message text, hint text) LANGUAGE sql AS
    $$SELECT v.path, v.message, v.hint FROM validate_conditions(conditions, 'fits') v$$;

-- Stored values that are not of the declared type, with how many.
SELECT * FROM said('{"revenue": {"$gt": 5}}') \gx
SELECT * FROM said('{"mixed": 5}') \gx
SELECT * FROM said('{"signed": {"$lt": "2024-01-01"}}') \gx
SELECT * FROM said('{"$or": [{"born": {"$not": {"$gt": "2024-01-01"}}}, {"$not": {"born": {"$in": ["2024-01-01"]}}}]}') \gx
-- Only what is compared needs values of the type; an array of one is one.
SELECT * FROM said('{"revenue": {"$exists": true}, "tags": "vip", "ok": true, "unset": 5}');

-- Paths that no contact has.
SELECT * FROM said('{"company.sizee": {"$gt": 5}}') \gx
SELECT * FROM said('{"company.offices.town": "x", "company.offices.0.city": "x", "company.offices.city": "x"}') \gx
SELECT * FROM said('{"company.size": 5, "company": {"$exists": true}}');

-- Values that no contact has, where there are few.
SELECT * FROM said('{"plan": "premium"}') \gx
SELECT * FROM said('{"plan": {"$in": ["pro", "Free"]}, "status": {"$nin": ["gonee"], "$exists": true}, "tags": {"$all": ["vip", "vipp"]}}') \gx
SELECT * FROM said('{"plan": "pro", "status": {"$in": ["active", "gone"]}, "tags": "vip", "email": "new@example.com"}');

-- Another value than the audience's scope wants.
SELECT * FROM said('{"org": "other"}') \gx
SELECT * FROM said('{"$and": [{"plan": "pro"}, {"org": {"$in": ["one", "two"]}}]}') \gx
SELECT * FROM said('{"org": {"$in": ["one", "acme"]}}');
SELECT * FROM said('{"$or": [{"org": "acme"}, {"plan": "pro"}]}');

-- Whoever may not read the contacts is told nothing of them.
CREATE ROLE regress_reader;
GRANT EXECUTE ON FUNCTION said TO regress_reader;
SELECT grant_segments_access('regress_reader', 'read:segments', 'fits');
SET ROLE regress_reader;
SELECT * FROM said('{"plan": "premium", "revenue": {"$gt": 5}, "company.sizee": 1}');
RESET ROLE;
GRANT SELECT (id, org, properties) ON fits TO regress_reader;
SET ROLE regress_reader;
SELECT path FROM said('{"plan": "premium", "revenue": {"$gt": 5}, "company.sizee": 1}');
RESET ROLE;
-- Of an empty table there is nothing to say.
TRUNCATE fits;
SELECT * FROM said('{"plan": "premium", "revenue": {"$gt": 5}, "company.sizee": 1}');
SELECT revoke_segments_access('regress_reader', 'read:segments'), detach_audience('fits', true);
DROP FUNCTION said;
DROP TABLE fits;
DROP ROLE regress_reader;
