//! Days and points in time on timestamp columns, of which every value is a point in time.

use super::native::Equal;
use super::table::ColumnKind;
use super::tree::{Sql, Symbol};
use super::writer::Writer;
use crate::ast::Comparison;
use crate::date::{DateRange, Instant};

/// Equality: inside the day, or the very instant.
pub(super) fn equal(writer: Writer<'_>, kind: &ColumnKind, term: &str, range: &DateRange) -> Equal {
    if !range.is_day() {
        return Equal::To(text(kind, range.from()));
    }
    if range.from() == range.until() {
        return Equal::Never;
    }
    let bound = |symbol, instant| Sql::infix(term, symbol, literal(writer, kind, instant));
    Equal::When(Sql::and([bound(Symbol::Gte, range.from()), bound(Symbol::Lt, range.until())]))
}

/// Order: before the range starts, or from its end on.
pub(super) fn ordered(
    writer: Writer<'_>,
    kind: &ColumnKind,
    term: &str,
    comparison: Comparison,
    range: &DateRange,
) -> Sql {
    let (symbol, instant) = match comparison {
        comparison if !range.is_day() => (comparison.into(), range.from()),
        Comparison::Gt => (Symbol::Gte, range.until()),
        Comparison::Gte => (Symbol::Gte, range.from()),
        Comparison::Lt => (Symbol::Lt, range.from()),
        Comparison::Lte => (Symbol::Lt, range.until()),
    };
    Sql::infix(term, symbol, literal(writer, kind, instant))
}

pub(super) fn literal(writer: Writer<'_>, kind: &ColumnKind, instant: Instant) -> String {
    writer.literal(kind, &text(kind, instant))
}

/// What the session's `TimeZone` and `DateStyle` have no say in: ISO 8601, with the offset where the type takes one.
fn text(kind: &ColumnKind, instant: Instant) -> String {
    let text = instant.to_string();
    match kind {
        ColumnKind::Timestamp => text.trim_end_matches('Z').to_owned(),
        _ => text,
    }
}
