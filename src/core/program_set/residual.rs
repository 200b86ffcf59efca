//! Evaluates the parts of conditions that cannot be looked up, each different test at most once for a document.

use super::clause::{Literal, Normal};
use super::{ProgramSet, RowsNumbers, first_refutation, sets};
use crate::document::Node;
use crate::expr::{Atom, BucketTest, PairTest, RowsTest, ValueTest};
use crate::program::{BUCKET_COST, FieldStep, PairStep, Surroundings};
use std::collections::HashMap;

/// The different tests.
#[derive(Debug)]
pub(super) struct Tests(Vec<Test>);

#[derive(Debug)]
enum Test {
    Field(FieldStep),
    Pair(PairStep),
    Bucket(BucketTest),
    Topic(String),
    /// A test on rows whose answer is the bit with this number, turned round if it holds without rows
    Rows {
        number: u32,
        holds_for_none: bool,
    },
}

/// A Boolean combination of [`Tests`].
#[derive(Debug)]
pub(super) enum Residual {
    Const(bool),
    All(Box<[Residual]>),
    Any(Box<[Residual]>),
    Test {
        number: u32,
        positive: bool,
    },
    /// The refutation with this number does not hold
    Unrefuted(u32),
}

/// Finds equal tests, and gives each different test a number.
pub(super) struct Interner<'c> {
    keys: &'c [String],
    /// The tests on rows whose answers are told, with their numbers
    told: &'c RowsNumbers<'c>,
    numbers: HashMap<Key<'c>, u32>,
    tests: Vec<Test>,
}

