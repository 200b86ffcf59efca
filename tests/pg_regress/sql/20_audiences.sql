-- Audiences: any table under a name, and what becomes of it when the table changes.
\pset format unaligned
\pset tuples_only on
CREATE SCHEMA "regress Wéird ""schema""";
SET search_path = "regress Wéird ""schema""", public;

-- Tables of every sort, with awkward names and keys of any type.
CREATE TABLE "Kund""en; DROP TABLE x; --" ("I""d" bigint PRIMARY KEY, "sélect" text, "a b" int, "props" jsonb, made timestamptz);
INSERT INTO "Kund""en; DROP TABLE x; --" SELECT n, chr(64 + n), n * 10, jsonb_build_object('plan', 'p' || n % 2), now() FROM generate_series(1, 4) n;
SELECT attach_audience('Kund"en; DROP TABLE y; --', '"Kund""en; DROP TABLE x; --"', properties_column => 'props', created_column => 'made');
SELECT create_property('plan; --', 'string', 'Kund"en; DROP TABLE y; --'), create_property('plan', 'string', 'Kund"en; DROP TABLE y; --');
SELECT relation, relation_name, id_column, properties_column, created_column FROM segments.audience WHERE name LIKE 'Kund%';
SELECT name, type, kind FROM segments.property WHERE audience LIKE 'Kund%' ORDER BY kind, name;
SELECT contact_count, name FROM create_segment('"; DROP TABLE x; --', '{"sélect": {"$in": ["A", "B"]}, "a b": {"$lt": 15}}',
    audience => 'Kund"en; DROP TABLE y; --');
SELECT count_contacts('{"plan": "p0"}', 'Kund"en; DROP TABLE y; --'), count_contacts('{"a b": {"$gte": 20}, "plan": {"$ne": "p0"}}',
    'Kund"en; DROP TABLE y; --');
SELECT contact - 'made' - 'cursor' AS contact FROM search_contacts('{"sélect": "C"}', 'Kund"en; DROP TABLE y; --') contact;
SELECT in_segment(1, id), in_segment(2, id) FROM segments.segment WHERE audience LIKE 'Kund%';

CREATE TABLE by_uuid (id uuid PRIMARY KEY, n int);
CREATE TABLE by_text (id text PRIMARY KEY, n int);
CREATE TABLE by_numeric (id numeric PRIMARY KEY, n int);
CREATE DOMAIN email_address AS text CHECK (VALUE LIKE '%@%');
CREATE TABLE by_domain (id email_address PRIMARY KEY, n int);
CREATE TYPE rank AS ENUM ('low', 'high');
CREATE TABLE by_enum (id rank PRIMARY KEY, n int);
CREATE TABLE partitioned (id int PRIMARY KEY, n int) PARTITION BY RANGE (id);
CREATE TABLE partitioned_1 PARTITION OF partitioned FOR VALUES FROM (0) TO (2);
CREATE TABLE partitioned_2 PARTITION OF partitioned FOR VALUES FROM (2) TO (100);
CREATE VIEW seen AS SELECT id, n FROM partitioned;
CREATE MATERIALIZED VIEW stored AS SELECT 1 AS id, 1 AS n UNION ALL SELECT 2, 2;
INSERT INTO by_uuid SELECT md5(n::text)::uuid, n FROM generate_series(1, 2) n;
INSERT INTO by_text VALUES ('O''Hara', 1), ('2', 2);
INSERT INTO by_numeric VALUES (1.50, 1), (2, 2);
INSERT INTO by_domain VALUES ('a@x', 1), ('b@x', 2);
INSERT INTO by_enum VALUES ('low', 1), ('high', 2);
INSERT INTO partitioned VALUES (1, 1), (2, 2);
SELECT attach_audience(name, name::regclass, CASE WHEN name IN ('seen', 'stored') THEN 'id' END)
  FROM unnest(ARRAY['by_uuid', 'by_text', 'by_numeric', 'by_domain', 'by_enum', 'partitioned', 'seen', 'stored']) name;
