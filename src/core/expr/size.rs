//! The size of an expression, as the [limits](crate::limits) of the language count it.

use super::{Asked, Atom, DocumentTest, ElementTest, ElementsTest, Expr, FieldTest, SequenceStep, ValueTest};
use crate::limits;

/// A test that may have other tests inside.
pub trait Measured {
    /// The number of nodes.
    fn nodes(&self) -> usize;
    /// The number of levels.
    fn levels(&self) -> usize;
}

impl<T: Measured> Expr<T> {
    /// The least number of nodes of a condition with this meaning. Conjunctions are free, because members are ANDed.
    #[must_use]
    pub fn nodes(&self) -> usize {
        match self {
            Expr::Const(_) => 1,
            Expr::And(parts) => parts.iter().map(Expr::nodes).sum(),
            Expr::Or(parts) => 1 + parts.iter().map(Expr::nodes).sum::<usize>(),
            Expr::Not(part) => part.nodes(),
            Expr::Test(test) => test.nodes(),
        }
    }

    /// The least number of levels of a condition with this meaning.
    #[must_use]
    pub fn levels(&self) -> usize {
        let deepest = |parts: &[Expr<T>]| parts.iter().map(Expr::levels).max().unwrap_or(0);
        match self {
            Expr::Const(_) => 0,
            Expr::And(parts) => deepest(parts),
            Expr::Or(parts) => 1 + deepest(parts),
            Expr::Not(part) => match &**part {
                Expr::And(_) => 1 + part.levels(),
                _ => part.levels(),
            },
            Expr::Test(test) => test.levels(),
        }
    }
}

impl Measured for Atom {
    fn nodes(&self) -> usize {
        match self {
            Atom::Field(field) => field.nodes(),
            // The comparison and its two sides are nodes.
            Atom::Pair(_) => 3,
            Atom::Rows(rows) => rows.on_array().nodes(),
            Atom::Bucket(_) | Atom::Topic(_) => 1,
        }
    }

    fn levels(&self) -> usize {
        match self {
            Atom::Field(field) => field.levels(),
            Atom::Rows(rows) => rows.on_array().levels(),
            Atom::Pair(_) | Atom::Bucket(_) | Atom::Topic(_) => 0,
        }
    }
}

impl Measured for DocumentTest {
    fn nodes(&self) -> usize {
        match self {
            DocumentTest::Field(field) => field.nodes(),
            DocumentTest::Pair(_) => 3,
        }
    }

    fn levels(&self) -> usize {
        match self {
            DocumentTest::Field(field) => field.levels(),
            DocumentTest::Pair(_) => 0,
        }
    }
}

impl Measured for ElementsTest {
    fn nodes(&self) -> usize {
        let filter = self.filter.as_ref().map_or(0, |filter| 1 + filter.nodes());
        filter
            + match &self.asked {
                Asked::Every(condition) => 1 + condition.nodes(),
                Asked::Count(asked) => 1 + asked.nodes(),
                Asked::End { condition, by, .. } => 1 + condition.nodes() + usize::from(by.is_some()),
                Asked::Sequence { steps, by } => {
                    let absences = |step: &SequenceStep| {
                        step.absences.iter().map(|absence| 1 + absence.condition.nodes()).sum::<usize>()
                    };
                    let steps: usize = steps.iter().map(|step| 1 + step.condition.nodes() + absences(step)).sum();
                    1 + steps + usize::from(by.is_some())
                }
                Asked::Of(_, values) => 1 + values.iter().map(|values| values.asked.nodes()).sum::<usize>(),
            }
    }

    fn levels(&self) -> usize {
        let filter = self.filter.as_ref().map_or(0, |filter| 2 + filter.levels());
        let asked = match &self.asked {
            Asked::Every(condition) => 2 + condition.levels(),
            Asked::Count(asked) => 2 + asked.levels(),
            Asked::End { condition, .. } => 2 + condition.levels(),
            Asked::Sequence { steps, .. } => {
                let absences = steps.iter().flat_map(|step| &step.absences);
                let absences = absences.map(|absence| 2 + absence.condition.levels());
                2 + steps.iter().map(|step| step.condition.levels()).chain(absences).max().unwrap_or(0)
            }
            Asked::Of(_, values) => 2 + values.iter().map(|values| values.asked.levels()).max().unwrap_or(0),
        };
        asked.max(filter)
    }
}

impl Measured for FieldTest {
    fn nodes(&self) -> usize {
        self.test.nodes()
    }

    fn levels(&self) -> usize {
        self.test.levels()
    }
}

impl Measured for ValueTest {
    fn nodes(&self) -> usize {
        match self {
            ValueTest::ElemMatch(element) => match &**element {
                ElementTest::Object(expr) => 1 + expr.nodes(),
                ElementTest::Value { tests, .. } => 1 + tests.nodes(),
            },
            ValueTest::Elements(elements) => elements.nodes(),
            ValueTest::Part(..) | ValueTest::Anniversary(..) => 2 + limits::CALENDAR_NODES,
            _ => 1,
        }
    }

    fn levels(&self) -> usize {
        match self {
            ValueTest::ElemMatch(element) => match &**element {
                ElementTest::Object(expr) => 1 + expr.levels(),
                ElementTest::Value { tests, .. } => 1 + tests.levels(),
            },
            ValueTest::Elements(elements) => elements.levels(),
            ValueTest::Part(..) | ValueTest::Anniversary(..) => 2,
            _ => 0,
        }
    }
}