#[derive(PartialEq, Eq, Hash)]
enum Key<'c> {
    Field(&'c [String], bool, &'c ValueTest),
    Pair(&'c PairTest),
    Bucket(&'c BucketTest),
    Topic(&'c str),
    Rows(&'c RowsTest),
}

impl<'c> Interner<'c> {
    /// Makes an interner. `keys` are the keys that are looked up in documents, in key order; the answers of the tests
    /// `told` are told.
    pub(super) fn new(keys: &'c [String], told: &'c RowsNumbers<'c>) -> Self {
        Interner { keys, told, numbers: HashMap::new(), tests: Vec::new() }
    }

    /// Turns a condition into a residual, with the cheap parts first.
    pub(super) fn intern(&mut self, normal: &Normal<'c>) -> Residual {
        match normal {
            Normal::All(parts) | Normal::Any(parts) if let [part] = &parts[..] => self.intern(part),
            Normal::Const(value) => Residual::Const(*value),
            Normal::All(parts) => Residual::All(self.each(parts)),
            Normal::Any(parts) => Residual::Any(self.each(parts)),
            Normal::Test(Literal { atom, positive }) => {
                Residual::Test { number: self.number(atom), positive: *positive }
            }
            Normal::Unrefuted(number) => Residual::Unrefuted(*number),
        }
    }

    fn number(&mut self, atom: &'c Atom) -> u32 {
        let key = match atom {
            Atom::Field(field) => Key::Field(field.path.keys(), field.fans_out(), &field.test),
            Atom::Pair(pair) => Key::Pair(pair),
            Atom::Bucket(bucket) => Key::Bucket(bucket),
            Atom::Topic(topic) => Key::Topic(topic),
            Atom::Rows(rows) => Key::Rows(rows),
        };
        let next = self.tests.len() as u32;
        let number = *self.numbers.entry(key).or_insert(next);
        if number == next {
            self.tests.push(match atom {
                Atom::Field(field) => Test::Field(FieldStep::compile(field, self.keys)),
                Atom::Pair(pair) => Test::Pair(PairStep::compile(pair, self.keys)),
                Atom::Bucket(bucket) => Test::Bucket(bucket.clone()),
                Atom::Topic(topic) => Test::Topic(topic.clone()),
                Atom::Rows(rows) => match self.told.get(rows) {
                    Some(number) => Test::Rows { number, holds_for_none: rows.holds_for_none() },
                    None => Test::Field(FieldStep::compile(&rows.on_array(), self.keys)),
                },
            });
        }
        number
    }

    fn each(&mut self, parts: &[Normal<'c>]) -> Box<[Residual]> {
        let mut parts: Vec<Residual> = parts.iter().map(|part| self.intern(part)).collect();
        parts.sort_by_key(|part| self.cost(part));
        parts.into()
    }

    fn cost(&self, part: &Residual) -> u32 {
        match part {
            Residual::Const(_) | Residual::Unrefuted(_) => 0,
            Residual::All(parts) | Residual::Any(parts) => parts.iter().map(|part| self.cost(part)).sum(),
            Residual::Test { number, .. } => match &self.tests[*number as usize] {
                Test::Field(step) => step.cost(),
                Test::Pair(step) => step.cost(),
                Test::Bucket(_) => BUCKET_COST,
                Test::Topic(_) | Test::Rows { .. } => 1,
            },
        }
    }

    pub(super) fn finish(self) -> Tests {
        Tests(self.tests)
    }
}

/// The results of tests for the current document: for each test, the number of the document with its last result, and
/// that result.
#[derive(Clone, Debug, Default)]
pub(super) struct Answers {
    document: u32,
    answers: Vec<u32>,
}

impl Answers {
    /// Forgets all results.
    pub(super) fn forget(&mut self, tests: &Tests) {
        self.answers.resize(tests.0.len(), 0);
        self.document += 1;
        if self.document == u32::MAX >> 1 {
            self.answers.fill(0);
            self.document = 1;
        }
    }
}

/// A document's values for the keys of the tests, and the results that are known.
pub(super) struct Asking<'a, N> {
    pub(super) set: &'a ProgramSet,
    pub(super) found: &'a [Option<N>],
    pub(super) surroundings: Surroundings<'a>,
    /// The refutations that are alive after look-ups
    pub(super) refutations: &'a [u64],
    pub(super) answers: &'a mut Answers,
}

impl<N> Asking<'_, N> {
    /// Whether the residual of a condition holds.
    pub(super) fn rest_holds<'d>(&mut self, condition: usize) -> bool
    where
        N: Node<'d>,
    {
        let set = self.set;
        set.residuals[condition].as_ref().is_none_or(|residual| self.holds(residual))
    }

    fn holds<'d>(&mut self, residual: &Residual) -> bool
    where
        N: Node<'d>,
    {
        match residual {
            Residual::Const(value) => *value,
            Residual::All(parts) => parts.iter().all(|part| self.holds(part)),
            Residual::Any(parts) => parts.iter().any(|part| self.holds(part)),
            Residual::Test { number, positive } => self.answer(*number as usize) == *positive,
            Residual::Unrefuted(number) => {
                !sets::contains(self.refutations, *number - first_refutation(self.set.len) as u32)
                    || !self.rest_holds(*number as usize)
            }
        }
    }

    fn answer<'d>(&mut self, number: usize) -> bool
    where
        N: Node<'d>,
    {
        let known = self.answers.answers[number];
        if known >> 1 == self.answers.document {
            return known & 1 != 0;
        }
        let holds = match &self.set.tests.0[number] {
            Test::Field(step) => step.holds(self.found, self.surroundings),
            Test::Pair(step) => step.holds(self.found),
            Test::Bucket(bucket) => self.surroundings.id.is_some_and(|id| bucket.has(id)),
            Test::Topic(topic) => self.surroundings.topics.contains(topic),
            Test::Rows { number, holds_for_none } => {
                let word = self.surroundings.rows.get(*number as usize / 64);
                word.is_some_and(|word| word >> (number % 64) & 1 != 0) != *holds_for_none
            }
        };
        self.answers.answers[number] = self.answers.document << 1 | u32::from(holds);
        holds
    }
}
