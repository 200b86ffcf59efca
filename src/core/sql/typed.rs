//! Compiles tests on custom properties to conditions that expression indexes serve.
//!
//! A test under a scalar `$as` is exactly a comparison of what the `property_*` function returns, so that the index
//! condition replaces the test. Days and points in time are an exception: a function returns either days or points in
//! time for both, so that the index condition may let too many contacts through. Then the test stays beside it.

use super::moment;
use super::native::Scalar;
use super::table::{ColumnKind, ContactTable, TypedIndex};
use super::tree::{SqlExpr, Symbol};
use super::writer::Writer;
use crate::ast::Comparison;
use crate::date::{DateRange, Day, Instant, Utc};
use crate::decimal::Decimal;
use crate::expr::{FieldTest, ValueTest};
use crate::path::Path;
use crate::pattern::TextTest;
use crate::seconds::{self, SecondsSpan};
use crate::types::{PropertyType, ScalarType};
use crate::value::Value;

/// A test as an index condition.
pub(super) struct Indexed {
    pub sql: SqlExpr,
    /// Whether it is equivalent to the test
    pub is_exact: bool,
}

/// The test as a condition on an index of the table; `None` if no index can serve it.
pub(super) fn test(writer: Writer<'_>, table: &ContactTable, field: &FieldTest) -> Option<Indexed> {
    let properties = table.properties.as_ref()?;
    let Some(PropertyType::Scalar(read_as)) = field.read_as else { return None };
    let is_of_field = |name: &str| name == field.path.text() || Path::parse(name).keys() == field.path.keys();
    let is_indexed = |index: &&TypedIndex| index.read_as == read_as.indexed_as() && is_of_field(&index.property);
    // The name must be written exactly as in the index.
    let name = &table.typed_indexes.iter().find(is_indexed)?.property;
    let constants = match &field.test {
        ValueTest::Eq(constant) | ValueTest::Compare(_, constant) => std::slice::from_ref(constant),
        ValueTest::In(constants) => constants,
        ValueTest::Text(TextTest::StartsWith, _) => &[],
        _ => return None,
    };
    // The index does not have contacts without the property.
    if constants.contains(&Value::Null) {
        return None;
    }
    let function = writer.own(TypedIndex::function(read_as));
    let term = format!("{function}({}, {})", writer.column(&properties.name), writer.text(name));
    let kind = match read_as {
        // The index has the C collation, so that equality must have it, too.
        ScalarType::String => ColumnKind::Text { deterministic: false },
        ScalarType::Number => ColumnKind::Numeric,
        ScalarType::Boolean => ColumnKind::Boolean,
        ScalarType::Date => ColumnKind::Date,
        ScalarType::Timestamp => ColumnKind::TimestampTz,
        ScalarType::DateSeconds | ScalarType::TimestampSeconds => {
            let spans = seconds::spans(field)?.into_iter().map(|span| within(writer, &term, &span));
            return Some(Indexed { sql: SqlExpr::or(spans), is_exact: true });
        }
    };
    let ranges = constants.iter().filter_map(|constant| match constant {
        Value::Literal(range) => Some(range),
        _ => None,
    });
    let bounds = match &field.test {
        ValueTest::Compare(comparison, _) => std::slice::from_ref(comparison),
        _ => &[Comparison::Gte, Comparison::Lte],
    };
    if !ranges.clone().all(|range| bounds.iter().all(|bound| is_exact(&kind, *bound, range))) {
        let laxer = |range| SqlExpr::and(bounds.iter().map(|bound| laxer(writer, &kind, &term, *bound, range)));
        return Some(Indexed { sql: SqlExpr::or(ranges.map(laxer)), is_exact: false });
    }
    let sql = match (Scalar { writer, kind: &kind, term: &term, may_be_nan: false }).test(&field.test)? {
        // Every value of the type satisfies the test, but there must be a value.
        SqlExpr::Const(true) => SqlExpr::IsNotNull(term),
        sql => sql,
    };
    Some(Indexed { sql, is_exact: true })
}

/// A number is in the span.
fn within(writer: Writer<'_>, term: &str, SecondsSpan { from, until }: &SecondsSpan) -> SqlExpr {
    let bound = |symbol, number: &Decimal| {
        SqlExpr::infix(term, symbol, writer.literal(&ColumnKind::Numeric, &number.to_string()))
    };
    SqlExpr::and([bound(Symbol::Gte, from), bound(Symbol::Lt, until)])
}

/// Whether a bound on the function's result is equivalent to the comparison with the stored value.
///
/// A stored day is compared with the operand's day, and a stored instant with its instants. The function returns the
/// day of the instant in UTC, or the start of the day in UTC. Both must be on the same side of the bound.
fn is_exact(kind: &ColumnKind, comparison: Comparison, range: &DateRange) -> bool {
    let utc = DateRange::of_day(comparison.day_of(range), &Utc);
    let is_from = matches!(comparison, Comparison::Gte | Comparison::Lt);
    match kind {
        ColumnKind::Date if is_from => range.from() == utc.from(),
        ColumnKind::Date => range.until() == utc.until(),
        ColumnKind::TimestampTz if is_from => {
            let day_before = range.first_day().checked_add_days(-1).map(Day::start_utc);
            day_before.is_none_or(|start| start < range.from()) && range.from() <= utc.from()
        }
        ColumnKind::TimestampTz => utc.from() < range.until() && range.until() <= utc.until(),
        _ => true,
    }
}

