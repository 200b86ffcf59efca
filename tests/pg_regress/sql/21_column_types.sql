-- It takes citext and ICU; a Postgres may lack them.
SELECT count(*) < 2 AS lacks_some FROM (SELECT FROM pg_available_extensions WHERE name = 'citext' UNION ALL SELECT FROM pg_collation
    WHERE collname = 'und-x-icu') has
\gset
\if :lacks_some
\quit
\endif
-- What types of columns mean to conditions, the same whoever counts.
\pset tuples_only on
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS citext;

-- Puts each condition to an audience by every path, and shows who matches; the paths that say otherwise are shown as
-- well.
CREATE FUNCTION who(audience text, VARIADIC conditions text[]) RETURNS SETOF text
    LANGUAGE plpgsql AS $$
DECLARE
    condition text;
    made segments.segment;
    expected text;
    members text[];
    contacts text[];
    path text;
    said text;
BEGIN
    PERFORM set_freshness(audience, 'periodic');
    FOREACH condition IN ARRAY conditions LOOP
        PERFORM create_segment(condition, condition::segment_condition, audience => audience);
    END LOOP;
    FOREACH condition IN ARRAY conditions LOOP
        SELECT * INTO made FROM segments.segment s WHERE s.name = condition AND s.audience = who.audience;
        SELECT array_agg(m ORDER BY m) INTO members FROM segment_members(made.id) m;
        expected := COALESCE(array_length(members, 1), 0)::text;
        EXECUTE format('SELECT array_agg(id::text ORDER BY id::text) FROM %I', audience) INTO contacts;
        RETURN NEXT condition || ': ' || COALESCE(array_to_string(members, ' '), '');
        FOR path, said IN
            SELECT 'count', count_contacts(condition, audience)::text
            UNION ALL SELECT 'creation', made.contact_count::text
            UNION ALL SELECT 'refresh', (SELECT r.contact_count::text FROM refresh_segments(audience) r WHERE r.segment = made.id)
            UNION ALL SELECT 'one', (SELECT count(*) FILTER (WHERE in_segment(c, made.id))::text FROM unnest(contacts) c)
            UNION ALL SELECT 'which', (SELECT count(*)::text FROM unnest(contacts) c, contact_segments(c, audience) s WHERE s.id = made.id)
            UNION ALL SELECT 'why', (SELECT count(*) FILTER (WHERE e.matches)::text FROM unnest(contacts) c, explain_match(c, made.id) e WHERE e.path = '')
        LOOP
            IF said IS DISTINCT FROM expected THEN
                RETURN NEXT '    ' || path || ' says ' || COALESCE(said, 'nothing');
            END IF;
        END LOOP;
    END LOOP;
    -- Live counts follow from nothing, row by row.
    EXECUTE format('CREATE TEMP TABLE rows AS SELECT * FROM %I; DELETE FROM %1$I', audience);
    PERFORM set_freshness(audience, 'live');
    EXECUTE format('INSERT INTO %I SELECT * FROM rows', audience);
    DROP TABLE rows;
    FOREACH condition IN ARRAY conditions LOOP
        SELECT * INTO made FROM segments.segment s WHERE s.name = condition AND s.audience = who.audience;
        SELECT count(*)::text INTO expected FROM segment_members(made.id);
        IF made.contact_count::text IS DISTINCT FROM expected THEN
            RETURN NEXT format('    %s: live says %s', condition, made.contact_count);
        END IF;
        PERFORM delete_segment(made.id);
    END LOOP;
END $$;

-- An array is the list of its elements: of several dimensions in the order in which they are written, and wherever
-- counting starts.
CREATE TABLE shapes (id integer PRIMARY KEY, tags text[], numbers integer[], days date[]);
INSERT INTO shapes VALUES
    (1, '{a,b}', '{1,2}', '{2024-01-01}'),
    (2, '{{a,b}}', '{{1},{2}}', '{{2024-01-01}}'),
    (3, '[0:1]={a,b}', '[5:6]={1,2}', '[-1:-1]={2024-01-01}'),
    (4, '{{b,a},{NULL,c}}', '{{2,1},{3,4}}', NULL),
    (5, '{}', '{}', '{}'),
    (6, NULL, NULL, NULL),
    (7, '{NULL,a}', '{NULL}', '{NULL,2024-01-02}');
