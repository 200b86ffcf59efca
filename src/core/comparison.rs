//! Conditions as comparisons of what the `property_*` functions return, of which there may be statistics.

use crate::ast::Comparison as Bound;
use crate::date::{DateRange, Day};
use crate::expr::{Constant, FieldTest, ValueTest};
use crate::path::Path;
use crate::types::{PropertyType, ScalarType};
use crate::value::Value;

/// `property_number(document, 'score') >= 5`.
#[derive(Debug)]
pub struct Comparison {
    /// The type that the function returns
    pub read_as: ScalarType,
    /// The property
    pub property: String,
    /// Which operator
    pub order: Order,
    /// The operand, as its type's input function reads it
    pub operand: String,
}

/// The operators of a B-tree, by their strategy numbers: `src/include/access/stratnum.h`.
#[derive(Clone, Copy, Debug)]
pub enum Order {
    /// `<`
    Less = 1,
    /// `<=`
    LessEqual = 2,
    /// `=`
    Equal = 3,
    /// `>=`
    GreaterEqual = 4,
    /// `>`
    Greater = 5,
}

/// What comes near to a test: any of these conjunctions. `None` where it is no comparison of a property by itself.
pub fn comparisons(field: &FieldTest) -> Option<Vec<Vec<Comparison>>> {
    let one = |orders: &[(Order, Operand<'_>)]| -> Option<Vec<Comparison>> {
        orders.iter().map(|(order, operand)| comparison(field, *order, operand)).collect()
    };
    let equal = |constant| one(&equality(field, constant));
    match &field.test {
        // What fans out has several values.
        _ if !field.path.rest().is_empty() && field.fans_out() => None,
        ValueTest::Eq(constant) => Some(vec![equal(constant)?]),
        ValueTest::In(constants) => constants.iter().map(equal).collect(),
        ValueTest::Compare(bound, constant) => Some(vec![one(&[inequality(field, *bound, constant)])?]),
        _ => None,
    }
}

/// A scalar, or one end of a range of time.
enum Operand<'c> {
    Scalar(&'c Constant),
    Day(Day),
    From(&'c DateRange),
    Until(&'c DateRange),
}

fn is_date(field: &FieldTest) -> bool {
    field.read_as == Some(PropertyType::Scalar(ScalarType::Date))
}

fn equality<'c>(field: &FieldTest, constant: &'c Constant) -> Vec<(Order, Operand<'c>)> {
    match constant {
        Value::Date(range) if is_date(field) && range.first_day() == range.last_day() => {
            vec![(Order::Equal, Operand::Day(range.first_day()))]
        }
        Value::Date(range) if is_date(field) => {
            vec![
                (Order::GreaterEqual, Operand::Day(range.first_day())),
                (Order::LessEqual, Operand::Day(range.last_day())),
            ]
        }
        Value::Date(range) => vec![(Order::GreaterEqual, Operand::From(range)), (Order::Less, Operand::Until(range))],
        scalar => vec![(Order::Equal, Operand::Scalar(scalar))],
    }
}

fn inequality<'c>(field: &FieldTest, bound: Bound, constant: &'c Constant) -> (Order, Operand<'c>) {
    let order = match bound {
        Bound::Lt => Order::Less,
        Bound::Lte => Order::LessEqual,
        Bound::Gte => Order::GreaterEqual,
        Bound::Gt => Order::Greater,
    };
    match constant {
        Value::Date(range) if is_date(field) => (order, Operand::Day(bound.day_of(range))),
        Value::Date(range) => match bound {
            Bound::Lt | Bound::Gte => (order, Operand::From(range)),
            Bound::Lte => (Order::Less, Operand::Until(range)),
            Bound::Gt => (Order::GreaterEqual, Operand::Until(range)),
        },
        scalar => (order, Operand::Scalar(scalar)),
    }
}

fn comparison(field: &FieldTest, order: Order, operand: &Operand<'_>) -> Option<Comparison> {
    let (natural, operand) = match operand {
        Operand::Scalar(Value::String(text)) => (ScalarType::String, text.clone()),
        // Longer, or with an exponent, it may be too much for a numeric.
        Operand::Scalar(Value::Number(number)) => {
            (ScalarType::Number, Some(number.to_string()).filter(|text| text.len() < 1000 && !text.contains('e'))?)
        }
        Operand::Scalar(Value::Bool(value)) => (ScalarType::Boolean, value.to_string()),
        Operand::Scalar(_) => return None,
        Operand::Day(day) => (ScalarType::Date, day.to_string()),
        Operand::From(range) => (ScalarType::Timestamp, range.from().to_string()),
        Operand::Until(range) => (ScalarType::Timestamp, range.until().to_string()),
    };
    let is_its = field.read_as.is_none_or(|read_as| read_as == PropertyType::Scalar(natural));
    let property = Path::from_keys(field.path.keys().to_vec()).text().to_owned();
    is_its.then_some(Comparison { read_as: natural, property, order, operand })
}
