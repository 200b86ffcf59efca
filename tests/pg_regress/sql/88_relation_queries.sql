-- in_segment() of segments that read relations, in users' queries: joined, exact, and with no sub-plan where it is a conjunct.
\pset tuples_only
\pset format unaligned
CREATE SCHEMA queries;
SET search_path = queries, public;
CREATE TABLE person (id bigint PRIMARY KEY, country text, vip boolean);
INSERT INTO person SELECT i, (ARRAY['US', 'DE', NULL])[1 + i % 3], (ARRAY[true, false, NULL])[1 + i % 20 / 9] FROM generate_series(1, 3000) i;
CREATE TABLE purchase (id bigint PRIMARY KEY, person bigint, placed_at timestamptz, total numeric, kind text);
INSERT INTO purchase
SELECT i, nullif(i * i % 3100, 0), timestamptz '2024-05-01 00:00Z' + i % 61 * interval '7 hours', nullif(i % 40, 7) / 4.0,
       (ARRAY['web', 'shop', 'app', NULL])[1 + i % 11 % 4] FROM generate_series(1, 12000) i;
CREATE INDEX ON purchase (person);
CREATE TABLE note (id bigint PRIMARY KEY, author bigint);
INSERT INTO note SELECT i, nullif(i * 7 % 3300, 0) FROM generate_series(1, 4000) i;
VACUUM ANALYZE person, purchase, note;
SELECT attach_audience('people', 'queries.person');
SELECT attach_relation('orders', 'queries.purchase', 'person', 'people', time_column => 'placed_at');
SELECT count(create_segment(name, condition::segment_condition, audience => 'people')) FROM (VALUES
    ('some', '{"orders": {"$some": {"kind": "app", "total": {"$gt": 5}}}}'), ('none', '{"orders": {"$none": {"kind": "app"}}, "country": "US"}'),
    ('many', '{"orders": {"$filter": {"kind": "web"}, "$count": {"$gte": 3}}}'), ('few', '{"orders": {"$count": {"$lt": 3}}}'),
    ('spent', '{"orders": {"$sum": {"total": {"$gt": 20}}}, "country": {"$ne": "DE"}}'),
    ('first', '{"orders": {"$min": {"placed_at": {"$gte": "2024-05-05"}}}}'),
    ('last', '{"orders": {"$last": {"kind": "web"}}}'), ('not last', '{"orders": {"$not": {"$last": {"kind": "web"}}}}'),
    ('either', '{"$or": [{"vip": true}, {"orders": {"$count": {"$gte": 5}}}]}'), ('vip', '{"vip": true}'),
    ('both', '{"orders": {"$count": {"$gte": 2}, "$max": {"total": {"$lt": 9}}}, "$nor": [{"vip": true}]}')) v(name, condition);

-- Whom the calls find, which an expression in place of the column keeps: each contact is asked about once.
CREATE TABLE member AS SELECT s.name AS segment, p.id FROM segments.segment s, person p WHERE s.audience = 'people' AND in_segment(p.id + 0, s.name);
ALTER TABLE member ADD PRIMARY KEY (segment, id);
VACUUM ANALYZE member;
CREATE FUNCTION is_member(id bigint, segment text) RETURNS boolean STABLE LANGUAGE sql AS $$
    SELECT CASE WHEN $1 IS NOT NULL THEN EXISTS (SELECT FROM queries.member m WHERE m.id = $1 AND m.segment = $2) END
$$;
-- What each query says with them, and with the condition.
CREATE FUNCTION differ(query text) RETURNS TABLE (segment text, inlined text, called text) LANGUAGE plpgsql AS $$
BEGIN
    FOR segment IN SELECT s.name FROM segments.segment s WHERE s.audience = 'people' ORDER BY s.id LOOP
        EXECUTE replace(query, '?', format('in_segment(p.id, %L)', segment)) INTO inlined;
        EXECUTE replace(query, '?', format('is_member(p.id, %L)', segment)) INTO called;
        CONTINUE WHEN inlined IS NOT DISTINCT FROM called;
        RETURN NEXT;
    END LOOP;
