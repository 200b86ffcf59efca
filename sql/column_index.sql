-- The column index: the access method, its operator classes, and how much of each table is served.

CREATE FUNCTION segments.index_handler(internal) RETURNS index_am_handler
    LANGUAGE c AS 'MODULE_PATHNAME', 'segments_index_handler';
COMMENT ON FUNCTION segments.index_handler(internal) IS 'The index access method segments.';

CREATE ACCESS METHOD segments TYPE INDEX HANDLER segments.index_handler;
COMMENT ON ACCESS METHOD segments IS 'Column index for counting: images of the table''s pages in columns';

-- One for each type of columns that conditions can use. A class says only that columns of its type can be indexed; it has no operators.
-- Postgres takes that of text for varchar and citext, that of inet for cidr, and for a domain that of its base type.
CREATE OPERATOR CLASS segments.jsonb_ops DEFAULT FOR TYPE jsonb USING segments AS STORAGE jsonb;
CREATE OPERATOR CLASS segments.json_ops DEFAULT FOR TYPE json USING segments AS STORAGE json;
CREATE OPERATOR CLASS segments.text_ops DEFAULT FOR TYPE text USING segments AS STORAGE text;
CREATE OPERATOR CLASS segments.bpchar_ops DEFAULT FOR TYPE bpchar USING segments AS STORAGE bpchar;
CREATE OPERATOR CLASS segments.name_ops DEFAULT FOR TYPE name USING segments AS STORAGE name;
CREATE OPERATOR CLASS segments.uuid_ops DEFAULT FOR TYPE uuid USING segments AS STORAGE uuid;
CREATE OPERATOR CLASS segments.inet_ops DEFAULT FOR TYPE inet USING segments AS STORAGE inet;
CREATE OPERATOR CLASS segments.bool_ops DEFAULT FOR TYPE bool USING segments AS STORAGE bool;
CREATE OPERATOR CLASS segments.int2_ops DEFAULT FOR TYPE int2 USING segments AS STORAGE int2;
CREATE OPERATOR CLASS segments.int4_ops DEFAULT FOR TYPE int4 USING segments AS STORAGE int4;
CREATE OPERATOR CLASS segments.int8_ops DEFAULT FOR TYPE int8 USING segments AS STORAGE int8;
CREATE OPERATOR CLASS segments.numeric_ops DEFAULT FOR TYPE numeric USING segments AS STORAGE numeric;
CREATE OPERATOR CLASS segments.float4_ops DEFAULT FOR TYPE float4 USING segments AS STORAGE float4;
CREATE OPERATOR CLASS segments.float8_ops DEFAULT FOR TYPE float8 USING segments AS STORAGE float8;
CREATE OPERATOR CLASS segments.date_ops DEFAULT FOR TYPE date USING segments AS STORAGE date;
CREATE OPERATOR CLASS segments.timestamp_ops DEFAULT FOR TYPE timestamp USING segments AS STORAGE timestamp;
CREATE OPERATOR CLASS segments.timestamptz_ops DEFAULT FOR TYPE timestamptz USING segments AS STORAGE timestamptz;
CREATE OPERATOR CLASS segments.enum_ops DEFAULT FOR TYPE anyenum USING segments AS STORAGE anyenum;
CREATE OPERATOR CLASS segments.array_ops DEFAULT FOR TYPE anyarray USING segments AS STORAGE anyarray;

CREATE FUNCTION segments.index_pages(index regclass)
    RETURNS TABLE (pages bigint, image_pages bigint, changed_pages bigint, not_visible_pages bigint, uncovered_pages bigint,
                   bytes bigint, folded_at timestamptz, note text)
    LANGUAGE c VOLATILE STRICT AS 'MODULE_PATHNAME', 'index_pages_wrapper';
COMMENT ON FUNCTION segments.index_pages(regclass) IS
    'The pages of the table that a column index is on, each counted once. No row for an index whose pages this session cannot read.';

CREATE FUNCTION segments_fold(index regclass) RETURNS bigint
    LANGUAGE c AS 'MODULE_PATHNAME', 'segments_fold_wrapper';
COMMENT ON FUNCTION segments_fold(regclass) IS
    'Makes images of the pages of a table that its column index has none of, if everybody sees all their rows; returns how many. For the owner of the table.';

CREATE FUNCTION segments_check_index(index regclass, share real DEFAULT 1) RETURNS SETOF text
    LANGUAGE c AS 'MODULE_PATHNAME', 'segments_check_index_wrapper';
COMMENT ON FUNCTION segments_check_index(regclass, real) IS
    'Compares the images of a column index, or a share of them, with the table, in one snapshot. No row: nothing is wrong. For the owner of the table.';

CREATE VIEW segments.index_status WITH (security_invoker) AS
SELECT i.indexrelid::regclass AS index, i.indrelid::regclass AS relation, p.pages, p.image_pages, p.changed_pages,
       p.not_visible_pages, p.uncovered_pages, p.bytes, p.folded_at,
       CASE WHEN i.indisvalid THEN p.note ELSE 'it is not valid: REINDEX it, or drop it' END AS note
  FROM pg_catalog.pg_index i
  JOIN pg_catalog.pg_class c ON c.oid = i.indexrelid
  JOIN pg_catalog.pg_am m ON m.oid = c.relam AND m.amname = 'segments'::name
 CROSS JOIN LATERAL segments.index_pages(c.oid::regclass) p;
COMMENT ON VIEW segments.index_status IS
    'How much of each table its column index serves: pages that are counted from images, and why the others are not.';
