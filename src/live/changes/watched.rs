//! The watched segments, whose entries and exits are recorded.
//!
//! A segment that has a [set of members](super::member_set) has its entries and exits found by refreshes, otherwise
//! triggers record them. Both never do it at the same time: who stores the first set, or deletes it, holds the writers.

use crate::catalog::access;
use crate::catalog::segment::id_of;
use crate::catalog::tables;
use crate::pg::query::Row;
use crate::pg::{query, security};
use uuid::Uuid;

/// A watched segment.
pub struct Watched {
    pub segment: Uuid,
    /// Whether its members are stored
    pub has_set: bool,
    /// Whether its audience is live
    pub is_live: bool,
}

/// The watched segments of audiences, in the active snapshot and regardless of the caller's rights.
pub fn of_all(audiences: Vec<String>) -> Vec<Watched> {
    let read = |row: &Row<'_>| Watched { segment: id_of(row.get(1)), has_set: row.get(2), is_live: row.get(3) };
    security::as_role(access::extension_owner(), || {
        let sql = if can_have_sets() { WATCHED } else { WITHOUT_SETS };
        query::rows(sql, &[audiences.into()], read)
    })
}

/// The watched segments of an audience.
pub fn of(audience: &str) -> Vec<Watched> {
    of_all(vec![audience.to_owned()])
}

/// The segments whose entries and exits triggers record, if they keep their counts.
pub fn by_triggers(audiences: Vec<String>) -> impl Iterator<Item = Uuid> {
    of_all(audiences).into_iter().filter(|watched| !watched.has_set).map(|watched| watched.segment)
}

/// The segments whose entries and exits a refresh finds.
pub fn by_refreshes(audiences: Vec<String>) -> impl Iterator<Item = Uuid> {
    let is_found = |watched: &Watched| watched.has_set || !watched.is_live;
    let watched = if can_have_sets() { of_all(audiences) } else { Vec::new() };
    watched.into_iter().filter(is_found).map(|watched| watched.segment)
}

/// Whether there is a table of sets.
pub fn can_have_sets() -> bool {
    tables::has("member_set")
}

const WATCHED: &str = "
SELECT w.segment, m.segment IS NOT NULL, a.freshness = 'live' FROM segments.watch_config w
  JOIN segments.segment_config s ON s.id = w.segment
  JOIN segments.audience_config a ON a.name = s.audience
  LEFT JOIN segments.member_set m ON m.segment = w.segment
 WHERE s.audience = ANY ($1) AND w.watched ORDER BY w.segment";

const WITHOUT_SETS: &str = "
SELECT w.segment, false, a.freshness = 'live' FROM segments.watch_config w
  JOIN segments.segment_config s ON s.id = w.segment
  JOIN segments.audience_config a ON a.name = s.audience
 WHERE s.audience = ANY ($1) AND w.watched ORDER BY w.segment";
