-- Relations: tables whose rows belong to contacts. What can be attached, and under which names.
\pset format unaligned
\pset tuples_only on
SET client_min_messages = notice;
\set VERBOSITY default
CREATE TABLE shoppers (id bigint PRIMARY KEY, email text, wallet point, properties jsonb);
CREATE TABLE shopper_topics (shopper bigint, topic text);
SELECT attach_audience('shoppers', 'shoppers', properties_column => 'properties');
SELECT attach_topics('shoppers', 'shopper_topics', 'shopper', 'topic');
SELECT attach_audience('vips', based_on => 'shoppers', scope => '{"vip": {"$as": "boolean", "$eq": true}}');
CREATE TABLE purchases (
    id int PRIMARY KEY, shopper int REFERENCES shoppers, total numeric, status text, placed_at timestamptz, extra jsonb, shape box, deleted boolean);

-- The index that finds one contact's rows is missing.
SELECT attach_relation('purchases', 'purchases', 'shopper', 'shoppers', properties_column => 'extra', time_column => 'placed_at',
                       scope => '{"deleted": {"$ne": true}}');
CREATE INDEX ON purchases (shopper);
-- Under the same name it is replaced.
SELECT attach_relation('purchases', 'purchases', 'shopper', 'shoppers', time_column => 'placed_at');
SELECT attach_relation('purchases', 'purchases', 'shopper', 'shoppers', properties_column => 'extra', time_column => 'placed_at',
                       scope => '{"deleted": {"$ne": true}}');
-- An audience that is based on another has its relations. Subscriptions are a relation, too.
SELECT * FROM segments.relation WHERE audience IN ('shoppers', 'vips') ORDER BY audience, name;

-- Names.
SELECT refusal_of($$SELECT attach_relation('a.b', 'purchases', 'shopper', 'shoppers')$$);
SELECT refusal_of($$SELECT attach_relation('$topic', 'purchases', 'shopper', 'shoppers')$$);
SELECT refusal_of($$SELECT attach_relation('', 'purchases', 'shopper', 'shoppers')$$);
SELECT refusal_of($$SELECT attach_relation(repeat('ä', 101), 'purchases', 'shopper', 'shoppers')$$);
-- One that something else has: a column, also of a type that conditions cannot use, and a declared property.
SELECT refusal_of($$SELECT attach_relation('email', 'purchases', 'shopper', 'shoppers')$$);
SELECT refusal_of($$SELECT attach_relation('wallet', 'purchases', 'shopper', 'shoppers')$$);
SELECT create_property('visits.last', 'date', 'shoppers');
SELECT refusal_of($$SELECT attach_relation('visits', 'purchases', 'shopper', 'shoppers')$$);
-- One that a filter uses, or a segment of any of its audiences.
SELECT refusal_of($$SELECT attach_relation('vip', 'purchases', 'shopper', 'shoppers')$$);
ALTER TABLE shoppers ADD rank text;
SELECT name FROM create_segment('ranked', '{"$or": [{"rank": "high"}, {"email": null}]}', audience => 'vips');
ALTER TABLE shoppers DROP rank;
SELECT refusal_of($$SELECT attach_relation('rank', 'purchases', 'shopper', 'shoppers')$$);
SELECT drop_property('visits.last', 'shoppers');
SELECT attach_relation('visits', 'purchases', 'shopper', 'shoppers');

