//! Locks on the bases of counts, and forgetting them (see [`counting`](crate::counting)).

use crate::catalog::access;
use crate::pg::{query, security, snapshot};
use crate::shared::board;
use pgrx::pg_sys::Oid;

/// Has others wait until the transaction ends that count these segments, and keeps changes of their counts from being
/// folded. The segments come in the order of their ids. Counts are locked last: whoever locks tables or segments, too,
/// locks these first, so that nobody waits in a circle.
pub fn lock(extension_owner: Oid, segments: &[pgrx::Uuid]) {
    security::as_role(extension_owner, || {
        query::write_latest(ENSURE, &[segments.to_vec().into()]);
        query::write_latest(LOCK, &[segments.to_vec().into()]);
    });
}

/// As [`lock`], and the segments are not deleted, nor change, until the transaction ends.
pub fn lock_with_segments(extension_owner: Oid, segments: &[pgrx::Uuid]) {
    keep_segments(extension_owner, segments);
    lock(extension_owner, segments);
}

/// Has each of these segments, which are not deleted until the transaction ends, have a base, though it be NULL. Waits
/// for whoever gives one a base, and would not be seen before they have committed.
pub fn ensure(extension_owner: Oid, segments: &[pgrx::Uuid]) {
    keep_segments(extension_owner, segments);
    security::as_role(extension_owner, || query::write_latest(ENSURE, &[segments.to_vec().into()]));
}

/// Forgets the counts of audiences. Whoever is counting them is waited for: what they count may be over already.
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

const SEGMENTS: &str = "
SELECT s.id FROM segments.segment_config s WHERE s.audience = ANY ($1) ORDER BY s.id";

const FORGET: &str = "
DELETE FROM segments.segment_count c WHERE c.segment = ANY ($1)";
