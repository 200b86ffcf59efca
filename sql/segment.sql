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
