//! Segments that ask for what other tables say of a contact: its subscriptions, and its rows in relations. Queries count who
//! of the contacts that a statement touches is a member, before the statement and after it.
//!
//! First the rows of these contacts are locked, so that changes of one contact and of its rows in other tables are evaluated
//! one after the other. A later change is evaluated with the committed result of the earlier one.
//!
//! *Before* and *after* are snapshots as of a command. Such a snapshot shows what this transaction did before the
//! command, even rows that it has deleted since. A contact is looked at as a whole: its own row, its subscriptions, its rows
//! in every relation. So whichever of these a command changes, and in whatever order triggers fire, what a transaction does to
//! a contact adds up, if each stretch of the transaction's commands is counted once ([`counted`]).

use crate::catalog::audience::Audience;
use crate::live::counted::{self, Span};
use crate::live::deltas::Effect;
use crate::live::eligibility::LiveSegment;
use crate::live::touched::Touched;
use crate::pg::plan::KeptPlan;
use crate::pg::relcache;
use crate::pg::snapshot::{self, Command};
use crate::pg::spi::{Reading, Session, connected};
use gathered::GatheredSegments;
use pgrx::pg_sys::{Oid, TEXTARRAYOID};
use sql::Moved;
use std::cell::OnceCell;
use std::collections::{HashMap, HashSet};
use uuid::Uuid;

mod gathered;
pub mod parts;
pub mod sql;

/// The segments of a live audience that ask for other tables.
pub struct AskingSegments {
    /// As queries need it
    audience: Audience,
    segments: Vec<LiveSegment>,
    positions: HashMap<Uuid, usize>,
    /// Those that need no query of their own
    gathered: Option<GatheredSegments>,
    groups: Vec<Group>,
    /// A plan for each segment alone
    alone: Vec<OnceCell<KeptPlan>>,
}

/// Segments that one query can evaluate.
struct Group {
    /// Their positions
    segments: Vec<usize>,
    /// Whether triggers record their entries and exits
    is_watched: bool,
    plan: OnceCell<KeptPlan>,
}

/// How many contacts are evaluated at once. They are held in memory.
const CONTACTS_AT_ONCE: usize = 50_000;
/// How many segments one query evaluates. Planning a query with this many sums takes little time.
const SEGMENTS_AT_ONCE: usize = 200;
/// The same of watched segments, of which the query finds the members.
const WATCHED_AT_ONCE: usize = 100;
/// At most this many segments of a group are evaluated one by one, where a statement concerns no more.
const FEW: usize = 4;

impl AskingSegments {
    /// `None` if no segment asks for other tables.
    pub fn new(audience: &Audience, segments: &[LiveSegment]) -> Option<Self> {
        let segments: Vec<LiveSegment> =
            segments.iter().filter(|segment| !segment.asks_for.is_empty()).cloned().collect();
        let (watched, others): (Vec<usize>, Vec<usize>) =
            (0..segments.len()).partition(|position| segments[*position].is_watched);
        let group = |is_watched| {
            move |segments: &[usize]| Group { segments: segments.to_vec(), is_watched, plan: OnceCell::new() }
        };
        let groups = others.chunks(SEGMENTS_AT_ONCE).map(group(false));
        let groups = groups.chain(watched.chunks(WATCHED_AT_ONCE).map(group(true))).collect();
        (!segments.is_empty()).then(|| AskingSegments {
            audience: audience.clone(),
            gathered: GatheredSegments::new(audience, &segments),
            positions: segments.iter().enumerate().map(|(position, segment)| (segment.id, position)).collect(),
            groups,
            alone: segments.iter().map(|_| OnceCell::new()).collect(),
            segments,
        })
    }

    pub fn segments(&self) -> &[LiveSegment] {
        &self.segments
    }

    /// The tables that the queries read.
    pub fn tables(&self) -> Vec<Oid> {
        let asks_for = |name: &str| self.segments.iter().any(|segment| segment.asks_for.contains(name));
        let others = self.audience.others().filter(|other| asks_for(other.name)).map(|other| other.relation.oid);
        [self.audience.relation.oid].into_iter().chain(others).collect()
    }

    /// Adds everything to `effect` that was done to the contacts since the command and has not been counted yet. It evaluates
    /// with the rights of the current role.
    pub fn evaluate(&self, command: Command, touched: Touched, effect: &mut Effect) {
        // Another transaction may have attached or detached a partition while this one waited for a contact.
        relcache::hear_of_changes();
        let spans = counted::uncounted(&self.audience.name, command, snapshot::next_command(), touched);
        connected(|session| {
            for Span { from, until, contacts, segments } in &spans {
                let concerned: HashSet<usize> =
                    segments.iter().filter_map(|segment| self.positions.get(segment)).copied().collect();
                for some in self.chunks(contacts) {
                    let mut counted = Effect::default();
                    // What other transactions commit meanwhile is in both or in neither.
                    snapshot::latest(|| {
                        for (command, times) in [(*from, -1), (*until, 1)] {
                            snapshot::as_of(command, || self.members(session, some, &concerned, times, &mut counted));
                        }
                    });
                    effect.add_net(counted);
                }
            }
        });
    }

