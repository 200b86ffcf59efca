-- Every function takes its arguments as any driver sends them: untyped, or as text, varchar, json, jsonb, uuid or integers.
\pset format unaligned
\pset tuples_only on

SELECT create_contacts();
INSERT INTO contacts (id, email, country, properties)
SELECT md5(i::text)::uuid, i || '@example.com', (ARRAY['US', 'DE'])[i % 2 + 1], jsonb_build_object('n', i) FROM generate_series(1, 5) i;
CREATE TABLE numbered (id bigint PRIMARY KEY, country text);
INSERT INTO numbered SELECT i, (ARRAY['US', 'DE'])[i % 2 + 1] FROM generate_series(1, 5) i;
SELECT attach_audience('numbered', 'numbered');
CREATE INDEX numbered_columns ON numbered USING segments (country);
CREATE TABLE keyed (country text PRIMARY KEY);
SELECT attach_audience('keyed', 'keyed');
SELECT attach_relation('people', 'numbered', 'country', 'keyed');
SELECT create_property('n', 'number'), (create_topic('News')).slug, set_freshness('contacts', 'live');
SELECT subscribe_contact(md5('1')::uuid, 'news');
SELECT (create_segment('Named', '{"country": "US"}')).contact_count;
CREATE TABLE driver_ids AS
SELECT (create_segment('US', '{"country": "US"}')).id::text AS segment, md5('1') AS contact,
       (create_segment('US', '{"country": "US"}', audience => 'numbered')).id::text AS numbered;

-- What a call may look like: {segment}, {contact} and so on stand for an argument; the first of its forms is a literal.
CREATE TABLE driver_arguments (argument text, types text[], value text);
INSERT INTO driver_arguments
SELECT a.argument, a.types, a.value FROM driver_ids, LATERAL (VALUES
    ('segment', ARRAY['text', 'varchar', 'uuid'], segment),
    ('segments', ARRAY['uuid[]'], format('{%s}', segment)),
    ('name', ARRAY['text', 'varchar', 'name'], 'Named'),
    ('contact', ARRAY['text', 'varchar', 'uuid'], contact),
    ('numbered', ARRAY['text', 'varchar', 'uuid'], numbered),
    ('number', ARRAY['text', 'varchar', 'int2', 'int4', 'int8', 'numeric'], '1'),
    ('conditions', ARRAY['text', 'varchar', 'json', 'jsonb', 'segment_condition'], '{"country": "US"}'),
    ('changes', ARRAY['text', 'varchar', 'json', 'jsonb'], '{"description": "changed"}'),
    ('moved', ARRAY['text', 'varchar', 'json', 'jsonb'], '{"time_zone": "Asia/Tokyo"}'),
    ('zone', ARRAY['text', 'varchar'], 'Asia/Tokyo'),
    ('document', ARRAY['jsonb'], '{"country": "US"}'),
    ('text', ARRAY['text', 'varchar', 'name'], 'contacts'),
    ('keyed', ARRAY['text', 'varchar', 'name'], 'keyed'),
    ('relation', ARRAY['text', 'varchar', 'name'], 'people'),
    ('topic', ARRAY['text', 'varchar'], 'news'),
    ('table', ARRAY['text', 'varchar', 'regclass'], 'numbered'),
    ('index', ARRAY['text', 'varchar', 'regclass'], 'numbered_columns'),
    ('column', ARRAY['text', 'varchar', 'name'], 'country'),
    ('key', ARRAY['text', 'varchar', 'name'], 'id'),
    ('properties', ARRAY['text', 'varchar', 'name'], 'properties'),
    ('time', ARRAY['text', 'varchar', 'name'], 'created_at'),
    ('columns', ARRAY['text[]', 'varchar[]', 'name[]'], '{country}'),
    ('new', ARRAY['text', 'varchar'], 'new_one'),
    ('freshness', ARRAY['text', 'varchar'], 'live'),
    ('interval', ARRAY['text', 'varchar', 'interval'], '1 hour'),
    ('property', ARRAY['text', 'varchar'], 'n'),
    ('type', ARRAY['text', 'varchar'], 'string'),
    ('role', ARRAY['text', 'varchar', 'name', 'regrole'], 'pg_monitor'),
    ('size', ARRAY['int2', 'int4'], '3')) a(argument, types, value);

