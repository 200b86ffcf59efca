//! Counting the members of several conditions, in one pass over the contacts or with a query for each.

use crate::catalog::audience::Audience;
use crate::counting::count::{as_caller, as_owner, query_for};
use crate::counting::pass;
use crate::counting::pass::Pass;
use crate::pg::error::sqlstate_text;
use crate::pg::query;
use crate::pg::{security, subtransaction};
use crate::shared::progress::{Phase, Shown};
use crate::shared::settings;
use segments_core::expr::Checked;

/// How many conditions are few enough to ask the planner what a query for each would cost.
const FEW: usize = 20;

/// How many contacts satisfy each condition, counted as the table's owner in a security-restricted operation, in the
/// active snapshot.
///
/// One pass decides all that a row alone decides. For a few conditions the planner may know something better, such as
/// an index for each. Conditions that ask for subscriptions get a query each.
pub fn of_all(audience: &Audience, conditions: &[Checked], shown: Option<&Shown>) -> Vec<i64> {
    let mut counts = vec![0; conditions.len()];
    let (passes, mut one_by_one) = pass::plan(audience, conditions);
    for pass in passes {
        if pass.numbers.len() == 1 || is_dearer(audience, conditions, &pass) {
            one_by_one.extend(&pass.numbers);
            continue;
        }
        enter(shown, Phase::CountingInOnePass);
        let ticket = shown.map(Shown::ticket);
        let counted = security::as_role_restricted(audience.relation.owner, || pass.run(audience, ticket));
        for (number, count) in pass.numbers.iter().zip(counted) {
            counts[*number] = count;
        }
        counted_more(shown, pass.numbers.len());
    }
    if !one_by_one.is_empty() {
        enter(shown, Phase::CountingOneByOne);
    }
    for number in one_by_one {
        counts[number] = as_owner(audience, &conditions[number]);
        settings::yield_to_load();
        counted_more(shown, 1);
    }
    counts
}

/// As [`of_all`], with the rights of the current role.
pub fn of_all_as_caller(audience: &Audience, conditions: &[Checked]) -> Vec<i64> {
    if let [condition] = conditions {
        return vec![as_caller(audience, condition)];
    }
    let mut counts = vec![0; conditions.len()];
    let (passes, one_by_one) = pass::plan(audience, conditions);
    for pass in passes {
        for (number, count) in pass.numbers.iter().zip(pass.run(audience, None)) {
            counts[*number] = count;
        }
    }
    for number in one_by_one {
        counts[number] = as_caller(audience, &conditions[number]);
    }
    counts
}

/// As [`of_all`], but an error in one condition does not keep the others from being counted: the conditions are halved
/// until those are found that cannot be counted, each with its message.
pub fn of_each(audience: &Audience, conditions: &[Checked], shown: Option<&Shown>) -> Vec<Result<i64, String>> {
    match subtransaction::attempt(|| of_all(audience, conditions, shown)) {
        Ok(counts) => counts.into_iter().map(Ok).collect(),
        // What the message quotes is not for everyone who sees the segment.
        Err(raised) if conditions.len() == 1 => {
            let sqlstate = sqlstate_text(raised.sqlstate);
            let look = "have the owner of the contacts' table run count_contacts() with the condition";
            vec![Err(format!("counting raises SQLSTATE {sqlstate}; {look}"))]
        }
        Err(_) => {
            let (first, second) = conditions.split_at(conditions.len() / 2);
            let mut counts = of_each(audience, first, shown);
            counts.extend(of_each(audience, second, shown));
            counts
        }
    }
}

/// Whether the planner thinks that the pass costs more than a query for each of its few conditions.
fn is_dearer(audience: &Audience, conditions: &[Checked], pass: &Pass) -> bool {
    if pass.numbers.len() > FEW {
        return false;
    }
    security::as_role_restricted(audience.relation.owner, || {
        let Some(at_once) = cost(audience, &pass.sql(audience), &[None::<String>.into()]) else { return false };
        let queries = pass.numbers.iter().map(|number| query_for(audience, &conditions[*number]));
        queries.map(|sql| cost(audience, &sql, &[])).sum::<Option<f64>>().is_some_and(|each| each < at_once)
    })
}

/// What the planner thinks that a query costs.
fn cost(audience: &Audience, sql: &str, arguments: &[pgrx::datum::DatumWithOid]) -> Option<f64> {
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
