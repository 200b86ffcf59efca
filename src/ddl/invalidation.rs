//! Forgetting counts of live audiences after a change of members that fires no trigger. Until the segments are counted
//! again, each reader counts them.

use crate::catalog::related_tables::{WithOthers, with_others};
use crate::counting::bases::forget;
use crate::live::changes::unrecorded;
use crate::pg::query::{self, Row};
use crate::pg::{relcache, snapshot};
use pgrx::pg_sys::{AT_REWRITE_COLUMN_REWRITE, AT_REWRITE_DEFAULT_VAL, Oid};
use pgrx::prelude::*;

/// Forgets the counts of the live audiences over a table that a command rewrites with other values in a column.
#[pg_extern(sql = false)]
fn forget_rewritten() {
    let read = |row: &Row<'_>| (row.get::<Oid>(1), row.get::<i32>(2) as u32);
    let Some((table, reasons)) = query::first(REWRITTEN, &[], read) else { return };
    // For other reasons, only the storage changes.
    if reasons & (AT_REWRITE_DEFAULT_VAL | AT_REWRITE_COLUMN_REWRITE) == 0 {
        return;
    }
    forget_over(vec![table]);
    if reasons & AT_REWRITE_COLUMN_REWRITE != 0 {
        warn_unrecorded(query::rows(AUDIENCES_WITH_PART.text(), &[table.into()], |row| row.get(1)));
    }
}

const REWRITTEN: &str = "SELECT pg_event_trigger_table_rewrite_oid(), pg_event_trigger_table_rewrite_reason()";

const AUDIENCES_WITH_PART: WithOthers = with_others!(
    "SELECT DISTINCT a.name FROM segments.audience_config a
       JOIN segments.table_config t ON t.audience = a.source
       JOIN segments.live_table l
         ON l.root = t.relation OR EXISTS (SELECT FROM other o WHERE o.source = a.source AND o.relation = l.root::oid)
      WHERE l.part = $1"
);

/// Forgets the counts of the live audiences that use one of the tables.
pub fn forget_over(tables: Vec<Oid>) {
    let audiences = || query::rows(AUDIENCES_OVER.text(), &[tables.into()], |row| row.get(1));
    forget(snapshot::latest(audiences));
}

/// Warns that contacts may have entered and left watched segments of these audiences without a record, because a
/// command has changed the contents of a table or how it is read.
pub fn warn_unrecorded(audiences: Vec<String>) {
    let why = "The command changes what the table holds, or how it is read, and fires no trigger for its rows.";
    unrecorded::warn(audiences, why);
}

/// Forgets the counts of the live audiences that have a column of an altered enum, or of an array of it or a domain
/// over it. Holds writers of their tables, so that no statement is counted with the old labels after the new ones are
/// there.
#[pg_extern(sql = false)]
fn forget_relabelled() {
    let types: Vec<Oid> = query::rows(ALTERED_TYPES, &[], |row| row.get(1));
    let found = snapshot::latest(|| {
        query::rows(AUDIENCES_WITH.text(), &[types.into()], |row| (row.get(1), row.get::<Vec<Oid>>(2)))
    });
    let (audiences, tables): (Vec<String>, Vec<Vec<Oid>>) = found.into_iter().unzip();
    for table in tables.into_iter().flatten() {
        relcache::lock_against_writers(table);
    }
    forget(audiences);
}

const ALTERED_TYPES: &str = "
SELECT c.objid FROM pg_event_trigger_ddl_commands() c WHERE c.classid = 'pg_type'::regclass";

// The roots of the tables are found once, not for each audience.
const AUDIENCES_OVER: WithOthers = with_others!(
    ", concerned AS (
        SELECT array_agg(t.oid) AS tables
          FROM (SELECT u.oid FROM unnest($1) u(oid)
                UNION SELECT l.root::oid FROM segments.live_table l WHERE l.part::oid = ANY ($1)) t)
     SELECT a.name FROM segments.table_config t, concerned c, segments.audience_config a
      WHERE (t.relation::oid = ANY (c.tables)
             OR EXISTS (SELECT FROM other o WHERE o.source = t.audience AND o.relation = ANY (c.tables)))
        AND a.source = t.audience AND a.freshness = 'live'"
);

const AUDIENCES_WITH: WithOthers = with_others!(include_str!("../../sql/queries/live_audiences_with_types.sql"));
