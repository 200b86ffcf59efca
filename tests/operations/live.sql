-- A live audience of a partitioned table, some of its segments watched, and a partition to come and go.
CREATE EXTENSION segments;
CREATE TABLE people (id int PRIMARY KEY, country text, visits int, properties jsonb) PARTITION BY RANGE (id);
CREATE TABLE people_1 PARTITION OF people FOR VALUES FROM (0) TO (500);
CREATE TABLE people_2 PARTITION OF people FOR VALUES FROM (500) TO (1000);
CREATE TABLE people_topics (contact int REFERENCES people ON DELETE CASCADE, topic text, PRIMARY KEY (contact, topic));
SELECT attach_audience('people', 'people', properties_column => 'properties');
SELECT attach_topics('people', 'people_topics', 'contact', 'topic');
SELECT create_topic(topic, audience => 'people') FROM unnest('{news,offers}'::text[]) topic;
SELECT create_property('plan', 'string', 'people');
SELECT set_freshness('people', 'live');
SELECT create_segment(name, condition, audience => 'people') FROM (VALUES
    ('US', '{"country": "US"}'), ('busy', '{"visits": {"$gte": 5}}'), ('pro', '{"plan": "pro", "visits": {"$lt": 8}}'),
    ('readers', '{"$topic": "news"}'), ('busy readers', '{"$segment": "busy", "$topic": {"$ne": "offers"}}'), ('everyone', '{}')) v(name, condition);
SELECT watch_segment(id) FROM segments.segment WHERE name IN ('US', 'busy readers', 'everyone');
INSERT INTO people SELECT n, 'US', n % 10, '{"plan": "pro"}' FROM generate_series(1, 900, 3) n;

CREATE TABLE people_3 (visits int, properties jsonb, country text, id int NOT NULL);
INSERT INTO people_3 SELECT n % 10, '{"plan": "free"}', 'DE', n FROM generate_series(1000, 1100) n;
