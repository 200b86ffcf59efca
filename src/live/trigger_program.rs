//! The trigger program of a table: the compiled segments of every live audience whose contacts are rows of the table, or whose
//! segments ask for rows of it.
//!
//! A backend compiles it when a statement first changes the table, and again after the table or a definition has
//! changed.

use crate::catalog::audience::Audience;
use crate::catalog::definition_cache::{Sources, Validity};
use crate::catalog::segment::Definition;
use crate::counting::{bases, store};
use crate::live::asking::AskingSegments;
use crate::live::changes::record::Changing;
use crate::live::changes::{unrecorded, watched};
use crate::live::concern::{ContactsConcern, RowsConcern};
use crate::live::deltas::{Change, Effect, Journal};
use crate::live::eligibility::{self, Reach};
use crate::live::live_tables::{LIVE_AUDIENCES, TABLES_OF};
use crate::live::row_segments::{self, RowSegments, UncompiledSegments};
use crate::live::touched::Touched;
use crate::live::truncation::{self, Emptied};
use crate::live::underway;
use crate::pg::error::Failure;
use crate::pg::relcache::{self, Presence};
use crate::pg::snapshot::{self, Command};
use crate::pg::trigger::{Event, Statement};
use crate::pg::{query, security, subtransaction};
use pgrx::pg_sys::Oid;
use std::cell::RefCell;
use std::collections::{BTreeMap, HashMap, HashSet};
use std::rc::Rc;
use uuid::Uuid;

/// The trigger program of a table.
pub struct TriggerProgram {
    audiences: Vec<AudienceProgram>,
    /// The positions of those with segments that ask for other tables
    asking: Vec<usize>,
    /// The segments of all these audiences that a row alone decides
    rows: Vec<RowSegments>,
    /// The other tables that its queries read
    reads: Vec<Oid>,
    journal: Journal,
}

/// A live audience that uses the table.
struct AudienceProgram {
    name: String,
    /// The owner of the contacts' table. Conditions are evaluated with the owner's rights
    owner: Oid,
    /// Whether ids of contacts are unique
    has_unique_ids: bool,
    /// Set if segments ask for other tables, for this one among them if it does not have the contacts
    asking: Option<AskingSegments>,
    /// Whom statements concern, if segments ask for other tables and the table has the contacts
    contacts: Option<ContactsConcern>,
    /// The lock for rows of other tables that are written before their contact exists
    presence: Presence,
    /// Whom statements concern, for each relation that has its rows in the table
    rows: Vec<RowsConcern>,
    /// What the table has of the audience
    has: Emptied,
}

impl TriggerProgram {
    /// Records the deltas of a statement, and its entries and exits.
    pub fn keep(&self, statement: Statement) {
        if shows_no_rows(statement) {
            return self.audiences.iter().for_each(|audience| match statement.is_yet_to_come() {
                true => truncation::before(&audience.name, &audience.has),
                false => truncation::after(&audience.name),
            });
        }
        let command = snapshot::current_command();
        let mut effects: BTreeMap<usize, Effect> = BTreeMap::new();
        security::with_fixed_output(|| self.rows.iter().for_each(|rows| rows.evaluate(statement, &mut effects)));
        let outer: Vec<(Command, Rc<TriggerProgram>)> =
            underway::outer().into_iter().map(|(command, relation)| (command, table(relation))).collect();
        let mut miscounted = Vec::new();
        for position in &self.asking {
            effects.entry(*position).or_default();
        }
        for (position, mut effect) in effects {
            let audience = &self.audiences[position];
            let around =
                outer.iter().filter(|(_, table)| table.keeps(&audience.name)).map(|(command, _)| *command).min();
            if !audience.evaluate(statement, around, &mut effect) {
                miscounted.push(audience.name.clone());
            }
            let changes = effect.record_growth(&audience.name, self.journal);
            audience.record(command, changes, self.journal.owner());
        }
        if !miscounted.is_empty() {
            self.forget(
                miscounted,
                "A BEFORE trigger that fires before that of live counts has changed contacts, subscriptions or rows.",
            );
        }
        let all = || self.audiences.iter().map(|audience| audience.name.clone()).collect();
        if statement.hides_moved_rows() {
            self.forget(all(), "Postgres does not show triggers the rows that a MERGE moves to other partitions.");
        }
        if store::has_stored_since(command) {
            // What was counted has a part of what the statement does, or all of it, and its deltas have all of it.
            self.forget(all(), "Segments were counted by a function or trigger of a statement that changes contacts.");
        }
    }

    /// Forgets the counts of audiences if the effect of a statement is not known, and warns why.
    fn forget(&self, audiences: Vec<String>, why: &str) {
        security::as_role(self.journal.owner(), || {
            bases::forget(audiences.clone());
            unrecorded::warn(audiences, why);
        });
    }

