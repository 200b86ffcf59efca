-- Orders and events of the benchmark's contacts: 5 and 20 for each on average, skewed, in the order of their times, over the 1,400 days
-- before 2025. Nothing but md5 of the row's number is random. Beside one half of the sign-ups there was a look at the prices, three days before.

CREATE TABLE orders (
    id bigint NOT NULL,
    contact_id bigint NOT NULL,
    status text NOT NULL,
    category text NOT NULL,
    total numeric(10, 2) NOT NULL,
    placed_at timestamptz NOT NULL
);
INSERT INTO orders
SELECT n, 1 + floor(:size * power(r0, 1.25))::bigint,
       CASE WHEN r1 < 0.85 THEN 'paid' WHEN r1 < 0.95 THEN 'open' ELSE 'refunded' END,
       (ARRAY['books','games','music','garden','kitchen','toys','tools','travel','sports','wine','pets','art'])[1 + floor(r2 * r2 * 12)::int],
       round((12 / (0.02 + r3) - 8)::numeric, 2),
       timestamptz '2025-01-01Z' - (1 - (n - r2) / (:size * 5)) * interval '1400 days'
FROM generate_series(1, :size * 5) AS n,
    LATERAL (SELECT md5(n || 'order') AS a) AS hash,
    LATERAL (SELECT ('x' || substr(a, 1, 7))::bit(28)::int / 268435456.0::float8 AS r0,
                    ('x' || substr(a, 8, 7))::bit(28)::int / 268435456.0::float8 AS r1,
                    ('x' || substr(a, 15, 7))::bit(28)::int / 268435456.0::float8 AS r2,
                    ('x' || substr(a, 22, 7))::bit(28)::int / 268435456.0::float8 AS r3) AS random;

CREATE TABLE events (
    id bigint NOT NULL,
    contact_id bigint NOT NULL,
    name text NOT NULL,
    at timestamptz NOT NULL
);
INSERT INTO events
SELECT n, 1 + floor(:size * power(('x' || substr(a, 1, 7))::bit(28)::int / 268435456.0::float8, 1.25))::bigint,
       CASE WHEN n % 50 < 3 THEN 'viewed pricing' WHEN n % 50 < 5 THEN 'signed up' WHEN n % 50 < 8 THEN 'added to cart'
            WHEN n % 50 < 14 THEN 'clicked' WHEN n % 50 < 32 THEN 'viewed' ELSE 'opened' END,
       timestamptz '2025-01-01Z' - (1 - n::float8 / (:size * 20)) * interval '1400 days'
FROM generate_series(1, :size * 20) AS n,
    LATERAL (SELECT CASE WHEN n % 50 = 3 THEN n - 3 - :size * 20 * 3 / 1400 / 50 * 50 ELSE n END AS origin) AS follows,
    LATERAL (SELECT md5(origin || 'event') AS a) AS hash;

ALTER TABLE orders ADD PRIMARY KEY (id);
ALTER TABLE events ADD PRIMARY KEY (id);
CREATE INDEX ON orders (contact_id, placed_at);
CREATE INDEX ON events (contact_id, at);
VACUUM (FREEZE, ANALYZE) orders;
VACUUM (FREEZE, ANALYZE) events;
