//! Takes conditions apart into clauses that can be looked up, and the rest.

use crate::ast::Comparison;
use crate::expr::{Atom, Checked, Constant, FieldTest, NormalForm, ValueTest};
use crate::types::JsonType;
use crate::value::Value;

/// A condition in negation normal form.
#[derive(Clone, Debug)]
pub(super) enum Normal<'c> {
    Const(bool),
    All(Vec<Normal<'c>>),
    Any(Vec<Normal<'c>>),
    Test(Literal<'c>),
    /// The refutation with this number does not hold
    Unrefuted(u32),
}

/// A test or its complement.
#[derive(Clone, Copy, Debug)]
pub(super) struct Literal<'c> {
    pub(super) atom: &'c Atom,
    pub(super) positive: bool,
}

/// Something in a field that satisfies a test.
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
    /// A value that is equal to this string or number
    Equal(Constant),
    /// A value in this order to this string, number or date
    Compare(Comparison, Constant),
    /// An array of this length
    Size(u64),
    /// Missing, null, or an empty string, array or object
    Empty,
}

/// Turns a condition into negation normal form.
pub(super) fn normal(checked: &Checked) -> Normal<'_> {
    checked.fold_normal_form(&mut |node| match node {
        NormalForm::Const(value) => Normal::Const(value),
        NormalForm::Test { test, positive } => Normal::Test(Literal { atom: test, positive }),
        NormalForm::All(parts) => Normal::All(parts.into_iter().flat_map(Normal::into_conjuncts).collect()),
        NormalForm::Any(parts) => Normal::Any(parts.into_iter().flat_map(Normal::into_disjuncts).collect()),
    })
}

impl<'c> Normal<'c> {
    /// The parts of the conjunction; none for a constant.
    pub(super) fn into_parts(self) -> Vec<Self> {
        match self {
            Normal::Const(_) => vec![],
            part => part.into_conjuncts(),
        }
    }

    fn into_conjuncts(self) -> Vec<Self> {
        match self {
            Normal::All(parts) => parts,
            part => vec![part],
        }
    }

    fn into_disjuncts(self) -> Vec<Self> {
        match self {
            Normal::Any(parts) => parts,
            part => vec![part],
        }
    }

    /// The complement, in negation normal form.
    pub(super) fn complement(self) -> Self {
        let each = |parts: Vec<Normal<'c>>| parts.into_iter().map(Normal::complement).collect();
        match self {
            Normal::Const(value) => Normal::Const(!value),
            Normal::All(parts) => Normal::Any(each(parts)),
            Normal::Any(parts) => Normal::All(each(parts)),
            Normal::Test(Literal { atom, positive }) => Normal::Test(Literal { atom, positive: !positive }),
            Normal::Unrefuted(_) => unreachable!("only what is left to evaluate has these"),
        }
    }

    /// The number of tests, and the number of those that can be looked up.
    pub(super) fn tests(&self) -> (usize, usize) {
        match self {
            Normal::Const(_) | Normal::Unrefuted(_) => (0, 0),
            Normal::Test(Literal { atom, .. }) => (1, usize::from(triggers(atom).is_some())),
            Normal::All(parts) | Normal::Any(parts) => {
                parts.iter().map(Normal::tests).fold((0, 0), |sum, part| (sum.0 + part.0, sum.1 + part.1))
            }
        }
    }
}

/// The triggers of a test; `None` if the test cannot be looked up.
pub(super) fn triggers(atom: &Atom) -> Option<Vec<Trigger>> {
    match atom {
        Atom::Topic(topic) => Some(vec![Trigger::Equal(Value::String(topic.clone()))]),
        Atom::Field(field) => triggers_of(field),
        Atom::Pair(_) | Atom::Bucket(_) | Atom::Rows(_) => None,
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
        ValueTest::Compare(comparison, bound @ (Value::String(_) | Value::Number(_) | Value::Literal(_))) => {
            vec![Trigger::Compare(*comparison, bound.clone())]
        }
        ValueTest::Exists => vec![Trigger::Present],
        ValueTest::Type(kinds) => kinds.iter().map(|kind| Trigger::Type(*kind)).collect(),
        ValueTest::Size(size) => vec![Trigger::Size(*size)],
        ValueTest::Empty => vec![Trigger::Empty],
        ValueTest::Compare(..)
        | ValueTest::Regex(_)
        | ValueTest::Matches(_)
        | ValueTest::Text(..)
        | ValueTest::Mod(..)
        | ValueTest::Alike(_)
        | ValueTest::ElemMatch(_)
        | ValueTest::Elements(_)
        | ValueTest::Part(..)
        | ValueTest::Anniversary(..) => return None,
    })
}

fn equal(constant: &Constant) -> Option<Vec<Trigger>> {
    Some(match constant {
        Value::Null => vec![Trigger::Null, Trigger::Absent],
        Value::Bool(value) => vec![Trigger::Bool(*value)],
        Value::String(_) | Value::Number(_) => vec![Trigger::Equal(constant.clone())],
        Value::Array(_) | Value::Object(_) | Value::Literal(_) => return None,
    })
}
