//! Trigger gaps: reasons why the triggers of a table do not keep counts for a while. During a gap the counts are
//! periodic, and no delta corrects them for later writes. They must not count as live when the triggers work again, so
//! counts are forgotten when a gap opens and when it closes.

use crate::catalog::access;
use crate::pg::query::{self, Row};
use crate::pg::security;
use pgrx::pg_sys::Oid;

/// The gaps of a table tree of live audiences.
#[derive(Default, PartialEq, Eq)]
pub struct Gaps {
    /// The parts whose triggers are missing or disabled
    silent: Vec<Oid>,
    /// The owners of contacts to whom row security applies, who would count fewer rows than the triggers see, and those who do not
    /// own the table, which is a relation's
    pub restricted: Vec<Oid>,
    /// Whether rows change without firing triggers, or following a change of the table has failed
    is_obstructed: bool,
}

impl Gaps {
    /// The present gaps of a table. `silent` are the parts whose triggers are missing or disabled. Of `owners`, those
    /// to whom row security applies are kept. `others` do not own the table.
    pub fn find(root: Oid, silent: Vec<Oid>, owners: Vec<Oid>, others: Vec<Oid>, is_obstructed: bool) -> Self {
        let is_restricted = |owner: &Oid| security::as_role(*owner, || security::row_security_applies(root));
        let mut restricted: Vec<Oid> = owners.into_iter().filter(is_restricted).chain(others).collect();
        restricted.sort_by_key(|owner| owner.to_u32());
        restricted.dedup();
        Gaps { silent, restricted, is_obstructed }
    }

    /// The gap of a table for which following a change has failed.
    pub fn unfollowed() -> Self {
        Gaps { is_obstructed: true, ..Gaps::default() }
    }

    /// The recorded gaps, from three columns of `segments.live_table` that begin at `column`.
    pub fn read(row: &Row<'_>, column: usize) -> Self {
        Gaps { silent: row.get(column), restricted: row.get(column + 1), is_obstructed: row.get(column + 2) }
    }

    /// Whether a table has recorded gaps.
    pub fn are_recorded(root: Oid) -> bool {
        query::first(RECORDED, &[root.into()], |row| Gaps::read(row, 1)).is_some_and(|gaps| gaps != Gaps::default())
    }

    /// Records the gaps of a table.
    pub fn record(&self, root: Oid) {
        let (silent, restricted) = (self.silent.clone(), self.restricted.clone());
        access::write_latest(RECORD, &[root.into(), silent.into(), restricted.into(), self.is_obstructed.into()]);
    }
}

// The row of the table itself records the gaps of the tree.
const RECORDED: &str = "
SELECT l.silent, l.restricted, l.obstructed FROM segments.live_table l
 WHERE l.root::oid = $1 AND l.part = l.root";

const RECORD: &str = "
UPDATE segments.live_table l SET silent = $2, restricted = $3, obstructed = $4
 WHERE l.root::oid = $1 AND l.part = l.root";
