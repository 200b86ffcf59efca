-- What counts ought to be. setup.sql reads this, so that every test has it.

-- The segments of some audiences whose count is not that of their members. No row: all is well.
CREATE FUNCTION wrong_counts(VARIADIC audiences text[]) RETURNS TABLE (segment text, shown bigint, there_are bigint)
    LANGUAGE sql AS $$
    SELECT s.name, s.contact_count, members.there_are
      FROM segments.segment s, LATERAL (SELECT count(*) AS there_are FROM segment_members(s.id)) members
     WHERE s.audience = ANY (audiences) AND s.contact_count IS DISTINCT FROM members.there_are
     ORDER BY s.id
$$;

-- All counts of an audience; those that are wrong, where there are any.
CREATE FUNCTION counts_of(audience text) RETURNS text LANGUAGE sql AS $$
    SELECT coalesce('WRONG: ' || (SELECT string_agg(format('%s %s, not %s', segment, shown, there_are), ', ') FROM wrong_counts(audience)),
                    (SELECT string_agg(format('%s %s', s.name, s.contact_count), ', ' ORDER BY s.id)
                       FROM segments.segment s WHERE s.audience = counts_of.audience))
$$;

-- Why a statement is refused: the SQLSTATE with the message, then the detail and the hint.
CREATE FUNCTION refusal_of(statement text) RETURNS SETOF text LANGUAGE plpgsql AS $$
DECLARE
    message text;
    detail text;
    hint text;
BEGIN
    EXECUTE statement;
    RETURN NEXT 'not refused';
EXCEPTION WHEN OTHERS THEN
    GET STACKED DIAGNOSTICS message = MESSAGE_TEXT, detail = PG_EXCEPTION_DETAIL, hint = PG_EXCEPTION_HINT;
    RETURN NEXT concat(SQLSTATE, ': ', message);
    RETURN NEXT '  ' || detail;
    RETURN NEXT '  ' || hint;
END
$$;