SELECT name, (create_segment('Two', '{"n": 2}', audience => name)).contact_count
  FROM unnest(ARRAY['by_uuid', 'by_text', 'by_numeric', 'by_domain', 'by_enum', 'partitioned', 'seen', 'stored']) name;
SELECT s.audience, contact->>'id' AS id, in_segment(contact->>'id', s.id)
  FROM segments.segment s, segment_contacts(s.id) contact WHERE s.name = 'Two' ORDER BY 1;
-- An id may be written as Postgres reads its type; what it does not read is the id of no contact.
SELECT to_jsonb(v.id) AS id, in_segment(v.id, s.id) FROM segments.segment s, (VALUES
    ('by_uuid', 'C81E728D9D4C2F636F067F89CC14862C'), ('by_uuid', '{c81e-728d-9d4c-2f63-6f06-7f89-cc14-862c}'), ('by_uuid', '{c81e728d9d4c2f636f067f89cc14862c'),
    ('by_uuid', 'c81e728d-9d4c-2f63-6f06-7f89cc14862c-'), ('by_uuid', ' c81e728d-9d4c-2f63-6f06-7f89cc14862c'), ('by_uuid',
        'urn:uuid:c81e728d-9d4c-2f63-6f06-7f89cc14862c'),
    ('partitioned', E' +2\f'), ('partitioned', U&'2\00A0')) v(audience, id)
 WHERE s.name = 'Two' AND s.audience = v.audience ORDER BY v.id COLLATE "C";
-- Pages go on after a cursor, whatever the key's type.
SELECT name, (SELECT array_agg(contact->>'id') FROM search_contacts('{}', name, 1) contact) AS page_1,
       (SELECT array_agg(next->>'id') FROM search_contacts('{}', name, 1) page, search_contacts('{}', name, 1, page->>'cursor') next) AS page_2
  FROM unnest(ARRAY['by_uuid', 'by_text', 'by_numeric', 'by_domain', 'by_enum', 'partitioned', 'seen', 'stored']) name;

-- What cannot be attached.
\set VERBOSITY default
SELECT create_contacts('by_uuid');
SELECT create_contacts(repeat('long_', 12));
SELECT create_contacts(repeat('é', 40));
SELECT create_contacts('partitioned_1');
CREATE TABLE composite (a int, b int, PRIMARY KEY (a, b));
SELECT attach_audience('composite', 'composite');
CREATE TABLE keyless (a int);
SELECT attach_audience('keyless', 'keyless');
SELECT attach_audience('keyless', 'keyless', id_column => 'b');
SELECT attach_audience('seen too', 'seen');
CREATE SEQUENCE numbers;
SELECT attach_audience('numbers', 'numbers');
CREATE TEMP TABLE passing (id int PRIMARY KEY);
SELECT attach_audience('passing', 'passing');
SELECT attach_audience('by_text', 'by_text');
SELECT attach_audience('', 'by_text');
SELECT attach_audience(repeat('x', 101), 'by_text');
SELECT attach_audience('scoped', 'by_text', scope => '{"nn": 1}');
SELECT attach_audience('scoped', 'by_text', properties_column => 'id');
SELECT attach_audience('scoped', 'by_text', columns => '{n,nix}');
SELECT attach_audience('scoped', 'by_text', columns => '{n,NULL}');
SELECT attach_audience('scoped', '99999999');
SELECT attach_audience(NULL, 'by_text');
CREATE TABLE rows_of_rows (id rank[] PRIMARY KEY);
\set VERBOSITY terse

-- A table, its schema, and its columns may be renamed, and the table moved.
CREATE TABLE changing (key int PRIMARY KEY, country text, score int, props jsonb, made timestamptz DEFAULT '2024-01-01');
CREATE TABLE changing_topics (who int REFERENCES changing ON DELETE CASCADE, what text);
INSERT INTO changing SELECT n, (ARRAY['US', 'DE'])[n % 2 + 1], n, '{"plan": "pro"}' FROM generate_series(1, 4) n;
SELECT attach_audience('changing', 'changing', properties_column => 'props', created_column => 'made', columns => '{country,score}');
SELECT attach_topics('changing', 'changing_topics', 'who', 'what'), create_property('plan', 'string', 'changing');
SELECT (create_topic('News', audience => 'changing')).slug, subscribe_contact(2, 'news', 'changing');
SELECT (create_segment(name, conditions, audience => 'changing')).contact_count
  FROM (VALUES ('German', '{"country": "DE"}'), ('Pro', '{"plan": "pro"}'), ('Low', '{"score": {"$lt": 3}}'),
               ('Informed', '{"$topic": "news"}'), ('German and low', '{"$and": [{"$segment": "German"}, {"$segment": "Low"}]}')) v(name, conditions);
