-- Contacts number :first to :last. The same numbers give the same contacts on any machine: nothing but md5 is random here.

-- A number from 0 to 1 that the row and the word decide.
CREATE OR REPLACE FUNCTION pg_temp.uniform(n bigint, word text) RETURNS float8 LANGUAGE sql IMMUTABLE
    RETURN (('x' || substr(md5(word || n), 1, 7))::bit(28)::int / 268435456.0);

CREATE TEMP TABLE random AS
SELECT n, pg_temp.uniform(n, 'country') AS r_country, pg_temp.uniform(n, 'city') AS r_city, pg_temp.uniform(n, 'name') AS r_name, pg_temp.uniform(n, 'surname') AS r_surname,
       pg_temp.uniform(n, 'status') AS r_status, pg_temp.uniform(n, 'created') AS r_created, pg_temp.uniform(n, 'plan') AS r_plan, pg_temp.uniform(n, 'value') AS r_value,
       pg_temp.uniform(n, 'order') AS r_order, pg_temp.uniform(n, 'tags') AS r_tags, pg_temp.uniform(n, 'score') AS r_score, pg_temp.uniform(n, 'company') AS r_company
FROM generate_series(:first, :last) AS n;

INSERT INTO contacts (id, email, first_name, last_name, phone, country, city, timezone, status, subscribed_at, unsubscribed_at,
                      properties, created_at, updated_at)
SELECT
    md5('contact ' || n)::uuid,
    lower(first_name) || '.' || lower(last_name) || n || '@example.com',
    first_name,
    last_name,
    CASE WHEN r_name < 0.3 THEN '+1555' || lpad((n % 10000000)::text, 7, '0') END,
    country,
    CASE WHEN r_city < 0.8 THEN place.cities[1 + floor(r_city / 0.8 * cardinality(place.cities))::int] END,
    place.timezone,
    status,
    created_at,
    CASE WHEN status = 'unsubscribed' THEN created_at + (timestamptz '2025-01-01Z' - created_at) * r_score END,
    -- A key that is missing, one that is null, and one whose value is of the wrong type: there is all of this in real data.
    '{}'::jsonb
        || CASE WHEN r_plan < 0.05 THEN '{}' ELSE jsonb_build_object('plan',
               CASE WHEN r_plan < 0.65 THEN 'free' WHEN r_plan < 0.90 THEN 'pro' WHEN r_plan < 0.98 THEN 'team' ELSE 'enterprise' END) END
        || CASE WHEN r_value < 0.25 THEN '{}' WHEN r_value < 0.28 THEN '{"lifetime_value": null}'
                WHEN r_value < 0.281 THEN '{"lifetime_value": "n/a"}'
                ELSE jsonb_build_object('lifetime_value', round((30 / (1.004 - r_value) - 41)::numeric, 2)) END
        || CASE WHEN r_value < 0.30 THEN '{}'
                ELSE jsonb_build_object('last_purchase_date', to_char(date '2024-12-31' - floor(r_order * r_order * 1400)::int, 'YYYY-MM-DD')) END
        || CASE WHEN r_tags < 0.30 THEN '{}' ELSE jsonb_build_object('tags', to_jsonb(
               (ARRAY['newsletter','webinar','vip','beta','churned','reseller','student','press','partner'])
               [1 + floor(r_tags * r_tags * 9)::int : 1 + floor(r_tags * r_tags * 9 + r_score * 2.5)::int])) END
        || CASE WHEN r_score < 0.20 THEN '{}' WHEN r_score < 0.25 THEN '{"score": null}'
                ELSE jsonb_build_object('score', floor(100 * r_score)::int) END
        || CASE WHEN r_company < 0.40 THEN '{}' ELSE jsonb_build_object('company', jsonb_build_object(
               'size', (ARRAY[1, 8, 25, 90, 400, 2500, 20000])[1 + floor(r_company * r_plan * 7)::int],
               'industry', (ARRAY['retail','software','media','health','finance','travel'])[1 + floor(r_company * 60)::int % 6])) END,
    created_at,
    created_at
FROM random,
    LATERAL (SELECT
        (ARRAY['Ada','Ben','Chen','Dina','Emil','Fatima','Grace','Hugo','Ines','Jamal','Kofi','Lena','Mia','Noah','Olga','Priya'])
            [1 + floor(r_name * 16)::int] AS first_name,
        (ARRAY['Smith','Garcia','Müller','Okafor','Tanaka','Rossi','Novak','Silva','Khan','Dubois','Larsen','Nguyen'])
            [1 + floor(r_surname * 12)::int] AS last_name,
        CASE WHEN r_country < 0.03 THEN NULL
             WHEN r_country < 0.38 THEN 'US' WHEN r_country < 0.50 THEN 'GB' WHEN r_country < 0.60 THEN 'DE'
             WHEN r_country < 0.67 THEN 'FR' WHEN r_country < 0.75 THEN 'IN' WHEN r_country < 0.81 THEN 'BR'
             WHEN r_country < 0.87 THEN 'CA' WHEN r_country < 0.92 THEN 'JP' WHEN r_country < 0.96 THEN 'AT'
             WHEN r_country < 0.99 THEN 'CH' ELSE 'IS' END AS country,
        CASE WHEN r_status < 0.86 THEN 'subscribed' WHEN r_status < 0.97 THEN 'unsubscribed' ELSE 'bounced' END AS status,
        date_trunc('second', timestamptz '2025-01-01Z' - r_created * r_created * interval '1500 days') AS created_at) AS person
    LEFT JOIN (VALUES
        ('US', 'America/New_York', ARRAY['New York','Austin','Chicago','Seattle']), ('GB', 'Europe/London', ARRAY['London','Leeds']),
        ('DE', 'Europe/Berlin', ARRAY['Berlin','Köln','München']), ('FR', 'Europe/Paris', ARRAY['Paris','Lyon']),
        ('IN', 'Asia/Kolkata', ARRAY['Mumbai','Pune']), ('BR', 'America/Sao_Paulo', ARRAY['São Paulo','Recife']),
        ('CA', 'America/Toronto', ARRAY['Toronto','Montréal']), ('JP', 'Asia/Tokyo', ARRAY['Tokyo','Osaka']),
        ('AT', 'Europe/Vienna', ARRAY['Wien','Graz']), ('CH', 'Europe/Zurich', ARRAY['Zürich','Genève']),
        ('IS', 'Atlantic/Reykjavik', ARRAY['Reykjavík'])
    ) AS place(code, timezone, cities) ON place.code = person.country;

INSERT INTO contact_topics (contact_id, topic, subscribed_at)
SELECT md5('contact ' || n)::uuid, topic, timestamptz '2024-06-01Z'
FROM random, LATERAL (VALUES ('weekly', 0.45), ('product-news', 0.15)) AS topics(topic, share)
WHERE pg_temp.uniform(n, topic) < share;

DROP TABLE random;
