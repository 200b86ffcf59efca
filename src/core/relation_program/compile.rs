//! Compiles tests on rows: finds equal conditions and equal aggregates, and gives each different one a number.

use super::RelationProgram;
use crate::ast::Aggregate;
use crate::expr::{
    Asked, Checked, DocumentTest, ElementsTest, Expr, RowsAsked, RowsTest, TimeOf, ValueKind, ValueTest, ValuesTest,
    holds_of_count,
};
use crate::path::Path;
use crate::program::{ElementPath, SequenceCheck, TimeCheck};
use crate::program_set::ProgramSet;
use crate::types::PropertyType;
use std::collections::HashMap;

/// The rows that satisfy the condition with this number, or all rows.
pub(super) type Rows = Option<u32>;

/// What decides a test.
#[derive(Debug)]
pub(super) enum Step {
    /// There is such a row
    Some(Rows),
    /// There is none
    None(Rows),
    /// How many there are, by the number of the counter; `None` counts all rows
    Count(Option<usize>, CountAsked),
    /// Aggregates of values, by their numbers
    Of(Box<[(usize, Expr<ValueTest>)]>),
    /// The first or the last row, by its number, is one of these
    End(usize, Rows),
    /// A sequence of rows, which are listed under this number
    Sequence(usize, SequenceCheck<Rows>),
}

/// What is asked of a count.
#[derive(Debug)]
pub(super) struct CountAsked {
    /// The answer for each count below 64
    pub(super) few: u64,
    pub(super) asked: Expr<ValueTest>,
}

/// What some rows feed, by the numbers.
#[derive(Debug, Default)]
pub(super) struct Fed {
    pub(super) counter: Option<usize>,
    pub(super) values: Vec<usize>,
    pub(super) ends: Vec<usize>,
}

/// Values that are aggregated.
#[derive(Debug)]
pub(super) struct Values {
    pub(super) aggregate: Aggregate,
    /// The position of the path's first key among the keys of a row
    pub(super) slot: usize,
    pub(super) path: ElementPath,
    pub(super) kind: ValueKind,
}

/// The first row or the last one.
#[derive(Debug)]
pub(super) struct Ends {
    pub(super) is_last: bool,
    pub(super) time: usize,
}

/// What orders rows.
#[derive(Debug)]
pub(super) struct Time {
    /// The position of the first key among the keys of a row, and what reads the time; `None` for the order of the rows
    pub(super) check: Option<(usize, TimeCheck)>,
}

impl Time {
    pub(super) fn is_stable(&self) -> bool {
        self.check.as_ref().is_none_or(|(_, check)| check.is_stable())
    }
}

pub(super) fn program(tests: &[RowsTest]) -> RelationProgram {
    let mut compiler = Compiler::default();
    // The conditions of sequences come first, because they are kept for each row.
    let is_sequence = |test: &RowsTest| matches!(&test.asked, RowsAsked::Elements(elements) if matches!(elements.asked, Asked::Sequence { .. }));
    let mut steps: Vec<Option<Step>> =
        tests.iter().map(|test| is_sequence(test).then(|| compiler.step(test))).collect();
    let listed_words = compiler.conditions.len().div_ceil(64);
    for (test, step) in tests.iter().zip(&mut steps) {
        step.get_or_insert_with(|| compiler.step(test));
    }
    let holds = tests.iter().map(RowsTest::holds_for_none);
    compiler.finish(steps.into_iter().flatten().zip(holds).collect(), listed_words)
}

/// Equal things with their numbers.
#[derive(Default)]
struct Compiler<'t> {
    conditions: Vec<Checked>,
    numbers: HashMap<Expr<DocumentTest>, u32>,
    fed: HashMap<Rows, Fed>,
    counters: usize,
    values: Vec<(Aggregate, &'t ValuesTest)>,
    aggregates: HashMap<AggregateKey<'t>, usize>,
    ends: HashMap<(Rows, bool, usize), usize>,
    times: Vec<Option<&'t TimeOf>>,
    /// By time, the conditions of sequences; `None` among them are all rows
    listed: Vec<(usize, Vec<Rows>)>,
}

/// An aggregate, whatever is asked of it: the rows, and the values in them.
type AggregateKey<'t> = (Rows, Aggregate, &'t Path, Option<PropertyType>, &'t ValueKind);

