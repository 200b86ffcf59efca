//! Forgetting counts of live audiences after a change of members that fires no trigger. Until the segments are counted
//! again, each reader counts them.

use crate::counting::bases::forget;
use crate::live::changes::unrecorded;
use crate::pg::{query, relcache, snapshot};
use pgrx::pg_sys::Oid;
use pgrx::prelude::*;

/// Forgets the counts of the live audiences that use one of the tables.
#[pg_extern(sql = false)]
fn forget_live_counts(tables: Vec<Option<Oid>>) {
    forget_over(tables.into_iter().flatten().collect());
}

/// The Rust side of [`forget_live_counts`].
pub fn forget_over(tables: Vec<Oid>) {
    let audiences = || query::rows(AUDIENCES_OVER, &[tables.into()], |row| row.get(1));
    forget(snapshot::latest(audiences));
}

/// Warns that contacts may have entered and left watched segments of these audiences without a record, because a
/// command has changed the contents of a table or how it is read.
#[pg_extern(sql = false)]
fn warn_unrecorded_changes(audiences: Vec<Option<String>>) {
    warn_unrecorded(audiences.into_iter().flatten().collect());
}

/// The Rust side of [`warn_unrecorded_changes`].
pub fn warn_unrecorded(audiences: Vec<String>) {
    let why = "The command changes what the table holds, or how it is read, and fires no trigger for its rows.";
    unrecorded::warn(audiences, why);
}

/// Forgets the counts of the live audiences that have a column of one of the enum types, or of an array of it or a
/// domain over it. Holds writers of their tables, so that no statement is counted with the old labels after the new
/// ones are there.
#[pg_extern(sql = false)]
fn forget_counts_of_types(types: Vec<Option<Oid>>) {
    let types: Vec<Oid> = types.into_iter().flatten().collect();
    let found =
        snapshot::latest(|| query::rows(AUDIENCES_WITH, &[types.into()], |row| (row.get(1), row.get::<Vec<Oid>>(2))));
    let (audiences, tables): (Vec<String>, Vec<Vec<Oid>>) = found.into_iter().unzip();
    for table in tables.into_iter().flatten() {
        relcache::lock_against_writers(table);
    }
    forget(audiences);
}

// The roots of the tables are found once, not for each audience.
const AUDIENCES_OVER: &str = "
WITH concerned AS (
    SELECT array_agg(t.oid) AS tables
      FROM (SELECT u.oid FROM unnest($1) u(oid)
            UNION SELECT l.root::oid FROM segments.live_table l WHERE l.part::oid = ANY ($1)) t)
SELECT a.name FROM segments.audience_config a, concerned c
 WHERE a.freshness = 'live'
   AND (a.relation::oid = ANY (c.tables) OR a.topics_relation::oid = ANY (c.tables))";

const AUDIENCES_WITH: &str = include_str!("../../sql/queries/live_audiences_with_types.sql");
