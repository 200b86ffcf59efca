//! What keeps the triggers of a table from keeping counts. While there is such a gap, the counts are periodic, and what
//! is counted misses what is written after it: it must not be taken for live once the triggers are back. So counts are
//! forgotten when gaps open, and when they close.

use crate::catalog::access;
use crate::pg::query::{self, Row};
use crate::pg::security;
use pgrx::pg_sys::Oid;

/// The gaps of a table of live audiences.
#[derive(Default, PartialEq, Eq)]
pub struct Gaps {
    /// The parts whose triggers are off
    silent: Vec<Oid>,
    /// The owners of contacts to whom row security applies: counted anew, they would see fewer rows than triggers do
    pub restricted: Vec<Oid>,
    /// Whether rows change without a statement that fires triggers, or the table could not be followed
    is_obstructed: bool,
}

impl Gaps {
    /// Those that there are, with these parts whose triggers are off; of the owners, those to whom row security
    /// applies.
    pub fn find(root: Oid, silent: Vec<Oid>, owners: Vec<Oid>, is_obstructed: bool) -> Self {
        let is_restricted = |owner: &Oid| security::as_role(*owner, || security::row_security_applies(root));
        Gaps { silent, restricted: owners.into_iter().filter(is_restricted).collect(), is_obstructed }
    }

    /// Of a table that could not be followed.
    pub fn unfollowed() -> Self {
        Gaps { is_obstructed: true, ..Gaps::default() }
    }

    /// Those that were recorded, from three columns of `segments.live_table`, of which this is the first.
    pub fn read(row: &Row<'_>, column: usize) -> Self {
        Gaps { silent: row.get(column), restricted: row.get(column + 1), is_obstructed: row.get(column + 2) }
    }

    /// Whether any are recorded of a table.
    pub fn are_recorded(root: Oid) -> bool {
        query::first(RECORDED, &[root.into()], |row| Gaps::read(row, 1)).is_some_and(|gaps| gaps != Gaps::default())
    }

    /// Records them.
    pub fn record(&self, root: Oid) {
        let (silent, restricted) = (self.silent.clone(), self.restricted.clone());
        access::write_latest(RECORD, &[root.into(), silent.into(), restricted.into(), self.is_obstructed.into()]);
    }
}

// With the table itself.
const RECORDED: &str = "
SELECT l.silent, l.restricted, l.obstructed FROM segments.live_table l
 WHERE l.root::oid = $1 AND l.part = l.root";

const RECORD: &str = "
UPDATE segments.live_table l SET silent = $2, restricted = $3, obstructed = $4
 WHERE l.root::oid = $1 AND l.part = l.root";
