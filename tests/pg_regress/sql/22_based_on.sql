-- Audiences based on another: its table, zone, properties, topics and relations, with a filter and segments of their own.
\pset format unaligned
\pset tuples_only on
\set VERBOSITY terse
SET TimeZone = 'UTC';
CREATE TABLE customers (id int PRIMARY KEY, org_id int, email text, properties jsonb, created_at timestamptz);
INSERT INTO customers
SELECT n, 40 + n % 3, 'c' || n || '@example.com', jsonb_build_object('plan', CASE WHEN n % 2 = 0 THEN 'pro' ELSE 'free' END, 'seats', n), '2025-01-01'
  FROM generate_series(1, 12) n;
CREATE TABLE customer_topics (customer int REFERENCES customers, topic text);
SELECT attach_audience('customers', 'customers', properties_column => 'properties', created_column => 'created_at', time_zone => 'Europe/Paris');
SELECT attach_audience('org ' || n, based_on => 'customers', scope => jsonb_build_object('org_id', n)) FROM generate_series(40, 42) n;

-- What is declared for the one is there for the others, also if it is declared later.
SELECT create_property('plan', 'string', 'customers', 'Plan');
SELECT slug, audience FROM create_topic('News', audience => 'customers');
SELECT attach_topics('customers', 'customer_topics', 'customer', 'topic');
INSERT INTO customer_topics VALUES (3, 'news'), (4, 'news'), (6, 'news');
SELECT name, relation, based_on, scope, time_zone, topics_relation FROM segments.audience WHERE relation = 'customers'::regclass ORDER BY name;
SELECT name, type, kind, label FROM segments.property WHERE audience = 'org 42' ORDER BY kind, name;
SELECT audience, slug FROM segments.topic WHERE slug = 'news' ORDER BY audience;
SELECT jsonb_path_query_array(segments.builder_fields('org 42'), '$[*] ? (@.name == "plan" || @.name == "$topic").label');
SELECT name, audience, time_zone, contact_count FROM create_segment('Pro', '{"plan": "pro"}', audience => 'org 42');
SELECT name, audience, contact_count FROM create_segment('Pro', '{"plan": "pro"}', audience => 'org 40');
SELECT name, audience, contact_count FROM create_segment('Pro', '{"plan": "pro"}', audience => 'customers');
SELECT name, contact_count FROM create_segment('News', '{"$topic": "news"}', audience => 'org 40');
SELECT name, contact_count FROM create_segment('Pro and news', '{"$and": [{"$segment": "Pro"}, {"$segment": "News"}]}', audience => 'org 40');
SELECT contact ->> 'id', contact -> 'topics' FROM search_contacts('{"plan": "pro"}', 'org 40') contact;
SELECT segment_sql(id) FROM segments.segment WHERE audience = 'org 40' AND name = 'Pro';
SELECT subscribe_contact('2', 'news', 'org 42'), unsubscribe_contact('6', 'news', 'org 40');
SELECT subscribe_contact('3', 'news', 'org 42');
SELECT audience, name FROM contact_segments('6', 'org 40');

-- It has nothing else of its own.
\set VERBOSITY default
SELECT attach_audience('org 43', 'customers', based_on => 'customers');
SELECT attach_audience('org 43', id_column => 'id', based_on => 'customers');
SELECT attach_audience('org 43', time_zone => 'UTC', based_on => 'customers');
SELECT attach_audience('org 43');
SELECT attach_audience('org 43', based_on => 'nobody');
SELECT attach_audience('org 43', based_on => 'org 42', scope => '{"plan": "pro"}');
SELECT attach_audience('org 42', based_on => 'customers');
SELECT attach_audience('org 43', based_on => 'customers', scope => '{"plann": 1}');
SELECT create_property('seats', 'number', 'org 42');
\set VERBOSITY terse
SELECT drop_property('plan', 'org 42');
SELECT create_topic('Offers', audience => 'org 42');
SELECT attach_topics('org 42', 'customer_topics', 'customer', 'topic');
SELECT update_audience('org 42', '{"time_zone": "UTC"}');
SELECT count(*) FROM infer_properties('org 42', "declare" => true);
SELECT name, declared FROM infer_properties('org 42') ORDER BY name;
SELECT attach_audience('some', 'customers', properties_column => 'properties', scope => '{"org_id": 41}');
SET client_min_messages = notice;
SELECT attach_audience('some pro', based_on => 'some', scope => '{"org_id": 42}');
RESET client_min_messages;
SELECT count_contacts('{}', 'some'), count_contacts('{}', 'some pro');
SELECT detach_audience('some', true);

-- Segments and filters of all of them keep a property from being dropped, or read otherwise.
SELECT attach_audience('org 43', based_on => 'customers', scope => '{"seats": {"$as": "number", "$gt": 3}}');
\set VERBOSITY default
SELECT drop_property('plan', 'customers');
SELECT create_property('seats', 'string', 'customers');
SELECT create_property('seats', 'number', 'customers');
SELECT drop_property('seats', 'customers');
\set VERBOSITY terse
SELECT detach_audience('org 43');
SELECT attach_audience('org 43', based_on => 'customers', scope => '{"seats": {"$gt": 3}}');
\set VERBOSITY default
SELECT drop_property('seats', 'customers');
\set VERBOSITY terse
SELECT create_property('company', 'json', 'customers');
SELECT name FROM create_segment('Big', '{"company.size": {"$gt": 5}}', audience => 'org 41');
SELECT create_property('company.size', 'number', 'customers');
SELECT delete_segment(id) IS NOT NULL FROM segments.segment WHERE name = 'Big' AND audience = 'org 41';
SELECT create_property('company.size', 'number', 'customers');