END
$$;
CREATE FUNCTION sub_plans(query text) RETURNS TABLE (segment text, plans bigint) LANGUAGE plpgsql AS $$
DECLARE plan jsonb;
BEGIN
    FOR segment IN SELECT s.name FROM segments.segment s WHERE s.audience = 'people' ORDER BY s.id LOOP
        EXECUTE 'EXPLAIN (FORMAT json) ' || replace(query, '?', format('in_segment(p.id, %L)', segment)) INTO plan;
        plans := (SELECT count(*) FROM jsonb_path_query(plan, '$.**."Parent Relationship" ? (@ == "SubPlan")'))
                 + (plan::text ~ 'in_segment')::int;
        IF plans > 0 THEN
            RETURN NEXT;
        END IF;
    END LOOP;
END
$$;
CREATE TABLE asked (query text);
INSERT INTO asked VALUES
    ('SELECT array_agg(p.id ORDER BY p.id) FROM person p WHERE p.id % 9 = 1 AND ?'),
    ('SELECT array_agg(p.id ORDER BY p.id) FROM person p WHERE p.id % 9 = 1 AND NOT ?'),
    ('SELECT array_agg(p.id ORDER BY p.id) FROM person p WHERE p.id % 9 = 1 AND NOT (NOT ?)'),
    ('SELECT sum(p.id) FROM person p WHERE ? AND in_segment(p.id::text, ''many'') AND NOT in_segment(segment => ''vip'', contact_id => p.id)'),
    ('SELECT array_agg(n.id ORDER BY n.id) FROM note n JOIN person p ON p.id = n.author AND ? WHERE n.id % 5 = 0'),
    ('SELECT array_agg(n.id ORDER BY n.id) FROM note n JOIN person p ON p.id = n.author WHERE NOT ? AND n.id % 5 = 0'),
    ('SELECT array_agg(n.id ORDER BY n.id) FROM note n LEFT JOIN person p ON p.id = n.author WHERE n.id % 9 = 1 AND ?'),
    ('SELECT array_agg(n.id ORDER BY n.id) FROM note n LEFT JOIN person p ON p.id = n.author WHERE n.id % 9 = 1 AND NOT ?'),
    ('SELECT array_agg(n.id ORDER BY n.id) FROM note n WHERE EXISTS (SELECT FROM person p WHERE p.id = n.author AND ?)'),
    ('SELECT array_agg(n.id ORDER BY n.id) FROM note n WHERE n.author IN (SELECT p.id FROM person p WHERE NOT ?)'),
    ('SELECT count(*) FROM (SELECT p.id FROM person p WHERE ? AND p.id < 300 UNION ALL SELECT p.id FROM person p WHERE NOT ? AND p.id < 300) u'),
    ('WITH p AS MATERIALIZED (SELECT p.id FROM person p WHERE ?) SELECT sum(id) FROM p'),
    ('SELECT count(*) FROM person p, person q WHERE p.id = q.id + 1 AND ? AND in_segment(q.id, ''spent'')'),
    ('SELECT array_agg(p.id ORDER BY p.id) FROM person p WHERE p.id % 9 = 1 AND (? OR p.id < 500)'),
    ('SELECT array_agg(p.id ORDER BY p.id) FROM person p WHERE (? OR in_segment(p.id, ''spent'') OR p.vip) AND (NOT ? OR p.id < 900)'),
    ('SELECT array_agg(p.id ORDER BY p.id) FROM person p WHERE p.id % 9 = 1 AND NOT (? OR p.id < 500)'),
    ('SELECT array_agg(n.id ORDER BY n.id) FROM note n LEFT JOIN person p ON p.id = n.author WHERE ? OR n.id < 50'),
    ('SELECT array_agg(n.id ORDER BY n.id) FROM note n LEFT JOIN person p ON p.id = n.author WHERE NOT (? AND n.id > 50)'),
    ('SELECT array_agg(n.id ORDER BY n.id) FROM note n LEFT JOIN person p ON p.id = n.author WHERE NOT (NOT ? AND n.id > 50)'),
    ('SELECT count(*) FROM note n JOIN person p ON p.id = n.author AND (? OR n.id < 50) LEFT JOIN person q ON q.id = p.id + 1 WHERE q.id > 5'),
    ('SELECT array_agg(x ORDER BY x) FROM (SELECT p.country || count(*) AS x FROM person p WHERE ? OR p.vip GROUP BY ROLLUP (p.country)) g');