-- What each segment says when asked, or why it cannot.
CREATE FUNCTION pg_temp.ask(segment uuid) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
    RETURN (SELECT count(*) FROM segment_members(segment, NULL::int));
EXCEPTION WHEN OTHERS THEN
    RETURN SQLSTATE || ': ' || SQLERRM;
END $$;
CREATE VIEW pg_temp.answers AS SELECT name, contact_count, pg_temp.ask(id) AS answer FROM segments.segment WHERE audience = 'changing' ORDER BY id;
ALTER TABLE changing RENAME key TO number;
ALTER TABLE changing RENAME props TO properties;
ALTER TABLE changing RENAME made TO created;
ALTER TABLE changing_topics RENAME who TO subscriber;
ALTER TABLE changing_topics RENAME what TO subject;
ALTER TABLE changing RENAME TO changed;
CREATE SCHEMA regress_elsewhere;
ALTER TABLE changed SET SCHEMA regress_elsewhere;
ALTER TABLE changing_topics RENAME TO changed_topics;
ALTER SCHEMA regress_elsewhere RENAME TO regress_there;
SELECT relation, relation_name, id_column, properties_column, created_column, columns, topics_relation FROM segments.audience WHERE name = 'changing' \gx
SELECT contact - 'cursor' AS contact FROM search_contacts('{"$topic": "news"}', 'changing') contact;
SELECT * FROM pg_temp.answers;

-- Segments go on with a column that is renamed; one that changes its type breaks the segments that use it alone.
ALTER TABLE regress_there.changed RENAME country TO land;
SELECT * FROM pg_temp.answers;
SELECT conditions_sql('{"land": "DE"}', 'changing');
SELECT name FROM contact_segments(1, 'changing') ORDER BY name;
SELECT contact_count FROM create_segment('Landed', '{"land": "DE"}', audience => 'changing');
ALTER TABLE regress_there.changed RENAME land TO country;
ALTER TABLE regress_there.changed ALTER score TYPE text;
SELECT * FROM pg_temp.answers;
SELECT name FROM update_segment((SELECT id FROM segments.segment WHERE name = 'Low' AND audience = 'changing'), '{"name": "Lowest"}');
ALTER TABLE regress_there.changed ALTER score TYPE int USING score::int;
ALTER TABLE changed_topics DROP COLUMN subject;
SELECT * FROM pg_temp.answers;
DROP TABLE changed_topics;
SELECT name, answer FROM pg_temp.answers WHERE name = 'Informed';
CREATE TABLE new_topics (who int, what text);
INSERT INTO new_topics VALUES (1, 'news'), (2, 'news'), (3, 'other');
SELECT attach_topics('changing', 'new_topics', 'who', 'what');
SELECT name, answer FROM pg_temp.answers WHERE name = 'Informed';

-- A column of the audience's own that is gone breaks what needs it, by name; the table can be attached again.
ALTER TABLE regress_there.changed ALTER properties TYPE text;
SELECT * FROM pg_temp.answers;
\set VERBOSITY default
SELECT count_contacts('{"plan": "pro"}', 'changing');
\set VERBOSITY terse
SELECT create_property('more', 'string', 'changing');
ALTER TABLE regress_there.changed DROP COLUMN properties, DROP COLUMN created;
SELECT * FROM pg_temp.answers;
SELECT contact - 'cursor' AS contact FROM search_contacts('{"country": "DE"}', 'changing') contact;
SELECT name, kind FROM segments.property WHERE audience = 'changing' ORDER BY name;
ALTER TABLE regress_there.changed DROP COLUMN number;
SELECT * FROM pg_temp.answers;
SELECT name, contact_count FROM list_segments('changing');
SELECT count(*) AS properties FROM segments.property WHERE audience = 'changing';
\set VERBOSITY default
SELECT count_contacts('{}', 'changing');
\set VERBOSITY terse
ALTER TABLE regress_there.changed ADD number serial PRIMARY KEY, ADD properties jsonb DEFAULT '{"plan": "pro"}';
SELECT attach_audience('changing', 'regress_there.changed', properties_column => 'properties');
SELECT * FROM pg_temp.answers;
SELECT attach_audience('changing', 'regress_there.changed');

