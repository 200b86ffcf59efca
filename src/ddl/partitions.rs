//! Following changes of the parts of a live audience's tables: partitions, and other tables that inherit.
//!
//! `segments.live_table` lists the tables that have our triggers. After a command that may have changed which tables
//! are parts of which, the list is compared with the catalog. New parts get triggers, and former parts lose them. Then
//! everything is counted again or, for many audiences, the counts are forgotten. Counts are also forgotten when a
//! trigger gap opens or closes (see [`trigger_gaps`](crate::live::trigger_gaps)).
//!
//! While such a command runs, other tables of the audience can be written to. These writers record deltas of their own
//! tables only, because the table that comes or goes is locked against everybody. A refresh must not read the new
//! tables with the old counts, so the counts are locked, which keeps it out.

use crate::catalog::access;
use crate::catalog::audience::{Audience, TableKind, TableRef};
use crate::catalog::segment::Definition;
use crate::catalog::table_tree::{self, Described, describe};
use crate::counting::bases::forget;
use crate::counting::recount;
use crate::live::changes::{current, record, unrecorded};
use crate::live::deltas::Change;
use crate::live::freshness::{give_up, write_freshness};
use crate::live::live_tables::record_changes;
use crate::live::trigger_gaps::Gaps;
use crate::live::triggers::{add_triggers, drop_unused_triggers, silent_tables};
use crate::live::{eligibility, own_commands, subscriptions};
use crate::pg::error::{Failure, sqlstate_text};
use crate::pg::query::{self, Row};
use crate::pg::relcache::{self, Presence};
use crate::pg::{snapshot, subtransaction};
use pgrx::PgSqlErrorCode;
use pgrx::pg_sys::Oid;
use pgrx::prelude::*;
use std::collections::HashSet;

/// How many audiences over one table are counted again while it is locked. If there are more, their counts are
/// forgotten.
const MOST_COUNTED: usize = 10;

/// Why entries and exits are not recorded if triggers cease to keep counts.
const BEGINS: &str =
    "Triggers do not record them any more, but refreshes do. The first refresh begins with the members that it finds.";

/// A table tree of live audiences: as recorded, and as it is now.
struct TableTree {
    root: Oid,
    added: Vec<Oid>,
    gone: Vec<Oid>,
    /// The former parts that still exist
    detached: Vec<Oid>,
    /// Why triggers on the tree do not see every change; `None` if they do
    obstacle: Option<String>,
    /// The trigger gaps as recorded, and as they are now
    before: Gaps,
    now: Gaps,
}

/// The live audiences whose contacts are the rows of a table, and those whose subscriptions are.
struct Audiences {
    of_contacts: Vec<String>,
    of_subscriptions: Vec<String>,
}

/// Adapts triggers and counts to the tables of live audiences as they are now. Event triggers call it after commands
/// that may have changed these, with the rights of the extension's owner.
#[pg_extern(sql = false)]
fn keep_parts() {
    if own_commands::is_running() {
        return;
    }
    for root in changed(None).into_iter().map(|table| table.root) {
        // Another transaction may be changing the table, too. This waits for it, and then compares with what it has
        // recorded.
        access::write_latest(HOLD, &[root.into()]);
        let Some(table) = changed(Some(root)).pop() else { continue };
        let audiences = snapshot::latest(|| Audiences::of(table.root));
        // An error here must not make a user's ALTER or DROP fail.
        let followed = subtransaction::attempt(|| snapshot::latest(|| table.follow(&audiences)));
        if let Err(raised) = followed {
            Gaps::unfollowed().record(table.root);
            forget(audiences.all());
            for audience in audiences.all() {
                Failure::new(
                    PgSqlErrorCode::ERRCODE_WARNING,
                    // The message of the error may quote contacts, and any user who changes a table sees this warning,
                    // so it has the SQLSTATE only.
                    format!(
                        "live counts of audience \"{audience}\" could not follow its table: SQLSTATE {}",
                        sqlstate_text(raised.sqlstate)
                    ),
                )
                .detail("Until the segments are counted again, each reader counts them.")
                .hint("Switch the audience to 'periodic' with set_freshness(), and back to 'live'.")
                .warning();
            }
        }
    }
}

