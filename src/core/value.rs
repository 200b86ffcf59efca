//! JSON values that a condition carries.

use crate::decimal::Decimal;
use crate::document::{Array, Node, Object, View};
use std::convert::Infallible;

/// A JSON value in which a date of kind `D` may stand where a scalar may.
///
/// The kind tells the three uses apart: an operand as written ([``ast::Operand``]), a constant whose
/// dates are resolved ([``expr::Constant``]), and plain JSON, in which there are no dates ([`Json`]).
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Value<D> {
    /// `null`
    Null,
    /// `true` or `false`
    Bool(bool),
    /// A number, exactly
    Number(Decimal),
    /// A string
    String(String),
    /// An array
    Array(Vec<Value<D>>),
    /// An object: keys unique, in [`key_order`]
    Object(Vec<(String, Value<D>)>),
    /// A date or a point in time
    Date(D),
}

/// Plain JSON: a document outside Postgres.
pub type Json = Value<Infallible>;

/// The order in which jsonb keeps an object's keys: by length, then by bytes.
#[must_use]
pub fn key_order(left: &[u8], right: &[u8]) -> std::cmp::Ordering {
    left.len().cmp(&right.len()).then_with(|| left.cmp(right))
}

impl<D> Value<D> {
    /// What the value is, for messages: `a string`, `an object`, …
    #[must_use]
    pub fn describe(&self) -> &'static str {
        match self {
            Value::Null => "null",
            Value::Bool(_) => "a boolean",
            Value::Number(_) => "a number",
            Value::String(_) => "a string",
            Value::Array(_) => "an array",
            Value::Object(_) => "an object",
            Value::Date(_) => "a date",
        }
    }
}

impl<'d> Node<'d> for &'d Json {
    type Array = &'d [Json];
    type Object = &'d [(String, Json)];

    fn view(self) -> View<'d, Self> {
        match self {
            Value::Null => View::Null,
            Value::Bool(value) => View::Bool(*value),
            Value::Number(value) => View::Number(value.as_number()),
            Value::String(value) => View::String(value.as_bytes()),
            Value::Array(items) => View::Array(items.as_slice()),
            Value::Object(members) => View::Object(members.as_slice()),
            Value::Date(never) => match *never {},
        }
    }
}

impl<'d> Array<'d> for &'d [Json] {
    type Node = &'d Json;

    fn len(self) -> usize {
        <[Json]>::len(self)
    }

    fn get(self, index: usize) -> Option<Self::Node> {
        <[Json]>::get(self, index)
    }

    fn iter(self) -> impl Iterator<Item = Self::Node> {
        <[Json]>::iter(self)
    }
}

impl<'d> Object<'d> for &'d [(String, Json)] {
    type Node = &'d Json;

    fn len(self) -> usize {
        <[(String, Json)]>::len(self)
    }

    fn get(self, key: &str) -> Option<Self::Node> {
        let found = self.binary_search_by(|(name, _)| key_order(name.as_bytes(), key.as_bytes())).ok()?;
        Some(&self[found].1)
    }
}
