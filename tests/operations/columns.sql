-- Two tables with column indexes that cover all pages, and what was there when they began to.
CREATE EXTENSION segments;
CREATE SEQUENCE newcomer START 1000000;
CREATE TABLE person (id int PRIMARY KEY DEFAULT nextval('newcomer'), country text, properties jsonb) WITH (fillfactor = 90, autovacuum_enabled = off);
INSERT INTO person SELECT n, 'DE', jsonb_build_object('n', n, 'text', repeat('x', n % 300)) FROM generate_series(1, 20000) n;
CREATE UNLOGGED TABLE passing (id int PRIMARY KEY, properties jsonb);
INSERT INTO passing SELECT n, '{}' FROM generate_series(1, 2000) n;
CREATE INDEX person_columns ON person USING segments (country, properties);
CREATE INDEX passing_columns ON passing USING segments (properties);
SELECT attach_audience('people', 'person', properties_column => 'properties');
SELECT create_property('plan', 'string', 'people'), create_property('n', 'number', 'people'), create_property('back', 'boolean', 'people');

-- The conditions of which the index counts others than a query does. Ask in a REPEATABLE READ transaction: its snapshot is that of both.
CREATE FUNCTION differences() RETURNS TABLE (conditions jsonb, by_query bigint, by_index bigint) LANGUAGE plpgsql AS $$
BEGIN
    FOREACH conditions IN ARRAY ARRAY['{}', '{"country": "DE"}', '{"country": "US", "plan": "pro"}', '{"n": {"$gte": 10000}}', '{"back": true}',
                                       '{"plan": null}']::jsonb[] LOOP
        SET LOCAL segments.use_columns = off;
        by_query := count_contacts(conditions, 'people');
        SET LOCAL segments.use_columns = on;
        by_index := count_contacts(conditions, 'people');
        IF by_query <> by_index THEN
            RETURN NEXT;
        END IF;
    END LOOP;
END
$$;
