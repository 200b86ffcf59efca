//! Statements that change contacts, for segments that ask for subscriptions: queries put their conditions to the rows
//! before and after.

use crate::catalog::audience::Audience;
use crate::catalog::column::ColumnRef;
use crate::catalog::contact_sql;
use crate::live::deltas::Outcome;
use crate::live::eligibility::LiveSegment;
use crate::live::underway::{self, Absorbed};
use crate::live::watched_batch::{self, Plans, WatchedBatch};
use crate::pg::relcache::{self, Presence};
use crate::pg::snapshot::{self, Command};
use crate::pg::spi::{self, Reading, Session};
use crate::pg::trigger::{Event, Statement};
use pgrx::datum::DatumWithOid;
use pgrx::pg_sys::{INT4OID, Oid, TEXTARRAYOID};
use pgrx::spi::quote_identifier;
use std::cell::RefCell;
use uuid::Uuid;

/// The segments of a live audience that ask for subscriptions, as its contacts' triggers need them.
pub struct Contacts {
    audience: String,
    /// The table of the contacts, quoted
    table: String,
    /// The column that identifies them
    id_column: ColumnRef,
    batches: Vec<Batch>,
    watched: Vec<WatchedBatch>,
    /// Where contacts may be subscribed before they are there
    presence: Option<Presence>,
    /// The name by which conditions call the row, quoted
    row: String,
    /// What identifies it, as text
    id: String,
    /// The column that says whether it came or went, quoted
    sign: String,
    /// How the texts of queries begin
    mark: String,
}

/// Segments that one query evaluates.
struct Batch {
    segments: Vec<Uuid>,
    /// By how much each grows, as an array
    growth: String,
    plans: Plans,
}

/// How many segments one query evaluates: as many sums are planned in little time.
const AT_ONCE: usize = 500;
/// How many contacts are counted at once that others were kept for.
const CONTACTS_AT_ONCE: usize = 50_000;
/// How many changed rows are worked on at once where each one's changes are recorded.
const ROWS_AT_ONCE: i64 = 100_000;

impl Contacts {
    /// `None` where no segment asks for subscriptions. The table is the audience's, or a part of it.
    pub fn new(table: Oid, audience: &Audience, segments: &[LiveSegment], presence: Option<Presence>) -> Option<Self> {
        let sign = quote_identifier(sign(table));
        let growth = |segment: &LiveSegment| {
            let condition = contact_sql::executable_sql(audience, &segment.checked);
            format!("COALESCE(pg_catalog.sum({sign}) FILTER (WHERE {condition}), 0)")
        };
        let (watched, others): (Vec<_>, Vec<_>) =
            segments.iter().filter(|segment| segment.reads_topics).partition(|segment| segment.is_watched);
        let batch = |segments: &[&LiveSegment]| Batch {
            segments: segments.iter().map(|segment| segment.id).collect(),
            growth: segments.iter().map(|segment| growth(segment)).collect::<Vec<_>>().join(",\n"),
            plans: Default::default(),
        };
        let batches: Vec<Batch> = others.chunks(AT_ONCE).map(batch).collect();
        let watched: Vec<WatchedBatch> = watched
            .chunks(watched_batch::AT_ONCE)
            .map(|segments| WatchedBatch::new(audience, segments, growth))
            .collect();
        let row = quote_identifier(&audience.table.name);
        let id = audience.id.as_text(&format!("{row}.{}", quote_identifier(&audience.id.name)));
        let mark = audience.reading("");
        let is_empty = batches.is_empty() && watched.is_empty();
        let (table, id_column) = (audience.relation.quoted(), audience.id.clone());
        let audience = audience.name.clone();
        (!is_empty).then_some(Contacts { audience, table, id_column, batches, watched, presence, row, id, sign, mark })
    }