/// The tables that differ from what is recorded; only the given one, if `root` is given.
fn changed(root: Option<Oid>) -> Vec<TableTree> {
    let mut tables = snapshot::latest(|| {
        // All tables are checked with one query, because every command that creates a table gets here.
        let silent = silent_tables(&query::rows(PARTS, &[root.into()], |row| row.get(1)));
        query::rows(TABLES, &[root.into()], |row| TableTree::read(row, &silent))
    });
    tables.retain(TableTree::has_changed);
    tables
}

impl Audiences {
    fn of(root: Oid) -> Self {
        let names = |column| query::rows(column, &[root.into()], |row| row.get(1));
        Audiences { of_contacts: names(OF_CONTACTS), of_subscriptions: names(OF_SUBSCRIPTIONS) }
    }

    fn all(&self) -> Vec<String> {
        self.of_contacts.iter().chain(&self.of_subscriptions).cloned().collect()
    }

    /// The audiences that are counted again at once, while their table is locked: all if they are few; otherwise those
    /// with watched segments, whose entries and exits are recorded.
    fn to_count(&self) -> Self {
        if self.of_contacts.len() + self.of_subscriptions.len() <= MOST_COUNTED {
            return Audiences {
                of_contacts: self.of_contacts.clone(),
                of_subscriptions: self.of_subscriptions.clone(),
            };
        }
        let of_contacts = query::rows(WATCHED, &[self.of_contacts.clone().into()], |row| row.get(1));
        Audiences { of_contacts, of_subscriptions: Vec::new() }
    }
}

impl TableTree {
    fn read(row: &Row<'_>, silent: &[Oid]) -> Self {
        let root = row.get(1);
        let kept: Vec<Oid> = row.get(5);
        let silent = silent.iter().copied().filter(|part| kept.contains(part)).collect();
        let obstacle = row.get::<bool>(7).then(|| table_tree::obstacle(root)).flatten();
        TableTree {
            root,
            added: row.get(2),
            gone: row.get(3),
            detached: row.get(4),
            before: Gaps::read(row, 8),
            now: Gaps::find(root, silent, row.get(6), obstacle.is_some()),
            obstacle,
        }
    }

    fn has_changed(&self) -> bool {
        self.now != self.before || self.obstacle.is_none() && self.has_other_parts()
    }

    fn has_other_parts(&self) -> bool {
        !self.added.is_empty() || !self.gone.is_empty()
    }

    fn follow(&self, audiences: &Audiences) {
        match &self.obstacle {
            Some(obstacle) => give_up_all(audiences, obstacle),
            None if self.has_other_parts() => self.follow_parts(audiences),
            None => {}
        }
        if self.now == self.before {
            return;
        }
        if self.now.restricted != self.before.restricted {
            // Transactions that are still open may have written to a part during the gap, so this waits for them.
            relcache::lock_against_writers(self.root);
        }
        if self.now != Gaps::default() {
            unrecorded::warn(audiences.all(), BEGINS);
        }
        self.now.record(self.root);
        // Audiences that have just become periodic keep their counts.
        forget(if self.obstacle.is_some() { audiences.of_subscriptions.clone() } else { audiences.all() });
    }

    fn follow_parts(&self, audiences: &Audiences) {
        for part in &self.added {
            relcache::lock_against_writers(*part);
            add_triggers(*part);
        }
        record_changes(self.root, &self.added, &self.gone);
        for part in &self.detached {
            drop_unused_triggers(*part);
        }
        let filled = |parts: &[Oid]| parts.iter().copied().filter(|part| !is_empty(*part)).collect::<Vec<Oid>>();
        let (added, detached) = (filled(&self.added), filled(&self.detached));
        if added.is_empty() && self.gone.is_empty() {
            return;
        }
        let counted = audiences.to_count();
        if counted.of_contacts.len() < audiences.of_contacts.len() {
            // Waits for transactions that have subscribed one of these contacts and did not find it.
            Presence(self.root).appear();
        }
        counted.of_contacts.iter().for_each(|audience| self.count_contacts(audience, &added, &detached));
        counted.of_subscriptions.iter().for_each(|audience| recount(audience));
        let counted: HashSet<String> = counted.all().into_iter().collect();
        forget(audiences.all().into_iter().filter(|audience| !counted.contains(audience)).collect());
    }

