-- The audience and its relations, which data.py describes, and answers(): what each way of asking says of each condition.
-- :id is the type of the contacts' ids, :contact and :other those of the columns that hold one.
SET client_min_messages = warning;
CREATE EXTENSION segments;
CREATE TYPE order_state AS ENUM ('paid', 'open', 'refunded', 'lost');
CREATE TABLE people (dropped int, id :id PRIMARY KEY, tenant int, country text, score numeric, joined date, active bool, props jsonb);
ALTER TABLE people DROP COLUMN dropped;
CREATE TABLE orders (number int PRIMARY KEY, person :contact, total numeric, weight float8, small smallint, state order_state, note text,
                     code varchar, paid bool, day date, placed_at timestamptz, local_at timestamp, ref uuid, data jsonb, tags text[], counts int[],
                     props jsonb);
CREATE INDEX ON orders (person, placed_at);
CREATE INDEX ON orders (state, total);
CREATE TABLE events (dropped text, person :other, name text, at timestamp, value float4, props jsonb);
ALTER TABLE events DROP COLUMN dropped;
CREATE INDEX ON events (person);
CREATE INDEX ON events (at);
CREATE TABLE visits (page text, nth int, visitor text, at date, length bigint, PRIMARY KEY (page, nth)) PARTITION BY HASH (page);
CREATE TABLE visits_0 PARTITION OF visits FOR VALUES WITH (MODULUS 2, REMAINDER 0);
CREATE TABLE visits_1 PARTITION OF visits FOR VALUES WITH (MODULUS 2, REMAINDER 1);
CREATE INDEX ON visits (visitor);
CREATE TABLE tickets (ticket uuid PRIMARY KEY, person :contact, deleted bool, title text, opened_at timestamptz, severity int, data jsonb);
CREATE INDEX ON tickets (person);
CREATE TABLE mail (person text, "sent.at" timestamptz, "$size" int, subject text, props jsonb);
CREATE INDEX ON mail (person);
CREATE VIEW mails AS TABLE mail;

SELECT attach_audience('people', 'people', 'id', properties_column => 'props', scope => '{"tenant": 1}') \g /dev/null
SELECT attach_relation('orders', 'orders', 'person', 'people', properties_column => 'props', time_column => 'placed_at'),
       attach_relation('events', 'events', 'person', 'people', properties_column => 'props', time_column => 'at'),
       attach_relation('visits', 'visits', 'visitor', 'people', time_column => 'at'),
       attach_relation('tickets', 'tickets', 'person', 'people', scope => '{"deleted": false}'),
       attach_relation('mails', 'mails', 'person', 'people', properties_column => 'props', time_column => 'sent.at') \g /dev/null

-- The same contacts as documents, with their rows in them. There the properties are declared.
CREATE TABLE documents (id text PRIMARY KEY, document jsonb);
SELECT attach_audience('documents', 'documents', 'id', properties_column => 'document') \g /dev/null

-- `condition` is for people, `embedded` the same for documents, `checked` its checked form. `zone` is that of its dates.
CREATE TABLE asked (number int PRIMARY KEY, condition text, embedded text, checked text, zone text);

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
    SELECT answer(format('SELECT coalesce(jsonb_agg(id::text), ''[]'') FROM (%s) q(id)', query))
$$;

CREATE FUNCTION searched(condition text, audience text, zone text) RETURNS text LANGUAGE sql AS $$
    SELECT format('SELECT c ->> ''id'' FROM search_contacts(%L, %L, 1000, time_zone => %L) c', condition, audience, zone)
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

-- Whether the contact is one of the few to whom conditions are put in slow ways; whether others satisfy them is found by a scan.
CREATE FUNCTION is_tried(id anyelement) RETURNS bool LANGUAGE sql AS 'SELECT hashtext(id::text) % 10 = 0';

-- Each condition of `asked`, put in each way to all contacts. Ways that differ little take turns, and slow ones are rare.
-- The refresh has so much `memory` to work in.
CREATE FUNCTION answers(memory text) RETURNS TABLE (number int, way text, answer text) LANGUAGE plpgsql AS $$
DECLARE
    a record;
    others text;
    id_type CONSTANT text := (SELECT format_type(atttypid, atttypmod) FROM pg_attribute WHERE attrelid = 'people'::regclass AND attname = 'id');