    /// Whether the table keeps counts of an audience.
    fn keeps(&self, audience: &str) -> bool {
        self.audiences.iter().any(|kept| kept.name == audience)
    }
}

impl AudienceProgram {
    /// Adds the effect of a statement on segments that ask for other tables; inside another command, leaves it for that one to
    /// count. Returns false if the effect is not known.
    fn evaluate(&self, statement: Statement, outer: Option<Command>, effect: &mut Effect) -> bool {
        let Some(asking) = &self.asking else { return true };
        let command = snapshot::current_command();
        let mut touched = Touched::default();
        let mut has_new = false;
        let of_rows: Vec<(&RowsConcern, Touched)> = security::with_fixed_output(|| {
            has_new = self.contacts.iter().any(|contacts| contacts.find(statement, &mut touched, effect));
            self.rows.iter().map(|rows| (rows, rows.find(statement))).filter(|(_, found)| !found.is_empty()).collect()
        });
        if has_new {
            self.presence.appear();
        }
        let kept = if outer.is_none() { underway::take_kept(command, &self.name) } else { None };
        if !touched.is_empty() || !of_rows.is_empty() || kept.is_some() {
            self.rewording(|| {
                security::as_role_restricted(self.owner, || {
                    of_rows.into_iter().for_each(|(rows, found)| touched.add(rows.lock(found)));
                    match outer {
                        Some(outer) => underway::keep_for(outer, &self.name, touched),
                        None => {
                            touched.add(kept.unwrap_or_default());
                            asking.evaluate(command, touched, effect);
                        }
                    }
                });
            });
        }
        outer.is_some() || underway::count(command, &self.name)
    }

    /// Records the entries and exits that a statement has caused.
    fn record(&self, command: Command, changes: Vec<Change>, extension_owner: Oid) {
        let changing = Changing { audience: &self.name, command, has_unique_ids: self.has_unique_ids };
        self.rewording(|| changing.record(changes, extension_owner));
    }

    /// Runs `work`, and shows its errors to superusers only. They may quote contacts, which the user who writes need
    /// not be allowed to read.
    fn rewording(&self, work: impl FnOnce()) {
        let may_see = security::is_superuser();
        subtransaction::rewording(work, |sqlstate, message| {
            let detail = match may_see {
                true => format!("Evaluating its segments failed: {message}"),
                false => "The error is not shown, because it may quote contacts.".to_owned(),
            };
            Failure::new(sqlstate, format!("the counts of audience \"{}\" could not be kept", self.name))
                .detail(detail)
                .hint("Ask the owner of the contacts' table to try refresh_segments(), or make the audience periodic.")
        });
    }
}

thread_local! {
    static TABLES: RefCell<HashMap<Oid, CompiledTable>> = RefCell::default();
}

#[derive(Clone)]
struct CompiledTable {
    validity: Rc<Validity>,
    table: Rc<TriggerProgram>,
}

/// How often a table is compiled at most. With the server's debug settings that discard caches, a program is always
/// outdated at once.
const ATTEMPTS: usize = 3;

/// The trigger program of a table.
pub fn table(relation: Oid) -> Rc<TriggerProgram> {
    for _ in 1..ATTEMPTS {
        let known = TABLES.with_borrow(|tables| tables.get(&relation).cloned());
        let CompiledTable { validity, table } = known.unwrap_or_else(|| compile_anew(relation));
        // The locks keep others from renaming these tables or their columns.
        table.reads.iter().copied().for_each(relcache::lock_for_reading);
        if validity.holds() {
            return table;
        }
        let outdated = TABLES.with_borrow_mut(|tables| tables.remove(&relation));
        drop(outdated);
    }
    compile_anew(relation).table
}

fn compile_anew(relation: Oid) -> CompiledTable {
    let journal = Journal::find();
    security::as_role(journal.owner(), || {
        snapshot::latest(|| {
            let validity = Validity::watch(|| Sources {
                audiences: query::rows(LIVE_AUDIENCES.text(), &[relation.into()], |row| row.get(1)),
                tables: query::rows(TABLES_OF.text(), &[relation.into()], |row| row.get(1)),
            });
            let entry = CompiledTable { validity, table: Rc::new(compile(relation, journal)) };
            let before = TABLES.with_borrow_mut(|tables| tables.insert(relation, entry.clone()));
            drop(before);
            entry
        })
    })
}

