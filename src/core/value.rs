//! JSON values that a condition carries.

use crate::decimal::Decimal;
use crate::document::{Array, Node, Object, View};
use std::convert::Infallible;

/// A JSON value in which a date of kind `D` may stand where a scalar may.
///
/// The kind tells the three uses apart: an operand as written ([`crate::ast::Operand`]), a constant whose
/// dates are resolved ([`crate::expr::Constant`]), and plain JSON, in which there are no dates ([`Json`]).
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

/// How many levels [`to_json`] copies. Postgres itself stops at some thousands, where the stack ends.
pub const COPIED_LEVELS: usize = 500;

/// Copies a value out of a document, at the cost of an allocation for each value.
///
/// Containers below [`COPIED_LEVELS`] levels are left out as null, and bytes that are not UTF-8 replaced by
/// U+FFFD.
#[must_use]
pub fn to_json<'d>(node: impl Node<'d>) -> Json {
    copy(node, COPIED_LEVELS)
}

fn copy<'d>(node: impl Node<'d>, levels: usize) -> Json {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    match node.view() {
        View::Null => Value::Null,
        View::Bool(value) => Value::Bool(value),
        View::Number(value) => Value::Number(value.to_decimal()),
        View::String(bytes) => Value::String(text(bytes)),
        View::Folded(folded) => Value::String(text(&folded.text)),
        View::Moment(moment) => Value::String(moment.to_string()),
        View::Array(_) | View::Object(_) if levels == 0 => Value::Null,
        View::Array(items) => Value::Array(items.iter().map(|item| copy(item, levels - 1)).collect()),
        View::Object(object) => {
            let mut members: Vec<_> = object.iter().map(|(key, value)| (text(key), copy(value, levels - 1))).collect();
            members.sort_by(|(left, _), (right, _)| key_order(left.as_bytes(), right.as_bytes()));
            members.dedup_by(|(left, _), (right, _)| left == right);
            Value::Object(members)
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

    fn iter(self) -> impl Iterator<Item = (&'d [u8], Self::Node)> {
        <[(String, Json)]>::iter(self).map(|(key, value)| (key.as_bytes(), value))
    }
}
