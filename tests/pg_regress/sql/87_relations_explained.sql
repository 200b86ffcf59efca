-- What explain_match and validate_conditions say of relations.
\pset format unaligned
\pset tuples_only on
CREATE TABLE shopper (id int PRIMARY KEY, country text, properties jsonb);
CREATE TABLE shop_order (id int PRIMARY KEY, shopper int REFERENCES shopper, total numeric, status text, placed_at timestamptz, extra jsonb);
CREATE INDEX ON shop_order (shopper);
INSERT INTO shopper VALUES (1, 'US', '{}'), (2, 'DE', '{}'), (3, 'US', '{}');
INSERT INTO shop_order VALUES (1, 1, 100, 'paid', '2024-01-01', '{"channel": "web"}'), (2, 1, 50.5, 'paid', '2024-01-05', NULL),
    (3, 1, NULL, 'open', '2024-01-06', '{"channel": null}'), (4, 2, 7, 'open', '2024-01-06', '{}');
SELECT attach_audience('shopper', 'shopper');
SELECT attach_relation('orders', 'shop_order', 'shopper', 'shopper', properties_column => 'extra', time_column => 'placed_at');
SELECT create_property('orders.channel', 'string', 'shopper');

SELECT name, contact_count FROM create_segment('spenders',
    '{"orders": {"$filter": {"status": "paid"}, "$count": {"$gte": 2}, "$sum": {"total": {"$gt": 120}}}, "country": "US"}', audience => 'shopper');
SELECT name, contact_count FROM create_segment('web',
    '{"orders": {"$some": {"channel": "web"}}, "orders.total": {"$lt": 60}, "$or": [{"orders": {"$empty": true}}, {"orders": {"$last": {"status": "open"}}}]}',
    audience => 'shopper');
CREATE FUNCTION explained(contact text, segment text) RETURNS TABLE (path text, value jsonb, matches boolean, note text) LANGUAGE sql AS
$$ SELECT m.path, m.value, m.matches, m.note FROM segments.segment s, explain_match($1, s.id) m WHERE s.name = $2 $$;
-- The rows of the contact, with what the part reads of them: NULL columns are left out.
SELECT * FROM explained('1', 'spenders');
SELECT * FROM explained('3', 'spenders');
SELECT path, matches, note FROM explained('1', 'web');

-- What is probably not meant
SELECT path, message, E'\n  ' || hint FROM validate_conditions('{"orders.status": "paid", "orders.total": {"$gt": 5}}', 'shopper');
SELECT path, message, E'\n  ' || hint FROM validate_conditions('{"orders": {"$count": {"$lte": 1}}, "orders.total": {"$ne": 7}}', 'shopper');
SELECT path, message, E'\n  ' || hint FROM validate_conditions('{"orders": {"$not": {"$some": {"status": "paid"}}}}', 'shopper');
-- What is refused
SELECT path, message, E'\n  ' || hint FROM validate_conditions('{"orders": {"$min": {"totl": 1}}, "orders.0": 1, "orders.totl": 5}', 'shopper');
SELECT path, message FROM validate_conditions('{"orders": {"$gt": 1}}', 'shopper');
SELECT path, message, E'\n  ' || hint FROM validate_conditions('{"$expr": {"$gt": ["$orders.total", 5]}}', 'shopper');

SELECT detach_audience('shopper', cascade => true);
DROP FUNCTION explained;
DROP TABLE shop_order, shopper;
