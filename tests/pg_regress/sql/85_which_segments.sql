-- Which segments is this contact in? The answer is that of in_segment(), whatever has been changed, by whom and where.
\pset format unaligned
\pset tuples_only on
\set VERBOSITY default
SELECT create_contacts('asked');
INSERT INTO asked (id, email, country, city, properties, created_at)
SELECT format('00000000-0000-0000-0000-%s', lpad(n::text, 12, '0'))::uuid, 'u' || n, (ARRAY['US', 'DE'])[1 + n % 2], 'Bonn',
    jsonb_build_object('visits', n), now() - n * interval '1 day' FROM generate_series(1, 6) n;
CREATE FUNCTION who(n int) RETURNS text LANGUAGE sql AS $$ SELECT format('00000000-0000-0000-0000-%s', lpad(n::text, 12, '0')) $$;
SELECT count(create_topic(t, audience => 'asked')) FROM unnest('{news,offers}'::text[]) t;
SELECT create_property('visits', 'number', 'asked');
SELECT count(create_segment(name, condition, audience => 'asked')) FROM (VALUES
    ('US', '{"country": "US"}'), ('busy', '{"visits": {"$gte": 4}}'), ('US and busy', '{"$and": [{"$segment": "US"}, {"$segment": "busy"}]}'),
    ('readers', '{"$topic": "news"}'), ('no readers', '{"$topic": {"$ne": "news"}, "country": "US"}'),
    ('both', '{"$topic": {"$all": ["news", "offers"]}}'), ('new', '{"created_at": {"$gte": {"$now": "-3 days"}}}'),
    ('new in US', '{"country": "US", "created_at": {"$gte": {"$now": "-3 days"}}}'), ('not new', '{"$not": {"$segment": "new"}}'),
    ('new or busy', '{"$or": [{"$segment": "new"}, {"visits": {"$gt": 5}}], "country": {"$ne": "FR"}}'), ('everyone', '{}')) v(name, condition);
SELECT subscribe_contact(who(n), 'news', 'asked') FROM generate_series(2, 4) n;
SELECT subscribe_contact(who(4), 'offers', 'asked');

-- The oracle: what each segment alone says. The count is the one that the view shows.
CREATE FUNCTION answers() RETURNS TABLE (contact int, segments text, wrong text) LANGUAGE sql AS $$
    SELECT n, string_agg(c.name, ', ' ORDER BY c.name),
           (SELECT string_agg(s.name, ', ') FROM segments.segment s
             WHERE s.audience = 'asked' AND in_segment(who(n), s.id) IS DISTINCT FROM s.id IN (SELECT m.id FROM contact_segments(who(n), 'asked') m))
      FROM generate_series(1, 7) n LEFT JOIN LATERAL contact_segments(who(n), 'asked') c ON true GROUP BY n ORDER BY n
$$;
SELECT * FROM answers();
SELECT count(*) AS differ FROM generate_series(1, 6) n, contact_segments(who(n), 'asked') c WHERE NOT EXISTS (SELECT FROM segments.segment s WHERE s = c);

-- Each change of a definition is seen at once; also one that comes to nothing.
SELECT name FROM update_segment((SELECT id FROM segments.segment WHERE name = 'busy'), '{"conditions": {"visits": {"$gte": 2}}, "name": "visitors"}');
SELECT segments, wrong FROM answers() WHERE contact = 2;
BEGIN;
SELECT name FROM create_segment('even', '{"visits": {"$in": [2, 4, 6]}}', audience => 'asked');
UPDATE asked SET country = 'US' WHERE id = who(1)::uuid;
SELECT segments, wrong FROM answers() WHERE contact IN (1, 2);
ROLLBACK;
SELECT segments, wrong FROM answers() WHERE contact IN (1, 2);
SELECT delete_segment(id) = id AS deleted FROM segments.segment WHERE name = 'US and busy';
ALTER TABLE asked RENAME COLUMN country TO nation;
SELECT string_agg(name, ', ' ORDER BY name) FROM contact_segments(who(2), 'asked');
ALTER TABLE asked RENAME COLUMN nation TO country;
VACUUM ANALYZE asked;
SELECT segments, wrong FROM answers() WHERE contact = 2;
-- A contact's row as the caller sees it, with the caller's rights.
CREATE ROLE asks;
SELECT grant_segments_access('asks', scope, 'asked') FROM unnest('{read:segments,read:contacts}'::text[]) scope;
ALTER TABLE asked ENABLE ROW LEVEL SECURITY;
CREATE POLICY us ON asked TO asks USING (country = 'US');
SET ROLE asks;
SELECT count(*), count(contact_count) AS counts FROM contact_segments(who(1), 'asked');
SELECT count(*), count(contact_count) AS counts FROM contact_segments(who(2), 'asked');
RESET ROLE;
SELECT count(*), count(contact_count) AS counts FROM contact_segments(who(2), 'asked');
ALTER TABLE asked DISABLE ROW LEVEL SECURITY;
SET ROLE asks;
SELECT count(*), count(contact_count) AS counts FROM contact_segments(who(2), 'asked');
RESET ROLE;
REVOKE SELECT ON asked FROM asks;
GRANT SELECT (id, country, properties, created_at) ON asked TO asks;
SET ROLE asks;
SELECT count(*), count(contact_count) AS counts FROM contact_segments(who(2), 'asked');
RESET ROLE;
REVOKE SELECT ON asked_topics FROM asks;
SET ROLE asks;
SELECT count(*) FROM contact_segments(who(2), 'asked');
RESET ROLE;
SELECT revoke_segments_access('asks', scope, 'asked') FROM unnest('{read:segments,read:contacts}'::text[]) scope;
SET ROLE asks;
SELECT count(*) FROM contact_segments(who(2), 'asked');
RESET ROLE;
-- Without a scope, nobody learns what has become of the table.
BEGIN;
SELECT create_contacts('others'), grant_segments_access('asks', 'read:contacts', 'others');
DROP TABLE asked CASCADE;
SET LOCAL ROLE asks;
SELECT count(*) FROM contact_segments('1', 'asked');
ROLLBACK;
DROP OWNED BY asks;
DROP ROLE asks;
SELECT count(*) FROM contact_segments('nonsense', 'asked');
SELECT * FROM contact_segments(who(1), 'nobody');
-- Live counts, before any is folded, and after a table has been dropped.
SELECT set_freshness('asked', 'live');
DELETE FROM asked WHERE id = who(6)::uuid;
SELECT count(*) AS differ FROM generate_series(1, 6) n, contact_segments(who(n), 'asked') c WHERE NOT EXISTS (SELECT FROM segments.segment s WHERE s = c);
DROP TABLE asked_topics;
SELECT string_agg(name, ', ' ORDER BY name) FROM contact_segments(who(2), 'asked');
SELECT detach_audience('asked', true);
DROP TABLE asked;
DROP FUNCTION answers, who;