-- A table that is dropped, however that comes about, is gone: another one that gets its name or its OID is not the audience's.
CREATE TABLE regress_there.other (id int PRIMARY KEY, n int);
CREATE VIEW regress_there.view AS SELECT id, n FROM regress_there.other;
CREATE VIEW regress_there.view_of_n AS SELECT id, n FROM regress_there.other;
SELECT attach_audience('dropped ' || name, ('regress_there.' || name)::regclass, 'id') FROM unnest('{other,view,view_of_n}'::text[]) name;
SELECT (create_segment('One', '{"id": 1}', audience => 'dropped ' || name)).contact_count FROM unnest('{other,view,view_of_n}'::text[]) name;
DROP VIEW regress_there.view;
SET client_min_messages = error;
ALTER TABLE regress_there.other DROP COLUMN n CASCADE;
DROP SCHEMA regress_there CASCADE;
RESET client_min_messages;
SELECT name, relation, relation_name FROM segments.audience WHERE name LIKE 'dropped%' OR name = 'changing' ORDER BY name;
SELECT * FROM pg_temp.answers;
CREATE SCHEMA regress_there;
CREATE TABLE regress_there.other (id int PRIMARY KEY, n int);
\set VERBOSITY default
SELECT count_contacts('{}', 'dropped other');
\set VERBOSITY terse
SELECT attach_audience('dropped other', 'regress_there.other');
SELECT count_contacts('{}', 'dropped other');
SELECT name, contact_count FROM list_segments('dropped other');
DROP TABLE regress_there.other, new_topics;
SELECT topics_relation FROM segments.audience WHERE name = 'changing';
SELECT name FROM delete_segment((SELECT id FROM segments.segment WHERE audience = 'dropped view')) d, segments.audience WHERE name = 'dropped view';
SELECT detach_audience('dropped view');
SELECT detach_audience('dropped other');
SELECT detach_audience('dropped other', cascade => true);
-- An OID in the extension's table that has come to mean another relation is not followed.
SELECT attach_audience('stale', 'by_text');
UPDATE segments.table_config SET relation_name = 'public.gone' WHERE audience = 'stale';
SELECT count_contacts('{}', 'stale');
-- Live counts do not miss what was written while a segment's column was called something else.
CREATE TABLE lively (id int PRIMARY KEY, country text);
INSERT INTO lively VALUES (1, 'US'), (2, 'DE');
SELECT attach_audience('lively', 'lively'), set_freshness('lively', 'live');
SELECT contact_count FROM create_segment('American', '{"country": "US"}', audience => 'lively');
INSERT INTO lively VALUES (3, 'US');
ALTER TABLE lively ADD score int;
SELECT contact_count FROM list_segments('lively');
ALTER TABLE lively RENAME country TO land;
SELECT contact_count FROM list_segments('lively');
INSERT INTO lively VALUES (4, 'US');
ALTER TABLE lively RENAME land TO country;
INSERT INTO lively VALUES (5, 'US');
SELECT contact_count FROM list_segments('lively');
-- Whoever drops a table need not know of the extension.
CREATE ROLE regress_segments_dropper;
GRANT ALL ON SCHEMA regress_there TO regress_segments_dropper;
SET ROLE regress_segments_dropper;
CREATE TABLE regress_there.mine (id int PRIMARY KEY);
RESET ROLE;
SELECT attach_audience('mine', 'regress_there.mine');
SET ROLE regress_segments_dropper;
ALTER TABLE regress_there.mine RENAME id TO key;
DROP TABLE regress_there.mine;
RESET ROLE;
SELECT relation, id_column FROM segments.audience WHERE name = 'mine';
-- Nor whoever drops all that a role owns, or what a foreign table needs.
CREATE TABLE regress_there.theirs (id int PRIMARY KEY);
ALTER TABLE regress_there.theirs OWNER TO regress_segments_dropper;
CREATE FOREIGN DATA WRAPPER regress_segments;
CREATE SERVER regress_segments FOREIGN DATA WRAPPER regress_segments;
CREATE FOREIGN TABLE regress_there.far (id int, n int) SERVER regress_segments;
SELECT attach_audience('theirs', 'regress_there.theirs'), attach_audience('far', 'regress_there.far', 'id');
SELECT conditions_sql('{"n": 1}', 'far');
DROP OWNED BY regress_segments_dropper;
SET client_min_messages = error;
DROP FOREIGN DATA WRAPPER regress_segments CASCADE;
RESET client_min_messages;
SELECT name, relation FROM segments.audience WHERE name IN ('theirs', 'far') ORDER BY name;
DROP ROLE regress_segments_dropper;

