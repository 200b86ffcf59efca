//! What the triggers of a table keep the counts of: the segments of every live audience whose contacts are its rows.
//!
//! A backend compiles it on the first statement that changes the table, and again when the table's definition, or that
//! of a segment, has changed since.

use super::delta::{self, Deltas};
use crate::access;
use crate::audience::Audience;
use crate::contact;
use crate::count;
use crate::pg::snapshot;
use crate::pg::spi::{KeptPlan, Reading, Session};
use crate::pg::trigger::{Event, Statement};
use crate::pg::{relcache, security};
use crate::query;
use crate::segment::Definition;
use crate::{condition, scope};
use pgrx::pg_sys::Oid;
use pgrx::spi::quote_identifier;
use segments_core::expr::{Atom, Checked};
use std::cell::{Cell, OnceCell, RefCell};
use std::collections::HashMap;
use std::rc::Rc;
use uuid::Uuid;

/// A table with triggers of ours.
#[derive(Default)]
pub struct Tracked {
    pub audiences: Vec<TrackedAudience>,
}

/// A live audience.
pub struct TrackedAudience {
    name: String,
    /// The table's owner, with whose rights conditions are evaluated
    owner: Oid,
    extension_owner: Oid,
    batches: Vec<Batch>,
}

/// Segments that one query evaluates.
struct Batch {
    segments: Vec<Uuid>,
    /// Whether they ask what contacts are subscribed to
    reads_topics: bool,
    /// `FILTER` conditions of a sum over the changed rows, which go by the table's name
    conditions: Vec<String>,
    /// The name by which they do
    row: String,
    /// By the transition tables that there are
    plans: [OnceCell<KeptPlan>; 3],
}

/// How many segments one query evaluates: as many sums are planned in little time.
const AT_ONCE: usize = 500;

impl TrackedAudience {
    /// Records by how much a statement has changed the counts.
    pub fn keep(&self, statement: Statement) {
        if statement.event() == Event::Truncate {
            recount(&self.name, self.extension_owner);
            return;
        }
        let command = snapshot::current_command();
        let mut deltas = Deltas::default();
        security::as_role_restricted(self.owner, || {
            for batch in &self.batches {
                // Subscriptions as they were before the statement: what it, or a foreign key on its behalf, changes of
                // them is for the triggers of their own table to count.
                let changes = if batch.reads_topics {
                    snapshot::latest_before(command, || batch.changes(statement))
                } else {
                    batch.changes(statement)
                };
                deltas.extend(batch.segments.iter().copied().zip(changes));
            }
        });
        if !deltas.is_empty() {
            security::as_role(self.extension_owner, || delta::append(&self.name, deltas));
        }
    }
}

impl Batch {
    /// For each segment, how many members more there are.
    fn changes(&self, statement: Statement) -> Vec<i64> {
        let session = Session::over(statement);
        let plan =
            self.plans[statement.event() as usize].get_or_init(|| session.prepare(&self.sql(statement.event()), &[]));
        let sums = session.run(plan, &[], Reading::Active, |row| row.get::<Vec<Option<i64>>>(1));
        let sums = sums.into_iter().next().flatten().unwrap_or_default();
        sums.into_iter().map(|sum| sum.unwrap_or(0)).collect()
    }

    fn sql(&self, event: Event) -> String {
        let rows = match event {
            Event::Insert => "SELECT 1 AS \"segments.sign\", n.* FROM segments_new n",
            Event::Delete => "SELECT -1 AS \"segments.sign\", o.* FROM segments_old o",
            _ => {
                "SELECT -1 AS \"segments.sign\", o.* FROM segments_old o
                  UNION ALL SELECT 1, n.* FROM segments_new n"
            }
        };
        let sum = |condition: &String| format!("pg_catalog.sum(\"segments.sign\") FILTER (WHERE {condition})");
        let sums: Vec<String> = self.conditions.iter().map(sum).collect();
        format!("SELECT ARRAY[{}]::pg_catalog.int8[] FROM ({rows}) {}", sums.join(",\n"), quote_identifier(&self.row))
    }
}

thread_local! {
    static TABLES: RefCell<HashMap<Oid, Entry>> = RefCell::default();
}

struct Entry {
    is_current: Rc<Cell<bool>>,
    table: Rc<Tracked>,
}

