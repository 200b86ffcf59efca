-- The benchmark's contacts: the same for the same :size on every version of Postgres, since nothing but md5 of the row's
-- number is random. Countries, plans and spend are skewed; some properties are missing, some are null.

CREATE TABLE contacts (
    id bigint PRIMARY KEY,
    status text NOT NULL,
    created_at timestamptz NOT NULL,
    properties jsonb NOT NULL
);

INSERT INTO contacts
SELECT
    id,
    CASE WHEN r8 < 0.90 THEN 'active' WHEN r8 < 0.97 THEN 'unsubscribed' ELSE 'bounced' END,
    timestamptz '2021-01-01Z' + r9 * interval '1400 days',
    jsonb_build_object(
        'country', (ARRAY['US','US','US','US','US','US','US','US','US','US','US','US','GB','GB','GB','DE','DE','FR','FR','IN',
                          'IN','CA','BR','JP','AU','ES','IT','NL','SE','IS'])[1 + floor(r0 * 30)::int],
        'city', (ARRAY['New York','London','Berlin','Paris','Mumbai','Toronto','São Paulo','Tokyo','Austin','Leeds'])[1 + floor(r1 * 10)::int],
        'plan', CASE WHEN r2 < 0.60 THEN 'free' WHEN r2 < 0.90 THEN 'pro' WHEN r2 < 0.98 THEN 'team' ELSE 'enterprise' END,
        'language', (ARRAY['en','en','en','de','fr','es','pt','ja','hi','it'])[1 + floor(r0 * 10)::int],
        'lifetime_value', round((60 / (0.004 + r3) - 59.7)::numeric, 2),
        'orders', floor(40 * r3 * r2)::int,
        'email_opens', floor(500 * r4 * r4 * r4)::int,
        'is_beta', r5 < 0.05,
        'referrer', (ARRAY['google','letter','friend','podcast','talk','advert','unknown'])[1 + floor(r6 * r6 * 7)::int],
        'last_purchase_date', to_char(date '2024-12-31' - floor(r7 * r7 * 1200)::int, 'YYYY-MM-DD'),
        'last_seen', to_char(timestamp '2024-12-31 23:59:59' - r9 * r4 * interval '500 days', 'YYYY-MM-DD"T"HH24:MI:SS"Z"'),
        'tags', to_jsonb((ARRAY['vip','beta','churned','webinar','reseller','student','press','partner'])
                         [1 + floor(r5 * 8)::int : floor(r5 * 8 + r6 * 3)::int]),
        'company', jsonb_build_object(
            'size', (ARRAY[1, 5, 20, 80, 300, 2000, 15000])[1 + floor(r2 * r7 * 7)::int],
            'industry', (ARRAY['retail','software','media','health','finance','travel'])[1 + floor(r4 * 6)::int])
    )
    || CASE WHEN r8 < 0.15 THEN '{}' WHEN r8 < 0.20 THEN '{"score": null}' ELSE jsonb_build_object('score', floor(r8 * 100)::int) END
FROM generate_series(1, :size) AS id,
    LATERAL (SELECT md5(id::text) AS a, md5(id || 'b') AS b, md5(id || 'c') AS c) AS hash,
    LATERAL (SELECT ('x' || substr(a, 1, 7))::bit(28)::int / 268435456.0::float8 AS r0,
                    ('x' || substr(a, 8, 7))::bit(28)::int / 268435456.0::float8 AS r1,
                    ('x' || substr(a, 15, 7))::bit(28)::int / 268435456.0::float8 AS r2,
                    ('x' || substr(a, 22, 7))::bit(28)::int / 268435456.0::float8 AS r3,
                    ('x' || substr(b, 1, 7))::bit(28)::int / 268435456.0::float8 AS r4,
                    ('x' || substr(b, 8, 7))::bit(28)::int / 268435456.0::float8 AS r5,
                    ('x' || substr(b, 15, 7))::bit(28)::int / 268435456.0::float8 AS r6,
                    ('x' || substr(b, 22, 7))::bit(28)::int / 268435456.0::float8 AS r7,
                    ('x' || substr(c, 1, 7))::bit(28)::int / 268435456.0::float8 AS r8,
                    ('x' || substr(c, 8, 7))::bit(28)::int / 268435456.0::float8 AS r9) AS random;

-- The same properties in documents of 4 KB, which are stored out of line. Hexadecimal digits do not compress.
CREATE TABLE large_contacts (
    id bigint PRIMARY KEY,
    properties jsonb NOT NULL
);
INSERT INTO large_contacts
SELECT id, properties || jsonb_build_object('notes', (SELECT string_agg(md5(id || 'n' || n), '') FROM generate_series(1, 112) AS n))
FROM contacts WHERE id <= :size / 10;

CREATE TABLE contact_topics (
    contact_id bigint NOT NULL,
    topic text NOT NULL,
    PRIMARY KEY (contact_id, topic)
);
INSERT INTO contact_topics SELECT id, 'weekly' FROM contacts WHERE ('x' || substr(md5(id || 't'), 1, 7))::bit(28)::int % 100 < 45;
INSERT INTO contact_topics SELECT id, 'offers' FROM contacts WHERE ('x' || substr(md5(id || 'o'), 1, 7))::bit(28)::int % 100 < 15;

-- What somebody would have who knew all the questions beforehand: a column for each property, and an index for each column.
CREATE TABLE contact_columns AS
SELECT id, status, created_at, properties ->> 'country' AS country, properties ->> 'city' AS city, properties ->> 'plan' AS plan,
       properties ->> 'language' AS language, (properties ->> 'lifetime_value')::numeric AS lifetime_value,
       (properties ->> 'orders')::int AS orders, (properties ->> 'email_opens')::int AS email_opens,
       (properties ->> 'is_beta')::boolean AS is_beta, properties ->> 'referrer' AS referrer,
       (properties ->> 'last_purchase_date')::date AS last_purchase_date, (properties ->> 'last_seen')::timestamptz AS last_seen,
       ARRAY(SELECT jsonb_array_elements_text(properties -> 'tags')) AS tags, (properties ->> 'score')::int AS score,
       (properties #>> '{company,size}')::int AS company_size, properties #>> '{company,industry}' AS company_industry
FROM contacts;

-- The same contacts again, with indexes.
CREATE TABLE indexed_contacts (LIKE contacts INCLUDING ALL);
INSERT INTO indexed_contacts SELECT * FROM contacts;
