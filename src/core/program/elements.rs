//! Puts tests to the elements of an array, taken together.

use super::found::ElementsFound;
use super::sequence::{SequenceCheck, TimeCheck};
use super::values::ValuesCheck;
use super::walk::Visitor;
use super::{Program, Surroundings, honour_interrupts};
use crate::ast::Aggregate;
use crate::document::{Array, Node, View};
use crate::expr::{Asked, ElementsTest, Expr, ValueTest, holds_of_count};

/// A compiled [`ElementsTest`].
#[derive(Debug)]
pub(super) struct ElementsCheck {
    filter: Option<Program>,
    asked: AskedCheck,
    holds_for_none: bool,
}

#[derive(Debug)]
enum AskedCheck {
    Every(Program),
    Count(Expr<ValueTest>),
    Of(Aggregate, Box<[ValuesCheck]>),
    End { is_last: bool, program: Program, by: Option<TimeCheck> },
    Sequence { sequence: SequenceCheck<Program>, by: Option<TimeCheck> },
}

impl ElementsCheck {
    pub(super) fn compile(test: &ElementsTest) -> Self {
        ElementsCheck {
            filter: test.filter.as_ref().map(Program::compile_element),
            asked: match &test.asked {
                Asked::Every(condition) => AskedCheck::Every(Program::compile_element(condition)),
                Asked::Count(asked) => AskedCheck::Count(asked.clone()),
                Asked::End { is_last, condition, by } => AskedCheck::End {
                    is_last: *is_last,
                    program: Program::compile_element(condition),
                    by: by.as_ref().map(TimeCheck::compile),
                },
                Asked::Sequence { steps, by } => AskedCheck::Sequence {
                    sequence: SequenceCheck::compile(steps, by.as_ref(), Program::compile_element),
                    by: by.as_ref().map(TimeCheck::compile),
                },
                Asked::Of(aggregate, values) => {
                    AskedCheck::Of(*aggregate, values.iter().map(ValuesCheck::compile).collect())
                }
            },
            holds_for_none: test.holds_for_none(),
        }
    }

    pub(super) fn pattern_bytes(&self) -> usize {
        let asked = match &self.asked {
            AskedCheck::Every(program) | AskedCheck::End { program, .. } => program.pattern_bytes(),
            AskedCheck::Sequence { sequence, .. } => sequence.pattern_bytes(),
            AskedCheck::Count(_) | AskedCheck::Of(..) => 0,
        };
        asked + self.filter.as_ref().map_or(0, Program::pattern_bytes)
    }

    /// Whether an array without elements satisfies it.
    pub(super) fn holds_for_none(&self) -> bool {
        self.holds_for_none
    }

    /// Whether the elements of the array satisfy it.
    pub(super) fn hold<'d, A: Array<'d>>(&self, array: A, surroundings: Surroundings<'_>) -> bool {
        match &self.asked {
            AskedCheck::Every(program) => {
                self.seen(array, surroundings).all(|element| program.matches_element(element, surroundings))
            }
            AskedCheck::Count(asked) if self.filter.is_none() => holds_of_count(asked, array.len()),
            AskedCheck::Count(asked) => holds_of_count(asked, self.seen(array, surroundings).count()),
            AskedCheck::End { is_last, program, by: Some(by) } => {
                by.end_satisfies(*is_last, self.seen(array, surroundings), |element| {
                    program.matches_element(element, surroundings)
                })
            }
            AskedCheck::End { is_last, program, by: None } => {
                let end =
                    if *is_last { self.last_seen(array, surroundings) } else { self.seen(array, surroundings).next() };
                end.is_some_and(|element| program.matches_element(element, surroundings))
            }
            AskedCheck::Sequence { sequence, by } => {
                sequence.fits(by.as_ref(), self.seen(array, surroundings), surroundings)
            }
            AskedCheck::Of(aggregate, values) => match &**values {
                [values] => values.holds(*aggregate, self.seen(array, surroundings), surroundings),
                several => {
                    // The filter is put to each element once.
                    let seen: Vec<A::Node> = self.seen(array, surroundings).collect();
                    several.iter().all(|values| values.holds(*aggregate, seen.iter().copied(), surroundings))
                }
            },
        }
    }

    /// What it finds in an array.
    pub(super) fn found<'d, A: Array<'d>>(&self, array: A, surroundings: Surroundings<'_>) -> ElementsFound {
        let satisfying = match &self.asked {
            AskedCheck::Every(program) => {
                let satisfies = |element: &A::Node| program.matches_element(*element, surroundings);
                Some(self.seen(array, surroundings).filter(satisfies).count())
            }
            _ => None,
        };
        let compared = match &self.asked {
            AskedCheck::Of(aggregate, values) => {
                let compared =
                    |values: &ValuesCheck| values.compared(*aggregate, self.seen(array, surroundings), surroundings);
                values.iter().map(compared).collect()
            }
            _ => vec![],
        };
        let seen = self.filter.as_ref().map(|_| self.seen(array, surroundings).count());
        ElementsFound { elements: array.len(), seen, satisfying, compared }
    }

    /// The elements that the filter lets through, in their order.
    fn seen<'s, 'd: 's, A: Array<'d> + 's>(
        &'s self,
        array: A,
        surroundings: Surroundings<'s>,
    ) -> impl Iterator<Item = A::Node> + 's
    where
        A::Node: 's,
    {
        array.iter().enumerate().filter_map(move |(index, element)| {
            honour_interrupts(index, surroundings);
            self.sees(element, surroundings).then_some(element)
        })
    }

    /// The last element that the filter lets through.
    fn last_seen<'d, A: Array<'d>>(&self, array: A, surroundings: Surroundings<'_>) -> Option<A::Node> {
        (0..array.len()).rev().find_map(|index| {
            honour_interrupts(index, surroundings);
            array.get(index).filter(|element| self.sees(*element, surroundings))
        })
    }

    /// Whether the filter lets the element through.
    fn sees<'d, N: Node<'d>>(&self, element: N, surroundings: Surroundings<'_>) -> bool {
        self.filter.as_ref().is_none_or(|filter| filter.matches_element(element, surroundings))
    }
}

/// Puts a test to each array that a field yields.
pub(super) struct Arrays<'a> {
    check: &'a ElementsCheck,
    surroundings: Surroundings<'a>,
    /// Whether there was an array
    pub(super) any: bool,
}

impl<'a> Arrays<'a> {
    pub(super) fn new(check: &'a ElementsCheck, surroundings: Surroundings<'a>) -> Self {
        Arrays { check, surroundings, any: false }
    }
}

impl Visitor for Arrays<'_> {
    fn value<'d, N: Node<'d>>(&mut self, value: N, _: bool) -> bool {
        let View::Array(array) = value.view() else { return false };
        self.any = true;
        self.check.hold(array, self.surroundings)
    }

    fn absent(&mut self) -> bool {
        false
    }

    fn nothing(&mut self) -> bool {
        false
    }
}
