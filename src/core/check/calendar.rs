//! Checks tests on the calendar: parts of dates, and anniversaries.

use super::Checker;
use crate::ast::{Comparison, FieldPredicate, Literal, Operand, Test};
use crate::date::{DatePart, DateRange, DateReading, Day, NamedZone, Spans, Written, meant};
use crate::error::ErrorKind;
use crate::expr::{Constant, Expr, StoredDates, ValueTest};
use crate::operator::Operator;
use crate::print::excerpt;
use crate::types::{PropertyType, ScalarType};
use crate::value::Value;

impl Checker<'_> {
    /// How the days and parts of stored dates are read. If no type is declared, it is in UTC.
    pub(super) fn stored_dates(&self, read_as: Option<PropertyType>) -> StoredDates {
        let is_temporal = read_as.and_then(PropertyType::element).is_some_and(ScalarType::is_temporal);
        let zone = if is_temporal { self.zone.clone() } else { NamedZone::utc() };
        StoredDates { reading: DateReading::of(read_as), zone }
    }

    /// A test on a part of a date. One date must satisfy the whole predicate, except `$ne` and `$nin`, which are
    /// complements.
    pub(super) fn part(
        &mut self,
        part: DatePart,
        asked: &FieldPredicate,
        read_as: Option<PropertyType>,
    ) -> Expr<ValueTest> {
        let dates = self.stored_dates(read_as);
        let holds = |spans: &Spans| part_test(part, &dates, &spans.intersect(&Spans::of([part.bounds()])));
        let tests = match asked {
            FieldPredicate::Literal(operand) => {
                return holds(&Spans::of(number(operand).map(|number| (number, number))));
            }
            FieldPredicate::Tests(predicate) => &predicate.tests,
        };
        let mut inside: Option<Spans> = None;
        let mut outside = Vec::new();
        for test in tests {
            let spans = match test {
                Test::Eq(operand) | Test::Ne(operand) => Spans::of(number(operand).map(|number| (number, number))),
                Test::In(operands) | Test::Nin(operands) => {
                    Spans::of(operands.iter().filter_map(number).map(|number| (number, number)))
                }
                Test::Compare(comparison, operand) => {
                    Spans::of(number(operand).map(|number| span(*comparison, (number, number), (i32::MIN, i32::MAX))))
                }
                _ => continue,
            };
            if matches!(test, Test::Ne(_) | Test::Nin(_)) {
                outside.extend(spans.iter());
            } else {
                inside = Some(inside.map_or(spans.clone(), |inside| inside.intersect(&spans)));
            }
        }
        Expr::and(inside.map(|inside| holds(&inside)).into_iter().chain([holds(&Spans::of(outside)).not()]))
    }

    /// A test on anniversaries, which are days. One anniversary must satisfy the whole predicate.
    pub(super) fn anniversary(&mut self, asked: &FieldPredicate, read_as: Option<PropertyType>) -> Expr<ValueTest> {
        const ALL: (i32, i32) = (Day::MIN.epoch_days(), Day::MAX.epoch_days());
        let dates = self.stored_dates(read_as);
        let zone = &dates.zone;
        let tests = match asked {
            FieldPredicate::Literal(operand) => {
                let days = self.days(operand, zone);
                return days.map_or(Expr::Const(false), |days| anniversary_test(dates, Spans::of([days])));
            }
            FieldPredicate::Tests(predicate) => &predicate.tests,
        };
        let mut inside = Spans::of([ALL]);
        for test in tests {
            let spans = self.at(test.operator().name(), |checker| match test {
                Test::Eq(operand) => Some(Spans::of([checker.days(operand, zone)?])),
                Test::Compare(comparison, operand) => {
                    Some(Spans::of([span(*comparison, checker.days(operand, zone)?, ALL)]))
                }
                Test::In(operands) => {
                    let days = checker.each(operands, |checker, operand| checker.days(operand, zone));
                    Some(Spans::of(days.into_iter().flatten()))
                }
                _ => None,
            });
            if let Some(spans) = spans {
                inside = inside.intersect(&spans);
            }
        }
        anniversary_test(dates, inside)
    }

    /// The first and the last day of an operand, as numbers since 1970-01-01.
    fn days(&mut self, operand: &Operand, zone: &NamedZone) -> Option<(i32, i32)> {
        let range = match operand.plain() {
            Value::Literal(Literal::Date(literal)) => self.date(literal, zone, true)?,
            Value::String(text) if let Some(written) = Written::parse(text) => DateRange::resolve(written, zone),
            other => {
                let meant = match other {
                    Value::String(text) => meant(text),
                    _ => None,
                };
                let hint = match meant {
                    Some(operand) => format!("Write {operand}."),
                    None => "Write a day, as in {\"$anniversary\": {\"$today\": \"0 days\"}}, or bounds: {\"$anniversary\": {\"$gte\": {\"$today\": \"0 days\"}, \"$lte\": {\"$today\": \"7 days\"}}}.".to_owned(),
                };
                let name = Operator::Anniversary.name();
                let found = match other {
                    Value::Null => "null".to_owned(),
                    _ => format!("{} {}", other.describe(), excerpt(other)),
                };
                let message = format!("{name} compares with dates, not with {found}");
                self.fail(ErrorKind::TypeMismatch, message, hint);
                return None;
            }
        };
        Some((range.first_day().epoch_days(), range.last_day().epoch_days()))
    }
}

/// The numbers from `least` to `greatest` that compare in this way with the span from `first` to `last`.
fn span(comparison: Comparison, (first, last): (i32, i32), (least, greatest): (i32, i32)) -> (i32, i32) {
    match comparison {
        // No number is above the greatest: the span then ends before it begins, and counts as empty.
        Comparison::Gt if last >= greatest => (greatest, least),
        Comparison::Lt if first <= least => (greatest, least),
        Comparison::Gt => (last + 1, greatest),
        Comparison::Gte => (first, greatest),
        Comparison::Lt => (least, first - 1),
        Comparison::Lte => (least, last),
    }
}

/// A whole number, or the nearest one of 32 bits. No part of a date is near these limits.
fn number(operand: &Operand) -> Option<i32> {
    match operand.plain() {
        Value::Number(number) => {
            let number = number.to_i64()?;
            Some(number.clamp(i32::MIN.into(), i32::MAX.into()) as i32)
        }
        _ => None,
    }
}

fn part_test(part: DatePart, dates: &StoredDates, spans: &Spans) -> Expr<ValueTest> {
    if spans.is_empty() {
        return Expr::Const(false);
    }
    if part != DatePart::Year {
        return Expr::Test(ValueTest::Part(part, dates.clone(), spans.clone()));
    }
    // A year is a span of days, which an index can serve.
    let mut years: Vec<Constant> = spans
        .iter()
        .map(|years| {
            let (first, last) = DatePart::days_of_years(years);
            Value::Literal(DateRange::of_days(first, last, &dates.zone).with_reading(dates.reading))
        })
        .collect();
    Expr::Test(if years.len() == 1 { ValueTest::Eq(years.swap_remove(0)) } else { ValueTest::In(years) })
}

fn anniversary_test(dates: StoredDates, days: Spans) -> Expr<ValueTest> {
    if days.is_empty() { Expr::Const(false) } else { Expr::Test(ValueTest::Anniversary(dates, days)) }
}