/// A bound on the function's result that every value has which satisfies the comparison.
fn laxer(writer: Writer<'_>, kind: &ColumnKind, term: &str, comparison: Comparison, range: &DateRange) -> SqlExpr {
    let utc = DateRange::of_day(comparison.day_of(range), &Utc);
    if *kind == ColumnKind::Date {
        let day = comparison.day_of(range);
        let neighbour = |days| day.checked_add_days(days).unwrap_or(day);
        let last_before = |instant: Instant| Instant::from_micros_saturating(instant.micros() - 1).utc_day();
        let (symbol, bound) = match comparison {
            Comparison::Gte => (Symbol::Gte, day.min(range.from().utc_day())),
            Comparison::Lt => (Symbol::Lte, neighbour(-1).max(last_before(range.from()))),
            Comparison::Gt => (Symbol::Gte, neighbour(1).min(range.until().utc_day())),
            Comparison::Lte => (Symbol::Lte, day.max(last_before(range.until()))),
        };
        return SqlExpr::infix(term, symbol, writer.literal(kind, &bound.to_string()));
    }
    let (symbol, bound) = match comparison {
        Comparison::Gte => (Symbol::Gte, range.from().min(utc.from())),
        Comparison::Lt => (Symbol::Lt, range.from().max(utc.from())),
        Comparison::Gt => (Symbol::Gte, range.until().min(utc.until())),
        Comparison::Lte => (Symbol::Lt, range.until().max(utc.until())),
    };
    SqlExpr::infix(term, symbol, moment::literal(writer, kind, bound))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::date::{Local, Moment, Zone};
    use crate::sql::{Names, PropertiesColumn, Style};
    use Comparison::{Gt, Gte, Lt, Lte};
    use proptest::prelude::*;

    /// A zone this many hours east of UTC.
    struct East(i64);

    impl Zone for East {
        fn instant_of(&self, local: Local) -> Instant {
            Instant::from_micros_saturating(local.wall_micros() - self.0 * 3_600_000_000)
        }

        fn local_of(&self, instant: Instant) -> Local {
            Local::from_wall_micros_saturating(instant.micros() + self.0 * 3_600_000_000)
        }
    }

    /// Whether a stored value satisfies the index condition.
    fn lets(sql: &SqlExpr, read_as: ScalarType, stored: Moment) -> bool {
        let (operator, right) = match sql {
            SqlExpr::Infix { operator, right, .. } => (operator, right),
            SqlExpr::IsNotNull(_) => return true,
            SqlExpr::Const(holds) => return *holds,
            sql => panic!("{sql:?}"),
        };
        let text = right.trim_matches('\'');
        // 10000-01-01T00:00:00Z is after every instant.
        let ordering = match (read_as, Moment::parse(text.as_bytes())) {
            (ScalarType::Date, Some(bound)) => stored.day().cmp(&bound.day()),
            (_, Some(bound)) => stored.instant().cmp(&bound.instant()),
            (_, None) => std::cmp::Ordering::Less,
        };
        match operator.symbol {
            Symbol::Gt => ordering.is_gt(),
            Symbol::Gte => ordering.is_ge(),
            Symbol::Lt => ordering.is_lt(),
            Symbol::Lte => ordering.is_le(),
            symbol => panic!("{symbol:?}"),
        }
    }

    /// Instants around midnight of the first, the last and an ordinary day.
    fn instant() -> impl Strategy<Value = Instant> {
        const HOUR: i64 = 3_600_000_000;
        let day =
            prop::sample::select(vec![Day::MIN.start_utc(), Day::MAX.start_utc(), Instant::from_micros_saturating(0)]);
        let offset = prop_oneof![Just(0), Just(-1), Just(1), (-50..50i64).prop_map(|hours| hours * HOUR)];
        (day, offset).prop_map(|(day, offset)| Instant::from_micros_saturating(day.micros() + offset))
    }

    fn moment() -> impl Strategy<Value = Moment> {
        (instant(), any::<bool>()).prop_map(|(instant, is_day)| {
            if is_day { Moment::Day(instant.utc_day()) } else { Moment::Instant(instant) }
        })
    }

    fn range() -> impl Strategy<Value = DateRange> {
        (instant(), 0..4i64, -12..=14i64).prop_map(|(instant, days, offset)| {
            let zone: &dyn Zone = if offset == 0 { &Utc } else { &East(offset) };
            let first = instant.utc_day();
            match days {
                0 => DateRange::of_instant(instant, zone),
                days => DateRange::of_days(first, first.checked_add_days(days - 1).unwrap_or(Day::MAX), zone),
            }
        })
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(2000))]
        #[test]
        fn an_index_condition_loses_nobody_and_an_exact_one_adds_nobody(range in range(), stored in moment()) {
            let names = Names::Readable { search_path: vec![] };
            let style = Style { names, extension_schema: "public".into(), alias: None };
            let table = ContactTable {
                properties: Some(PropertiesColumn { name: "properties".into(), not_null: true }),
                typed_indexes: [ScalarType::Date, ScalarType::Timestamp]
                    .map(|read_as| TypedIndex { property: "p".into(), read_as })
                    .into(),
                ..ContactTable::default()
            };
            for read_as in [ScalarType::Date, ScalarType::Timestamp] {
                for comparison in [Gt, Gte, Lt, Lte] {
                    let field = FieldTest {
                        path: Path::parse("p"),
                        read_as: Some(PropertyType::Scalar(read_as)),
                        test: ValueTest::Compare(comparison, Value::Literal(range)),
                    };
                    let Indexed { sql, is_exact } = test(Writer(&style), &table, &field).unwrap();
                    let (holds, is_let) = (comparison.accepts(range.compare(stored)), lets(&sql, read_as, stored));
                    prop_assert!(is_let || !holds, "{:?} {:?} loses {:?}: {:?}", comparison, range, stored, sql);
                    prop_assert!(!is_exact || is_let == holds, "{:?} {:?} adds {:?}: {:?}", comparison, range, stored, sql);
                }
            }
        }
    }
}