    /// What a statement has done, but to contacts that have been counted; evaluated with the rights of the current role.
    pub fn evaluate(&self, statement: Statement, absorbed: Option<&RefCell<Absorbed>>, outcome: &mut Outcome) {
        self.appear(statement);
        spi::over(statement, |session| {
            let excluded = absorbed.map(|absorbed| {
                if absorbed.borrow().has_missed {
                    let contacts = self.changed(session, statement.event(), counted(absorbed));
                    self.absorb(session, snapshot::current_command(), absorbed, contacts, outcome);
                }
                counted(absorbed)
            });
            self.evaluate_rows(session, statement, excluded, outcome);
        });
    }

    /// Keeps the contacts that a statement has changed for the command around it, which is not done.
    pub fn keep_for(&self, outer: Command, statement: Statement, outcome: &mut Outcome) {
        self.appear(statement);
        spi::over(statement, |session| {
            let contacts = self.changed(session, statement.event(), Vec::new());
            underway::keep_for(outer, &self.audience, contacts.clone(), false);
            if !self.id_column.not_null {
                // What has no id could not be found again, and has no subscriptions.
                self.evaluate_rows(session, statement, Some(contacts), outcome);
            }
        });
    }

    /// Counts contacts for all that was done to them from a command on, unless they have been counted so.
    pub fn absorb(
        &self,
        session: &Session,
        from: Command,
        absorbed: &RefCell<Absorbed>,
        mut contacts: Vec<String>,
        outcome: &mut Outcome,
    ) {
        contacts.retain(|contact| absorbed.borrow_mut().contacts.insert(contact.clone()));
        let until = absorbed.borrow().until;
        for some in contacts.chunks(CONTACTS_AT_ONCE) {
            let mut counted = Outcome::default();
            snapshot::latest_before(from, || self.evaluate_contacts(session, some, -1, &mut counted));
            snapshot::latest_before(until, || self.evaluate_contacts(session, some, 1, &mut counted));
            outcome.add_net(counted);
        }
    }

    fn appear(&self, statement: Statement) {
        if let Some(presence) = self.presence
            && statement.event() != Event::Delete
        {
            presence.appear();
        }
    }

    /// What a statement's rows have done, without the contacts that are excluded.
    fn evaluate_rows(
        &self,
        session: &Session,
        statement: Statement,
        excluded: Option<Vec<String>>,
        outcome: &mut Outcome,
    ) {
        let command = snapshot::current_command();
        let event = statement.event();
        let plan = event as usize + if excluded.is_some() { 3 } else { 0 };
        let rows = self.rows(event);
        let arguments = || excluded.iter().map(|contacts| contacts.clone().into()).collect::<Vec<DatumWithOid>>();
        // As subscriptions were before the statement: what it, or a foreign key or a trigger on its behalf, changes of
        // them is counted by the triggers of their own table, for the contact as it is afterwards.
        for batch in &self.batches {
            let is_counted = if excluded.is_some() { self.is_none_of("$1") } else { "true".to_owned() };
            snapshot::latest_before(command, || {
                self.grow(
                    session,
                    batch,
                    plan,
                    &format!("({rows}) {} WHERE {is_counted}", self.row),
                    &arguments(),
                    outcome,
                );
            });
        }
        let (row, id) = (&self.row, &self.id);
        let sql = |terms: &str| {
            let is_counted = if excluded.is_some() { self.is_none_of("$3") } else { "true".to_owned() };
            format!(
                "SELECT {id}, {terms} FROM ({rows}) {row}
                  WHERE (pg_catalog.hashtext({id}) OPERATOR(pg_catalog.&) 2147483647)
                        OPERATOR(pg_catalog.%) $1 OPERATOR(pg_catalog.=) $2 AND {is_counted} GROUP BY 1"
            )
        };
        let parts = 1 + statement.changed_rows() / ROWS_AT_ONCE;
        for batch in &self.watched {
            for part in 0..parts {
                let mut arguments = arguments();
                arguments.splice(0..0, [(parts as i32).into(), (part as i32).into()]);
                let types = &[INT4OID, INT4OID, TEXTARRAYOID][..arguments.len()];
                snapshot::latest_before(command, || batch.evaluate(session, plan, types, &arguments, sql, outcome));
            }
        }
    }

