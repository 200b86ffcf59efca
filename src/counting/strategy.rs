//! Strategies of counting: many conditions in one pass over the contacts, or a query for each condition.

use crate::catalog::audience::Audience;
use crate::catalog::segment::Definition;
use crate::catalog::{contact_sql, visible};
use crate::counting::by_columns;
use crate::counting::pass::{self, Pass};
use crate::counting::plan;
use crate::pg::error::{Failure, sqlstate_text};
use crate::pg::planner_settings::Tables;
use crate::pg::subtransaction::{self, Raised};
use crate::pg::{query, security};
use crate::shared::progress::{Phase, Shown};
use crate::shared::settings;
use pgrx::datum::DatumWithOid;
use segments_core::expr::Checked;
use segments_core::sql::{Joined, Way};
use std::collections::VecDeque;

/// For at most this many conditions, the planner is asked what a query for each would cost.
const FEW: usize = 20;

/// The rights that contacts are counted with.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Rights {
    /// The rights of the current role, whose row security applies
    Caller,
    /// The rights of the table's owner, in a security-restricted operation, as in REFRESH MATERIALIZED VIEW
    Owner,
}

impl Rights {
    fn run<T>(self, audience: &Audience, work: impl FnOnce() -> T) -> T {
        match self {
            Rights::Caller => work(),
            Rights::Owner => security::as_role_restricted(audience.relation.owner, work),
        }
    }

    /// The text of a query of contacts. With the owner's rights it is refused if it would run anybody else's code.
    fn text(self, audience: &Audience, sql: String) -> String {
        match self {
            Rights::Caller => sql,
            Rights::Owner => audience.reading(&sql),
        }
    }
}

/// A way to count one or more of the conditions.
enum Strategy {
    /// All of them in one pass
    OnePass(Pass),
    /// One condition, by its number, with a query of its own
    Query(usize),
}

/// Counts the contacts that satisfy a condition.
pub fn one(audience: &Audience, condition: &Checked, rights: Rights) -> i64 {
    if let Ok(by_index) = rights.run(audience, || by_columns::count(audience, condition)) {
        return by_index.counted.rows as i64;
    }
    if !condition.reads_rows() {
        return run(audience, query_for(audience, condition), rights);
    }
    let tables = Tables::of(audience.tables_read());
    tables.planned(|| run(audience, query_over_rows(audience, condition, rights, tables), rights))
}

fn run(audience: &Audience, sql: String, rights: Rights) -> i64 {
    let sql = rights.text(audience, sql);
    rights.run(audience, || query::first(&sql, &[], |row| row.get(1)).unwrap_or(0))
}

