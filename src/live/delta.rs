//! Differences of counts: recorded by each statement, folded into the base from time to time.

use crate::pg::{security, snapshot};
use crate::{access, query};
use pgrx::pg_sys::Oid;
use pgrx::prelude::*;
use std::collections::BTreeMap;
use uuid::Uuid;

/// By how much the counts of segments change.
#[derive(Default)]
pub struct Deltas(BTreeMap<Uuid, i64>);

impl Extend<(Uuid, i64)> for Deltas {
    fn extend<T: IntoIterator<Item = (Uuid, i64)>>(&mut self, changes: T) {
        for (segment, delta) in changes {
            if delta != 0 {
                *self.0.entry(segment).or_default() += delta;
            }
        }
    }
}

/// Records differences, as part of the transaction that made them.
pub fn append(audience: &str, extension_owner: Oid, Deltas(deltas): Deltas) {
    let changed = deltas.into_iter().filter(|(_, delta)| *delta != 0);
    let (segments, deltas): (Vec<_>, Vec<_>) =
        changed.map(|(segment, delta)| (pgrx::Uuid::from_bytes(*segment.as_bytes()), delta)).unzip();
    if segments.is_empty() {
        return;
    }
    security::as_role(extension_owner, || {
        query::write(
            "INSERT INTO segments.count_delta (audience, segments, deltas) VALUES ($1, $2, $3)",
            &[audience.into(), segments.into(), deltas.into()],
        )
    });
}

/// Adds the differences that are committed to the counts' base and forgets them; what readers see stays the same.
/// Returns how many rows of differences that were. Those that someone else is folding are left to them.
#[pg_extern(sql = false)]
fn fold_counts() -> i64 {
    // In an older snapshot, differences that others have folded since would be an error.
    if snapshot::is_kept_for_transaction() {
        return 0;
    }
    security::as_role(access::extension_owner(), || {
        // The order in which recounting locks them too.
        query::write(
            "SELECT FROM segments.segment_count c
              WHERE c.segment OPERATOR(pg_catalog.=) ANY (
                    SELECT pg_catalog.unnest(d.segments) FROM segments.count_delta d)
              ORDER BY c.segment FOR UPDATE",
            &[],
        );
        query::write_rows(FOLD, &[], |row| row.get::<i64>(1)).into_iter().next().unwrap_or(0)
    })
}

const FOLD: &str = "
WITH gone AS (
    DELETE FROM segments.count_delta d
     WHERE d.ctid OPERATOR(pg_catalog.=) ANY (ARRAY(SELECT f.ctid FROM segments.count_delta f FOR UPDATE SKIP LOCKED))
    RETURNING d.segments, d.deltas),
sums AS (
    SELECT u.segment, pg_catalog.sum(u.delta)::pg_catalog.int8 AS delta
      FROM gone, ROWS FROM (pg_catalog.unnest(gone.segments), pg_catalog.unnest(gone.deltas)) u(segment, delta)
     GROUP BY u.segment),
folded AS (
    UPDATE segments.segment_count c SET contact_count = c.contact_count OPERATOR(pg_catalog.+) sums.delta
      FROM sums WHERE c.segment OPERATOR(pg_catalog.=) sums.segment)
SELECT pg_catalog.count(*) FROM gone";
