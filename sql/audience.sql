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

SELECT pg_catalog.pg_extension_config_dump('segments.audience_config', '');
SELECT pg_catalog.pg_extension_config_dump('segments.table_config', '');
SELECT pg_catalog.pg_extension_config_dump('segments.property_config', '');
SELECT pg_catalog.pg_extension_config_dump('segments.topic_config', '');
SELECT pg_catalog.pg_extension_config_dump('segments.relation_config', '');

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
    'Makes a table an audience, without changing the table. Without id_column it takes the primary key; columns limits which columns are properties; scope is the filter, a condition that limits which rows are contacts; dates are read in time_zone, UTC if it is left out. With based_on instead of a table, the audience has the table, zone, properties, topics and relations of another, and only a filter and segments of its own.';

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
