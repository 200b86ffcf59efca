-- The type of conditions, and the operator that evaluates a condition with a document.

DO $$
BEGIN
    IF current_setting('server_encoding') <> 'UTF8' THEN
        RAISE EXCEPTION 'segments needs a database whose encoding is UTF8, not %', current_setting('server_encoding')
            USING ERRCODE = 'feature_not_supported',
                  HINT = 'Create a database with ENCODING ''UTF8'' TEMPLATE template0.';
    END IF;
END
$$;

CREATE TYPE segment_condition;

CREATE FUNCTION segment_condition_in(cstring) RETURNS segment_condition
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'segment_condition_in_wrapper';
CREATE FUNCTION segment_condition_out(segment_condition) RETURNS cstring
    LANGUAGE internal IMMUTABLE STRICT PARALLEL SAFE AS 'textout';
CREATE FUNCTION segment_condition_recv(internal) RETURNS segment_condition
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'segment_condition_recv_wrapper';
CREATE FUNCTION segment_condition_send(segment_condition) RETURNS bytea
    LANGUAGE internal IMMUTABLE STRICT PARALLEL SAFE AS 'textsend';

CREATE TYPE segment_condition (
    INPUT = segment_condition_in,
    OUTPUT = segment_condition_out,
    RECEIVE = segment_condition_recv,
    SEND = segment_condition_send,
    LIKE = text,
    STORAGE = extended
);
COMMENT ON TYPE segment_condition IS
    'A condition in MongoDB-style JSON, checked when it is read. Text, varchar, json and jsonb convert to it implicitly.';

CREATE CAST (text AS segment_condition) WITH INOUT AS IMPLICIT;
CREATE CAST (varchar AS segment_condition) WITH INOUT AS IMPLICIT;
CREATE CAST (json AS segment_condition) WITH INOUT AS IMPLICIT;
CREATE CAST (jsonb AS segment_condition) WITH INOUT AS IMPLICIT;
CREATE CAST (segment_condition AS json) WITH INOUT AS ASSIGNMENT;
CREATE CAST (segment_condition AS jsonb) WITH INOUT AS ASSIGNMENT;

CREATE FUNCTION segment_matches_support(internal) RETURNS internal
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'segments_support';
COMMENT ON FUNCTION segment_matches_support(internal) IS 'Planner support of the operators @~ and ~@: index conditions and costs.';

CREATE FUNCTION segment_matches(document jsonb, condition segment_condition) RETURNS boolean
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE LEAKPROOF COST 10 SUPPORT segment_matches_support AS 'MODULE_PATHNAME', 'segments_matches';
COMMENT ON FUNCTION segment_matches(jsonb, segment_condition) IS 'Whether a document satisfies a condition. The operator @~ calls it.';
CREATE FUNCTION segment_is_matched_by(condition segment_condition, document jsonb) RETURNS boolean
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE LEAKPROOF COST 10 SUPPORT segment_matches_support AS 'MODULE_PATHNAME', 'segments_is_matched_by';
COMMENT ON FUNCTION segment_is_matched_by(segment_condition, jsonb) IS 'Whether a document satisfies a condition. The operator ~@ calls it.';

CREATE FUNCTION segment_matches_sel(internal, oid, internal, integer) RETURNS float8
    LANGUAGE c STABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'segments_sel';
COMMENT ON FUNCTION segment_matches_sel(internal, oid, internal, integer) IS 'Restriction estimator of the operators @~ and ~@.';

CREATE OPERATOR @~ (
    LEFTARG = jsonb, RIGHTARG = segment_condition, FUNCTION = segment_matches,
    COMMUTATOR = ~@, RESTRICT = segment_matches_sel, JOIN = matchingjoinsel
);
CREATE OPERATOR ~@ (
    LEFTARG = segment_condition, RIGHTARG = jsonb, FUNCTION = segment_is_matched_by,
    COMMUTATOR = @~, RESTRICT = segment_matches_sel, JOIN = matchingjoinsel
);
COMMENT ON OPERATOR @~ (jsonb, segment_condition) IS 'the document satisfies the condition';
COMMENT ON OPERATOR ~@ (segment_condition, jsonb) IS 'the condition is satisfied by the document';
-- Audiences, their properties and their topics: all that a condition may name.

CREATE SCHEMA segments;
COMMENT ON SCHEMA segments IS 'Views of the segments extension for users to read, and tables that its functions write.';

CREATE TABLE segments.audience_config (
    name text PRIMARY KEY,
    -- NULL: it has a table of its own. Every pg_dump would warn of a foreign key to the same table, so there is none;
    -- detach_audience() looks for audiences that are based on the one that it deletes
    based_on text,
    -- Where its table, its zone, its properties and its topics are declared: the audience that it is based on, or itself
    source text NOT NULL GENERATED ALWAYS AS (coalesce(based_on, name)) STORED,
    scope @extschema@.segment_condition,
    freshness text NOT NULL DEFAULT 'periodic' CHECK (freshness IN ('periodic', 'live')),
    -- NULL: the setting segments.refresh_interval
    refresh_interval interval,
    created_at timestamptz NOT NULL DEFAULT now()
);
-- The fields that filters read, so that a change of a property or a column finds those that it concerns among thousands. It parses the
-- condition; its cost makes the planner use the index on it.
CREATE FUNCTION segments.fields_of(condition @extschema@.segment_condition) RETURNS text[]
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE COST 10000 AS 'MODULE_PATHNAME', 'fields_of_wrapper';
COMMENT ON FUNCTION segments.fields_of(@extschema@.segment_condition) IS
    'The names with which the fields of a condition begin: columns, or keys of the custom properties.';
CREATE INDEX audience_config_fields ON segments.audience_config USING gin (segments.fields_of(scope)) WITH (fastupdate = off);
CREATE INDEX audience_config_based_on ON segments.audience_config (based_on) WHERE based_on IS NOT NULL;
CREATE INDEX audience_config_live ON segments.audience_config (source) WHERE freshness = 'live';

-- The tables of audiences that are not based on another. Thousands of audiences may be based on one, so what is true of a table is here once.
CREATE TABLE segments.table_config (
    audience text PRIMARY KEY REFERENCES segments.audience_config ON DELETE CASCADE ON UPDATE CASCADE,
    -- By OID, so that it follows a rename, and by quoted name, so that a dump restores it. If the two disagree, the OID has come to
    -- mean another table. 0: the table was dropped
    relation regclass NOT NULL,
    relation_name text NOT NULL,
    -- By name, so that a dump restores them, and by number, so that they follow a rename
    id_column name NOT NULL,
    id_number smallint,
    properties_column name,
    properties_number smallint,
    created_column name,
    created_number smallint,
    columns name[],
    column_numbers smallint[],
    -- The zone in which filters, and segments without a zone of their own, read dates
    time_zone text NOT NULL,
    topics_relation regclass,
    topics_relation_name text,
    topics_contact_column name,
    topics_contact_number smallint,
    topics_topic_column name,
    topics_topic_number smallint,
    -- The columns of both tables, with their types. When one of them changes, live counts may be wrong.
    attributes text[]
);

CREATE TABLE segments.property_config (
    audience text NOT NULL REFERENCES segments.audience_config ON DELETE CASCADE ON UPDATE CASCADE,
    name text NOT NULL,
    type text NOT NULL,
    label text,
    created_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (audience, name)
);

CREATE TABLE segments.topic_config (
    id uuid PRIMARY KEY,
    audience text NOT NULL REFERENCES segments.audience_config ON DELETE CASCADE ON UPDATE CASCADE,
    slug text NOT NULL,
    name text NOT NULL,
    description text,
    created_at timestamptz NOT NULL DEFAULT now(),
    UNIQUE (audience, slug)
);

SELECT pg_catalog.pg_extension_config_dump('segments.audience_config', '');
SELECT pg_catalog.pg_extension_config_dump('segments.table_config', '');
SELECT pg_catalog.pg_extension_config_dump('segments.property_config', '');
SELECT pg_catalog.pg_extension_config_dump('segments.topic_config', '');

CREATE FUNCTION segments.properties(audience text)
    RETURNS TABLE (name text, type text, kind text, label text, created_at timestamptz)
    LANGUAGE c STABLE STRICT AS 'MODULE_PATHNAME', 'properties_wrapper';
COMMENT ON FUNCTION segments.properties(text) IS 'The properties of an audience; none if its table is gone.';

CREATE FUNCTION segments.default_refresh_interval() RETURNS interval
    LANGUAGE c STABLE AS 'MODULE_PATHNAME', 'default_refresh_interval_wrapper';
COMMENT ON FUNCTION segments.default_refresh_interval() IS 'The setting segments.refresh_interval.';

-- The name of a table as segments.table_config stores it.
CREATE FUNCTION segments.quoted_name(relation regclass) RETURNS text
    LANGUAGE sql STABLE STRICT SET search_path = pg_catalog, pg_temp SET quote_all_identifiers = off AS $$
SELECT format('%I.%I', n.nspname, c.relname) FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE c.oid = relation
$$;

CREATE VIEW segments.audience WITH (security_invoker) AS
SELECT a.name, CASE WHEN segments.quoted_name(t.relation) = t.relation_name THEN t.relation END AS relation, t.relation_name, t.id_column, t.properties_column, t.created_column, t.columns,
       a.scope::jsonb AS scope, t.time_zone,
       CASE WHEN segments.quoted_name(t.topics_relation) = t.topics_relation_name THEN t.topics_relation END AS topics_relation,
       a.freshness, coalesce(a.refresh_interval, segments.default_refresh_interval()) AS refresh_interval, a.based_on, a.created_at
FROM segments.audience_config a
LEFT JOIN segments.table_config t ON t.audience = a.source;
COMMENT ON VIEW segments.audience IS 'Audiences: tables of contacts that segments speak of.';

CREATE VIEW segments.property WITH (security_invoker) AS
SELECT a.name AS audience, p.name, p.type, p.kind, p.label, p.created_at
FROM segments.audience_config a, LATERAL segments.properties(a.name) p;
COMMENT ON VIEW segments.property IS 'Typed fields of contacts: native (columns) and custom (keys of the properties column).';

CREATE VIEW segments.topic WITH (security_invoker) AS
SELECT t.id, a.name AS audience, t.slug, t.name, t.description, t.created_at
FROM segments.audience_config a JOIN segments.topic_config t ON t.audience = a.source;
COMMENT ON VIEW segments.topic IS 'Topics that contacts can subscribe to.';

CREATE FUNCTION create_contacts(relation text DEFAULT 'contacts') RETURNS void
    LANGUAGE c AS 'MODULE_PATHNAME', 'create_contacts_wrapper';
COMMENT ON FUNCTION create_contacts(text) IS 'Creates an ordinary table of contacts and one of their subscriptions, both owned by the caller, and attaches them under the table''s name.';

