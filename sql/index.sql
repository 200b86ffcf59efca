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
