-- Refreshes: counting segments again, the errors met, and the history of counts.

-- The result of a segment's last refresh. Only refreshes write it.
CREATE TABLE segments.segment_refresh (
    segment uuid PRIMARY KEY REFERENCES segments.segment_config ON DELETE CASCADE,
    -- How long the refresh took, for all segments that it counted
    duration interval NOT NULL,
    error text,
    failed_at timestamptz,
    -- How many refreshes have failed since the last one that did not
    failures int NOT NULL DEFAULT 0
);

-- The history of counts. segments.visible_history decides who may see it.
CREATE TABLE segments.count_record (
    segment uuid REFERENCES segments.segment_config ON DELETE CASCADE,
    counted_at timestamptz,
    contact_count bigint NOT NULL,
    PRIMARY KEY (segment, counted_at)
);

-- How far the history of an audience has been thinned out.
CREATE TABLE segments.history_state (
    audience text PRIMARY KEY REFERENCES segments.audience_config ON DELETE CASCADE ON UPDATE CASCADE,
    thinned_at timestamptz NOT NULL,
    thinned_before timestamptz
);

SELECT pg_catalog.pg_extension_config_dump('segments.segment_refresh', '');
SELECT pg_catalog.pg_extension_config_dump('segments.count_record', '');
SELECT pg_catalog.pg_extension_config_dump('segments.history_state', '');

CREATE FUNCTION segments.tally_row(state internal, plan text, VARIADIC columns "any") RETURNS internal
    LANGUAGE c IMMUTABLE PARALLEL SAFE COST 100 AS 'MODULE_PATHNAME', 'segments_tally_row';
CREATE FUNCTION segments.tally_combine(state internal, other internal) RETURNS internal
    LANGUAGE c IMMUTABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'segments_tally_combine';
CREATE FUNCTION segments.tally_serialize(state internal) RETURNS bytea
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'segments_tally_serialize';
CREATE FUNCTION segments.tally_deserialize(state bytea, other internal) RETURNS internal
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'segments_tally_deserialize';
CREATE FUNCTION segments.tally_counts(state internal) RETURNS bigint[]
    LANGUAGE c IMMUTABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'segments_tally_counts';
-- It is not in the schema segments, because the owner of a table may have no USAGE there.
CREATE AGGREGATE segments_tally(plan text, VARIADIC columns "any") (
    SFUNC = segments.tally_row, STYPE = internal, FINALFUNC = segments.tally_counts,
    COMBINEFUNC = segments.tally_combine, SERIALFUNC = segments.tally_serialize,
    DESERIALFUNC = segments.tally_deserialize, PARALLEL = SAFE
);
COMMENT ON AGGREGATE segments_tally(text, "any") IS
    'How many rows satisfy each of many conditions. Refreshes call it, as the owner of the contacts'' table.';

CREATE FUNCTION segments.gather_row(state internal, plan text, VARIADIC columns "any") RETURNS internal
    LANGUAGE c IMMUTABLE PARALLEL SAFE COST 100 AS 'MODULE_PATHNAME', 'segments_gather_row';
CREATE FUNCTION segments.gather_answers(state internal) RETURNS bytea
    LANGUAGE c IMMUTABLE PARALLEL SAFE COST 100 AS 'MODULE_PATHNAME', 'segments_gather_answers';
CREATE AGGREGATE segments_gather(plan text, VARIADIC columns "any") (
    SFUNC = segments.gather_row, STYPE = internal, FINALFUNC = segments.gather_answers, FINALFUNC_MODIFY = READ_WRITE, PARALLEL = SAFE
);
COMMENT ON AGGREGATE segments_gather(text, "any") IS
    'Which of many tests the rows of a relation satisfy that one contact has. Refreshes call it, as the owner of the contacts'' table.';

CREATE FUNCTION refresh_segments(audience text DEFAULT NULL)
    RETURNS TABLE (segment uuid, contact_count bigint, error text)
    LANGUAGE c AS 'MODULE_PATHNAME', 'refresh_segments_wrapper';
COMMENT ON FUNCTION refresh_segments(text) IS
    'Counts all segments of an audience again, in one snapshot; without an audience, those of every audience whose segments the caller may write. For a segment that cannot be counted, error says why; the others are counted.';

CREATE FUNCTION set_refresh_interval(audience text, every interval) RETURNS void
    LANGUAGE c AS 'MODULE_PATHNAME', 'set_refresh_interval_wrapper';
COMMENT ON FUNCTION set_refresh_interval(text, interval) IS
    'Sets how long after a count the segments of an audience are due again. NULL: as the setting segments.refresh_interval says.';

CREATE FUNCTION segments.refresh_due() RETURNS bigint
    LANGUAGE c AS 'MODULE_PATHNAME', 'refresh_due_wrapper';
