-- Deletes from the history of the audience $1 what is too old to be kept: all counts but one a minute after an hour, but one an hour
-- after two days, and but one a day after 60 days. What was older at $2, when that was done last, is not looked at again.
WITH age(unit, since, until) AS (
    VALUES ('minute', coalesce($2 - interval '1 hour 1 minute', '-infinity'), clock_timestamp() - interval '1 hour'),
           ('hour', coalesce($2 - interval '2 days 1 hour', '-infinity'), clock_timestamp() - interval '2 days'),
           ('day', coalesce($2 - interval '61 days', '-infinity'), clock_timestamp() - interval '60 days')),
old AS (
    SELECT r.segment, r.counted_at, age.unit,
           lead(r.counted_at) OVER (PARTITION BY age.unit, r.segment ORDER BY r.counted_at) AS next
      FROM age, segments.segment_config s
      JOIN segments.count_record r ON r.segment = s.id
     WHERE s.audience = $1 AND r.counted_at >= age.since AND r.counted_at < age.until)
DELETE FROM segments.count_record r
 USING old
 WHERE r.segment = old.segment AND r.counted_at = old.counted_at
   AND date_trunc(old.unit, old.counted_at, 'UTC') = date_trunc(old.unit, old.next, 'UTC')
