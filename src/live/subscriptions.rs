//! Statements that change subscriptions. Queries evaluate the conditions for the contacts of these subscriptions, with
//! the subscriptions before and after the statement.
//!
//! First the rows of these contacts are locked, so that changes of one contact and of its subscriptions are evaluated
//! one after the other. A later change is evaluated with the committed result of the earlier one.
//!
//! *Before* and *after* are snapshots as of a command. Such a snapshot shows what this transaction did before the
//! command, even rows that it has deleted since. A statement that a trigger or a foreign key runs is a command of its
//! own. So the changes of a transaction are counted command by command and add up, in whatever order triggers fire:
//!
//! - a contact's change is counted with its subscriptions *before* the command ([`contacts`](crate::live::contacts));
//! - a subscription's change is counted for its contact's row *after* the command.

use crate::catalog::audience::{Audience, Subscriptions};
use crate::live::contacts::Contacts;
use crate::live::deltas::Effect;
use crate::live::eligibility::LiveSegment;
use crate::live::underway::{self, Absorbed};
use crate::live::watched_batch::{self, WatchedBatch};
use crate::pg::plan::KeptPlan;
use crate::pg::query;
use crate::pg::relcache::Presence;
use crate::pg::snapshot::{self, Command};
use crate::pg::spi::{self, Reading, Session};
use crate::pg::trigger::{Event, Statement};
use counted_commands::{Settled, Touched};
use pgrx::pg_sys::TEXTARRAYOID;
use sql::SubscriptionSql;
use std::cell::{OnceCell, RefCell};
use std::collections::HashMap;
use uuid::Uuid;

mod counted_commands;
mod sql;

/// The segments of a live audience that ask for subscriptions, prepared for the triggers of the table of subscriptions.
pub struct SubscriptionSegments {
    audience: String,
    batches: Vec<Batch>,
    watched: Vec<WatchedBatch>,
    presence: Option<Presence>,
    sql: SubscriptionSql,
    lock: [OnceCell<KeptPlan>; 3],
    touched: [OnceCell<KeptPlan>; 3],
    held: OnceCell<KeptPlan>,
}

struct Batch {
    segments: Vec<Uuid>,
    sql: String,
    plan: OnceCell<KeptPlan>,
}

/// The subscriptions of a contact.
#[derive(Default)]
struct Held {
    topics: Vec<String>,
    places: Vec<String>,
}

/// How many contacts are evaluated at once. They are held in memory.
const AT_ONCE: usize = 50_000;
/// How many segments one query evaluates.
const SEGMENTS_AT_ONCE: usize = 500;

impl SubscriptionSegments {
    /// `None` if no segment asks for subscriptions.
    pub fn new(audience: &Audience, segments: &[LiveSegment], presence: Option<Presence>) -> Option<Self> {
        let sql = SubscriptionSql::new(audience)?;
        let (watched, others): (Vec<_>, Vec<_>) =
            segments.iter().filter(|segment| segment.reads_topics).partition(|segment| segment.is_watched);
        let batch = |segments: &[&LiveSegment]| Batch {
            segments: segments.iter().map(|segment| segment.id).collect(),
            sql: sql.differences(audience, segments),
            plan: OnceCell::new(),
        };
        let batches: Vec<Batch> = others.chunks(SEGMENTS_AT_ONCE).map(batch).collect();
        let growth = |segment: &LiveSegment| SubscriptionSql::growth(audience, segment);
        let watched: Vec<WatchedBatch> = watched
            .chunks(watched_batch::AT_ONCE)
            .map(|segments| WatchedBatch::new(audience, segments, growth))
            .collect();
        (!batches.is_empty() || !watched.is_empty()).then(|| SubscriptionSegments {
            audience: audience.name.clone(),
            batches,
            watched,
            presence,
            sql,
            lock: Default::default(),
            touched: Default::default(),
            held: OnceCell::new(),
        })
    }

