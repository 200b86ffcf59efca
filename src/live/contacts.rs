//! Statements that change contacts, for segments that ask for subscriptions. Queries evaluate their conditions for the
//! rows before and after the statement.

use crate::catalog::audience::Audience;
use crate::catalog::column::ColumnRef;
use crate::catalog::contact_sql;
use crate::live::deltas::Effect;
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

/// The segments of a live audience that ask for subscriptions, prepared for the triggers of the contacts' table.
pub struct Contacts {
    audience: String,
    /// The table of the contacts, quoted
    table: String,
    /// The column that identifies contacts
    id_column: ColumnRef,
    batches: Vec<Batch>,
    watched: Vec<WatchedBatch>,
    /// The lock for audiences in which a subscription may be written before its contact exists
    presence: Option<Presence>,
    /// The name that conditions use for the row, quoted
    row: String,
    /// The id of the row, as an expression of type text
    id: String,
    /// The name of a column that is 1 for new rows and -1 for old ones, quoted
    sign: String,
    /// The beginning of each query's text, the mark of [`guard`](crate::pg::guard)
    mark: String,
}

/// Segments that one query evaluates.
struct Batch {
    segments: Vec<Uuid>,
    /// The elements of an array: by how much each segment grows
    growth: String,
    plans: Plans,
}

/// How many segments one query evaluates. Planning a query with this many sums takes little time.
const AT_ONCE: usize = 500;
/// How many contacts are counted at once among those that were kept for an outer statement.
const CONTACTS_AT_ONCE: usize = 50_000;
/// How many changed rows are evaluated at once for watched segments.
const ROWS_AT_ONCE: i64 = 100_000;

impl Contacts {
    /// `None` if no segment asks for subscriptions. `table` is the audience's table or a part of it.
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

    /// Adds the effect of a statement to `effect`, without contacts that have been counted already. It evaluates with
    /// the rights of the current role.
    pub fn evaluate(&self, statement: Statement, absorbed: Option<&RefCell<Absorbed>>, effect: &mut Effect) {
        self.appear(statement);
        spi::over(statement, |session| {
            let excluded = absorbed.map(|absorbed| {
                if absorbed.borrow().has_missed {
                    let contacts = self.changed(session, statement.event(), counted(absorbed));
                    self.absorb(session, snapshot::current_command(), absorbed, contacts, effect);
                }
                counted(absorbed)
            });
            self.evaluate_rows(session, statement, excluded, effect);
        });
    }

    /// Keeps the contacts that a statement has changed, to be counted by the unfinished command around it.
    pub fn keep_for(&self, outer: Command, statement: Statement, effect: &mut Effect) {
        self.appear(statement);
        spi::over(statement, |session| {
            let contacts = self.changed(session, statement.event(), Vec::new());
            underway::keep_for(outer, &self.audience, contacts.clone(), false);
            if !self.id_column.not_null {
                // A contact without an id has no subscriptions, and could not be found again later.
                self.evaluate_rows(session, statement, Some(contacts), effect);
            }
        });
    }

    /// Counts everything that was done to contacts from a command on, unless they have been counted in this way
    /// already.
    pub fn absorb(
        &self,
        session: &Session,
        from: Command,
        absorbed: &RefCell<Absorbed>,
        mut contacts: Vec<String>,
        effect: &mut Effect,
    ) {
        contacts.retain(|contact| absorbed.borrow_mut().contacts.insert(contact.clone()));
        let until = absorbed.borrow().until;
        for some in contacts.chunks(CONTACTS_AT_ONCE) {
            let mut counted = Effect::default();
            snapshot::latest_before(from, || self.evaluate_contacts(session, some, -1, &mut counted));
            snapshot::latest_before(until, || self.evaluate_contacts(session, some, 1, &mut counted));
            effect.add_net(counted);
        }
    }

    fn appear(&self, statement: Statement) {
        if let Some(presence) = self.presence
            && statement.event() != Event::Delete
        {
            presence.appear();
        }
    }

