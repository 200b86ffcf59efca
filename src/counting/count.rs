//! Counting members, and keeping the counts.
//!
//! What is kept of a segment is a base, to which the changes of live segments since then are added
//! (see [`live`]). What is read is always their sum.

use crate::catalog::access;
use crate::catalog::audience::Audience;
use crate::catalog::contact_sql;
use crate::catalog::scope;
use crate::catalog::scope::CheckedCondition;
use crate::catalog::segment::{Definition, id_of};
use crate::catalog::visible;
use crate::counting::members;
use crate::live::definition_locks;
use crate::pg::error::Failure;
use crate::pg::query;
use crate::pg::security;
use crate::pg::snapshot;
use crate::pg::subtransaction;
use crate::pg::subtransaction::Raised;
use pgrx::datum::TimestampWithTimeZone;
use pgrx::pg_sys::Oid;
use segments_core::date::Instant;
use segments_core::expr::Checked;
use std::collections::HashMap;
use uuid::Uuid;

/// How many contacts satisfy a condition, with the rights of the current role.
pub fn as_caller(audience: &Audience, checked: &Checked) -> i64 {
    count(&query_for(audience, checked))
}

/// How many contacts satisfy a condition, counted as the table's owner in a security-restricted operation, as
/// REFRESH MATERIALIZED VIEW computes what it stores.
pub fn as_owner(audience: &Audience, checked: &Checked) -> i64 {
    let sql = audience.reading(&query_for(audience, checked));
    security::as_role_restricted(audience.relation.owner, || count(&sql))
}

/// How many members a live segment has whose count is not kept: a dump leaves it out. Until it is counted again, it is
/// counted for each reader.
pub fn where_none_is_kept(audience: &Audience, segment: &Definition) -> Option<i64> {
    let check = || scope::check_segment(audience, segment);
    let checked =
        definition_locks::is_live(&audience.name).then(|| security::as_role(access::extension_owner(), check).ok())?;
    Some(as_owner(audience, &checked?.checked))
}

pub fn query_for(audience: &Audience, checked: &Checked) -> String {
    format!(
        "SELECT pg_catalog.count(*) FROM {} WHERE {}",
        audience.relation.quoted(),
        contact_sql::executable_sql(audience, checked)
    )
}

fn count(sql: &String) -> i64 {
    query::first(sql, &[], |row| row.get(1)).unwrap_or(0)
}

/// Counts segments of an audience anew and keeps the counts. A segment that makes no sense any more has none.
///
/// It needs no lock against writers. All is read in one snapshot: the definitions, the members, and the changes that
/// are to be added to the base, which becomes what is missing. Changes that commit later were made to members that were
/// counted.
pub fn recount(audience: &Audience, segments: &[Definition]) {
    let mut ids: Vec<pgrx::Uuid> = segments.iter().map(|segment| datum(segment.id)).collect();
    ids.sort();
    let owner = access::extension_owner();
    lock(owner, &ids);
    let (counts, pending) = snapshot::latest(|| {
        let checked: Vec<(Uuid, Option<CheckedCondition>)> = security::as_role(owner, || {
            let audience = Audience::try_load(&audience.name).ok();
            let checked = |id| scope::check_segment(audience.as_ref()?, &Definition::find(id)?).ok();
            segments.iter().map(|segment| (segment.id, checked(segment.id))).collect()
        });
        let conditions: Vec<Checked> =
            checked.iter().filter_map(|(_, checked)| Some(checked.as_ref()?.checked.clone())).collect();
        let counted = subtransaction::attempt(|| members::of_all(audience, &conditions, None));
        let mut counted = counted.unwrap_or_else(|raised| raise(raised, audience, segments)).into_iter();
        let counts = checked.into_iter().map(|(id, checked)| {
            let counted = checked.and_then(|checked| Some((counted.next()?, checked.changes_at)));
            (id, counted.unzip())
        });
        (counts.collect::<Vec<_>>(), pending_of(owner, &ids))
    });
    let base = |id: &Uuid, count: Option<i64>| count.map(|count| count - pending.get(id).copied().unwrap_or(0));
    let ids: Vec<_> = counts.iter().map(|(id, _)| datum(*id)).collect();
    let bases: Vec<_> = counts.iter().map(|(id, (count, _))| base(id, *count)).collect();
    let changes: Vec<_> = counts
        .iter()
        .map(|(_, (_, changes_at))| timestamp(earlier(audience.changes_at, changes_at.flatten())))
        .collect();
    let counts: Vec<_> = counts.iter().map(|(_, (count, _))| *count).collect();
    security::as_role(owner, || query::write_latest(KEEP, &[ids.into(), counts.into(), bases.into(), changes.into()]));
}

/// The earlier of two points in time at which something may happen.
pub fn earlier(one: Option<Instant>, other: Option<Instant>) -> Option<Instant> {
    one.into_iter().chain(other).min()
}

/// An instant as a value of Postgres's.
pub fn timestamp(instant: Option<Instant>) -> Option<TimestampWithTimeZone> {
    instant.and_then(|instant| TimestampWithTimeZone::try_from(instant.to_postgres()).ok())
}