fn compile(relation: Oid, journal: Journal) -> TriggerProgram {
    let found = query::rows(LIVE_AUDIENCES.text(), &[relation.into()], |row| TableUse {
        audience: row.get(1),
        has_contacts: row.get(2),
        relations: row.get(3),
        source: row.get(4),
        filter: row.nullable(5),
    });
    let names: Vec<String> = found.iter().map(|found| found.audience.clone()).collect();
    let mut segments: HashMap<String, Vec<Definition>> = HashMap::new();
    for segment in Definition::of_audiences(&names) {
        segments.entry(segment.audience.clone()).or_default().push(segment);
    }
    let watched: HashSet<Uuid> = watched::by_triggers(names).collect();
    let mut sources: HashMap<String, Option<Source>> = HashMap::new();
    let (mut audiences, mut uncompiled) = (Vec::new(), Vec::new());
    for found in found {
        // What is true of the table is read once for all audiences that are based on one.
        let source = sources.entry(found.source.clone()).or_insert_with_key(|name| Source::find(name));
        let segments = segments.remove(&found.audience).unwrap_or_default();
        if let Some(source) = source {
            found.compile(relation, source, segments, &watched, &mut audiences, &mut uncompiled);
        }
    }
    let rows =
        uncompiled.into_iter().filter_map(|uncompiled: UncompiledSegments| uncompiled.compile(relation)).collect();
    let asking = |audience: &AudienceProgram| audience.asking.as_ref().map(AskingSegments::tables);
    let reads: HashSet<Oid> = audiences.iter().filter_map(asking).flatten().collect();
    let is_asking = |(position, audience): (usize, &AudienceProgram)| audience.asking.as_ref().map(|_| position);
    let asking = audiences.iter().enumerate().filter_map(is_asking).collect();
    TriggerProgram { audiences, asking, rows, reads: reads.into_iter().collect(), journal }
}

/// An audience that others may be based on, with what is true of its tables.
struct Source {
    /// Without its filter
    audience: Audience,
    reach: Reach,
    has_unique_ids: bool,
}

impl Source {
    /// `None` if its table is not what it was.
    fn find(name: &str) -> Option<Self> {
        let audience = Audience::unrestricted(name).ok()?;
        let (reach, has_unique_ids) = (Reach::of(&audience), audience.has_unique_ids());
        Some(Source { audience, reach, has_unique_ids })
    }
}

/// What an audience uses the table for.
struct TableUse {
    audience: String,
    has_contacts: bool,
    /// The names of the relations whose rows are in it
    relations: Vec<String>,
    source: String,
    filter: Option<String>,
}

impl TableUse {
    fn compile(
        self,
        table: Oid,
        source: &Source,
        segments: Vec<Definition>,
        watched: &HashSet<Uuid>,
        audiences: &mut Vec<AudienceProgram>,
        uncompiled: &mut Vec<UncompiledSegments>,
    ) {
        let mut audience = source.audience.with_filter((self.audience.clone(), self.filter));
        if audience.restrict().is_err() {
            return;
        }
        let segments = eligibility::among(&audience, segments, &source.reach, watched);
        if self.has_contacts {
            row_segments::add(uncompiled, audiences.len(), &audience, &segments);
        }
        let is_here = |name: &str| self.relations.iter().any(|here| here == name);
        let rows: Vec<RowsConcern> = audience
            .others()
            .filter(|other| is_here(other.name))
            .filter_map(|other| RowsConcern::new(table, &audience, &other, &segments))
            .collect();
        let is_concerned = self.has_contacts || !rows.is_empty();
        let asking = is_concerned.then(|| AskingSegments::new(&audience, &segments)).flatten();
        let of_contacts = asking.as_ref().filter(|_| self.has_contacts).map(AskingSegments::segments);
        audiences.push(AudienceProgram {
            owner: audience.relation.owner,
            has_unique_ids: source.has_unique_ids,
            contacts: of_contacts.and_then(|asking| ContactsConcern::new(table, &audience, asking)),
            presence: Presence(audience.relation.oid),
            asking,
            rows,
            has: if self.has_contacts { Emptied::Contacts } else { Emptied::Relations(self.relations) },
            name: self.audience,
        });
    }
}

/// Whether the transition tables and snapshots of earlier commands do not show what a statement does.
fn shows_no_rows(statement: Statement) -> bool {
    statement.event() == Event::Truncate || statement.may_freeze_rows()
}

/// The work of the trigger function.
pub fn keep(statement: Statement) {
    if !shows_no_rows(statement) {
        if statement.is_yet_to_come() {
            return underway::begin(statement.relation());
        }
        let command = snapshot::current_command();
        underway::end(command);
        if statement.changed_rows() == 0 && !underway::has_kept(command) && !statement.hides_moved_rows() {
            return;
        }
    }
    table(statement.relation()).keep(statement);
}