/// What the table's triggers keep.
pub fn table(relation: Oid) -> Rc<Tracked> {
    let known = TABLES.with_borrow(|tables| {
        tables.get(&relation).filter(|entry| entry.is_current.get()).map(|entry| entry.table.clone())
    });
    known.unwrap_or_else(|| {
        relcache::on_invalidation(forget);
        // In its place first, so that word of a change that arrives meanwhile is not lost.
        let is_current = Rc::new(Cell::new(true));
        let entry = Entry { is_current: is_current.clone(), table: Rc::default() };
        let before = TABLES.with_borrow_mut(|tables| tables.insert(relation, entry));
        drop(before);
        let table = Rc::new(compile(relation));
        TABLES.with_borrow_mut(|tables| tables.insert(relation, Entry { is_current, table: table.clone() }));
        table
    })
}

/// Whether the table's rows are contacts of a live audience.
pub fn is_kept(relation: Oid) -> bool {
    let live = || query::first(LIVE_AUDIENCES, &[relation.into()], |row| row.get::<String>(1));
    security::as_role(access::extension_owner(), || snapshot::latest(live)).is_some()
}

fn forget(relation: Option<Oid>) {
    TABLES.with(|tables| {
        // It is borrowed only for look-ups, which do not come here.
        let Ok(tables) = tables.try_borrow() else { return };
        match relation {
            Some(relation) => tables.get(&relation).into_iter().for_each(|entry| entry.is_current.set(false)),
            None => tables.values().for_each(|entry| entry.is_current.set(false)),
        }
    });
}

fn compile(relation: Oid) -> Tracked {
    let extension_owner = access::extension_owner();
    let read = || {
        let names = query::rows(LIVE_AUDIENCES, &[relation.into()], |row| row.get::<String>(1));
        names.into_iter().filter_map(|name| audience(&name, extension_owner)).collect()
    };
    Tracked { audiences: security::as_role(extension_owner, || snapshot::latest(read)) }
}

const LIVE_AUDIENCES: &str = "
WITH RECURSIVE ancestor(oid) AS (
    SELECT $1
    UNION
    SELECT i.inhparent FROM ancestor JOIN pg_catalog.pg_inherits i ON i.inhrelid OPERATOR(pg_catalog.=) ancestor.oid)
SELECT a.name FROM segments.audience_config a
 WHERE a.freshness OPERATOR(pg_catalog.=) 'live'
   AND a.relation::pg_catalog.oid OPERATOR(pg_catalog.=) ANY (SELECT ancestor.oid FROM ancestor)
 ORDER BY a.name";

fn audience(name: &str, extension_owner: Oid) -> Option<TrackedAudience> {
    let audience = Audience::try_load(name).ok()?;
    let (with_topics, without): (Vec<_>, Vec<_>) =
        live_segments(&audience).into_iter().partition(|(_, checked)| reads_topics(checked));
    let batches = |segments: Vec<(Uuid, Checked)>, reads_topics: bool| {
        let batch = |segments: &[(Uuid, Checked)]| Batch {
            segments: segments.iter().map(|(id, _)| *id).collect(),
            reads_topics,
            conditions: segments.iter().map(|(_, checked)| contact::executable_sql(&audience, checked)).collect(),
            row: audience.table.name.clone(),
            plans: Default::default(),
        };
        segments.chunks(AT_ONCE).map(batch).collect::<Vec<_>>()
    };
    let mut batches_of_all = batches(without, false);
    batches_of_all.extend(batches(with_topics, true));
    Some(TrackedAudience {
        name: name.to_owned(),
        owner: audience.relation.owner,
        extension_owner,
        batches: batches_of_all,
    })
}

/// The segments of an audience whose counts triggers can keep: sound, and without dates that are relative to now.
fn live_segments(audience: &Audience) -> Vec<(Uuid, Checked)> {
    let scope = audience.scope.as_ref().map(|text| condition::stored(text.as_bytes()));
    if scope.is_some_and(|scope| scope::check(audience, &scope, "UTC").is_relative) {
        return Vec::new();
    }
    let checked = |segment: Definition| {
        let checked = scope::check_segment(audience, &segment).ok()?;
        (!checked.is_relative).then_some((segment.id, checked.checked))
    };
    Definition::all(&audience.name).into_iter().filter_map(checked).collect()
}

fn reads_topics(checked: &Checked) -> bool {
    let mut found = false;
    checked.for_each(&mut |atom| found |= matches!(atom, Atom::Topic(_)));
    found
}

/// Counts all segments of an audience anew.
fn recount(audience: &str, extension_owner: Oid) {
    let (audience, segments) = security::as_role(extension_owner, || {
        snapshot::latest(|| {
            let audience = Audience::load(audience);
            let segments = Definition::all(&audience.name);
            (audience, segments)
        })
    });
    count::recount(&audience, &segments);
}
