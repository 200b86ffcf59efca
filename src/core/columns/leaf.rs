//! A part of a condition that reads one column: for which codes it is true.

use super::column::{Column, Source};
use super::global::Global;
use super::piece::{Pieces, Place};
use super::shape::{Shape, shape};
use super::stored::Stored;
use super::truth::Truth;
use super::values::{UNKNOWN_NUMBER, Values};
use super::{Asking, Class, Entry, Natives, other_keys, values};
use crate::ast::Comparison;
use crate::expr::{DocumentTest, Expr, FieldTest, ValueTest};
use crate::program::{FieldStep, PairStep, Surroundings};
use crate::row::Cell;
use crate::value::Value;
use std::ops::Range;

/// A combination of tests on one column.
#[derive(Debug)]
pub(super) struct Leaf {
    /// The number of the leaf in its plan
    pub(super) number: u32,
    pub(super) source: Source,
    /// The column's name, or the key
    name: String,
    tests: Expr<Test>,
}

/// A compiled test.
#[derive(Debug)]
enum Test {
    Field {
        test: FieldTest,
        step: FieldStep,
        /// Of an equality with a date: whether a value is not before it, and whether it is after it
        bounds: Option<Box<[FieldStep; 2]>>,
    },
    Pair(PairStep),
}

impl Leaf {
    /// Compiles tests that all read the source.
    pub(super) fn compile(number: u32, source: Source, name: &str, tests: &Expr<DocumentTest>) -> Self {
        let keys = [name.to_owned()];
        let tests = tests.try_map(&mut |test| {
            Some(match test {
                DocumentTest::Pair(pair) => Test::Pair(PairStep::compile(pair, &keys)),
                DocumentTest::Field(field) => {
                    let bounds =
                        bounds(field).map(|bounds| bounds.map(|bound| FieldStep::compile(&bound, &keys)).into());
                    Test::Field { test: field.clone(), step: FieldStep::compile(field, &keys), bounds }
                }
            })
        });
        Leaf { number, source, name: name.to_owned(), tests: tests.unwrap_or(Expr::Const(false)) }
    }

    /// Whether the tests hold for rows that have no value.
    pub(super) fn holds_for_missing(&self, asking: Asking<'_, impl Natives>) -> bool {
        self.holds(Entry::Single(Class::Missing), asking)
    }

    /// The codes of its column for which the tests hold. Those of values that are not stored are among them if `unknown`
    /// says so. `of_global` has the numbers in the column's global dictionary for which the tests hold.
    pub(super) fn truth<P: Pieces + ?Sized>(
        &self,
        column: &Column,
        pieces: &P,
        first: (u32, Place),
        unknown: bool,
        of_global: Option<(&Global, &Truth)>,
        asking: Asking<'_, impl Natives>,
    ) -> Result<Truth, P::Error> {
        let mut truth = match &column.values {
            _ if column.source == Source::OtherKeys => {
                return self.truth_of_other_key(&column.values, pieces, first, unknown, asking);
            }
            Values::Own(dictionary) => self.combined(&self.tests, &Stored { dictionary, pieces, first }, asking)?,
            Values::Shared(shared) => {
                let (global, of_global) = of_global.ok_or(values::UNKNOWN_GLOBAL)?;
                let mut truth = Truth::none(column.values.len());
                let mut greatest = None;
                truth.add(0, self.holds_for_missing(asking));
                shared.each(pieces, first, |code, number| {
                    greatest = greatest.max(Some(number));
                    truth.add(code, of_global.contains(number));
                })?;
                let is_known = greatest.is_none_or(|greatest| usize::from(greatest) < global.len());
                if is_known { truth } else { return Err(UNKNOWN_NUMBER.into()) }
            }
        };
        column.values.unstored().for_each(|code| truth.put(code, unknown));
        Ok(truth)
    }

    /// The numbers in a global dictionary for which the tests hold.
    pub(super) fn truth_of_global(&self, global: &Global, asking: Asking<'_, impl Natives>) -> Truth {
        let mut truth = Truth::none(global.len() as u32);
        for number in 0..global.len() as u32 {
            if number.is_multiple_of(1_024) {
                (asking.interrupt)();
            }
            truth.put(number, global.entry(number as u16).is_some_and(|entry| self.holds(entry, asking)));
        }
        truth
    }

    /// Whether the tests hold for an entry that is stored.
    fn holds(&self, entry: Entry<'_>, asking: Asking<'_, impl Natives>) -> bool {
        let mut holds = false;
        entry.read(&self.name, asking.natives, &mut |cell| {
            holds = self.tests.evaluate(&mut |test| test.holds(cell, asking.interrupt));
        });
        holds
    }

    fn truth_of_other_key<P: Pieces + ?Sized>(
        &self,
        values: &Values,
        pieces: &P,
        first: (u32, Place),
        unknown: bool,
        asking: Asking<'_, impl Natives>,
    ) -> Result<Truth, P::Error> {
        let mut truth = Truth::none(values.len());
        let mut code = 0;
        values::each(values, pieces, first, asking.globals, |entry| {
            let entry = match entry {
                Entry::Native(bytes) => other_keys::find(bytes, &self.name).unwrap_or(Entry::Single(Class::Unstored)),
                entry => entry,
            };
            let holds = if entry.class() == Class::Unstored { unknown } else { self.holds(entry, asking) };
            truth.put(code, holds);
            code += 1;
        })?;
        Ok(truth)
    }