CREATE FUNCTION segments.attach_audience(
    name text, relation regclass, id_column text, properties_column text, columns text[], created_column text,
    scope @extschema@.segment_condition, time_zone text, based_on text
) RETURNS void LANGUAGE c AS 'MODULE_PATHNAME', 'attach_audience_wrapper';
CREATE FUNCTION attach_audience(
    name text, relation regclass DEFAULT NULL, id_column name DEFAULT NULL, properties_column name DEFAULT NULL,
    columns name[] DEFAULT NULL, created_column name DEFAULT NULL, scope segment_condition DEFAULT NULL,
    time_zone text DEFAULT NULL, based_on text DEFAULT NULL
) RETURNS void LANGUAGE sql AS
    'SELECT segments.attach_audience($1, $2, $3::pg_catalog.text, $4::pg_catalog.text, $5::pg_catalog.text[], $6::pg_catalog.text, $7, $8, $9)';
COMMENT ON FUNCTION attach_audience(text, regclass, name, name, name[], name, segment_condition, text, text) IS
    'Makes a table an audience, without changing the table. Without id_column it takes the primary key; columns limits which columns are properties; scope is the filter, a condition that limits which rows are contacts; dates are read in time_zone, UTC if it is left out. With based_on instead of a table, the audience has the table, zone, properties and topics of another, and only a filter and segments of its own.';

CREATE FUNCTION update_audience(name text, changes jsonb) RETURNS void
    LANGUAGE c AS 'MODULE_PATHNAME', 'update_audience_wrapper';
COMMENT ON FUNCTION update_audience(text, jsonb) IS
    'Changes the given keys of an audience: time_zone, in which its filter and its segments without a zone of their own read dates. Counts the segments again that then mean something else.';

CREATE FUNCTION detach_audience(name text, cascade boolean DEFAULT false) RETURNS void
    LANGUAGE c AS 'MODULE_PATHNAME', 'detach_audience_wrapper';
COMMENT ON FUNCTION detach_audience(text, boolean) IS 'Removes an audience; the table stays. Refused while the audience has segments, or others are based on it, unless cascade is true.';

CREATE FUNCTION create_property(name text, type text, audience text DEFAULT 'contacts', label text DEFAULT NULL) RETURNS void
    LANGUAGE c AS 'MODULE_PATHNAME', 'create_property_wrapper';
COMMENT ON FUNCTION create_property(text, text, text, text) IS
    'Declares a property: string, number, boolean, date, timestamp, json, or an array such as string[].';

CREATE FUNCTION drop_property(name text, audience text DEFAULT 'contacts') RETURNS void
    LANGUAGE c AS 'MODULE_PATHNAME', 'drop_property_wrapper';
COMMENT ON FUNCTION drop_property(text, text) IS 'Removes a declaration; the contacts keep their values. Refused while a segment, or the audience''s filter, uses the property.';

CREATE FUNCTION segments.builder_fields(audience text DEFAULT 'contacts') RETURNS jsonb
    LANGUAGE c STABLE AS 'MODULE_PATHNAME', 'builder_fields_wrapper';
COMMENT ON FUNCTION segments.builder_fields(text) IS
    'The properties, topics and segments of an audience as react-querybuilder takes them as fields: name, label, operators that fit the type, the kind of input or all values, and an example of the columns that the caller may SELECT.';

CREATE FUNCTION create_topic(name text, slug text DEFAULT NULL, description text DEFAULT NULL, audience text DEFAULT 'contacts')
    RETURNS segments.topic LANGUAGE c AS 'MODULE_PATHNAME', 'create_topic_wrapper';
COMMENT ON FUNCTION create_topic(text, text, text, text) IS 'Adds a topic that contacts can subscribe to. Without a slug it makes one from the name.';

CREATE FUNCTION segments.attach_topics(audience text, relation regclass, contact_column text, topic_column text) RETURNS void
    LANGUAGE c AS 'MODULE_PATHNAME', 'attach_topics_wrapper';
CREATE FUNCTION attach_topics(audience text, relation regclass, contact_column name, topic_column name) RETURNS void
    LANGUAGE sql AS 'SELECT segments.attach_topics($1, $2, $3::pg_catalog.text, $4::pg_catalog.text)';
COMMENT ON FUNCTION attach_topics(text, regclass, name, name) IS
    'Names the table that says which contact is subscribed to which topic. Its topic column holds slugs (text) or ids (uuid).';
-- Functions that read custom properties with a type, made for expression indexes.

CREATE FUNCTION property_text(properties jsonb, name text) RETURNS text
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE LEAKPROOF COST 10 AS 'MODULE_PATHNAME', 'segments_property_text';
COMMENT ON FUNCTION property_text(jsonb, text) IS 'A custom property that is a string; NULL if it is missing or anything else. Index it COLLATE "C".';

CREATE FUNCTION property_number(properties jsonb, name text) RETURNS numeric
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE LEAKPROOF COST 10 AS 'MODULE_PATHNAME', 'segments_property_number';
COMMENT ON FUNCTION property_number(jsonb, text) IS 'A custom property that is a number, exactly; NULL if it is missing or anything else.';

CREATE FUNCTION property_boolean(properties jsonb, name text) RETURNS boolean
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE LEAKPROOF COST 10 AS 'MODULE_PATHNAME', 'segments_property_boolean';
COMMENT ON FUNCTION property_boolean(jsonb, text) IS 'A custom property that is true or false; NULL if it is missing or anything else.';

CREATE FUNCTION property_date(properties jsonb, name text) RETURNS date
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE LEAKPROOF COST 10 AS 'MODULE_PATHNAME', 'segments_property_date';
COMMENT ON FUNCTION property_date(jsonb, text) IS
    'A custom property that is a string with a date, or the day in UTC of one with a timestamp or of a number of milliseconds since 1970; NULL if it is missing or anything else.';

CREATE FUNCTION property_timestamp(properties jsonb, name text) RETURNS timestamptz
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE LEAKPROOF COST 10 AS 'MODULE_PATHNAME', 'segments_property_timestamp';
COMMENT ON FUNCTION property_timestamp(jsonb, text) IS
    'A custom property that is a string with a timestamp (in UTC if it has no offset), the start in UTC of one with a date, or a number of milliseconds since 1970; NULL if it is missing or anything else.';

CREATE FUNCTION property_json(value json) RETURNS jsonb
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE COST 10 AS 'MODULE_PATHNAME', 'segments_property_json';
COMMENT ON FUNCTION property_json(json) IS 'The value of a json column as conditions read it; NULL if jsonb cannot hold it.';

CREATE FUNCTION bucket_of(id text, salt text, buckets integer) RETURNS integer
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE COST 10 AS 'MODULE_PATHNAME', 'segments_bucket_of';
COMMENT ON FUNCTION bucket_of(text, text, integer) IS 'The bucket of the contact with this id, from 0, as $bucket has it.';
CREATE FUNCTION bucket_of(id anyelement, salt text, buckets integer) RETURNS integer
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE COST 10 AS 'MODULE_PATHNAME', 'segments_bucket_of';
COMMENT ON FUNCTION bucket_of(anyelement, text, integer) IS
    'The bucket of a contact, from 0, as $bucket has it: the first 8 bytes of SHA-256 of the salt, a zero byte and the id as text, modulo the number of buckets.';

CREATE FUNCTION index_property(name text, audience text DEFAULT 'contacts') RETURNS text
    LANGUAGE c STABLE AS 'MODULE_PATHNAME', 'index_property_wrapper';
COMMENT ON FUNCTION index_property(text, text) IS 'The statement that creates the index which serves conditions on a property.';

CREATE FUNCTION suggest_indexes(audience text DEFAULT NULL)
    RETURNS TABLE (suggestion text, property text, ddl text, reason text, segments text[], audiences text[])
    LANGUAGE c STABLE AS 'MODULE_PATHNAME', 'suggest_indexes_wrapper';
COMMENT ON FUNCTION suggest_indexes(text) IS
    'Indexes to create, with the segments that they would help, and indexes that serve no segment. It looks at a sample of the contacts; without an audience, at all audiences that the caller may see and read.';
-- Segments: named conditions over one audience.

CREATE TABLE segments.segment_config (
    id uuid PRIMARY KEY,
    audience text NOT NULL REFERENCES segments.audience_config ON UPDATE CASCADE,
    name text NOT NULL CHECK (char_length(name) BETWEEN 1 AND 100),
    description text CHECK (char_length(description) <= 500),
    conditions @extschema@.segment_condition NOT NULL,
    -- NULL: that of the audience
    time_zone text,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    UNIQUE (audience, name)
);
-- For finding a segment by its name alone.
CREATE INDEX segment_config_name ON segments.segment_config (name);

-- The segments that a segment refers to, and the text by which its conditions name them. When a segment is renamed, the conditions and
-- the reference get its new name.
CREATE TABLE segments.segment_reference (
    segment uuid NOT NULL REFERENCES segments.segment_config ON DELETE CASCADE,
    reference text NOT NULL,
    target uuid NOT NULL REFERENCES segments.segment_config,
    PRIMARY KEY (segment, reference)
);
CREATE INDEX segment_reference_target ON segments.segment_reference (target);

-- The bases of the counts. Only functions of the extension write them; segments.visible_count decides who may see a count.
CREATE TABLE segments.segment_count (
    segment uuid PRIMARY KEY REFERENCES segments.segment_config ON DELETE CASCADE,
    contact_count bigint,
    counted_at timestamptz,
    -- When the condition will select other contacts, because it has dates relative to now; NULL: never
    changes_at timestamptz
);

SELECT pg_catalog.pg_extension_config_dump('segments.segment_config', '');
SELECT pg_catalog.pg_extension_config_dump('segments.segment_reference', '');
-- Counts of live audiences are not dumped. If triggers fire while data are restored, they would count the contacts again.
SELECT pg_catalog.pg_extension_config_dump('segments.segment_count',
    'WHERE segment IN (SELECT s.id FROM segments.segment_config s JOIN segments.audience_config a ON a.name = s.audience
                        WHERE a.freshness <> ''live'')');

CREATE FUNCTION segments.visible_count(segment uuid)
    -- The high cost makes the planner cut a page before it asks for the counts.
    RETURNS bigint LANGUAGE c STABLE STRICT COST 10000 AS 'MODULE_PATHNAME', 'visible_count_wrapper';
COMMENT ON FUNCTION segments.visible_count(uuid) IS
    'The cached count of a segment; NULL for a caller who could not have counted, and where counting raises an error.';

CREATE VIEW segments.segment WITH (security_invoker) AS
SELECT 'segment'::text AS object, s.id, s.name, s.description, s.conditions::jsonb AS conditions, s.audience,
       coalesce(s.time_zone, t.time_zone) AS time_zone, segments.visible_count(s.id) AS contact_count,
       c.counted_at, s.created_at, s.updated_at
FROM segments.segment_config s
LEFT JOIN segments.audience_config a ON a.name = s.audience
LEFT JOIN segments.table_config t ON t.audience = a.source
LEFT JOIN segments.segment_count c ON c.segment = s.id;
COMMENT ON VIEW segments.segment IS
    'Segments with their cached counts. contact_count is NULL for a caller who could not have counted, and where counting raises an error, which segments.segment_status has after the next refresh.';

