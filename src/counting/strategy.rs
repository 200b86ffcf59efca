//! How members are counted: many conditions in one pass over the contacts, or with a query for each.

use crate::catalog::audience::Audience;
use crate::catalog::segment::Definition;
use crate::catalog::{contact_sql, visible};
use crate::counting::pass::{self, Pass};
use crate::pg::error::{Failure, sqlstate_text};
use crate::pg::subtransaction::{self, Raised};
use crate::pg::{query, security};
use crate::shared::progress::{Phase, Shown};
use crate::shared::settings;
use pgrx::datum::DatumWithOid;
use segments_core::expr::Checked;

/// How many conditions are few enough to ask the planner what a query for each would cost.
const FEW: usize = 20;

/// With whose rights contacts are counted.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Rights {
    /// The current role's: its row security applies
    Caller,
    /// The table owner's, in a security-restricted operation, as REFRESH MATERIALIZED VIEW computes what it stores
    Owner,
}

impl Rights {
    fn run<T>(self, audience: &Audience, work: impl FnOnce() -> T) -> T {
        match self {
            Rights::Caller => work(),
            Rights::Owner => security::as_role_restricted(audience.relation.owner, work),
        }
    }
}

/// How some of the conditions are counted.
enum Strategy {
    /// All of them in one pass
    OnePass(Pass),
    /// One of them, by its number, with a query of its own
    Query(usize),
}

/// How many contacts satisfy a condition.
pub fn one(audience: &Audience, condition: &Checked, rights: Rights) -> i64 {
    let sql = audience.reading(&query_for(audience, condition));
    rights.run(audience, || query::first(&sql, &[], |row| row.get(1)).unwrap_or(0))
}

/// How many contacts satisfy each condition, in the active snapshot.
pub fn all(audience: &Audience, conditions: &[Checked], rights: Rights, shown: Option<&Shown>) -> Vec<i64> {
    let mut counts = vec![0; conditions.len()];
    for strategy in strategies(audience, conditions, rights) {
        match strategy {
            Strategy::OnePass(pass) => {
                enter(shown, Phase::CountingInOnePass);
                let ticket = shown.map(Shown::ticket);
                let counted = rights.run(audience, || pass.run(audience, ticket));
                for (number, count) in pass.numbers.iter().zip(counted) {
                    counts[*number] = count;
                }
                counted_more(shown, pass.numbers.len());
            }
            Strategy::Query(number) => {
                enter(shown, Phase::CountingOneByOne);
                counts[number] = one(audience, &conditions[number], rights);
                settings::yield_to_load();
                counted_more(shown, 1);
            }
        }
    }
    counts
}

/// As [`all`], with the owner's rights; but an error in one condition does not keep the others from being counted. The
/// conditions are halved until those are found that cannot be counted, each with its message.
pub fn each(audience: &Audience, conditions: &[Checked], shown: Option<&Shown>) -> Vec<Result<i64, String>> {
    match subtransaction::attempt(|| all(audience, conditions, Rights::Owner, shown)) {
        Ok(counts) => counts.into_iter().map(Ok).collect(),
        // The message is left out: it may quote contacts, and everyone who sees the segment reads it.
        Err(raised) if conditions.len() == 1 => {
            let sqlstate = sqlstate_text(raised.sqlstate);
            let look = "ask the owner of the contacts' table to run count_contacts() with the condition";
            vec![Err(format!("counting raises SQLSTATE {sqlstate}; {look}"))]
        }
        Err(_) => {
            let (first, second) = conditions.split_at(conditions.len() / 2);
            let mut counts = each(audience, first, shown);
            counts.extend(each(audience, second, shown));
            counts
        }
    }
}

/// Raises an error that counting with the owner's rights has met. Only callers who could have counted all of the
/// segments for themselves see its message, which may quote contacts.
pub fn raise(raised: Raised, audience: &Audience, segments: &[Definition]) -> ! {
    if segments.iter().all(|segment| visible::may_count(audience, segment)) {
        raised.raise()
    }
    Failure::new(raised.sqlstate, "the contacts could not be counted")
        .detail("The error is not shown, because you may not read every column that the condition uses.")
        .hint("Ask the owner of the contacts' table to try count_contacts() with the same condition.")
        .raise()
}

/// Chooses how each condition is counted. One pass counts all conditions that a row alone decides; for a few of them
/// the planner may know something cheaper, such as an index for each. Conditions that ask for subscriptions get a query
/// each.
fn strategies(audience: &Audience, conditions: &[Checked], rights: Rights) -> Vec<Strategy> {
    let (passes, others) = pass::plan(audience, conditions);
    let (mut strategies, mut one_by_one) = (Vec::new(), others);
    for pass in passes {
        if pass.numbers.len() == 1 || (rights == Rights::Owner && is_dearer(audience, conditions, &pass)) {
            one_by_one.extend(&pass.numbers);
        } else {
            strategies.push(Strategy::OnePass(pass));
        }
    }
    strategies.extend(one_by_one.into_iter().map(Strategy::Query));
    strategies
}

fn query_for(audience: &Audience, condition: &Checked) -> String {
    format!(
        "SELECT pg_catalog.count(*) FROM {} WHERE {}",
        audience.relation.quoted(),
        contact_sql::executable_sql(audience, condition)
    )
}

/// Whether the planner thinks that the pass costs more than a query for each of its few conditions.
fn is_dearer(audience: &Audience, conditions: &[Checked], pass: &Pass) -> bool {
    if pass.numbers.len() > FEW {
        return false;
    }
    Rights::Owner.run(audience, || {
        let Some(at_once) = cost(audience, &pass.sql(audience), &[None::<String>.into()]) else { return false };
        let queries = pass.numbers.iter().map(|number| query_for(audience, &conditions[*number]));
        queries.map(|sql| cost(audience, &sql, &[])).sum::<Option<f64>>().is_some_and(|each| each < at_once)
    })
}

/// What the planner thinks that a query costs.
fn cost(audience: &Audience, sql: &str, arguments: &[DatumWithOid]) -> Option<f64> {
    query::cost(&audience.reading(&format!("EXPLAIN (FORMAT json) {sql}")), arguments)
}

fn enter(shown: Option<&Shown>, phase: Phase) {
    if let Some(shown) = shown {
        shown.enter(phase);
    }
}

fn counted_more(shown: Option<&Shown>, segments: usize) {
    if let Some(shown) = shown {
        shown.counted(segments);
    }
}
