-- Counts brought up to date.
\set VERBOSITY default
CREATE TABLE regress_buyers (no int PRIMARY KEY, country text, spent int);
INSERT INTO regress_buyers SELECT n, CASE WHEN n % 2 = 0 THEN 'US' END, n FROM generate_series(1, 10) n;
SELECT attach_audience('regress_buyers', 'regress_buyers');
SELECT count(create_segment(name, condition, audience => 'regress_buyers')) FROM (VALUES
    ('US', '{"country": "US"}'), ('Big', '{"spent": {"$gte": 8}}'), ('Neither', '{"$nor": [{"$segment": "US"}, {"$segment": "Big"}]}')) v(name, condition);
DELETE FROM regress_buyers WHERE no >= 9;
INSERT INTO regress_buyers VALUES (20, 'US', 1), (21, NULL, NULL);
SELECT name, contact_count FROM list_segments('regress_buyers');
SELECT s.name, r.contact_count, r.error FROM refresh_segments('regress_buyers') r JOIN segments.segment s ON s.id = r.segment ORDER BY s.id;
SELECT name, contact_count FROM list_segments('regress_buyers');

-- What is broken is told, and stops no other.
ALTER TABLE regress_buyers DROP COLUMN spent;
SELECT s.name, r.contact_count, r.error FROM refresh_segments('regress_buyers') r JOIN segments.segment s ON s.id = r.segment ORDER BY s.id;
SELECT refresh_segments('regress_nobody');

SELECT detach_audience('regress_buyers', cascade => true);
DROP TABLE regress_buyers;
