//! What a condition requires, taken apart: clauses that values can be looked up in, and the rest.

use crate::ast::Comparison;
use crate::expr::{Atom, Checked, Constant, Expr, FieldTest, ValueTest};
use crate::types::JsonType;
use crate::value::Value;

/// A condition whose negations stand before single tests.
#[derive(Clone, Debug)]
pub(super) enum Normal<'c> {
    Const(bool),
    All(Vec<Normal<'c>>),
    Any(Vec<Normal<'c>>),
    Test(Literal<'c>),
}

/// A test or its complement.
#[derive(Clone, Copy, Debug)]
pub(super) struct Literal<'c> {
    pub(super) atom: &'c Atom,
    pub(super) positive: bool,
}

/// Something in a field that satisfies a test when it is met.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Trigger {
    /// A place without a value
    Absent,
    /// Any value
    Present,
    /// A value of this type
    Type(JsonType),
    /// `null`
    Null,
    /// This boolean
    Bool(bool),
    /// A value equal to it, which is a string or a number
    Equal(Constant),
    /// A value that compares so with it, which is a string, a number or a date
    Compare(Comparison, Constant),
    /// An array of that length
    Size(u64),
    /// Missing, null, or an empty string, array or object
    Empty,
}

/// The condition, or its complement where `positive` is false.
pub(super) fn normal(checked: &Checked, positive: bool) -> Normal<'_> {
    match checked {
        Expr::Const(value) => Normal::Const(*value == positive),
        Expr::Not(inner) => normal(inner, !positive),
        Expr::Test(atom) => Normal::Test(Literal { atom, positive }),
        Expr::And(parts) | Expr::Or(parts) => {
            let is_and = matches!(checked, Expr::And(_)) == positive;
            let mut normals = Vec::with_capacity(parts.len());
            for part in parts {
                match normal(part, positive) {
                    Normal::All(inner) if is_and => normals.extend(inner),
                    Normal::Any(inner) if !is_and => normals.extend(inner),
                    other => normals.push(other),
                }
            }
            if is_and { Normal::All(normals) } else { Normal::Any(normals) }
        }
    }
}

/// One of the things that a condition requires.
pub(super) enum Requirement<'c> {
    /// One of these tests holds; with `exactly`, that is all there is to it
    AnyOf { tests: Vec<&'c Atom>, exactly: bool },
    /// The test, which can be looked up, does not hold
    Not(&'c Atom),
}

/// Most tests of a clause: a condition of a thousand alternatives is better evaluated than indexed.
const MOST_TESTS: usize = 256;

/// What of a part of a conjunction can be looked up; `None` where it has to be evaluated and nothing narrows that.
pub(super) fn requirement<'c>(part: &Normal<'c>) -> Option<Requirement<'c>> {
    if let Normal::Test(Literal { atom, positive: false }) = part {
        return triggers(atom).is_some().then_some(Requirement::Not(atom));
    }
    let (tests, exactly) = cover(part)?;
    (tests.len() <= MOST_TESTS).then_some(Requirement::AnyOf { tests, exactly })
}

/// Tests that can be looked up, one of which must hold for the part to hold; and whether that suffices.
fn cover<'c>(part: &Normal<'c>) -> Option<(Vec<&'c Atom>, bool)> {
    match part {
        Normal::Const(_) => None,
        Normal::Test(Literal { atom, positive }) => {
            (*positive && triggers(atom).is_some()).then(|| (vec![*atom], true))
        }
        Normal::Any(parts) => {
            let mut tests = Vec::new();
            let mut exactly = true;
            for part in parts {
                let (mut more, all_there_is) = cover(part)?;
                tests.append(&mut more);
                exactly &= all_there_is;
            }
            Some((tests, exactly))
        }
        Normal::All(parts) => {
            let covers = parts.iter().filter_map(cover);
            let share = |tests: &[&Atom]| tests.iter().map(|test| share_of(test)).sum::<f64>();
            let (tests, _) = covers.min_by(|(left, _), (right, _)| share(left).total_cmp(&share(right)))?;
            Some((tests, false))
        }
    }
}

/// The share of documents that may be thought to satisfy a part: only to tell what narrows more.
pub(super) fn share(part: &Normal<'_>) -> f64 {
    match part {
        Normal::Const(value) => f64::from(u8::from(*value)),
        Normal::Test(Literal { atom, positive: true }) => share_of(atom),
        Normal::Test(Literal { positive: false, .. }) => 0.9,
        Normal::All(parts) => parts.iter().map(share).product(),
        Normal::Any(parts) => parts.iter().map(share).sum::<f64>().min(1.0),
    }
}

fn share_of(atom: &Atom) -> f64 {
    match atom {
        Atom::Topic(_) => 0.2,
        Atom::Field(field) => match &field.test {
            ValueTest::Eq(Value::Bool(_)) => 0.5,
            ValueTest::Eq(_) => 0.1,
            ValueTest::In(constants) => (0.1 * constants.len() as f64).min(0.8),
            ValueTest::Size(_) => 0.3,
            ValueTest::Compare(..) => 0.5,
            _ => 0.9,
        },
    }
}

/// What satisfies the test; `None` where that cannot be looked up.
pub(super) fn triggers(atom: &Atom) -> Option<Vec<Trigger>> {
    match atom {
        Atom::Topic(topic) => Some(vec![Trigger::Equal(Value::String(topic.clone()))]),
        Atom::Field(field) => triggers_of(field),
    }
}

fn triggers_of(field: &FieldTest) -> Option<Vec<Trigger>> {
    Some(match &field.test {
        ValueTest::Eq(constant) => equal(constant)?,
        ValueTest::In(constants) => {
            let each: Option<Vec<_>> = constants.iter().map(equal).collect();
            each?.into_iter().flatten().collect()
        }
        ValueTest::Compare(comparison, Value::Bool(bound)) => {
            let values = [false, true].into_iter().filter(|value| comparison.accepts(value.cmp(bound)));
            values.map(Trigger::Bool).collect()
        }
        ValueTest::Compare(comparison, bound @ (Value::String(_) | Value::Number(_) | Value::Date(_))) => {
            vec![Trigger::Compare(*comparison, bound.clone())]
        }
        ValueTest::Exists => vec![Trigger::Present],
        ValueTest::Type(kinds) => kinds.iter().map(|kind| Trigger::Type(*kind)).collect(),
        ValueTest::Size(size) => vec![Trigger::Size(*size)],
        ValueTest::Empty => vec![Trigger::Empty],
        ValueTest::Compare(..) | ValueTest::Regex(_) | ValueTest::Text(..) | ValueTest::ElemMatch(_) => return None,
    })
}

fn equal(constant: &Constant) -> Option<Vec<Trigger>> {
    Some(match constant {
        Value::Null => vec![Trigger::Null, Trigger::Absent],
        Value::Bool(value) => vec![Trigger::Bool(*value)],
        Value::String(_) | Value::Number(_) => vec![Trigger::Equal(constant.clone())],
        Value::Array(_) | Value::Object(_) | Value::Date(_) => return None,
    })
}
