-- What contacts did: their orders and events, in tables of your own. Conditions read them as if each contact had its rows inside it.

\set ECHO queries
CREATE TABLE orders (
    id bigint PRIMARY KEY,
    contact_id uuid NOT NULL,
    placed_at timestamptz NOT NULL,
    status text NOT NULL,
    total numeric(10, 2) NOT NULL
);
CREATE TABLE events (
    contact_id uuid NOT NULL,
    name text NOT NULL,
    at timestamptz NOT NULL
);
\set ECHO none
-- The same numbers give the same rows on any machine.
CREATE FUNCTION pg_temp.uniform(n bigint, word text) RETURNS float8 LANGUAGE sql IMMUTABLE
    RETURN (('x' || substr(md5(word || n), 1, 7))::bit(28)::int / 268435456.0);
SELECT count(*) AS contacts FROM contacts \gset
INSERT INTO orders
SELECT n, md5('contact ' || 1 + floor(:contacts * power(r_contact, 1.3))::int)::uuid,
       date_trunc('second', timestamptz '2024-12-31Z' - power(pg_temp.uniform(n, 'ordered'), 1.5) * interval '700 days'),
       CASE WHEN r_status < 0.85 THEN 'paid' WHEN r_status < 0.95 THEN 'open' ELSE 'refunded' END,
       round((12 / (0.03 + pg_temp.uniform(n, 'total')) - 8)::numeric, 2)
FROM generate_series(1, 2 * :contacts) AS n,
    LATERAL (SELECT pg_temp.uniform(n, 'buyer') AS r_contact, pg_temp.uniform(n, 'paid') AS r_status) AS random;
-- One of four who saw the prices signs up, within ten days.
INSERT INTO events
SELECT md5('contact ' || 1 + floor(:contacts * r_contact)::int)::uuid, event.name,
       date_trunc('second', timestamptz '2024-12-01Z' - r_time * interval '300 days' + event.later)
FROM generate_series(1, 2 * :contacts) AS n,
    LATERAL (SELECT pg_temp.uniform(n, 'visitor') AS r_contact, pg_temp.uniform(n, 'at') AS r_time, pg_temp.uniform(n, 'event') AS r_name) AS random,
    LATERAL (VALUES (CASE WHEN r_name < 0.4 THEN 'viewed pricing' ELSE 'opened a mail' END, interval '0'),
                    (CASE WHEN r_name < 0.1 THEN 'signed up' END, r_name * interval '100 days')) AS event(name, later)
WHERE event.name IS NOT NULL;
CREATE INDEX ON orders (contact_id);
CREATE INDEX ON events (contact_id);
ANALYZE orders, events;

\timing on
\set ECHO queries
\o /dev/null
SELECT attach_relation('orders', 'orders', 'contact_id', time_column => 'placed_at'),
       attach_relation('events', 'events', 'contact_id', time_column => 'at');
\o

SELECT name, contact_count FROM create_segment('Three paid orders since July, over 100 together',
    '{"orders": {"$filter": {"status": "paid", "placed_at": {"$gte": "2024-07-01"}}, "$count": {"$gte": 3}, "$sum": {"total": {"$gt": 100}}}}');

SELECT name, contact_count FROM create_segment('In the US, and the last order was refunded',
    '{"country": "US", "orders": {"$last": {"status": "refunded"}}}');

SELECT name, contact_count FROM create_segment('Saw the prices, and did not sign up within a week',
    '{"events": {"$sequence": [{"name": "viewed pricing"}, {"$none": {"name": "signed up"}, "$within": "7 days"}]}}');

SELECT name, contact_count FROM create_segment('Weekly readers who never ordered', '{"$topic": "weekly", "orders": {"$none": {}}}');
\set ECHO none
\timing off

-- The same by hand
CREATE TEMP TABLE by_hand (segment text, condition text);
INSERT INTO by_hand VALUES
    ('Three paid orders since July, over 100 together', $$
        id IN (SELECT contact_id FROM orders WHERE status = 'paid' AND placed_at >= '2024-07-01Z'
               GROUP BY contact_id HAVING count(*) >= 3 AND sum(total) > 100) $$),
    ('In the US, and the last order was refunded', $$
        country = 'US' AND id IN (SELECT contact_id FROM (SELECT DISTINCT ON (contact_id) * FROM orders ORDER BY contact_id, placed_at DESC, id DESC) l
                                  WHERE status = 'refunded') $$),
    ('Saw the prices, and did not sign up within a week', $$
        EXISTS (SELECT FROM events e WHERE e.contact_id = contacts.id AND e.name = 'viewed pricing' AND e.at < now() - interval '7 days'
                AND NOT EXISTS (SELECT FROM events f WHERE f.contact_id = e.contact_id AND f.name = 'signed up'
                                AND f.at > e.at AND f.at <= e.at + interval '7 days')) $$),
    ('Weekly readers who never ordered', $$
        id IN (SELECT contact_id FROM contact_topics WHERE topic = 'weekly')
        AND NOT EXISTS (SELECT FROM orders WHERE contact_id = contacts.id) $$);

CREATE TEMP TABLE checked (segment text, contact_count bigint, by_hand bigint, ms_by_hand numeric);
DO $$
DECLARE
    hand by_hand;
    began timestamptz;
    kept bigint;
    counted bigint;
BEGIN
    FOR hand IN TABLE by_hand LOOP
        began := clock_timestamp();
        EXECUTE 'SELECT count(*) FROM contacts WHERE ' || hand.condition INTO counted;
        SELECT contact_count INTO STRICT kept FROM segments.segment WHERE name = hand.segment;
        INSERT INTO checked VALUES (hand.segment, kept, counted, round(1000 * extract(epoch FROM clock_timestamp() - began), 1));
        IF counted = 0 OR kept IS DISTINCT FROM counted THEN
            RAISE EXCEPTION 'segment "%" has % contacts, but by hand they are %', hand.segment, kept, counted;
        END IF;
    END LOOP;
END
$$;
SELECT segment, contact_count, by_hand AS "the same by hand", ms_by_hand AS "ms by hand" FROM checked;

\echo 'Why is one of them in the first segment?'
\set ECHO queries
SELECT path, matches, note
FROM (SELECT id FROM contacts WHERE in_segment(id, 'Three paid orders since July, over 100 together') ORDER BY id LIMIT 1) c,
     explain_match(c.id, 'Three paid orders since July, over 100 together');
\set ECHO none
