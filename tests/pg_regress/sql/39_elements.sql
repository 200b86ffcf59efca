-- Elements of arrays, taken together: $some to $sequence, in a property and in a jsonb column, by @~, in segments, and through GIN.
\pset format unaligned
\pset tuples_only on
SET max_parallel_workers_per_gather = 0;
CREATE TABLE shoppers (id int PRIMARY KEY, country text, visits jsonb, properties jsonb NOT NULL);
INSERT INTO shoppers VALUES
    (1, 'US', '[{"at": "2024-05-01", "page": "pricing"}, {"at": "2024-05-06", "page": "signup"}]',
     '{"orders": [{"total": 300, "state": "paid", "at": "2024-05-01"}, {"total": "25", "state": "paid", "at": "2024-05-03"},
                  {"total": 250.5, "state": "paid", "at": "2024-05-02T10:00:00Z"}]}'),
    (2, 'US', '[{"at": "2024-05-01", "page": "pricing"}, {"at": "2024-05-09", "page": "signup"}]',
     '{"orders": [{"total": 900, "state": "open", "at": "2024-04-01"}, {"total": 1, "state": "paid", "at": "2024-04-01"}]}'),
    (3, 'DE', NULL, '{"orders": []}'), (4, NULL, '[]', '{}'), (5, 'DE', '"none"', '{"orders": null}');
SELECT attach_audience('shoppers', 'shoppers', properties_column => 'properties');
SELECT create_property('orders', 'json', 'shoppers');

-- @~ on the document, a segment, its SQL and each contact say the same.
CREATE TABLE asked (n int PRIMARY KEY GENERATED ALWAYS AS IDENTITY, condition segment_condition);
INSERT INTO asked (condition) SELECT * FROM unnest(ARRAY[
    '{"orders": {"$some": {"state": "open", "total": {"$gt": 500}}}}',
    '{"orders": {"$none": {"state": "open"}}}',
    '{"orders": {"$every": {"state": "paid"}}}',
    '{"orders": {"$count": {"$gte": 2}}}',
    '{"orders": {"$count": 0}}',
    '{"orders": {"$filter": {"state": "paid"}, "$count": {"$lte": 1}, "$sum": {"total": {"$lt": 500}}}}',
    '{"orders": {"$filter": {"state": "paid"}, "$sum": {"total": {"$gt": 550}}}}',
    '{"orders": {"$avg": {"total": 275.25}}}',
    '{"orders": {"$not": {"$avg": {"total": {"$gt": 275.25}}}}}',
    '{"orders": {"$min": {"at": {"$lt": {"$date": "2024-05-01"}}}, "$max": {"total": {"$gte": 900}}}}',
    '{"orders": {"$distinct": {"state": 2}}}',
    '{"orders": {"$first": {"total": 300}, "$last": {"total": 250.5}}}',
    '{"orders": {"$by": "at", "$last": {"total": "25"}}}',
    '{"orders": {"$by": "at", "$first": {"total": 1}}}',
    '{"orders": {"$by": {"$field": "at", "$stable": true}, "$first": {"total": 1}}}',
    '{"visits": {"$by": "at", "$sequence": [{"page": "pricing"}, {"page": "signup", "$within": "7 days"}]}}',
    '{"visits": {"$sequence": [{"page": "pricing"}, {"page": "signup"}]}}',
    '{"visits": {"$count": {"$lt": 2}}, "country": {"$exists": true}}',
    '{"$or": [{"orders": {"$count": 2}}, {"visits": {"$not": {"$count": 2}}}]}']::segment_condition[]);
