//! Storing counts, and thinning out the history of counts as it ages.

use crate::counting::bases;
use crate::counting::take::Columns;
use crate::pg::{query, security, snapshot};
use pgrx::pg_sys::Oid;
use pgrx::prelude::*;

/// Stores the result of a recount. A segment that could not be counted loses its count. The caller has locked the
/// bases.
pub fn recounted(extension_owner: Oid, counted: Columns) {
    let Columns { segments, counts, bases, changes_at, .. } = counted;
    let arguments = [segments.into(), counts.into(), bases.into(), changes_at.into()];
    security::as_role(extension_owner, || query::write_latest(KEEP, &arguments));
}

/// The result of a refresh.
pub struct Refreshed<'a> {
    pub audience: &'a str,
    pub counted: Columns,
    /// When the snapshot was taken
    pub taken_at: TimestampWithTimeZone,
    pub seconds: f64,
    /// Whether the audience was live. If so, these counts always replace the stored ones
    pub is_live: bool,
}

impl Refreshed<'_> {
    /// Stores the result. A segment that could not be counted keeps its count, and the reason is recorded. For an
    /// audience that is not live, a stored count that is newer than the snapshot stays.
    pub fn store(self, extension_owner: Oid) {
        let Columns { segments, counts, bases, errors, changes_at } = self.counted;
        bases::lock_with_segments(extension_owner, &segments);
        let arguments = [
            segments.into(),
            counts.into(),
            bases.into(),
            errors.into(),
            self.taken_at.into(),
            self.seconds.into(),
            self.is_live.into(),
            changes_at.into(),
        ];
        security::as_role(extension_owner, || {
            query::write_latest(STORE, &arguments);
            thin(self.audience);
        });
    }
}

/// Thins out the history of an audience, once an hour. Of counts older than an hour the last of each minute stays, of
/// those older than two days the last of each hour, and of those older than two months the last of each day. Each call
/// looks only at counts that have reached such an age since the last call.
fn thin(audience: &str) {
    // In such a transaction, another one may have thinned the history since the snapshot, and deleting would raise an
    // error.
    if snapshot::is_kept_for_transaction() {
        return;
    }
    let since = query::write_rows(THINNED, &[audience.into()], |row| row.nullable::<TimestampWithTimeZone>(1));
    if let Some(since) = since.into_iter().next() {
        query::write(THIN, &[audience.into(), since.into()]);
    }
}

const KEEP: &str = "
WITH kept AS (
    UPDATE segments.segment_count c
       SET contact_count = n.base, counted_at = clock_timestamp(), changes_at = n.changes_at
      FROM ROWS FROM (unnest($1), unnest($2), unnest($3), unnest($4))
           n(segment, contact_count, base, changes_at)
     WHERE c.segment = n.segment
    RETURNING n.segment, c.counted_at, n.contact_count)
INSERT INTO segments.count_record (segment, counted_at, contact_count)
SELECT k.segment, k.counted_at, k.contact_count FROM kept k WHERE k.contact_count IS NOT NULL
    ON CONFLICT DO NOTHING";

// Segments that have been deleted are left out. The others are locked, because no foreign key checks new rows (see
// sql/finalize.sql).
const STORE: &str = "
WITH outcome AS MATERIALIZED (
    SELECT s.id AS segment, o.contact_count, o.base, o.error, o.changes_at
      FROM ROWS FROM (unnest($1), unnest($2), unnest($3), unnest($4), unnest($8))
           o(id, contact_count, base, error, changes_at)
      JOIN segments.segment_config s ON s.id = o.id),
stored AS (
    INSERT INTO segments.segment_count AS c (segment, contact_count, counted_at, changes_at)
    SELECT o.segment, o.base, $5, o.changes_at FROM outcome o WHERE o.error IS NULL
        ON CONFLICT (segment) DO UPDATE
       SET contact_count = excluded.contact_count, counted_at = excluded.counted_at, changes_at = excluded.changes_at
     WHERE $7 OR c.counted_at IS NULL OR c.counted_at < excluded.counted_at),
remembered AS (
    INSERT INTO segments.count_record (segment, counted_at, contact_count)
    SELECT o.segment, $5, o.contact_count FROM outcome o WHERE o.error IS NULL
        ON CONFLICT DO NOTHING)
INSERT INTO segments.segment_refresh AS r (segment, duration, error, failed_at, failures)
SELECT o.segment, make_interval(secs => $6), o.error, CASE WHEN o.error IS NOT NULL THEN $5 END,
       CASE WHEN o.error IS NOT NULL THEN 1 ELSE 0 END
  FROM outcome o
    ON CONFLICT (segment) DO UPDATE
   SET duration = excluded.duration, error = excluded.error, failed_at = excluded.failed_at,
       failures = CASE WHEN excluded.error IS NULL THEN 0 ELSE r.failures + 1 END";

const THINNED: &str = "
INSERT INTO segments.history_state AS h (audience, thinned_at)
SELECT a.name, clock_timestamp() FROM segments.audience_config a WHERE a.name = $1
    ON CONFLICT (audience) DO UPDATE SET thinned_at = excluded.thinned_at, thinned_before = h.thinned_at
 WHERE h.thinned_at < excluded.thinned_at - interval '1 hour'
RETURNING thinned_before";

const THIN: &str = "
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
   AND date_trunc(old.unit, old.counted_at, 'UTC') = date_trunc(old.unit, old.next, 'UTC')";