-- Columns.
SELECT refusal_of($$SELECT attach_relation('bought', 'purchases', 'shoper', 'shoppers')$$);
SELECT refusal_of($$SELECT attach_relation('bought', 'purchases', 'shopper', 'shoppers', columns => '{total,statu}')$$);
SELECT refusal_of($$SELECT attach_relation('bought', 'purchases', 'placed_at', 'shoppers')$$);
SELECT refusal_of($$SELECT attach_relation('bought', 'purchases', 'shopper', 'shoppers', time_column => 'total')$$);
SELECT refusal_of($$SELECT attach_relation('bought', 'purchases', 'shopper', 'shoppers', properties_column => 'total')$$);
-- The contact's id as text.
CREATE TABLE clicks (who text, at timestamp);
SELECT attach_relation('clicks', 'clicks', 'who', 'shoppers', time_column => 'at');
-- Not where two texts may stand for one id, or one text for two.
CREATE TABLE dated (id timestamptz PRIMARY KEY);
SELECT attach_audience('dated', 'dated');
SELECT refusal_of($$SELECT attach_relation('clicks', 'clicks', 'who', 'dated')$$);
SELECT detach_audience('dated');
-- A key of several columns is reached through a view that makes one of it.
CREATE TABLE seats (region text, number int, shopper bigint, PRIMARY KEY (region, number));
CREATE VIEW seat_keys AS SELECT *, region || ':' || number AS seat FROM seats;
CREATE TABLE visits_of_seats (region text, number int, at date);
CREATE VIEW visits_by_seat AS SELECT region || ':' || number AS seat, at FROM visits_of_seats;
SELECT attach_audience('seats', 'seat_keys', 'seat');
SELECT attach_relation('visits', 'visits_by_seat', 'seat', 'seats', time_column => 'at');
SELECT detach_audience('seats');

-- The scope is a condition on the row.
SELECT refusal_of($$SELECT attach_relation('bought', 'purchases', 'shopper', 'shoppers', scope => '{"delete": true}')$$);
SELECT refusal_of($$SELECT attach_relation('bought', 'purchases', 'shopper', 'shoppers', scope => '{"shape": null}')$$);
SELECT refusal_of($$SELECT attach_relation('bought', 'purchases', 'shopper', 'shoppers', scope => '{"total": "5"}')$$);
SELECT refusal_of($$SELECT attach_relation('bought', 'purchases', 'shopper', 'shoppers', scope => '{"$topic": "news"}')$$);
SELECT refusal_of($$SELECT attach_relation('bought', 'purchases', 'shopper', 'shoppers', scope => '{"$segment": "ranked"}')$$);
SELECT refusal_of($$SELECT attach_relation('bought', 'purchases', 'shopper', 'shoppers',
                                           scope => '{"$bucket": {"of": 2, "in": [1], "salt": "s"}}')$$);

-- Audiences.
SELECT refusal_of($$SELECT attach_relation('bought', 'purchases', 'shopper', 'vips')$$);
SELECT refusal_of($$SELECT attach_relation('bought', 'purchases', 'shopper', 'nobody')$$);
SELECT refusal_of($$SELECT detach_relation('bought', 'vips')$$);
SELECT refusal_of($$SELECT detach_relation('purchase', 'shoppers')$$);
SELECT refusal_of($$SELECT detach_relation('$topic', 'shoppers')$$);
-- Tables.
CREATE TEMP TABLE passing (shopper int);
SELECT refusal_of($$SELECT attach_relation('passing', 'passing', 'shopper', 'shoppers')$$);
CREATE SEQUENCE numbers;
SELECT refusal_of($$SELECT attach_relation('numbers', 'numbers', 'last_value', 'shoppers')$$);
SELECT refusal_of($$SELECT attach_relation('keys', 'shoppers_pkey', 'id', 'shoppers')$$);

-- A column or a key that comes later is hidden.
INSERT INTO shoppers VALUES (1, 'a', NULL, '{"clicks": [1]}');
INSERT INTO purchases (id, shopper, total) VALUES (1, 1, 10), (2, NULL, 10);
ALTER TABLE shoppers ADD visits int DEFAULT 5;
SELECT count_contacts('{"visits": {"$count": 1}}', 'shoppers'), count_contacts('{"clicks": {"$empty": true}}', 'shoppers');
SELECT severity, path, message, hint FROM validate_conditions('{"visits.total": 10, "$or": [{"clicks": {"$empty": true}}, {"email": "a"}]}', 'shoppers')
 WHERE message ~ 'hides';
SELECT name, type FROM segments.property WHERE audience = 'shoppers' AND name ~ '^visits' ORDER BY name LIMIT 2;
ALTER TABLE shoppers DROP visits;
SELECT detach_relation('visits', 'shoppers');
SELECT name FROM segments.relation WHERE audience = 'shoppers' ORDER BY name;
-- With the audience go its relations.
SELECT detach_audience('shoppers', true);
SELECT count(*) FROM segments.relation_config WHERE audience = 'shoppers';
DROP TABLE shoppers, shopper_topics, purchases, clicks, dated, seats, visits_of_seats CASCADE;
DROP SEQUENCE numbers;