COMMENT ON FUNCTION segments.refresh_due() IS
    'Counts the segments of all audiences that are due, and returns how many those were.';

CREATE FUNCTION segments.wake_worker() RETURNS void
    LANGUAGE c AS 'MODULE_PATHNAME', 'wake_worker_wrapper';
COMMENT ON FUNCTION segments.wake_worker() IS
    'Makes the background worker look at this database now. A NOTICE says if there is no worker, because the library is not preloaded.';

-- The casts in these views give operands exactly the types of Postgres's own operators. No operator in the extension's schema can fit better.
CREATE VIEW segments.segment_status WITH (security_invoker) AS
SELECT s.id AS segment, s.audience, s.name, k.kept, c.counted_at,
       CASE WHEN k.kept = 'periodic' OR c.counted_at IS NULL THEN
           -- After failures the interval grows, by at most a day.
           greatest(least(coalesce(c.counted_at + i.refresh_interval, s.created_at),
                          -- If counting takes long, at most a tenth of the time is spent on it.
                          CASE WHEN c.changes_at IS NOT NULL THEN greatest(c.changes_at, c.counted_at + r.duration * 10::float8) END),
                    r.failed_at + i.refresh_interval
                                + least(i.refresh_interval * (2::float8 ^ least(r.failures - 1, 20)::float8 - 1::float8), interval '1 day'))
       END AS due,
       r.duration, r.error, r.failed_at, i.refresh_interval,
       CASE WHEN a.freshness = 'live' AND k.kept = 'periodic' THEN segments.why_periodic(s.id) END AS why_periodic
  FROM segments.segment_config s
  JOIN segments.audience_config a ON a.name = s.audience
  LEFT JOIN segments.segment_count c ON c.segment = s.id
  LEFT JOIN segments.segment_refresh r ON r.segment = s.id
 CROSS JOIN LATERAL (SELECT coalesce(a.refresh_interval, segments.default_refresh_interval())) i(refresh_interval)
 CROSS JOIN LATERAL (SELECT CASE a.freshness WHEN 'live' THEN segments.how_kept(s.id) ELSE 'periodic' END OFFSET 0) k(kept);
COMMENT ON VIEW segments.segment_status IS
    'How each segment''s count is kept, when it is due, how long the last refresh took, and why it failed; of a live audience, also why triggers do not keep the count. A periodic segment is due an interval after its count, or sooner if its dates relative to now have come to mean something else. A segment without a count is due at once.';

CREATE FUNCTION segments.visible_history(segment uuid) RETURNS TABLE (counted_at timestamptz, contact_count bigint)
    LANGUAGE c STABLE STRICT AS 'MODULE_PATHNAME', 'visible_history_wrapper';
COMMENT ON FUNCTION segments.visible_history(uuid) IS
    'The counts that a segment has had. They are NULL for a caller who could not have counted.';

CREATE VIEW segments.count_history WITH (security_invoker) AS
SELECT s.id AS segment, h.counted_at, h.contact_count
  FROM segments.segment_config s CROSS JOIN LATERAL segments.visible_history(s.id) h;
COMMENT ON VIEW segments.count_history IS
    'The counts of each segment''s refreshes: all of the last hour, one a minute of the last two days, one an hour of the last two months, one a day before that.';

CREATE FUNCTION segments.progress()
    RETURNS TABLE (audience text, pid int, phase text, segments_done bigint, segments_total bigint,
                   rows_done bigint, rows_total bigint)
    LANGUAGE c VOLATILE AS 'MODULE_PATHNAME', 'progress_wrapper';
COMMENT ON FUNCTION segments.progress() IS 'The refreshes that run, as shared memory has them.';

CREATE VIEW segments.refresh_progress WITH (security_invoker) AS
SELECT a.name AS audience, l.pid, coalesce(p.phase, CASE WHEN l.granted THEN 'running' ELSE 'waiting' END) AS phase,
       p.segments_done, p.segments_total, p.rows_done, p.rows_total
  FROM segments.audience_config a
  JOIN pg_catalog.pg_locks l
    ON l.locktype = 'advisory' AND l.classid = 1936025453::oid AND l.objsubid = 3
   AND l.objid = hashtext(a.name)::bigint::bit(32)::bigint::oid
   AND l.database = (SELECT d.oid FROM pg_catalog.pg_database d WHERE d.datname = current_database())
  LEFT JOIN segments.progress() p ON p.pid = l.pid AND l.granted
   -- Shared memory has only the beginning of a long name.
   AND (p.audience = a.name OR octet_length(a.name) > 256 AND starts_with(a.name, p.audience));
COMMENT ON VIEW segments.refresh_progress IS
    'Refreshes that run or wait for their turn. If the library is in shared_preload_libraries, the view also shows how far they are.';

-- A NOTICE says if nothing runs in the background.
SELECT segments.wake_worker();
