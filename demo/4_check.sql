-- The same five counts by SQL that was written by hand, without the extension. Stops where one is not the same.

CREATE TEMP TABLE by_hand (segment text, condition text);
INSERT INTO by_hand VALUES
    ('US big spenders', $$
        country = 'US' AND properties ->> 'last_purchase_date' >= '2024-01-01'
        AND CASE jsonb_typeof(properties -> 'lifetime_value') WHEN 'number' THEN (properties ->> 'lifetime_value')::numeric >= 100 ELSE false END $$),
    ('VIPs of mid-sized companies', $$
        properties -> 'tags' ?| ARRAY['vip', 'partner'] AND NOT properties -> 'tags' ? 'churned'
        AND (properties #>> '{company,size}')::numeric >= 90 AND (properties #>> '{company,size}')::numeric < 2500 $$),
    ('Unscored, outside London', $$
        (properties ->> 'score' IS NULL OR (properties ->> 'score')::numeric < 20)
        AND city IS DISTINCT FROM 'London' AND phone IS NULL $$),
    ('Weekly readers who bought last winter', $$
        id IN (SELECT contact_id FROM contact_topics WHERE topic = 'weekly')
        AND properties ->> 'last_purchase_date' BETWEEN '2024-11-01' AND '2024-12-31'
        AND created_at < timestamptz '2024-01-01 00:00 America/New_York' $$),
    ('Win back', $$
        country = 'US' AND (properties ->> 'last_purchase_date')::date >= '2024-01-01'
        AND jsonb_typeof(properties -> 'lifetime_value') = 'number' AND (properties -> 'lifetime_value') >= '100'
        AND NOT EXISTS (SELECT FROM contact_topics WHERE contact_id = contacts.id AND topic = 'product-news')
        AND (properties ->> 'last_purchase_date' < '2024-07-01' OR properties @> '{"tags": ["churned"]}') $$);

CREATE TEMP TABLE checked (segment text, kept bigint, counted bigint, by_hand bigint, counted_ms numeric, by_hand_ms numeric);

DO $$
DECLARE
    began timestamptz;
    row checked;
    stored segments.segment;
    hand by_hand;
BEGIN
    FOR stored IN SELECT * FROM segments.segment WHERE audience = 'contacts' ORDER BY id LOOP
        SELECT * INTO STRICT hand FROM by_hand WHERE segment = stored.name;
        row.segment := stored.name;
        row.kept := stored.contact_count;
        began := clock_timestamp();
        EXECUTE 'SELECT count(*) FROM contacts WHERE ' || segment_sql(stored.id) INTO row.counted;
        row.counted_ms := round(1000 * extract(epoch FROM clock_timestamp() - began), 1);
        began := clock_timestamp();
        EXECUTE 'SELECT count(*) FROM contacts WHERE ' || hand.condition INTO row.by_hand;
        row.by_hand_ms := round(1000 * extract(epoch FROM clock_timestamp() - began), 1);
        INSERT INTO checked SELECT row.*;
        IF row.by_hand = 0 OR row.kept IS DISTINCT FROM row.by_hand OR row.counted IS DISTINCT FROM row.by_hand THEN
            RAISE EXCEPTION 'segment "%" has % contacts and was counted as %, but by hand they are %', row.segment, row.kept, row.counted, row.by_hand;
        END IF;
    END LOOP;
    IF (SELECT count(*) FROM checked) <> 5 THEN
        RAISE EXCEPTION 'checked % segments, not 5', (SELECT count(*) FROM checked);
    END IF;
END
$$;

SELECT segment, kept AS contact_count, by_hand AS "the same by hand", counted_ms AS "ms", by_hand_ms AS "ms by hand" FROM checked;
