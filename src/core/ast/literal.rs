//! Operands as they were written: JSON values, and what stands among them for values that JSON lacks.

use crate::date::DateLiteral;
use crate::decimal::Decimal;
use crate::operator::Operator;
use crate::pattern::Pattern;
use crate::types::JsonType;
use crate::value::Value;
use std::fmt;

/// A JSON value that may have literals in it, as they were written.
pub type Operand = Value<Literal>;

/// An object that stands for a value.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Literal {
    /// `{"$date": …}`, `{"$now": …}`, `{"$today": …}` or `{"$period": …}`
    Date(DateLiteral),
    /// `{"$numberLong": "5"}` and its like
    Extended(Extended),
    /// `{"$regularExpression": …}`, an entry of `$in`, `$nin` or `$all`
    Pattern(Pattern),
}

/// A string or a number as Extended JSON writes it, the JSON of MongoDB's tools and drivers
/// (<https://www.mongodb.com/docs/manual/reference/mongodb-extended-json/>).
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Extended {
    wrapper: Operator,
    text: String,
    value: Box<Operand>,
}

/// A value that is not kept in the form in which it was written, and that form: `1` for `true`, `{"$numberInt": "3"}`
/// for 3.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AsWritten<T> {
    /// The value
    pub value: T,
    /// How it was written
    pub written: Operand,
}

impl Extended {
    /// Reads the text under an operator of Extended JSON; `None` if the operator does not take it.
    #[must_use]
    pub fn read(wrapper: Operator, text: &str) -> Option<Self> {
        let value = if is_number(wrapper) {
            let whole = || text.parse::<i64>().ok();
            let fits = match wrapper {
                Operator::NumberInt => whole().is_some_and(|number| i32::try_from(number).is_ok()),
                Operator::NumberLong => whole().is_some(),
                _ => true,
            };
            Value::Number(Decimal::parse(text).filter(|_| fits)?)
        } else {
            Value::String(text.to_owned())
        };
        Some(Extended { wrapper, text: text.to_owned(), value: Box::new(value) })
    }

    /// The operator that it stands under.
    #[must_use]
    pub fn wrapper(&self) -> Operator {
        self.wrapper
    }

    /// The string or the number.
    #[must_use]
    pub fn value(&self) -> &Operand {
        &self.value
    }

    /// The text as it was written.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }
}

/// Whether the operator is one of Extended JSON's, whose object is a string or a number.
#[must_use]
pub fn is_wrapper(operator: Operator) -> bool {
    matches!(operator, Operator::Oid | Operator::Uuid) || is_number(operator)
}

/// Whether the operator is one of Extended JSON's, whose object is a number.
#[must_use]
pub fn is_number(operator: Operator) -> bool {
    matches!(operator, Operator::NumberInt | Operator::NumberLong | Operator::NumberDouble | Operator::NumberDecimal)
}

impl<T> AsWritten<T> {
    /// Another value for the same form; `None` where there is none.
    pub fn try_map<U>(self, map: impl FnOnce(T) -> Option<U>) -> Option<AsWritten<U>> {
        Some(AsWritten { value: map(self.value)?, written: self.written })
    }
}

impl Operand {
    /// The value itself, where Extended JSON has it in an object.
    #[must_use]
    pub fn plain(&self) -> &Operand {
        match self {
            Value::Literal(Literal::Extended(extended)) => &extended.value,
            other => other,
        }
    }
}

impl From<DateLiteral> for Literal {
    fn from(date: DateLiteral) -> Self {
        Literal::Date(date)
    }
}

impl From<bool> for AsWritten<bool> {
    fn from(value: bool) -> Self {
        AsWritten { value, written: Value::Bool(value) }
    }
}

impl From<i64> for AsWritten<i64> {
    fn from(value: i64) -> Self {
        AsWritten { value, written: Value::Number(value.into()) }
    }
}

impl From<u64> for AsWritten<u64> {
    fn from(value: u64) -> Self {
        // No array is longer.
        let number = i64::try_from(value).unwrap_or(i64::MAX);
        AsWritten { value, written: Value::Number(number.into()) }
    }
}

impl From<u32> for AsWritten<u32> {
    fn from(value: u32) -> Self {
        AsWritten { value, written: Value::Number(i64::from(value).into()) }
    }
}

impl From<String> for AsWritten<String> {
    fn from(value: String) -> Self {
        AsWritten { written: Value::String(value.clone()), value }
    }
}

impl From<JsonType> for AsWritten<JsonType> {
    fn from(value: JsonType) -> Self {
        AsWritten { value, written: Value::String(value.name().to_owned()) }
    }
}

impl<T> fmt::Display for AsWritten<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.written.fmt(f)
    }
}
