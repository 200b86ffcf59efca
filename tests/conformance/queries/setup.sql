-- Audiences of every kind of table, and in_oracle(): the same question, put to a table of members made beforehand.
SET client_min_messages = warning;
CREATE EXTENSION segments;
CREATE TABLE people (dropped int, id int PRIMARY KEY, team int, country text, score int, props jsonb, joined date);
ALTER TABLE people DROP COLUMN dropped;
INSERT INTO people SELECT n, n % 5, (ARRAY['US', 'DE', NULL])[1 + n % 3], nullif(n % 7, 0),
    CASE WHEN n % 4 > 0 THEN jsonb_build_object('plan', (ARRAY['pro', 'free'])[1 + n % 2], 'visits', n % 6) END, '2024-01-01'::date + n
  FROM generate_series(-3, 40) n;
CREATE TABLE topics (person int, topic text, PRIMARY KEY (person, topic));
INSERT INTO topics SELECT n, t FROM generate_series(-3, 40) n, unnest('{news,rare}'::text[]) t WHERE CASE t WHEN 'news' THEN n % 2 = 0 ELSE n % 11 = 0 END;
-- The columns of the partitions are in other places.
CREATE TABLE parts (id int PRIMARY KEY, team int, country text, score int NOT NULL) PARTITION BY RANGE (id);
CREATE TABLE parts_low (country text, score int NOT NULL, team int, id int NOT NULL);
ALTER TABLE parts ATTACH PARTITION parts_low FOR VALUES FROM (MINVALUE) TO (15);
CREATE TABLE parts_high PARTITION OF parts FOR VALUES FROM (15) TO (MAXVALUE) PARTITION BY HASH (id);
CREATE TABLE parts_high_0 PARTITION OF parts_high FOR VALUES WITH (MODULUS 2, REMAINDER 0);
CREATE TABLE parts_high_1 PARTITION OF parts_high FOR VALUES WITH (MODULUS 2, REMAINDER 1);
INSERT INTO parts SELECT n, n % 4, (ARRAY['US', 'DE', NULL])[1 + n % 3], n % 8 FROM generate_series(0, 35) n;
-- A table that others inherit from; there the id may be NULL.
CREATE TABLE base (id int UNIQUE, team int, country text, score int);
CREATE TABLE child (extra int) INHERITS (base);
INSERT INTO base SELECT nullif(n, 9), n % 3, 'US', n % 5 FROM generate_series(0, 18) n;
INSERT INTO child SELECT nullif(n, 29), n % 3, 'DE', n % 5, n FROM generate_series(20, 38) n;
CREATE TABLE orders (id int PRIMARY KEY, person int, amount int, placed date);
INSERT INTO orders SELECT n, nullif(n % 45, 0), nullif(n % 10, 4), '2024-01-01'::date + n * n % 13 FROM generate_series(1, 70) n;
CREATE INDEX ON people (score);
CREATE INDEX ON people USING gin (props);
CREATE INDEX ON orders (person);
SELECT attach_audience('people', 'people', properties_column => 'props');
SELECT attach_topics('people', 'topics', 'person', 'topic');
SELECT attach_audience('parts', 'parts'), attach_audience('base', 'base', 'id', scope => '{"team": {"$in": [0, 1]}}');
SELECT attach_relation('orders', 'orders', 'person', audience, time_column => 'placed') FROM unnest('{people,parts,base}'::text[]) audience;
SELECT create_topic('news', 'news', audience => 'people'), create_topic('rare', 'rare', audience => 'people');
SELECT create_property('plan', 'string', 'people'), create_property('visits', 'number', 'people');
SELECT count(create_segment(audience || ' ' || name, condition::segment_condition, audience => audience)) FROM (VALUES
    ('people', 'pro', '{"plan": "pro"}'), ('people', 'not pro', '{"plan": {"$ne": "pro"}}'), ('people', 'news', '{"$topic": "news"}'),
    ('people', 'rare', '{"$topic": "rare", "score": {"$gte": 2}}'), ('people', 'no news', '{"$topic": {"$ne": "news"}}'),
    ('people', 'either', '{"$or": [{"$topic": "rare"}, {"visits": {"$gt": 3}}]}'), ('people', 'nested', '{"$and": [{"$segment": "people news"}, {"team": 1}]}'),
    ('people', 'recent', '{"joined": {"$gte": {"$today": "-50 years"}}, "team": {"$ne": 2}}'), ('people', 'all', '{}'), ('people', 'none', '{"score": {"$in": []}}'),
    ('people', 'dear', '{"orders": {"$some": {"amount": {"$gte": 7}}}}'), ('people', 'none dear', '{"orders": {"$none": {"amount": {"$gte": 7}}}}'),
    ('people', 'many', '{"orders": {"$count": {"$gte": 2}}}'), ('people', 'few', '{"orders": {"$count": {"$lt": 2}}}'),
    ('people', 'spent', '{"orders": {"$sum": {"amount": {"$gt": 8}}, "$count": {"$lt": 3}}, "score": {"$gte": 2}}'),
    ('people', 'latest', '{"orders": {"$last": {"amount": {"$lt": 5}}}}'), ('people', 'some or team', '{"$or": [{"team": 1}, {"orders": {"$count": {"$gte": 2}}}]}'),
    ('people', 'dear or few', '{"$or": [{"orders": {"$some": {"amount": 9}}}, {"orders": {"$count": {"$lt": 1}}, "$topic": "news"}]}'),
    ('people', 'many and pro', '{"$and": [{"$segment": "people many"}, {"plan": "pro"}]}'),
    ('parts', 'many', '{"orders": {"$count": {"$gte": 2}}}'), ('parts', 'few', '{"orders": {"$count": {"$lt": 2}}}'),
    ('parts', 'many or US', '{"$or": [{"country": "US"}, {"orders": {"$count": {"$gte": 2}}}]}'),
    ('base', 'many', '{"orders": {"$count": {"$gte": 2}}}'), ('base', 'few', '{"orders": {"$count": {"$lt": 2}}}'),
    ('parts', 'high', '{"score": {"$gte": 5}}'), ('parts', 'not US', '{"country": {"$ne": "US"}}'), ('parts', 'all', '{}'), ('parts', 'nowhere', '{"country": null}'),
    ('parts', 'bucket', '{"$bucket": {"of": 3, "in": [1], "salt": "s"}}'),
    ('base', 'high', '{"score": {"$gte": 3}}'), ('base', 'not US', '{"country": {"$ne": "US"}}'), ('base', 'all', '{}'), ('base', 'odd', '{"team": 1}'))
    v(audience, name, condition);
