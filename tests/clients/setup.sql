-- What each client finds: the tables of docs/clients.md, its owner `app`, and a colleague without any rights.
SET client_min_messages = warning;
CREATE EXTENSION segments;
CREATE ROLE app LOGIN PASSWORD 'app';
CREATE ROLE analyst;
SELECT grant_segments_access('app', scope)
  FROM unnest('{read:segments,write:segments,read:contacts,write:contacts}'::text[]) scope;
CREATE TABLE customers (
    customer_no bigint PRIMARY KEY,
    company text,
    mrr numeric(10, 2),
    signed_up timestamptz NOT NULL,
    attributes jsonb
);
CREATE TABLE orders (order_no bigint PRIMARY KEY, customer_no bigint REFERENCES customers, total numeric, placed_at timestamptz);
CREATE INDEX ON orders (customer_no);
ALTER TABLE customers OWNER TO app;
ALTER TABLE orders OWNER TO app;
INSERT INTO customers VALUES
    (1, 'Acme',    1200, '2024-01-15 09:30Z', '{"seats": 30, "note": "moved from :old to ?"}'),
    (2, 'Globex',    90, '2024-03-01 12:00Z', '{"seats": 4}'),
    (3, 'Initech', NULL, '2024-05-20 08:00Z', NULL),
    (4, 'Hooli',   9000, '2024-06-01 08:00Z', '{"seats": 900, "note": "50% off? :yes $1"}');
INSERT INTO orders VALUES
    (1, 1, 300, '2024-05-02 10:00Z'), (2, 1, 250, '2024-06-11 15:00Z'), (3, 2, 900, '2023-01-09 08:00Z'), (4, 2, 40, '2024-05-20 17:00Z');