    /// Adds the effect of the rows of a statement, without those of `excluded` contacts.
    fn evaluate_rows(
        &self,
        session: &Session,
        statement: Statement,
        excluded: Option<Vec<String>>,
        effect: &mut Effect,
    ) {
        let command = snapshot::current_command();
        let event = statement.event();
        let plan = event as usize + if excluded.is_some() { 3 } else { 0 };
        let rows = self.rows(event);
        let arguments = || excluded.iter().map(|contacts| contacts.clone().into()).collect::<Vec<DatumWithOid>>();
        // The rows are evaluated with the subscriptions before the statement. If the statement, a foreign key or a
        // trigger changes subscriptions, the triggers of their own table count that, with the contact's row after the
        // statement.
        for batch in &self.batches {
            let is_counted = if excluded.is_some() { self.is_none_of("$1") } else { "true".to_owned() };
            snapshot::latest_before(command, || {
                self.grow(
                    session,
                    batch,
                    plan,
                    &format!("({rows}) {} WHERE {is_counted}", self.row),
                    &arguments(),
                    effect,
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
                snapshot::latest_before(command, || batch.evaluate(session, plan, types, &arguments, sql, effect));
            }
        }
    }

    /// Adds the memberships of some contacts in the active snapshot, each multiplied by `times`.
    fn evaluate_contacts(&self, session: &Session, contacts: &[String], times: i32, effect: &mut Effect) {
        let Contacts { table, row, id, sign, id_column, .. } = self;
        let is_one = id_column.is_any(&format!("o.{}", quote_identifier(&id_column.name)), "$1");
        let rows = format!("(SELECT $2 AS {sign}, o.* FROM {table} o WHERE {is_one}) {row}");
        let arguments = [contacts.to_vec().into(), times.into()];
        for batch in &self.batches {
            self.grow(session, batch, 6, &rows, &arguments, effect);
        }
        for batch in &self.watched {
            let sql = |terms: &str| format!("SELECT {id}, {terms} FROM {rows} GROUP BY 1");
            batch.evaluate(session, 6, &[TEXTARRAYOID, INT4OID], &arguments, sql, effect);
        }
    }

    /// Adds by how many members the segments of a batch grow with some rows.
    fn grow(
        &self,
        session: &Session,
        batch: &Batch,
        plan: usize,
        rows: &str,
        arguments: &[DatumWithOid],
        effect: &mut Effect,
    ) {
        let types = &[TEXTARRAYOID, INT4OID][..arguments.len()];
        let prepare = || {
            let (mark, growth) = (&self.mark, &batch.growth);
            session.prepare(&format!("{mark}SELECT ARRAY[{growth}]::pg_catalog.int8[] FROM {rows}"), types)
        };
        let plan = batch.plans[plan].get_or_init(prepare);
        let sums = session.run(plan, arguments, Reading::Active, |row| row.get::<Vec<i64>>(1));
        let grown = sums.into_iter().next().flatten().unwrap_or_default();
        batch.segments.iter().zip(grown).for_each(|(segment, members)| effect.grew(*segment, members));
    }

    /// The ids of the contacts that the statement has changed, without `excluded` ones.
    fn changed(&self, session: &Session, event: Event, excluded: Vec<String>) -> Vec<String> {
        let (mark, id, rows, row, is_counted) =
            (&self.mark, &self.id, self.rows(event), &self.row, self.is_none_of("$1"));
        let sql = format!("{mark}SELECT DISTINCT {id} FROM ({rows}) {row} WHERE {is_counted}");
        let plan = session.prepare(&sql, &[TEXTARRAYOID]);
        let found = session.run(&plan, &[excluded.into()], Reading::Active, |row| row.get::<String>(1));
        found.into_iter().flatten().collect()
    }

    /// A condition that the row is none of the contacts in an array.
    fn is_none_of(&self, contacts: &str) -> String {
        let id = format!("{}.{}", self.row, quote_identifier(&self.id_column.name));
        format!("NOT COALESCE({}, false)", self.id_column.is_any(&id, contacts))
    }

    /// The old and the new rows of a statement, as a subquery.
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

/// A column name that the table does not have.
fn sign(table: Oid) -> String {
    let mut name = "segments.sign".to_owned();
    while relcache::column_type(table, &name) != Oid::INVALID {
        name.push('_');
    }
    name
}
