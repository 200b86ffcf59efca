-- Live counts: exact after every statement, whatever sort of statement it is.
\pset format unaligned
\pset tuples_only on
\set VERBOSITY default
CREATE TABLE people (id int PRIMARY KEY, country text, age int, plan text NOT NULL DEFAULT 'free', custom jsonb, org int NOT NULL DEFAULT 1, born timestamptz);
INSERT INTO people SELECT n, (ARRAY['US', 'DE', 'FR', NULL])[1 + n % 4], n % 60, 'free', jsonb_build_object('visits', n % 10) FROM generate_series(1, 200) n;
SELECT attach_audience('people', 'people', properties_column => 'custom');
-- Several audiences may share a table: here, one for each tenant.
SELECT attach_audience('org1', 'people', properties_column => 'custom', scope => '{"org": 1}');
SELECT create_property('visits', 'number', 'people'), create_property('visits', 'number', 'org1');

-- The counts of these segments, or else whatever count is wrong.
CREATE FUNCTION counts(VARIADIC names text[]) RETURNS text LANGUAGE sql AS $$
    SELECT coalesce('WRONG: ' || (SELECT string_agg(w::text, ', ') FROM wrong_counts('people', 'org1') w),
                    (SELECT string_agg(s.name || ' ' || s.contact_count, ', ' ORDER BY array_position(names, s.name))
                       FROM segments.segment s WHERE s.name = ANY (names) AND s.audience IN ('people', 'org1')))
$$;

SELECT contact_count FROM create_segment('US', '{"country": "US"}', audience => 'people');
SELECT set_freshness('people', 'live'), set_freshness('org1', 'live');
-- Also segments that are made later; conditions on columns, on custom properties, on both, and on other segments.
SELECT count(create_segment(name, condition, audience => 'people')) FROM (VALUES
    ('not US', '{"country": {"$ne": "US"}}'),
    ('adult', '{"age": {"$gte": 18}}'),
    ('busy', '{"visits": {"$gt": 5}}'),
    ('busy adult', '{"visits": {"$gt": 5}, "age": {"$gte": 18}}'),
    ('US adult', '{"$and": [{"$segment": "US"}, {"$segment": "adult"}]}'),
    ('no country', '{"country": null}'),
    ('everyone', '{}'),
    ('nobody', '{"age": {"$lt": 0}}')) v(name, condition);
SELECT count(create_segment('pro of 1', '{"plan": "pro"}', audience => 'org1'));
SELECT * FROM wrong_counts('people', 'org1');

-- Each statement.
INSERT INTO people (id, country, age, custom) VALUES (201, 'US', 30, '{"visits": 9}'), (202, 'US', 3, NULL);
SELECT counts('US', 'US adult', 'busy', 'everyone', 'nobody');
UPDATE people SET country = 'DE' WHERE country = 'US' AND id <= 40;
SELECT counts('US', 'not US', 'US adult');
UPDATE people SET plan = 'pro', org = 1 + id % 2 WHERE id % 3 = 0;
SELECT counts('pro of 1');
UPDATE people SET custom = jsonb_set(COALESCE(custom, '{}'), '{visits}', '7') WHERE id % 7 = 0;
SELECT counts('busy', 'busy adult');
UPDATE people SET id = id + 1000 WHERE id > 190;
DELETE FROM people WHERE id > 1195 OR age < 5;
SELECT counts('everyone', 'no country');
COPY people (id, country, age) FROM stdin;
301	US	20
302	FR	17
\.
INSERT INTO people (id, country, age) VALUES (301, 'FR', 20), (303, 'US', 40), (304, 'US', 50) ON CONFLICT (id) DO UPDATE SET country = excluded.country;
INSERT INTO people (id, country, age) VALUES (301, 'US', 20), (305, 'US', 40) ON CONFLICT DO NOTHING;
SELECT counts('US', 'US adult');
MERGE INTO people p USING (SELECT n AS id FROM generate_series(295, 310) n) s ON p.id = s.id
    WHEN MATCHED AND p.id = 302 THEN DELETE
    WHEN MATCHED THEN UPDATE SET age = age + 1
    WHEN NOT MATCHED AND s.id > 305 THEN INSERT (id, country, age) VALUES (s.id, 'DE', 60);
SELECT counts('adult', 'everyone');
WITH gone AS (DELETE FROM people WHERE id > 307 RETURNING *), moved AS (UPDATE people SET country = 'US' WHERE id = 306 RETURNING id)
INSERT INTO people (id, country, age) SELECT id + 100, 'US', age FROM gone;
SELECT counts('US', 'everyone');

-- Triggers of the table's own see no difference, and what they change counts too.
CREATE FUNCTION upper_country() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN NEW.country := upper(NEW.country); RETURN NEW; END $$;
CREATE TRIGGER upper_country BEFORE INSERT OR UPDATE ON people FOR EACH ROW EXECUTE FUNCTION upper_country();
CREATE FUNCTION ages_follow() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN UPDATE people SET age = 99 WHERE id = NEW.id AND age <> 99; RETURN NULL; END $$;
CREATE TRIGGER ages_follow AFTER UPDATE OF plan ON people FOR EACH ROW EXECUTE FUNCTION ages_follow();
UPDATE people SET plan = 'pro' WHERE id BETWEEN 10 AND 20;
INSERT INTO people (id, country, age) VALUES (500, 'us', 4);
UPDATE people SET age = 5 WHERE id = 500;
SELECT counts('US', 'adult', 'pro of 1');
DROP TRIGGER upper_country ON people;
DROP TRIGGER ages_follow ON people;