-- A domain over an enum is what it is a domain over.
CREATE TYPE regress_there.rank AS ENUM ('low', 'high');
CREATE DOMAIN regress_there.ranked AS regress_there.rank;
CREATE TABLE regress_there.ranks (id regress_there.ranked PRIMARY KEY, rank regress_there.ranked);
CREATE INDEX ON regress_there.ranks (rank);
INSERT INTO regress_there.ranks VALUES ('low', 'high'), ('high', NULL);
SELECT attach_audience('ranks', 'regress_there.ranks');
SELECT condition, count_contacts(condition, 'ranks') FROM unnest('{"{\"rank\": \"high\"}","{\"rank\": {\"$ne\": \"low\"}}",
    "{\"rank\": {\"$gt\": \"higg\"}}","{\"rank\": {\"$regex\": \"^h\"}}","{\"rank\": null}"}'::segment_condition[]) condition;
SELECT conditions_sql('{"rank": {"$in": ["low", "high"]}}', 'ranks');
SELECT contact_count FROM create_segment('High', '{"rank": "high"}', audience => 'ranks') \gset
SELECT count(*) FROM search_contacts('{"rank": "high"}', 'ranks');
SELECT name FROM contact_segments('low'::text, 'ranks');

-- A declared name with a dot is a path that has a type: it is refused where it would change what segments mean.
CREATE TABLE regress_there.nested (id int PRIMARY KEY, properties jsonb);
INSERT INTO regress_there.nested VALUES (1, '{"a": {"b": 5, "c": 6}}'), (2, '{"a.b": 5, "a.c": 6}');
SELECT attach_audience('nested', 'regress_there.nested', properties_column => 'properties'), create_property('a', 'json', 'nested'),
       set_freshness('nested', 'live');
SELECT contact_count FROM create_segment('Path', '{"a.b": 5}', audience => 'nested');
\set VERBOSITY default
SELECT create_property('a.b', 'number', 'nested');
\set VERBOSITY terse
SELECT name, type, declared FROM infer_properties('nested', "declare" => true) ORDER BY name;
SELECT contact_count, count_contacts('{"a.b": 5}', 'nested') FROM list_segments('nested');
SELECT delete_segment(id) IS NOT NULL AS deleted FROM segments.segment WHERE audience = 'nested';
SELECT create_property('a.b', 'number', 'nested');
SELECT contact_count FROM create_segment('Name', '{"a.b": 5}', audience => 'nested');
DELETE FROM regress_there.nested WHERE id = 2;
SELECT contact_count FROM list_segments('nested');

-- A column comes before a property of its name, and nobody can refuse one: live segments are counted again.
INSERT INTO regress_there.nested VALUES (3, '{"a.c": 6}');
SELECT contact_count FROM create_segment('Six', '{"a\\.c": 6}', audience => 'nested');
ALTER TABLE regress_there.nested ADD "a.c" int;
SELECT contact_count FROM list_segments('nested');
UPDATE regress_there.nested SET "a.c" = 6;
SELECT contact_count FROM list_segments('nested');

