-- A database with some of everything that segments keeps, as :version of the extension, else as the latest. What a released
-- version lacks is asked for only where it is there.
SET client_min_messages = warning;
CREATE SCHEMA extensions;
\if :{?version}
CREATE EXTENSION segments SCHEMA extensions VERSION :'version';
\else
CREATE EXTENSION segments SCHEMA extensions;
\endif
SET search_path = public, extensions;

-- Contacts, with what their owner added to the table.
SELECT create_contacts();
ALTER TABLE contacts ADD company text, ADD tenant int NOT NULL DEFAULT 1;
CREATE INDEX contacts_company ON contacts (company);
CREATE FUNCTION touch() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN NEW.updated_at := now(); RETURN NEW; END $$;
CREATE TRIGGER touch BEFORE UPDATE ON contacts FOR EACH ROW EXECUTE FUNCTION touch();
INSERT INTO contacts (id, email, country, properties, company, tenant, created_at)
SELECT md5(n::text)::uuid, n || '@example.com', (ARRAY['US', 'DE', 'FR'])[n % 3 + 1],
       jsonb_build_object('lifetime_value', n * 10, 'tags', jsonb_build_array('t' || n % 4)), 'c' || n % 5, n % 2 + 1,
       timestamptz '2024-01-01 00:00+00' + n * interval '1 day'
  FROM generate_series(1, 60) n;
SELECT create_property('lifetime_value', 'number'), create_property('tags', 'string[]', label => 'Étiquettes');
SELECT (create_topic('Weekly news')).slug, (create_topic('Offers', 'sale; --', 'What''s on sale')).slug;
SELECT count(subscribe_contact(id, 'weekly-news')) FROM contacts WHERE country = 'US';
CREATE INDEX contacts_value ON contacts (property_number(properties, 'lifetime_value'));

-- A table of one's own, whose columns are not numbered as a restored one's are, and were renamed.
CREATE SCHEMA "Own schema";
GRANT ALL ON SCHEMA "Own schema" TO PUBLIC;
CREATE TABLE "Own schema"."Custo""mers" (gone int, mail text, key bigint PRIMARY KEY, land text, extra jsonb, since timestamptz);
ALTER TABLE "Own schema"."Custo""mers" DROP COLUMN gone;
INSERT INTO "Own schema"."Custo""mers" SELECT n || '@x', n, (ARRAY['US', 'DE'])[n % 2 + 1], jsonb_build_object('vip', n % 5 = 0), '2024-01-01'::timestamptz + n * interval '1 hour' FROM generate_series(1, 40) n;
SELECT attach_audience('customers', '"Own schema"."Custo""mers"', properties_column => 'extra', created_column => 'since', columns => '{land,mail}');
ALTER TABLE "Own schema"."Custo""mers" RENAME key TO number;
ALTER TABLE "Own schema"."Custo""mers" RENAME extra TO properties;
ALTER TABLE "Own schema"."Custo""mers" RENAME land TO country;
SELECT create_property('vip', 'boolean', 'customers');
SELECT set_freshness('customers', 'live');
-- Its data come after the extension's, with its triggers in force where the schema was restored before.
CREATE SCHEMA zebra;
CREATE TABLE zebra.live (id int PRIMARY KEY, n int);
SELECT attach_audience('live', 'zebra.live'), set_freshness('live', 'live');
SELECT name FROM create_segment('Odd', '{"n": {"$in": [1, 3, 5]}}', audience => 'live');
INSERT INTO zebra.live SELECT n, n FROM generate_series(1, 9) n;
SELECT $$SELECT set_refresh_interval('contacts', '1 hour')$$ WHERE to_regproc('set_refresh_interval') IS NOT NULL \gexec

