-- From 0.1.0 to 0.2.0: what sql/*.sql say differently.

-- The members that refreshes have found of watched segments whose entries and exits no trigger records. The next refresh compares. They are not
-- dumped: after a restore, watching begins anew with the members of the first refresh. Nobody is granted anything on them.
CREATE TABLE segments.member_set (
    segment uuid PRIMARY KEY REFERENCES segments.watch_config ON DELETE CASCADE,
    -- How the ids are stored (src/core/members.rs)
    ids text NOT NULL CHECK (ids IN ('integer', 'uuid', 'text'))
);

-- The ids in the order of their bytes. A chunk has those from its key up to the key of the next one; what it has beyond that does not count.
CREATE TABLE segments.member_chunk (
    segment uuid NOT NULL REFERENCES segments.member_set ON DELETE CASCADE,
    key bytea NOT NULL,
    members bytea NOT NULL,
    PRIMARY KEY (segment, key)
) WITH (toast_tuple_target = 8160);
-- They cannot be compressed further, and a chunk of usual size stays in its row.
ALTER TABLE segments.member_chunk ALTER key SET STORAGE PLAIN, ALTER members SET STORAGE EXTERNAL;

COMMENT ON FUNCTION watch_segment(uuid, boolean) IS
    'Records the entries and exits of a segment, which segment_changes() returns, or stops recording them. If triggers keep its count, they record them; otherwise each refresh compares the members with those that the one before has found.';

-- Tables whose rows belong to the contacts of an audience, such as orders. Conditions read the rows of a contact as an array of that name.
CREATE TABLE segments.relation_config (
    audience text NOT NULL REFERENCES segments.audience_config ON DELETE CASCADE ON UPDATE CASCADE,
    name text NOT NULL,
    -- The table and its columns, each twice, as in segments.table_config
    relation regclass NOT NULL,
    relation_name text NOT NULL,
    contact_column name NOT NULL,
    contact_number smallint,
    properties_column name,
    properties_number smallint,
    time_column name,
    time_number smallint,
    columns name[],
    column_numbers smallint[],
    -- A condition on a row. Rows that do not satisfy it are in no array
    scope @extschema@.segment_condition,
    -- The columns of the table, with their types. They say which column has been renamed.
    attributes text[],
    created_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (audience, name)
);

SELECT pg_catalog.pg_extension_config_dump('segments.relation_config', '');

CREATE VIEW segments.relation WITH (security_invoker) AS
SELECT a.name AS audience, r.name, CASE WHEN segments.quoted_name(r.relation) = r.relation_name THEN r.relation END AS relation,
       r.contact_column, r.time_column, r.properties_column, r.scope::jsonb AS scope
FROM segments.audience_config a JOIN segments.relation_config r ON r.audience = a.source
UNION ALL
SELECT a.name, '$topic', CASE WHEN segments.quoted_name(t.topics_relation) = t.topics_relation_name THEN t.topics_relation END,
       t.topics_contact_column, NULL, NULL, NULL
FROM segments.audience_config a JOIN segments.table_config t ON t.audience = a.source
WHERE t.topics_relation_name IS NOT NULL;
COMMENT ON VIEW segments.relation IS
    'Tables whose rows belong to contacts, by the names under which conditions read them. $topic is the table of subscriptions.';

CREATE FUNCTION segments.attach_relation(
    name text, relation regclass, contact_column text, audience text, columns text[], properties_column text, time_column text,
    scope @extschema@.segment_condition
) RETURNS void LANGUAGE c AS 'MODULE_PATHNAME', 'attach_relation_wrapper';
CREATE FUNCTION attach_relation(
    name text, relation regclass, contact_column name, audience text DEFAULT 'contacts', columns name[] DEFAULT NULL,
    properties_column name DEFAULT NULL, time_column name DEFAULT NULL, scope segment_condition DEFAULT NULL
) RETURNS void LANGUAGE sql AS
    'SELECT segments.attach_relation($1, $2, $3::pg_catalog.text, $4, $5::pg_catalog.text[], $6::pg_catalog.text, $7::pg_catalog.text, $8)';
COMMENT ON FUNCTION attach_relation(text, regclass, name, text, name[], name, name, segment_condition) IS
    'Makes the rows of a table, such as orders, readable in conditions: as an array of objects that each contact has under that name. contact_column says whose row it is; columns limits which columns are read; time_column orders the rows; scope is a condition on a row that limits which rows are read. An existing relation of that name is replaced.';

CREATE FUNCTION detach_relation(name text, audience text DEFAULT 'contacts') RETURNS void
    LANGUAGE c AS 'MODULE_PATHNAME', 'detach_relation_wrapper';
COMMENT ON FUNCTION detach_relation(text, text) IS
    'Removes a relation and the properties that were declared in it; the table stays. Refused while a segment uses the relation.';

-- The same for a list of columns. NULL is no list.
CREATE FUNCTION segments.follow_list(relation regclass, names name[], numbers smallint[]) RETURNS TABLE (present_names name[], present_numbers smallint[])
    LANGUAGE plpgsql STABLE ROWS 1 SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN QUERY
    SELECT CASE WHEN names IS NOT NULL THEN coalesce(array_agg(f.present_name::name ORDER BY l.place), '{}') END,
           CASE WHEN names IS NOT NULL THEN coalesce(array_agg(f.present_number ORDER BY l.place), '{}') END
      FROM unnest(names, numbers) WITH ORDINALITY l(name, number, place),
           LATERAL segments.follow_column(relation, l.name::text, l.number) f;
END
$$;
COMMENT ON FUNCTION segments.follow_list(regclass, name[], smallint[]) IS
    'As follow_column, for a list of columns; NULL is no list.';

-- All columns of tables, each as the text `table number type name`.
CREATE FUNCTION segments.listed_attributes(tables regclass[]) RETURNS text[]
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN ARRAY(SELECT format('%s %s %s %s', n.attrelid, n.attnum, n.atttypid, n.attname) FROM pg_attribute n
                  WHERE n.attrelid = ANY (tables) AND n.attnum > 0 AND NOT n.attisdropped
                  ORDER BY n.attrelid, n.attnum);
END
$$;
COMMENT ON FUNCTION segments.listed_attributes(regclass[]) IS
    'All columns of tables, each as the text of its table, number, type and name.';

CREATE OR REPLACE FUNCTION segments.follow_columns(a segments.table_config) RETURNS segments.table_config
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    a.relation_name := coalesce(segments.quoted_name(a.relation), a.relation_name);
    a.topics_relation_name := coalesce(segments.quoted_name(a.topics_relation), a.topics_relation_name);
    SELECT * INTO a.id_column, a.id_number FROM segments.follow_column(a.relation, a.id_column, a.id_number);
    SELECT * INTO a.properties_column, a.properties_number
      FROM segments.follow_column(a.relation, a.properties_column, a.properties_number);
    SELECT * INTO a.created_column, a.created_number
      FROM segments.follow_column(a.relation, a.created_column, a.created_number);
    SELECT * INTO a.topics_contact_column, a.topics_contact_number
      FROM segments.follow_column(a.topics_relation, a.topics_contact_column, a.topics_contact_number);
    SELECT * INTO a.topics_topic_column, a.topics_topic_number
      FROM segments.follow_column(a.topics_relation, a.topics_topic_column, a.topics_topic_number);
    a.attributes := segments.listed_attributes(ARRAY[a.relation, a.topics_relation]);
    SELECT * INTO a.columns, a.column_numbers FROM segments.follow_list(a.relation, a.columns, a.column_numbers);
    RETURN a;
END
$$;

CREATE FUNCTION segments.follow_columns(r segments.relation_config) RETURNS segments.relation_config
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    r.relation_name := coalesce(segments.quoted_name(r.relation), r.relation_name);
    SELECT * INTO r.contact_column, r.contact_number
      FROM segments.follow_column(r.relation, r.contact_column, r.contact_number);
    SELECT * INTO r.properties_column, r.properties_number
      FROM segments.follow_column(r.relation, r.properties_column, r.properties_number);
    SELECT * INTO r.time_column, r.time_number
      FROM segments.follow_column(r.relation, r.time_column, r.time_number);
    r.attributes := segments.listed_attributes(ARRAY[r.relation]);
    SELECT * INTO r.columns, r.column_numbers FROM segments.follow_list(r.relation, r.columns, r.column_numbers);
    RETURN r;
END
$$;

CREATE FUNCTION segments.number_relation_columns() RETURNS trigger
    LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    IF segments.quoted_name(NEW.relation) IS DISTINCT FROM NEW.relation_name THEN
        NEW.relation := 0::oid;
    END IF;
    NEW.contact_number := NULL;
    NEW.properties_number := NULL;
    NEW.time_number := NULL;
    NEW.column_numbers := NULL;
    RETURN segments.follow_columns(NEW);
END
$$;
CREATE TRIGGER number_columns BEFORE INSERT OR UPDATE OF relation ON segments.relation_config
    FOR EACH ROW EXECUTE FUNCTION segments.number_relation_columns();
ALTER TABLE segments.relation_config ENABLE ALWAYS TRIGGER number_columns;

CREATE TRIGGER definitions_changed AFTER INSERT OR UPDATE OR DELETE OR TRUNCATE ON segments.relation_config
    FOR EACH STATEMENT EXECUTE FUNCTION segments.definitions_changed();
CREATE TRIGGER definitions_replicated AFTER INSERT OR UPDATE OR DELETE ON segments.relation_config
    FOR EACH ROW EXECUTE FUNCTION segments.definitions_changed();
ALTER TABLE segments.relation_config ENABLE ALWAYS TRIGGER definitions_changed, ENABLE REPLICA TRIGGER definitions_replicated;

COMMENT ON FUNCTION attach_audience(text, regclass, name, name, name[], name, segment_condition, text, text) IS
    'Makes a table an audience, without changing the table. Without id_column it takes the primary key; columns limits which columns are properties; scope is the filter, a condition that limits which rows are contacts; dates are read in time_zone, UTC if it is left out. With based_on instead of a table, the audience has the table, zone, properties, topics and relations of another, and only a filter and segments of its own.';
COMMENT ON FUNCTION segments.permitted_sources(text[]) IS
    'The names of these audiences, or of those that they are based on: where their tables, properties, topics and relations are declared.';

CREATE FUNCTION segments.why_periodic(segment uuid) RETURNS text
    LANGUAGE c STABLE STRICT AS 'MODULE_PATHNAME', 'why_periodic_wrapper';
COMMENT ON FUNCTION segments.why_periodic(uuid) IS
    'Why triggers do not keep the count of a segment of a live audience. NULL if they do, and if the audience is periodic.';

CREATE OR REPLACE VIEW segments.segment_status WITH (security_invoker) AS
SELECT s.id AS segment, s.audience, s.name, k.kept, c.counted_at,
       CASE WHEN k.kept = 'periodic' OR c.counted_at IS NULL THEN
           -- After failures the interval grows, by at most a day.
           greatest(least(coalesce(c.counted_at + i.refresh_interval, s.created_at),
                          -- If counting takes long, at most a tenth of the time is spent on it.
                          CASE WHEN c.changes_at IS NOT NULL THEN greatest(c.changes_at, c.counted_at + r.duration * 10::float8) END),
                    r.failed_at + i.refresh_interval
                                + least(i.refresh_interval * (2::float8 ^ least(r.failures - 1, 20)::float8 - 1::float8), interval '1 day'))
       END AS due,
       r.duration, r.error, r.failed_at, i.refresh_interval,
       CASE WHEN a.freshness = 'live' AND k.kept = 'periodic' THEN segments.why_periodic(s.id) END AS why_periodic
  FROM segments.segment_config s
  JOIN segments.audience_config a ON a.name = s.audience
  LEFT JOIN segments.segment_count c ON c.segment = s.id
  LEFT JOIN segments.segment_refresh r ON r.segment = s.id
 CROSS JOIN LATERAL (SELECT coalesce(a.refresh_interval, segments.default_refresh_interval())) i(refresh_interval)
 CROSS JOIN LATERAL (SELECT CASE a.freshness WHEN 'live' THEN segments.how_kept(s.id) ELSE 'periodic' END OFFSET 0) k(kept);
COMMENT ON VIEW segments.segment_status IS
    'How each segment''s count is kept, when it is due, how long the last refresh took, and why it failed; of a live audience, also why triggers do not keep the count. A periodic segment is due an interval after its count, or sooner if its dates relative to now have come to mean something else. A segment without a count is due at once.';

-- The column index: the access method, its operator classes, and how much of each table is served.

CREATE FUNCTION segments.index_handler(internal) RETURNS index_am_handler
    LANGUAGE c AS 'MODULE_PATHNAME', 'segments_index_handler';
COMMENT ON FUNCTION segments.index_handler(internal) IS 'The index access method segments.';

CREATE ACCESS METHOD segments TYPE INDEX HANDLER segments.index_handler;
COMMENT ON ACCESS METHOD segments IS 'Column index for counting: images of the table''s pages in columns';

-- One for each type of columns that conditions can use. A class says only that columns of its type can be indexed; it has no operators.
-- Postgres takes that of text for varchar and citext, that of inet for cidr, and for a domain that of its base type.
CREATE OPERATOR CLASS segments.jsonb_ops DEFAULT FOR TYPE jsonb USING segments AS STORAGE jsonb;
CREATE OPERATOR CLASS segments.json_ops DEFAULT FOR TYPE json USING segments AS STORAGE json;
CREATE OPERATOR CLASS segments.text_ops DEFAULT FOR TYPE text USING segments AS STORAGE text;
CREATE OPERATOR CLASS segments.bpchar_ops DEFAULT FOR TYPE bpchar USING segments AS STORAGE bpchar;
CREATE OPERATOR CLASS segments.name_ops DEFAULT FOR TYPE name USING segments AS STORAGE name;
CREATE OPERATOR CLASS segments.uuid_ops DEFAULT FOR TYPE uuid USING segments AS STORAGE uuid;
CREATE OPERATOR CLASS segments.inet_ops DEFAULT FOR TYPE inet USING segments AS STORAGE inet;
CREATE OPERATOR CLASS segments.bool_ops DEFAULT FOR TYPE bool USING segments AS STORAGE bool;
CREATE OPERATOR CLASS segments.int2_ops DEFAULT FOR TYPE int2 USING segments AS STORAGE int2;
CREATE OPERATOR CLASS segments.int4_ops DEFAULT FOR TYPE int4 USING segments AS STORAGE int4;
CREATE OPERATOR CLASS segments.int8_ops DEFAULT FOR TYPE int8 USING segments AS STORAGE int8;
CREATE OPERATOR CLASS segments.numeric_ops DEFAULT FOR TYPE numeric USING segments AS STORAGE numeric;
CREATE OPERATOR CLASS segments.float4_ops DEFAULT FOR TYPE float4 USING segments AS STORAGE float4;
CREATE OPERATOR CLASS segments.float8_ops DEFAULT FOR TYPE float8 USING segments AS STORAGE float8;
CREATE OPERATOR CLASS segments.date_ops DEFAULT FOR TYPE date USING segments AS STORAGE date;
CREATE OPERATOR CLASS segments.timestamp_ops DEFAULT FOR TYPE timestamp USING segments AS STORAGE timestamp;
CREATE OPERATOR CLASS segments.timestamptz_ops DEFAULT FOR TYPE timestamptz USING segments AS STORAGE timestamptz;
CREATE OPERATOR CLASS segments.enum_ops DEFAULT FOR TYPE anyenum USING segments AS STORAGE anyenum;
CREATE OPERATOR CLASS segments.array_ops DEFAULT FOR TYPE anyarray USING segments AS STORAGE anyarray;

CREATE FUNCTION segments.index_pages(index regclass)
    RETURNS TABLE (pages bigint, image_pages bigint, changed_pages bigint, not_visible_pages bigint, uncovered_pages bigint,
                   bytes bigint, folded_at timestamptz, note text)
    LANGUAGE c VOLATILE STRICT AS 'MODULE_PATHNAME', 'index_pages_wrapper';
COMMENT ON FUNCTION segments.index_pages(regclass) IS
    'The pages of the table that a column index is on, each counted once. No row for an index whose pages this session cannot read.';

CREATE FUNCTION segments_fold(index regclass) RETURNS bigint
    LANGUAGE c AS 'MODULE_PATHNAME', 'segments_fold_wrapper';
COMMENT ON FUNCTION segments_fold(regclass) IS
    'Makes images of the pages of a table that its column index has none of, if everybody sees all their rows; returns how many. For the owner of the table.';

CREATE FUNCTION segments_fold(index text) RETURNS bigint
    LANGUAGE sql AS 'SELECT @extschema@.segments_fold($1::pg_catalog.regclass)';
COMMENT ON FUNCTION segments_fold(text) IS 'As segments_fold(regclass), by name.';

CREATE FUNCTION segments_check_index(index regclass, share real DEFAULT 1) RETURNS SETOF text
    LANGUAGE c AS 'MODULE_PATHNAME', 'segments_check_index_wrapper';
COMMENT ON FUNCTION segments_check_index(regclass, real) IS
    'Compares the images of a column index, or a share of them, with the table, in one snapshot. No row: nothing is wrong. For the owner of the table.';

CREATE FUNCTION segments_check_index(index text, share real DEFAULT 1) RETURNS SETOF text
    LANGUAGE sql AS 'SELECT @extschema@.segments_check_index($1::pg_catalog.regclass, $2)';
COMMENT ON FUNCTION segments_check_index(text, real) IS 'As segments_check_index(regclass, real), by name.';

CREATE VIEW segments.index_status WITH (security_invoker) AS
SELECT i.indexrelid::regclass AS index, i.indrelid::regclass AS relation, p.pages, p.image_pages, p.changed_pages,
       p.not_visible_pages, p.uncovered_pages, p.bytes, p.folded_at,
       CASE WHEN i.indisvalid THEN p.note ELSE 'it is not valid: REINDEX it, or drop it' END AS note
  FROM pg_catalog.pg_index i
  JOIN pg_catalog.pg_class c ON c.oid = i.indexrelid
  JOIN pg_catalog.pg_am m ON m.oid = c.relam AND m.amname = 'segments'::name
 CROSS JOIN LATERAL segments.index_pages(c.oid::regclass) p;
COMMENT ON VIEW segments.index_status IS
    'How much of each table its column index serves: pages that are counted from images, and why the others are not.';

CREATE FUNCTION explain_count(conditions @extschema@.segment_condition, audience text DEFAULT 'contacts')
    RETURNS TABLE (relation regclass, way text, image_pages bigint, heap_pages bigint, ms numeric, note text)
    LANGUAGE c STABLE AS 'MODULE_PATHNAME', 'explain_count_wrapper';
COMMENT ON FUNCTION explain_count(@extschema@.segment_condition, text) IS
    'Counts the contacts that satisfy a condition, and says by which way: through a column index, with the pages that were counted from images and row by row, or by a query, and why not through an index.';

CREATE OR REPLACE FUNCTION segments.readable_tables() RETURNS TABLE (name name, key name, declares boolean, scopes text[], columns text)
    LANGUAGE sql IMMUTABLE AS $$
VALUES
    ('audience_config', 'name', false, '{read:segments,write:segments,read:contacts,write:contacts,read:counts}'::pg_catalog.text[], NULL),
    ('table_config', 'audience', true, '{read:segments,write:segments,read:contacts,write:contacts,read:counts}', NULL),
    ('property_config', 'audience', true, '{read:segments,write:segments,read:contacts,write:contacts,read:counts}', NULL),
    ('topic_config', 'audience', true, '{read:segments,write:segments,read:contacts,write:contacts,read:counts}', NULL),
    ('relation_config', 'audience', true, '{read:segments,write:segments,read:contacts,write:contacts,read:counts}', NULL),
    ('segment_config', 'audience', false, '{read:segments,write:segments,read:counts}', NULL),
    ('segment_reference', 'segment', false, NULL, NULL),
    ('segment_count', 'segment', false, NULL, 'segment, counted_at, changes_at'),
    ('segment_refresh', 'segment', false, NULL, NULL)
$$;

CREATE OR REPLACE FUNCTION segments.function_scopes() RETURNS TABLE (name name, scopes text[]) LANGUAGE sql IMMUTABLE AS $$
VALUES
    ('permits_every_audience', '{read:segments,write:segments,read:contacts,write:contacts,read:counts}'::pg_catalog.text[]),
    ('permitted_audiences', '{read:segments,write:segments,read:contacts,write:contacts,read:counts}'),
    ('permitted_sources', '{read:segments,write:segments,read:contacts,write:contacts,read:counts}'),
    ('id_text', '{read:segments,write:segments,read:contacts,write:contacts,read:counts}'),
    ('quoted_name', '{read:segments,write:segments,read:contacts,write:contacts,read:counts}'),
    ('default_refresh_interval', '{read:segments,write:segments,read:contacts,write:contacts,read:counts}'),
    ('builder_fields', '{read:segments,write:segments,read:contacts,write:contacts,read:counts}'),
    ('properties', '{read:segments,write:segments,read:contacts,write:contacts,read:counts}'),
    ('visible_count', '{read:segments,write:segments,read:contacts,write:contacts,read:counts}'),
    ('segment_id', '{read:segments,write:segments,read:contacts,read:counts}'),
    ('get_segment', '{read:segments,read:counts}'),
    ('list_segments', '{read:segments,read:counts}'),
    ('segment_sql', '{read:segments}'),
    ('how_kept', '{read:segments,read:counts}'),
    ('why_periodic', '{read:segments,read:counts}'),
    ('visible_history', '{read:segments,read:counts}'),
    ('progress', '{read:segments,write:segments,read:counts}'),
    ('index_pages', '{read:segments,write:segments,read:contacts,write:contacts,read:counts}'),
    ('conditions_sql', '{read:segments,write:segments}'),
    ('validate_conditions', '{read:segments,write:segments,read:contacts}'),
    ('create_segment', '{write:segments}'),
    ('update_segment', '{write:segments}'),
    ('delete_segment', '{write:segments}'),
    ('create_contacts', '{write:segments}'),
    ('attach_audience', '{write:segments}'),
    ('update_audience', '{write:segments}'),
    ('detach_audience', '{write:segments}'),
    ('attach_topics', '{write:segments}'),
    ('attach_relation', '{write:segments}'),
    ('detach_relation', '{write:segments}'),
    ('create_property', '{write:segments}'),
    ('drop_property', '{write:segments}'),
    ('create_topic', '{write:segments}'),
    ('set_freshness', '{write:segments}'),
    ('set_refresh_interval', '{write:segments}'),
    ('refresh_segments', '{write:segments}'),
    ('watch_segment', '{write:segments}'),
    ('segments_fold', '{write:segments}'),
    ('segments_check_index', '{write:segments}'),
    ('index_property', '{read:segments,write:segments}'),
    ('suggest_indexes', '{read:segments,write:segments}'),
    ('grant_segments_access', '{write:segments}'),
    ('revoke_segments_access', '{write:segments}'),
    ('count_contacts', '{read:contacts}'),
    ('search_contacts', '{read:contacts}'),
    ('segment_contacts', '{read:contacts}'),
    ('segment_members', '{read:contacts}'),
    ('in_segment', '{read:contacts}'),
    ('contact_segments', '{read:contacts}'),
    ('explain_match', '{read:contacts}'),
    ('explain_count', '{read:contacts}'),
    ('segment_overlap', '{read:contacts}'),
    ('segment_statistics', '{read:contacts}'),
    ('infer_properties', '{read:contacts}'),
    ('segment_changes', '{read:contacts}'),
    ('newest_position', '{read:contacts}'),
    ('subscribe_contact', '{write:contacts}'),
    ('unsubscribe_contact', '{write:contacts}')
$$;

CREATE FUNCTION segments.gather_row(state internal, plan text, VARIADIC columns "any") RETURNS internal
    LANGUAGE c IMMUTABLE PARALLEL SAFE COST 100 AS 'MODULE_PATHNAME', 'segments_gather_row';
CREATE FUNCTION segments.gather_answers(state internal) RETURNS bytea
    LANGUAGE c IMMUTABLE PARALLEL SAFE COST 100 AS 'MODULE_PATHNAME', 'segments_gather_answers';
CREATE AGGREGATE segments_gather(plan text, VARIADIC columns "any") (
    SFUNC = segments.gather_row, STYPE = internal, FINALFUNC = segments.gather_answers, FINALFUNC_MODIFY = READ_WRITE, PARALLEL = SAFE
);
COMMENT ON AGGREGATE segments_gather(text, "any") IS
    'Which of many tests the rows of a relation satisfy that one contact has. Refreshes call it, as the owner of the contacts'' table.';

ALTER TABLE segments.relation_config ENABLE ROW LEVEL SECURITY;
CREATE POLICY readable ON segments.relation_config FOR SELECT USING (
    (SELECT segments.permits_every_audience('{read:segments,write:segments,read:contacts,write:contacts,read:counts}'))
    OR audience OPERATOR(pg_catalog.=) ANY (SELECT segments.permitted_sources('{read:segments,write:segments,read:contacts,write:contacts,read:counts}')));
REVOKE EXECUTE ON FUNCTION attach_relation(text, regclass, name, text, name[], name, name, segment_condition), detach_relation(text, text),
    segments.attach_relation(text, regclass, text, text, text[], text, text, @extschema@.segment_condition),
    segments.follow_columns(segments.relation_config), segments.number_relation_columns(),
    segments.follow_list(regclass, name[], smallint[]), segments.listed_attributes(regclass[]), segments.why_periodic(uuid), segments.index_handler(internal),
    segments.index_pages(regclass), segments_fold(regclass), segments_fold(text),
    segments_check_index(regclass, real), segments_check_index(text, real),
    explain_count(segment_condition, text), segments.gather_row(internal, text, "any"), segments.gather_answers(internal) FROM PUBLIC;

-- As sql/finalize.sql: foreign keys of the new tables do not check new rows.
DO $$
DECLARE
    trigger record;
BEGIN
    FOR trigger IN
        SELECT t.tgrelid::pg_catalog.regclass AS relation, t.tgname AS name
          FROM pg_catalog.pg_trigger t
         WHERE t.tgrelid IN ('segments.relation_config'::pg_catalog.regclass, 'segments.member_set'::pg_catalog.regclass,
                             'segments.member_chunk'::pg_catalog.regclass)
           AND t.tgfoid IN ('pg_catalog."RI_FKey_check_ins"'::pg_catalog.regproc, 'pg_catalog."RI_FKey_check_upd"'::pg_catalog.regproc)
    LOOP
        EXECUTE pg_catalog.format('ALTER TABLE %s DISABLE TRIGGER %I', trigger.relation, trigger.name);
    END LOOP;
END
$$;