    /// Adds to `effect` what it changes for the contacts that parts of a table have come or gone.
    pub fn evaluate_moved(&self, moved: &Moved<'_>, touched: &Touched, effect: &mut Effect) {
        relcache::hear_of_changes();
        let contacts: Vec<String> = touched.contacts.iter().cloned().collect();
        let now = Moved::default();
        connected(|session| {
            for some in self.chunks(&contacts) {
                let mut counted = Effect::default();
                snapshot::latest(|| {
                    for (moved, times) in [(moved, -1), (&now, 1)] {
                        for Group { segments, is_watched, .. } in &self.groups {
                            let plan = OnceCell::new();
                            let query = Query { segments, is_watched: *is_watched, plan: &plan, moved };
                            self.run(session, &query, some, times, &mut counted, |number| Some(segments[number]));
                        }
                    }
                });
                effect.add_net(counted);
            }
        });
    }

    fn chunks<'c>(&self, contacts: &'c [String]) -> std::slice::Chunks<'c, String> {
        // Two texts of one id have to be in one query, which finds the contact once.
        let at_once = if self.audience.id.has_one_text() { CONTACTS_AT_ONCE } else { contacts.len() };
        contacts.chunks(at_once.max(1))
    }

    /// Adds the memberships of some contacts in the active snapshot, each multiplied by `times`.
    fn members(
        &self,
        session: &Session,
        contacts: &[String],
        concerned: &HashSet<usize>,
        times: i64,
        effect: &mut Effect,
    ) {
        self.gathered.iter().for_each(|gathered| self.gather(gathered, session, contacts, concerned, times, effect));
        let moved = &Moved::default();
        let is_gathered = |position: usize| self.gathered.as_ref().is_some_and(|gathered| gathered.has(position));
        for group in &self.groups {
            let is_concerned = |position: &usize| concerned.contains(position) && !is_gathered(*position);
            let of_group: Vec<usize> = group.segments.iter().copied().filter(is_concerned).collect();
            if of_group.len() > FEW {
                let query = Query { segments: &group.segments, is_watched: group.is_watched, plan: &group.plan, moved };
                let read = |number: usize| Some(group.segments[number]).filter(is_concerned);
                self.run(session, &query, contacts, times, effect, read);
                continue;
            }
            for position in of_group {
                let plan = &self.alone[position];
                let query = Query { segments: &[position], is_watched: group.is_watched, plan, moved };
                self.run(session, &query, contacts, times, effect, |_| Some(position));
            }
        }
    }

    fn gather(
        &self,
        gathered: &GatheredSegments,
        session: &Session,
        contacts: &[String],
        concerned: &HashSet<usize>,
        times: i64,
        effect: &mut Effect,
    ) {
        let asks_for = |position: &usize| self.segments[*position].asks_for.iter().map(String::as_str);
        let asks_for: HashSet<&str> = concerned.iter().flat_map(asks_for).collect();
        let mut members = vec![0; self.segments.len()];
        gathered.members(session, contacts, concerned, &asks_for, |position, contact| {
            let segment = &self.segments[position];
            match segment.is_watched {
                true => effect.moved(segment.id, contact.to_owned(), times),
                false => members[position] += times,
            }
        });
        let counted = self.segments.iter().zip(members);
        counted.for_each(|(segment, members)| effect.grew(segment.id, members));
    }

    /// Runs the query for some segments. `read` says which segment the number of a result belongs to; `None` is left out.
    fn run(
        &self,
        session: &Session,
        query: &Query<'_>,
        contacts: &[String],
        times: i64,
        effect: &mut Effect,
        read: impl Fn(usize) -> Option<usize>,
    ) {
        let plan = query.plan.get_or_init(|| {
            let checked = query.segments.iter().map(|position| &self.segments[*position].checked);
            let sql = match query.is_watched {
                true => sql::which(&self.audience, checked, query.moved),
                false => sql::how_many(&self.audience, checked, query.moved),
            };
            session.prepare_for_any(&sql, &[TEXTARRAYOID])
        });
        let arguments = [contacts.to_vec().into()];
        let id = |number: usize| read(number).map(|position| self.segments[position].id);
        if !query.is_watched {
            let counts = session.run(plan, &arguments, Reading::Active, |row| row.get::<Vec<i64>>(1));
            for (number, members) in counts.into_iter().flatten().flatten().enumerate() {
                id(number).into_iter().for_each(|segment| effect.grew(segment, times * members));
            }
            return;
        }
        let rows = session.run(plan, &arguments, Reading::Active, |row| {
            let numbers = row.get::<Vec<i64>>(1).unwrap_or_default();
            (numbers, row.get::<Vec<String>>(2).unwrap_or_default(), row.get::<Vec<i64>>(3).unwrap_or_default())
        });
        for (numbers, contacts, members) in rows {
            for ((number, contact), members) in numbers.into_iter().zip(contacts).zip(members) {
                if let Some(segment) = id(number as usize - 1) {
                    effect.moved(segment, contact, times * members);
                }
            }
        }
    }
}

/// A query for the members of some segments among contacts.
struct Query<'q> {
    /// Their positions
    segments: &'q [usize],
    is_watched: bool,
    plan: &'q OnceCell<KeptPlan>,
    moved: &'q Moved<'q>,
}
