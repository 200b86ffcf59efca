-- Pages of contacts, backwards: the page just before a cursor, still newest first.
\pset format unaligned
\pset tuples_only on
\set VERBOSITY default
CREATE TABLE walkers (no bigint PRIMARY KEY, joined date, made timestamptz NOT NULL DEFAULT '2024-01-01', extra jsonb);
INSERT INTO walkers SELECT n, CASE WHEN n % 4 <> 0 THEN date '2024-01-01' + n::int / 3 END, '2024-01-01'::timestamptz + n / 2 * interval '1 day',
    jsonb_build_object('score', n % 5) FROM generate_series(1, 13) n;
SELECT attach_audience('walkers', 'walkers', properties_column => 'extra', created_column => 'joined');
SELECT create_property('score', 'number', 'walkers');
SELECT attach_audience('made', 'walkers', properties_column => 'extra', created_column => 'made');
SELECT attach_audience('numbered', 'walkers', properties_column => 'extra');
SELECT create_property('score', 'number', audience) FROM unnest('{made,numbered}'::text[]) audience;

-- Whatever the page's size, and wherever it begins: what comes before it is what a list of everybody says. The cursor's contact need not
-- be there any more.
CREATE FUNCTION wrong_pages(condition text, audience text) RETURNS TABLE (size int, cursor_of text, page text[], expected text[]) LANGUAGE sql AS $$
    WITH everybody AS MATERIALIZED (SELECT c ->> 'id' AS id, c ->> 'cursor' AS cursor, row_number() OVER () AS place FROM search_contacts($1, $2, 100) c),
         any_cursor AS MATERIALIZED (SELECT c ->> 'id' AS id, c ->> 'cursor' AS cursor, row_number() OVER () AS place FROM search_contacts('{}', $2, 100) c)
    SELECT * FROM (
        SELECT s.size, a.id,
               ARRAY(SELECT c ->> 'id' FROM search_contacts($1, $2, s.size, before => a.cursor) c) AS page,
               ARRAY(SELECT id FROM (SELECT e.id, o.place FROM everybody e JOIN any_cursor o USING (id) WHERE o.place < a.place
                   ORDER BY o.place DESC LIMIT s.size) nearest ORDER BY place) AS expected
          FROM any_cursor a, unnest('{1,4}'::int[]) s(size)) pages
     WHERE page IS DISTINCT FROM expected
$$;
SELECT audience, condition, (SELECT count(*) FROM wrong_pages(condition, audience)) AS wrong
  FROM (VALUES ('walkers', '{}'), ('walkers', '{"score": {"$ne": 2}}'), ('made', '{}'), ('numbered', '{"score": {"$lt": 4}}')) v(audience, condition);
SELECT c ->> 'id' AS id, c ->> 'cursor' AS cursor FROM search_contacts('{}', 'walkers', 1, after => (SELECT c ->> 'cursor'
    FROM search_contacts('{"no": 12}', 'walkers') c)) c \gset
SELECT :'id' AS id;
SELECT c ->> 'id' AS id, c ->> 'joined' AS joined FROM search_contacts('{}', 'walkers', 3, before => :'cursor') c;
DELETE FROM walkers WHERE no = :id;
SELECT c ->> 'id' AS id, c ->> 'joined' AS joined FROM search_contacts('{}', 'walkers', 3, before => :'cursor') c;

-- So do the members of a segment, by id and by name.
SELECT id AS four FROM create_segment('Four', '{"score": {"$in": [3, 4]}}', audience => 'walkers') \gset
SELECT c ->> 'id' AS id FROM segment_contacts(:'four', 1) c;
SELECT c ->> 'cursor' AS cursor FROM segment_contacts(:'four', 2) c OFFSET 1 \gset
SELECT c ->> 'id' AS id FROM segment_contacts(:'four'::uuid, 2, before => :'cursor') c;
SELECT c ->> 'id' AS id FROM segment_contacts('Four', 2, before => :'cursor') c;

-- Either way, not both; and a cursor is one.
SELECT search_contacts('{}', 'walkers', after => :'cursor', before => :'cursor');
SELECT segment_contacts('Four', after => :'cursor', before => :'cursor');
SELECT search_contacts('{}', 'walkers', before => 'nonsense');

-- An index on the dates and ids is read forwards, no further than the page.
INSERT INTO walkers SELECT n, NULL, '2025-01-01'::timestamptz + n * interval '1 hour' FROM generate_series(1000, 4000) n;
CREATE INDEX walkers_made ON walkers (made, no);
VACUUM ANALYZE walkers;
CREATE FUNCTION read_for(page text) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
    before bigint := pg_stat_get_xact_tuples_returned('walkers_made'::regclass);
BEGIN
    EXECUTE page;
    RETURN pg_stat_get_xact_tuples_returned('walkers_made'::regclass) - before;
END
$$;
SELECT c ->> 'cursor' AS cursor FROM search_contacts('{"no": 2000}', 'made') c \gset
SELECT way, read_for(format('SELECT search_contacts(%L, %L, 10, %s => %L)', '{}', 'made', way, :'cursor')) AS rows_read
    FROM unnest('{after,before}'::text[]) way;

SELECT detach_audience(audience, true) FROM unnest('{walkers,made,numbered}'::text[]) audience;
DROP FUNCTION wrong_pages, read_for;
DROP TABLE walkers;
