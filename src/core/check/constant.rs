//! Checks operands against the type of the property that they are compared with.

use super::Checker;
use crate::ast::{Literal, Operand};
use crate::date::{DateLiteral, DateRange, DateReading, Instant, Utc, Written, Zone, meant};
use crate::decimal::Decimal;
use crate::error::ErrorKind;
use crate::expr::Constant;
use crate::operator::{OPERATORS, OperatorRow};
use crate::pattern::LOST_PATTERN;
use crate::print::excerpt;
use crate::types::{PropertyType, ScalarType};
use crate::value::Value;

impl Checker<'_> {
    /// The constant of an operand; `None` after a mistake.
    pub(super) fn constant(&mut self, operand: &Operand, read_as: Option<PropertyType>) -> Option<Constant> {
        let zone = self.zone.clone();
        self.constant_in(operand, read_as, &zone)
    }

    /// The constant; the days of typed operands are read in the zone.
    pub(super) fn constant_in(
        &mut self,
        operand: &Operand,
        read_as: Option<PropertyType>,
        zone: &dyn Zone,
    ) -> Option<Constant> {
        match (read_as, operand.plain()) {
            (_, Value::Null) => Some(Value::Null),
            (None | Some(PropertyType::Json), operand) => self.untyped(operand),
            (Some(PropertyType::Array(element)), Value::Array(items)) => {
                let constants = self.each(items, |checker, item| match item {
                    Value::Null => Some(Value::Null),
                    item => checker.scalar(item, element, zone),
                });
                constants.into_iter().collect::<Option<_>>().map(Value::Array)
            }
            (Some(PropertyType::Array(scalar) | PropertyType::Scalar(scalar)), operand) => {
                self.scalar(operand, scalar, zone)
            }
        }
    }

    fn untyped(&mut self, operand: &Operand) -> Option<Constant> {
        Some(match operand.plain() {
            Value::Null => Value::Null,
            Value::Bool(value) => Value::Bool(*value),
            Value::Number(number) => Value::Number(number.clone()),
            Value::String(text) => Value::String(text.clone()),
            Value::Literal(Literal::Date(literal)) => Value::Literal(self.date(literal, &Utc, false)?),
            Value::Literal(_) => return self.no_pattern(),
            Value::Array(items) => {
                let constants = self.each(items, |checker, item| checker.untyped(item));
                Value::Array(constants.into_iter().collect::<Option<_>>()?)
            }
            Value::Object(members) => {
                let constants = members
                    .iter()
                    .map(|(key, value)| Some((key.clone(), self.at(key, |checker| checker.untyped(value))?)));
                Value::Object(constants.collect::<Option<_>>()?)
            }
        })
    }

    fn scalar(&mut self, operand: &Operand, scalar: ScalarType, zone: &dyn Zone) -> Option<Constant> {
        let operand = operand.plain();
        match (scalar, operand) {
            (_, Value::Literal(Literal::Pattern(_))) => self.no_pattern(),
            (ScalarType::String, Value::String(text)) => Some(Value::String(text.clone())),
            (ScalarType::Number, Value::Number(number)) => Some(Value::Number(number.clone())),
            (ScalarType::Boolean, Value::Bool(value)) => Some(Value::Bool(*value)),
            (scalar, Value::Literal(Literal::Date(literal))) if scalar.is_temporal() => {
                let range = self.date(literal, zone, scalar.is_day())?;
                Some(Value::Literal(fit_date(range, scalar, zone)))
            }
            (scalar, Value::String(text)) if scalar.is_temporal() => match Written::parse(text) {
                Some(written) => {
                    let range = DateRange::resolve(written, zone);
                    Some(Value::Literal(fit_date(range, scalar, zone)))
                }
                None => self.mismatch(operand, scalar),
            },
            _ => self.mismatch(operand, scalar),
        }
    }

    /// Refuses a pattern where a value is compared.
    fn no_pattern(&mut self) -> Option<Constant> {
        let hint = "A pattern stands under $regex, or among the entries of $in, $nin or $all.";
        self.fail(ErrorKind::Unsupported, "a pattern does not belong here", hint);
        None
    }

    /// `by_day`: only its day matters.
    pub(super) fn date(&mut self, literal: &DateLiteral, zone: &dyn Zone, by_day: bool) -> Option<DateRange> {
        let now = match literal {
            literal if literal.is_of_today() => Some(self.environment.today(zone)),
            DateLiteral::Now(offset, _) if by_day && offset.unit().is_calendar() => Some(self.environment.today(zone)),
            DateLiteral::Now(..) => Some(self.environment.now()),
            _ => None,
        };
        let now = match now {
            Some(None) => {
                self.fail(
                    ErrorKind::Unsupported,
                    format!("{} needs to know the time, which @~ does not", literal.operator()),
                    "Use it in a segment or in count_contacts(), or write the date itself as {\"$date\": …}.",
                );
                return None;
            }
            Some(Some(now)) => now,
            // A date that is not relative does not depend on the time.
            None => Instant::from_micros_saturating(0),
        };
        let range = literal.resolve(now, zone);
        if range.is_none() {
            self.fail(ErrorKind::Shape, "the date lies outside the years 1 to 9999", "Use a smaller offset.");
        }
        range
    }

    fn mismatch(&mut self, operand: &Operand, scalar: ScalarType) -> Option<Constant> {
        let name = scalar.name();
        let hint = match (scalar, operand) {
            (scalar, Value::String(text)) if scalar.is_temporal() => match meant(text) {
                Some(operand) => format!("Write {operand}."),
                None => "Write it as 2024-01-31 or 2024-01-31T10:00:00Z.".to_owned(),
            },
            (scalar, Value::Number(number)) if scalar.is_temporal() => epoch(number),
            (ScalarType::Number, Value::String(text)) if Decimal::parse(text).is_some() => {
                format!("Leave out the quotes: {text}.")
            }
            (ScalarType::String, Value::Number(number)) => format!("Put it in quotes: \"{number}\"."),
            (ScalarType::Boolean, _) => "Write true or false, without quotes.".to_owned(),
            (_, Value::Object(members)) if let Some(operator) = operator_meant(members, scalar) => {
                format!("Did you mean {operator}?")
            }
            (_, Value::Array(_)) => "For any of several values use $in.".to_owned(),
            (_, Value::Literal(_)) => {
                format!("Only date and timestamp properties compare with dates; this one is of type {name}.")
            }
            (ScalarType::String, Value::Object(members)) if members.is_empty() => LOST_PATTERN.to_owned(),
            _ => format!("Write a {name}."),
        };
        self.fail(
            ErrorKind::TypeMismatch,
            format!("{} {} does not fit a property of type {name}", operand.describe(), excerpt(operand)),
            hint,
        );
        None
    }
}

