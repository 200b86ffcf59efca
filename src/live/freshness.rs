//! Switching an audience to live counts and back.

use crate::catalog::audience::{Audience, Subscriptions};
use crate::catalog::freshness::stays_live;
use crate::catalog::segment::Definition;
use crate::catalog::{access, table_tree};
use crate::counting::{pending, recount};
use crate::live::changes::unrecorded;
use crate::live::definition_locks::lock_tables;
use crate::live::trigger_gaps::Gaps;
use crate::live::triggers::{add_triggers, drop_unused_triggers};
use crate::live::{eligibility, live_tables};
use crate::pg::error::Failure;
use crate::pg::{query, relcache, security, snapshot};
use crate::shared::board::{self, BOARD};
use crate::shared::settings;
use pgrx::PgSqlErrorCode;
use pgrx::pg_sys::Oid;

/// Has triggers keep the counts from now on; writers are held. Counts anew where the counts may not be right now.
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
        recount::recount(audience, &security::as_role(access::extension_owner(), all));
    }
}

/// Moves the triggers of a live audience, which was as it is given until now, to the table that says from now on who is
/// subscribed to what, and counts anew; writers of its tables are held.
pub fn topics_attached(before: &Audience) {
    if !stays_live(&before.name) {
        return;
    }
    let audience = Audience::load(&before.name);
    lock_tables(&audience);
    if let Subscriptions::In(relation) = &before.topics {
        relcache::tree(relation.oid).into_iter().for_each(drop_unused_triggers);
        live_tables::forget_unused();
    }
    start(&audience, true);
    unrecorded::warn(
        vec![audience.name],
        "Who is subscribed to what is read from another table, or other columns, from now on.",
    );
}

/// No trigger keeps the counts any more; writers are held.
pub fn stop(audience: &str, tables: Vec<Oid>) {
    write_freshness(audience, "periodic");
    live_tables::forget_unused();
    tables.into_iter().for_each(drop_unused_triggers);
    // Last, because it locks counts, which come after tables.
    pending::fold_unlocked(Some(audience));
}

/// Takes the triggers of a live audience away, which goes, or whose table is gone; whether it was live.
pub fn stop_keeping(audience: &str) -> bool {
    let was_live = give_up(audience);
    if was_live {
        access::write(
            "DELETE FROM segments.count_delta d WHERE d.audience OPERATOR(pg_catalog.=) $1",
            &[audience.into()],
        );
    }
    was_live
}

/// Takes the triggers of a live audience away, whose counts they cannot keep any more; whether it was live.
pub fn give_up(audience: &str) -> bool {
    let tables = query::first(
        "SELECT pg_catalog.array_agg(c.oid) FROM segments.audience_config a
           LEFT JOIN pg_catalog.pg_class c
             ON c.oid OPERATOR(pg_catalog.=) a.relation OR c.oid OPERATOR(pg_catalog.=) a.topics_relation
          WHERE a.name OPERATOR(pg_catalog.=) $1 AND a.freshness OPERATOR(pg_catalog.=) 'live'",
        &[audience.into()],
        |row| row.nullable::<Vec<Option<Oid>>>(1),
    );
    let Some(Some(tables)) = tables else { return false };
    stop(audience, tables.into_iter().flatten().flat_map(relcache::lock_against_writers).collect());
    true
}

/// Says how an audience is kept, which has everybody look at its definitions again.
pub fn write_freshness(audience: &str, freshness: &str) {
    access::write(
        "UPDATE segments.audience_config a SET freshness = $2 WHERE a.name OPERATOR(pg_catalog.=) $1",
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

/// Says so, where no worker adds what statements record to the live counts of this database.
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
    let name = query::first("SELECT pg_catalog.current_database()::pg_catalog.text", &[], |row| row.get(1));
    name.unwrap_or_default()
}