    /// Adds the effect of a statement to `effect`. It evaluates with the rights of the current role.
    pub fn evaluate(
        &self,
        statement: Statement,
        contacts: &Contacts,
        absorbed: Option<&RefCell<Absorbed>>,
        effect: &mut Effect,
    ) {
        spi::over(statement, |session| self.evaluate_within(session, statement.event(), contacts, absorbed, effect));
    }

    fn evaluate_within(
        &self,
        session: &Session,
        event: Event,
        contacts: &Contacts,
        absorbed: Option<&RefCell<Absorbed>>,
        effect: &mut Effect,
    ) {
        let command = snapshot::current_command();
        self.lock(session, event);
        let plan = self.plan_of_touched(session, event);
        let mut touched = snapshot::latest_before(command + 1, || session.open_cursor(plan, &[]));
        loop {
            let some = touched.next(AT_ONCE, |row| Touched {
                contact: row.get(1).unwrap_or_default(),
                taken: row.get(2).unwrap_or(0),
                given: row.get(3).unwrap_or(0),
                places: row.get(4).unwrap_or_default(),
            });
            let is_last = some.len() < AT_ONCE;
            if !some.is_empty() {
                let counted = absorbed.map(|absorbed| {
                    if absorbed.borrow().has_missed {
                        let some = some.iter().map(|touched| touched.contact.clone()).collect();
                        contacts.absorb(session, command, absorbed, some, effect);
                    }
                    absorbed.borrow()
                });
                self.evaluate_contacts(session, command, some, counted.as_deref(), effect);
            }
            if is_last {
                return;
            }
        }
    }

    /// Keeps the contacts whose subscriptions a statement has changed, to be counted by the unfinished command around
    /// it.
    pub fn keep_for(&self, outer: Command, statement: Statement) {
        let (contacts, has_missed) = spi::over(statement, |session| {
            let has_missed = self.lock(session, statement.event());
            let plan = self.plan_of_touched(session, statement.event());
            (session.run_latest(plan, &[], |row| row.get(1)), has_missed)
        });
        underway::keep_for(outer, &self.audience, contacts.into_iter().flatten().collect(), has_missed);
    }

    fn plan_of_touched(&self, session: &Session, event: Event) -> &KeptPlan {
        self.touched[event as usize].get_or_init(|| session.prepare(&self.sql.touched(event), &[]))
    }

    /// Locks the contacts whose subscriptions a statement has changed. Returns whether some could not be found.
    fn lock(&self, session: &Session, event: Event) -> bool {
        let plan = self.lock[event as usize].get_or_init(|| session.prepare(&self.sql.lock(event), &[]));
        let is_absent = session.run_latest(plan, &[], |row| row.get::<bool>(1) == Some(true)).contains(&true);
        if let (true, Some(presence)) = (is_absent, self.presence) {
            // If another transaction has inserted the contact and not committed yet, this waits for it, and the second
            // run finds the contact. If the contact is inserted later, it is counted with this subscription then.
            presence.miss();
            session.run_latest(plan, &[], |_| ());
        }
        is_absent
    }

    fn evaluate_contacts(
        &self,
        session: &Session,
        command: Command,
        touched: Vec<Touched>,
        counted: Option<&Absorbed>,
        effect: &mut Effect,
    ) {
        let before = self.held(session, command, touched.iter().map(|touched| touched.contact.clone()).collect());
        let mut settled = Settled::of(&self.audience, command);
        let mut by_span: HashMap<(Command, Command), Vec<String>> = HashMap::new();
        for touched in touched {
            if let Some(counted) = counted.filter(|counted| counted.contacts.contains(&touched.contact)) {
                settled.count_until(&touched.contact, counted.until);
            }
            let none = Held::default();
            let before = before.get(&touched.contact).unwrap_or(&none);
            if let Some(span) = settled.span(&touched, &before.places) {
                by_span.entry(span).or_default().push(touched.contact);
            }
        }
        for ((from, until), contacts) in by_span {
            if from == command {
                self.differences(session, until, contacts, &before, effect);
            } else {
                let before = self.held(session, from, contacts.clone());
                self.differences(session, until, contacts, &before, effect);
            }
        }
    }