-- Transactions, and parts of them, that come to nothing.
BEGIN;
DELETE FROM people WHERE country = 'US';
SELECT counts('US');
SAVEPOINT a;
INSERT INTO people (id, country, age) SELECT n, 'US', 70 FROM generate_series(2001, 2010) n;
SELECT counts('US');
ROLLBACK TO a;
SELECT counts('US');
INSERT INTO people (id, country, age) VALUES (2001, 'US', 70);
RELEASE a;
SELECT counts('US');
ROLLBACK;
SELECT counts('US');

-- Changes of definitions, also in the transaction that changes contacts.
BEGIN;
UPDATE people SET age = 17 WHERE id BETWEEN 30 AND 50;
SELECT contact_count FROM create_segment('minor', '{"age": {"$lt": 18}}', audience => 'people');
SELECT * FROM wrong_counts('people', 'org1');
UPDATE people SET age = 30 WHERE id BETWEEN 30 AND 40;
SELECT counts('minor');
SELECT contact_count FROM update_segment((SELECT id FROM segments.segment WHERE name = 'adult'), '{"conditions": {"age": {"$gte": 21}}}');
SELECT counts('adult', 'US adult');
UPDATE people SET age = 20 WHERE id BETWEEN 30 AND 40;
SELECT counts('adult', 'US adult');
ROLLBACK;
UPDATE people SET age = 19 WHERE id BETWEEN 60 AND 70;
SELECT counts('adult', 'US adult');
SELECT name FROM update_segment((SELECT id FROM segments.segment WHERE name = 'adult'), '{"conditions": {"age": {"$gte": 20}}}');
UPDATE people SET age = 21 WHERE id BETWEEN 60 AND 70;
SELECT delete_segment(id) = id AS deleted FROM segments.segment WHERE name = 'nobody';
UPDATE people SET age = -1 WHERE id = 60;
SELECT counts('adult', 'US adult');

-- What was recorded is folded into the counts, which stay what they were.
SELECT counts('US', 'adult', 'busy') AS before, count(*) > 0 AS recorded FROM segments.count_delta;
SELECT segments.fold_counts() > 0 AS folded;
SELECT counts('US', 'adult', 'busy') AS after, count(*) AS recorded FROM segments.count_delta;
-- A statement that changes no count records nothing.
UPDATE people SET country = 'DE' WHERE false;
UPDATE people SET country = country;
SELECT count(*) AS recorded FROM segments.count_delta;

TRUNCATE people;
SELECT counts('US', 'everyone', 'pro of 1');
INSERT INTO people (id, country, age) VALUES (1, 'US', 30);
SELECT counts('US', 'everyone');
BEGIN;
INSERT INTO people (id, country, age) VALUES (2, 'US', 30);
TRUNCATE people;
INSERT INTO people (id, country, age) VALUES (3, 'US', 30), (4, 'US', 30);
SELECT counts('US', 'everyone');
ROLLBACK;
SELECT counts('US', 'everyone');

-- Whoever may write the table keeps its counts, without any right to the extension's tables.
CREATE ROLE live_writer;
GRANT SELECT, INSERT, UPDATE, DELETE ON people TO live_writer;
SET ROLE live_writer;
INSERT INTO people (id, country, age) VALUES (10, 'US', 30), (11, 'DE', 30);
UPDATE people SET country = 'US' WHERE id = 11;
SELECT count(*) FROM segments.count_delta;
RESET ROLE;
SELECT counts('US', 'everyone');
DROP OWNED BY live_writer;
DROP ROLE live_writer;

-- The triggers are the table's own, and go when the last audience of the table is not live any more.
SELECT tgname FROM pg_trigger WHERE tgrelid = 'people'::regclass ORDER BY 1;
SELECT set_freshness('people', 'periodic');
UPDATE people SET country = 'FR', plan = 'pro';
-- The counts that are periodic stay as they were.
SELECT * FROM wrong_counts('people', 'org1');
SELECT freshness FROM segments.audience WHERE name = 'people';
SELECT set_freshness('people', 'live');
SELECT counts('US', 'pro of 1');
SELECT set_freshness('people', 'periodic');
SELECT detach_audience('org1', true);
SELECT count(*) AS triggers FROM pg_trigger WHERE tgrelid = 'people'::regclass;

-- What cannot be live. A segment whose members come and go by themselves is counted in periods.
SELECT set_freshness('people', 'live');
SELECT name, segments.how_kept((create_segment(name, condition, audience => 'people')).id)
  FROM (VALUES ('fixed', '{"country": "US"}'), ('relative', '{"born": {"$gt": {"$now": "-18 years"}}}'), ('relative inside',
      '{"$segment": "relative"}')) v(name, condition);
ALTER TABLE people DISABLE TRIGGER segments_live_update;
SELECT segments.how_kept(id) FROM segments.segment WHERE name = 'fixed';
UPDATE people SET country = 'US';
SELECT set_freshness('people', 'live');
SELECT segments.how_kept(id), counts('fixed') FROM segments.segment WHERE name = 'fixed';
SELECT * FROM wrong_counts('people', 'org1');
SELECT set_freshness('people', 'periodic');
SELECT segments.how_kept(id) FROM segments.segment WHERE name = 'fixed';
CREATE VIEW people_view AS SELECT * FROM people;
SELECT attach_audience('seen', 'people_view', id_column => 'id');
SELECT set_freshness('seen', 'live');
SELECT set_freshness('people', 'often');
SELECT set_freshness('nobody', 'live');
SELECT detach_audience('seen'), detach_audience('people', true);
DROP TABLE people CASCADE;
