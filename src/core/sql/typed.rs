//! Custom properties that have an expression index.
//!
//! A test under a scalar `$as` is exactly the comparison of what the `property_*` function returns, so the index
//! condition replaces it. Days and points in time are the exception: the function returns one of the two for both, so
//! that its comparison may let too much through; then the test stays beside it.

use super::moment;
use super::native::Scalar;
use super::table::{ColumnKind, PropertiesColumn, Table};
use super::tree::{Sql, Symbol};
use super::writer::Writer;
use crate::ast::{Comparison, TextTest};
use crate::date::{DateRange, Day, Instant};
use crate::expr::{Constant, FieldTest, ValueTest};
use crate::types::{PropertyType, ScalarType};
use crate::value::Value;

/// A test as an index condition.
pub(super) struct Indexed {
    pub sql: Sql,
    /// Whether it says all that the test says
    pub is_exact: bool,
}

/// The test as a condition on an index of the table's; `None` where no index can say it.
pub(super) fn test(writer: Writer<'_>, table: &Table, field: &FieldTest) -> Option<Indexed> {
    let properties = table.properties.as_ref()?;
    let Some(PropertyType::Scalar(read_as)) = field.read_as else { return None };
    let name = field.path.first();
    let is_indexed = |index: &super::TypedIndex| index.read_as == read_as && index.property == name;
    if !field.path.rest().is_empty() || !table.typed_indexes.iter().any(is_indexed) {
        return None;
    }
    // Whatever a missing property satisfies is not in the index.
    let constants = match &field.test {
        ValueTest::Eq(constant) | ValueTest::Compare(_, constant) => std::slice::from_ref(constant),
        ValueTest::In(constants) => constants,
        ValueTest::Text(TextTest::StartsWith, needle) if needle.is_exact() => &[],
        _ => return None,
    };
    if constants.contains(&Value::Null) {
        return None;
    }
    let term = call(writer, properties, read_as, name);
    let scalar = |kind| Scalar { writer, kind, term: &term, may_be_nan: false }.test(&field.test);
    let kind = match read_as {
        // The index is in the C collation, so equality must be too.
        ScalarType::String => &ColumnKind::Text { deterministic: false },
        ScalarType::Number => &ColumnKind::Numeric,
        ScalarType::Boolean => &ColumnKind::Boolean,
        ScalarType::Date | ScalarType::Timestamp => {
            return temporal(&Temporal { writer, term: &term, read_as }, &field.test, constants);
        }
    };
    let sql = match scalar(kind)? {
        // Of every value of that type, but there must be one.
        Sql::Const(true) => Sql::IsNotNull(term),
        sql => sql,
    };
    Some(Indexed { sql, is_exact: true })
}

/// The indexed expression.
fn call(writer: Writer<'_>, properties: &PropertiesColumn, read_as: ScalarType, name: &str) -> String {
    let function = match read_as {
        ScalarType::String => "property_text",
        ScalarType::Number => "property_number",
        ScalarType::Boolean => "property_boolean",
        ScalarType::Date => "property_date",
        ScalarType::Timestamp => "property_timestamp",
    };
    format!("{}({}, {})", writer.own(function), writer.column(&properties.name), writer.text(name))
}

fn temporal(temporal: &Temporal<'_>, test: &ValueTest, constants: &[Constant]) -> Option<Indexed> {
    let mut any = Vec::new();
    let mut is_exact = true;
    for constant in constants {
        let Value::Date(range) = constant else { return None };
        let parts = match test {
            ValueTest::Compare(comparison, _) => vec![temporal.ordered(*comparison, range)],
            _ => vec![temporal.ordered(Comparison::Gte, range), temporal.ordered(Comparison::Lte, range)],
        };
        is_exact &= parts.iter().all(|part| part.is_exact);
        any.push(temporal.merge(range, parts, matches!(test, ValueTest::Compare(..))));
    }
    Some(Indexed { sql: Sql::or(any), is_exact })
}

/// What `property_date` or `property_timestamp` returns of a stored value.
struct Temporal<'a> {
    writer: Writer<'a>,
    term: &'a str,
    read_as: ScalarType,
}

