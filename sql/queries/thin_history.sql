-- Deletes from the history of the audiences $1 what is too old to be kept: all counts but one a minute after an hour, but one an hour
-- after two days, and but one a day after 60 days. What was older at the times $2, when that was done last, is not looked at again.
WITH age(unit, audience, since, until) AS (
    SELECT kept.unit, a.name, coalesce(a.since - kept.age - kept.width, '-infinity'), clock_timestamp() - kept.age
      FROM ROWS FROM (unnest($1), unnest($2)) a(name, since),
           (VALUES ('minute', interval '1 hour', interval '1 minute'),
                   ('hour', interval '2 days', interval '1 hour'),
                   ('day', interval '60 days', interval '1 day')) kept(unit, age, width)),
old AS (
    SELECT r.segment, r.counted_at, age.unit,
           lead(r.counted_at) OVER (PARTITION BY age.unit, r.segment ORDER BY r.counted_at) AS next
      FROM age
      JOIN segments.segment_config s ON s.audience = age.audience
      JOIN segments.count_record r ON r.segment = s.id AND r.counted_at >= age.since AND r.counted_at < age.until)
DELETE FROM segments.count_record r
 USING old
 WHERE r.segment = old.segment AND r.counted_at = old.counted_at
   AND date_trunc(old.unit, old.counted_at, 'UTC') = date_trunc(old.unit, old.next, 'UTC')
