-- Counts brought up to date.

CREATE FUNCTION refresh_segments(audience text DEFAULT NULL)
    RETURNS TABLE (segment uuid, contact_count bigint, error text)
    LANGUAGE c AS 'MODULE_PATHNAME', 'refresh_segments_wrapper';
COMMENT ON FUNCTION refresh_segments(text) IS
    'Counts the segments of an audience anew, or of all audiences; a segment that makes no sense any more has an error in place of its count.';
