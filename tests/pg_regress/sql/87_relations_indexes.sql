-- suggest_indexes and relations: which index finds the rows of one contact.
\pset format unaligned
\pset tuples_only on
CREATE SCHEMA bought;
SET search_path = bought, public;
CREATE TABLE buyers (id int PRIMARY KEY, country text);
CREATE TABLE purchases (id int PRIMARY KEY, buyer int, total numeric);
CREATE TABLE visits (buyer text, at timestamptz);
CREATE VIEW returns AS SELECT * FROM purchases WHERE total < 0;
SELECT attach_audience('buyers', 'buyers'), attach_audience('germans', based_on => 'buyers', scope => '{"country": "DE"}');
SET client_min_messages = warning;
SELECT attach_relation('purchases', 'purchases', 'buyer', 'buyers'), attach_relation('visits', 'visits', 'buyer', 'buyers', time_column => 'at'),
       attach_relation('returns', 'returns', 'buyer', 'buyers');
-- index_property is about the audience's table.
SELECT refusal_of($$SELECT index_property('purchases.total', 'buyers')$$);
SELECT refusal_of($$SELECT index_property('purchases.nothing', 'germans')$$);
SELECT refusal_of($$SELECT index_property('visits', 'buyers')$$);
-- No segment reads them yet.
SELECT * FROM suggest_indexes('buyers');
SELECT count(create_segment(name, condition::segment_condition, audience => audience)) FROM (VALUES
    ('spent',    '{"purchases": {"$sum": {"total": {"$gt": 100}}}}',                   'buyers'),
    ('came',     '{"$or": [{"country": "DE"}, {"visits": {"$last": {"at": {"$gte": "2024-01-01"}}}}]}', 'buyers'),
    ('returned', '{"returns": {"$count": {"$gte": 1}}}',                               'buyers'),
    ('german',   '{"purchases": {"$some": {"total": 5}}, "country": "DE"}',            'germans')) AS s(name, condition, audience);
SELECT suggestion, property, ddl, reason, segments, audiences FROM suggest_indexes('buyers') WHERE ddl ~ 'buyer\)';
SELECT property, segments, audiences FROM suggest_indexes() WHERE ddl ~ 'buyer\)' AND 'germans' = ANY (audiences);
-- An index that begins with the column is enough, and of a view there is none.
CREATE INDEX ON purchases (buyer, total);
SELECT property FROM suggest_indexes('buyers') WHERE ddl ~ 'buyer\)';
-- On a partitioned table it cannot be created concurrently, and its name is a free one.
CREATE TABLE calls (buyer int, at date) PARTITION BY RANGE (at);
CREATE TABLE calls_buyer_idx ();
SET client_min_messages = notice;
\set VERBOSITY default
SELECT attach_relation('calls', 'calls', 'buyer', 'buyers');
SET client_min_messages = warning;
SELECT detach_audience('buyers', true);
DROP SCHEMA bought CASCADE;
