//! The first and the last rows, and sequences.
//!
//! Rows are sorted by contact and time once, whatever their number is. A join of pairs, or a look-up of the row that
//! follows, may be as fast where contacts have few rows, but takes the square of their number where they have many, and
//! Postgres cannot estimate it.

use super::aggregate::is_moment;
use super::related::Related;
use super::{SqlExpr, Symbol};
use crate::date::{NamedZone, Relative, Unit, Zone};
use crate::expr::{Asked, DocumentTest, ElementsTest, Expr, SequenceStep, TimeOf};
use crate::sql::moment;
use crate::sql::table::ColumnKind;

/// How the first and the last row of a contact are found.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(in crate::sql) enum Ends {
    /// All rows are sorted by contact and time
    Sorted,
    /// Rows that satisfy the condition are compared with those that do not
    Compared,
}

/// A test that the order of rows decides, where a column has their times.
pub(super) struct Ordered<'a> {
    filter: Option<&'a Expr<DocumentTest>>,
    asked: &'a Asked,
    by: &'a TimeOf,
    kind: &'a ColumnKind,
    ends: Ends,
}

impl<'a> Ordered<'a> {
    pub(super) fn of(related: &Related<'a>, elements: &'a ElementsTest, ends: Ends) -> Option<Self> {
        let by = elements.by().filter(|by| by.path.rest().is_empty())?;
        let kind = &related.relation.rows.column(by.path.first()).filter(|column| is_moment(&column.kind))?.kind;
        Some(Ordered { filter: elements.filter.as_ref(), asked: &elements.asked, by, kind, ends })
    }

    /// The query for the contacts that satisfy it, after `SELECT`. `contact` says whose rows are read.
    pub(super) fn query(&self, related: &Related<'_>, selected: &str, contact: &SqlExpr) -> String {
        match self.asked {
            Asked::End { is_last, condition, .. } => {
                let compared = (self.ends == Ends::Compared)
                    .then(|| self.compared_end(related, selected, contact, *is_last, condition));
                compared.flatten().unwrap_or_else(|| self.end(related, selected, contact, *is_last, condition))
            }
            Asked::Sequence { steps, .. } => self.sequence(related, selected, contact, steps),
            _ => format!("{selected} WHERE false"),
        }
    }

    /// One row of each contact. Where rows of one time are not before each other, it is one that satisfies the condition,
    /// if there is one.
    fn end(
        &self,
        related: &Related<'_>,
        selected: &str,
        contact: &SqlExpr,
        is_last: bool,
        condition: &Expr<DocumentTest>,
    ) -> String {
        let writer = related.writer();
        let (column, alias, holds) = (related.contact(), related.alias(), related.name("holds"));
        let mut order = vec![column.clone()];
        order.extend(self.order_of_ends(related, &self.time(related), is_last, "2"));
        let satisfies = writer.write(&related.satisfying(condition));
        format!(
            "{selected} FROM (SELECT DISTINCT ON ({column}) {column}, ({satisfies}) IS TRUE AS {holds} FROM {}{} \
             ORDER BY {}) AS {alias} WHERE {alias}.{holds}",
            related.source(),
            related.where_(&self.found(related, contact, SqlExpr::Const(true))),
            order.join(", "),
        )
    }

    /// The query for one contact, after `SELECT`. It has a row if the contact satisfies the test.
    pub(super) fn query_of_one(&self, related: &Related<'_>, selected: &str) -> String {
        let is_of_contact = related.is_of_contact(&related.contact());
        let of_all = self.query(related, selected, &is_of_contact);
        match self.asked {
            Asked::End { is_last, condition, .. } => {
                self.end_of_one(related, selected, &is_of_contact, *is_last, condition).unwrap_or(of_all)
            }
            _ => of_all,
        }
    }