SELECT query, differ(query) FROM asked;
SELECT query, sub_plans(query) FROM asked;
SET work_mem = '64kB';
SELECT query, sub_plans(query) FROM asked;
RESET work_mem;
-- Where the call is no conjunct, and where the row at hand is meant, the answers are the same.
SELECT query, differ(query) FROM unnest(ARRAY[
    'SELECT count(*) FILTER (WHERE ?) FROM person p',
    'SELECT array_agg(n.id ORDER BY n.id) FROM note n LEFT JOIN person p ON p.id = n.author AND ? WHERE p.id IS NULL',
    'WITH p AS (UPDATE person p SET country = country WHERE ? AND p.id < 500 RETURNING id) SELECT count(*) FROM p',
    'SELECT count(*) FROM (SELECT p.id FROM person p WHERE ? AND p.id < 500 FOR UPDATE) l']) query;

-- Rights: those of the caller, checked when the plan is run; and a plan that is kept is made anew.
CREATE ROLE regress_segments_asker;
GRANT USAGE ON SCHEMA queries TO regress_segments_asker;
GRANT SELECT ON person TO regress_segments_asker;
SELECT grant_segments_access('regress_segments_asker', 'read:segments'), grant_segments_access('regress_segments_asker', 'read:contacts');
REVOKE SELECT ON purchase FROM regress_segments_asker;
SET ROLE regress_segments_asker;
SELECT count(*) FROM person p WHERE in_segment(p.id, 'many');
RESET ROLE;
GRANT SELECT ON purchase TO regress_segments_asker;
SET ROLE regress_segments_asker;
PREPARE many AS SELECT count(*) FROM person p WHERE in_segment(p.id, 'many');
PREPARE others AS SELECT count(*) FROM person p WHERE NOT in_segment(p.id, 'many');
EXECUTE many; EXECUTE others;
RESET ROLE;
SELECT name FROM update_segment('many', '{"conditions": {"orders": {"$filter": {"kind": "web"}, "$count": {"$gte": 2}}}}');
SET ROLE regress_segments_asker;
EXECUTE many; EXECUTE others;
SELECT count(*) FROM person p WHERE in_segment(p.id, 'many');
RESET ROLE;
REVOKE SELECT ON purchase FROM regress_segments_asker;
SET ROLE regress_segments_asker;
EXECUTE many;
EXECUTE others;
RESET ROLE;
GRANT SELECT ON purchase TO regress_segments_asker;
-- Policies of the relation apply, and those of the contacts' table.
ALTER TABLE purchase ENABLE ROW LEVEL SECURITY;
CREATE POLICY early ON purchase TO regress_segments_asker USING (placed_at < '2024-05-10');
SET ROLE regress_segments_asker;
EXECUTE many; EXECUTE others;
SELECT count(*) FROM person p WHERE in_segment(p.id + 0, 'many');
RESET ROLE;
ALTER TABLE person ENABLE ROW LEVEL SECURITY;
CREATE POLICY odd ON person TO regress_segments_asker USING (id % 2 = 1 AND NOT in_segment(id, 'few'));
SET ROLE regress_segments_asker;
EXECUTE many; EXECUTE others;
SELECT count(*) FROM person p WHERE in_segment(p.id + 0, 'many');
SELECT count(*) FROM person p WHERE NOT in_segment(p.id + 0, 'many');
RESET ROLE;
SELECT detach_audience('people', true);
DROP SCHEMA queries CASCADE;
DROP OWNED BY regress_segments_asker;
DROP ROLE regress_segments_asker;