-- A scope may read keys of the properties column before any are declared, where it says how.
CREATE TABLE regress_there.tenants (id int PRIMARY KEY, name text, properties jsonb);
INSERT INTO regress_there.tenants VALUES (1, 'a', '{"org": 42}'), (2, 'b', '{"org": 7}'), (3, 'c', '{"org": "42"}'), (4, 'd', NULL);
\set VERBOSITY default
SELECT attach_audience('tenant', 'regress_there.tenants', properties_column => 'properties', scope => '{"org": 42}');
SELECT attach_audience('tenant', 'regress_there.tenants', properties_column => 'properties', scope => '{"nane": "a"}');
SELECT attach_audience('tenant', 'regress_there.tenants', scope => '{"org": {"$as": "number", "$eq": 42}}');
SELECT attach_audience('tenant', 'regress_there.tenants', properties_column => 'properties', scope => '{"org": {"$as": "number", "$eq": 42}}');
SELECT count_contacts('{}', 'tenant'), conditions_sql('{"name": "a"}', 'tenant');
SELECT count_contacts('{"org": {"$as": "number", "$eq": 42}}', 'tenant');
SELECT create_property('org', 'string', 'tenant');
SELECT create_property('org', 'number', 'tenant');
SELECT count_contacts('{"org": {"$lt": 50}}', 'tenant'), set_freshness('tenant', 'live');
SELECT contact_count FROM create_segment('All of it', '{"org": {"$gt": 1}}', audience => 'tenant');
INSERT INTO regress_there.tenants VALUES (5, 'e', '{"org": 42}'), (6, 'f', '{"org": 43}');
SELECT contact_count FROM list_segments('tenant');
SELECT delete_segment(id) IS NOT NULL AS deleted FROM segments.segment WHERE audience = 'tenant';
SELECT drop_property('org', 'tenant');
SELECT count_contacts('{}', 'tenant');

-- One that reads a property as it was declared keeps it. What makes no sense any more can be mended by declaring it.
SELECT set_freshness('tenant', 'periodic'), create_property('org', 'number', 'tenant');
UPDATE segments.audience_config SET scope = '{"org": 42}' WHERE name = 'tenant';
SELECT drop_property('org', 'tenant');
SELECT count_contacts('{}', 'tenant');
SELECT set_freshness('tenant', 'live');
SELECT contact_count FROM create_segment('Everybody', '{"id": {"$gt": 0}}', audience => 'tenant');
DELETE FROM segments.property_config WHERE audience = 'tenant';
SELECT count_contacts('{}', 'tenant');
SELECT drop_property('org', 'tenant');
INSERT INTO regress_there.tenants VALUES (7, 'g', '{"org": 42}');
SELECT create_property('org', 'number', 'tenant');
SELECT count_contacts('{}', 'tenant'), contact_count FROM list_segments('tenant');

-- An audience whose table has lost a column is attached again, and is not live any more, which it says.
CREATE TABLE regress_there.lossy (id int PRIMARY KEY, made date);
SELECT attach_audience('lossy', 'regress_there.lossy', created_column => 'made'), set_freshness('lossy', 'live');
ALTER TABLE regress_there.lossy DROP COLUMN made;
SELECT attach_audience('lossy', 'regress_there.lossy');
SELECT freshness FROM segments.audience WHERE name = 'lossy';
-- Where no worker looks after live counts, that is said, too.
SET client_min_messages = notice;
SELECT set_freshness('lossy', 'live');
RESET client_min_messages;
SELECT freshness FROM segments.audience WHERE name = 'lossy';
\set VERBOSITY terse

-- The end.
SELECT count(detach_audience(name, cascade => true)) FROM segments.audience
 WHERE relation_name LIKE '"regress%' OR relation_name LIKE 'regress_there%' OR name = 'stale';
SET client_min_messages = error;
DROP SCHEMA "regress Wéird ""schema""", regress_there CASCADE;
