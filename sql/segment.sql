-- Segments: named conditions over one audience.

CREATE TABLE segments.segment_config (
    id uuid PRIMARY KEY,
    audience text NOT NULL REFERENCES segments.audience_config ON UPDATE CASCADE,
    name text NOT NULL CHECK (char_length(name) BETWEEN 1 AND 100),
    description text CHECK (char_length(description) <= 500),
    conditions @extschema@.segment_condition NOT NULL,
    time_zone text NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    UNIQUE (audience, name)
);
-- For segments that are given by name alone.
CREATE INDEX segment_config_name ON segments.segment_config (name);

-- Which segments another one refers to, and how its conditions name them. When one of them is renamed, the conditions say
-- its new name, and so does the reference.
CREATE TABLE segments.segment_reference (
    segment uuid NOT NULL REFERENCES segments.segment_config ON DELETE CASCADE,
    reference text NOT NULL,
    target uuid NOT NULL REFERENCES segments.segment_config,
    PRIMARY KEY (segment, reference)
);
CREATE INDEX segment_reference_target ON segments.segment_reference (target);

-- Written by the extension alone; who may see a count is for segments.visible_count to say.
CREATE TABLE segments.segment_count (
    segment uuid PRIMARY KEY REFERENCES segments.segment_config ON DELETE CASCADE,
    contact_count bigint,
    counted_at timestamptz,
    -- When the condition means something else than it did then, because it has dates relative to now; NULL: never
    changes_at timestamptz
);

SELECT pg_catalog.pg_extension_config_dump('segments.segment_config', '');
SELECT pg_catalog.pg_extension_config_dump('segments.segment_reference', '');
-- Not of live audiences: where triggers are in force while data are restored, they would count the contacts again.
SELECT pg_catalog.pg_extension_config_dump('segments.segment_count',
    'WHERE segment IN (SELECT s.id FROM segments.segment_config s JOIN segments.audience_config a ON a.name = s.audience
                        WHERE a.freshness <> ''live'')');

CREATE FUNCTION segments.visible_count(segment uuid)
    -- So much that a page is cut before its counts are asked for.
    RETURNS bigint LANGUAGE c STABLE STRICT COST 10000 AS 'MODULE_PATHNAME', 'visible_count_wrapper';
COMMENT ON FUNCTION segments.visible_count(uuid) IS
    'The cached count of a segment; NULL for whoever could not have counted for themselves.';

CREATE VIEW segments.segment WITH (security_invoker) AS
SELECT 'segment'::text AS object, s.id, s.name, s.description, s.conditions::jsonb AS conditions, s.audience, s.time_zone,
       segments.visible_count(s.id) AS contact_count,
       c.counted_at, s.created_at, s.updated_at
FROM segments.segment_config s LEFT JOIN segments.segment_count c ON c.segment = s.id;
COMMENT ON VIEW segments.segment IS
    'Segments with their cached counts. contact_count is NULL for whoever could not have counted for themselves.';

CREATE FUNCTION create_segment(
    name text, conditions segment_condition, description text DEFAULT NULL,
    audience text DEFAULT 'contacts', time_zone text DEFAULT 'UTC'
) RETURNS segments.segment LANGUAGE c AS 'MODULE_PATHNAME', 'create_segment_wrapper';
COMMENT ON FUNCTION create_segment(text, segment_condition, text, text, text) IS
    'Stores a condition under a name and counts its members at once, exactly.';

CREATE FUNCTION update_segment(segment uuid, changes jsonb) RETURNS segments.segment
    LANGUAGE c AS 'MODULE_PATHNAME', 'update_segment_wrapper';
COMMENT ON FUNCTION update_segment(uuid, jsonb) IS
    'Changes what is given of name, description, conditions and time_zone, and recounts.';

CREATE FUNCTION get_segment(segment uuid) RETURNS segments.segment
    LANGUAGE c STABLE AS 'MODULE_PATHNAME', 'get_segment_wrapper';
COMMENT ON FUNCTION get_segment(uuid) IS 'A segment with its cached count.';

CREATE FUNCTION delete_segment(segment uuid) RETURNS uuid
    LANGUAGE c AS 'MODULE_PATHNAME', 'delete_segment_wrapper';
COMMENT ON FUNCTION delete_segment(uuid) IS 'Deletes a segment and returns its id; the contacts are not touched. Refused while another segment refers to it.';

CREATE FUNCTION list_segments(audience text DEFAULT NULL, page_size int DEFAULT 20, after uuid DEFAULT NULL, before uuid DEFAULT NULL)
    RETURNS SETOF segments.segment LANGUAGE c STABLE AS 'MODULE_PATHNAME', 'list_segments_wrapper';
COMMENT ON FUNCTION list_segments(text, int, uuid, uuid) IS
    'Segments, newest first, at most 100 a page; after and before take the id of the last and first one of the page at hand.';

CREATE FUNCTION segment_sql(segment uuid) RETURNS text
    LANGUAGE c STABLE AS 'MODULE_PATHNAME', 'segment_sql_wrapper';
COMMENT ON FUNCTION segment_sql(uuid) IS 'The WHERE expression that a segment is, over the column names of its table.';
