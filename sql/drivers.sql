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

CREATE FUNCTION segments_fold(index text) RETURNS bigint
    LANGUAGE sql AS 'SELECT @extschema@.segments_fold($1::pg_catalog.regclass)';
COMMENT ON FUNCTION segments_fold(text) IS 'As segments_fold(regclass), by name.';

CREATE FUNCTION segments_check_index(index text, share real DEFAULT 1) RETURNS SETOF text
    LANGUAGE sql AS 'SELECT @extschema@.segments_check_index($1::pg_catalog.regclass, $2)';
COMMENT ON FUNCTION segments_check_index(text, real) IS 'As segments_check_index(regclass, real), by name.';

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
