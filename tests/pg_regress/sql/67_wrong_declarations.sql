-- A superuser may declare a C function with arguments and results that it does not take or give. It raises: no value is read as another type.
\pset format unaligned
\pset tuples_only on
CREATE FUNCTION pg_temp.update_segment(segment uuid, changes int) RETURNS segments.segment
    LANGUAGE c AS '$libdir/segments', 'update_segment_wrapper';
SELECT pg_temp.update_segment(gen_random_uuid(), 7);

CREATE FUNCTION pg_temp.list_segments(
    audience text, page_size int, after uuid, before uuid) RETURNS TABLE (name text, description text)
    LANGUAGE c AS '$libdir/segments', 'list_segments_wrapper';
SELECT * FROM pg_temp.list_segments(NULL, 10, NULL, NULL);

CREATE FUNCTION pg_temp.unnamed_columns(audience text, page_size int, after uuid, before uuid) RETURNS SETOF record
    LANGUAGE c AS '$libdir/segments', 'list_segments_wrapper';
SELECT pg_temp.unnamed_columns(NULL, 10, NULL, NULL);
CREATE FUNCTION pg_temp.one_row(audience text, page_size int, after uuid, before uuid) RETURNS int
    LANGUAGE c AS '$libdir/segments', 'list_segments_wrapper';
SELECT pg_temp.one_row(NULL, 10, NULL, NULL);
