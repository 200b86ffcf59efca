//! Infers the type of a property from the values that documents have.

use crate::types::{PropertyType, ScalarType};

/// The kind of a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ValueKind {
    /// A scalar; a string that reads as a day or a point in time is a `date` or a `timestamp`
    Scalar(ScalarType),
    /// An array
    Array,
    /// An object or null
    Other,
}

impl ValueKind {
    /// The kind with that name: a scalar type's name, or `array`.
    #[must_use]
    pub fn named(name: &str) -> Self {
        match (name, PropertyType::parse(name)) {
            (_, Some(PropertyType::Scalar(scalar))) => ValueKind::Scalar(scalar),
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
    let scalar = |kind: &ValueKind| match kind {
        ValueKind::Scalar(scalar) => Some(*scalar),
        ValueKind::Array | ValueKind::Other => None,
    };
    kinds.iter().map(scalar).reduce(|one, other| match (one?, other?) {
        (one, other) if one == other => Some(one),
        (ScalarType::Date, ScalarType::Timestamp) | (ScalarType::Timestamp, ScalarType::Date) => {
            Some(ScalarType::Timestamp)
        }
        // Dates among other strings are strings that look like dates.
        (ScalarType::String, other) | (other, ScalarType::String) if other.is_temporal() => Some(ScalarType::String),
        _ => None,
    })?
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
            (&[("date", 5), ("timestamp", 1)], &[], "timestamp"),
            (&[("date", 5), ("string", 1), ("timestamp", 1)], &[], "string"),
            (&[("number", 5), ("string", 1)], &[], "json"),
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
}