-- A topic, and another zone, count again what asks for any topic, and what reads dates.
SELECT name, contact_count FROM create_segment('Any', '{"$topic": {"$exists": true}}', audience => 'org 41');
INSERT INTO customer_topics VALUES (7, 'offers');
SELECT slug FROM create_topic('Offers', audience => 'customers');
SELECT name, contact_count FROM segments.segment WHERE name = 'Any' AND audience = 'org 41';
SELECT name, contact_count FROM create_segment('In 2025', '{"created_at": {"$gte": "2025-01-01"}}', audience => 'org 41');
SELECT name, contact_count FROM create_segment('Of New York', '{"created_at": {"$gte": "2025-01-01"}}', audience => 'org 41', time_zone => 'America/New_York');
SELECT update_audience('customers', '{"time_zone": "America/New_York"}');
SELECT name, contact_count, time_zone FROM segments.segment WHERE audience = 'org 41' ORDER BY name;
SELECT * FROM wrong_counts('customers', 'org 41', 'org 42');

-- Columns and tables that are renamed, and a table that is replaced.
SELECT count(*) FROM refresh_segments('org 40');
ALTER TABLE customers RENAME COLUMN org_id TO org;
ALTER TABLE customers RENAME TO clients;
ALTER TABLE clients RENAME COLUMN created_at TO since;
SELECT name, relation, scope FROM segments.audience WHERE based_on = 'customers' ORDER BY name;
SELECT name, conditions, contact_count FROM segments.segment WHERE audience = 'org 41' ORDER BY name;
SELECT name, error FROM refresh_segments('org 41') r JOIN segments.segment s ON s.id = r.segment ORDER BY name;
ALTER TABLE clients RENAME TO customers;
CREATE TABLE others (LIKE customers INCLUDING ALL);
INSERT INTO others SELECT * FROM customers;
DROP TABLE customers CASCADE;
SELECT count_contacts('{}', 'org 42');
SELECT name, relation FROM segments.audience WHERE name = 'org 42';
SELECT attach_audience('customers', 'others', properties_column => 'properties', created_column => 'since');
SELECT count_contacts('{}', 'org 42');

-- Live counts: each audience has its own freshness.
SELECT set_freshness('org 42', 'live'), set_freshness('org 40', 'live');
SELECT name, freshness FROM segments.audience WHERE relation = 'others'::regclass ORDER BY name;
INSERT INTO others (id, org, properties) VALUES (100, 42, '{"plan": "pro"}'), (101, 41, '{"plan": "pro"}');
UPDATE others SET org = 42 WHERE id IN (3, 4);
SELECT audience, name, contact_count, kept FROM segments.segment s JOIN segments.segment_status USING (audience, name) WHERE name = 'Pro' ORDER BY audience;
SELECT create_property('vip', 'boolean', 'customers');
SELECT name, contact_count FROM create_segment('Not VIP', '{"vip": {"$ne": true}}', audience => 'org 42');
UPDATE others SET properties = properties || '{"vip": true}' WHERE id = 100;
SELECT name, contact_count FROM segments.segment WHERE name = 'Not VIP';
SELECT attach_topics('customers', 'customer_topics', 'customer', 'topic');
SELECT * FROM wrong_counts('org 40', 'org 42');

-- Who may use one of them sees nothing of the others, nor of the one that they are based on.
CREATE ROLE regress_based_org_42;
GRANT SELECT ON others TO regress_based_org_42;
ALTER TABLE others ENABLE ROW LEVEL SECURITY;
CREATE POLICY own ON others USING (current_user = 'regress_based_org_' || org);
SELECT grant_segments_access('regress_based_org_42', scope, 'org 42') FROM unnest('{read:segments,write:segments,read:contacts}'::text[]) scope;
SET ROLE regress_based_org_42;
SELECT name, based_on, relation FROM segments.audience;
SELECT DISTINCT audience FROM segments.property;
SELECT DISTINCT audience FROM segments.topic;
SELECT DISTINCT audience FROM segments.segment;
SELECT count_contacts('{"plan": "pro"}', 'org 42');
SELECT count_contacts('{}', 'customers');
SELECT name FROM create_segment('Mine', '{"vip": true, "plan": "pro"}', audience => 'org 42');
SELECT name FROM create_segment('Theirs', '{}', audience => 'customers');
SELECT create_property('mine', 'string', 'org 42');
SELECT create_property('mine', 'string', 'customers');
SELECT attach_audience('org 44', based_on => 'org 42');
RESET ROLE;
SELECT revoke_segments_access('regress_based_org_42', scope, 'org 42') FROM unnest('{read:segments,write:segments,read:contacts}'::text[]) scope;

-- What others are based on stays, unless they go with it.
\set VERBOSITY default
SELECT detach_audience('customers');
\set VERBOSITY terse
SELECT detach_audience('customers', true);
SELECT count(*) FROM segments.audience WHERE relation = 'others'::regclass;
SELECT count(*) FROM segments.table_config WHERE audience = 'customers';
SELECT tgname FROM pg_trigger WHERE tgrelid = 'others'::regclass AND NOT tgisinternal;
DROP TABLE others, customer_topics;
DROP ROLE regress_based_org_42;
