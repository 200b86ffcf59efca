//! Locking the bases of counts, and forgetting them (see [`counting`](crate::counting)).

use crate::catalog::access;
use crate::catalog::segment::id_of;
use crate::pg::{query, security, snapshot};
use crate::shared::board;
use pgrx::datum::TimestampWithTimeZone;
use pgrx::pg_sys::Oid;
use std::collections::HashSet;
use uuid::Uuid;

/// Locks the bases of segments until the transaction ends. Meanwhile others who count these segments wait, and deltas
/// are not folded. `segments` is sorted by id. Bases are locked after tables and segments, so that transactions do not
/// wait in a circle.
pub fn lock(extension_owner: Oid, segments: &[pgrx::Uuid]) {
    security::as_role(extension_owner, || {
        query::write_latest(ENSURE, &[segments.to_vec().into()]);
        query::write_latest(LOCK, &[segments.to_vec().into()]);
    });
}

/// Like [`lock`], and also keeps the segments from being deleted or changed until the transaction ends.
pub fn lock_with_segments(extension_owner: Oid, segments: &[pgrx::Uuid]) {
    keep_segments(extension_owner, segments);
    lock(extension_owner, segments);
}

/// Like [`lock_with_segments`], for a transaction that has locked some bases already, which may not be the first ones in
/// the order of ids: it waits for nobody. Returns the segments whose bases are locked; others are being counted or changed
/// by other transactions, or have no base.
pub fn lock_free(extension_owner: Oid, segments: &[pgrx::Uuid]) -> HashSet<Uuid> {
    let locked = || query::write_latest_rows(LOCK_FREE, &[segments.to_vec().into()], |row| id_of(row.get(1)));
    security::as_role(extension_owner, locked).into_iter().collect()
}

/// Inserts a base of NULL for those of the segments that have none. Where there is one, nothing is locked.
pub fn ensure_missing(extension_owner: Oid, segments: &[pgrx::Uuid]) {
    let baseless = || query::write_latest_rows(BASELESS, &[segments.to_vec().into()], |row| row.get(1));
    let baseless: Vec<pgrx::Uuid> = security::as_role(extension_owner, baseless);
    if !baseless.is_empty() {
        ensure(extension_owner, &baseless);
    }
}

/// Inserts a base of NULL for each segment that has none, and locks the segments against deletion until the transaction
/// ends. If another transaction is inserting a base, it waits for that, because the row is not visible before.
pub fn ensure(extension_owner: Oid, segments: &[pgrx::Uuid]) {
    keep_segments(extension_owner, segments);
    security::as_role(extension_owner, || query::write_latest(ENSURE, &[segments.to_vec().into()]));
}

/// When the counts of segments were taken, in this order.
pub fn counted_at(extension_owner: Oid, segments: Vec<pgrx::Uuid>) -> Vec<Option<TimestampWithTimeZone>> {
    security::as_role(extension_owner, || query::rows(COUNTED_AT, &[segments.into()], |row| row.nullable(1)))
}

/// Forgets the counts of audiences. Waits for transactions that are counting them, because their counts may already be
/// outdated.
pub fn forget(audiences: Vec<String>) {
    let segments: Vec<pgrx::Uuid> = snapshot::latest(|| query::rows(SEGMENTS, &[audiences.into()], |row| row.get(1)));
    if segments.is_empty() {
        return;
    }
    lock(access::extension_owner(), &segments);
    access::write_latest(FORGET, &[segments.into()]);
    board::wake();
}

fn keep_segments(extension_owner: Oid, segments: &[pgrx::Uuid]) {
    security::as_role(extension_owner, || query::write_latest(KEEP_SEGMENTS, &[segments.to_vec().into()]));
}

const KEEP_SEGMENTS: &str = "
SELECT FROM segments.segment_config s WHERE s.id = ANY ($1) ORDER BY s.id FOR KEY SHARE";

const ENSURE: &str = "
INSERT INTO segments.segment_count (segment)
SELECT s.id FROM segments.segment_config s WHERE s.id = ANY ($1) ORDER BY s.id
    ON CONFLICT DO NOTHING";

const LOCK: &str = "
SELECT FROM segments.segment_count c WHERE c.segment = ANY ($1) ORDER BY c.segment FOR UPDATE";

const LOCK_FREE: &str = "
SELECT c.segment FROM segments.segment_count c
  JOIN segments.segment_config s ON s.id = c.segment
 WHERE c.segment = ANY ($1)
   FOR KEY SHARE OF s SKIP LOCKED FOR UPDATE OF c SKIP LOCKED";

const BASELESS: &str = "
SELECT s.id FROM segments.segment_config s
 WHERE s.id = ANY ($1)
   AND NOT EXISTS (SELECT FROM segments.segment_count c WHERE c.segment = s.id)";

const COUNTED_AT: &str = "
SELECT c.counted_at FROM unnest($1) WITH ORDINALITY s(id, place)
  LEFT JOIN segments.segment_count c ON c.segment = s.id ORDER BY s.place";

const SEGMENTS: &str = "
SELECT s.id FROM segments.segment_config s WHERE s.audience = ANY ($1) ORDER BY s.id";

const FORGET: &str = "
DELETE FROM segments.segment_count c WHERE c.segment = ANY ($1)";
