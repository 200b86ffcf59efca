//! Switching an audience to live counts and back.

use crate::catalog::audience::{Audience, Other, OtherRows, TOPICS};
use crate::catalog::related_tables::{WithOthers, with_others};
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
    let followed: Vec<Other<'_>> = audience.others().filter(|other| eligibility::follows(audience, other)).collect();
    let is_followed = |table: &Oid| followed.iter().any(|other| other.relation.oid == *table);
    let mut recount = recount;
    for root in audience.tables().filter(|table| *table == audience.relation.oid || is_followed(table)) {
        let had_gaps = security::as_role(access::extension_owner(), || Gaps::are_recorded(root));
        recount |= add_root(root) || had_gaps;
    }
    write_freshness(&audience.name, "live");
    followed.iter().for_each(warn_of_missing_index);
    if recount {
        let all = || snapshot::latest(|| Definition::all(&audience.name));
        recount::recount_each(audience, &security::as_role(access::extension_owner(), all));
    }
    recorders::settle_all(&audience.name);
}

/// Creates the triggers of a table and its parts, and records these. Returns whether triggers were missing.
fn add_root(root: Oid) -> bool {
    let parts = relcache::tree(root);
    live_tables::record(root, &parts);
    parts.into_iter().filter(|&table| add_triggers(table)).count() > 0
}

/// Raises a WARNING if no index finds the rows of one contact, which every statement on the table does now.
fn warn_of_missing_index(other: &Other<'_>) {
    let OtherRows::Of(related) = other.rows else { return };
    if let Some(ddl) = related.missing_index() {
        let (table, column) = (other.relation.quoted(), other.contact_column());
        Failure::new(PgSqlErrorCode::ERRCODE_WARNING, format!("no index of {table} begins with column \"{column}\""))
            .detail(format!(
                "To keep counts live, each statement that changes {table} looks for all rows of the contacts that it touches, and so reads the whole table."
            ))
            .hint(format!("{ddl};"))
            .warning();
    }
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
    drop_triggers_of(before, TOPICS);
    for audience in &live {
        let load = || snapshot::latest(|| Audience::try_load(audience));
        let audience = security::as_role(access::extension_owner(), load);
        start(&audience.unwrap_or_else(|failure| failure.raise()), true);
    }
    unrecorded::warn(live, "Who is subscribed to what is read from another table, or other columns, from now on.");
}

/// Moves the triggers of the live audiences of a source to the table of a relation that was attached. `before` is the source
/// as it was. The caller holds writers, and counts segments again that read another table of that name before.
pub fn relation_attached(before: &Audience, name: &str) {
    let live = source::live_audiences(&before.name);
    if live.is_empty() {
        return;
    }
    drop_triggers_of(before, name);
    let after = snapshot::latest(|| Audience::unrestricted(&before.name)).unwrap_or_else(|failure| failure.raise());
    if let Some(other) = after.others().find(|other| other.name == name && eligibility::follows(&after, other)) {
        let root = other.relation.oid;
        relcache::lock_against_writers(root);
        if !live_tables::is_recorded(root) {
            add_root(root);
        }
        warn_of_missing_index(&other);
    }
    if before.related(name).is_some() {
        let why =
            format!("The rows of relation \"{name}\" are read from another table, or other columns, from now on.");
        unrecorded::warn(live, &why);
    }
}

/// Drops the triggers of a relation that is detached, unless its table is used otherwise. `before` is the source as it was.
/// The caller holds writers.
pub fn drop_triggers_of(before: &Audience, name: &str) {
    let table = before.others().find(|other| other.name == name).map(|other| other.relation.oid);
    table.into_iter().flat_map(relcache::tree).for_each(drop_unused_triggers);
    live_tables::forget_unused();
}

/// Drops the triggers that keep the counts of an audience. The caller holds writers.
pub fn stop(audience: &str, mut tables: Vec<Oid>) {
    // Those that others own by now, or that cannot be followed any more, may have triggers too.
    let others: Vec<Oid> = tables_of(audience).into_iter().flatten().filter(|table| !tables.contains(table)).collect();
    tables.extend(others.into_iter().flat_map(relcache::lock_against_writers));
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
    let Some(tables) = tables_of(audience) else { return false };
    stop(audience, tables.into_iter().flat_map(relcache::lock_against_writers).collect());
    true
}

/// The tables of a live audience that exist, where triggers are. `None` if it is not live.
fn tables_of(audience: &str) -> Option<Vec<Oid>> {
    let find = || query::first(TABLES.text(), &[audience.into()], |row| row.nullable::<Vec<Option<Oid>>>(1));
    let tables = security::as_role(access::extension_owner(), || snapshot::latest(find));
    Some(tables??.into_iter().flatten().collect())
}

const TABLES: WithOthers = with_others!(
    "SELECT array_agg(c.oid) FROM segments.audience_config a
       LEFT JOIN LATERAL (
            SELECT t.relation::oid FROM segments.table_config t WHERE t.audience = a.source
             UNION SELECT o.relation FROM other o JOIN segments.live_table l ON l.root::oid = o.relation
                    WHERE o.source = a.source) used(oid) ON true
       LEFT JOIN pg_class c ON c.oid = used.oid
      WHERE a.name = $1 AND a.freshness = 'live'"
);

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
