//! The selectivity of a condition: the fraction of rows whose document satisfies it. The condition is evaluated for
//! documents that ANALYZE has stored, and for a sample of the table. If few of them match and ANALYZE has statistics of
//! the properties, these are used instead.

use crate::evaluate::document::run;
use crate::pg::expression::Properties;
use crate::pg::sample::{Documents, TableColumn};
use crate::pg::statistics::Statistics;
use crate::planner::Planned;
use crate::planner::sample::{self, Seen};
use segments_core::comparison::comparisons;
use segments_core::expr::{Atom, Checked, Expr};
use segments_core::program::Program;
use std::collections::HashSet;
use std::rc::Rc;

/// The selectivity if nothing is known: Postgres's `DEFAULT_MATCHING_SEL`.
pub const DEFAULT: f64 = 0.010;

/// The evaluation of an estimate may cost as much as this many operators, about half a millisecond. But
/// [`FEWEST_DOCUMENTS`] are always evaluated.
const MOST_OPERATORS: f64 = 100_000.0;
const FEWEST_DOCUMENTS: usize = 100;
/// A condition that 1 % of the table satisfies matches 25 of these documents, give or take 5.
const MOST_DOCUMENTS: usize = 2_500;
/// With this many matches the fraction is known to within a fifth, so no further documents are evaluated.
const ENOUGH_MATCHES: usize = 30;
/// If none of n documents matches, the fraction is as likely above as below ln 2 / n.
const OF_NONE: f64 = std::f64::consts::LN_2;
/// A conjunction that no document matches is estimated from its parts, unless it has more parts than this.
const MOST_PARTS: usize = 16;
/// A list of `$in` with more entries is not looked up in statistics.
const MOST_ALTERNATIVES: usize = 100;

/// The selectivity if documents may not be read. It depends on the condition alone.
pub fn unseen(planned: &Planned) -> f64 {
    planned.constant().map_or(DEFAULT, |holds| if holds { 1.0 } else { 0.0 })
}

/// The fraction of rows whose document satisfies the condition. `properties` gives access to statistics of single
/// properties. `column` is the column with the documents, if they are in one. `siblings` is how many tables the query
/// reads in place of one.
pub fn estimate(
    planned: &Planned,
    statistics: impl FnOnce() -> Option<Statistics>,
    properties: Option<Properties>,
    column: Option<TableColumn>,
    siblings: u32,
) -> f64 {
    let now = column.and_then(Seen::now);
    if let (Some(now), Some((then, fraction))) = (&now, &*planned.estimated.borrow())
        && now.is_like(then)
    {
        return *fraction;
    }
    let table = || column.and_then(|column| sample::documents(column, siblings));
    let fraction = measure(planned, statistics().as_ref(), properties, table);
    planned.estimated.replace(now.map(|now| (now, fraction)));
    fraction
}

/// Evaluates the condition for documents. The sample of the table is read only if the documents of the statistics do
/// not suffice.
fn measure(
    planned: &Planned,
    statistics: Option<&Statistics>,
    properties: Option<Properties>,
    table: impl FnOnce() -> Option<Rc<Documents>>,
) -> f64 {
    let mut evidence = Evidence { statistics, properties, table: None };
    if let Some(constant) = planned.constant() {
        return if constant { 1.0 - evidence.null_fraction() } else { 0.0 };
    }
    let most = ((MOST_OPERATORS / planned.operators()) as usize).clamp(FEWEST_DOCUMENTS, MOST_DOCUMENTS);
    let mut count = Count::default();
    evidence.count_kept(&planned.program, &mut count);
    if count.matches < ENOUGH_MATCHES {
        evidence.table = table();
        evidence.count_own(&planned.program, most, &mut count);
    }
    // Enough matching documents are better evidence, because they also show how properties depend on each other.
    if count.matches < ENOUGH_MATCHES
        && let Some(fraction) = evidence.of_properties(&planned.checked)
    {
        return fraction;
    }
    let fraction = match count {
        Count { documents: 0, .. } => DEFAULT,
        Count { matches: 0, .. } => count.fraction().min(of_parts(planned.conjuncts(), &evidence, most)),
        _ => count.fraction(),
    };
    let of_common = evidence.common().iter().filter(|(document, _)| run(&planned.program, document.bytes()));
    let of_common: f64 = of_common.map(|(_, fraction)| fraction).sum();
    of_common + evidence.uncommon_fraction() * fraction
}

