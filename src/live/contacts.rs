//! Statements that change contacts, for segments that ask for subscriptions: queries put their conditions to the rows
//! before and after.

use crate::catalog::audience::Audience;
use crate::catalog::contact_sql;
use crate::live::deltas::Outcome;
use crate::live::eligibility::LiveSegment;
use crate::live::watched_batch::{self, WatchedBatch};
use crate::pg::relcache::{self, Presence};
use crate::pg::snapshot;
use crate::pg::spi::{KeptPlan, Reading, Session};
use crate::pg::trigger::{Event, Statement};
use pgrx::pg_sys::{INT4OID, Oid};
use pgrx::spi::quote_identifier;
use std::cell::OnceCell;
use uuid::Uuid;

/// The segments of a live audience that ask for subscriptions, as its contacts' triggers need them.
pub struct Contacts {
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
    /// By event: each has other transition tables
    plans: [OnceCell<KeptPlan>; 3],
}

/// How many segments one query evaluates: as many sums are planned in little time.
const AT_ONCE: usize = 500;
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
        (!is_empty).then_some(Contacts { batches, watched, presence, row, id, sign, mark })
    }

    /// What a statement has done; evaluated with the rights of the current role.
    pub fn evaluate(&self, statement: Statement, outcome: &mut Outcome) {
        let command = snapshot::current_command();
        if let Some(presence) = self.presence
            && statement.event() != Event::Delete
        {
            presence.appear();
        }
        let session = Session::over(statement);
        // As subscriptions were before the statement: what it, or a foreign key or a trigger on its behalf, changes of
        // them is counted by the triggers of their own table, for the contact as it is afterwards.
        for batch in &self.batches {
            let grown = snapshot::latest_before(command, || self.grown(&session, batch, statement.event()));
            batch.segments.iter().zip(grown).for_each(|(segment, members)| outcome.grew(*segment, members));
        }
        let event = statement.event();
        let rows = self.rows(event);
        let (row, id) = (&self.row, &self.id);
        let sql = |terms: &str| {
            format!(
                "SELECT {id}, {terms} FROM ({rows}) {row}
                  WHERE (pg_catalog.hashtext({id}) OPERATOR(pg_catalog.&) 2147483647)
                        OPERATOR(pg_catalog.%) $1 OPERATOR(pg_catalog.=) $2 GROUP BY 1"
            )
        };
        let parts = 1 + statement.changed_rows() / ROWS_AT_ONCE;
        for batch in &self.watched {
            for part in 0..parts {
                let arguments = [(parts as i32).into(), (part as i32).into()];
                snapshot::latest_before(command, || {
                    batch.evaluate(&session, event as usize, &[INT4OID, INT4OID], &arguments, sql, outcome);
                });
            }
        }
    }

    /// For each segment of a batch, how many members more there are.
    fn grown(&self, session: &Session, batch: &Batch, event: Event) -> Vec<i64> {
        let prepare = || {
            let (mark, growth, rows, row) = (&self.mark, &batch.growth, self.rows(event), &self.row);
            session.prepare(&format!("{mark}SELECT ARRAY[{growth}]::pg_catalog.int8[] FROM ({rows}) {row}"), &[])
        };
        let plan = batch.plans[event as usize].get_or_init(prepare);
        let sums = session.run(plan, &[], Reading::Active, |row| row.get::<Vec<i64>>(1));
        sums.into_iter().next().flatten().unwrap_or_default()
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

/// A name that no column of the table has.
fn sign(table: Oid) -> String {
    let mut name = "segments.sign".to_owned();
    while relcache::column_type(table, &name) != Oid::INVALID {
        name.push('_');
    }
    name
}