SELECT attach_audience('shapes', 'shapes') IS NULL;
SELECT who('shapes', '{"tags": "a"}', '{"tags": ["a", "b"]}', '{"tags": ["b", "a", null, "c"]}', '{"tags": []}',
    '{"tags": {"$ne": ["a", "b"]}}', '{"tags": {"$in": [["a", "b"], "c"]}}', '{"tags": {"$size": 2}}',
    '{"tags": {"$size": 4}}', '{"tags": {"$regex": "^c"}}', '{"tags": {"$not": {"$regex": "^c"}}}',
    '{"tags": {"$elemMatch": {"$regex": "^A", "$options": "i"}}}', '{"tags.0": "a"}', '{"tags.1": "a"}',
    '{"tags.3": "c"}', '{"tags.0": {"$ne": "a"}}', '{"tags.0": null}', '{"tags.0": {"$exists": true}}',
    '{"tags.0": {"$exists": false}}', '{"tags.0": {"$type": "null"}}', '{"tags.0": {"$type": "string"}}',
    '{"tags.0": {"$regex": "^[ab]$"}}', '{"tags.0": {"$not": {"$regex": "^a$"}}}', '{"tags.0": {"$gte": "b"}}',
    '{"tags.99999999999": "a"}', '{"tags.99999999999": null}', '{"numbers": [1, 2]}', '{"numbers.0": {"$gt": 1}}',
    '{"numbers.1": {"$in": [2, null]}}', '{"numbers": {"$type": "array"}}', '{"days": ["2024-01-01"]}',
    '{"days.0": "2024-01-01"}', '{"days.1": {"$gt": "2024-01-01"}}');

-- An element, reached by its index, compares as its type does.
CREATE TYPE mood AS ENUM ('sad', 'ok');
CREATE TABLE elements (id integer PRIMARY KEY, tags citext[], codes char(4)[], floats double precision[], moods mood[],
                       ids uuid[], amounts numeric[]);
INSERT INTO elements VALUES
    (1, '{aB,x}', '{ab,c}', '{0.1,Infinity}', '{ok,sad}', '{a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11}', '{NaN}'),
    (2, '{AB}', '{"ab  "}', '{-Infinity}', '{sad}', '{A0EEBC99-9C0B-4EF8-BB6D-6BB9BD380A12}', '{-Infinity}'),
    (3, '{c}', '{abc}', '{NaN}', '{NULL}', '{}', '{1.50}');
SELECT attach_audience('elements', 'elements') IS NULL;
SELECT who('elements', '{"tags.0": "Ab"}', '{"tags.0": {"$ne": "ab"}}', '{"tags.0": {"$in": ["C", "D"]}}',
    '{"tags.0": {"$startsWith": "a"}}', '{"tags.0": {"$regex": "^ab$"}}', '{"tags.0": {"$lt": "B"}}',
    '{"codes.0": "ab "}', '{"codes.0": {"$regex": "^ab$"}}', '{"codes.0": {"$lte": "ab "}}',
    '{"floats.0": 0.1}', '{"floats.0": {"$lt": 0}}', '{"floats.1": {"$gt": 0}}', '{"floats.0": {"$type": "number"}}',
    '{"moods.0": "ok"}', '{"moods.0": {"$regex": "^s"}}', '{"moods.0": {"$gt": "p"}}',
    '{"ids.0": "A0EEBC99-9C0B-4EF8-BB6D-6BB9BD380A11"}', '{"amounts.0": {"$lt": 1}}', '{"amounts.0": 1.5}');
SET extra_float_digits = 0;
SELECT count_contacts('{"floats.0": 0.1}', 'elements');
RESET extra_float_digits;

-- The case of citext counts nowhere.
CREATE TABLE mails (id integer PRIMARY KEY, mail citext, also citext[]);
INSERT INTO mails VALUES (1, 'Ada@Example.com', '{Ada@x.org}'), (2, 'BOB@example.com', '{NULL,BOB}'),
    (3, 'ÉVA_%@example.com', '{Éva}'), (4, NULL, NULL), (5, 'bob.example', '{}');
SELECT attach_audience('mails', 'mails') IS NULL;
SELECT who('mails', '{"mail": "ada@EXAMPLE.com"}', '{"mail": {"$ne": "bob@EXAMPLE.COM"}}',
    '{"mail": {"$nin": ["ADA@example.com", "bob@example.com"]}}', '{"mail": {"$startsWith": "b"}}',
    '{"mail": {"$startsWith": "éva_"}}', '{"mail": {"$contains": "_%@EX"}}', '{"mail": {"$endsWith": "EXAMPLE.COM"}}',
    '{"mail": {"$not": {"$endsWith": "COM"}}}', '{"mail": {"$startsWith": "B", "$options": "i"}}',
    '{"mail": {"$regex": "^B.B"}}', '{"mail": {"$not": {"$regex": "^b"}}}', '{"mail": {"$regex": "^É"}}',
    '{"mail": {"$gte": "B", "$lt": "C"}}', '{"mail": {"$gt": "BOB.EXAMPLE"}}', '{"also": {"$regex": "^a"}}',
    '{"also": {"$elemMatch": {"$startsWith": "B"}}}', '{"also": {"$elemMatch": {"$regex": "^b", "$ne": "ada"}}}',
    '{"also": {"$not": {"$regex": "^É"}}}', '{"mail": {"$in": [{"$regularExpression": {"pattern": "^b"}}, "ADA@example.com", null]}}',
    '{"also": {"$all": [{"$regularExpression": {"pattern": "^b"}}]}}', '{"also": {"$nin": [{"$regularExpression": {"pattern": "^a"}}, "BOB"]}}');