-- A tenant of a table, a view, and a table that was dropped: noticed, and unnoticed.
SELECT attach_audience('tenant 2', 'contacts', properties_column => 'properties', created_column => 'created_at', scope => '{"tenant": 2}');
SELECT attach_audience('french', based_on => 'contacts', scope => '{"country": "FR"}');
SELECT attach_audience('own americans', based_on => 'customers', scope => '{"country": "US"}'), set_freshness('own americans', 'live');
CREATE VIEW americans AS SELECT id, email, company FROM contacts WHERE country = 'US';
SELECT attach_audience('americans', 'americans', 'id');
CREATE TABLE dropped (id int PRIMARY KEY);
CREATE TABLE dropped_unnoticed (id int PRIMARY KEY);
SELECT attach_audience('dropped', 'dropped'), attach_audience('dropped unnoticed', 'dropped_unnoticed');
SELECT (create_segment('First', '{"id": 1}', audience => name)).contact_count FROM unnest('{dropped,dropped unnoticed}'::text[]) name;
-- Rows that belong to contacts, whose columns were renamed, too; and of a table that was dropped unnoticed.
CREATE TABLE "Own schema"."Or.ders" (gone int, id bigint PRIMARY KEY, customer bigint, total numeric, placed date, extra jsonb);
ALTER TABLE "Own schema"."Or.ders" DROP COLUMN gone;
INSERT INTO "Own schema"."Or.ders" SELECT n, n % 15, n, '2024-01-01'::date + n, jsonb_build_object('channel', (ARRAY['web', 'shop'])[n % 2 + 1]) FROM generate_series(1, 60) n;
CREATE TABLE dropped_rows (customer text, at timestamptz);
SELECT $$SELECT attach_relation('orders', '"Own schema"."Or.ders"', 'customer', 'customers', columns => '{total,customer}',
                                properties_column => 'extra', time_column => 'placed', scope => '{"total": {"$gte": 0}}')$$,
       $$SELECT create_property('orders.channel', 'string', 'customers', 'Où?')$$,
       $$SELECT attach_relation('visits', 'dropped_rows', 'customer', 'customers', time_column => 'at')$$,
       $$SELECT (create_segment('Web', '{"orders": {"$last": {"channel": "web"}, "$sum": {"total": {"$gt": 50}}}}',
                                audience => 'customers')).contact_count$$,
       $$SELECT (create_segment('Bought', '{"orders": {"$empty": false}}', audience => 'own americans')).contact_count$$,
       $$SELECT (create_segment('Visited', '{"visits.at": {"$exists": true}}', audience => 'own americans')).contact_count$$
 WHERE to_regproc('attach_relation') IS NOT NULL \gexec
ALTER TABLE "Own schema"."Or.ders" RENAME total TO amount;
ALTER TABLE "Own schema"."Or.ders" RENAME extra TO more;
DROP TABLE dropped;
ALTER EVENT TRIGGER segments_forget_dropped_relations DISABLE;
DROP TABLE dropped_unnoticed, dropped_rows;
ALTER EVENT TRIGGER segments_forget_dropped_relations ENABLE ALWAYS;

-- Segments, of segments too, under names that need quotes.
SELECT (create_segment(name, conditions, description, audience, zone)).contact_count FROM (VALUES
    ('US', '{"country": "US"}', NULL, 'contacts', 'UTC'),
    ('Big; DROP TABLE contacts; --', '{"lifetime_value": {"$gte": 300.50}}', 'Who''s "big"', 'contacts', 'Europe/Paris'),
    ('Both', '{"$and": [{"$segment": "US"}, {"$segment": "Big; DROP TABLE contacts; --"}]}', 'Deux conditions, 2 ≥ 1', 'contacts', 'UTC'),
    ('Informed', '{"$topic": "weekly-news", "tags": "t1"}', NULL, 'contacts', 'UTC'),
    ('Spring', '{"created_at": {"$gte": "2024-02-01", "$lt": "2024-03-01"}}', NULL, 'contacts', 'America/New_York'),
    ('Early', '{"created_at": {"$lte": "2024-02-10"}}', NULL, 'contacts', NULL),
    ('Of tenant 2', '{"country": {"$in": ["US", "DE"]}, "email": {"$regex": "^[0-9]+@"}}', NULL, 'tenant 2', 'UTC'),
    ('VIP', '{"vip": true, "country": "US"}', NULL, 'customers', 'UTC'),
    ('Dear', '{"lifetime_value": {"$gt": 100}, "$topic": "weekly-news"}', NULL, 'french', NULL),
    ('Own VIP', '{"vip": true}', NULL, 'own americans', NULL),
    ('Company', '{"company": {"$ne": "c1"}}', NULL, 'americans', 'UTC')) v(name, conditions, description, audience, zone);
SELECT update_audience('contacts', '{"time_zone": "America/New_York"}');
-- What a segment means by a name goes on meaning it.
SELECT name FROM update_segment((SELECT id FROM segments.segment WHERE name = 'US'), '{"name": "American"}');

-- Roles, one for all audiences and one for one, and a policy of the table's owner.
ALTER TABLE contacts ENABLE ROW LEVEL SECURITY;
CREATE POLICY tenants ON contacts TO regress_segments_tenant USING (tenant = 2);
SELECT grant_segments_access('regress_segments_reader', 'read:segments'),
       grant_segments_access('regress_segments_tenant', 'read:segments', 'tenant 2'),
       grant_segments_access('regress_segments_tenant', 'read:contacts', 'tenant 2'),
       grant_segments_access('regress_segments_tenant', 'read:counts', 'tenant 2'),
       grant_segments_access('"Regress ""Segments"" owner"', 'write:segments');
SET SESSION AUTHORIZATION "Regress ""Segments"" owner";
CREATE TABLE "Own schema".owned (id int PRIMARY KEY, n int);
SELECT attach_audience('owned', '"Own schema".owned');
SELECT grant_segments_access('regress_segments_tenant', 'read:contacts', 'owned');
RESET SESSION AUTHORIZATION;
