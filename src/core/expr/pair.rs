//! Comparisons of fields with each other, as `$expr` makes them.

use crate::ast::Comparison;
use crate::date::NamedZone;
use crate::expr::Constant;
use crate::path::Path;
use crate::types::{PropertyType, ScalarType};

/// A comparison of two sides, one of which is a field at least. A side that is missing, null or NaN satisfies nothing.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct PairTest {
    /// How the left side compares with the right one; `None`: they are equal
    pub order: Option<Comparison>,
    /// The left and the right side
    pub sides: [Side; 2],
    /// Where the day of a point in time is read
    pub zone: NamedZone,
}

/// A side of a comparison.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Side {
    /// What is at a path, in which a number is a key; it yields nothing through an array
    Field {
        /// The path; its first key is the property's name
        path: Path,
        /// The type it is read as; `None` as an undeclared field is
        read_as: Option<ScalarType>,
    },
    /// A value
    Constant(Constant),
}

/// What both sides are read as.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reading {
    /// Whatever they are: different types satisfy nothing
    Anything,
    /// Values of that type, which is not one of dates
    Scalar(ScalarType),
    /// Days and points in time
    Moments {
        /// Whether both count as their calendar days
        by_day: bool,
    },
}

impl Side {
    /// The path, where it is a field.
    #[must_use]
    pub fn path(&self) -> Option<&Path> {
        match self {
            Side::Field { path, .. } => Some(path),
            Side::Constant(_) => None,
        }
    }

    /// The type that it is declared to be of.
    #[must_use]
    pub fn read_as(&self) -> Option<ScalarType> {
        match self {
            Side::Field { read_as, .. } => *read_as,
            Side::Constant(_) => None,
        }
    }

    pub(crate) fn property_type(&self) -> Option<PropertyType> {
        self.read_as().map(PropertyType::Scalar)
    }
}

impl PairTest {
    /// The fields that it reads.
    pub fn paths(&self) -> impl Iterator<Item = &Path> {
        self.sides.iter().filter_map(Side::path)
    }

    /// What both sides are read as: what one of them is declared to be, the other is, too.
    #[must_use]
    pub fn reading(&self) -> Reading {
        let declared = self.sides.each_ref().map(Side::read_as);
        match declared[0].or(declared[1]) {
            None => Reading::Anything,
            Some(scalar) if scalar.is_temporal() => {
                Reading::Moments { by_day: declared.contains(&Some(ScalarType::Date)) }
            }
            Some(scalar) => Reading::Scalar(scalar),
        }
    }
}
