//! Infers the type of a property from the values that documents have.

use crate::types::{PropertyType, ScalarType};

/// The kind of a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ValueKind {
    /// A scalar; a string that reads as a day or a point in time is a `date` or a `timestamp`, and a number that
    /// [may be one](EpochNumbers) is of that type
    Scalar(ScalarType),
    /// A number that may be a day or a point in time in milliseconds
    Millis(ScalarType),
    /// An array
    Array,
    /// An object or null
    Other,
}

/// The numbers that are taken for dates: those of the years 2001 to 2099, which have ten digits in seconds and thirteen
/// in milliseconds.
///
/// Smaller numbers may be anything that is counted, and greater ones are mostly ids. A whole number of days is a day.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EpochNumbers {
    /// The first of them, which is on 2001-09-09
    pub least: i64,
    /// The first number after them: 2100-01-01
    pub end: i64,
    /// How many there are in a day
    pub day: i64,
    /// The name of their kind where they are days
    pub days: &'static str,
    /// The name of their kind otherwise
    pub times: &'static str,
}

impl EpochNumbers {
    /// Seconds, and milliseconds.
    pub const ALL: [EpochNumbers; 2] = [
        EpochNumbers {
            least: 1_000_000_000,
            end: 4_102_444_800,
            day: 86_400,
            days: "date(seconds)",
            times: "timestamp(seconds)",
        },
        EpochNumbers {
            least: 1_000_000_000_000,
            end: 4_102_444_800_000,
            day: 86_400_000,
            days: DATE_MILLIS,
            times: TIMESTAMP_MILLIS,
        },
    ];
}

const DATE_MILLIS: &str = "date(milliseconds)";
const TIMESTAMP_MILLIS: &str = "timestamp(milliseconds)";

impl ValueKind {
    /// The kind with that name: a scalar type's name, or one of [`EpochNumbers`], or `array`.
    #[must_use]
    pub fn named(name: &str) -> Self {
        match (name, PropertyType::parse(name)) {
            (_, Some(PropertyType::Scalar(scalar))) => ValueKind::Scalar(scalar),
            (DATE_MILLIS, _) => ValueKind::Millis(ScalarType::Date),
            (TIMESTAMP_MILLIS, _) => ValueKind::Millis(ScalarType::Timestamp),
            ("array", _) => ValueKind::Array,
            _ => ValueKind::Other,
        }
    }
}

/// The type of a property. `values` has each kind of its values, without null, and how many there are; `elements` has
/// the kinds of the elements of those that are arrays. The type is `json` if the values have no other type in common.
#[must_use]
pub fn property_type(values: &[(ValueKind, i64)], elements: &[ValueKind]) -> PropertyType {
    let all: i64 = values.iter().map(|(_, times)| times).sum();
    // Kinds that fewer than one value in a hundred has are ignored.
    let kinds: Vec<ValueKind> = values.iter().filter(|(_, times)| times * 100 >= all).map(|(kind, _)| *kind).collect();
    match kinds[..] {
        [ValueKind::Array] => common(elements).map_or(PropertyType::Json, PropertyType::Array),
        _ => common(&kinds).map_or(PropertyType::Json, PropertyType::Scalar),
    }
}