SELECT count(create_segment('asked ' || n, condition, audience => 'shoppers')) FROM asked;
CREATE VIEW elements_members AS
SELECT n, condition, s.contact_count,
       ARRAY(SELECT c.id FROM shoppers c
              WHERE properties || jsonb_strip_nulls(jsonb_build_object('country', country)) || coalesce(jsonb_build_object('visits', visits), '{}')
                    @~ condition ORDER BY id) AS by_document,
       ARRAY(SELECT m::int FROM segment_members(s.id) m ORDER BY 1) AS members,
       ARRAY(SELECT c.id FROM shoppers c WHERE in_segment(c.id, s.id) ORDER BY id) AS one_by_one
  FROM asked JOIN segments.segment s ON s.name = 'asked ' || n;
SELECT n, by_document, condition FROM elements_members ORDER BY n;
SELECT * FROM elements_members WHERE (members, one_by_one, contact_count) IS DISTINCT FROM (by_document, by_document, cardinality(by_document));
SELECT count(*), count(error) AS errors FROM refresh_segments('shoppers');
SELECT * FROM wrong_counts('shoppers');

-- Types of fields inside elements: those that are declared with the whole path. "25" is no number. Segments that read them without
-- a type would mean something else.
SELECT create_property('orders.total', 'number', 'shoppers');
SELECT count(delete_segment(s.id)) FROM segments.segment s WHERE audience = 'shoppers' AND conditions::text ~ 'orders';
SELECT create_property('orders.total', 'number', 'shoppers'), create_property('orders.at', 'timestamp', 'shoppers');
SELECT count(create_segment('asked ' || n, condition, audience => 'shoppers')) FROM asked WHERE condition::text ~ 'orders' AND condition::text !~ '"25"';
SELECT path, message, hint FROM validate_conditions('{"orders": {"$sum": {"totla": 1}, "$avg": {"at": 5}, "$some": {"total": "x"}}}', 'shoppers');
SELECT contact_count FROM create_segment('big', '{"orders": {"$filter": {"state": "paid"}, "$max": {"total": {"$gt": 250}}}}', audience => 'shoppers');
SELECT contact_count FROM create_segment('last', '{"orders": {"$by": "at", "$last": {"total": 250.5}}}', audience => 'shoppers');
-- What also holds where there are no elements
SELECT path, message, hint FROM validate_conditions('{"orders": {"$count": {"$lt": 3}}, "visits": {"$every": {"page": "x"}}}', 'shoppers');

-- GIN serves what has to be in some element.
INSERT INTO shoppers
SELECT n, 'FR', NULL, jsonb_build_object('orders', jsonb_build_array(jsonb_build_object('total', n, 'state', 's' || n % 500)))
FROM generate_series(10, 5000) n;
CREATE INDEX shoppers_gin ON shoppers USING gin (properties jsonb_path_ops);
VACUUM ANALYZE shoppers;
SELECT conditions_sql(condition, 'shoppers') FROM unnest(ARRAY[
    '{"orders": {"$some": {"state": "s7", "total": {"$gt": 4000}}}}',
    '{"orders": {"$filter": {"state": "s7"}, "$sum": {"total": {"$gt": 4000}}}}',
    '{"orders": {"$last": {"state": "s7"}}}', '{"orders": {"$filter": {"state": "s7"}, "$count": 0}}']::segment_condition[]) condition;
SELECT contact_count FROM create_segment('sum of s7', '{"orders": {"$filter": {"state": "s7"}, "$sum": {"total": {"$gt": 4000}}}}', audience => 'shoppers');
EXPLAIN (COSTS off) SELECT id FROM shoppers WHERE in_segment(id, 'sum of s7');
SELECT id FROM shoppers WHERE in_segment(id, 'sum of s7') ORDER BY id;

-- Why is this contact a member, or not?
SELECT path, matches, note FROM explain_match('1', (SELECT id FROM segments.segment WHERE name = 'asked 7'));
SELECT path, condition, matches, note
FROM explain_match('2', (SELECT id FROM segments.segment WHERE name = 'asked 6'));
SELECT detach_audience('shoppers', cascade => true);
DROP VIEW elements_members;
DROP TABLE asked, shoppers;