/// Compared with a `date` property, a point in time counts as its calendar day in the zone.
fn fit_date(range: DateRange, scalar: ScalarType, zone: &dyn Zone) -> DateRange {
    let range = if scalar.is_day() { range.to_whole_day(zone) } else { range };
    range.with_reading(DateReading::of(Some(PropertyType::Scalar(scalar))))
}

/// The hint for a number of seconds or milliseconds since 1970. Present times have ten digits in seconds, and thirteen
/// in milliseconds.
fn epoch(number: &Decimal) -> String {
    /// The year 5138 in seconds, and 1973 in milliseconds
    const BETWEEN: u64 = 100_000_000_000;
    let number = number.as_number();
    let is_of_seconds = number.floor_scaled(0).is_some_and(|seconds| seconds.unsigned_abs() < BETWEEN);
    let millis = number.floor_scaled(if is_of_seconds { 3 } else { 0 });
    match millis.filter(|millis| Written::from_millis(&Decimal::from(*millis)).is_some()) {
        Some(millis) if is_of_seconds => {
            format!(
                "For seconds since 1970 write {{\"$date\": {millis}}}, which counts milliseconds; otherwise write it as 2024-01-31."
            )
        }
        Some(millis) => {
            format!("For milliseconds since 1970 write {{\"$date\": {millis}}}; otherwise write it as 2024-01-31.")
        }
        None => "Write it as 2024-01-31 or 2024-01-31T10:00:00Z.".to_owned(),
    }
}

/// The operator of the type whose `$` is missing, so that it reads as the key of an object to compare with.
fn operator_meant<T>(members: &[(String, T)], scalar: ScalarType) -> Option<&'static str> {
    let (key, _) = members.first()?;
    let is_meant = |row: &&OperatorRow| {
        let is_its = row.position.in_predicate() && row.fits.allows(PropertyType::Scalar(scalar));
        is_its && row.name[1..].eq_ignore_ascii_case(key)
    };
    OPERATORS.iter().find(is_meant).map(|row| row.name)
}
