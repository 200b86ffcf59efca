//! Cached counts, as readers see them.

use crate::catalog::access;
use crate::catalog::audience::Audience;
use crate::catalog::freshness::is_live;
use crate::catalog::segment::{Definition, datum, id_of};
use crate::catalog::visible::counted_condition;
use crate::counting::strategy;
use crate::pg::{query, security, snapshot};
use std::collections::HashMap;
use uuid::Uuid;

/// Reads the cached counts of an audience for one statement.
#[derive(Default)]
pub struct CachedCounts {
    /// The pending deltas by segment, with the snapshot that they were read in
    pending: Option<([u32; 5], HashMap<Uuid, i64>)>,
}

impl CachedCounts {
    /// The cached count of a segment; `None` if it has none. It does not check whether the role may see it.
    pub fn of(&mut self, segment: &Definition) -> Option<i64> {
        security::as_role(access::extension_owner(), || {
            snapshot::of_statement(|| {
                let base = query::first(BASE, &[datum(segment.id).into()], |row| row.nullable::<i64>(1))??;
                Some(base + self.pending(&segment.audience).get(&segment.id).copied().unwrap_or(0))
            })
        })
    }

    /// The cached counts of many segments of one audience. Segments without a count are left out.
    pub fn of_all(&mut self, audience: &str, segments: &[pgrx::Uuid]) -> HashMap<Uuid, i64> {
        security::as_role(access::extension_owner(), || {
            snapshot::of_statement(|| {
                let bases =
                    query::rows(BASES, &[segments.to_vec().into()], |row| (id_of(row.get(1)), row.get::<i64>(2)));
                let pending = self.pending(audience);
                let with_pending = |(id, base)| (id, base + pending.get(&id).copied().unwrap_or(0));
                bases.into_iter().map(with_pending).collect()
            })
        })
    }

    fn pending(&mut self, audience: &str) -> &HashMap<Uuid, i64> {
        let identity = snapshot::identity();
        let known = self.pending.take().filter(|(snapshot, _)| *snapshot == identity);
        let read =
            || query::rows(PENDING_OF_AUDIENCE, &[audience.into()], |row| (id_of(row.get(1)), row.get::<i64>(2)));
        &self.pending.insert(known.unwrap_or_else(|| (identity, read().into_iter().collect()))).1
    }
}

/// Counts a live segment whose count is not stored, as after a restore, because dumps leave counts out. Until it is
/// counted again, each reader counts it. `None` if counting raises an error: a list of many segments must not fail because
/// of one, and the next refresh records the error.
pub fn where_none_is_kept(audience: &Audience, segment: &Definition) -> Option<i64> {
    let check = || Some(counted_condition(audience, segment).ok()?.checked);
    let checked = is_live(&audience.name).then(|| security::as_role(access::extension_owner(), check))??;
    strategy::each(audience, &[checked], None).pop()?.ok()
}

const BASE: &str = "
SELECT c.contact_count FROM segments.segment_count c WHERE c.segment = $1";

const BASES: &str = "
SELECT c.segment, c.contact_count FROM segments.segment_count c
 WHERE c.segment = ANY ($1) AND c.contact_count IS NOT NULL";

const PENDING_OF_AUDIENCE: &str = "
SELECT u.segment, sum(u.delta)::int8
  FROM segments.count_delta d,
       ROWS FROM (unnest(d.segments), unnest(d.deltas)) u(segment, delta)
 WHERE d.audience = $1 GROUP BY u.segment";
