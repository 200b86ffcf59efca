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
