-- index_property() gives the statement that creates the index for conditions on a property.
\pset format unaligned
\pset tuples_only on
CREATE SCHEMA advice;
SET search_path = advice, public;
CREATE TYPE advice_mood AS ENUM ('sad', 'happy');
CREATE TABLE advised (
    id bigint PRIMARY KEY, country text, city varchar(40), code char(3), mood advice_mood, age int, seen_at timestamptz,
    tags text[], raw json, "Odd column" text COLLATE "C", props jsonb NOT NULL DEFAULT '{}', created_at timestamptz NOT NULL);
INSERT INTO advised
SELECT i, 'C' || i % 200, 'city ' || i % 300, (i % 100)::text, (ARRAY['sad', 'happy'])[i % 2 + 1]::advice_mood, i % 90,
       timestamptz '2024-01-01 UTC' + i * interval '1 hour', ARRAY['t' || i % 150], '{}', 'o' || i % 5,
       jsonb_build_object('lifetime_value', i, 'plan', 'plan ' || i % 4, 'it''s "odd"', i % 7, 'labels', jsonb_build_array('l' || i % 130),
                          'joined', to_char(date '2020-01-01' + i % 1000, 'YYYY-MM-DD')),
       timestamptz '2024-01-01 UTC' + i * interval '1 minute'
FROM generate_series(1, 3000) i;
SELECT attach_audience('advised', 'advised', properties_column => 'props', created_column => 'created_at');
SELECT create_property('lifetime_value', 'number', 'advised'), create_property('plan', 'string', 'advised'),
       create_property('it''s "odd"', 'number', 'advised'), create_property('labels', 'string[]', 'advised'),
       create_property('joined', 'date', 'advised'), create_property('extra', 'json', 'advised');
SELECT name, index_property(name, 'advised')
FROM unnest(ARRAY['country', 'city', 'code', 'mood', 'age', 'seen_at', 'tags', 'Odd column', 'lifetime_value', 'plan', 'it''s "odd"', 'joined',
                  'labels', 'extra', 'props']) name;
-- It can be run as it is, and its name is free.
SELECT index_property('lifetime_value', 'advised') \gexec
SELECT index_property('plan', 'advised') \gexec
SELECT index_property('country', 'advised') \gexec
SELECT indexdef FROM pg_indexes WHERE tablename = 'advised' ORDER BY 1;
SET client_min_messages = notice;
SELECT index_property('plan', 'advised');
RESET client_min_messages;
DROP INDEX advised_lifetime_value_idx, advised_plan_idx, advised_country_idx;

-- What has no index says so.
\set VERBOSITY default
SELECT index_property('raw', 'advised');
SELECT index_property('lifetme_value', 'advised');
SELECT index_property('lifetime_value', 'advisd');
CREATE VIEW advised_view AS SELECT * FROM advised;
SELECT attach_audience('advised view', 'advised_view', id_column => 'id');
SELECT index_property('country', 'advised view');
SELECT * FROM suggest_indexes('advised view');
-- A partitioned table cannot have one built concurrently.
CREATE TABLE advised_parts (id bigint, country text, PRIMARY KEY (id)) PARTITION BY RANGE (id);
CREATE TABLE advised_part PARTITION OF advised_parts FOR VALUES FROM (0) TO (1000);
SELECT attach_audience('advised parts', 'advised_parts');
SET client_min_messages = notice;
SELECT index_property('country', 'advised parts') AS ddl \gset
RESET client_min_messages;
:ddl;
\set VERBOSITY terse
SELECT tablename, indexdef FROM pg_indexes WHERE tablename LIKE 'advised_part%' AND indexdef LIKE '%country%' ORDER BY 1;

-- suggest_indexes() looks at the segments that exist, at a sample of the contacts, and at the indexes that there are.
SELECT * FROM suggest_indexes('advised');
SELECT count(*) FROM unnest(ARRAY[
    '{"lifetime_value": {"$gte": 2950}}',
    '{"lifetime_value": {"$lt": 20}, "country": {"$ne": "C7"}}',
    '{"plan": "plan 1"}',
    '{"country": "C7"}',
    '{"country": {"$startsWith": "C19"}}',
    '{"$or": [{"age": 3}, {"tags": "t5"}]}',
    '{"labels": "l5"}',
    '{"mood": "happy", "joined": {"$lt": "2020-01-10"}}',
    '{"city": {"$contains": "99"}}',
    '{"seen_at": {"$gte": "2024-03-01", "$lt": "2024-03-03"}}']::segment_condition[]) WITH ORDINALITY s(conditions, number),
    LATERAL create_segment('S' || number, conditions, audience => 'advised');
CREATE INDEX advised_age ON advised (age, country);
CREATE INDEX advised_code ON advised (code);
CREATE INDEX advised_created ON advised (created_at, id);
CREATE INDEX advised_plan ON advised (property_text(props, 'plan') COLLATE "C");
CREATE INDEX advised_odd ON advised (property_number(props, 'it''s "odd"'));
VACUUM ANALYZE advised;
SELECT suggestion, property, ddl, reason, segments FROM suggest_indexes('advised') \gx
-- Once they are made, there is nothing left to create.
SELECT ddl FROM suggest_indexes('advised') WHERE suggestion = 'create' \gexec
SELECT suggestion, property FROM suggest_indexes('advised') WHERE suggestion = 'create';
SELECT detach_audience('advised', true), detach_audience('advised view'), detach_audience('advised parts');