    fn combined<P: Pieces + ?Sized>(
        &self,
        tests: &Expr<Test>,
        stored: &Stored<'_, P>,
        asking: Asking<'_, impl Natives>,
    ) -> Result<Truth, P::Error> {
        Ok(match tests {
            Expr::Const(false) => Truth::none(stored.dictionary.len()),
            Expr::Const(true) => Truth::none(stored.dictionary.len()).not(),
            Expr::Not(part) => self.combined(part, stored, asking)?.not(),
            Expr::And(parts) | Expr::Or(parts) => {
                let is_and = matches!(tests, Expr::And(_));
                let mut all: Option<Truth> = None;
                for part in parts {
                    let truth = self.combined(part, stored, asking)?;
                    all = Some(match all {
                        None => truth,
                        Some(all) if is_and => all.and(&truth),
                        Some(all) => all.or(&truth),
                    });
                }
                all.unwrap_or_else(|| Truth::none(stored.dictionary.len()))
            }
            Expr::Test(test) => {
                let asked = Asked { name: &self.name, stored, asking };
                let mut truth = Truth::none(stored.dictionary.len());
                for class in Class::ALL.into_iter().filter(|class| *class != Class::Unstored) {
                    asked.add(test, class, &mut truth)?;
                }
                truth
            }
        })
    }
}

/// Tests whether a value is not before, and whether it is after, the date that the test wants it to be.
fn bounds(field: &FieldTest) -> Option<[FieldTest; 2]> {
    let ValueTest::Eq(date @ Value::Literal(_)) = &field.test else { return None };
    Some(
        [Comparison::Gte, Comparison::Gt]
            .map(|comparison| FieldTest { test: ValueTest::Compare(comparison, date.clone()), ..field.clone() }),
    )
}

impl Test {
    fn holds(&self, value: Option<Cell<'_>>, interrupt: fn()) -> bool {
        match self {
            Test::Field { step, .. } => step.holds(&[value], Surroundings { interrupt, ..Surroundings::NONE }),
            Test::Pair(step) => step.holds(&[value]),
        }
    }
}

/// The dictionary that is asked.
struct Asked<'a, 'c, P: ?Sized, N> {
    name: &'a str,
    stored: &'a Stored<'c, P>,
    asking: Asking<'a, N>,
}

impl<P: Pieces + ?Sized, N: Natives> Asked<'_, '_, P, N> {
    /// Adds the codes of a class for which the test holds.
    fn add(&self, test: &Test, class: Class, truth: &mut Truth) -> Result<(), P::Error> {
        let codes = self.stored.dictionary.codes_of(class);
        if codes.is_empty() {
            return Ok(());
        }
        let holds = |entry: Entry<'_>| self.holds(entry, |cell| test.holds(cell, self.asking.interrupt));
        let (shape, bounds) = match test {
            Test::Field { test, bounds, .. } => (shape(test, class), bounds.as_deref()),
            Test::Pair(_) => (Shape::Each, None),
        };
        match shape {
            Shape::Same => {
                if self.first(codes.start, holds)? {
                    truth.set(codes);
                }
            }
            Shape::Rising => {
                let from = self.stored.partition(codes.clone(), &mut |entry| holds(entry))?;
                truth.set(from..codes.end);
            }
            Shape::Falling => {
                let until = self.stored.partition(codes.clone(), &mut |entry| !holds(entry))?;
                truth.set(codes.start..until);
            }
            Shape::Within if let Some(bounds) = bounds => {
                let [from, until] = bounds.each_ref().map(|bound| {
                    let surroundings = Surroundings { interrupt: self.asking.interrupt, ..Surroundings::NONE };
                    let holds = |cell: Option<Cell<'_>>| bound.holds(&[cell], surroundings);
                    self.stored.partition(codes.clone(), &mut |entry| self.holds(entry, holds))
                });
                truth.set(from?..until?);
            }
            // A search reads about as much as a few hundred values.
            Shape::Among(entries) if entries.len() <= codes.len() / 64 + 1 => {
                for wanted in entries {
                    let code = self.stored.partition(codes.clone(), &mut |entry| entry >= wanted)?;
                    if code < codes.end && self.first(code, holds)? {
                        truth.put(code, true);
                    }
                }
            }
            Shape::Prefix(prefix) => {
                let is_after = |entry: Entry<'_>| matches!(entry, Entry::Text(text) if text >= prefix);
                let from = self.stored.partition(codes.clone(), &mut |entry| is_after(entry))?;
                let lacks = |entry: Entry<'_>| !matches!(entry, Entry::Text(text) if text.starts_with(prefix));
                truth.set(from..self.stored.partition(from..codes.end, &mut |entry| lacks(entry))?);
            }
            Shape::Containing(needle) => {
                self.stored.containing(codes, needle, self.asking.interrupt, &mut |code, entry| {
                    truth.put(code, holds(entry));
                })?
            }
            Shape::Each | Shape::Within | Shape::Among(_) => self.each(codes, holds, truth)?,
        }
        Ok(())
    }

    fn holds(&self, entry: Entry<'_>, holds: impl Fn(Option<Cell<'_>>) -> bool) -> bool {
        let mut found = false;
        entry.read(self.name, self.asking.natives, &mut |cell| found = holds(cell));
        found
    }

    fn first(&self, code: u32, holds: impl Fn(Entry<'_>) -> bool) -> Result<bool, P::Error> {
        let mut found = false;
        self.stored.each(code..code + 1, &mut |_, entry| found = holds(entry))?;
        Ok(found)
    }

    fn each(&self, codes: Range<u32>, holds: impl Fn(Entry<'_>) -> bool, truth: &mut Truth) -> Result<(), P::Error> {
        self.stored.each(codes, &mut |code, entry| {
            // Long tests honour interrupts by themselves; short ones are many.
            if code.is_multiple_of(1_024) {
                (self.asking.interrupt)();
            }
            truth.put(code, holds(entry));
        })
    }
}
