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

CREATE FUNCTION explain_count(conditions segment_condition, audience text DEFAULT 'contacts')
    RETURNS TABLE (relation regclass, way text, image_pages bigint, heap_pages bigint, ms numeric, note text)
    LANGUAGE c STABLE AS 'MODULE_PATHNAME', 'explain_count_wrapper';
COMMENT ON FUNCTION explain_count(segment_condition, text) IS
    'Counts the contacts that satisfy a condition, and says by which way: through a column index, with the pages that were counted from images and row by row, or by a query, and why not through an index.';

CREATE FUNCTION segment_overlap(segments uuid[], audience text DEFAULT 'contacts') RETURNS TABLE (combination uuid[], contacts bigint)
    LANGUAGE c STABLE AS 'MODULE_PATHNAME', 'segment_overlap_wrapper';
COMMENT ON FUNCTION segment_overlap(uuid[], text) IS
    'For each combination of the segments that has contacts: how many contacts are in exactly these segments. It reads the contacts once.';

CREATE FUNCTION segment_statistics(segment uuid, properties text[] DEFAULT NULL)
    RETURNS TABLE (property text, type text, present numeric, audience_present numeric, member_values jsonb, audience_values jsonb)
    LANGUAGE c STABLE AS 'MODULE_PATHNAME', 'segment_statistics_wrapper';
COMMENT ON FUNCTION segment_statistics(uuid, text[]) IS
    'For each property, or all but the id that the caller may SELECT: which share of the members and of the audience have it, and its ten most frequent values, each with its share and lift. Of numbers and dates with more than 20 values: quantiles. It reads the contacts once.';
