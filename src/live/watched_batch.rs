//! Watched segments that ask for subscriptions. Queries find which contacts enter or leave them with a statement.

use crate::catalog::audience::Audience;
use crate::live::deltas::Effect;
use crate::live::eligibility::LiveSegment;
use crate::pg::plan::KeptPlan;
use crate::pg::spi::{Reading, Session};
use pgrx::datum::DatumWithOid;
use pgrx::pg_sys::Oid;
use std::cell::OnceCell;
use uuid::Uuid;

/// The plans of a query: one for each event, because each event has other transition tables; the same with some
/// contacts left out; and one that reads the table itself.
pub type Plans = [OnceCell<KeptPlan>; 7];

/// Watched segments that one query evaluates for each contact.
pub struct WatchedBatch {
    segments: Vec<Uuid>,
    /// A term of the query for each segment
    terms: Vec<String>,
    /// The beginning of the query's text, the mark of [`guard`](crate::pg::guard)
    mark: String,
    plans: Plans,
}

/// How many segments one query evaluates.
pub const AT_ONCE: usize = 100;

impl WatchedBatch {
    pub fn new(audience: &Audience, segments: &[&LiveSegment], term: impl Fn(&LiveSegment) -> String) -> Self {
        WatchedBatch {
            segments: segments.iter().map(|segment| segment.id).collect(),
            terms: segments.iter().map(|segment| term(segment)).collect(),
            mark: audience.reading(""),
            plans: Default::default(),
        }
    }

    /// Runs the query that `sql` makes of a list of terms, and adds its result to `effect`. There is a term for each
    /// segment: a sum that says how many contacts of an id enter minus how many leave. The query returns a row for each
    /// id, as text, with an array of the sums.
    pub fn evaluate(
        &self,
        session: &Session,
        plan: usize,
        types: &[Oid],
        arguments: &[DatumWithOid],
        sql: impl Fn(&str) -> String,
        effect: &mut Effect,
    ) {
        let terms = self.terms.join(",\n");
        let prepare = || {
            let rows = sql(&format!("ARRAY[{terms}]::pg_catalog.int8[]"));
            let sql = format!(
                "{}SELECT pg_catalog.array_agg(n.number), pg_catalog.array_agg(r.contact), pg_catalog.array_agg(n.net)
                   FROM ({rows}) r(contact, nets), pg_catalog.unnest(r.nets) WITH ORDINALITY n(net, number)
                  WHERE n.net OPERATOR(pg_catalog.<>) 0 AND r.contact IS NOT NULL",
                self.mark
            );
            session.prepare(&sql, types)
        };
        let plan = self.plans[plan].get_or_init(prepare);
        let rows = session.run(plan, arguments, Reading::Active, |row| {
            let numbers = row.get::<Vec<i64>>(1).unwrap_or_default();
            (numbers, row.get::<Vec<String>>(2).unwrap_or_default(), row.get::<Vec<i64>>(3).unwrap_or_default())
        });
        for (numbers, contacts, nets) in rows {
            for ((number, contact), net) in numbers.into_iter().zip(contacts).zip(nets) {
                effect.moved(self.segments[number as usize - 1], contact, net);
            }
        }
    }
}
