-- Wherever a segment is given as text, its name will do as well as its id, if it is the only one of that name that the
-- caller may see.
\pset format unaligned
\pset tuples_only on
CREATE TABLE people (id int PRIMARY KEY, age int);
CREATE TABLE firms (id int PRIMARY KEY, age int);
INSERT INTO people SELECT n, n FROM generate_series(1, 10) n;
INSERT INTO firms SELECT n, n FROM generate_series(1, 4) n;
SELECT attach_audience('people', 'people'), attach_audience('firms', 'firms'), set_freshness('people', 'live');
SELECT contact_count FROM create_segment('Old', '{"age": {"$gt": 7}}', audience => 'people');
SELECT contact_count FROM create_segment('Both', '{"age": {"$gt": 5}}', audience => 'people');
SELECT contact_count FROM create_segment('Both', '{"age": {"$gt": 3}}', audience => 'firms');
SELECT id AS old FROM segments.segment WHERE name = 'Old' \gset

SELECT name FROM get_segment('Old');
SELECT name FROM get_segment(segment => 'Old');
SELECT count(*) FROM segment_members('Old');
SELECT sum(m) FROM segment_members('Old', NULL::int) m;
SELECT p.id FROM people p WHERE in_segment(p.id, 'Old') ORDER BY id;
SELECT in_segment('8', 'Old'), in_segment('1', 'Old');
SELECT contact ->> 'id' FROM segment_contacts('Old', 1) contact;
SELECT segment_sql('Old');
SELECT path, matches FROM explain_match(8, 'Old');
SELECT path, matches FROM explain_match('8', 'Old');
SELECT watch_segment('Old'), watch_segment('Old', false);
SELECT name, description FROM update_segment('Old', '{"description": "by name"}');
SELECT delete_segment('Old') = :'old';
-- An untyped parameter, a uuid, and what Postgres reads as one.
SELECT name, contact_count FROM create_segment('Old', '{"age": {"$gt": 7}}', audience => 'people');
SELECT id AS old FROM segments.segment WHERE name = 'Old' \gset
PREPARE members AS SELECT count(*) FROM segment_members($1);
EXECUTE members('Old');
EXECUTE members(:'old');
PREPARE by_id(uuid) AS SELECT count(*) FROM segment_members($1);
EXECUTE by_id(:'old');
SELECT name FROM get_segment(:'old'::uuid);
SELECT name FROM get_segment(upper('{' || replace(:'old', '-', '') || '}'));
-- An id comes before a name that reads as one.
SELECT name = :'old' AS named FROM create_segment(:'old', '{"age": 1}', audience => 'people');
SELECT name FROM get_segment(:'old');
SELECT name FROM create_segment('00000000-0000-0000-0000-000000000001', '{"age": 1}', audience => 'people');
SELECT contact_count FROM get_segment('00000000-0000-0000-0000-000000000001');

-- Of one audience.
SELECT audience, contact_count FROM get_segment('Both', 'firms');
SELECT audience, contact_count FROM get_segment(name => 'Both', audience => 'people');

-- None, or several.
\set VERBOSITY default
SELECT get_segment('Odl');
SELECT get_segment('Quite another');
SELECT get_segment('Odl', 'people');
SELECT get_segment('Old', 'nobody');
SELECT get_segment('00000000-0000-0000-0000-000000000002');
CREATE FUNCTION pg_temp.raised(statement text, OUT state text, OUT message text, OUT detail text, OUT hint text) LANGUAGE plpgsql AS $$
BEGIN
    EXECUTE statement;
EXCEPTION WHEN OTHERS THEN
    GET STACKED DIAGNOSTICS state = RETURNED_SQLSTATE, message = MESSAGE_TEXT, detail = PG_EXCEPTION_DETAIL, hint = PG_EXCEPTION_HINT;
    detail := regexp_replace(detail, '[0-9a-f]{8}-[0-9a-f-]{27}', '…', 'g');
END
$$;
SELECT * FROM pg_temp.raised($$SELECT get_segment('Both')$$) \gx

-- Who may see one audience alone means its segments alone, and is not told of others.
CREATE ROLE regress_named;
SELECT grant_segments_access('regress_named', scope, 'firms') FROM unnest('{read:segments,read:contacts}'::text[]) scope;
SET ROLE regress_named;
SELECT audience, contact_count FROM get_segment('Both');
SELECT count(*) FROM segment_members('Both');
SELECT get_segment('Old');
SELECT get_segment('Old', 'people');
RESET ROLE;
SELECT revoke_segments_access('regress_named', 'read:segments'), revoke_segments_access('regress_named', 'read:contacts');
DROP ROLE regress_named;
SELECT detach_audience('people', true), detach_audience('firms', true);
DROP TABLE people, firms;
