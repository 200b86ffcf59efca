//! Tests on the elements of an array, taken together.

use super::{Constant, DocumentTest, Expr, StoredDates, ValueTest};
use crate::ast::Aggregate;
use crate::date::{Instant, Relative};
use crate::decimal::Decimal;
use crate::operator::Operator;
use crate::path::Path;
use crate::types::PropertyType;
use crate::value::Value;
use std::cmp::Ordering;

/// A test on the elements of one array.
///
/// It holds for a field if it holds for one of the arrays that the field yields. A field that yields no array has no
/// elements. Conditions are put to elements as `$elemMatch` puts them: to objects, and to arrays, which read as objects
/// keyed by index; no other element satisfies a condition.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct ElementsTest {
    /// What an element has to satisfy to be seen; without it, every element is
    pub filter: Option<Expr<DocumentTest>>,
    /// What is asked of the elements that are seen
    pub asked: Asked,
}

/// What is asked of elements.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Asked {
    /// Each satisfies it
    Every(Expr<DocumentTest>),
    /// Their number does
    Count(Expr<ValueTest>),
    /// Aggregates of their values at one path or at several, all of which have to satisfy what is asked of them
    Of(Aggregate, Vec<ValuesTest>),
    /// The first or the last of them satisfies it
    End {
        /// Whether it is the last
        is_last: bool,
        /// The condition
        condition: Expr<DocumentTest>,
        /// The date that orders elements; without it, they are in the order of the array
        by: Option<TimeOf>,
    },
    /// Elements one after the other satisfy the steps; each satisfies one step
    Sequence {
        /// At least one step; where there is one alone, it has an absence after it
        steps: Vec<SequenceStep>,
        /// The date that orders elements; without it, they are in the order of the array
        by: Option<TimeOf>,
    },
}

/// The date of an element.
///
/// A day stands at its start, before an instant of that start. Elements without a date take no part, and those of one
/// date are not before each other, unless the order is stable: of several first or last ones, one has to satisfy the
/// condition.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct TimeOf {
    /// The path inside an element, which yields one value as under a scalar `$as`
    pub path: Path,
    /// The type as which it is read; `None` for an undeclared path
    pub read_as: Option<PropertyType>,
    /// What is a date, and the zone of days and of the calendar
    pub dates: StoredDates,
    /// Whether elements of one date are before each other as they are in the array
    pub is_stable: bool,
}

/// A step of a sequence.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct SequenceStep {
    /// What the element satisfies
    pub condition: Expr<DocumentTest>,
    /// At most so long after the element of the step before; none for the first step. It needs a date
    pub within: Option<Relative>,
    /// What does not come after the element
    pub absences: Vec<Absence>,
}

/// No later element satisfies the condition within some time, and the time is over.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Absence {
    /// The condition
    pub condition: Expr<DocumentTest>,
    /// The time
    pub within: Relative,
    /// The point in time at which it has to be over
    pub now: Instant,
}

/// What is asked of an aggregate of the values that elements have at a path.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct ValuesTest {
    /// The path inside an element; each value that it yields counts
    pub path: Path,
    /// The type as which the path is read; `None` for an undeclared one
    pub read_as: Option<PropertyType>,
    /// The values that count; others are left out
    pub kind: ValueKind,
    /// What is asked of the aggregate, which may be missing
    pub asked: Expr<ValueTest>,
}

/// The kind of the values that an aggregate is of.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum ValueKind {
    /// Everything but null
    Anything,
    /// Numbers
    Number,
    /// Strings
    String,
    /// Booleans
    Boolean,
    /// Days and points in time
    Date(StoredDates),
}

impl ElementsTest {
    /// Whether an array without elements satisfies the test.
    #[must_use]
    pub fn holds_for_none(&self) -> bool {
        match &self.asked {
            Asked::Every(_) => true,
            Asked::Count(asked) => holds_of_count(asked, 0),
            Asked::End { .. } | Asked::Sequence { .. } => false,
            Asked::Of(aggregate, values) => values.iter().all(|values| match aggregate {
                Aggregate::Sum | Aggregate::Distinct => holds_of_count(&values.asked, 0),
                Aggregate::Avg | Aggregate::Min | Aggregate::Max => holds_of(&values.asked, false, &|_| None),
            }),
        }
    }

    /// The date that orders the elements for the test.
    #[must_use]
    pub fn by(&self) -> Option<&TimeOf> {
        match &self.asked {
            Asked::End { by, .. } | Asked::Sequence { by, .. } => by.as_ref(),
            _ => None,
        }
    }

    /// The fields of an element that the test reads, with those that order elements. Some may be there twice.
    #[must_use]
    pub fn paths(&self) -> Vec<&Path> {
        let mut conditions: Vec<&Expr<DocumentTest>> = self.filter.iter().collect();
        let mut paths: Vec<&Path> = self.by().map(|by| &by.path).into_iter().collect();
        match &self.asked {
            Asked::Every(condition) | Asked::End { condition, .. } => conditions.push(condition),
            Asked::Sequence { steps, .. } => conditions.extend(steps.iter().flat_map(SequenceStep::conditions)),
            Asked::Of(_, values) => paths.extend(values.iter().map(|values| &values.path)),
            Asked::Count(_) => {}
        }
        for condition in conditions {
            condition.for_each(&mut |test| paths.extend(test.paths()));
        }
        paths
    }

    /// The operator of the test.
    #[must_use]
    pub fn operator(&self) -> Operator {
        match self.asked {
            Asked::Every(_) => Operator::Every,
            Asked::Count(_) => Operator::Count,
            Asked::Of(aggregate, _) => aggregate.operator(),
            Asked::End { is_last: false, .. } => Operator::First,
            Asked::End { is_last: true, .. } => Operator::Last,
            Asked::Sequence { .. } => Operator::Sequence,
        }
    }
}

impl SequenceStep {
    /// What the element satisfies, and what later ones do not.
    pub(super) fn conditions(&self) -> impl Iterator<Item = &Expr<DocumentTest>> {
        [&self.condition].into_iter().chain(self.absences.iter().map(|absence| &absence.condition))
    }
}

/// Whether a number of elements satisfies what is asked of it.
#[must_use]
pub fn holds_of_count(asked: &Expr<ValueTest>, count: usize) -> bool {
    // No array has more elements than that.
    let count = Decimal::from(i64::try_from(count).unwrap_or(i64::MAX));
    holds_of(asked, true, &|constant| match constant {
        Value::Number(number) => Some(count.cmp(number)),
        _ => None,
    })
}

/// Whether a result satisfies what is asked of it. `order` compares the result with a constant.
#[must_use]
pub fn holds_of(asked: &Expr<ValueTest>, is_present: bool, order: &dyn Fn(&Constant) -> Option<Ordering>) -> bool {
    let equals = |constant: &Constant| is_present && order(constant).is_some_and(Ordering::is_eq);
    asked.evaluate(&mut |test| match test {
        test if !is_present => test.holds_for_missing(),
        ValueTest::Eq(constant) => equals(constant),
        ValueTest::In(constants) => constants.iter().any(equals),
        ValueTest::Compare(comparison, constant) => order(constant).is_some_and(|found| comparison.accepts(found)),
        ValueTest::Exists => true,
        // Nothing else is asked of a result.
        _ => false,
    })
}
