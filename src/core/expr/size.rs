//! The size of an expression, as the [limits](crate::limits) of the language count it.

use super::{Atom, ElementTest, Expr, FieldTest, ValueTest};
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
            Atom::Bucket(_) | Atom::Topic(_) => 1,
        }
    }

    fn levels(&self) -> usize {
        match self {
            Atom::Field(field) => field.levels(),
            Atom::Pair(_) | Atom::Bucket(_) | Atom::Topic(_) => 0,
        }
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
            ValueTest::Part(..) | ValueTest::Anniversary(..) => 2,
            _ => 0,
        }
    }
}
