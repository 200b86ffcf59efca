//! Tests on dates that are stored as numbers of seconds, as spans of numbers, which `property_number` returns.

use crate::ast::Comparison;
use crate::date::{DateRange, DateReading, Day, Instant};
use crate::decimal::Decimal;
use crate::expr::{Constant, FieldTest, ValueTest};
use crate::types::PropertyType;
use crate::value::Value;

/// The numbers from the first one up to and without the second one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct SecondsSpan {
    pub(crate) from: Decimal,
    pub(crate) until: Decimal,
}

/// The spans of which the stored number must be in one, if and only if it satisfies the test. `None` if the field is
/// not read as a number of seconds, or the test is none that spans can express.
pub(crate) fn spans(field: &FieldTest) -> Option<Vec<SecondsSpan>> {
    let Some(PropertyType::Scalar(_)) = field.read_as else { return None };
    let is_day = match field.reading() {
        DateReading::TimestampSeconds => false,
        DateReading::DateSeconds => true,
        DateReading::Strings | DateReading::Timestamp | DateReading::Date => return None,
    };
    let instants = |constant: &Constant| match constant {
        Value::Literal(range) => Some(instants(range, is_day)),
        _ => None,
    };
    let found: Vec<(Instant, Instant)> = match &field.test {
        ValueTest::Eq(constant) => vec![instants(constant)?],
        ValueTest::In(constants) => constants.iter().map(instants).collect::<Option<_>>()?,
        ValueTest::Compare(comparison, constant) => {
            let (from, until) = instants(constant)?;
            vec![match comparison {
                Comparison::Gt => (until, Instant::END),
                Comparison::Gte => (from, Instant::END),
                Comparison::Lt => (Instant::MIN, from),
                Comparison::Lte => (Instant::MIN, until),
            }]
        }
        _ => return None,
    };
    let found = found.into_iter().filter(|(from, until)| from < until);
    Some(found.map(|(from, until)| SecondsSpan { from: seconds(from), until: seconds(until) }).collect())
}

/// The instants of the numbers that are equal to the date. A stored day is the day that the number falls in in UTC.
fn instants(range: &DateRange, is_day: bool) -> (Instant, Instant) {
    if is_day {
        (Day::start_utc(range.first_day()), Day::end_utc(range.last_day()))
    } else {
        (range.from(), range.until())
    }
}

fn seconds(instant: Instant) -> Decimal {
    Decimal::parse(&format!("{}e-6", instant.micros())).unwrap_or_else(|| Decimal::from(0))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::{DocumentOnly, check};
    use crate::expr::{Atom, Expr};
    use crate::parse::parse;
    use crate::program::{Program, Surroundings};
    use crate::value::Json;
    use proptest::prelude::*;

    fn shown(condition: &str) -> Option<Vec<String>> {
        let checked = check(&parse(condition).unwrap(), &DocumentOnly).unwrap();
        let Expr::Test(Atom::Field(field)) = checked else { panic!("{condition} is one test") };
        let spans = spans(&field)?;
        Some(spans.iter().map(|SecondsSpan { from, until }| format!("{from} {until}")).collect())
    }

    #[test]
    fn tests_on_seconds_are_spans_of_numbers() {
        const LEAST: &str = "-62135596800";
        const END: &str = "253402300800";
        for (test, expected) in [
            (r#""$as": "timestamp(seconds)", "$gte": "2024-01-01""#, format!("1704067200 {END}")),
            (r#""$as": "timestamp(seconds)", "$gt": "2024-01-01""#, format!("1704153600 {END}")),
            (r#""$as": "timestamp(seconds)", "$lt": "2024-01-01""#, format!("{LEAST} 1704067200")),
            (r#""$as": "timestamp(seconds)", "$lte": "2024-01-01T00:00:00.5Z""#, format!("{LEAST} 1704067200.500001")),
            (r#""$as": "timestamp(seconds)", "$eq": "1969-12-31T23:59:59.999999Z""#, "-0.000001 0".to_owned()),
            (r#""$as": "date(seconds)", "$eq": "2024-01-01T10:00:00Z""#, "1704067200 1704153600".to_owned()),
            (r#""$as": "date(seconds)", "$lte": "9999-12-31""#, format!("{LEAST} {END}")),
        ] {
            assert_eq!(shown(&format!(r#"{{"a": {{{test}}}}}"#)), Some(vec![expected]), "{test}");
        }
        assert_eq!(shown(r#"{"a": {"$as": "date(seconds)", "$gt": "9999-12-31"}}"#), Some(vec![]));
        assert_eq!(shown(r#"{"a": {"$as": "date(seconds)", "$in": ["2024-01-01", "2024-01-03"]}}"#).unwrap().len(), 2);
        for other in [
            r#""$as": "timestamp", "$gte": "2024-01-01""#,
            r#""$as": "timestamp(seconds)[]", "$gte": "2024-01-01""#,
            r#""$as": "timestamp(seconds)", "$in": ["2024-01-01", null]"#,
            r#""$as": "timestamp(seconds)", "$exists": true"#,
        ] {
            assert_eq!(shown(&format!(r#"{{"a": {{{other}}}}}"#)), None, "{other}");
        }
    }

    /// A number near to an end of the years 1 to 9999, to 1970 or to 2024-01-01, with any fraction.
    fn number() -> impl Strategy<Value = Decimal> {
        let near = prop::sample::select(vec![-62_135_596_800i64, 253_402_300_800, 0, 1_704_067_200]);
        let offset = prop_oneof![Just(0), Just(-1), -200_000..200_000i64];
        (near, offset, "[0-9]{0,9}").prop_map(|(near, offset, fraction)| {
            Decimal::parse(&format!("{}.0{fraction}", near + offset)).expect("a number")
        })
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(2000))]
        #[test]
        fn a_number_is_in_a_span_if_the_program_says_so(
            number in number(),
            read_as in prop::sample::select(vec!["timestamp(seconds)", "date(seconds)"]),
            test in prop::sample::select(vec!["$eq", "$gt", "$gte", "$lt", "$lte"]),
            operand in prop::sample::select(vec![
                "0001-01-01", "9999-12-31", "1970-01-01", "2024-01-01", "1969-12-31T23:59:59.999999Z", "2024-01-01T00:00:00.00005Z",
            ]),
        ) {
            let condition = format!(r#"{{"a": {{"$as": "{read_as}", "{test}": "{operand}"}}}}"#);
            let checked = check(&parse(&condition).unwrap(), &DocumentOnly).unwrap();
            let document: Json = Value::Object(vec![("a".to_owned(), Value::Number(number.clone()))]);
            let holds = Program::compile(&checked).matches(&document, Surroundings::NONE);
            let Expr::Test(Atom::Field(field)) = checked else { panic!("{condition} is one test") };
            let is_in = spans(&field).unwrap().iter().any(|span| span.from <= number && number < span.until);
            prop_assert_eq!(holds, is_in, "{} {}", condition, number);
        }
    }
}