/// Raises what counting as the owner raised; what it says only to those who could have counted for themselves.
pub fn raise(raised: Raised, audience: &Audience, segments: &[Definition]) -> ! {
    if segments.iter().all(|segment| visible::may_count(audience, segment)) {
        raised.raise()
    }
    Failure::new(raised.sqlstate, "the contacts could not be counted")
        .detail("The error is not shown, because you may not read all that the condition asks.")
        .hint("Have the owner of the contacts' table try count_contacts() with the same condition.")
        .raise()
}

/// By how much the recorded changes of live counts add to their bases, in the active snapshot.
pub fn pending_of(extension_owner: Oid, segments: &[pgrx::Uuid]) -> HashMap<Uuid, i64> {
    let read = || query::rows(PENDING, &[segments.to_vec().into()], |row| (id_of(row.get(1)), row.get::<i64>(2)));
    security::as_role(extension_owner, read).into_iter().collect()
}

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
pub fn ensure_bases(extension_owner: Oid, segments: &[pgrx::Uuid]) {
    keep_segments(extension_owner, segments);
    security::as_role(extension_owner, || query::write_latest(ENSURE, &[segments.to_vec().into()]));
}

fn keep_segments(extension_owner: Oid, segments: &[pgrx::Uuid]) {
    security::as_role(extension_owner, || query::write_latest(KEEP_SEGMENTS, &[segments.to_vec().into()]));
}

/// The cached counts of an audience, as one statement sees them.
#[derive(Default)]
pub struct CachedCounts {
    /// What is to be added to the base, by segment, and the snapshot that it was read in
    pending: Option<([u32; 5], HashMap<Uuid, i64>)>,
}

impl CachedCounts {
    /// A segment's cached count; `None` where it has none. The rights to see it are for the caller to check.
    pub fn of(&mut self, segment: &Definition) -> Option<i64> {
        security::as_role(access::extension_owner(), || {
            snapshot::of_statement(|| {
                let base = query::first(BASE, &[datum(segment.id).into()], |row| row.nullable::<i64>(1))??;
                Some(base + self.pending(&segment.audience).get(&segment.id).copied().unwrap_or(0))
            })
        })
    }

    /// The cached counts of many segments of one audience; those without one are left out.
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

const BASE: &str = "
SELECT c.contact_count FROM segments.segment_count c WHERE c.segment OPERATOR(pg_catalog.=) $1";

const BASES: &str = "
SELECT c.segment, c.contact_count FROM segments.segment_count c
 WHERE c.segment OPERATOR(pg_catalog.=) ANY ($1) AND c.contact_count IS NOT NULL";

const PENDING_OF_AUDIENCE: &str = "
SELECT u.segment, pg_catalog.sum(u.delta)::pg_catalog.int8
  FROM segments.count_delta d,
       ROWS FROM (pg_catalog.unnest(d.segments), pg_catalog.unnest(d.deltas)) u(segment, delta)
 WHERE d.audience OPERATOR(pg_catalog.=) $1 GROUP BY u.segment";

const KEEP_SEGMENTS: &str = "
SELECT FROM segments.segment_config s WHERE s.id OPERATOR(pg_catalog.=) ANY ($1) ORDER BY s.id FOR KEY SHARE";

const ENSURE: &str = "
INSERT INTO segments.segment_count (segment)
SELECT s.id FROM segments.segment_config s WHERE s.id OPERATOR(pg_catalog.=) ANY ($1) ORDER BY s.id
    ON CONFLICT DO NOTHING";

const LOCK: &str = "
SELECT FROM segments.segment_count c WHERE c.segment OPERATOR(pg_catalog.=) ANY ($1) ORDER BY c.segment FOR UPDATE";

const KEEP: &str = "
WITH kept AS (
    UPDATE segments.segment_count c
       SET contact_count = n.base, counted_at = pg_catalog.clock_timestamp(), changes_at = n.changes_at
      FROM ROWS FROM (pg_catalog.unnest($1), pg_catalog.unnest($2), pg_catalog.unnest($3), pg_catalog.unnest($4))
           n(segment, contact_count, base, changes_at)
     WHERE c.segment OPERATOR(pg_catalog.=) n.segment
    RETURNING n.segment, c.counted_at, n.contact_count)
INSERT INTO segments.count_record (segment, counted_at, contact_count)
SELECT k.segment, k.counted_at, k.contact_count FROM kept k WHERE k.contact_count IS NOT NULL
    ON CONFLICT DO NOTHING";

const PENDING: &str = "
SELECT u.segment, pg_catalog.sum(u.delta)::pg_catalog.int8
  FROM segments.count_delta d,
       ROWS FROM (pg_catalog.unnest(d.segments), pg_catalog.unnest(d.deltas)) u(segment, delta)
 WHERE u.segment OPERATOR(pg_catalog.=) ANY ($1) GROUP BY u.segment";

/// An id as a value of Postgres's.
pub fn datum(id: Uuid) -> pgrx::Uuid {
    pgrx::Uuid::from_bytes(*id.as_bytes())
}
