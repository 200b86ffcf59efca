-- Explaining: what is wrong with a condition, why a contact is a member, which properties there are.

CREATE FUNCTION validate_conditions(conditions text, audience text DEFAULT 'contacts')
    RETURNS TABLE (severity text, path text, sqlstate text, message text, hint text)
    LANGUAGE c STABLE AS 'MODULE_PATHNAME', 'validate_conditions_wrapper';
COMMENT ON FUNCTION validate_conditions(text, text) IS
    'Every mistake in a condition at once, and notices of what is legal and probably not meant; no row when there is nothing to say. Never raises.';
CREATE FUNCTION validate_conditions(conditions jsonb, audience text DEFAULT 'contacts')
    RETURNS TABLE (severity text, path text, sqlstate text, message text, hint text)
    LANGUAGE sql STABLE AS 'SELECT * FROM @extschema@.validate_conditions($1::pg_catalog.text, $2)';
CREATE FUNCTION validate_conditions(conditions json, audience text DEFAULT 'contacts')
    RETURNS TABLE (severity text, path text, sqlstate text, message text, hint text)
    LANGUAGE sql STABLE AS 'SELECT * FROM @extschema@.validate_conditions($1::pg_catalog.text, $2)';

CREATE FUNCTION explain_match(contact_id text, segment uuid)
    RETURNS TABLE (path text, condition jsonb, value jsonb, matches boolean, note text)
    LANGUAGE c STABLE AS 'MODULE_PATHNAME', 'explain_match_wrapper';
COMMENT ON FUNCTION explain_match(text, uuid) IS
    'Each part of a segment''s condition, the value it saw on one contact, and whether it holds.';
CREATE FUNCTION explain_match(contact_id anyelement, segment uuid)
    RETURNS TABLE (path text, condition jsonb, value jsonb, matches boolean, note text)
    LANGUAGE sql STABLE AS 'SELECT * FROM @extschema@.explain_match(segments.id_text($1), $2)';

CREATE FUNCTION infer_properties(audience text DEFAULT 'contacts', sample int DEFAULT 10000, "declare" boolean DEFAULT false)
    RETURNS TABLE (name text, type text, present numeric, distinct_values bigint, examples jsonb, declared boolean)
    LANGUAGE c AS 'MODULE_PATHNAME', 'infer_properties_wrapper';
COMMENT ON FUNCTION infer_properties(text, int, boolean) IS
    'The custom properties that a sample of the contacts has, also inside objects: type, share of the contacts that have it, examples. At most 1,000, those that most contacts have; a NOTICE says when there are more. With "declare", those that are not declared yet are.';
