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
use crate::catalog::related_tables::{WithOthers, with_others};
use crate::catalog::segment::Definition;
use crate::catalog::table_tree::{self, Described, describe};
use crate::counting::bases::forget;
use crate::counting::recount;
use crate::live::asking::parts;
use crate::live::changes::{current, record, unrecorded};
use crate::live::deltas::Change;
use crate::live::freshness::{give_up, write_freshness};
use crate::live::live_tables::record_changes;
use crate::live::trigger_gaps::Gaps;
use crate::live::triggers::{add_triggers, drop_unused_triggers, silent_tables};
use crate::live::{eligibility, own_commands};
use crate::pg::error::{Failure, sqlstate_text};
use crate::pg::query::{self, Row};
use crate::pg::relcache::{self, Presence};
use crate::pg::{snapshot, subtransaction};
use pgrx::PgSqlErrorCode;
use pgrx::pg_sys::Oid;
use pgrx::prelude::*;
use std::collections::HashSet;
use uuid::Uuid;

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

/// The live audiences whose contacts are the rows of a table, and those whose conditions may ask for rows of it.
#[derive(Clone)]
struct Audiences {
    of_contacts: Vec<String>,
    of_rows: Vec<RowsOf>,
}

/// A live audience, and the names of the relations that have their rows in a table.
#[derive(Clone)]
struct RowsOf {
    audience: String,
    relations: Vec<String>,
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
        query::rows(TABLES.text(), &[root.into()], |row| TableTree::read(row, &silent))
    });
    tables.retain(TableTree::has_changed);
    tables
}

impl Audiences {
    fn of(root: Oid) -> Self {
        let of_rows = |row: &Row<'_>| RowsOf { audience: row.get(1), relations: row.get(2) };
        Audiences {
            of_contacts: query::rows(OF_CONTACTS, &[root.into()], |row| row.get(1)),
            of_rows: query::rows(OF_ROWS.text(), &[root.into()], of_rows),
        }
    }

    fn all(&self) -> Vec<String> {
        self.of_contacts.iter().cloned().chain(self.with_rows()).collect()
    }

    fn with_rows(&self) -> Vec<String> {
        self.of_rows.iter().map(|rows| rows.audience.clone()).collect()
    }

    /// The audiences that are counted again at once, while their table is locked: all if they are few; otherwise those
    /// with watched segments, whose entries and exits are recorded.
    fn to_count(&self) -> Self {
        if self.of_contacts.len() + self.of_rows.len() <= MOST_COUNTED {
            return self.clone();
        }
        let of_contacts = query::rows(WATCHED, &[self.of_contacts.clone().into()], |row| row.get(1));
        Audiences { of_contacts, of_rows: Vec::new() }
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
            now: Gaps::find(root, silent, row.get(6), row.get(11), obstacle.is_some()),
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
        forget(if self.obstacle.is_some() { audiences.with_rows() } else { audiences.all() });
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
            // Waits for transactions that have written rows of one of these contacts and did not find it.
            Presence(self.root).appear();
        }
        counted.of_contacts.iter().for_each(|audience| self.count_contacts(audience, &added, &detached));
        // Where a part was dropped, or was no longer read before this command, it is not known what was counted of it.
        let is_known =
            self.gone.len() == self.detached.len() && (self.gone.is_empty() || !is_detached_concurrently(self.root));
        counted.of_rows.iter().for_each(|rows| rows.count(&added, is_known.then_some(detached.as_slice())));
        let counted: HashSet<String> = counted.all().into_iter().collect();
        forget(audiences.all().into_iter().filter(|audience| !counted.contains(audience)).collect());
    }

    fn count_contacts(&self, audience: &str, added: &[Oid], detached: &[Oid]) {
        let audience = Audience::load(audience);
        let segments = eligibility::segments(&audience);
        let watched: Vec<Definition> =
            segments.iter().filter(|segment| segment.is_watched).filter_map(|s| Definition::find(s.id)).collect();
        // Waits for transactions that have written rows of one of these contacts and did not find it.
        if segments.iter().any(|segment| !segment.asks_for.is_empty()) {
            Presence(self.root).appear();
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
    // If only rows of relations are in the table, only the segments that ask for them become periodic.
    audiences.of_rows.iter().for_each(|rows| write_freshness(&rows.audience, "live"));
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

impl RowsOf {
    /// Counts the segments that ask for the relations, now that parts of their table have come and gone. If it is not known
    /// which ones are gone, they are counted again. Where no segment asks for the relations, no part is read.
    fn count(&self, added: &[Oid], detached: Option<&[Oid]>) {
        let audience = Audience::load(&self.audience);
        let mut segments = eligibility::segments(&audience);
        segments.retain(|segment| self.relations.iter().any(|name| segment.asks_for.contains(name)));
        if segments.is_empty() {
            return;
        }
        if let Some(detached) = detached {
            return parts::count(&audience, &segments, &self.relations, added, detached);
        }
        if segments.iter().any(|segment| segment.is_watched) {
            unrecorded::warn(vec![self.audience.clone()], "Rows are gone with a part of their table.");
        }
        let ids: Vec<Uuid> = segments.iter().map(|segment| segment.id).collect();
        recount::recount(&audience, &snapshot::latest(|| Definition::of_ids(&ids)));
    }
}

/// Whether the command that has detached a partition is DETACH … CONCURRENTLY, after whose first half nobody has read the
/// partition. Any other one locks the partitioned table against everybody.
fn is_detached_concurrently(root: Oid) -> bool {
    query::first(IS_DETACHED_CONCURRENTLY, &[root.into()], |row| row.get(1)).unwrap_or(false)
}

const IS_DETACHED_CONCURRENTLY: &str = "
SELECT c.relkind = 'p'
   AND NOT EXISTS (SELECT FROM pg_locks l
                    WHERE l.locktype = 'relation' AND l.pid = pg_backend_pid() AND l.granted
                      AND l.mode = 'AccessExclusiveLock' AND l.database = (SELECT d.oid FROM pg_database d WHERE d.datname = current_database())
                      AND l.relation IN (SELECT t.relid::oid FROM pg_partition_tree(c.oid::regclass) t))
  FROM pg_class c WHERE c.oid = $1";

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

const TABLES: WithOthers = with_others!(include_str!("../../sql/queries/live_table_changes.sql"));

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

const OF_ROWS: WithOthers = with_others!(
    "SELECT a.name, array_agg(o.name) FROM other o
       JOIN segments.audience_config a ON a.source = o.source AND a.freshness = 'live'
      WHERE o.relation = $1 GROUP BY a.name ORDER BY a.name"
);
