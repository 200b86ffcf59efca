//! Whether a stored value has the type that its property is declared with.

use segments_core::date::{DateReading, Moment};
use segments_core::decimal::Decimal;
use segments_core::types::{PropertyType, ScalarType};
use serde_json::Value;

/// How a stored value differs from the declared type.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Misfit {
    /// The value has another type, so no comparison reads it
    Whole,
    /// Some elements have another type, so no comparison reads these
    Elements,
    /// The value is a single element where an array is declared. Comparisons read it as an array of one element
    NoArray,
}

impl Misfit {
    /// How a value differs from the declared type; `None` if it has that type.
    pub fn of(declared: PropertyType, value: &Value) -> Option<Self> {
        match (declared, value) {
            (_, Value::Null) | (PropertyType::Json, _) => None,
            (PropertyType::Array(element), Value::Array(items)) => {
                let fits = items.iter().filter(|item| is_of_type(item, element)).count();
                match fits {
                    _ if fits == items.len() => None,
                    0 => Some(Misfit::Whole),
                    _ => Some(Misfit::Elements),
                }
            }
            (PropertyType::Array(element), value) if is_of_type(value, element) => Some(Misfit::NoArray),
            (PropertyType::Scalar(scalar), value) if is_of_type(value, scalar) => None,
            _ => Some(Misfit::Whole),
        }
    }

    /// A sentence about such a value, for users.
    pub fn note(self, declared: PropertyType) -> String {
        match self {
            Misfit::Whole => format!("the stored value is not of type {declared}, so it satisfies no comparison"),
            Misfit::Elements => {
                format!("some elements of the stored value do not fit {declared}, so they satisfy no comparison")
            }
            Misfit::NoArray => {
                format!("the stored value is not of type {declared}, so it is compared as an array of one element")
            }
        }
    }
}

fn is_of_type(value: &Value, scalar: ScalarType) -> bool {
    match (scalar, value) {
        (_, Value::Null)
        | (ScalarType::String, Value::String(_))
        | (ScalarType::Number, Value::Number(_))
        | (ScalarType::Boolean, Value::Bool(_)) => true,
        (scalar, value) => moment(value, PropertyType::Scalar(scalar)).is_some(),
    }
}

/// The date that a stored value is under a type; `None` if it is none.
pub fn moment(value: &Value, read_as: PropertyType) -> Option<Moment> {
    let reading = DateReading::of(Some(read_as));
    match value {
        Value::String(text) if reading.reads_numbers() => reading.string(text.as_bytes()),
        Value::Number(number) => reading.number(Decimal::parse(&number.to_string())?.as_number()),
        _ => None,
    }
}