/// The scalar type that all the kinds have in common.
fn common(kinds: &[ValueKind]) -> Option<ScalarType> {
    use ScalarType::{Boolean, Date, DateSeconds, Number, String, Timestamp, TimestampSeconds};
    let are_all = |fits: &dyn Fn(ScalarType) -> bool| {
        kinds.iter().all(|kind| matches!(kind, ValueKind::Scalar(scalar) if fits(*scalar)))
    };
    let is = |wanted: ScalarType| move |scalar: ScalarType| scalar == wanted;
    let are_dates = |fits: &dyn Fn(ScalarType) -> bool| {
        kinds.iter().all(|kind| matches!(kind, ValueKind::Scalar(scalar) | ValueKind::Millis(scalar) if fits(*scalar)))
    };
    let are_numbers = kinds
        .iter()
        .all(|kind| matches!(kind, ValueKind::Scalar(Number | DateSeconds | TimestampSeconds) | ValueKind::Millis(_)));
    match kinds {
        [] => None,
        _ if are_all(&is(Boolean)) => Some(Boolean),
        _ if are_all(&is(DateSeconds)) => Some(DateSeconds),
        _ if are_all(&ScalarType::is_seconds) => Some(TimestampSeconds),
        _ if are_dates(&is(Date)) => Some(Date),
        _ if are_dates(&|scalar| matches!(scalar, Date | Timestamp)) => Some(Timestamp),
        // Dates among other strings are strings that look like dates, and so with numbers.
        _ if are_all(&|scalar| matches!(scalar, String | Date | Timestamp)) => Some(String),
        _ if are_numbers => Some(Number),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn inferred(values: &[(&str, i64)], elements: &[&str]) -> String {
        let values: Vec<_> = values.iter().map(|(kind, times)| (ValueKind::named(kind), *times)).collect();
        let elements: Vec<_> = elements.iter().map(|kind| ValueKind::named(kind)).collect();
        property_type(&values, &elements).to_string()
    }

    #[test]
    fn the_type_is_what_the_values_have_in_common() {
        for (values, elements, expected) in [
            (&[("number", 5)][..], &[][..], "number"),
            (&[("boolean", 5)], &[], "boolean"),
            (&[("date", 5), ("timestamp", 1)], &[], "timestamp"),
            (&[("date", 5), ("string", 1), ("timestamp", 1)], &[], "string"),
            (&[("number", 5), ("string", 1)], &[], "json"),
            (&[("number", 5), ("date", 1)], &[], "json"),
            (&[("number", 500), ("string", 1)], &[], "number"),
            (&[("object", 5)], &[], "json"),
            (&[], &[], "json"),
            (&[("array", 5)], &["string"], "string[]"),
            (&[("array", 5)], &["string", "number"], "json"),
            (&[("array", 5)], &["number", "null"], "json"),
            (&[("array", 5)], &[], "json"),
            (&[("array", 5), ("string", 5)], &["string"], "json"),
        ] {
            assert_eq!(inferred(values, elements), expected, "{values:?} {elements:?}");
        }
    }

    #[test]
    fn numbers_that_are_all_dates_are_dates() {
        for (values, elements, expected) in [
            (&[("timestamp(seconds)", 5)][..], &[][..], "timestamp(seconds)"),
            (&[("date(seconds)", 5)], &[], "date(seconds)"),
            (&[("date(seconds)", 5), ("timestamp(seconds)", 5)], &[], "timestamp(seconds)"),
            (&[("timestamp(milliseconds)", 5)], &[], "timestamp"),
            (&[("date(milliseconds)", 5)], &[], "date"),
            (&[("date(milliseconds)", 5), ("timestamp(milliseconds)", 5)], &[], "timestamp"),
            // Strings with dates may stand beside milliseconds, but not beside seconds.
            (&[("timestamp(milliseconds)", 5), ("date", 5)], &[], "timestamp"),
            (&[("timestamp(seconds)", 5), ("date", 5)], &[], "json"),
            (&[("timestamp(milliseconds)", 5), ("date", 5), ("string", 5)], &[], "json"),
            // Ids and amounts
            (&[("timestamp(seconds)", 5), ("number", 1)], &[], "number"),
            (&[("timestamp(seconds)", 5), ("timestamp(milliseconds)", 1)], &[], "number"),
            (&[("timestamp(seconds)", 500), ("number", 1)], &[], "timestamp(seconds)"),
            (&[("array", 5)], &["timestamp(seconds)", "date(seconds)"], "timestamp(seconds)[]"),
            (&[("array", 5)], &["timestamp(milliseconds)"], "timestamp[]"),
        ] {
            assert_eq!(inferred(values, elements), expected, "{values:?} {elements:?}");
        }
    }
}