CREATE FUNCTION create_segment(
    name text, conditions segment_condition, description text DEFAULT NULL,
    audience text DEFAULT 'contacts', time_zone text DEFAULT NULL
) RETURNS segments.segment LANGUAGE c AS 'MODULE_PATHNAME', 'create_segment_wrapper';
COMMENT ON FUNCTION create_segment(text, segment_condition, text, text, text) IS
    'Stores a condition under a name and counts its members at once, exactly. Dates are read in time_zone; NULL: in that of the audience, also when that changes.';

CREATE FUNCTION update_segment(segment uuid, changes jsonb) RETURNS segments.segment
    LANGUAGE c AS 'MODULE_PATHNAME', 'update_segment_wrapper';
COMMENT ON FUNCTION update_segment(uuid, jsonb) IS
    'Changes the given keys of name, description, conditions and time_zone (null: that of the audience). If the condition or the time zone changes, it counts again.';

CREATE FUNCTION get_segment(segment uuid) RETURNS segments.segment
    LANGUAGE c STABLE AS 'MODULE_PATHNAME', 'get_segment_wrapper';
COMMENT ON FUNCTION get_segment(uuid) IS 'A segment with its cached count.';

CREATE FUNCTION delete_segment(segment uuid) RETURNS uuid
    LANGUAGE c AS 'MODULE_PATHNAME', 'delete_segment_wrapper';
COMMENT ON FUNCTION delete_segment(uuid) IS 'Deletes a segment and returns its id; the contacts are not touched. Refused while another segment refers to it.';

CREATE FUNCTION list_segments(audience text DEFAULT NULL, page_size int DEFAULT 20, after uuid DEFAULT NULL, before uuid DEFAULT NULL)
    RETURNS SETOF segments.segment LANGUAGE c STABLE AS 'MODULE_PATHNAME', 'list_segments_wrapper';
COMMENT ON FUNCTION list_segments(text, int, uuid, uuid) IS
    'Segments, newest first, at most 100 a page. after and before take the id of the last or first segment of the present page.';

CREATE FUNCTION segment_sql(segment uuid) RETURNS text
    LANGUAGE c STABLE AS 'MODULE_PATHNAME', 'segment_sql_wrapper';
COMMENT ON FUNCTION segment_sql(uuid) IS 'The WHERE expression of a segment, over the column names of its table, the audience''s filter included.';
-- Live counts: each statement records in its transaction by how much it changed them.

-- One row for each statement that changed a count. Only triggers write it. A count is its base in segments.segment_count and these deltas.
CREATE TABLE segments.count_delta (
    audience text NOT NULL,
    segments uuid[] NOT NULL,
    deltas bigint[] NOT NULL
) WITH (autovacuum_vacuum_threshold = 1000, autovacuum_vacuum_scale_factor = 0);
-- For DELETE under a publication FOR ALL TABLES, as for segments.access.
ALTER TABLE segments.count_delta REPLICA IDENTITY FULL;

-- The tables that have the triggers: those of live audiences' contacts and subscriptions, each with its partitions and other parts.
CREATE TABLE segments.live_table (
    root regclass NOT NULL,
    part regclass NOT NULL,
    -- In the row of the root itself: the reasons why triggers do not keep counts now. They are parts whose triggers are disabled, owners of
    -- contacts who are subject to row security, and whether rows change without firing a trigger
    silent oid[] NOT NULL DEFAULT '{}',
    restricted oid[] NOT NULL DEFAULT '{}',
    obstructed boolean NOT NULL DEFAULT false,
    PRIMARY KEY (root, part)
);
SELECT pg_catalog.pg_extension_config_dump('segments.live_table', '');

-- Segments whose entries and exits are recorded, or were recorded once.
CREATE TABLE segments.watch_config (
    segment uuid PRIMARY KEY REFERENCES segments.segment_config ON DELETE CASCADE,
    watched boolean NOT NULL
);
SELECT pg_catalog.pg_extension_config_dump('segments.watch_config', '');

-- Entries and exits, each written by the transaction that made it. They are not dumped, because the numbers mean nothing on another
-- server.
CREATE TABLE segments.change_record (
    transaction xid8 NOT NULL,
    -- The number that the next transaction was to get when this was recorded. Readers go by it: changes of one contact
    -- wait for each other, so it grows with each of them, and once every transaction with a lower number is over,
    -- no change can come before this one any more.
    horizon xid8 NOT NULL,
    sequence bigint GENERATED ALWAYS AS IDENTITY,
    segment uuid NOT NULL,
    contact_id text NOT NULL,
    change text NOT NULL CHECK (change IN ('entered', 'exited')),
    changed_at timestamptz NOT NULL,
    PRIMARY KEY (transaction, sequence)
);
CREATE INDEX change_record_position ON segments.change_record (horizon, sequence);

-- The name of this database's record of changes, which every position contains. There is one row once a segment is watched.
CREATE TABLE segments.change_log (
    name text PRIMARY KEY,
    -- The newest position that the worker has announced with NOTIFY
    announced text
);
CREATE FUNCTION segments.name_change_log() RETURNS trigger
    LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    INSERT INTO segments.change_log (name)
    SELECT left(replace(gen_random_uuid()::text, '-', ''), 8) WHERE NOT EXISTS (SELECT FROM segments.change_log);
    RETURN NULL;
END
$$;
CREATE TRIGGER name_change_log AFTER INSERT ON segments.watch_config
    FOR EACH STATEMENT EXECUTE FUNCTION segments.name_change_log();
ALTER TABLE segments.watch_config ENABLE ALWAYS TRIGGER name_change_log;

CREATE FUNCTION segments.keep_counts() RETURNS trigger
    LANGUAGE c AS 'MODULE_PATHNAME', 'segments_keep_counts';
COMMENT ON FUNCTION segments.keep_counts() IS 'The function of the triggers that keep live counts; set_freshness() creates them.';

-- Backends cache what they have compiled from definitions. These triggers tell every session when a definition changes.
CREATE FUNCTION segments.definitions_changed() RETURNS trigger
    LANGUAGE c AS 'MODULE_PATHNAME', 'segments_definitions_changed';
-- Logical replication fires only row triggers, and statement triggers for TRUNCATE, and only those that are enabled for replicas.
DO $$
DECLARE
    definitions text;
