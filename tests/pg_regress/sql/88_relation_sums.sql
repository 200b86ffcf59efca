-- Sums and averages of vast numbers: past the range of numeric they are beyond every number, and stop nobody's count.
\pset tuples_only
\pset format unaligned
SET client_min_messages = warning;
CREATE SCHEMA sums;
SET search_path = sums, public;
CREATE TABLE person (id int PRIMARY KEY);
INSERT INTO person SELECT generate_series(1, 9);
CREATE TABLE purchase (person int, total numeric, price numeric(12, 2), data jsonb);
INSERT INTO purchase (person, total) VALUES
    (1, 9e131071), (1, 9e131071),
    (2, -9e131071), (2, -9e131071),
    (3, 9e131071), (3, 9e131071), (3, -9e131071),
    (4, 'Infinity'), (4, 1),
    (5, 'Infinity'), (5, '-Infinity'),
    (6, 0.1), (6, 0.2), (6, 'NaN'),
    (7, NULL),
    (8, 1e-16000), (8, 2e131071);
UPDATE purchase SET price = total WHERE total BETWEEN 0 AND 1;
SELECT attach_audience('people', 'sums.person');
SELECT attach_relation('orders', 'sums.purchase', 'person', 'people', properties_column => 'data');
SELECT create_property('orders.data_total', 'number', 'people');
UPDATE purchase SET data = jsonb_build_object('data_total', total) WHERE total NOT IN ('NaN', 'Infinity', '-Infinity');
CREATE FUNCTION found(condition text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE found text;
BEGIN
    EXECUTE 'SELECT string_agg(id::text, '','' ORDER BY id) FROM person WHERE ' || conditions_sql(condition::segment_condition, 'people') INTO found;
    RETURN found;
END $$;

-- Of a column, of a key of jsonb, and the average of each.
SELECT asked, found(format('{"orders": {"$sum": {"total": %s}}}', asked)) AS column_sum,
       found(format('{"orders": {"$sum": {"data_total": %s}}}', asked)) AS key_sum,
       found(format('{"orders": {"$avg": {"total": %s}}}', asked)) AS column_avg,
       found(format('{"orders": {"$avg": {"data_total": %s}}}', asked)) AS key_avg
  FROM unnest('{"{\"$gt\": 9.5e131071}","{\"$gte\": 9e131071}","{\"$lt\": -9e131071}","{\"$lte\": 9e131071}","9e131071","{\"$gt\": 0.3}","0.3","0.15","0",
                "{\"$ne\": 9e131071}","{\"$gt\": 1e131071}","{\"$gt\": 2e131071}","{\"$exists\": true}","{\"$in\": [0.3, 9e131071]}",
                "null","{\"$in\": [0.3, null]}","{\"$ne\": null}","{\"$nin\": [0.3, null]}"}'::text[]) asked;
-- A bound with digits where trillionths have none.
SELECT found('{"orders": {"$filter": {"total": {"$gt": 0, "$lt": 1e-15000}}, "$sum": {"total": {"$gt": 1e-16380}}}}');
-- A column with a precision holds no vast numbers.
SELECT regexp_replace(conditions_sql('{"orders": {"$sum": {"price": {"$gt": 0.2}}}}', 'people'), '.*HAVING', '');
SELECT regexp_replace(conditions_sql('{"orders": {"$sum": {"total": {"$gt": 0.2}}}}', 'people'), '.*HAVING', '');
SELECT found('{"orders": {"$sum": {"price": {"$gt": 0.2}}}}');
SELECT count_contacts('{"orders": {"$sum": {"total": {"$gt": 100}}}}', 'people');

-- Many tests on rows in a conjunction are planned at once. It took more than a minute.
SET statement_timeout = '20s';
SELECT found(format('{"$and": [%s]}', string_agg(format('{"orders": {"$none": {"total": %s}}}', n), ', '))) FROM generate_series(10, 2009) n;
RESET statement_timeout;
SELECT detach_audience('people', true);
DROP SCHEMA sums CASCADE;