    /// The subscriptions of contacts before a command.
    fn held(&self, session: &Session, command: Command, contacts: Vec<String>) -> HashMap<String, Held> {
        let plan = self.held.get_or_init(|| session.prepare(&self.sql.held, &[TEXTARRAYOID]));
        let rows = snapshot::latest_before(command, || {
            session.run(plan, &[contacts.into()], Reading::Active, |row| {
                let contact = row.get::<String>(1).unwrap_or_default();
                (contact, Held { topics: row.get(2).unwrap_or_default(), places: row.get(3).unwrap_or_default() })
            })
        });
        rows.into_iter().collect()
    }

    /// Adds the effect on contacts of everything that was done before the command `until`. `before` are their earlier
    /// subscriptions.
    fn differences(
        &self,
        session: &Session,
        until: Command,
        contacts: Vec<String>,
        before: &HashMap<String, Held>,
        effect: &mut Effect,
    ) {
        let (mut holders, mut topics) = (Vec::new(), Vec::new());
        for contact in &contacts {
            for topic in before.get(contact).into_iter().flat_map(|held| &held.topics) {
                holders.push(contact.clone());
                topics.push(topic.clone());
            }
        }
        let types = [TEXTARRAYOID, TEXTARRAYOID, TEXTARRAYOID];
        let arguments = [contacts.into(), holders.into(), topics.into()];
        snapshot::latest_before(until, || {
            for batch in &self.batches {
                let plan = batch.plan.get_or_init(|| session.prepare(&batch.sql, &types));
                let sums = session.run(plan, &arguments, Reading::Active, |row| row.get::<Vec<i64>>(1));
                let sums = sums.into_iter().next().flatten().unwrap_or_default();
                batch.segments.iter().zip(sums).for_each(|(segment, members)| effect.grew(*segment, members));
            }
            for batch in &self.watched {
                batch.evaluate(session, 0, &types, &arguments, |terms| self.sql.contact_by_contact(terms), effect);
            }
        });
    }
}

/// Without a foreign key, a subscription may be written before its contact exists. The lock makes the two writers wait
/// for each other. `None` if there is such a foreign key.
pub fn presence(audience: &Audience) -> Option<Presence> {
    let Subscriptions::In(relation) = &audience.topics else { return None };
    let topics = audience.table.topics.as_ref()?;
    let arguments = [
        relation.oid.into(),
        audience.relation.oid.into(),
        topics.contact_column.as_str().into(),
        audience.id.name.as_str().into(),
    ];
    let is_enforced = query::first(FOREIGN_KEY, &arguments, |row| row.get::<bool>(1)).unwrap_or(false);
    (!is_enforced).then_some(Presence(audience.relation.oid))
}

// PostgreSQL 18 has foreign keys that are NOT ENFORCED. They have no triggers.
const FOREIGN_KEY: &str = "
SELECT EXISTS (
    SELECT FROM pg_constraint k
      JOIN pg_attribute contact ON contact.attrelid = k.conrelid
       AND contact.attname::text = $3
      JOIN pg_attribute id ON id.attrelid = k.confrelid
       AND id.attname::text = $4
     WHERE k.contype = 'f' AND k.conrelid = $1
       AND k.confrelid = $2 AND k.convalidated AND NOT k.condeferrable
       AND k.conkey = ARRAY[contact.attnum] AND k.confkey = ARRAY[id.attnum]
       AND EXISTS (SELECT FROM pg_trigger t WHERE t.tgconstraint = k.oid
                      AND t.tgrelid = $1 AND t.tgenabled <> 'D'))";
