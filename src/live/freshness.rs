//! Switching an audience to live counts and back.

use crate::catalog::access;
use crate::catalog::access::Scope;
use crate::catalog::access::must_own;
use crate::catalog::audience::{Audience, Subscriptions};
use crate::catalog::segment::Definition;
use crate::catalog::table_tree as parts;
use crate::counting::count;
use crate::counting::pending;
use crate::ddl::partitions as following;
use crate::live::definition_locks::{lock_tables, stays_live};
use crate::live::eligibility as kept;
use crate::live::trigger_gaps::Gaps;
use crate::live::triggers::{add_triggers, drop_unused_triggers};
use crate::pg::error::{Failure, required};
use crate::pg::query;
use crate::pg::{relcache, security, snapshot};
use crate::shared::board::{self, BOARD};
use crate::shared::settings;
use pgrx::prelude::*;
use pgrx::{PgSqlErrorCode, pg_sys::Oid};

/// Says how an audience's counts are kept.
#[pg_extern(sql = false)]
fn set_freshness(audience: Option<&str>, freshness: Option<&str>) {
    let (audience, freshness) = (required("audience", audience), required("freshness", freshness));
    let live = match freshness {
        "periodic" => false,
        "live" => true,
        other => {
            Failure::new(PgSqlErrorCode::ERRCODE_INVALID_PARAMETER_VALUE, format!("unknown freshness \"{other}\""))
                .detail("Counts are kept live, by every statement that changes contacts, or counted anew in periods.")
                .hint("Use 'live' or 'periodic'.")
                .raise()
        }
    };
    let audience = Audience::load(audience);
    access::require(Scope::WriteSegments, &audience.name);
    must_own(audience.relation.oid);
    // Whoever has changed a definition is waited for, whoever will change one waits.
    let current = security::as_role(access::extension_owner(), || {
        query::write_rows(
            "SELECT a.freshness FROM segments.audience_config a WHERE a.name OPERATOR(pg_catalog.=) $1 FOR UPDATE",
            &[audience.name.as_str().into()],
            |row| row.get::<String>(1),
        )
    });
    let was_live = current.first().is_some_and(|current| current == "live");
    let tables = lock_tables(&audience);
    let audience = snapshot::latest(|| Audience::load(&audience.name));
    if live {
        start(&audience, !was_live);
        notice_nobody_folds();
    } else {
        stop(&audience.name, tables);
    }
}

/// Has triggers keep the counts from now on; writers are held. Counts anew where the counts may not be right now.
fn start(audience: &Audience, recount: bool) {
    if let Some(obstacle) = parts::obstacle(audience.relation.oid) {
        cannot(audience, obstacle).raise()
    }
    if security::as_role(audience.relation.owner, || security::row_security_applies(audience.relation.oid)) {
        cannot(audience, "Row security applies to its owner, with whose rights counts are computed.").raise()
    }
    let mut roots = vec![audience.relation.oid];
    if let Subscriptions::In(relation) = &audience.topics
        && kept::follows_topics(audience)
    {
        roots.push(relation.oid);
    }
    let mut recount = recount;
    for root in roots {
        let parts = relcache::tree(root);
        let had_gaps = security::as_role(access::extension_owner(), || Gaps::are_recorded(root));
        following::record(root, &parts);
        let added = parts.into_iter().filter(|&table| add_triggers(table)).count();
        recount |= had_gaps || added > 0;
    }
    write_freshness(&audience.name, "live");
    if recount {
        let all = || snapshot::latest(|| Definition::all(&audience.name));
        count::recount(audience, &security::as_role(access::extension_owner(), all));
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
        following::forget_unused();
    }
    start(&audience, true);
}

/// No trigger keeps the counts any more; writers are held.
fn stop(audience: &str, tables: Vec<Oid>) {
    write_freshness(audience, "periodic");
    following::forget_unused();
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
    .hint("Keep them periodic: refresh_segments() counts anew at any time. Of a partitioned table, attach the whole.")
}

/// Says so, where no worker adds what statements record to the live counts of this database.
fn notice_nobody_folds() {
    let way_out = if BOARD.get().is_none() {
        "Add segments to shared_preload_libraries and restart the server"
    } else if !settings::is_wanted_in(&current_database()) {
        "Name this database in segments.databases"
    } else {
        return;
    };
    Failure::new(
        PgSqlErrorCode::ERRCODE_SUCCESSFUL_COMPLETION,
        "live counts are not looked after in the background in this database",
    )
    .detail("Each statement that changes contacts records by how much. Until that is added to the counts, whoever reads them adds it up.")
    .hint(format!("{way_out}, or call refresh_segments() now and then."))
    .notice();
}

fn current_database() -> String {
    let name = query::first("SELECT pg_catalog.current_database()::pg_catalog.text", &[], |row| row.get(1));
    name.unwrap_or_default()
}