CREATE TABLE driver_calls (number int GENERATED ALWAYS AS IDENTITY, call text);
INSERT INTO driver_calls (call) VALUES
    ('(get_segment({segment})).name'),
    ('(get_segment({name})).name'),
    ('(get_segment({name}, {text})).name'),
    ('in_segment({contact}, {name})'),
    ('(update_segment({segment}, {changes})).description'),
    ('(SELECT count(*) FROM list_segments({text}))'),
    ('(SELECT count(*) FROM list_segments({text}, {size}, {segment}))'),
    ('(SELECT count(*) FROM list_segments({text}, {size}, NULL, {segment}))'),
    ('(SELECT count(*) FROM list_segments(after => {segment}))'),
    ('(SELECT count(*) FROM list_segments(before => {segment}, page_size => {size}))'),
    ('(SELECT count(*) FROM list_segments(audience => {text}, after => {segment}))'),
    ('(SELECT count(*) FROM list_segments({text}, {size}, after => {segment}))'),
    ('(SELECT sum(contacts) FROM segment_overlap({segments}, {text}))'),
    ('(SELECT count(*) FROM segment_statistics({segment}, {columns}))'),
    ('segment_sql({segment})'),
    ('watch_segment({segment})'),
    ('watch_segment({segment}, false)'),
    ('(SELECT count(*) FROM segment_changes(page_size => {size}))'),
    ('(SELECT count(*) FROM segment_contacts({segment}))'),
    ('(SELECT count(*) FROM segment_contacts({segment}, {size}))'),
    ('(SELECT count(*) FROM segment_contacts(segment => {segment}, page_size => {size}))'),
    ('(SELECT count(*) FROM segment_members({segment}))'),
    ('(SELECT max(m::text) FROM segment_members({segment}, NULL::uuid) m)'),
    ('(SELECT max(m) FROM segment_members({numbered}, NULL::bigint) m)'),
    ('in_segment({contact}, {segment})'),
    ('in_segment(contact_id => {contact}, segment => {segment})'),
    ('in_segment({number}, {numbered})'),
    ('(SELECT count(*) FROM contact_segments({contact}))'),
    ('(SELECT count(*) FROM contact_segments({contact}, {text}))'),
    ('(SELECT count(*) FROM contact_segments({number}, ''numbered''))'),
    ('count_contacts({conditions})'),
    ('count_contacts({conditions}, {text})'),
    ('count_contacts({conditions}, time_zone => {zone})'),
    ('(SELECT count(*) FROM search_contacts({conditions}, ''contacts'', {size}))'),
    ('(SELECT count(*) FROM search_contacts({conditions}, time_zone => {zone}))'),
    ('conditions_sql({conditions}, {text})'),
    ('conditions_sql({conditions}, ''contacts'', {zone})'),
    ('{document} @~ {conditions}'),
    ('{conditions} ~@ {document}'),
    ('(SELECT max(way) FROM explain_count({conditions}, {text}))'),
    ('(SELECT max(matches::text) FROM explain_match({contact}, {segment}))'),
    ('(SELECT max(matches::text) FROM explain_match({number}, {numbered}))'),
    ('(SELECT max(message) FROM validate_conditions({changes}, {text}))'),
    ('(SELECT max(message) FROM validate_conditions({changes}, ''contacts'', {zone}))'),
    ('(SELECT max(name) FROM infer_properties({text}, {size}, false))'),
    ('subscribe_contact({contact}, {topic})'),
    ('subscribe_contact({contact}, {topic}, {text})'),
    ('unsubscribe_contact({contact}, {topic}, {text})'),
    ('(create_segment(gen_random_uuid()::text, {conditions})).contact_count'),
    ('(create_segment({new}, {conditions}, {new}, ''contacts'', ''UTC'')).description'),
    ('delete_segment({segment})'),
    ('create_contacts({new})'),
    ('grant_segments_access({role}, ''read:segments'', {text})'),
    ('revoke_segments_access({role}, ''read:segments'')'),
    ('attach_audience({new}, {table})'),
    ('attach_audience({new}, {table}, {key}, created_column => {column})'),
    ('attach_audience(''new_one'', ''numbered'', columns => {columns}, scope => {conditions})'),
    ('attach_audience({new}, {table}, time_zone => {zone})'),
    ('update_audience({text}, {moved})'),
    ('detach_audience({text}, true)'),
    ('create_property({new}, {type})'),
    ('create_property({new}, {type}, {text}, {new})'),
    ('set_freshness({text}, {freshness})'),
    ('set_refresh_interval({text}, {interval})'),
    ('(SELECT max(contact_count) FROM refresh_segments({text}))'),
    ('drop_property({property}, {text})'),
    ('(create_topic({new}, {new}, {new}, {text})).name'),
    ('attach_topics({keyed}, {table}, {column}, {column})'),
    ('attach_relation({new}, {table}, {column}, ''keyed'')'),
    ('attach_relation(''new_one'', ''numbered'', ''country'', ''keyed'', columns => {columns}, scope => {conditions})'),
    ('attach_relation(''people'', ''contacts'', ''country'', ''keyed'', properties_column => {properties}, time_column => {time})'),
    ('detach_relation({relation}, {keyed})'),
    ('index_property({column})'),
    ('index_property({column}, {text})'),
    ('(SELECT count(*) FROM suggest_indexes({text}))'),
    ('segments_fold({index})'),
    ('(SELECT count(*) FROM segments_check_index({index}))'),
    ('(SELECT count(*) FROM refresh_segments({text}))'),
    ('property_text({document}, {column})'),
    ('property_number({document}, {column})'),
    ('bucket_of({number}, {text}, 10)'),
    ('property_boolean({document}, {column})'),
    ('property_date({document}, {column})'),
    ('property_timestamp({document}, {column})');

