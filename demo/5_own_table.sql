-- A table that is already there: nothing about it changes. One audience for each tenant.

\timing on
\set ECHO queries
CREATE TABLE customers (
    customer_no bigint PRIMARY KEY,
    org_id int NOT NULL,
    company text NOT NULL,
    mrr numeric(10, 2),
    signed_up date NOT NULL,
    attributes jsonb
);
INSERT INTO customers
SELECT n, 40 + n % 3, 'Company ' || n, CASE WHEN n % 7 <> 0 THEN n * 7919 % 90000 / 100.0 END, date '2024-12-31' - n % 900,
       CASE WHEN n % 5 <> 0 THEN jsonb_build_object('seats', n * 31 % 200, 'region', (ARRAY['emea', 'amer', 'apac'])[1 + n % 11 % 3]) END
FROM generate_series(1, 20000) AS n;

\o /dev/null
SELECT attach_audience('org 42', 'customers', properties_column => 'attributes', scope => '{"org_id": 42}');
SELECT create_property('seats', 'number', 'org 42');
SELECT create_property('region', 'string', 'org 42');
\o

SELECT name, contact_count FROM create_segment('Large accounts in EMEA',
    '{"region": "emea", "$or": [{"seats": {"$gt": 150}}, {"mrr": {"$gte": 800}}]}', audience => 'org 42');

-- A contact as it is found, and the segments as an API would list them:
\pset format unaligned
\pset tuples_only on
SELECT jsonb_pretty(search_contacts('{"mrr": {"$gt": 899.5}}', 'org 42', page_size => 1));
SELECT jsonb_pretty(to_jsonb(s)) FROM list_segments(page_size => 1) s;
\set ECHO none
\timing off

DO $$
DECLARE
    by_hand bigint;
BEGIN
    SELECT count(*) INTO by_hand FROM customers
    WHERE org_id = 42 AND attributes ->> 'region' = 'emea' AND ((attributes ->> 'seats')::numeric > 150 OR mrr >= 800);
    IF by_hand = 0 OR by_hand <> (SELECT contact_count FROM segments.segment WHERE audience = 'org 42') THEN
        RAISE EXCEPTION 'by hand the large accounts in EMEA are %', by_hand;
    END IF;
END
$$;