/// Counts the contacts that satisfy each condition, in the active snapshot.
pub fn all(audience: &Audience, conditions: &[Checked], rights: Rights, shown: Option<&Shown>) -> Vec<i64> {
    let mut counts = vec![0; conditions.len()];
    let mut left: VecDeque<Strategy> = strategies(audience, conditions, rights).into();
    while let Some(strategy) = left.pop_front() {
        match strategy {
            Strategy::OnePass(pass) => {
                enter(shown, Phase::CountingInOnePass);
                match in_one_pass(audience, &pass, rights, shown) {
                    Some(counted) => {
                        for (number, count) in pass.numbers.iter().zip(counted) {
                            counts[*number] = count;
                        }
                        counted_more(shown, pass.numbers.len());
                    }
                    None => {
                        let (pass, one_by_one) = pass.without_kept_rows(audience);
                        left.extend(pass.map(Strategy::OnePass));
                        left.extend(one_by_one.into_iter().map(Strategy::Query));
                    }
                }
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

/// Counts the conditions of a pass. `None` if it was given up, because it would keep too much of one contact.
fn in_one_pass(audience: &Audience, pass: &Pass, rights: Rights, shown: Option<&Shown>) -> Option<Vec<i64>> {
    let sql = rights.text(audience, pass.sql(audience));
    let run = || rights.run(audience, || pass.run(&sql, shown.map(Shown::ticket)));
    if !pass.keeps_rows() {
        return Some(run());
    }
    match subtransaction::attempt(run) {
        Ok(counted) => Some(counted),
        Err(raised) if raised.sqlstate == plan::TOO_MANY_ROWS => None,
        Err(raised) => raised.raise(),
    }
}

/// Like [`all`], with the owner's rights, but an error in one condition does not affect the others. After an error,
/// each half of the conditions is counted again, until the failing conditions are found. Each of them gets a message.
pub fn each(audience: &Audience, conditions: &[Checked], shown: Option<&Shown>) -> Vec<Result<i64, String>> {
    match subtransaction::attempt(|| all(audience, conditions, Rights::Owner, shown)) {
        Ok(counts) => counts.into_iter().map(Ok).collect(),
        Err(raised) if conditions.len() == 1 => vec![Err(reason(&raised))],
        Err(_) => {
            let (first, second) = conditions.split_at(conditions.len() / 2);
            let mut counts = each(audience, first, shown);
            counts.extend(each(audience, second, shown));
            counts
        }
    }
}

/// Why a condition could not be counted. The message of the error may quote contacts, and everyone who sees the segment
/// can read this, so it is left out.
pub fn reason(raised: &Raised) -> String {
    let sqlstate = sqlstate_text(raised.sqlstate);
    let look = "ask the owner of the contacts' table to run count_contacts() with the condition";
    format!("counting raises SQLSTATE {sqlstate}; {look}")
}

/// Raises an error of counting with the owner's rights again. Its message may quote contacts, so only callers who could
/// have counted all of the segments themselves see it.
pub fn raise(raised: Raised, audience: &Audience, segments: &[Definition]) -> ! {
    if segments.iter().all(|segment| visible::may_count(audience, segment)) {
        raised.raise()
    }
    Failure::new(raised.sqlstate, "the contacts could not be counted")
        .detail("The error is not shown, because you may not read every column that the condition uses.")
        .hint("Ask the owner of the contacts' table to try count_contacts() with the same condition.")
        .raise()
}

/// Chooses a strategy for each condition. One pass counts all conditions that a row alone decides, and another one those
/// that read relations, too. If these are few, separate queries may be cheaper, for example with an index for each. A
/// condition that asks for subscriptions always gets its own query.
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
    let condition = contact_sql::executable_sql(audience, condition);
    format!("SELECT pg_catalog.count(*) FROM {} WHERE {condition}", audience.relation.quoted())
}

/// The cheapest query for a condition that reads rows of relations, by the planner's estimates.
fn query_over_rows(audience: &Audience, condition: &Checked, rights: Rights, tables: Tables) -> String {
    let contacts = audience.relation.quoted();
    let written = |Way { joined: Joined { joins, conditions }, looks_up }: Way| {
        let sql = format!("SELECT pg_catalog.count(*) FROM {contacts}{joins} WHERE {}", conditions.join(" AND "));
        (sql, if looks_up && tables.is_cached { OF_LOOK_UPS } else { 1.0 })
    };
    let ways = contact_sql::ways(audience, condition).into_iter();
    let mut ways: Vec<(String, f64)> =
        ways.filter(|way| !(way.looks_up && tables.has_old_statistics)).map(written).collect();
    if ways.len() == 1 {
        return ways.remove(0).0;
    }
    let cost = |sql: &str| {
        let plan = rights.run(audience, || query::plan(&explain(rights, audience, sql), &[]))?;
        let factor = if reads_in_index_order(audience, &plan) { IN_INDEX_ORDER } else { 1.0 };
        Some(plan.get("Total Cost")?.as_f64()? * factor)
    };
    let costs: Vec<f64> =
        ways.iter().map(|(sql, factor)| cost(sql).map_or(f64::INFINITY, |cost| cost * factor)).collect();
    let cheapest = (0..costs.len()).min_by(|one, other| costs[*one].total_cmp(&costs[*other]));
    ways.swap_remove(cheapest.unwrap_or(0)).0
}

/// What look-ups in tables that are in memory cost of what the planner estimates, which is for pages on a disk. For 280,000
/// contacts and their orders in 90 days, it estimated six times the cost of grouping these orders. They took 1.4 times the time.
const OF_LOOK_UPS: f64 = 0.2;

/// What a plan costs that reads a table as a whole in the order of an index, in comparison with the planner's estimate, which is
/// that each page is read once. Grouping 4,300,000 orders took fifteen times as long for what it was estimated as a scan.
const IN_INDEX_ORDER: f64 = 5.0;

/// Whether a plan has a scan of a whole table in the order of an index. The contacts are taken to lie in the order of their ids.
fn reads_in_index_order(audience: &Audience, node: &serde_json::Value) -> bool {
    let is = |key: &str, value: &str| node.get(key).and_then(|found| found.as_str()) == Some(value);
    let is_whole = is("Node Type", "Index Scan") && node.get("Index Cond").is_none();
    let below = node.get("Plans").and_then(|nodes| nodes.as_array());
    is_whole && !is("Relation Name", &audience.relation.name.name)
        || below.is_some_and(|nodes| nodes.iter().any(|node| reads_in_index_order(audience, node)))
}

/// Whether the planner estimates that a pass costs more than a query for each of its conditions. Always false for many
/// conditions.
fn is_dearer(audience: &Audience, conditions: &[Checked], pass: &Pass) -> bool {
    if pass.numbers.len() > FEW {
        return false;
    }
    Rights::Owner.run(audience, || {
        let plans: Vec<DatumWithOid> = (0..pass.arguments()).map(|_| None::<String>.into()).collect();
        let Some(at_once) = cost(Rights::Owner, audience, &pass.sql(audience), &plans) else { return false };
        let queries = pass.numbers.iter().map(|number| query_for(audience, &conditions[*number]));
        queries
            .map(|sql| cost(Rights::Owner, audience, &sql, &[]))
            .sum::<Option<f64>>()
            .is_some_and(|each| each < at_once)
    })
}

/// The planner's estimate of the cost of a query.
fn cost(rights: Rights, audience: &Audience, sql: &str, arguments: &[DatumWithOid]) -> Option<f64> {
    query::cost(&explain(rights, audience, sql), arguments)
}

fn explain(rights: Rights, audience: &Audience, sql: &str) -> String {
    rights.text(audience, format!("EXPLAIN (FORMAT json) {sql}"))
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