    fn count_contacts(&self, audience: &str, added: &[Oid], detached: &[Oid]) {
        let audience = Audience::load(audience);
        let segments = eligibility::segments(&audience);
        let watched: Vec<Definition> =
            segments.iter().filter(|segment| segment.is_watched).filter_map(|s| Definition::find(s.id)).collect();
        if segments.iter().any(|segment| segment.reads_topics) {
            // Waits for transactions that have subscribed one of these contacts and did not find it.
            subscriptions::presence(&audience).into_iter().for_each(|presence| presence.appear());
        }
        recount(&audience.name);
        record_moves(&audience.name, &watched, added, detached);
        if self.gone.len() > self.detached.len() && !watched.is_empty() {
            Failure::new(
                PgSqlErrorCode::ERRCODE_WARNING,
                format!("exits from watched segments of audience \"{}\" are not recorded", audience.name),
            )
            .detail("The contacts of the dropped table are no longer members, but nothing says any more which ones they were.")
            .hint("Before you drop a table, take it out with DETACH PARTITION or NO INHERIT, so that the exits are recorded.")
            .warning();
        }
    }
}

/// Makes the audiences whose contacts are in the table periodic, because triggers cannot keep their counts any more.
fn give_up_all(audiences: &Audiences, obstacle: &str) {
    unrecorded::warn(audiences.of_contacts.clone(), BEGINS);
    for audience in &audiences.of_contacts {
        give_up(audience);
        Failure::new(PgSqlErrorCode::ERRCODE_WARNING, format!("audience \"{audience}\" is not live any more"))
            .detail(obstacle.to_owned())
            .hint("Its counts are periodic from now on; refresh_segments() counts at any time.")
            .warning();
    }
    // If only subscriptions are in the table, only the segments that ask for subscriptions become periodic.
    audiences.of_subscriptions.iter().for_each(|audience| write_freshness(audience, "live"));
}

/// Records the entries into watched segments by added parts, and the exits by detached ones.
fn record_moves(audience: &str, watched: &[Definition], added: &[Oid], detached: &[Oid]) {
    if watched.is_empty() {
        return;
    }
    let mut changes = Vec::new();
    for (part, net) in added.iter().map(|part| (*part, 1)).chain(detached.iter().map(|part| (*part, -1))) {
        for (segment, contacts) in current::members_of_part(&over_part(audience, describe(part), part), watched) {
            changes.extend(contacts.into_iter().map(|contact| Change { segment, contact, net }));
        }
    }
    record::append(&changes);
}

fn recount(audience: &str) {
    let audience = Audience::load(audience);
    recount::recount(&audience, &snapshot::latest(|| Definition::all(&audience.name)));
}

/// The audience, as if a part of its table had all its contacts.
fn over_part(audience: &str, described: Described, part: Oid) -> Audience {
    let mut audience = Audience::load(audience);
    audience.table.name = described.name.name.clone();
    audience.relation = TableRef { oid: part, name: described.name, owner: described.owner, kind: TableKind::Table };
    audience
}

/// Whether a part has no rows and never had any. The size of its file answers that without a query, because planning a
/// query would run code of the part's owner: constant expressions of its indexes.
fn is_empty(part: Oid) -> bool {
    let size = "SELECT pg_relation_size($1::oid::regclass)";
    query::first(size, &[part.into()], |row| row.get::<i64>(1)) == Some(0)
}

const TABLES: &str = include_str!("../../sql/queries/live_table_changes.sql");

const PARTS: &str = "
SELECT DISTINCT l.part::oid FROM segments.live_table l
 WHERE $1 IS NULL OR l.root::oid = $1";

const HOLD: &str = "
SELECT FROM segments.live_table l
 WHERE l.root::oid = $1 AND l.part = l.root FOR UPDATE";

const OF_CONTACTS: &str = "
SELECT a.name FROM segments.audience_config a
  JOIN segments.table_config t ON t.audience = a.source
 WHERE a.freshness = 'live' AND t.relation::oid = $1 ORDER BY a.name";

const WATCHED: &str = "
SELECT DISTINCT s.audience FROM segments.watch_config w
  JOIN segments.segment_config s ON s.id = w.segment
 WHERE w.watched AND s.audience = ANY ($1) ORDER BY s.audience";

const OF_SUBSCRIPTIONS: &str = "
SELECT a.name FROM segments.audience_config a
  JOIN segments.table_config t ON t.audience = a.source
 WHERE a.freshness = 'live' AND t.topics_relation::oid = $1 ORDER BY a.name";
