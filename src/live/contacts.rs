//! Statements that change contacts: the conditions are put to the rows before and after.

use super::delta::Deltas;
use super::kept::LiveSegment;
use crate::audience::Audience;
use crate::contact;
use crate::pg::relcache::Presence;
use crate::pg::snapshot;
use crate::pg::spi::{KeptPlan, Reading, Session};
use crate::pg::trigger::{Event, Statement};
use pgrx::spi::quote_identifier;
use std::cell::OnceCell;
use uuid::Uuid;

/// The segments of a live audience, as its contacts' triggers need them.
pub struct Contacts {
    batches: Vec<Batch>,
    /// Where contacts may be subscribed before they are there
    presence: Option<Presence>,
}

/// Segments that one query evaluates.
struct Batch {
    segments: Vec<Uuid>,
    reads_topics: bool,
    /// `FILTER` conditions of a sum over the changed rows
    conditions: Vec<String>,
    /// The name by which the conditions call the row
    row: String,
    /// By event: each has other transition tables
    plans: [OnceCell<KeptPlan>; 3],
}

/// How many segments one query evaluates: as many sums are planned in little time.
const AT_ONCE: usize = 500;

impl Contacts {
    pub fn new(audience: &Audience, segments: &[LiveSegment], presence: Option<Presence>) -> Self {
        let (with_topics, without): (Vec<_>, Vec<_>) = segments.iter().partition(|segment| segment.reads_topics);
        let batches = |segments: Vec<&LiveSegment>| -> Vec<Batch> {
            segments.chunks(AT_ONCE).map(|segments| Batch::new(audience, segments)).collect()
        };
        let presence = presence.filter(|_| !with_topics.is_empty());
        let mut all = batches(without);
        all.extend(batches(with_topics));
        Contacts { batches: all, presence }
    }

    /// By how much a statement has changed the counts; evaluated with the rights of the current role.
    pub fn changes(&self, statement: Statement) -> Deltas {
        let command = snapshot::current_command();
        let mut deltas = Deltas::default();
        if let Some(presence) = self.presence
            && statement.event() != Event::Delete
        {
            presence.appear();
        }
        for batch in &self.batches {
            // Subscriptions as they were before the statement: what it, or a foreign key or a trigger on its behalf,
            // changes of them is counted by the triggers of their own table, for the contact as it is afterwards.
            let changes = if batch.reads_topics {
                snapshot::latest_before(command, || batch.changes(statement))
            } else {
                batch.changes(statement)
            };
            deltas.extend(batch.segments.iter().copied().zip(changes));
        }
        deltas
    }
}

impl Batch {
    fn new(audience: &Audience, segments: &[&LiveSegment]) -> Self {
        Batch {
            segments: segments.iter().map(|segment| segment.id).collect(),
            reads_topics: segments.iter().any(|segment| segment.reads_topics),
            conditions: segments.iter().map(|segment| contact::executable_sql(audience, &segment.checked)).collect(),
            row: audience.table.name.clone(),
            plans: Default::default(),
        }
    }

    /// For each segment, how many members more there are.
    fn changes(&self, statement: Statement) -> Vec<i64> {
        let session = Session::over(statement);
        let prepare = || session.prepare(&self.sql(statement.event()), &[]);
        let plan = self.plans[statement.event() as usize].get_or_init(prepare);
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