/// The fraction for a conjunction, as if its parts were independent of each other.
fn of_parts(parts: &[Checked], evidence: &Evidence<'_>, most: usize) -> f64 {
    if parts.len() > MOST_PARTS {
        return 1.0;
    }
    let most = (most / parts.len().max(1)).max(FEWEST_DOCUMENTS);
    let fraction = |part| {
        evidence.of_properties(part).unwrap_or_else(|| {
            let (program, mut count) = (Program::compile(part), Count::default());
            evidence.count_kept(&program, &mut count);
            evidence.count_own(&program, most, &mut count);
            count.fraction()
        })
    };
    parts.iter().map(fraction).product()
}

/// The documents and statistics that an estimate can use.
struct Evidence<'s> {
    statistics: Option<&'s Statistics>,
    properties: Option<Properties>,
    table: Option<Rc<Documents>>,
}

impl Evidence<'_> {
    fn null_fraction(&self) -> f64 {
        match (self.statistics, &self.table) {
            (Some(statistics), _) => statistics.null_fraction(),
            (None, Some(table)) => table.nulls as f64 / (table.nulls + table.containers.len()).max(1) as f64,
            (None, None) => 0.0,
        }
    }

    /// The fraction of rows that satisfy a condition, from statistics of its properties; `None` if one of them has no
    /// statistics.
    fn of_properties(&self, condition: &Checked) -> Option<f64> {
        let properties = self.properties?;
        let of_each = |parts: &[Checked]| parts.iter().map(|part| self.of_properties(part)).collect::<Option<Vec<_>>>();
        match condition {
            Expr::Const(_) | Expr::Test(Atom::Topic(_) | Atom::Pair(_) | Atom::Bucket(_) | Atom::Rows(_)) => None,
            Expr::Not(part) => Some(1.0 - self.of_properties(part)?),
            Expr::Or(parts) => Some(1.0 - of_each(parts)?.iter().map(|fraction| 1.0 - fraction).product::<f64>()),
            Expr::Test(Atom::Field(field)) => {
                let alternatives = comparisons(field).filter(|alternatives| alternatives.len() <= MOST_ALTERNATIVES)?;
                let of_each = alternatives.iter().map(|comparisons| properties.selectivity(comparisons));
                of_each.sum::<Option<f64>>().map(|fraction| fraction.min(1.0))
            }
            Expr::And(parts) => {
                // The two ends of a range are estimated together.
                let (mut comparisons_of_all, mut fraction) = (Vec::new(), 1.0);
                for part in parts {
                    match part {
                        Expr::Test(Atom::Field(field)) if let Some([one]) = comparisons(field).as_deref_mut() => {
                            comparisons_of_all.append(one);
                        }
                        part => fraction *= self.of_properties(part)?,
                    }
                }
                Some(fraction * properties.selectivity(&comparisons_of_all)?)
            }
        }
    }

    /// Documents that many rows have, each with the fraction of rows that have it.
    fn common(&self) -> &[(crate::pg::detoast::Detoasted, f64)] {
        self.statistics.map_or(&[], Statistics::common)
    }

    /// The fraction of rows that have other documents.
    fn uncommon_fraction(&self) -> f64 {
        let common: f64 = self.common().iter().map(|(_, fraction)| fraction).sum();
        (1.0 - self.null_fraction() - common).max(0.0)
    }

    /// Counts the matches among the statistics' documents that are not common. They are all evaluated, because they are
    /// sorted: a part of them would not be spread evenly.
    fn count_kept(&self, program: &Program, count: &mut Count) {
        let spread = self.statistics.map_or(&[][..], Statistics::spread);
        // The least and the greatest document are not typical.
        let typical = spread.get(1..spread.len().saturating_sub(1)).unwrap_or_default();
        typical.iter().for_each(|document| count.add(program, document.bytes()));
    }

    /// Counts the matches among the documents of the sample that are not common, until there are enough matches.
    fn count_own(&self, program: &Program, most: usize, count: &mut Count) {
        let common: HashSet<&[u8]> = self.common().iter().map(|(document, _)| document.bytes()).collect();
        let own = self.table.as_ref().map_or(&[][..], |table| &table.containers);
        for document in own.iter().filter(|document| !common.contains(&***document)) {
            if count.matches >= ENOUGH_MATCHES || count.documents >= most {
                break;
            }
            count.add(program, document);
        }
    }
}

/// How many documents were evaluated, and how many of them match.
#[derive(Clone, Copy, Default)]
struct Count {
    matches: usize,
    documents: usize,
}

impl Count {
    fn add(&mut self, program: &Program, document: &[u8]) {
        self.documents += 1;
        self.matches += usize::from(run(program, document));
    }

    fn fraction(self) -> f64 {
        let matches = if self.matches == 0 { OF_NONE } else { self.matches as f64 };
        (matches / self.documents.max(1) as f64).min(1.0)
    }
}
