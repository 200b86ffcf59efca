//! Turns tests into comparisons of what the `property_*` functions return, for which Postgres may have statistics.

use crate::ast::Comparison;
use crate::date::{DateRange, Day};
use crate::expr::{Constant, FieldTest, ValueTest};
use crate::path::Path;
use crate::seconds::{self, SecondsSpan};
use crate::types::{PropertyType, ScalarType};
use crate::value::Value;

/// `property_number(document, 'score') >= 5`.
#[derive(Debug)]
pub struct PropertyComparison {
    /// The type that the function returns
    pub read_as: ScalarType,
    /// The property
    pub property: String,
    /// The operator
    pub strategy: BtreeStrategy,
    /// The operand, as text that the type's input function reads
    pub operand: String,
}

/// The operators of a B-tree, by their strategy numbers: `src/include/access/stratnum.h`.
#[derive(Clone, Copy, Debug)]
pub enum BtreeStrategy {
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

/// A disjunction of conjunctions that is close to the test. `None` if the test is no comparison of a property.
pub fn comparisons(field: &FieldTest) -> Option<Vec<Vec<PropertyComparison>>> {
    let one = |orders: &[(BtreeStrategy, ComparedValue<'_>)]| -> Option<Vec<PropertyComparison>> {
        orders.iter().map(|(order, operand)| comparison(field, *order, operand)).collect()
    };
    let equal = |constant| one(&equality(field, constant));
    if let Some(spans) = seconds::spans(field) {
        let within = |SecondsSpan { from, until }: SecondsSpan| {
            let (from, until) = (Value::Number(from), Value::Number(until));
            one(&[
                (BtreeStrategy::GreaterEqual, ComparedValue::Scalar(&from)),
                (BtreeStrategy::Less, ComparedValue::Scalar(&until)),
            ])
        };
        return spans.into_iter().map(within).collect();
    }
    match &field.test {
        // A path that fans out has several values.
        _ if !field.path.rest().is_empty() && field.fans_out() => None,
        ValueTest::Eq(constant) => Some(vec![equal(constant)?]),
        ValueTest::In(constants) => constants.iter().map(equal).collect(),
        ValueTest::Compare(bound, constant) => Some(vec![one(&[inequality(field, *bound, constant)])?]),
        _ => None,
    }
}

/// The value that is compared with: a scalar, a day, or one end of a range of time.
enum ComparedValue<'c> {
    Scalar(&'c Constant),
    Day(Day),
    From(&'c DateRange),
    Until(&'c DateRange),
}

fn is_date(field: &FieldTest) -> bool {
    field.read_as == Some(PropertyType::Scalar(ScalarType::Date))
}

fn equality<'c>(field: &FieldTest, constant: &'c Constant) -> Vec<(BtreeStrategy, ComparedValue<'c>)> {
    match constant {
        Value::Literal(range) if is_date(field) && range.first_day() == range.last_day() => {
            vec![(BtreeStrategy::Equal, ComparedValue::Day(range.first_day()))]
        }
        Value::Literal(range) if is_date(field) => {
            vec![
                (BtreeStrategy::GreaterEqual, ComparedValue::Day(range.first_day())),
                (BtreeStrategy::LessEqual, ComparedValue::Day(range.last_day())),
            ]
        }
        Value::Literal(range) => {
            vec![
                (BtreeStrategy::GreaterEqual, ComparedValue::From(range)),
                (BtreeStrategy::Less, ComparedValue::Until(range)),
            ]
        }
        scalar => vec![(BtreeStrategy::Equal, ComparedValue::Scalar(scalar))],
    }
}

fn inequality<'c>(field: &FieldTest, bound: Comparison, constant: &'c Constant) -> (BtreeStrategy, ComparedValue<'c>) {
    let order = match bound {
        Comparison::Lt => BtreeStrategy::Less,
        Comparison::Lte => BtreeStrategy::LessEqual,
        Comparison::Gte => BtreeStrategy::GreaterEqual,
        Comparison::Gt => BtreeStrategy::Greater,
    };
    match constant {
        Value::Literal(range) if is_date(field) => (order, ComparedValue::Day(bound.day_of(range))),
        Value::Literal(range) => match bound {
            Comparison::Lt | Comparison::Gte => (order, ComparedValue::From(range)),
            Comparison::Lte => (BtreeStrategy::Less, ComparedValue::Until(range)),
            Comparison::Gt => (BtreeStrategy::GreaterEqual, ComparedValue::Until(range)),
        },
        scalar => (order, ComparedValue::Scalar(scalar)),
    }
}

fn comparison(field: &FieldTest, order: BtreeStrategy, operand: &ComparedValue<'_>) -> Option<PropertyComparison> {
    let (natural, operand) = match operand {
        ComparedValue::Scalar(Value::String(text)) => (ScalarType::String, text.clone()),
        // A longer number, or one with an exponent, may not fit into numeric.
        ComparedValue::Scalar(Value::Number(number)) => {
            (ScalarType::Number, Some(number.to_string()).filter(|text| text.len() < 1000 && !text.contains('e'))?)
        }
        ComparedValue::Scalar(Value::Bool(value)) => (ScalarType::Boolean, value.to_string()),
        ComparedValue::Scalar(_) => return None,
        ComparedValue::Day(day) => (ScalarType::Date, day.to_string()),
        ComparedValue::From(range) => (ScalarType::Timestamp, range.from().to_string()),
        ComparedValue::Until(range) => (ScalarType::Timestamp, range.until().to_string()),
    };
    let is_its = field.read_as.is_none_or(|read_as| match read_as {
        PropertyType::Scalar(scalar) => scalar.indexed_as() == natural,
        PropertyType::Array(_) | PropertyType::Json => false,
    });
    let property = Path::from_keys(field.path.keys().to_vec()).text().to_owned();
    is_its.then_some(PropertyComparison { read_as: natural, property, strategy: order, operand })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::{DocumentOnly, check};
    use crate::expr::{Atom, Expr};
    use crate::parse::parse;

    /// The comparisons as text, those of alternatives parted by `or`.
    fn shown(test: &str) -> Option<String> {
        let checked = check(&parse(&format!(r#"{{"a": {{{test}}}}}"#)).unwrap(), &DocumentOnly).unwrap();
        let Expr::Test(Atom::Field(field)) = checked else { panic!("{test} is one test") };
        let one = |comparison: &PropertyComparison| {
            format!("{} {:?} {}", comparison.read_as, comparison.strategy, comparison.operand)
        };
        let all = |comparisons: &Vec<PropertyComparison>| comparisons.iter().map(one).collect::<Vec<_>>().join(", ");
        comparisons(&field).map(|alternatives| alternatives.iter().map(all).collect::<Vec<_>>().join(" or "))
    }

    #[test]
    fn dates_are_compared_with_what_the_function_of_their_type_returns() {
        for (test, expected) in [
            (r#""$as": "timestamp", "$gte": "2024-01-01""#, Some("timestamp GreaterEqual 2024-01-01T00:00:00Z")),
            (r#""$as": "date", "$eq": "2024-01-01""#, Some("date Equal 2024-01-01")),
            (
                r#""$as": "timestamp(seconds)", "$gt": "2024-01-01""#,
                Some("number GreaterEqual 1704153600, number Less 253402300800"),
            ),
            (
                r#""$as": "date(seconds)", "$in": ["1970-01-01", "2024-01-01"]"#,
                Some(
                    "number GreaterEqual 0, number Less 86400 or number GreaterEqual 1704067200, number Less 1704153600",
                ),
            ),
            (r#""$as": "date(seconds)", "$gt": "9999-12-31""#, Some("")),
            (r#""$as": "timestamp(seconds)", "$exists": true"#, None),
        ] {
            assert_eq!(shown(test).as_deref(), expected, "{test}");
        }
    }
}