CREATE TABLE members AS SELECT s.id AS segment, s.name, m AS id FROM segments.segment s, segment_members(s.id) m;
CREATE INDEX ON members (name, id);
-- In PL/pgSQL, so that nothing is put in its place.
CREATE FUNCTION in_oracle(contact text, segment text) RETURNS boolean LANGUAGE plpgsql STABLE STRICT PARALLEL RESTRICTED COST 1000 AS $$
BEGIN
    RETURN EXISTS (SELECT FROM public.members m WHERE m.name = in_oracle.segment AND m.id = contact);
END
$$;
CREATE FUNCTION in_oracle(contact text, segment uuid) RETURNS boolean LANGUAGE plpgsql STABLE STRICT PARALLEL RESTRICTED COST 1000 AS $$
BEGIN
    RETURN EXISTS (SELECT FROM public.members m WHERE m.segment = in_oracle.segment AND m.id = contact);
END
$$;
CREATE FUNCTION in_oracle(contact anyelement, segment text) RETURNS boolean LANGUAGE plpgsql STABLE STRICT PARALLEL RESTRICTED COST 1000 AS $$
BEGIN
    RETURN public.in_oracle(contact::text, segment);
END
$$;
CREATE FUNCTION in_oracle(contact anyelement, segment uuid) RETURNS boolean LANGUAGE plpgsql STABLE STRICT PARALLEL RESTRICTED COST 1000 AS $$
BEGIN
    RETURN public.in_oracle(contact::text, segment);
END
$$;
-- The same objects over either function. Theirs is what a role without policies may not see.
DO $do$
DECLARE
    f text;
BEGIN
    FOREACH f IN ARRAY ARRAY['in_segment', 'in_oracle'] LOOP
        EXECUTE replace($$
            CREATE VIEW plain_@ AS SELECT * FROM people;
            CREATE VIEW barrier_@ WITH (security_barrier) AS SELECT id, team, country, score FROM people WHERE @(id, 'people not pro') OR team = 1;
            CREATE VIEW checked_@ AS SELECT id, team, country, score FROM people p WHERE @(p.id, 'people no news') WITH CHECK OPTION;
            CREATE VIEW joined_@ AS SELECT o.id, p.team, p.country, o.amount AS score, @(p.id, 'people news') AS reads FROM orders o LEFT JOIN people p ON p.id = o.person;
            CREATE FUNCTION reads_@(int) RETURNS boolean LANGUAGE sql STABLE AS 'SELECT @($1, ''people news'')';
            CREATE FUNCTION readers_@(int) RETURNS SETOF int LANGUAGE sql STABLE AS 'SELECT id FROM people p WHERE @(p.id, ''people pro'') AND p.team = $1';
            CREATE TABLE notes_@ (id int PRIMARY KEY, team int, country text, score int);
            INSERT INTO notes_@ SELECT n, n % 3, 'US', n FROM generate_series(1, 30) n;
            ALTER TABLE notes_@ ENABLE ROW LEVEL SECURITY;
            CREATE POLICY of_readers ON notes_@ USING (EXISTS (SELECT FROM people p WHERE p.id = notes_@.id AND @(p.id, 'people not pro')));
        $$, '@', f);
    END LOOP;
END
$do$;
CREATE ROLE fuzzer;
GRANT ALL ON ALL TABLES IN SCHEMA public TO fuzzer;
SELECT grant_segments_access('fuzzer', scope, audience) FROM unnest('{read:contacts,read:segments}'::text[]) scope, unnest('{people,parts,base}'::text[]) audience;
ANALYZE;