    /// The first or the last row by the times as they are stored, which an index may have in order. The times outside the
    /// years 1 to 9999, which are one time, are left to the other query.
    fn end_of_one(
        &self,
        related: &Related<'_>,
        selected: &str,
        is_of_contact: &SqlExpr,
        is_last: bool,
        condition: &Expr<DocumentTest>,
    ) -> Option<String> {
        let writer = related.writer();
        let (alias, at) = (related.alias(), writer.column(self.by.path.first()));
        let [least, greatest] = related.rows().bounds_of_years(self.kind)?;
        let (time, holds) = (format!("{alias}.{}", related.name("at")), format!("{alias}.{}", related.name("holds")));
        let is_usual =
            SqlExpr::and([SqlExpr::infix(&*time, Symbol::Gt, least), SqlExpr::infix(&*time, Symbol::Lt, greatest)]);
        Some(format!(
            "{selected} FROM (SELECT ({}) IS TRUE AS {}, {at} AS {} FROM {}{} ORDER BY {} LIMIT 1) AS {alias} \
             WHERE CASE WHEN {} THEN {holds} ELSE EXISTS (SELECT {}) END",
            writer.write(&related.satisfying(condition)),
            related.name("holds"),
            related.name("at"),
            related.source(),
            related.where_(&self.found(related, is_of_contact, SqlExpr::Const(true))),
            self.order_of_ends(related, &at, is_last, "1").join(", "),
            writer.write(&is_usual),
            self.end(related, "1", is_of_contact, is_last, condition),
        ))
    }

    /// The terms of ORDER BY behind which the first row is the end that is asked for. `holds` is the number of the column
    /// that says whether a row satisfies the condition: where rows of one time are not before each other, one that does comes
    /// first.
    fn order_of_ends(&self, related: &Related<'_>, time: &str, is_last: bool, holds: &str) -> Vec<String> {
        let direction = if is_last { " DESC" } else { "" };
        let mut order = vec![format!("{time}{direction}")];
        match self.by.is_stable {
            true => order.extend(related.key_order(direction)),
            false => order.push(format!("{holds} DESC")),
        }
        order
    }

