//! JSON values that a condition carries.

use crate::decimal::Decimal;
use std::convert::Infallible;

/// A JSON value in which a date, or another literal of kind `D`, may stand where a scalar may.
///
/// There are three kinds: literals as they were written, in operands ([`crate::ast::Operand`]); resolved dates, in
/// constants ([`crate::expr::Constant`]); and none, in plain JSON ([`Json`]).
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
    /// An object; its keys are unique and in [`key_order`]
    Object(Vec<(String, Value<D>)>),
    /// A date or a point in time, or another literal that JSON lacks
    Literal(D),
}

/// Plain JSON: a document outside Postgres.
pub type Json = Value<Infallible>;

/// The order of an object's keys in jsonb: by length, then by bytes.
#[must_use]
pub fn key_order(left: &[u8], right: &[u8]) -> std::cmp::Ordering {
    left.len().cmp(&right.len()).then_with(|| left.cmp(right))
}

impl<D> Value<D> {
    /// The kind of the value, for messages: `a string`, `an object`, …
    #[must_use]
    pub fn describe(&self) -> &'static str {
        match self {
            Value::Null => "null",
            Value::Bool(_) => "a boolean",
            Value::Number(_) => "a number",
            Value::String(_) => "a string",
            Value::Array(_) => "an array",
            Value::Object(_) => "an object",
            Value::Literal(_) => "a date",
        }
    }
}

/// The most levels of plain JSON that are read or copied. Postgres itself reads some thousands of levels, until its
/// stack is full.
pub const COPIED_LEVELS: usize = 500;