SELECT conditions_sql('{"mail": {"$startsWith": "Ada"}}', 'mails');
-- A pattern can be too large where case does not count.
SELECT count_contacts('{"mail": {"$regex": "[a-z]{8000}"}}', 'mails');

-- An address is the string that it prints as.
CREATE TABLE hosts (id integer PRIMARY KEY, ip inet, ips inet[]);
INSERT INTO hosts VALUES (1, '10.0.0.1', '{10.0.0.1,::1}'), (2, '10.0.0.0/8', '{10.0.0.0/8}'),
    (3, '2001:DB8:0:0::1', '{::ffff:1.2.3.4}'), (4, '::1.2.3.4', '{}'), (5, NULL, NULL), (6, '9.1.1.1', '{NULL}');
SELECT attach_audience('hosts', 'hosts') IS NULL;
SELECT who('hosts', '{"ip": "10.0.0.1"}', '{"ip": "10.0.0.1/32"}', '{"ip": "10.0.0.0/8"}', '{"ip": "2001:db8::1"}',
    '{"ip": "2001:DB8::1"}', '{"ip": "::1.2.3.4"}', '{"ip": {"$ne": "10.0.0.1"}}', '{"ip": "no address"}',
    '{"ip": {"$in": ["9.1.1.1", "::1.2.3.4", null]}}', '{"ip": {"$startsWith": "10."}}', '{"ip": {"$regex": "^1.*1$"}}',
    '{"ip": {"$gt": "2"}}', '{"ip": {"$empty": true}}', '{"ip": {"$type": "string"}}', '{"ips": "::1"}',
    '{"ips": {"$in": ["::ffff:1.2.3.4", "10.0.0.0/8"]}}', '{"ips": ["10.0.0.1", "::1"]}', '{"ips.0": "10.0.0.1"}',
    '{"ips": {"$regex": "ffff"}}');
SELECT conditions_sql('{"ip": "10.0.0.1"}', 'hosts'), conditions_sql('{"ip": {"$startsWith": "10."}}', 'hosts');

-- What JSON has nothing like is refused by name, and so is a property of that name.
CREATE TABLE others (id integer PRIMARY KEY, every interval, opens time, price money, slots int4range, profile jsonb);
SELECT attach_audience('others', 'others', properties_column => 'profile') IS NULL;
\set VERBOSITY default
SELECT count_contacts('{"every": "1 day"}', 'others');
SELECT count_contacts('{"opens": {"$gt": "08:00"}}', 'others');
SELECT count_contacts('{"price": {"$gt": 5}}', 'others');
SELECT count_contacts('{"slots.0": 5}', 'others');
SELECT create_property('price', 'number', 'others');
SELECT create_property('rate', 'number', 'others') IS NULL;
ALTER TABLE others ADD COLUMN rate money;
SELECT count_contacts('{"rate": 5}', 'others');

-- Zones are those of the IANA database, or offsets as ISO 8601 has them.
CREATE TABLE seen (id integer PRIMARY KEY, at timestamptz);
INSERT INTO seen VALUES (1, '2024-01-01 22:30Z'), (2, '2024-01-02 05:00Z');
SELECT attach_audience('seen', 'seen') IS NULL;
SELECT zone, (create_segment(zone, '{"at": {"$gte": "2024-01-02"}}', audience => 'seen', time_zone => zone)).contact_count
  FROM unnest(ARRAY['UTC', 'Z', '+02:00', '-05:30', '+01:00', 'Europe/Berlin', 'europe/berlin', 'Etc/GMT-2', 'EST5EDT']) zone;
SELECT (SELECT array_agg(id) FROM seen WHERE in_segment(id::text, s.id)) FROM segments.segment s WHERE s.name = '+02:00';
CREATE FUNCTION refused(zone text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    hint text;
BEGIN
    PERFORM create_segment('refused', '{"at": {"$gte": "2024-01-02"}}', audience => 'seen', time_zone => zone);
    RETURN zone || ' is accepted';
EXCEPTION WHEN invalid_parameter_value THEN
    GET STACKED DIAGNOSTICS hint = PG_EXCEPTION_HINT;
    RETURN SQLERRM || '. ' || hint;
END $$;
SELECT refused(zone)
  FROM unnest(ARRAY['UTC+2', 'UTC-2', 'CET-1', 'EST5', '<+02>-2', '+2', '+02', '+02:60', '+16:00', 'z', 'Mars/Base1', '']) zone;

DROP FUNCTION who, refused;
SELECT detach_audience(name, cascade => true) IS NULL FROM unnest(ARRAY['shapes', 'elements', 'mails', 'hosts', 'others', 'seen']) name;
DROP TABLE shapes, elements, mails, hosts, others, seen;
DROP TYPE mood;