    /// The rows that satisfy the condition, and after (or before) which there is none that does not: then the last (or the
    /// first) one satisfies it. `None` if rows cannot be compared with each other.
    fn compared_end(
        &self,
        related: &Related<'_>,
        selected: &str,
        contact: &SqlExpr,
        is_last: bool,
        condition: &Expr<DocumentTest>,
    ) -> Option<String> {
        let symbol = if is_last { Symbol::Gt } else { Symbol::Lt };
        let keys = |related: &Related<'_>| if self.by.is_stable { related.compared_key() } else { Some(vec![]) };
        let row = |related: &Related<'_>| {
            let terms: Vec<String> = std::iter::once(self.time(related)).chain(keys(related)?).collect();
            Some(if terms.len() == 1 { terms[0].clone() } else { format!("({})", terms.join(", ")) })
        };
        let this = row(related)?;
        let has_other = related.has_other(|other| {
            let Some(that) = row(other) else { return SqlExpr::Const(true) };
            let writer = other.writer();
            let is_beyond = SqlExpr::infix(that, symbol, &*this);
            let does_not = SqlExpr::Truth(format!("({}) IS NOT TRUE", writer.write(&other.satisfying(condition))));
            SqlExpr::and([self.taking_part(other), does_not, is_beyond])
        })?;
        let found = SqlExpr::and([self.found(related, contact, related.satisfying(condition)), has_other.negate()]);
        Some(format!("{selected} FROM {}{}", related.source(), related.where_(&found)))
    }

    /// Reads rows in order, each with the latest time until which a row of the next step may come.
    fn sequence(&self, related: &Related<'_>, selected: &str, contact: &SqlExpr, steps: &[SequenceStep]) -> String {
        let writer = related.writer();
        let (alias, column) = (related.alias(), related.contact());
        let at = related.name("at");
        let column_at = format!("{alias}.{at}");
        let keys: Vec<String> =
            (0..related.relation.key.len()).map(|number| related.name(&format!("key{number}"))).collect();
        let keys = if self.by.is_stable { keys } else { vec![] };
        let is_step = |number: usize| related.name(&format!("step{number}"));
        let is_other = |step: usize, number: usize| related.name(&format!("other{step}_{number}"));
        // The rows that a step or an absence asks for.
        let mut selects = vec![column.clone(), format!("{} AS {at}", self.time(related))];
        selects.extend(related.key_order("").into_iter().zip(&keys).map(|(term, key)| format!("{term} AS {key}")));
        let mut asked = Vec::new();
        let mut flag = |condition: &Expr<DocumentTest>, name: String| {
            let satisfies = related.satisfying(condition);
            selects.push(format!("({}) IS TRUE AS {name}", writer.write(&satisfies)));
            asked.push(satisfies);
        };
        for (number, step) in steps.iter().enumerate() {
            flag(&step.condition, is_step(number));
            for (absence, other) in step.absences.iter().zip(0..) {
                flag(&absence.condition, is_other(number, other));
            }
        }
        let found = self.found(related, contact, SqlExpr::or(asked));
        let mut query = format!("SELECT {} FROM {}{}", selects.join(", "), related.source(), related.where_(&found));
        let order = |direction: &str| {
            let terms = [&at].into_iter().chain(&keys).map(|name| format!("{alias}.{name}{direction}"));
            let before = if keys.is_empty() { "GROUPS" } else { "ROWS" };
            let terms: Vec<String> = terms.collect();
            format!(
                "(PARTITION BY {column} ORDER BY {} {before} BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING)",
                terms.join(", ")
            )
        };
        let level = |query: &str, more: String| format!("SELECT {alias}.*, {more} FROM ({query}) AS {alias}");
        // The next row of each absence.
        let absences = |number: usize| steps[number].absences.iter().zip(0..);
        let next = |step: usize, number: usize| related.name(&format!("next{step}_{number}"));
        let of_absences: Vec<String> = (0..steps.len())
            .flat_map(|number| absences(number).map(move |(_, other)| (number, other)))
            .map(|(number, other)| {
                let min = writer.builtin("min");
                let filter = format!("{alias}.{}", is_other(number, other));
                format!("{min}({column_at}) FILTER (WHERE {filter}) OVER {} AS {}", order(" DESC"), next(number, other))
            })
            .collect();
        if !of_absences.is_empty() {
            query = level(&query, of_absences.join(", "));
        }
        let is_absent = |number: usize| {
            SqlExpr::and(absences(number).map(|(absence, other)| {
                let (Some(end), next) = (self.after(related, &column_at, absence.within), next(number, other)) else {
                    // The time is never over.
                    return SqlExpr::Const(false);
                };
                let next = format!("{alias}.{next}");
                let now = match self.kind {
                    ColumnKind::Date => self.by.dates.zone.local_of(absence.now).day().to_string(),
                    kind => moment::text(kind, absence.now),
                };
                SqlExpr::and([
                    SqlExpr::infix(&*end, Symbol::Lt, writer.literal(self.kind, &now)),
                    SqlExpr::or([SqlExpr::IsNull(next.clone()), SqlExpr::infix(next, Symbol::Gt, end)]),
                ])
            }))
        };
        let until = |number: usize| related.name(&format!("until{number}"));
        let deadline = |number: usize| steps[number].within.and_then(|within| self.after(related, &column_at, within));
        let fits = |number: usize| {
            let may_come = match (number, deadline(number)) {
                (0, _) => SqlExpr::Const(true),
                (_, None) => SqlExpr::IsNotNull(format!("{alias}.{}", until(number))),
                (_, Some(_)) => SqlExpr::infix(&*column_at, Symbol::Lte, format!("{alias}.{}", until(number))),
            };
            SqlExpr::and([SqlExpr::Truth(format!("{alias}.{}", is_step(number))), may_come, is_absent(number)])
        };
        for number in 1..steps.len() {
            // Where the next step may come at any time, there only has to be a row.
            let deadline = deadline(number).unwrap_or_else(|| column_at.clone());
            let max = writer.builtin("max");
            let fits = writer.write(&fits(number - 1));
            query = level(
                &query,
                format!("{max}({deadline}) FILTER (WHERE {fits}) OVER {} AS {}", order(""), until(number)),
            );
        }
        format!("{selected} FROM ({query}) AS {alias}{}", related.where_(&fits(steps.len() - 1)))
    }

    /// The rows that have a time and take part.
    fn found(&self, related: &Related<'_>, contact: &SqlExpr, asked: SqlExpr) -> SqlExpr {
        SqlExpr::and([contact.clone(), related.in_scope(), self.taking_part(related), asked])
    }

    /// The row is one that the filter lets through, and has a time.
    fn taking_part(&self, related: &Related<'_>) -> SqlExpr {
        let filter = self.filter.map_or(SqlExpr::Const(true), |filter| related.satisfying(filter));
        let column = related.relation.rows.column(self.by.path.first());
        let has_time = match column {
            Some(column) if column.not_null => SqlExpr::Const(true),
            _ => SqlExpr::IsNotNull(related.writer().column(self.by.path.first())),
        };
        SqlExpr::and([filter, has_time])
    }

    /// The time of a row. Those outside the years 1 to 9999 are the first or the last one of these years.
    fn time(&self, related: &Related<'_>) -> String {
        let term = related.writer().column(self.by.path.first());
        related.rows().within_years(self.kind, &term).unwrap_or(term)
    }

    /// The last time that is within the offset after a time; `None` if every time is.
    fn after(&self, related: &Related<'_>, at: &str, within: Relative) -> Option<String> {
        let writer = related.writer();
        let zone = &self.by.dates.zone;
        let (count, unit) = (within.count(), within.unit());
        if count == 0 {
            return Some(at.to_owned());
        }
        if is_beyond(count, unit) {
            return None;
        }
        let plus = |term: &str, text: &str| {
            let interval = writer.interval(text);
            format!("({term} {} {interval})", writer.operator(&Symbol::Plus.into()))
        };
        let hours = match unit {
            Unit::Minute | Unit::Hour => Some(within.to_string()),
            Unit::Day if zone.is_utc() => Some(format!("{} hours", count * 24)),
            Unit::Week if zone.is_utc() => Some(format!("{} hours", count * 168)),
            _ => None,
        };
        let at_zone = |zone: &NamedZone, term: &str| {
            format!("{}({}, {term})", writer.builtin("timezone"), writer.text(zone.name()))
        };
        let utc = NamedZone::utc();
        Some(match (self.kind, hours) {
            (ColumnKind::Date, _) => format!("{}::{}", plus(at, &within.to_string()), writer.type_name(self.kind)),
            (_, Some(hours)) => plus(at, &hours),
            (ColumnKind::Timestamp, None) if zone.is_utc() => plus(at, &within.to_string()),
            (ColumnKind::Timestamp, None) => {
                let wall = at_zone(zone, &at_zone(&utc, at));
                at_zone(&utc, &at_zone(zone, &plus(&wall, &within.to_string())))
            }
            _ => at_zone(zone, &plus(&at_zone(zone, at), &within.to_string())),
        })
    }
}

/// Whether the offset is longer than all of the years 1 to 9999.
fn is_beyond(count: i64, unit: Unit) -> bool {
    let in_year = match unit {
        Unit::Minute => 525_600,
        Unit::Hour => 8_760,
        Unit::Day => 365,
        Unit::Week => 52,
        Unit::Month => 12,
        Unit::Year => 1,
    };
    count / in_year > 10_000
}
