//! Switching an audience to live counts and back.

use crate::catalog::audience::{Audience, Subscriptions};
use crate::catalog::segment::Definition;
use crate::catalog::{access, source, table_tree};
use crate::counting::{pending, recount};
use crate::live::changes::unrecorded;
use crate::live::definition_locks::lock_tables;
use crate::live::trigger_gaps::Gaps;
use crate::live::triggers::{add_triggers, drop_unused_triggers};
use crate::live::{eligibility, live_tables, recorders};
use crate::pg::error::Failure;
use crate::pg::{query, relcache, security, snapshot};
use crate::shared::board::{self, BOARD};
use crate::shared::settings;
use pgrx::PgSqlErrorCode;
use pgrx::pg_sys::Oid;

/// Creates the triggers that keep the counts of an audience. The caller holds writers. `recount` says whether the
/// counts may be wrong now and must be counted again.
pub fn start(audience: &Audience, recount: bool) {
    if let Some(obstacle) = table_tree::obstacle(audience.relation.oid) {
        cannot(audience, obstacle).raise()
    }
    if security::as_role(audience.relation.owner, || security::row_security_applies(audience.relation.oid)) {
        cannot(audience, "Row security applies to its owner, with whose rights counts are computed.").raise()
    }
    let mut roots = vec![audience.relation.oid];
    if let Subscriptions::In(relation) = &audience.topics
        && eligibility::follows_topics(audience)
    {
        roots.push(relation.oid);
    }
    let mut recount = recount;
    for root in roots {
        let parts = relcache::tree(root);
        let had_gaps = security::as_role(access::extension_owner(), || Gaps::are_recorded(root));
        live_tables::record(root, &parts);
        let added = parts.into_iter().filter(|&table| add_triggers(table)).count();
        recount |= had_gaps || added > 0;
    }
    write_freshness(&audience.name, "live");
    if recount {
        let all = || snapshot::latest(|| Definition::all(&audience.name));
        recount::recount_each(audience, &security::as_role(access::extension_owner(), all));
    }
    recorders::settle_all(&audience.name);
}

/// Moves the triggers of the live audiences of a source to its new table of subscriptions, and counts again. `before` is
/// the source with the old table. The caller holds writers.
pub fn topics_attached(before: &Audience) {
    let live = source::live_audiences(&before.name);
    if live.is_empty() {
        return;
    }
    let after = snapshot::latest(|| Audience::unrestricted(&before.name)).unwrap_or_else(|failure| failure.raise());
    lock_tables(&after);
    if let Subscriptions::In(relation) = &before.topics {
        relcache::tree(relation.oid).into_iter().for_each(drop_unused_triggers);
        live_tables::forget_unused();
    }
    for audience in &live {
        let load = || snapshot::latest(|| Audience::try_load(audience));
        let audience = security::as_role(access::extension_owner(), load);
        start(&audience.unwrap_or_else(|failure| failure.raise()), true);
    }
    unrecorded::warn(live, "Who is subscribed to what is read from another table, or other columns, from now on.");
}

/// Drops the triggers that keep the counts of an audience. The caller holds writers.
pub fn stop(audience: &str, tables: Vec<Oid>) {
    write_freshness(audience, "periodic");
    live_tables::forget_unused();
    tables.into_iter().for_each(drop_unused_triggers);
    // Folding comes last, because it locks counts, which are locked after tables.
    pending::fold_unlocked(Some(audience));
}

/// Drops the triggers of an audience that is detached, or whose table is gone. Returns whether it was live.
pub fn stop_keeping(audience: &str) -> bool {
    let was_live = give_up(audience);
    if was_live {
        access::write("DELETE FROM segments.count_delta d WHERE d.audience = $1", &[audience.into()]);
    }
    was_live
}

/// Makes a live audience periodic, because triggers cannot keep its counts any more. Returns whether it was live.
pub fn give_up(audience: &str) -> bool {
    let tables = query::first(
        "SELECT array_agg(c.oid) FROM segments.audience_config a
           LEFT JOIN segments.table_config t ON t.audience = a.source
           LEFT JOIN pg_class c
             ON c.oid = t.relation OR c.oid = t.topics_relation
          WHERE a.name = $1 AND a.freshness = 'live'",
        &[audience.into()],
        |row| row.nullable::<Vec<Option<Oid>>>(1),
    );
    let Some(Some(tables)) = tables else { return false };
    stop(audience, tables.into_iter().flatten().flat_map(relcache::lock_against_writers).collect());
    true
}

/// Stores the freshness of an audience. The change makes every backend compile its definitions again.
pub fn write_freshness(audience: &str, freshness: &str) {
    access::write(
        "UPDATE segments.audience_config a SET freshness = $2 WHERE a.name = $1",
        &[audience.into(), freshness.into()],
    );
    board::wake();
}

fn cannot(audience: &Audience, detail: impl Into<String>) -> Failure {
    Failure::new(
        PgSqlErrorCode::ERRCODE_FEATURE_NOT_SUPPORTED,
        format!("counts over {} cannot be kept live", audience.relation.quoted()),
    )
    .detail(detail)
    .hint("Keep them periodic; refresh_segments() counts at any time. If this is a partition, attach the partitioned table.")
}

/// Raises a NOTICE if no worker folds the deltas of this database.
pub fn notice_nobody_folds() {
    let way_out = if BOARD.get().is_none() {
        "Add segments to shared_preload_libraries and restart the server"
    } else if !settings::is_wanted_in(&current_database()) {
        "Name this database in segments.databases"
    } else {
        return;
    };
    Failure::new(
        PgSqlErrorCode::ERRCODE_SUCCESSFUL_COMPLETION,
        "no background worker looks after live counts in this database",
    )
    .detail("Each statement that changes contacts records by how much it changes the counts. Until that is added to the counts, every reader adds it up.")
    .hint(format!("{way_out}, or call refresh_segments() now and then."))
    .notice();
}

fn current_database() -> String {
    let name = query::first("SELECT current_database()::text", &[], |row| row.get(1));
    name.unwrap_or_default()
}
