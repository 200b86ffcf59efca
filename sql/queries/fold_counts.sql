-- Adds recorded deltas to the counts $2, which are locked, and deletes them; of the audience $1, or of all. Returns how many rows of
-- deltas these were. Deltas of a segment that was deleted are deleted, too.
WITH kept AS MATERIALIZED (
    SELECT s.id FROM segments.segment_config s
     WHERE NOT EXISTS (SELECT FROM unnest($2) l(id) WHERE l.id = s.id)),
gone AS (
    DELETE FROM segments.count_delta d
     WHERE d.ctid = ANY (ARRAY(
               SELECT f.ctid FROM segments.count_delta f
                WHERE ($1 IS NULL OR f.audience = $1)
                  AND NOT EXISTS (SELECT FROM unnest(f.segments) u(segment)
                                   -- IS TRUE makes Postgres hash the others once, not for each row of deltas.
                                   WHERE (u.segment = ANY (SELECT kept.id FROM kept)) IS TRUE)
                  FOR UPDATE OF f SKIP LOCKED))
    RETURNING d.segments, d.deltas),
sums AS (
    SELECT u.segment, sum(u.delta)::int8 AS delta
      FROM gone, ROWS FROM (unnest(gone.segments), unnest(gone.deltas)) u(segment, delta)
     GROUP BY u.segment),
folded AS (
    UPDATE segments.segment_count c SET contact_count = c.contact_count + sums.delta
      FROM sums WHERE c.segment = sums.segment)
SELECT count(*) FROM gone