impl<'t> Compiler<'t> {
    fn step(&mut self, test: &'t RowsTest) -> Step {
        let elements = match &test.asked {
            RowsAsked::Some(condition) => return Step::Some(self.rows(condition)),
            RowsAsked::Elements(elements) => elements,
        };
        let ElementsTest { filter, asked } = &**elements;
        let among = |condition: &Expr<DocumentTest>| Expr::and(filter.iter().chain([condition]).cloned());
        match asked {
            Asked::Every(condition) => Step::None(self.rows(&among(&condition.clone().not()))),
            Asked::Count(asked) => {
                let counter = self.seen(filter.as_ref()).map(|seen| {
                    let next = self.counters;
                    let counter = *self.fed.entry(Some(seen)).or_default().counter.get_or_insert(next);
                    self.counters += usize::from(counter == next);
                    counter
                });
                Step::Count(counter, CountAsked::of(asked))
            }
            Asked::Of(aggregate, values) => {
                let seen = self.seen(filter.as_ref());
                let values =
                    values.iter().map(|values| (self.aggregate(seen, *aggregate, values), values.asked.clone()));
                Step::Of(values.collect())
            }
            Asked::End { is_last, condition, by } => {
                let seen = self.seen(filter.as_ref());
                let time = self.time(by.as_ref());
                let next = self.ends.len();
                let end = *self.ends.entry((seen, *is_last, time)).or_insert(next);
                if end == next {
                    self.fed.entry(seen).or_default().ends.push(end);
                }
                Step::End(end, self.rows(condition))
            }
            Asked::Sequence { steps, by } => {
                let time = self.time(by.as_ref());
                let mut asked = Vec::new();
                let sequence = SequenceCheck::compile(steps, by.as_ref(), |condition| {
                    let rows = self.rows(&among(condition));
                    asked.push(rows);
                    rows
                });
                let known = self.listed.iter().position(|(other, _)| *other == time);
                let listed = known.unwrap_or_else(|| {
                    self.listed.push((time, Vec::new()));
                    self.listed.len() - 1
                });
                self.listed[listed].1.extend(asked);
                Step::Sequence(listed, sequence)
            }
        }
    }

    fn seen(&mut self, filter: Option<&Expr<DocumentTest>>) -> Rows {
        filter.and_then(|filter| self.rows(filter))
    }

    fn rows(&mut self, condition: &Expr<DocumentTest>) -> Rows {
        if *condition == Expr::Const(true) {
            return None;
        }
        let next = self.conditions.len() as u32;
        let number = *self.numbers.entry(condition.clone()).or_insert(next);
        if number == next {
            let checked = condition.try_map(&mut |test| Some(test.clone().into()));
            self.conditions.push(checked.unwrap_or(Expr::Const(false)));
        }
        Some(number)
    }

    fn aggregate(&mut self, seen: Rows, aggregate: Aggregate, values: &'t ValuesTest) -> usize {
        let key = (seen, aggregate, &values.path, values.read_as, &values.kind);
        let next = self.values.len();
        let number = *self.aggregates.entry(key).or_insert(next);
        if number == next {
            self.values.push((aggregate, values));
            self.fed.entry(seen).or_default().values.push(number);
        }
        number
    }

    fn time(&mut self, by: Option<&'t TimeOf>) -> usize {
        let known = self.times.iter().position(|other| *other == by);
        known.unwrap_or_else(|| {
            self.times.push(by);
            self.times.len() - 1
        })
    }

    fn finish(self, tests: Vec<(Step, bool)>, listed_words: usize) -> RelationProgram {
        let read = self.values.iter().map(|(_, values)| values.path.first());
        let read: Vec<&str> = read.chain(self.times.iter().flatten().map(|by| by.path.first())).collect();
        let set = ProgramSet::compile_with_keys(&self.conditions, &read);
        let slot = |path: &Path| set.keys().iter().position(|key| key == path.first()).unwrap_or_default();
        let values = self.values.iter().map(|(aggregate, values)| Values {
            aggregate: *aggregate,
            slot: slot(&values.path),
            path: ElementPath::of(&values.path, values.read_as),
            kind: values.kind.clone(),
        });
        let mut ends: Vec<(usize, Ends)> =
            self.ends.into_iter().map(|((_, is_last, time), number)| (number, Ends { is_last, time })).collect();
        ends.sort_by_key(|(number, _)| *number);
        let time = |by: &Option<&TimeOf>| Time { check: by.map(|by| (slot(&by.path), TimeCheck::compile(by))) };
        let words = self.conditions.len().div_ceil(64);
        let bits = |numbers: &mut dyn Iterator<Item = u32>| {
            let mut bits = vec![0; words];
            numbers.for_each(|number| bits[number as usize / 64] |= 1 << (number % 64));
            bits
        };
        let feeding = bits(&mut self.fed.keys().flatten().copied());
        let listed = self.listed.iter().map(|(time, rows)| {
            let conditions: Option<Vec<u32>> = rows.iter().copied().collect();
            (*time, conditions.map(|conditions| bits(&mut conditions.into_iter())))
        });
        let listed = listed.collect();
        let (values, ends) = (values.collect(), ends.into_iter().map(|(_, ends)| ends).collect());
        let times = self.times.iter().map(time).collect();
        let mut fed: Vec<Fed> = (0..self.conditions.len()).map(|_| Fed::default()).collect();
        let mut fed_by_all = Fed::default();
        for (rows, what) in self.fed {
            match rows {
                Some(number) => fed[number as usize] = what,
                None => fed_by_all = what,
            }
        }
        RelationProgram {
            fed,
            fed_by_all,
            feeding,
            counters: self.counters,
            values,
            ends,
            times,
            listed,
            listed_words,
            tests,
            set,
        }
    }
}

impl CountAsked {
    fn of(asked: &Expr<ValueTest>) -> Self {
        let holds = |count: usize| u64::from(holds_of_count(asked, count)) << count;
        CountAsked { few: (0..64).map(holds).sum(), asked: asked.clone() }
    }
}