-- Puts every combination of forms to a call: a literal, an untyped parameter, and a parameter of each type. Each is undone,
-- and must give what the literals give.
CREATE FUNCTION try_call(call text, OUT forms bigint, OUT answer text, OUT faults text) LANGUAGE plpgsql AS $$
DECLARE
    form record;
    given text;
BEGIN
    forms := 0;
    FOR form IN
        WITH RECURSIVE
            used AS (SELECT argument, value, types, row_number() OVER (ORDER BY position('{' || argument || '}' IN call)) AS place
                       FROM driver_arguments WHERE position('{' || argument || '}' IN call) > 0),
            shaped AS (
                SELECT 0::bigint AS place, 'SELECT (' || call || ')::text' AS body, ARRAY[]::text[] AS types, ARRAY[]::text[] AS given
                UNION ALL
                SELECT used.place, replace(body, '{' || argument || '}', shape.term), shaped.types || shape.type, shaped.given || shape.given
                  FROM shaped JOIN used ON used.place = shaped.place + 1,
                       LATERAL (SELECT quote_literal(value), NULL, NULL
                                UNION ALL
                                SELECT '$' || cardinality(array_remove(shaped.types, NULL)) + 1, type, quote_literal(value)
                                    FROM unnest(ARRAY['unknown'] || used.types) type
                       ) shape(term, type, given))
        SELECT body, array_remove(types, NULL) AS types, array_remove(shaped.given, NULL) AS given FROM shaped
         WHERE place = (SELECT max(place) FROM used) ORDER BY cardinality(array_remove(types, NULL)), types
    LOOP
        forms := forms + 1;
        BEGIN
            IF form.types = '{}' THEN
                EXECUTE form.body INTO given;
                answer := given;
            ELSE
                EXECUTE format('PREPARE driver(%s) AS %s', array_to_string(form.types, ', '), form.body);
                EXECUTE format('EXECUTE driver(%s)', array_to_string(form.given, ', ')) INTO given;
                DEALLOCATE driver;
            END IF;
            IF given IS DISTINCT FROM answer THEN
                faults := concat_ws(E'\n', faults, format('%s with (%s) gives %s', form.body, array_to_string(form.types, ', '), given));
            END IF;
            RAISE EXCEPTION USING ERRCODE = 'UNDO1';
        EXCEPTION
            WHEN SQLSTATE 'UNDO1' THEN NULL;
            WHEN OTHERS THEN
                faults := concat_ws(E'\n', faults, format('%s with (%s): %s', form.body, array_to_string(form.types, ', '), SQLERRM));
                IF EXISTS (SELECT FROM pg_prepared_statements WHERE name = 'driver') THEN DEALLOCATE driver; END IF;
        END;
    END LOOP;
END
$$;
SELECT call, forms, faults FROM driver_calls, try_call(call) ORDER BY number;

-- No function is left out.
SELECT proname FROM pg_proc p JOIN pg_depend d ON d.classid = 'pg_proc'::regclass AND d.objid = p.oid AND d.deptype = 'e'
 WHERE d.refobjid = (SELECT oid FROM pg_extension WHERE extname = 'segments') AND pronamespace <> 'segments'::regnamespace
   AND NOT EXISTS (SELECT FROM driver_calls WHERE call LIKE '%' || proname || '(%')
   -- Those of the type, the operator, the planner, refreshes and compiled conditions are not called by name.
   AND proname !~ '^segment_(condition_|matches|is_matched_by)|^segments_(tally|gather)|^property_json'
 GROUP BY 1 ORDER BY 1;

SELECT count(detach_audience(name, cascade => true)) FROM unnest('{contacts,numbered,keyed}'::text[]) name;
DROP TABLE contact_topics, contacts, numbered, keyed;
