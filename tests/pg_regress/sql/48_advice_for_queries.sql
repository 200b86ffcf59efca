-- The indexes that suggest_indexes() advises are all that queries with in_segment() need.
\pset format unaligned
\pset tuples_only on
CREATE SCHEMA advice_queries;
SET search_path = advice_queries, public;
CREATE TABLE asked (id bigint PRIMARY KEY, country text, age int, tags text[], props jsonb NOT NULL);
INSERT INTO asked
SELECT i, 'C' || i % 200, i % 90, ARRAY['t' || i % 150], jsonb_build_object('spent', i, 'labels', jsonb_build_array('l' || i % 130))
FROM generate_series(1, 5000) i;
CREATE TABLE asked_orders (id bigint PRIMARY KEY, asked bigint REFERENCES asked, amount int);
INSERT INTO asked_orders SELECT i, i, i FROM generate_series(1, 5000) i;
CREATE INDEX asked_orders_asked ON asked_orders (asked);
VACUUM ANALYZE asked, asked_orders;
SELECT attach_audience('asked', 'asked', properties_column => 'props');
SELECT create_property('spent', 'number', 'asked'), create_property('labels', 'string[]', 'asked');
SELECT count(*) FROM unnest(ARRAY[
    '{"spent": {"$gte": 4980}}', '{"country": "C7"}', '{"$or": [{"age": 3}, {"tags": "t5"}]}', '{"labels": "l5"}']::segment_condition[])
        WITH ORDINALITY s(conditions, number),
    LATERAL create_segment('S' || number, conditions, audience => 'asked');

-- Queries without any of these indexes read the whole table.
CREATE FUNCTION sequential(query text) RETURNS TABLE (segment text, line text) LANGUAGE plpgsql AS $$
BEGIN
    FOR segment IN SELECT name FROM segments.segment WHERE audience = 'asked' ORDER BY name LOOP
        FOR line IN EXECUTE format('EXPLAIN (COSTS off) ' || query, segment) LOOP
            IF line ~ 'Seq Scan on asked a|in_segment' THEN RETURN NEXT; END IF;
        END LOOP;
    END LOOP;
END $$;
SELECT * FROM sequential('SELECT a.country FROM asked a WHERE in_segment(a.id, %L)');
SELECT property, segments FROM suggest_indexes('asked');
SELECT ddl FROM suggest_indexes('asked') \gexec
VACUUM ANALYZE asked;

-- With them, neither these queries nor joins read it, and there is no more advice: none to create, and none to drop.
SELECT * FROM sequential('SELECT a.country FROM asked a WHERE in_segment(a.id, %L)');
SELECT * FROM sequential('SELECT o.amount FROM asked_orders o JOIN asked a ON a.id = o.asked WHERE in_segment(a.id, %L) AND o.amount > 0');
SELECT * FROM suggest_indexes('asked');
SELECT detach_audience('asked', true);