BEGIN
    TRUNCATE found;
    -- The newest first, since later ones may name earlier ones
    PERFORM delete_segment(s.id) FROM (SELECT s.id FROM segments.segment s ORDER BY s.name::int DESC) s;
    INSERT INTO found SELECT q.number, 'refused', created(q.number, q.condition, q.zone) FROM (SELECT * FROM asked ORDER BY asked.number) q;
    DELETE FROM found WHERE found.answer IS NULL;
    INSERT INTO found SELECT s.name::int, 'create_segment', s.contact_count FROM segments.segment s;
    FOR a IN SELECT asked.*, s.id AS segment, conditions_sql(asked.condition::segment_condition, 'people', asked.zone) AS sql
               FROM asked JOIN segments.segment s ON s.name = asked.number::text LOOP
        INSERT INTO found VALUES
            (a.number, 'scan', ids(format('SELECT id FROM people WHERE %s', a.sql))),
            (a.number, 'search_contacts', ids(searched(a.condition, 'people', a.zone))),
            (a.number, 'segment_members', ids(format('SELECT segment_members(%L::uuid, NULL::%s)', a.segment, id_type))),
            (a.number, 'in_segment', ids(format('SELECT id FROM people WHERE in_segment(id, %L::uuid)', a.segment)));
        INSERT INTO found SELECT a.number, w.way, ids(format(w.query, a.segment)) FROM (VALUES
            (0, 'in_segment of one', format('SELECT id FROM people WHERE in_segment(id::text::%s, %%L::uuid)', id_type)),
            (1, 'NOT in_segment', 'SELECT id FROM people WHERE tenant = 1 EXCEPT ALL SELECT id FROM people WHERE tenant = 1 AND NOT in_segment(id, %L::uuid)'),
            (2, 'in_segment under OR', 'SELECT id FROM people WHERE in_segment(id, %L::uuid) OR id IS NULL'),
            (3, 'in_segment as a value', 'SELECT id FROM (SELECT id, in_segment(id, %L::uuid) AS is_member FROM people) p WHERE is_member'),
            (4, 'in_segment in a join', 'SELECT p.id FROM people p LEFT JOIN LATERAL (SELECT FROM visits v WHERE v.visitor = p.id::text LIMIT 1) v ON true
                                          WHERE in_segment(p.id, %L::uuid)')
            ) AS w(turn, way, query) WHERE w.turn = a.number % 5;
        -- The cheapest of several queries counts; without nested loops, another one than with them.
        PERFORM set_config('enable_nestloop', CASE WHEN a.number % 2 = 0 THEN 'on' ELSE 'off' END, true);
        INSERT INTO found VALUES (a.number, 'count_contacts', answer(format('SELECT count_contacts(%L, ''people'', %L)', a.condition, a.zone)));
        SET LOCAL enable_nestloop = on;
        IF a.embedded IS NOT NULL THEN
            INSERT INTO found VALUES (a.number, 'documents', ids(searched(a.embedded, 'documents', a.zone)));
        END IF;
        IF a.checked IS NOT NULL THEN
            INSERT INTO found VALUES (a.number, 'checked form', ids(format('SELECT id FROM documents WHERE document @~ %L', a.checked)));
        END IF;
        SET LOCAL enable_seqscan = off;
        SET LOCAL work_mem = '64kB';
        INSERT INTO found VALUES (a.number, 'indexes', ids(format('SELECT id FROM people WHERE %s', a.sql)));
        IF a.number % 10 = 7 THEN
            others := format('SELECT id FROM people WHERE NOT is_tried(id) AND %s', a.sql);
            INSERT INTO found VALUES
                (a.number, 'one by one', ids(format('SELECT p.id FROM people p,
                                                            LATERAL (SELECT FROM people q WHERE q.id = p.id AND in_segment(q.id, %L::uuid) OFFSET 0) q
                                                      WHERE is_tried(p.id) UNION ALL %s', a.segment, others))),
                (a.number, 'explain_match', ids(format('SELECT p.id FROM people p, explain_match(p.id, %L::uuid) e
                                                         WHERE is_tried(p.id) AND tenant = 1 AND path = '''' AND matches UNION ALL %s',
                                                       a.segment, others)));
        END IF;
        SET LOCAL enable_seqscan = on;
        RESET work_mem;
    END LOOP;
    INSERT INTO found
    SELECT s.name::int, 'contact_segments', coalesce(jsonb_agg(m.id::text) FILTER (WHERE m.id IS NOT NULL), '[]')
      FROM segments.segment s LEFT JOIN (SELECT p.id, c.name FROM people p, contact_segments(p.id, 'people') c) m ON m.name = s.name
     WHERE s.audience = 'people' GROUP BY s.name;
    PERFORM set_config('work_mem', memory, true);
    INSERT INTO found
    SELECT s.name::int, 'refresh_segments', coalesce(r.error, r.contact_count::text)
      FROM refresh_segments('people') r JOIN segments.segment s ON s.id = r.segment;
    RETURN QUERY TABLE found;
END
$$;

-- Live counts: the members of each live segment, and the newest entry or exit, when they were last looked at.
CREATE TABLE known (segment uuid PRIMARY KEY, members text[]);
CREATE TABLE reached (position text);
CREATE TABLE told (nth bigint, segment uuid, contact text, change text);

CREATE FUNCTION members(segment uuid) RETURNS text[] LANGUAGE plpgsql AS $$
DECLARE
    members text[];
BEGIN
    EXECUTE format('SELECT coalesce(array_agg(id::text ORDER BY id::text), ''{}'') FROM people WHERE %s', segment_sql(segment)) INTO members;
    RETURN members;
END
$$;

CREATE FUNCTION follow() RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    PERFORM set_freshness('people', 'live');
    PERFORM watch_segment(s.segment) FROM segments.segment_status s WHERE s.audience = 'people' AND s.kept = 'live';
    DELETE FROM known;
    INSERT INTO known SELECT s.segment, members(s.segment) FROM segments.segment_status s WHERE s.audience = 'people' AND s.kept = 'live';
    DELETE FROM reached;
    INSERT INTO reached SELECT segments.newest_position();
END
$$;

-- What is wrong with the count of each live segment, or with its entries and exits since; NULL where nothing is.
CREATE FUNCTION followed() RETURNS TABLE (name text, error text) LANGUAGE plpgsql AS $$
DECLARE
    s record;
    c record;
    present text[];
BEGIN
    -- Readers do not see a change while a transaction is under way that was writing when it was made, such as that of an autovacuum.
    WHILE EXISTS (SELECT FROM segments.change_record r WHERE r.horizon > pg_snapshot_xmin(pg_current_snapshot())) LOOP
        PERFORM pg_sleep(0.01);
    END LOOP;
    TRUNCATE told;
    INSERT INTO told SELECT t.nth, t.segment, t.contact_id, t.change FROM reached, segment_changes(reached.position, NULL) WITH ORDINALITY
        AS t(position, segment, contact_id, change, changed_at, nth);
    UPDATE reached SET position = segments.newest_position();
    FOR s IN SELECT k.segment, k.members, g.name, g.contact_count FROM known k JOIN segments.segment g ON g.id = k.segment LOOP
        present := members(s.segment);
        UPDATE known SET members = present WHERE segment = s.segment;
        name := s.name;
        error := CASE WHEN s.contact_count IS DISTINCT FROM cardinality(present) THEN format('counts %s of %s', s.contact_count, present) END;
        FOR c IN SELECT t.contact, t.change FROM told t WHERE t.segment = s.segment ORDER BY t.nth LOOP
            IF (c.change = 'entered') = (c.contact = ANY (s.members)) THEN
                error := format('%s %s again', c.contact, c.change);
            END IF;
            s.members := CASE c.change WHEN 'entered' THEN s.members || c.contact ELSE array_remove(s.members, c.contact) END;
        END LOOP;
        IF NOT (s.members @> present AND s.members <@ present) THEN
            error := format('entries and exits lead to %s, not to %s', s.members, present);
        END IF;
        RETURN NEXT;
    END LOOP;
END
$$;
