//! Predicates on the elements of an array.

use super::{Condition, ElemMatch, FieldPredicate, Predicate, Test};
use crate::date::{DateLiteral, Relative};
use crate::operator::Operator;
use crate::path::Path;
use crate::types::PropertyType;

/// What a condition on one element says of all of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Quantifier {
    /// `$some`: one element satisfies it
    Some,
    /// `$none`: no element does
    None,
    /// `$every`: every element does
    Every,
    /// `$first`: the first one does
    First,
    /// `$last`: the last one does
    Last,
}

impl Quantifier {
    /// Its operator.
    #[must_use]
    pub fn operator(self) -> Operator {
        match self {
            Quantifier::Some => Operator::Some,
            Quantifier::None => Operator::None,
            Quantifier::Every => Operator::Every,
            Quantifier::First => Operator::First,
            Quantifier::Last => Operator::Last,
        }
    }
}

/// What is computed of the values that elements have at a path.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Aggregate {
    /// `$sum`
    Sum,
    /// `$avg`
    Avg,
    /// `$min`
    Min,
    /// `$max`
    Max,
    /// `$distinct`: how many different ones there are
    Distinct,
}

impl Aggregate {
    /// Its operator.
    #[must_use]
    pub fn operator(self) -> Operator {
        match self {
            Aggregate::Sum => Operator::Sum,
            Aggregate::Avg => Operator::Avg,
            Aggregate::Min => Operator::Min,
            Aggregate::Max => Operator::Max,
            Aggregate::Distinct => Operator::Distinct,
        }
    }
}

/// A path, and what is asked of the aggregate of the values there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ValuesPredicate {
    /// The path inside an element
    pub path: Path,
    /// A literal, or tests, with the `$as` and `$zone` of the values
    pub asked: FieldPredicate,
}

/// The operand of `$by`: the date that orders elements.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum OrderedBy {
    /// `"placed_at"`
    Name(Path),
    /// `{"$field": "placed_at", "$as": "timestamp", "$zone": "Europe/Paris"}`
    Field {
        /// The path inside an element
        path: Path,
        /// `$as`
        read_as: Option<PropertyType>,
        /// `$zone`: where days begin, and where the calendar counts the time of `$within`
        zone: Option<String>,
        /// `$stable`: elements of one date are in the order of the array, which they are not unless it is said
        is_stable: Option<bool>,
    },
}

/// An entry of `$sequence`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SequenceEntry {
    /// The condition
    pub condition: Condition,
    /// Whether no element is to satisfy it: `$none`
    pub is_absence: bool,
    /// `$within`: at most so long after the element before
    pub within: Option<Relative>,
    /// `$date`, beside `$none`: the point in time at which the time has to be over; now if it is not given
    pub as_of: Option<DateLiteral>,
}

impl Test {
    /// Whether it tests nothing itself: `$filter`, `$by` and `$comment`.
    #[must_use]
    pub fn is_no_test(&self) -> bool {
        matches!(self, Test::Filter(_) | Test::By(_) | Test::Comment(_))
    }

    /// Whether a `$filter` beside it decides which elements it sees.
    #[must_use]
    pub fn sees_elements(&self) -> bool {
        match self {
            Test::Elements(..) | Test::Count(_) | Test::Of(..) | Test::Sequence(_) => true,
            Test::ElemMatch(inner) => matches!(inner, ElemMatch::Condition(_)),
            Test::Not(inner) => inner.tests.iter().any(Test::sees_elements),
            _ => false,
        }
    }

    /// Whether a `$by` beside it orders the elements that it sees.
    #[must_use]
    pub fn is_ordered(&self) -> bool {
        match self {
            Test::Elements(Quantifier::First | Quantifier::Last, _) | Test::Sequence(_) => true,
            Test::Not(inner) => inner.tests.iter().any(Test::is_ordered),
            _ => false,
        }
    }
}

impl Predicate {
    /// One of its tests alone, with what decides its meaning: `$as`, `$zone`, `$filter` and `$by`.
    #[must_use]
    pub fn alone(&self, test: &Test) -> Predicate {
        let is_kept = |other: &&Test| match other {
            Test::Filter(_) => test.sees_elements(),
            Test::By(_) => test.is_ordered(),
            other => *other == test,
        };
        Predicate { tests: self.tests.iter().filter(is_kept).cloned().collect(), ..self.clone() }
    }
}