BEGIN
    FOREACH definitions IN ARRAY '{audience_config,table_config,property_config,topic_config,segment_config,segment_reference,watch_config}'::pg_catalog.text[] LOOP
        EXECUTE pg_catalog.format(
            'CREATE TRIGGER definitions_changed AFTER INSERT OR UPDATE OR DELETE OR TRUNCATE ON segments.%1$I
                 FOR EACH STATEMENT EXECUTE FUNCTION segments.definitions_changed();
             CREATE TRIGGER definitions_replicated AFTER INSERT OR UPDATE OR DELETE ON segments.%1$I
                 FOR EACH ROW EXECUTE FUNCTION segments.definitions_changed();
             ALTER TABLE segments.%1$I ENABLE ALWAYS TRIGGER definitions_changed, ENABLE REPLICA TRIGGER definitions_replicated', definitions);
    END LOOP;
END
$$;

CREATE FUNCTION segments.fold_counts() RETURNS bigint
    LANGUAGE c AS 'MODULE_PATHNAME', 'fold_counts_wrapper';
COMMENT ON FUNCTION segments.fold_counts() IS
    'Adds the recorded deltas to the counts, which no reader notices. Returns how many rows of segments.count_delta it has added.';

CREATE FUNCTION segments.how_kept(segment uuid) RETURNS text
    LANGUAGE c STABLE STRICT AS 'MODULE_PATHNAME', 'how_kept_wrapper';
COMMENT ON FUNCTION segments.how_kept(uuid) IS
    'live: triggers keep the count. periodic: it is refreshed from time to time, as is also a segment of a live audience that has dates relative to now.';

CREATE FUNCTION set_freshness(audience text, freshness text) RETURNS void
    LANGUAGE c AS 'MODULE_PATHNAME', 'set_freshness_wrapper';
COMMENT ON FUNCTION set_freshness(text, text) IS
    'Says how the counts of an audience are kept. periodic: they are refreshed from time to time. live: triggers on the table keep them, exact in every snapshot.';

CREATE FUNCTION segments.prune_changes() RETURNS bigint
    LANGUAGE c AS 'MODULE_PATHNAME', 'prune_changes_wrapper';
COMMENT ON FUNCTION segments.prune_changes() IS
    'Deletes entries and exits that are older than the setting segments.change_retention, and returns how many those were.';

CREATE FUNCTION watch_segment(segment uuid, watched boolean DEFAULT true) RETURNS void
    LANGUAGE c AS 'MODULE_PATHNAME', 'watch_segment_wrapper';
COMMENT ON FUNCTION watch_segment(uuid, boolean) IS
    'Records the entries and exits of a segment, which segment_changes() returns, or stops recording them. Its audience must be live.';

CREATE FUNCTION segment_changes(after text DEFAULT NULL, page_size int DEFAULT 1000)
    RETURNS TABLE ("position" text, segment uuid, contact_id text, change text, changed_at timestamptz)
    LANGUAGE c STABLE AS 'MODULE_PATHNAME', 'segment_changes_wrapper';
COMMENT ON FUNCTION segment_changes(text, int) IS
    'Entries and exits of watched segments after a position, oldest first. A change is shown once every transaction is over that was writing when it was made, so nothing can appear later before a position that was handed out.';

CREATE FUNCTION segments.newest_position() RETURNS text
    LANGUAGE c STABLE AS 'MODULE_PATHNAME', 'newest_position_wrapper';
COMMENT ON FUNCTION segments.newest_position() IS
    'The position behind every entry and exit that segment_changes() returns now. A reader that starts from now takes it first, then reads the members, and then the changes after it.';

CREATE VIEW segments.change WITH (security_invoker) AS
SELECT c."position", c.segment, c.contact_id, c.change, c.changed_at FROM @extschema@.segment_changes(NULL, NULL) c;
COMMENT ON VIEW segments.change IS 'Entries and exits of the watched segments whose members the caller may count and identify.';

CREATE FUNCTION segments.keep_parts() RETURNS void
    LANGUAGE c AS 'MODULE_PATHNAME', 'keep_parts_wrapper';
COMMENT ON FUNCTION segments.keep_parts() IS
    'Adapts live counts and their triggers to the present tables and partitions. It is called after commands that change these.';

-- An error of ours must not make a user's DROP or ALTER fail, so the event triggers make a warning of it, also where the library is
-- missing. Errors that may not happen again when the command is repeated, such as a deadlock, do make it fail; otherwise the counts
-- would miss the command. The same errors end work in a subtransaction (src/pg/subtransaction.rs); a test compares the two lists. A cancel
-- is not caught here.
CREATE FUNCTION segments.must_fail(sqlstate text) RETURNS boolean
    LANGUAGE sql IMMUTABLE SET search_path = pg_catalog, pg_temp AS $$
SELECT sqlstate IN ('40001', '40P01', '55P03') OR starts_with(sqlstate, '53')
$$;
COMMENT ON FUNCTION segments.must_fail(text) IS
    'Whether a command must fail with an error that its event trigger met: a serialization failure, a deadlock, a lock that is not available, or a lack of resources.';

-- In a REPEATABLE READ transaction the snapshot may be older than the first live audience; the library looks in a newer one.
CREATE FUNCTION segments.may_be_live() RETURNS boolean
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN to_regclass('segments.live_table') IS NOT NULL
       AND (EXISTS (SELECT FROM segments.live_table) OR current_setting('transaction_isolation') <> 'read committed');
END
$$;
COMMENT ON FUNCTION segments.may_be_live() IS
    'Whether there may be a live audience. Event triggers ask it first, so that sessions that have nothing to do with segments do not load the library.';

CREATE FUNCTION segments.follow_parts() RETURNS event_trigger
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    IF segments.may_be_live() THEN
        PERFORM segments.keep_parts();
    END IF;
EXCEPTION WHEN OTHERS THEN
    IF segments.must_fail(SQLSTATE) THEN
        RAISE;
    END IF;
    RAISE WARNING 'segments could not follow the partitions of live audiences: %', SQLERRM;
END
$$;
-- Event triggers fire in the order of their names, so this one comes after segments_forget_dropped_relations.
CREATE EVENT TRIGGER segments_keep_parts_dropped ON sql_drop EXECUTE FUNCTION segments.follow_parts();
CREATE EVENT TRIGGER segments_keep_parts ON ddl_command_end
    WHEN TAG IN ('CREATE TABLE', 'ALTER TABLE', 'CREATE FOREIGN TABLE', 'ALTER FOREIGN TABLE', 'CREATE SCHEMA',
                 'CREATE TRIGGER', 'ALTER TRIGGER')
    EXECUTE FUNCTION segments.follow_parts();

CREATE FUNCTION segments.forget_rewritten() RETURNS void
    LANGUAGE c AS 'MODULE_PATHNAME', 'forget_rewritten_wrapper';
COMMENT ON FUNCTION segments.forget_rewritten() IS
    'Forgets the counts of live audiences over a table that is rewritten with other values in a column. No trigger of the table fires then. An event trigger calls it.';

CREATE FUNCTION segments.forget_rewritten_counts() RETURNS event_trigger
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    IF segments.may_be_live() THEN
        PERFORM segments.forget_rewritten();
    END IF;
EXCEPTION WHEN OTHERS THEN
    IF segments.must_fail(SQLSTATE) THEN
        RAISE;
    END IF;
    RAISE WARNING 'segments could not forget the counts of a table that is rewritten: %', SQLERRM;
END
$$;
CREATE EVENT TRIGGER segments_forget_rewritten_counts ON table_rewrite EXECUTE FUNCTION segments.forget_rewritten_counts();

CREATE FUNCTION segments.forget_relabelled() RETURNS void
    LANGUAGE c AS 'MODULE_PATHNAME', 'forget_relabelled_wrapper';
COMMENT ON FUNCTION segments.forget_relabelled() IS
    'Forgets the counts of live audiences that have columns of an enum that ALTER TYPE has changed, of arrays of it or of domains over it. No trigger of a table fires then. An event trigger calls it.';

CREATE FUNCTION segments.forget_relabelled_counts() RETURNS event_trigger
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    IF segments.may_be_live() THEN
        PERFORM segments.forget_relabelled();
    END IF;
EXCEPTION WHEN OTHERS THEN
    IF segments.must_fail(SQLSTATE) THEN
        RAISE;
    END IF;
    RAISE WARNING 'segments could not forget the counts over a type that is altered: %', SQLERRM;
END
$$;
CREATE EVENT TRIGGER segments_forget_relabelled_counts ON ddl_command_end WHEN TAG IN ('ALTER TYPE')
    EXECUTE FUNCTION segments.forget_relabelled_counts();
-- Refreshes: counting segments again, the errors met, and the history of counts.

-- The result of a segment's last refresh. Only refreshes write it.
CREATE TABLE segments.segment_refresh (
    segment uuid PRIMARY KEY REFERENCES segments.segment_config ON DELETE CASCADE,
    -- How long the refresh took, for all segments that it counted
    duration interval NOT NULL,
    error text,
    failed_at timestamptz,
    -- How many refreshes have failed since the last one that did not
    failures int NOT NULL DEFAULT 0
);

-- The history of counts. segments.visible_history decides who may see it.
CREATE TABLE segments.count_record (
    segment uuid REFERENCES segments.segment_config ON DELETE CASCADE,
    counted_at timestamptz,
    contact_count bigint NOT NULL,
    PRIMARY KEY (segment, counted_at)
);

-- How far the history of an audience has been thinned out.
CREATE TABLE segments.history_state (
    audience text PRIMARY KEY REFERENCES segments.audience_config ON DELETE CASCADE ON UPDATE CASCADE,
    thinned_at timestamptz NOT NULL,
    thinned_before timestamptz
);

SELECT pg_catalog.pg_extension_config_dump('segments.segment_refresh', '');
SELECT pg_catalog.pg_extension_config_dump('segments.count_record', '');
SELECT pg_catalog.pg_extension_config_dump('segments.history_state', '');

CREATE FUNCTION segments.tally_row(state internal, plan text, VARIADIC columns "any") RETURNS internal
    LANGUAGE c IMMUTABLE PARALLEL SAFE COST 100 AS 'MODULE_PATHNAME', 'segments_tally_row';
CREATE FUNCTION segments.tally_combine(state internal, other internal) RETURNS internal
    LANGUAGE c IMMUTABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'segments_tally_combine';
CREATE FUNCTION segments.tally_serialize(state internal) RETURNS bytea
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'segments_tally_serialize';
CREATE FUNCTION segments.tally_deserialize(state bytea, other internal) RETURNS internal
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'segments_tally_deserialize';
CREATE FUNCTION segments.tally_counts(state internal) RETURNS bigint[]
    LANGUAGE c IMMUTABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'segments_tally_counts';
-- It is not in the schema segments, because the owner of a table may have no USAGE there.
CREATE AGGREGATE segments_tally(plan text, VARIADIC columns "any") (
    SFUNC = segments.tally_row, STYPE = internal, FINALFUNC = segments.tally_counts,
    COMBINEFUNC = segments.tally_combine, SERIALFUNC = segments.tally_serialize,
    DESERIALFUNC = segments.tally_deserialize, PARALLEL = SAFE
);
COMMENT ON AGGREGATE segments_tally(text, "any") IS
    'How many rows satisfy each of many conditions. Refreshes call it, as the owner of the contacts'' table.';

CREATE FUNCTION refresh_segments(audience text DEFAULT NULL)
    RETURNS TABLE (segment uuid, contact_count bigint, error text)
    LANGUAGE c AS 'MODULE_PATHNAME', 'refresh_segments_wrapper';
COMMENT ON FUNCTION refresh_segments(text) IS
    'Counts all segments of an audience again, in one snapshot; without an audience, those of every audience whose segments the caller may write. For a segment that cannot be counted, error says why; the others are counted.';

CREATE FUNCTION set_refresh_interval(audience text, every interval) RETURNS void
    LANGUAGE c AS 'MODULE_PATHNAME', 'set_refresh_interval_wrapper';
COMMENT ON FUNCTION set_refresh_interval(text, interval) IS
    'Sets how long after a count the segments of an audience are due again. NULL: as the setting segments.refresh_interval says.';

CREATE FUNCTION segments.refresh_due() RETURNS bigint
    LANGUAGE c AS 'MODULE_PATHNAME', 'refresh_due_wrapper';
COMMENT ON FUNCTION segments.refresh_due() IS
    'Counts the segments of all audiences that are due, and returns how many those were.';

CREATE FUNCTION segments.wake_worker() RETURNS void
    LANGUAGE c AS 'MODULE_PATHNAME', 'wake_worker_wrapper';
COMMENT ON FUNCTION segments.wake_worker() IS
    'Makes the background worker look at this database now. A NOTICE says if there is no worker, because the library is not preloaded.';

-- The casts in these views give operands exactly the types of Postgres's own operators. No operator in the extension's schema can fit better.
CREATE VIEW segments.segment_status WITH (security_invoker) AS
SELECT s.id AS segment, s.audience, s.name, k.kept, c.counted_at,
       CASE WHEN k.kept = 'periodic' OR c.counted_at IS NULL THEN
           -- After failures the interval grows, by at most a day.
           greatest(least(coalesce(c.counted_at + i.refresh_interval, s.created_at),
                          -- If counting takes long, at most a tenth of the time is spent on it.
                          CASE WHEN c.changes_at IS NOT NULL THEN greatest(c.changes_at, c.counted_at + r.duration * 10::float8) END),
                    r.failed_at + i.refresh_interval
                                + least(i.refresh_interval * (2::float8 ^ least(r.failures - 1, 20)::float8 - 1::float8), interval '1 day'))
       END AS due,
       r.duration, r.error, r.failed_at, i.refresh_interval
  FROM segments.segment_config s
  JOIN segments.audience_config a ON a.name = s.audience
  LEFT JOIN segments.segment_count c ON c.segment = s.id
  LEFT JOIN segments.segment_refresh r ON r.segment = s.id
 CROSS JOIN LATERAL (SELECT coalesce(a.refresh_interval, segments.default_refresh_interval())) i(refresh_interval)
 CROSS JOIN LATERAL (SELECT CASE a.freshness WHEN 'live' THEN segments.how_kept(s.id) ELSE 'periodic' END OFFSET 0) k(kept);
COMMENT ON VIEW segments.segment_status IS
    'How each segment''s count is kept, when it is due, how long the last refresh took, and why it failed. A periodic segment is due an interval after its count, or sooner if its dates relative to now have come to mean something else. A segment without a count is due at once.';

CREATE FUNCTION segments.visible_history(segment uuid) RETURNS TABLE (counted_at timestamptz, contact_count bigint)
    LANGUAGE c STABLE STRICT AS 'MODULE_PATHNAME', 'visible_history_wrapper';
COMMENT ON FUNCTION segments.visible_history(uuid) IS
    'The counts that a segment has had. They are NULL for a caller who could not have counted.';

CREATE VIEW segments.count_history WITH (security_invoker) AS
SELECT s.id AS segment, h.counted_at, h.contact_count
  FROM segments.segment_config s CROSS JOIN LATERAL segments.visible_history(s.id) h;
COMMENT ON VIEW segments.count_history IS
    'The counts of each segment''s refreshes: all of the last hour, one a minute of the last two days, one an hour of the last two months, one a day before that.';

CREATE FUNCTION segments.progress()
    RETURNS TABLE (audience text, pid int, phase text, segments_done bigint, segments_total bigint,
                   rows_done bigint, rows_total bigint)
    LANGUAGE c VOLATILE AS 'MODULE_PATHNAME', 'progress_wrapper';
COMMENT ON FUNCTION segments.progress() IS 'The refreshes that run, as shared memory has them.';

CREATE VIEW segments.refresh_progress WITH (security_invoker) AS
SELECT a.name AS audience, l.pid, coalesce(p.phase, CASE WHEN l.granted THEN 'running' ELSE 'waiting' END) AS phase,
       p.segments_done, p.segments_total, p.rows_done, p.rows_total
  FROM segments.audience_config a
  JOIN pg_catalog.pg_locks l
    ON l.locktype = 'advisory' AND l.classid = 1936025453::oid AND l.objsubid = 3
   AND l.objid = hashtext(a.name)::bigint::bit(32)::bigint::oid
   AND l.database = (SELECT d.oid FROM pg_catalog.pg_database d WHERE d.datname = current_database())
  LEFT JOIN segments.progress() p ON p.pid = l.pid AND l.granted
   -- Shared memory has only the beginning of a long name.
   AND (p.audience = a.name OR octet_length(a.name) > 256 AND starts_with(a.name, p.audience));
COMMENT ON VIEW segments.refresh_progress IS
    'Refreshes that run or wait for their turn. If the library is in shared_preload_libraries, the view also shows how far they are.';

-- A NOTICE says if nothing runs in the background.
SELECT segments.wake_worker();
-- Contacts: count, search and page them, with the caller's own rights and row security.

CREATE FUNCTION segments.id_text(id anyelement) RETURNS text
    LANGUAGE c STABLE STRICT PARALLEL RESTRICTED AS 'MODULE_PATHNAME', 'segments_id_text';
COMMENT ON FUNCTION segments.id_text(anyelement) IS
    'An id as text, written by the output function of its type. A cast is not used, because it may be a function of the type''s owner.';

CREATE FUNCTION count_contacts(conditions segment_condition, audience text DEFAULT 'contacts', time_zone text DEFAULT NULL) RETURNS bigint
    LANGUAGE c STABLE AS 'MODULE_PATHNAME', 'count_contacts_wrapper';
COMMENT ON FUNCTION count_contacts(segment_condition, text, text) IS
    'How many contacts satisfy a condition now. Its dates are read in time_zone; NULL: in that of the audience.';

CREATE FUNCTION search_contacts(conditions segment_condition, audience text DEFAULT 'contacts', page_size int DEFAULT 20, after text DEFAULT NULL,
                                before text DEFAULT NULL, time_zone text DEFAULT NULL)
    RETURNS SETOF jsonb LANGUAGE c STABLE AS 'MODULE_PATHNAME', 'search_contacts_wrapper';
COMMENT ON FUNCTION search_contacts(segment_condition, text, int, text, text, text) IS
    'Contacts that satisfy a condition, newest first: the page after the contact of a cursor, or the page before it.';

CREATE FUNCTION segment_contacts(segment uuid, page_size int DEFAULT 20, after text DEFAULT NULL, before text DEFAULT NULL)
    RETURNS SETOF jsonb LANGUAGE c STABLE AS 'MODULE_PATHNAME', 'segment_contacts_wrapper';
COMMENT ON FUNCTION segment_contacts(uuid, int, text, text) IS
    'Members of a segment, newest first: the page after the contact of a cursor, or the page before it.';

-- Before a query is planned, a call in FROM is replaced by the query for the members, if the segment is known.
CREATE FUNCTION segments.segment_members_support(internal) RETURNS internal
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'segments_segment_members_support';
COMMENT ON FUNCTION segments.segment_members_support(internal) IS 'The planner support function of segment_members().';
CREATE FUNCTION segment_members(segment uuid, id_type anyelement DEFAULT NULL::text) RETURNS SETOF anyelement
    LANGUAGE c STABLE COST 100000 SUPPORT segments.segment_members_support
    AS 'MODULE_PATHNAME', 'segment_members_wrapper';
COMMENT ON FUNCTION segment_members(uuid, anyelement) IS
    'The ids of a segment''s members, in the type of the second argument: segment_members(id, NULL::bigint).';

-- In a query on the audience's table, the planner replaces a call by the condition of the segment. What is left is dear in
-- comparison, so that Postgres prefers plans that are made for the value of a parameter. If it were not parallel restricted, a
-- query with a call could not be parallel even where the call is replaced.
CREATE FUNCTION segments.in_segment_support(internal) RETURNS internal
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'segments_in_segment_support';
COMMENT ON FUNCTION segments.in_segment_support(internal) IS 'The planner support function of in_segment().';
CREATE FUNCTION in_segment(contact_id text, segment uuid) RETURNS boolean
    LANGUAGE c STABLE STRICT PARALLEL RESTRICTED COST 1000 SUPPORT segments.in_segment_support
    AS 'MODULE_PATHNAME', 'in_segment_wrapper';
COMMENT ON FUNCTION in_segment(text, uuid) IS 'Whether a contact is a member of a segment now; false where the caller sees no such contact.';
CREATE FUNCTION in_segment(contact_id anyelement, segment uuid) RETURNS boolean
    LANGUAGE sql STABLE STRICT PARALLEL RESTRICTED COST 1000 SUPPORT segments.in_segment_support
    AS 'SELECT @extschema@.in_segment(segments.id_text($1), $2)';
COMMENT ON FUNCTION in_segment(anyelement, uuid) IS 'As in_segment(text, uuid), for an id of any type.';

CREATE FUNCTION contact_segments(contact_id text, audience text DEFAULT 'contacts') RETURNS SETOF segments.segment
    LANGUAGE c STABLE AS 'MODULE_PATHNAME', 'contact_segments_wrapper';
COMMENT ON FUNCTION contact_segments(text, text) IS 'The segments that a contact is a member of now.';
CREATE FUNCTION contact_segments(contact_id anyelement, audience text DEFAULT 'contacts') RETURNS SETOF segments.segment
    LANGUAGE sql STABLE AS 'SELECT * FROM @extschema@.contact_segments(segments.id_text($1), $2)';
COMMENT ON FUNCTION contact_segments(anyelement, text) IS 'As contact_segments(text, text), for an id of any type.';

CREATE FUNCTION subscribe_contact(contact_id text, topic text, audience text DEFAULT 'contacts') RETURNS void
    LANGUAGE c AS 'MODULE_PATHNAME', 'subscribe_contact_wrapper';
COMMENT ON FUNCTION subscribe_contact(text, text, text) IS 'Subscribes a contact to a topic. It is no error if the contact is subscribed already.';
CREATE FUNCTION subscribe_contact(contact_id anyelement, topic text, audience text DEFAULT 'contacts') RETURNS void
    LANGUAGE sql AS 'SELECT @extschema@.subscribe_contact(segments.id_text($1), $2, $3)';
COMMENT ON FUNCTION subscribe_contact(anyelement, text, text) IS 'As subscribe_contact(text, text, text), for an id of any type.';

CREATE FUNCTION unsubscribe_contact(contact_id text, topic text, audience text DEFAULT 'contacts') RETURNS void
    LANGUAGE c AS 'MODULE_PATHNAME', 'unsubscribe_contact_wrapper';
COMMENT ON FUNCTION unsubscribe_contact(text, text, text) IS 'Removes a subscription. It is no error if there is none.';
CREATE FUNCTION unsubscribe_contact(contact_id anyelement, topic text, audience text DEFAULT 'contacts') RETURNS void
    LANGUAGE sql AS 'SELECT @extschema@.unsubscribe_contact(segments.id_text($1), $2, $3)';
COMMENT ON FUNCTION unsubscribe_contact(anyelement, text, text) IS 'As unsubscribe_contact(text, text, text), for an id of any type.';

CREATE FUNCTION conditions_sql(conditions segment_condition, audience text DEFAULT 'contacts', time_zone text DEFAULT NULL) RETURNS text
    LANGUAGE c STABLE AS 'MODULE_PATHNAME', 'conditions_sql_wrapper';
COMMENT ON FUNCTION conditions_sql(segment_condition, text, text) IS
    'The WHERE expression of a condition, over the column names of the audience''s table, its filter included. For contacts that do not match, it is false or NULL: negate the condition, not the expression.';
-- Explanations: what is wrong with a condition, why a contact is a member, which properties the contacts have.

CREATE FUNCTION validate_conditions(conditions text, audience text DEFAULT 'contacts', time_zone text DEFAULT NULL)
    RETURNS TABLE (severity text, path text, sqlstate text, message text, hint text)
    LANGUAGE c STABLE AS 'MODULE_PATHNAME', 'validate_conditions_wrapper';
COMMENT ON FUNCTION validate_conditions(text, text, text) IS
    'Every mistake in a condition at once, and notices about what is legal but probably not meant. Returns no row if there is nothing to say, and never raises an error.';
CREATE FUNCTION validate_conditions(conditions jsonb, audience text DEFAULT 'contacts', time_zone text DEFAULT NULL)
    RETURNS TABLE (severity text, path text, sqlstate text, message text, hint text)
    LANGUAGE sql STABLE AS 'SELECT * FROM @extschema@.validate_conditions($1::pg_catalog.text, $2, $3)';
COMMENT ON FUNCTION validate_conditions(jsonb, text, text) IS 'As validate_conditions(text, text, text).';
CREATE FUNCTION validate_conditions(conditions json, audience text DEFAULT 'contacts', time_zone text DEFAULT NULL)
    RETURNS TABLE (severity text, path text, sqlstate text, message text, hint text)
    LANGUAGE sql STABLE AS 'SELECT * FROM @extschema@.validate_conditions($1::pg_catalog.text, $2, $3)';
COMMENT ON FUNCTION validate_conditions(json, text, text) IS 'As validate_conditions(text, text, text).';

CREATE FUNCTION explain_match(contact_id text, segment uuid)
    RETURNS TABLE (path text, condition jsonb, value jsonb, matches boolean, note text)
    LANGUAGE c STABLE AS 'MODULE_PATHNAME', 'explain_match_wrapper';
COMMENT ON FUNCTION explain_match(text, uuid) IS
    'Each part of a segment''s condition, the value that it read from one contact, and whether it holds.';
CREATE FUNCTION explain_match(contact_id anyelement, segment uuid)
    RETURNS TABLE (path text, condition jsonb, value jsonb, matches boolean, note text)
    LANGUAGE sql STABLE AS 'SELECT * FROM @extschema@.explain_match(segments.id_text($1), $2)';
COMMENT ON FUNCTION explain_match(anyelement, uuid) IS 'As explain_match(text, uuid), for an id of any type.';

-- The planner expects many rows; without jit = off, compiling the plan would take most of the time.
CREATE FUNCTION infer_properties(audience text DEFAULT 'contacts', sample int DEFAULT 10000, "declare" boolean DEFAULT false)
    RETURNS TABLE (name text, type text, present numeric, distinct_values bigint, examples jsonb, declared boolean)
    LANGUAGE c SET jit = off AS 'MODULE_PATHNAME', 'infer_properties_wrapper';
COMMENT ON FUNCTION infer_properties(text, int, boolean) IS
    'The custom properties that a sample of the contacts has, also inside objects, with their types, the share of contacts that have them, and examples. At most 1,000, those that most contacts have; a NOTICE says if there are more. With "declare" it declares those that are not declared yet.';

CREATE FUNCTION segment_overlap(segments uuid[], audience text DEFAULT 'contacts') RETURNS TABLE (combination uuid[], contacts bigint)
    LANGUAGE c STABLE AS 'MODULE_PATHNAME', 'segment_overlap_wrapper';
COMMENT ON FUNCTION segment_overlap(uuid[], text) IS
    'For each combination of the segments that has contacts: how many contacts are in exactly these segments. It reads the contacts once.';

CREATE FUNCTION segment_statistics(segment uuid, properties text[] DEFAULT NULL)
    RETURNS TABLE (property text, type text, present numeric, audience_present numeric, member_values jsonb, audience_values jsonb)
    LANGUAGE c STABLE AS 'MODULE_PATHNAME', 'segment_statistics_wrapper';
COMMENT ON FUNCTION segment_statistics(uuid, text[]) IS
    'For each property, or all but the id that the caller may SELECT: which share of the members and of the audience have it, and its ten most frequent values, each with its share and lift. Of numbers and dates with more than 20 values: quantiles. It reads the contacts once.';
-- The same functions with ids and changes as text or json. They are for drivers that send the type of each parameter, and for segments
-- that are given by name. Postgres reads an untyped literal or parameter as text, as everywhere.

CREATE FUNCTION segments.segment_id(reference text) RETURNS uuid
    LANGUAGE c STABLE STRICT AS 'MODULE_PATHNAME', 'segment_id_wrapper';
COMMENT ON FUNCTION segments.segment_id(text) IS
    'The id of the segment that has this id, or this name if only one segment has it in the audiences that the caller may see.';
CREATE FUNCTION segments.segment_id(reference text, audience text) RETURNS uuid
    LANGUAGE c STABLE AS 'MODULE_PATHNAME', 'segment_id_in_audience_wrapper';
COMMENT ON FUNCTION segments.segment_id(text, text) IS 'The id of the segment of one audience that has this id or this name.';

CREATE FUNCTION get_segment(segment text) RETURNS segments.segment
    LANGUAGE sql STABLE AS 'SELECT @extschema@.get_segment(segments.segment_id($1))';
COMMENT ON FUNCTION get_segment(text) IS 'As get_segment(uuid), by id or name.';
CREATE FUNCTION get_segment(name text, audience text) RETURNS segments.segment
    LANGUAGE sql STABLE AS 'SELECT @extschema@.get_segment(segments.segment_id($1, $2))';
COMMENT ON FUNCTION get_segment(text, text) IS 'The segment of an audience that has this name, with its cached count.';

CREATE FUNCTION update_segment(segment uuid, changes json) RETURNS segments.segment
    LANGUAGE sql AS 'SELECT @extschema@.update_segment($1, $2::pg_catalog.jsonb)';
COMMENT ON FUNCTION update_segment(uuid, json) IS 'As update_segment(uuid, jsonb).';
CREATE FUNCTION update_segment(segment uuid, changes text) RETURNS segments.segment
    LANGUAGE sql AS 'SELECT @extschema@.update_segment($1, $2::pg_catalog.jsonb)';
COMMENT ON FUNCTION update_segment(uuid, text) IS 'As update_segment(uuid, jsonb).';
CREATE FUNCTION update_segment(segment text, changes jsonb) RETURNS segments.segment
    LANGUAGE sql AS 'SELECT @extschema@.update_segment(segments.segment_id($1), $2)';
COMMENT ON FUNCTION update_segment(text, jsonb) IS 'As update_segment(uuid, jsonb), by id or name.';
CREATE FUNCTION update_segment(segment text, changes json) RETURNS segments.segment
    LANGUAGE sql AS 'SELECT @extschema@.update_segment(segments.segment_id($1), $2::pg_catalog.jsonb)';
COMMENT ON FUNCTION update_segment(text, json) IS 'As update_segment(uuid, jsonb), by id or name.';
CREATE FUNCTION update_segment(segment text, changes text) RETURNS segments.segment
    LANGUAGE sql AS 'SELECT @extschema@.update_segment(segments.segment_id($1), $2::pg_catalog.jsonb)';
COMMENT ON FUNCTION update_segment(text, text) IS 'As update_segment(uuid, jsonb), by id or name.';

CREATE FUNCTION update_audience(name text, changes json) RETURNS void
    LANGUAGE sql AS 'SELECT @extschema@.update_audience($1, $2::pg_catalog.jsonb)';
COMMENT ON FUNCTION update_audience(text, json) IS 'As update_audience(text, jsonb).';
CREATE FUNCTION update_audience(name text, changes text) RETURNS void
    LANGUAGE sql AS 'SELECT @extschema@.update_audience($1, $2::pg_catalog.jsonb)';
COMMENT ON FUNCTION update_audience(text, text) IS 'As update_audience(text, jsonb).';

CREATE FUNCTION watch_segment(segment text, watched boolean DEFAULT true) RETURNS void
    LANGUAGE sql AS 'SELECT @extschema@.watch_segment(segments.segment_id($1), $2)';
COMMENT ON FUNCTION watch_segment(text, boolean) IS 'As watch_segment(uuid, boolean), by id or name.';

CREATE FUNCTION delete_segment(segment text) RETURNS uuid
    LANGUAGE sql AS 'SELECT @extschema@.delete_segment(segments.segment_id($1))';
COMMENT ON FUNCTION delete_segment(text) IS 'As delete_segment(uuid), by id or name.';

-- The calls list_segments() and list_segments('contacts') must stay unambiguous. So these overloads have no defaults, or begin with a
-- domain. Postgres prefers text to a domain: list_segments($1) means an audience, list_segments(after => $1) a cursor.
CREATE FUNCTION list_segments(audience text, page_size int, after text) RETURNS SETOF segments.segment
    LANGUAGE sql STABLE AS 'SELECT * FROM @extschema@.list_segments($1, $2, $3::pg_catalog.uuid)';
COMMENT ON FUNCTION list_segments(text, int, text) IS 'As list_segments(text, int, uuid, uuid).';
CREATE FUNCTION list_segments(audience text, page_size int, after text, before text) RETURNS SETOF segments.segment
    LANGUAGE sql STABLE AS 'SELECT * FROM @extschema@.list_segments($1, $2, $3::pg_catalog.uuid, $4::pg_catalog.uuid)';
COMMENT ON FUNCTION list_segments(text, int, text, text) IS 'As list_segments(text, int, uuid, uuid).';
CREATE DOMAIN segments.after_text AS text;
CREATE FUNCTION list_segments(after segments.after_text, page_size int DEFAULT 20, audience text DEFAULT NULL)
    RETURNS SETOF segments.segment
    LANGUAGE sql STABLE AS 'SELECT * FROM @extschema@.list_segments($3, $2, after => $1::pg_catalog.uuid)';
COMMENT ON FUNCTION list_segments(segments.after_text, int, text) IS 'As list_segments(text, int, uuid, uuid).';
CREATE DOMAIN segments.before_text AS text;
CREATE FUNCTION list_segments(before segments.before_text, page_size int DEFAULT 20, audience text DEFAULT NULL)
    RETURNS SETOF segments.segment
    LANGUAGE sql STABLE AS 'SELECT * FROM @extschema@.list_segments($3, $2, before => $1::pg_catalog.uuid)';
COMMENT ON FUNCTION list_segments(segments.before_text, int, text) IS 'As list_segments(text, int, uuid, uuid).';

CREATE FUNCTION segment_sql(segment text) RETURNS text
    LANGUAGE sql STABLE AS 'SELECT @extschema@.segment_sql(segments.segment_id($1))';
COMMENT ON FUNCTION segment_sql(text) IS 'As segment_sql(uuid), by id or name.';

CREATE FUNCTION segment_contacts(segment text, page_size int DEFAULT 20, after text DEFAULT NULL, before text DEFAULT NULL) RETURNS SETOF jsonb
    LANGUAGE sql STABLE AS 'SELECT * FROM @extschema@.segment_contacts(segments.segment_id($1), $2, $3, $4)';
COMMENT ON FUNCTION segment_contacts(text, int, text, text) IS 'As segment_contacts(uuid, int, text, text), by id or name.';

CREATE FUNCTION segment_members(segment text, id_type anyelement DEFAULT NULL::text) RETURNS SETOF anyelement
    LANGUAGE c STABLE COST 100000 SUPPORT segments.segment_members_support
    AS 'MODULE_PATHNAME', 'segment_members_named_wrapper';
COMMENT ON FUNCTION segment_members(text, anyelement) IS 'As segment_members(uuid, anyelement), by id or name.';

CREATE FUNCTION in_segment(contact_id text, segment text) RETURNS boolean
    LANGUAGE c STABLE STRICT PARALLEL RESTRICTED COST 1000 SUPPORT segments.in_segment_support
    AS 'MODULE_PATHNAME', 'in_segment_named_wrapper';
COMMENT ON FUNCTION in_segment(text, text) IS 'As in_segment(text, uuid), by id or name.';
CREATE FUNCTION in_segment(contact_id anyelement, segment text) RETURNS boolean
    LANGUAGE sql STABLE STRICT PARALLEL RESTRICTED COST 1000 SUPPORT segments.in_segment_support
    AS 'SELECT @extschema@.in_segment(segments.id_text($1), $2)';
COMMENT ON FUNCTION in_segment(anyelement, text) IS 'As in_segment(text, uuid), by id or name.';

CREATE FUNCTION explain_match(contact_id text, segment text)
    RETURNS TABLE (path text, condition jsonb, value jsonb, matches boolean, note text)
    LANGUAGE sql STABLE AS 'SELECT * FROM @extschema@.explain_match($1, segments.segment_id($2))';
COMMENT ON FUNCTION explain_match(text, text) IS 'As explain_match(text, uuid), by id or name.';
CREATE FUNCTION explain_match(contact_id anyelement, segment text)
    RETURNS TABLE (path text, condition jsonb, value jsonb, matches boolean, note text)
    LANGUAGE sql STABLE AS 'SELECT * FROM @extschema@.explain_match(segments.id_text($1), segments.segment_id($2))';
COMMENT ON FUNCTION explain_match(anyelement, text) IS 'As explain_match(text, uuid), by id or name.';

CREATE FUNCTION segment_statistics(segment text, properties text[] DEFAULT NULL)
    RETURNS TABLE (property text, type text, present numeric, audience_present numeric, member_values jsonb, audience_values jsonb)
    LANGUAGE sql STABLE AS 'SELECT * FROM @extschema@.segment_statistics(segments.segment_id($1), $2)';
COMMENT ON FUNCTION segment_statistics(text, text[]) IS 'As segment_statistics(uuid, text[]), by id or name.';

CREATE FUNCTION set_refresh_interval(audience text, every text) RETURNS void
    LANGUAGE sql AS 'SELECT @extschema@.set_refresh_interval($1, $2::pg_catalog.interval)';
COMMENT ON FUNCTION set_refresh_interval(text, text) IS 'As set_refresh_interval(text, interval).';
-- Audiences follow their tables when these are renamed, moved, dropped or restored.

CREATE FUNCTION segments.follow_column(relation regclass, name text, number smallint) RETURNS TABLE (present_name text, present_number smallint)
    LANGUAGE c STABLE ROWS 1 AS 'MODULE_PATHNAME', 'follow_column_wrapper';
COMMENT ON FUNCTION segments.follow_column(regclass, text, smallint) IS
    'The present name and number of a column: of the column of that name or, if there is none after a rename, of the column of that number. If there is neither, it returns what it was given.';

-- An audience's tables with their present names and those of their columns, and with the list of all columns of its tables.
CREATE FUNCTION segments.follow_columns(a segments.table_config) RETURNS segments.table_config
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
    a.attributes := ARRAY(SELECT format('%s %s %s %s', n.attrelid, n.attnum, n.atttypid, n.attname) FROM pg_attribute n
                           WHERE n.attrelid IN (a.relation, a.topics_relation) AND n.attnum > 0 AND NOT n.attisdropped
                           ORDER BY n.attrelid, n.attnum);
    IF a.columns IS NOT NULL THEN
        SELECT array_agg(f.present_name ORDER BY listed.position), array_agg(f.present_number ORDER BY listed.position)
          INTO a.columns, a.column_numbers
          FROM unnest(a.columns, a.column_numbers) WITH ORDINALITY listed(name, number, position),
               LATERAL segments.follow_column(a.relation, listed.name, listed.number) f;
    END IF;
    RETURN a;
END
$$;

-- Prepares a row that was attached, restored or replicated. Its column numbers may be those of a table in another database, and so may an
-- OID that the dump could not write as a name.
CREATE FUNCTION segments.number_columns() RETURNS trigger
    LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    IF segments.quoted_name(NEW.relation) IS DISTINCT FROM NEW.relation_name THEN
        NEW.relation := 0::oid;
    END IF;
    IF segments.quoted_name(NEW.topics_relation) IS DISTINCT FROM NEW.topics_relation_name THEN
        NEW.topics_relation := 0::oid;
    END IF;
    NEW.id_number := NULL;
    NEW.properties_number := NULL;
    NEW.created_number := NULL;
    NEW.column_numbers := NULL;
    NEW.topics_contact_number := NULL;
    NEW.topics_topic_number := NULL;
    RETURN segments.follow_columns(NEW);
END
$$;
CREATE TRIGGER number_columns BEFORE INSERT OR UPDATE OF relation, topics_relation ON segments.table_config
    FOR EACH ROW EXECUTE FUNCTION segments.number_columns();
ALTER TABLE segments.table_config ENABLE ALWAYS TRIGGER number_columns;

-- Replicated contacts do not fire the triggers that keep live counts.
CREATE FUNCTION segments.keep_periodic() RETURNS trigger
    LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    NEW.freshness := 'periodic';
    RETURN NEW;
END
$$;
CREATE TRIGGER keep_periodic BEFORE INSERT OR UPDATE ON segments.audience_config
    FOR EACH ROW EXECUTE FUNCTION segments.keep_periodic();
ALTER TABLE segments.audience_config ENABLE REPLICA TRIGGER keep_periodic;

CREATE FUNCTION segments.forget_dropped() RETURNS void
    LANGUAGE c AS 'MODULE_PATHNAME', 'forget_dropped_wrapper';
COMMENT ON FUNCTION segments.forget_dropped() IS
    'Takes the relations that a command has dropped out of the definitions of audiences. An event trigger calls it.';

-- Where there is no audience, the library is not needed.
CREATE FUNCTION segments.forget_dropped_relations() RETURNS event_trigger
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    IF to_regclass('segments.table_config') IS NOT NULL AND EXISTS (SELECT FROM segments.table_config) THEN
        PERFORM segments.forget_dropped();
    END IF;
EXCEPTION WHEN OTHERS THEN
    IF segments.must_fail(SQLSTATE) THEN
        RAISE;
    END IF;
    RAISE WARNING 'segments could not note which relations were dropped: %', SQLERRM;
END
$$;
-- There is no list of commands, because ALTER TABLE … DROP COLUMN … CASCADE drops views too.
CREATE EVENT TRIGGER segments_forget_dropped_relations ON sql_drop
    EXECUTE FUNCTION segments.forget_dropped_relations();

-- When a column is gone, the segments that read it lose their counts: if the column comes back, nobody knows what has changed meanwhile.
CREATE FUNCTION segments.follow_altered() RETURNS void
    LANGUAGE c AS 'MODULE_PATHNAME', 'follow_altered_wrapper';
COMMENT ON FUNCTION segments.follow_altered() IS
    'Writes the new names of relations and columns that a command has renamed into the definitions of audiences and the conditions of segments. An event trigger calls it.';

-- The planner expects many rows; without jit = off, compiling its plans would take most of the time.
CREATE FUNCTION segments.follow_renamed_relations() RETURNS event_trigger
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET jit = off AS $$
BEGIN
    IF to_regclass('segments.table_config') IS NOT NULL AND EXISTS (SELECT FROM segments.table_config) THEN
        PERFORM segments.follow_altered();
    END IF;
EXCEPTION WHEN OTHERS THEN
    IF segments.must_fail(SQLSTATE) THEN
        RAISE;
    END IF;
    RAISE WARNING 'segments could not follow what was renamed: %', SQLERRM;
END
$$;
CREATE EVENT TRIGGER segments_follow_renamed_relations ON ddl_command_end
    WHEN TAG IN ('ALTER TABLE', 'ALTER VIEW', 'ALTER MATERIALIZED VIEW', 'ALTER FOREIGN TABLE', 'ALTER SCHEMA', 'ALTER TYPE')
    EXECUTE FUNCTION segments.follow_renamed_relations();
-- Access: which role has which scope for which audience.

CREATE TABLE segments.access (
    -- By name, so that a dump restores it
    role name NOT NULL,
    scope text NOT NULL CHECK (scope IN ('read:segments', 'write:segments', 'read:contacts', 'write:contacts', 'read:counts')),
    -- NULL: every audience
    audience text REFERENCES segments.audience_config ON DELETE CASCADE ON UPDATE CASCADE,
    UNIQUE NULLS NOT DISTINCT (role, scope, audience)
);
CREATE INDEX access_audience ON segments.access (audience);
SELECT pg_catalog.pg_extension_config_dump('segments.access', '');
-- The table has no primary key, because audience may be NULL. Without a replica identity, a publication FOR ALL TABLES would make every
-- DELETE fail.
ALTER TABLE segments.access REPLICA IDENTITY FULL;
-- As on the tables of definitions: a kept plan with a segment's condition in it is for a role that may see the segment.
CREATE TRIGGER definitions_changed AFTER INSERT OR UPDATE OR DELETE OR TRUNCATE ON segments.access
    FOR EACH STATEMENT EXECUTE FUNCTION segments.definitions_changed();
CREATE TRIGGER definitions_replicated AFTER INSERT OR UPDATE OR DELETE ON segments.access
    FOR EACH ROW EXECUTE FUNCTION segments.definitions_changed();
ALTER TABLE segments.access ENABLE ALWAYS TRIGGER definitions_changed, ENABLE REPLICA TRIGGER definitions_replicated;

-- Roles that got USAGE of the extension's schema with their first scope. They lose it with their last one.
CREATE TABLE segments.schema_access (
    role name PRIMARY KEY
);
SELECT pg_catalog.pg_extension_config_dump('segments.schema_access', '');

CREATE FUNCTION segments.permits_every_audience(scopes text[]) RETURNS boolean
    LANGUAGE c STABLE STRICT PARALLEL RESTRICTED AS 'MODULE_PATHNAME', 'permits_every_audience_wrapper';
COMMENT ON FUNCTION segments.permits_every_audience(text[]) IS
    'Whether the caller has one of the scopes for every audience.';

CREATE FUNCTION segments.permitted_audiences(scopes text[]) RETURNS SETOF text
    LANGUAGE c STABLE STRICT PARALLEL RESTRICTED AS 'MODULE_PATHNAME', 'permitted_audiences_wrapper';
COMMENT ON FUNCTION segments.permitted_audiences(text[]) IS
    'The names of the audiences for which the caller has one of the scopes. A scope for every audience does not count.';

CREATE FUNCTION segments.permitted_sources(scopes text[]) RETURNS SETOF text
    LANGUAGE c STABLE STRICT PARALLEL RESTRICTED AS 'MODULE_PATHNAME', 'permitted_sources_wrapper';
COMMENT ON FUNCTION segments.permitted_sources(text[]) IS
    'The names of these audiences, or of those that they are based on: where their tables, properties and topics are declared.';

CREATE FUNCTION grant_segments_access(role regrole, scope text, audience text DEFAULT NULL) RETURNS void
    LANGUAGE c AS 'MODULE_PATHNAME', 'grant_segments_access_wrapper';
COMMENT ON FUNCTION grant_segments_access(regrole, text, text) IS
    'Gives a role read:segments, write:segments, read:contacts, write:contacts or read:counts, for one audience or for all. read:counts is granted for one audience, by the owner of its table.';

CREATE FUNCTION revoke_segments_access(role regrole, scope text, audience text DEFAULT NULL) RETURNS void
    LANGUAGE c AS 'MODULE_PATHNAME', 'revoke_segments_access_wrapper';
COMMENT ON FUNCTION revoke_segments_access(regrole, text, text) IS
    'Takes a scope from a role, for one audience or for all.';

-- For drivers that send the type of each parameter.
CREATE FUNCTION grant_segments_access(role text, scope text, audience text DEFAULT NULL) RETURNS void
    LANGUAGE sql AS 'SELECT @extschema@.grant_segments_access($1::pg_catalog.regrole, $2, $3)';
COMMENT ON FUNCTION grant_segments_access(text, text, text) IS 'As grant_segments_access(regrole, text, text).';
CREATE FUNCTION revoke_segments_access(role text, scope text, audience text DEFAULT NULL) RETURNS void
    LANGUAGE sql AS 'SELECT @extschema@.revoke_segments_access($1::pg_catalog.regrole, $2, $3)';
COMMENT ON FUNCTION revoke_segments_access(text, text, text) IS 'As revoke_segments_access(regrole, text, text).';

-- The tables of the extension that roles may read, one line each. Roles write to none of them; functions do, after they have
-- checked the scope. A role sees the rows of an audience for which it has one of the scopes or, where they are declarations, of an audience
-- on which such a one is based; where there are no scopes, the rows of a segment that it sees. If columns are listed, it may read only these.
CREATE FUNCTION segments.readable_tables() RETURNS TABLE (name name, key name, declares boolean, scopes text[], columns text)
    LANGUAGE sql IMMUTABLE AS $$
VALUES
    ('audience_config', 'name', false, '{read:segments,write:segments,read:contacts,write:contacts,read:counts}'::pg_catalog.text[], NULL),
    ('table_config', 'audience', true, '{read:segments,write:segments,read:contacts,write:contacts,read:counts}', NULL),
    ('property_config', 'audience', true, '{read:segments,write:segments,read:contacts,write:contacts,read:counts}', NULL),
    ('topic_config', 'audience', true, '{read:segments,write:segments,read:contacts,write:contacts,read:counts}', NULL),
    ('segment_config', 'audience', false, '{read:segments,write:segments,read:counts}', NULL),
    ('segment_reference', 'segment', false, NULL, NULL),
    ('segment_count', 'segment', false, NULL, 'segment, counted_at, changes_at'),
    ('segment_refresh', 'segment', false, NULL, NULL)
$$;

-- The scopes that give EXECUTE on a function, one line for each name. A function without a line is for the extension's owner alone.
CREATE FUNCTION segments.function_scopes() RETURNS TABLE (name name, scopes text[]) LANGUAGE sql IMMUTABLE AS $$
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
    ('visible_history', '{read:segments,read:counts}'),
    ('progress', '{read:segments,write:segments,read:counts}'),
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
    ('create_property', '{write:segments}'),
    ('drop_property', '{write:segments}'),
    ('create_topic', '{write:segments}'),
    ('set_freshness', '{write:segments}'),
    ('set_refresh_interval', '{write:segments}'),
    ('refresh_segments', '{write:segments}'),
    ('watch_segment', '{write:segments}'),
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
    ('segment_overlap', '{read:contacts}'),
    ('segment_statistics', '{read:contacts}'),
    ('infer_properties', '{read:contacts}'),
    ('segment_changes', '{read:contacts}'),
    ('newest_position', '{read:contacts}'),
    ('subscribe_contact', '{write:contacts}'),
    ('unsubscribe_contact', '{write:contacts}')
$$;

-- Deletes the scopes of a role that was dropped, so that a new role of the same name does not inherit them. A role with scopes has USAGE
-- of the schema segments. The privilege was dropped with the old role, so a role without it is a new one.
CREATE FUNCTION segments.forget_dropped_role(role oid) RETURNS void
    LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    IF NOT EXISTS (SELECT FROM pg_namespace n, aclexplode(n.nspacl) acl WHERE n.nspname = 'segments' AND acl.grantee = role) THEN
        DELETE FROM segments.access a WHERE a.role = pg_get_userbyid(forget_dropped_role.role);
        DELETE FROM segments.schema_access a WHERE a.role = pg_get_userbyid(forget_dropped_role.role);
    END IF;
END
$$;

-- Gives a role exactly the privileges on the extension's objects that its scopes imply.
CREATE FUNCTION segments.apply_access(role name) RETURNS void
    LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    extension CONSTANT oid := (SELECT oid FROM pg_extension WHERE extname = 'segments');
    owner CONSTANT name := (SELECT pg_get_userbyid(extowner) FROM pg_extension WHERE oid = extension);
    home CONSTANT regnamespace := (SELECT extnamespace FROM pg_extension WHERE oid = extension);
    granted CONSTANT text[] := ARRAY(SELECT DISTINCT a.scope FROM segments.access a WHERE a.role = apply_access.role);
    names text;
BEGIN
    IF role = owner THEN
        RETURN;
    END IF;
    -- Revoke everything first, so that the role has only what is granted below.
    EXECUTE format('REVOKE ALL ON ALL TABLES IN SCHEMA segments FROM %I', role);
    EXECUTE format('REVOKE ALL ON SCHEMA segments FROM %I', role);
    SELECT string_agg(p.oid::regprocedure::text, ', ') INTO names
      FROM pg_depend d JOIN pg_proc p ON p.oid = d.objid
     WHERE d.refclassid = 'pg_extension'::regclass AND d.refobjid = extension AND d.deptype = 'e'
       AND d.classid = 'pg_proc'::regclass;
    EXECUTE format('REVOKE ALL ON FUNCTION %s FROM %I', names, role);
    IF granted = '{}' THEN
        DELETE FROM segments.schema_access a WHERE a.role = apply_access.role;
        IF FOUND THEN
            EXECUTE format('REVOKE USAGE ON SCHEMA %s FROM %I', home, role);
        END IF;
        RETURN;
    END IF;
    EXECUTE format('GRANT USAGE ON SCHEMA segments TO %I', role);
    IF NOT has_schema_privilege(role, home, 'USAGE') THEN
        EXECUTE format('GRANT USAGE ON SCHEMA %s TO %I', home, role);
        INSERT INTO segments.schema_access VALUES (role) ON CONFLICT DO NOTHING;
    END IF;
    FOR names IN
        SELECT format(CASE WHEN t.columns IS NULL THEN 'SELECT ON segments.%1$I' ELSE 'SELECT (%2$s) ON segments.%1$I' END,
                      t.name, t.columns)
          FROM segments.readable_tables() t
        UNION ALL
        SELECT format('SELECT ON segments.%I', c.relname)
          FROM pg_depend d JOIN pg_class c ON c.oid = d.objid
         WHERE d.refclassid = 'pg_extension'::regclass AND d.refobjid = extension AND d.deptype = 'e'
           AND d.classid = 'pg_class'::regclass AND c.relkind = 'v'
    LOOP
        EXECUTE format('GRANT %s TO %I', names, role);
    END LOOP;
    SELECT string_agg(p.oid::regprocedure::text, ', ') INTO names
      FROM pg_depend d JOIN pg_proc p ON p.oid = d.objid JOIN segments.function_scopes() f ON f.name = p.proname
     WHERE d.refclassid = 'pg_extension'::regclass AND d.refobjid = extension AND d.deptype = 'e'
       AND d.classid = 'pg_proc'::regclass AND f.scopes && granted;
    EXECUTE format('GRANT EXECUTE ON FUNCTION %s TO %I', names, role);
END
$$;
COMMENT ON FUNCTION segments.apply_access(name) IS
    'Gives a role exactly the privileges on the extension''s functions and tables that its scopes in segments.access imply. grant_segments_access and revoke_segments_access call it.';

-- Privileges that an upgrade script grants would count as part of the extension, and no dump would contain them. So this trigger
-- applies the scopes to new objects after the script has run.
CREATE FUNCTION segments.apply_access_after_upgrade() RETURNS event_trigger
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    IF EXISTS (SELECT FROM pg_event_trigger_ddl_commands() c WHERE c.object_type = 'extension' AND c.object_identity = 'segments') THEN
        PERFORM segments.forget_dropped_role(r.oid), segments.apply_access(r.rolname)
           FROM pg_roles r WHERE r.rolname IN (SELECT a.role FROM segments.access a);
    END IF;
END
$$;
CREATE EVENT TRIGGER segments_apply_access_after_upgrade ON ddl_command_end WHEN TAG IN ('ALTER EXTENSION')
    EXECUTE FUNCTION segments.apply_access_after_upgrade();
-- The last script. It enables row security on the extension's tables, revokes what PUBLIC need not have, and lets the tables be restored
-- in any order. PUBLIC keeps the type, the operator, the property functions, and the aggregate with which owners of contacts' tables
-- count: it reads only its arguments.

-- A fixed search_path, so that no other object in the extension's schema takes part.
SET LOCAL search_path = pg_catalog, pg_temp;

DO $$
DECLARE
    readable record;
    names text;
BEGIN
    FOR readable IN SELECT * FROM segments.readable_tables() LOOP
        EXECUTE format('ALTER TABLE segments.%I ENABLE ROW LEVEL SECURITY', readable.name);
        EXECUTE CASE WHEN readable.scopes IS NULL THEN
            -- The policy on segment_config decides which segments these are.
            format('CREATE POLICY readable ON segments.%I FOR SELECT USING (
                        EXISTS (SELECT FROM segments.segment_config s WHERE s.id OPERATOR(pg_catalog.=) %I))',
                   readable.name, readable.key)
        ELSE
            -- Both sub-selects run once in a query, not once for each row.
            format('CREATE POLICY readable ON segments.%I FOR SELECT USING (
                        (SELECT segments.permits_every_audience(%L))
                        OR %I OPERATOR(pg_catalog.=) ANY (SELECT segments.%I(%L)))',
                   readable.name, readable.scopes, readable.key,
                   CASE WHEN readable.declares THEN 'permitted_sources' ELSE 'permitted_audiences' END, readable.scopes)
        END;
    END LOOP;

    SELECT string_agg(p.oid::regprocedure::text, ', ') INTO names
      FROM pg_depend d JOIN pg_proc p ON p.oid = d.objid
     WHERE d.refclassid = 'pg_extension'::regclass AND d.deptype = 'e' AND d.classid = 'pg_proc'::regclass
       AND d.refobjid = (SELECT oid FROM pg_extension WHERE extname = 'segments')
       AND p.oid NOT IN (SELECT unnest(ARRAY[t.typinput, t.typoutput, t.typreceive, t.typsend]::oid[]) FROM pg_type t
                          WHERE t.oid = '@extschema@.segment_condition'::regtype)
       AND p.oid NOT IN (SELECT o.oprcode FROM pg_operator o
                          WHERE '@extschema@.segment_condition'::regtype IN (o.oprleft, o.oprright))
       AND p.proname NOT IN ('property_text', 'property_number', 'property_boolean', 'property_date', 'property_timestamp', 'property_json', 'bucket_of', 'segments_tally');
    EXECUTE format('REVOKE EXECUTE ON FUNCTION %s FROM PUBLIC', names);

    -- DDL must be followed in sessions with session_replication_role = replica too.
    FOR names IN SELECT e.evtname FROM pg_event_trigger e JOIN pg_proc p ON p.oid = e.evtfoid
                  WHERE p.pronamespace = 'segments'::regnamespace LOOP
        EXECUTE format('ALTER EVENT TRIGGER %I ENABLE ALWAYS', names);
    END LOOP;
END
$$;

-- pg_restore --jobs fills the tables of an extension in any order, while their foreign keys are already in force. So foreign keys do not check
-- new rows here. That is safe: roles cannot write to these tables, and the functions that write lock the rows that they refer to.
-- Deletes and renames still cascade or are refused.
DO $$
DECLARE
    trigger record;
BEGIN
    FOR trigger IN
        SELECT t.tgrelid::regclass AS relation, t.tgname AS name
          FROM pg_trigger t JOIN pg_constraint k ON k.oid = t.tgconstraint
         WHERE k.contype = 'f' AND t.tgrelid = k.conrelid AND t.tgfoid IN ('"RI_FKey_check_ins"'::regproc, '"RI_FKey_check_upd"'::regproc)
           AND k.conrelid IN (SELECT objid FROM pg_depend
                               WHERE classid = 'pg_class'::regclass AND refclassid = 'pg_extension'::regclass AND deptype = 'e'
                                 AND refobjid = (SELECT oid FROM pg_extension WHERE extname = 'segments'))
    LOOP
        EXECUTE format('ALTER TABLE %s DISABLE TRIGGER %I', trigger.relation, trigger.name);
    END LOOP;
END
$$;
