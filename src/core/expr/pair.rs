//! Comparisons of fields with each other (`$expr`).

use crate::ast::Comparison;
use crate::date::NamedZone;
use crate::expr::Constant;
use crate::path::Path;
use crate::types::{PropertyType, ScalarType};

/// A comparison of two sides, of which at least one is a field. If a side is missing, null or NaN, the comparison does
/// not hold.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct PairTest {
    /// The order of the left side to the right one; `None` if they are to be equal
    pub order: Option<Comparison>,
    /// The left and the right side
    pub sides: [Side; 2],
    /// The zone in which the day of a point in time is read
    pub zone: NamedZone,
}

/// A side of a comparison.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Side {
    /// The value at a path. Numbers in the path are keys, and a path through an array has no value
    Field {
        /// The path; its first key is the property's name
        path: Path,
        /// The type as which the field is read; `None` for an undeclared field
        read_as: Option<ScalarType>,
    },
    /// A value
    Constant(Constant),
}

/// The type as which both sides are read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reading {
    /// Their own types; the comparison does not hold if they differ
    Anything,
    /// This type, which is not a type of dates
    Scalar(ScalarType),
    /// Days and points in time
    Moments {
        /// Whether both sides count as their calendar days
        by_day: bool,
    },
}

impl Side {
    /// The path of a field.
    #[must_use]
    pub fn path(&self) -> Option<&Path> {
        match self {
            Side::Field { path, .. } => Some(path),
            Side::Constant(_) => None,
        }
    }

    /// The declared type of the side.
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
    /// The fields that the comparison reads.
    pub fn paths(&self) -> impl Iterator<Item = &Path> {
        self.sides.iter().filter_map(Side::path)
    }

    /// The type as which both sides are read: if one of them has a declared type, the other is read as the same.
    #[must_use]
    pub fn reading(&self) -> Reading {
        let declared = self.sides.each_ref().map(Side::read_as);
        match declared[0].or(declared[1]) {
            None => Reading::Anything,
            Some(scalar) if scalar.is_temporal() => {
                Reading::Moments { by_day: declared.into_iter().flatten().any(ScalarType::is_day) }
            }
            Some(scalar) => Reading::Scalar(scalar),
        }
    }
}