    /// Who of some contacts is a member, as the active snapshot shows them, each counted so many times.
    fn evaluate_contacts(&self, session: &Session, contacts: &[String], times: i32, outcome: &mut Outcome) {
        let Contacts { table, row, id, sign, id_column, .. } = self;
        let is_one = id_column.is_any(&format!("o.{}", quote_identifier(&id_column.name)), "$1");
        let rows = format!("(SELECT $2 AS {sign}, o.* FROM {table} o WHERE {is_one}) {row}");
        let arguments = [contacts.to_vec().into(), times.into()];
        for batch in &self.batches {
            self.grow(session, batch, 6, &rows, &arguments, outcome);
        }
        for batch in &self.watched {
            let sql = |terms: &str| format!("SELECT {id}, {terms} FROM {rows} GROUP BY 1");
            batch.evaluate(session, 6, &[TEXTARRAYOID, INT4OID], &arguments, sql, outcome);
        }
    }

    /// By how many members the segments of a batch have grown with rows.
    fn grow(
        &self,
        session: &Session,
        batch: &Batch,
        plan: usize,
        rows: &str,
        arguments: &[DatumWithOid],
        outcome: &mut Outcome,
    ) {
        let types = &[TEXTARRAYOID, INT4OID][..arguments.len()];
        let prepare = || {
            let (mark, growth) = (&self.mark, &batch.growth);
            session.prepare(&format!("{mark}SELECT ARRAY[{growth}]::pg_catalog.int8[] FROM {rows}"), types)
        };
        let plan = batch.plans[plan].get_or_init(prepare);
        let sums = session.run(plan, arguments, Reading::Active, |row| row.get::<Vec<i64>>(1));
        let grown = sums.into_iter().next().flatten().unwrap_or_default();
        batch.segments.iter().zip(grown).for_each(|(segment, members)| outcome.grew(*segment, members));
    }

    /// The ids of the contacts that an event has changed, but for those that are excluded.
    fn changed(&self, session: &Session, event: Event, excluded: Vec<String>) -> Vec<String> {
        let (mark, id, rows, row, is_counted) =
            (&self.mark, &self.id, self.rows(event), &self.row, self.is_none_of("$1"));
        let sql = format!("{mark}SELECT DISTINCT {id} FROM ({rows}) {row} WHERE {is_counted}");
        let plan = session.prepare(&sql, &[TEXTARRAYOID]);
        let found = session.run(&plan, &[excluded.into()], Reading::Active, |row| row.get::<String>(1));
        found.into_iter().flatten().collect()
    }

    /// That a row is none of the contacts of an array.
    fn is_none_of(&self, contacts: &str) -> String {
        let id = format!("{}.{}", self.row, quote_identifier(&self.id_column.name));
        format!("NOT COALESCE({}, false)", self.id_column.is_any(&id, contacts))
    }

    /// The rows that an event took away, and those that it put there.
    fn rows(&self, event: Event) -> String {
        let sign = &self.sign;
        let gone = format!("SELECT -1 AS {sign}, o.* FROM segments_old o");
        let come = format!("SELECT 1 AS {sign}, n.* FROM segments_new n");
        match event {
            Event::Insert => come,
            Event::Delete => gone,
            _ => format!("{gone} UNION ALL {come}"),
        }
    }
}

fn counted(absorbed: &RefCell<Absorbed>) -> Vec<String> {
    absorbed.borrow().contacts.iter().cloned().collect()
}

/// A name that no column of the table has.
fn sign(table: Oid) -> String {
    let mut name = "segments.sign".to_owned();
    while relcache::column_type(table, &name) != Oid::INVALID {
        name.push('_');
    }
    name
}
