-- Live counts: what each statement changed of them, recorded in its transaction.

-- One row for each statement that changed a count. Written by triggers alone; added to what segments.segment_count has.
CREATE TABLE segments.count_delta (
    audience text NOT NULL,
    segments uuid[] NOT NULL,
    deltas bigint[] NOT NULL
) WITH (autovacuum_vacuum_threshold = 1000, autovacuum_vacuum_scale_factor = 0);

CREATE FUNCTION segments.keep_counts() RETURNS trigger
    LANGUAGE c AS 'MODULE_PATHNAME', 'segments_keep_counts';
COMMENT ON FUNCTION segments.keep_counts() IS 'What the triggers of a table call whose counts are kept live; set_freshness() makes these.';

CREATE FUNCTION segments.fold_counts() RETURNS bigint
    LANGUAGE c AS 'MODULE_PATHNAME', 'fold_counts_wrapper';
COMMENT ON FUNCTION segments.fold_counts() IS
    'Adds the recorded changes of counts to the counts themselves, which no reader notices; how many rows of segments.count_delta that were.';

CREATE FUNCTION segments.how_kept(segment uuid) RETURNS text
    LANGUAGE c STABLE STRICT AS 'MODULE_PATHNAME', 'how_kept_wrapper';
COMMENT ON FUNCTION segments.how_kept(uuid) IS
    'live: by triggers; periodic: counted anew from time to time, as a segment of a live audience is, too, when it has dates relative to now.';

CREATE FUNCTION set_freshness(audience text, freshness text) RETURNS void
    LANGUAGE c STRICT AS 'MODULE_PATHNAME', 'set_freshness_wrapper';
COMMENT ON FUNCTION set_freshness(text, text) IS
    'How an audience''s counts are kept: periodic, counted anew from time to time; or live, by triggers on its table, exact in every snapshot.';
