//! Folding the differences that statements have recorded into the counts.

use crate::pg::{security, snapshot};
use crate::{access, query};
use pgrx::prelude::*;

/// Adds the differences of all audiences that are committed to the counts' base and forgets them; what readers see
/// stays the same. Returns how many rows of differences that were. Those that someone else is folding are left to them.
#[pg_extern(sql = false)]
fn fold_counts() -> i64 {
    fold(None)
}

/// As [`fold_counts`], of one audience.
pub fn fold(audience: Option<&str>) -> i64 {
    // In an older snapshot, differences that others have folded since would be an error.
    if snapshot::is_kept_for_transaction() {
        return 0;
    }
    security::as_role(access::extension_owner(), || {
        // The order in which recounting locks them too.
        query::write(
            "SELECT FROM segments.segment_count c
              WHERE c.segment OPERATOR(pg_catalog.=) ANY (
                    SELECT pg_catalog.unnest(d.segments) FROM segments.count_delta d
                     WHERE $1 IS NULL OR d.audience OPERATOR(pg_catalog.=) $1)
              ORDER BY c.segment FOR UPDATE",
            &[audience.into()],
        );
        query::write_rows(FOLD, &[audience.into()], |row| row.get::<i64>(1)).into_iter().next().unwrap_or(0)
    })
}

const FOLD: &str = "
WITH gone AS (
    DELETE FROM segments.count_delta d
     WHERE d.ctid OPERATOR(pg_catalog.=) ANY (ARRAY(
               SELECT f.ctid FROM segments.count_delta f
                WHERE $1 IS NULL OR f.audience OPERATOR(pg_catalog.=) $1 FOR UPDATE SKIP LOCKED))
    RETURNING d.segments, d.deltas),
sums AS (
    SELECT u.segment, pg_catalog.sum(u.delta)::pg_catalog.int8 AS delta
      FROM gone, ROWS FROM (pg_catalog.unnest(gone.segments), pg_catalog.unnest(gone.deltas)) u(segment, delta)
     GROUP BY u.segment),
folded AS (
    UPDATE segments.segment_count c SET contact_count = c.contact_count OPERATOR(pg_catalog.+) sums.delta
      FROM sums WHERE c.segment OPERATOR(pg_catalog.=) sums.segment)
SELECT pg_catalog.count(*) FROM gone";
