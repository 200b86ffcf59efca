-- Column indexes of tables in parts: every part is counted by its own index, whatever the order of its columns.
\pset format unaligned
\pset tuples_only on
\pset null NULL

CREATE TABLE member (id int NOT NULL, country text, age int, tags text[], properties jsonb) PARTITION BY RANGE (id);
CREATE TABLE member_1 PARTITION OF member FOR VALUES FROM (0) TO (400);
CREATE TABLE member_2 (properties jsonb, gone int, tags text[], id int NOT NULL, age int, country text);
ALTER TABLE member_2 DROP COLUMN gone;
ALTER TABLE member ATTACH PARTITION member_2 FOR VALUES FROM (400) TO (800);
CREATE TABLE member_3 PARTITION OF member FOR VALUES FROM (800) TO (2000) PARTITION BY LIST (country);
CREATE TABLE member_3_us PARTITION OF member_3 FOR VALUES IN ('US');
CREATE TABLE member_3_others PARTITION OF member_3 DEFAULT;
INSERT INTO member SELECT n, (ARRAY['US', 'DE', NULL])[1 + n % 3], n % 90, ARRAY['t' || n % 5], jsonb_build_object('plan', (ARRAY['free', 'pro'])[1 + n % 2])
  FROM generate_series(1, 1500) n;
SELECT attach_audience('members', 'member', id_column => 'id', properties_column => 'properties');
SELECT create_property('plan', 'string', 'members');
CREATE TABLE asked (conditions segment_condition);
INSERT INTO asked VALUES ('{}'), ('{"country": "US", "plan": "pro"}'), ('{"age": {"$gte": 30}, "tags": "t3"}'), ('{"country": null}'), ('{"id": {"$lt": 500}}');
CREATE FUNCTION wrong() RETURNS TABLE (conditions segment_condition, by_query bigint, by_index bigint) LANGUAGE plpgsql AS $$
BEGIN
    FOR conditions IN SELECT a.conditions FROM asked a LOOP
        SET LOCAL segments.use_columns = off;
        by_query := count_contacts(conditions, 'members');
        SET LOCAL segments.use_columns = on;
        by_index := count_contacts(conditions, 'members');
        IF by_query <> by_index THEN
            RETURN NEXT;
        END IF;
    END LOOP;
END
$$;

-- Each part needs an index.
VACUUM member;
CREATE INDEX member_1_columns ON member_1 USING segments (properties, country, age, tags, id);
SET segments.use_columns = on;
SELECT way, note FROM explain_count('{}', 'members');
DROP INDEX member_1_columns;
CREATE INDEX member_columns ON member USING segments (properties, country, age, tags, id);
SELECT index, image_pages = pages AS all FROM segments.index_status ORDER BY 1;
SELECT way, heap_pages, note FROM explain_count('{}', 'members');
SELECT * FROM wrong();
SELECT * FROM segments_check_index('member_columns');

-- Rows come, change, move to other parts, and go.
UPDATE member SET id = id + 300 WHERE id BETWEEN 350 AND 390;
UPDATE member SET country = 'US' WHERE id % 50 = 0;
DELETE FROM member WHERE id % 70 = 0;
SELECT * FROM wrong();
VACUUM (INDEX_CLEANUP on) member;
SELECT segments_fold('member_columns') > 0;
SELECT sum(pages) = sum(image_pages) FROM segments.index_status;
SELECT heap_pages FROM explain_count('{}', 'members');
SELECT * FROM wrong();
SELECT * FROM segments_check_index('member_columns');

-- Parts come and go.
ALTER TABLE member DETACH PARTITION member_2;
SELECT * FROM wrong();
CREATE TABLE member_4 PARTITION OF member FOR VALUES FROM (400) TO (800);
INSERT INTO member SELECT 400 + n, 'FR', 1 FROM generate_series(1, 10) n;
SELECT * FROM wrong();
SELECT way FROM explain_count('{}', 'members');
SELECT detach_audience('members', true);
DROP TABLE member, member_2;
DROP TABLE asked;

-- Tables that inherit have indexes of their own.
CREATE TABLE root (id int PRIMARY KEY, country text);
CREATE TABLE heir (extra int) INHERITS (root);
INSERT INTO root SELECT n, 'US' FROM generate_series(1, 300) n;
INSERT INTO heir SELECT 1000 + n, 'DE', n FROM generate_series(1, 300) n;
SELECT attach_audience('members', 'root');
CREATE INDEX root_columns ON root USING segments (country);
SELECT way, note FROM explain_count('{"country": "DE"}', 'members');
CREATE INDEX heir_columns ON heir USING segments (country);
SELECT way FROM explain_count('{"country": "DE"}', 'members');
CREATE TABLE asked AS SELECT c::segment_condition AS conditions FROM unnest(ARRAY['{"country": "DE"}', '{"country": {"$ne": "US"}}', '{}']) c;
SELECT * FROM wrong();
RESET segments.use_columns;
SELECT detach_audience('members', true);
DROP FUNCTION wrong;
DROP TABLE asked;
DROP TABLE root CASCADE;
