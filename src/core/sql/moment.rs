//! Compiles tests on columns of dates and timestamps.
//!
//! Values outside the years 1 to 9999, also infinity, count as the first or the last moment of these years, as
//! [`Moment`](crate::date::Moment) reads them. So nothing is after 9999-12-31, in any zone.

use super::table::ColumnKind;
use super::tree::{Equal, SqlExpr, Symbol};
use super::writer::Writer;
use crate::ast::Comparison;
use crate::date::{DateRange, Day, Instant};

/// Equality on a timestamp column: within the days, or exactly at the instant.
pub(super) fn equal(writer: Writer<'_>, kind: &ColumnKind, term: &str, range: &DateRange) -> Equal {
    let at = |symbol, instant| bound(writer, kind, term, symbol, instant);
    if !range.is_days() {
        return match range.from() {
            Instant::MIN => Equal::When(at(Symbol::Lte, Instant::MIN)),
            Instant::MAX => Equal::When(at(Symbol::Gte, Instant::MAX)),
            instant => Equal::To(text(kind, instant)),
        };
    }
    if range.from() == range.until() {
        return Equal::Never;
    }
    Equal::When(SqlExpr::and([at(Symbol::Gte, range.from()), at(Symbol::Lt, range.until())]))
}

/// An ordered comparison on a timestamp column, with the start or the end of the range.
pub(super) fn ordered(
    writer: Writer<'_>,
    kind: &ColumnKind,
    term: &str,
    comparison: Comparison,
    range: &DateRange,
) -> SqlExpr {
    let (symbol, instant) = match comparison {
        comparison if !range.is_days() => (comparison.into(), range.from()),
        Comparison::Gt => (Symbol::Gte, range.until()),
        Comparison::Gte => (Symbol::Gte, range.from()),
        Comparison::Lt => (Symbol::Lt, range.from()),
        Comparison::Lte => (Symbol::Lt, range.until()),
    };
    bound(writer, kind, term, symbol, instant)
}

/// Equality on a date column: with one of the days.
pub(super) fn equal_day(writer: Writer<'_>, kind: &ColumnKind, term: &str, range: &DateRange) -> Equal {
    let day = range.first_day();
    if day != range.last_day() {
        let bounds = [Comparison::Gte, Comparison::Lte];
        return Equal::When(SqlExpr::and(bounds.map(|bound| ordered_day(writer, kind, term, bound, range))));
    }
    let infix = |symbol| SqlExpr::infix(term, symbol, writer.literal(kind, &day.to_string()));
    match day {
        Day::MIN => Equal::When(infix(Symbol::Lte)),
        Day::MAX => Equal::When(infix(Symbol::Gte)),
        day => Equal::To(day.to_string()),
    }
}

/// An ordered comparison on a date column.
pub(super) fn ordered_day(
    writer: Writer<'_>,
    kind: &ColumnKind,
    term: &str,
    comparison: Comparison,
    range: &DateRange,
) -> SqlExpr {
    match (comparison, comparison.day_of(range)) {
        (Comparison::Gte, Day::MIN) | (Comparison::Lte, Day::MAX) => SqlExpr::Const(true),
        (Comparison::Lt, Day::MIN) | (Comparison::Gt, Day::MAX) => SqlExpr::Const(false),
        (_, day) => SqlExpr::infix(term, Symbol::from(comparison), writer.literal(kind, &day.to_string())),
    }
}

fn bound(writer: Writer<'_>, kind: &ColumnKind, term: &str, symbol: Symbol, instant: Instant) -> SqlExpr {
    match (symbol, instant) {
        (Symbol::Gte, Instant::MIN) | (Symbol::Lte, Instant::MAX) => SqlExpr::Const(true),
        (Symbol::Lt, Instant::MIN) | (Symbol::Gt, Instant::MAX) => SqlExpr::Const(false),
        (Symbol::Gte | Symbol::Lt, instant) if instant > Instant::MAX => SqlExpr::Const(symbol == Symbol::Lt),
        _ => SqlExpr::infix(term, symbol, literal(writer, kind, instant)),
    }
}

pub(super) fn literal(writer: Writer<'_>, kind: &ColumnKind, instant: Instant) -> String {
    writer.literal(kind, &text(kind, instant))
}

/// Text that does not depend on the session's `TimeZone` and `DateStyle`: ISO 8601, with the offset if the type takes
/// one.
pub(super) fn text(kind: &ColumnKind, instant: Instant) -> String {
    let text = instant.to_string();
    match kind {
        ColumnKind::Timestamp => text.trim_end_matches('Z').to_owned(),
        _ => text,
    }
}
