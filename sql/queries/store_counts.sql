-- Stores what a refresh has counted at the time $5 in $6 seconds: of the segments $1, the counts $2, the bases $3, the errors $4, and
-- when the conditions will mean something else, $8. The caller has locked the bases. A segment keeps a count that is not the one of the
-- time $7 any more, which the refresh saw: it was counted meanwhile, perhaps by a definition that the refresh did not see. Segments that
-- were deleted meanwhile are left out; the others are locked, because no foreign key looks at new rows (see sql/finalize.sql).
WITH outcome AS MATERIALIZED (
    SELECT s.id AS segment, o.contact_count, o.base, o.error, o.changes_at,
           c.counted_at IS NOT DISTINCT FROM o.seen_at AS was_seen
      FROM ROWS FROM (unnest($1), unnest($2), unnest($3), unnest($4), unnest($7), unnest($8))
           o(id, contact_count, base, error, seen_at, changes_at)
      JOIN segments.segment_config s ON s.id = o.id
      LEFT JOIN segments.segment_count c ON c.segment = o.id
     ORDER BY o.id),
stored AS (
    INSERT INTO segments.segment_count (segment, contact_count, counted_at, changes_at)
    SELECT o.segment, o.base, $5, o.changes_at FROM outcome o WHERE o.error IS NULL AND o.was_seen
        ON CONFLICT (segment) DO UPDATE
       SET contact_count = excluded.contact_count, counted_at = excluded.counted_at, changes_at = excluded.changes_at),
remembered AS (
    INSERT INTO segments.count_record (segment, counted_at, contact_count)
    SELECT o.segment, $5, o.contact_count FROM outcome o WHERE o.error IS NULL AND o.was_seen
        ON CONFLICT DO NOTHING)
INSERT INTO segments.segment_refresh AS r (segment, duration, error, failed_at, failures)
SELECT o.segment, make_interval(secs => $6), o.error, CASE WHEN o.error IS NOT NULL THEN $5 END,
       CASE WHEN o.error IS NOT NULL THEN 1 ELSE 0 END
  FROM outcome o
    ON CONFLICT (segment) DO UPDATE
   SET duration = excluded.duration, error = excluded.error, failed_at = excluded.failed_at,
       failures = CASE WHEN excluded.error IS NULL THEN 0 ELSE r.failures + 1 END
