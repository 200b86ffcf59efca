-- The audience and its relations, which data.py describes, and answers(): what each way of asking says of each condition.
SET client_min_messages = warning;
CREATE EXTENSION segments;
CREATE TYPE order_state AS ENUM ('paid', 'open', 'refunded', 'lost');
CREATE TABLE people (dropped int, id int PRIMARY KEY, tenant int, country text, score numeric, joined date, active bool, props jsonb);
ALTER TABLE people DROP COLUMN dropped;
CREATE TABLE orders (number int PRIMARY KEY, person int, total numeric, weight float8, small smallint, state order_state, note text, code varchar,
                     paid bool, day date, placed_at timestamptz, local_at timestamp, ref uuid, data jsonb, tags text[], counts int[], props jsonb);
CREATE INDEX ON orders (person, placed_at);
CREATE INDEX ON orders (state, total);
CREATE TABLE events (dropped text, person bigint, name text, at timestamp, value float4, props jsonb);
ALTER TABLE events DROP COLUMN dropped;
CREATE INDEX ON events (person);
CREATE INDEX ON events (at);
CREATE TABLE visits (page text, nth int, visitor text, at date, length bigint, PRIMARY KEY (page, nth)) PARTITION BY HASH (page);
CREATE TABLE visits_0 PARTITION OF visits FOR VALUES WITH (MODULUS 2, REMAINDER 0);
CREATE TABLE visits_1 PARTITION OF visits FOR VALUES WITH (MODULUS 2, REMAINDER 1);
CREATE INDEX ON visits (visitor);
CREATE TABLE tickets (ticket uuid PRIMARY KEY, person int, deleted bool, title text, opened_at timestamptz, severity int, data jsonb);
CREATE INDEX ON tickets (person);

SELECT attach_audience('people', 'people', 'id', properties_column => 'props', scope => '{"tenant": 1}') \g /dev/null
SELECT attach_relation('orders', 'orders', 'person', 'people', properties_column => 'props', time_column => 'placed_at'),
       attach_relation('events', 'events', 'person', 'people', properties_column => 'props', time_column => 'at'),
       attach_relation('visits', 'visits', 'visitor', 'people', time_column => 'at'),
       attach_relation('tickets', 'tickets', 'person', 'people', scope => '{"deleted": false}') \g /dev/null

-- The same contacts as documents, with their rows in them. There the properties are declared.
CREATE TABLE documents (id int PRIMARY KEY, document jsonb);
SELECT attach_audience('documents', 'documents', 'id', properties_column => 'document') \g /dev/null

-- `condition` is for people, `embedded` the same for documents. `zone` is that of its dates.
CREATE TABLE asked (number int, condition text, embedded text, zone text);

-- The contacts that each way finds, as an array, or their number, or what is wrong.
CREATE TABLE found (number int, way text, answer text);

CREATE FUNCTION answer(query text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    answer text;
BEGIN
    EXECUTE query INTO answer;
    RETURN answer;
EXCEPTION WHEN OTHERS THEN
    RETURN format('%s: %s', SQLSTATE, SQLERRM);
END
$$;

CREATE FUNCTION ids(query text) RETURNS text LANGUAGE sql AS $$
    SELECT answer(format('SELECT coalesce(array_agg(id ORDER BY id), ''{}'') FROM (%s) q(id)', query))
$$;

CREATE FUNCTION searched(condition text, audience text, zone text) RETURNS text LANGUAGE sql AS $$
    SELECT format('SELECT (c ->> ''id'')::int FROM search_contacts(%L, %L, 100, time_zone => %L) c', condition, audience, zone)
$$;

-- NULL if the condition became a segment.
CREATE FUNCTION created(number int, condition text, zone text) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
    PERFORM create_segment(number::text, condition::segment_condition, audience => 'people', time_zone => zone);
    RETURN NULL;
EXCEPTION WHEN OTHERS THEN
    RETURN format('%s: %s', SQLSTATE, SQLERRM);
END
$$;

-- Each condition of `asked`, put in each way to all contacts.
CREATE FUNCTION answers() RETURNS TABLE (number int, way text, answer text) LANGUAGE plpgsql AS $$
DECLARE
    a record;
BEGIN
    TRUNCATE found;
    PERFORM delete_segment(s.id) FROM segments.segment s;
    INSERT INTO found SELECT asked.number, 'refused', created(asked.number, asked.condition, asked.zone) FROM asked;
    DELETE FROM found WHERE found.answer IS NULL;
    INSERT INTO found SELECT s.name::int, 'create_segment', s.contact_count FROM segments.segment s;
    FOR a IN SELECT asked.*, s.id AS segment, conditions_sql(asked.condition::segment_condition, 'people', asked.zone) AS sql
               FROM asked JOIN segments.segment s ON s.name = asked.number::text LOOP
        INSERT INTO found VALUES
            (a.number, 'scan', ids(format('SELECT id FROM people WHERE %s', a.sql))),
            (a.number, 'count_contacts', answer(format('SELECT count_contacts(%L, ''people'', %L)', a.condition, a.zone))),
            (a.number, 'search_contacts', ids(searched(a.condition, 'people', a.zone))),
            (a.number, 'segment_members', ids(format('SELECT segment_members(%L::uuid, 0)', a.segment))),
            (a.number, 'in_segment', ids(format('SELECT id FROM people WHERE in_segment(id, %L::uuid)', a.segment))),
            (a.number, 'in_segment that stays', ids(format('SELECT id FROM people WHERE in_segment(id + 0, %L::uuid)', a.segment)));
        IF a.embedded IS NOT NULL THEN
            INSERT INTO found VALUES (a.number, 'documents', ids(searched(a.embedded, 'documents', a.zone)));
        END IF;
        IF a.number % 5 = 0 THEN
            INSERT INTO found VALUES
                (a.number, 'explain_match', ids(format('SELECT id FROM people, explain_match(id, %L::uuid) e
                                                         WHERE tenant = 1 AND path = '''' AND matches', a.segment)));
        END IF;
        SET LOCAL enable_seqscan = off;
        SET LOCAL work_mem = '64kB';
        INSERT INTO found VALUES
            (a.number, 'indexes', ids(format('SELECT id FROM people WHERE %s', a.sql))),
            (a.number, 'one by one', ids(format('SELECT p.id FROM people p,
                                                        LATERAL (SELECT FROM people q WHERE q.id = p.id AND in_segment(q.id, %L::uuid) OFFSET 0) q',
                                                a.segment)));
        SET LOCAL enable_seqscan = on;
        RESET work_mem;
    END LOOP;
    INSERT INTO found
    SELECT s.name::int, 'contact_segments', coalesce(array_agg(m.id ORDER BY m.id) FILTER (WHERE m.id IS NOT NULL), '{}')
      FROM segments.segment s LEFT JOIN (SELECT p.id, c.name FROM people p, contact_segments(p.id, 'people') c) m ON m.name = s.name
     WHERE s.audience = 'people' GROUP BY s.name;
    INSERT INTO found
    SELECT s.name::int, 'refresh_segments', coalesce(r.error, r.contact_count::text)
      FROM refresh_segments('people') r JOIN segments.segment s ON s.id = r.segment;
    RETURN QUERY TABLE found;
END
$$;
