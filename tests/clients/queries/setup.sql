CREATE EXTENSION segments;
CREATE TABLE customers (id bigint PRIMARY KEY, company text, country text, mrr int);
INSERT INTO customers SELECT n, 'Company ' || n, (ARRAY['DE', 'US', 'FR'])[1 + n % 3], nullif(n % 1000, 0) FROM generate_series(1, 20000) n;
CREATE INDEX customers_mrr ON customers (mrr);
CREATE TABLE orders (id bigint PRIMARY KEY, customer bigint REFERENCES customers, amount int);
INSERT INTO orders SELECT n, 1 + n % 20000, n % 500 FROM generate_series(1, 40000) n;
CREATE INDEX orders_customer ON orders (customer);
ANALYZE customers, orders;
SELECT attach_audience('customers', 'customers');
SELECT name FROM create_segment('Large', '{"mrr": {"$gte": 998}}', audience => 'customers');
-- Large
SELECT name FROM create_segment('Odd', '{"mrr": {"$gte": 998}, "company": {"$ne": "50% off? :yes $1"}}', audience => 'customers');
-- Odd
