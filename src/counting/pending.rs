//! Pending deltas: reading them, and folding them into the bases.
//!
//! Counting locks the bases and then reads members and deltas in one snapshot. So folding takes only deltas of segments
//! whose bases it has locked: another transaction may be counting the others and may have seen their deltas.

use crate::catalog::access;
use crate::catalog::segment::id_of;
use crate::counting::bases;
use crate::pg::{query, security, snapshot};
use pgrx::pg_sys::Oid;
use std::collections::{HashMap, HashSet};
use uuid::Uuid;

/// Folds the pending deltas of one audience, or of all. Returns how many rows were folded.
pub fn fold(audience: Option<&str>) -> i64 {
    if snapshot::is_kept_for_transaction() {
        return 0;
    }
    // Deltas of segments without a base could not be folded and would accumulate.
    let owner = access::extension_owner();
    let baseless = security::as_role(owner, || query::write_rows(BASELESS, &[audience.into()], |row| row.get(1)));
    if !baseless.is_empty() {
        bases::ensure(owner, &baseless);
    }
    fold_unlocked(audience)
}

/// Like [`fold`], but it does not wait, and leaves the deltas of segments without a base. This is for transactions that
/// hold locks.
pub fn fold_unlocked(audience: Option<&str>) -> i64 {
    // In an older snapshot, deleting deltas that others have folded since would raise an error.
    if snapshot::is_kept_for_transaction() {
        return 0;
    }
    security::as_role(access::extension_owner(), || {
        let locked: Vec<pgrx::Uuid> = query::write_rows(LOCK, &[audience.into()], |row| row.get(1));
        let folded = query::write_rows(FOLD, &[audience.into(), locked.into()], |row| row.get::<i64>(1));
        folded.into_iter().next().unwrap_or(0)
    })
}

/// The sum of the pending deltas of each segment, in the active snapshot.
pub fn of(extension_owner: Oid, segments: &[pgrx::Uuid]) -> HashMap<Uuid, i64> {
    let read = || query::rows(PENDING, &[segments.to_vec().into()], |row| (id_of(row.get(1)), row.get::<i64>(2)));
    security::as_role(extension_owner, read).into_iter().collect()
}

/// Those of the audiences that are live or have pending deltas, in the active snapshot.
pub fn unsettled(audiences: Vec<String>) -> HashSet<String> {
    let read = || query::rows(UNSETTLED, &[audiences.into()], |row| row.get::<String>(1));
    security::as_role(access::extension_owner(), read).into_iter().collect()
}

const UNSETTLED: &str = "
SELECT a.name FROM segments.audience_config a
 WHERE a.name = ANY ($1)
   AND (a.freshness = 'live' OR EXISTS (SELECT FROM segments.count_delta d WHERE d.audience = a.name))";

const BASELESS: &str = "
SELECT DISTINCT u.segment
  FROM segments.count_delta d
 CROSS JOIN LATERAL unnest(d.segments) u(segment)
  JOIN segments.segment_config s ON s.id = u.segment
 WHERE ($1 IS NULL OR d.audience = $1)
   AND NOT EXISTS (SELECT FROM segments.segment_count c WHERE c.segment = u.segment)";

// Recounting locks the bases in the same order.
const LOCK: &str = "
SELECT c.segment FROM segments.segment_count c
 WHERE c.segment = ANY (
       SELECT unnest(d.segments) FROM segments.count_delta d
        WHERE $1 IS NULL OR d.audience = $1)
 ORDER BY c.segment FOR UPDATE SKIP LOCKED";

const FOLD: &str = include_str!("../../sql/queries/fold_counts.sql");

const PENDING: &str = "
SELECT u.segment, sum(u.delta)::int8
  FROM segments.count_delta d,
       ROWS FROM (unnest(d.segments), unnest(d.deltas)) u(segment, delta)
 WHERE u.segment = ANY ($1) GROUP BY u.segment";