impl Temporal<'_> {
    /// A stored day is put to the operand's day, and a stored instant to its instants. The function makes one of
    /// both, so that its bound is exact where the operand's day and instants agree on it, and otherwise the laxer.
    fn ordered(&self, comparison: Comparison, range: &DateRange) -> Indexed {
        if self.read_as == ScalarType::Date { self.day(comparison, range) } else { self.instant(comparison, range) }
    }

    fn day(&self, comparison: Comparison, range: &DateRange) -> Indexed {
        let day = range.day();
        let next = day.checked_add_days(1).unwrap_or(day);
        let previous = day.checked_add_days(-1).unwrap_or(day);
        // The last instant of the range, and the one before it. Neither is needed outside of all days.
        let until = Instant::from_micros_saturating(range.until().micros());
        let last = Instant::from_micros_saturating(range.until().micros() - 1);
        let before = Instant::from_micros_saturating(range.from().micros() - 1);
        let from_is_exact = range.from() == day.start_utc();
        let until_is_exact = match day.checked_add_days(1) {
            Some(next) => range.until() == next.start_utc(),
            None => range.until() > Instant::MAX,
        };
        let (symbol, bound, is_exact) = match comparison {
            Comparison::Gte if from_is_exact => (Symbol::Gte, day, true),
            Comparison::Lt if from_is_exact => (Symbol::Lt, day, true),
            Comparison::Gt if until_is_exact => (Symbol::Gt, day, true),
            Comparison::Lte if until_is_exact => (Symbol::Lte, day, true),
            Comparison::Gte => (Symbol::Gte, day.min(range.from().utc_day()), false),
            Comparison::Lt => (Symbol::Lte, previous.max(before.utc_day()), false),
            Comparison::Gt => (Symbol::Gte, next.min(until.utc_day()), false),
            Comparison::Lte => (Symbol::Lte, day.max(last.utc_day()), false),
        };
        let literal = self.writer.literal(&ColumnKind::Date, &bound.to_string());
        Indexed { sql: Sql::infix(self.term, symbol, literal), is_exact }
    }

    fn instant(&self, comparison: Comparison, range: &DateRange) -> Indexed {
        let day = range.day();
        let start = day.start_utc();
        let next = day.checked_add_days(1).map(Day::start_utc);
        let previous = day.checked_add_days(-1).map(Day::start_utc);
        // The stored days that a bound parts are parted by the instants at which they start.
        let from_is_exact = previous.is_none_or(|previous| previous < range.from()) && range.from() <= start;
        let until_is_exact = start < range.until() && next.is_none_or(|next| range.until() <= next);
        let (symbol, bound, is_exact) = match comparison {
            Comparison::Gte if from_is_exact => (Symbol::Gte, range.from(), true),
            Comparison::Lt if from_is_exact => (Symbol::Lt, range.from(), true),
            Comparison::Gt if until_is_exact => (Symbol::Gte, range.until(), true),
            Comparison::Lte if until_is_exact => (Symbol::Lt, range.until(), true),
            Comparison::Gte => (Symbol::Gte, range.from().min(start), false),
            Comparison::Lt => (Symbol::Lt, range.from().max(start), false),
            Comparison::Gt => (Symbol::Gte, next.map_or(range.until(), |next| next.min(range.until())), false),
            Comparison::Lte => (Symbol::Lt, next.map_or(range.until(), |next| next.max(range.until())), false),
        };
        let (symbol, bound) = self.on_the_instant(range, symbol, bound);
        let literal = moment::literal(self.writer, &ColumnKind::TimestampTz, bound);
        Indexed { sql: Sql::infix(self.term, symbol, literal), is_exact }
    }

    /// Past a point in time is from a microsecond later on, which reads worse.
    fn on_the_instant(&self, range: &DateRange, symbol: Symbol, bound: Instant) -> (Symbol, Instant) {
        match symbol {
            Symbol::Gte if !range.is_day() && bound == range.until() => (Symbol::Gt, range.from()),
            Symbol::Lt if !range.is_day() && bound == range.until() => (Symbol::Lte, range.from()),
            symbol => (symbol, bound),
        }
    }

    /// Both bounds of an equality as one comparison where they meet.
    fn merge(&self, range: &DateRange, parts: Vec<Indexed>, is_ordered: bool) -> Sql {
        let is_exact = parts.iter().all(|part| part.is_exact);
        if !is_ordered && is_exact {
            if self.read_as == ScalarType::Date {
                let literal = self.writer.literal(&ColumnKind::Date, &range.day().to_string());
                return Sql::infix(self.term, Symbol::Eq, literal);
            }
            if !range.is_day() {
                let literal = moment::literal(self.writer, &ColumnKind::TimestampTz, range.from());
                return Sql::infix(self.term, Symbol::Eq, literal);
            }
        }
        Sql::and(parts.into_iter().map(|part| part.sql))
    }
}
