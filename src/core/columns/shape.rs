//! How the truth of a test lies in a class, so that few of its values are put to the test.
//!
//! A shape only says which values have to be asked. What is true of a value is said by the evaluator that puts conditions
//! to documents, so a test has one meaning.

use super::{Class, Entry};
use crate::ast::Comparison;
use crate::date::DateReading;
use crate::expr::{Constant, FieldTest, ValueTest};
use crate::pattern::TextTest;
use crate::value::Value;

/// How the truth of a test lies in a class.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Shape<'t> {
    /// Each value has to be asked
    Each,
    /// What is true of one value is true of all
    Same,
    /// What is true of a value is true of all that follow
    Rising,
    /// What is true of a value is true of all before it
    Falling,
    /// Only these values can satisfy it
    Among(Vec<Entry<'t>>),
    /// It is true of the values that are neither before nor after a date
    Within,
    /// It is true of the texts that begin with this one
    Prefix(&'t [u8]),
    /// Only the texts that contain this one, which is not empty, can satisfy it
    Containing(&'t [u8]),
}

/// How the truth of the test lies in the class.
pub(super) fn shape(field: &FieldTest, class: Class) -> Shape<'_> {
    match class {
        _ if class.is_single() => Shape::Same,
        Class::Native => Shape::Each,
        Class::Container if field.path.rest().is_empty() && !field.fans_out() && asks_scalars(&field.test) => {
            Shape::Same
        }
        Class::Container => Shape::Each,
        // There is nothing below a scalar.
        _ if !field.path.rest().is_empty() => Shape::Same,
        _ => of_scalars(&field.test, class),
    }
}

/// Whether no array and no object satisfies the test as a whole.
fn asks_scalars(test: &ValueTest) -> bool {
    let is_scalar = |constant: &Constant| !matches!(constant, Value::Array(_) | Value::Object(_));
    match test {
        ValueTest::Eq(constant) => is_scalar(constant),
        ValueTest::In(constants) => constants.iter().all(is_scalar),
        ValueTest::Compare(..) | ValueTest::Text(..) | ValueTest::Regex(_) | ValueTest::Matches(_) => true,
        ValueTest::Alike(_) | ValueTest::Mod(..) | ValueTest::Part(..) | ValueTest::Anniversary(..) => true,
        ValueTest::Exists
        | ValueTest::Size(_)
        | ValueTest::Type(_)
        | ValueTest::Empty
        | ValueTest::ElemMatch(_)
        | ValueTest::Elements(_) => false,
    }
}

fn of_scalars(test: &ValueTest, class: Class) -> Shape<'_> {
    let is_string = matches!(class, Class::Day | Class::Instant | Class::Text);
    match test {
        // They ask what kind of value it is.
        ValueTest::Exists
        | ValueTest::Size(_)
        | ValueTest::Type(_)
        | ValueTest::ElemMatch(_)
        | ValueTest::Elements(_) => Shape::Same,
        ValueTest::Empty => among([Entry::Text(b"")], class),
        ValueTest::Compare(comparison, constant) => compared(*comparison, constant, class),
        ValueTest::Eq(Value::Literal(date)) => of_date(date.reading(), class, Shape::Within),
        ValueTest::Eq(constant) => among(entry(constant), class),
        ValueTest::In(constants) if constants.iter().any(|constant| matches!(constant, Value::Literal(_))) => {
            Shape::Each
        }
        ValueTest::In(constants) => among(constants.iter().filter_map(entry), class),
        ValueTest::Text(TextTest::StartsWith, needle) if needle.is_exact() && class == Class::Text => {
            Shape::Prefix(needle.text().as_bytes())
        }
        ValueTest::Text(TextTest::Contains | TextTest::EndsWith, needle)
            if needle.is_exact() && !needle.text().is_empty() && class == Class::Text =>
        {
            Shape::Containing(needle.text().as_bytes())
        }
        ValueTest::Regex(pattern) if class == Class::Text => pattern.required().map_or(Shape::Each, Shape::Containing),
        ValueTest::Text(..) | ValueTest::Regex(_) | ValueTest::Matches(_) | ValueTest::Alike(_) if !is_string => {
            Shape::Same
        }
        ValueTest::Mod(..) if class != Class::Number => Shape::Same,
        _ => Shape::Each,
    }
}

fn compared<'t>(comparison: Comparison, constant: &Constant, class: Class) -> Shape<'t> {
    let ordered = match comparison {
        Comparison::Gt | Comparison::Gte => Shape::Rising,
        Comparison::Lt | Comparison::Lte => Shape::Falling,
    };
    match (constant, class) {
        (Value::Number(_), Class::Number) => ordered,
        // Strings of days are in the order of days. Those of instants are not: a fraction is before the Z.
        (Value::String(_), Class::Text | Class::Day) => ordered,
        (Value::String(_), Class::Instant) => Shape::Each,
        (Value::Literal(date), _) => of_date(date.reading(), class, ordered),
        _ => Shape::Same,
    }
}

/// The shape of a comparison with a date; `ordered` where the class has its values in the order of time.
fn of_date(reading: DateReading, class: Class, ordered: Shape<'_>) -> Shape<'_> {
    match class {
        Class::Number if reading == DateReading::Strings => Shape::Same,
        // A number that is too large is no date.
        Class::Number | Class::Text => Shape::Each,
        _ => ordered,
    }
}

fn among<'t>(entries: impl IntoIterator<Item = Entry<'t>>, class: Class) -> Shape<'t> {
    Shape::Among(entries.into_iter().filter(|entry| entry.class() == class).collect())
}

/// The entry that is equal to the constant; `None` if the constant is not a number and not a string.
fn entry(constant: &Constant) -> Option<Entry<'_>> {
    match constant {
        Value::Number(number) => Some(Entry::Number(number.as_number())),
        Value::String(text) => Some(Entry::of_text(text.as_bytes())),
        _ => None,
    }
}
