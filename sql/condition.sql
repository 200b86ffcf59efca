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
