//! Compiles tests on rows of relations to sub-queries.
//!
//! Each test, or else its complement, satisfies nobody who has no rows. Those whom this one satisfies are a sub-query
//! ([`Subset`]), and the contact is in it or not. Where all of a condition depends on that, the planner joins it:
//! `EXISTS` and `IN` become semi-joins, and `NOT EXISTS` an anti-join. Elsewhere, as under `$or`, Postgres would keep
//! sub-plans, which run once for each contact when their hash table exceeds `work_mem`; there, the tests of a relation
//! become columns of one sub-query that the contacts are joined with ([`Joins`]).

use super::tree::{Infix, SqlExpr, Symbol};
use super::{Compiler, ContactTable, Style, Writer};
use crate::expr::{Asked, Atom, Checked, DocumentTest, ElementsTest, Expr, RowsAsked, RowsTest};
use std::collections::HashSet;

mod aggregate;
mod document;
mod gathered;
mod joins;
mod order;
mod related;
mod simple;

use aggregate::Aggregates;
pub(super) use gathered::joined_with;
pub use gathered::{Gathered, Gathering};
pub(super) use joins::Joins;
use related::Related;
pub(super) use simple::simplified;

/// The contacts that have rows and satisfy a test, or its complement.
struct Subset<'a> {
    related: Related<'a>,
    of: Of<'a>,
    /// Whether it is the test that they satisfy
    is_of_test: bool,
}

enum Of<'a> {
    /// A row satisfies the condition
    Row(&'a Expr<DocumentTest>),
    /// The rows, taken together, do what is asked of them
    Group(&'a ElementsTest),
    /// Their order decides
    Order(order::Ordered<'a>),
}

impl<'a> Subset<'a> {
    /// `None` for a relation that is lost, which has no rows.
    fn of(table: &'a ContactTable, writer: Writer<'a>, rows: &'a RowsTest) -> Option<Self> {
        let related = Related::of(table, writer, table.relation(&rows.relation)?);
        let of = match &rows.asked {
            RowsAsked::Some(condition) => Of::Row(condition),
            RowsAsked::Elements(elements) => match order::Ordered::of(&related, elements) {
                Some(ordered) => Of::Order(ordered),
                None => Of::Group(elements),
            },
        };
        Some(Subset { related, of, is_of_test: !rows.holds_for_none() })
    }

    /// Whether the contact is in it, as a sub-query that looks up the rows of the contact.
    fn looked_up(&self) -> SqlExpr {
        let related = &self.related;
        let is_of_contact = related.is_of_contact(&related.contact());
        match &self.of {
            Of::Row(condition) => self.has_row(condition),
            Of::Group(elements) => {
                let filter = elements.filter.as_ref().map_or(SqlExpr::Const(true), |filter| related.satisfying(filter));
                let having = Aggregates::of(related, None).holds(elements, self.is_of_test);
                if having == SqlExpr::Const(false) {
                    return having;
                }
                let found = SqlExpr::and([is_of_contact, related.in_scope(), filter]);
                exists(format!("1 FROM {}{}{}", related.source(), related.where_(&found), related.having(&having)))
            }
            Of::Order(ordered) => exists(ordered.query(related, "1", &is_of_contact)),
        }
    }

    fn has_row(&self, condition: &Expr<DocumentTest>) -> SqlExpr {
        let related = &self.related;
        let found = match related.satisfying(condition) {
            SqlExpr::Const(false) => return SqlExpr::Const(false),
            found => SqlExpr::and([related.is_of_contact(&related.contact()), related.in_scope(), found]),
        };
        exists(format!("1 FROM {}{}", related.source(), related.where_(&found)))
    }
}

fn exists(query: String) -> SqlExpr {
    SqlExpr::Truth(format!("EXISTS (SELECT {query})"))
}

/// Tests on the rows of one relation that one filter lets through.
struct Group<'a> {
    filter: Option<&'a Expr<DocumentTest>>,
    /// Each with whether the test itself is meant, and not its complement
    tests: Vec<(Subset<'a>, bool)>,
}

impl Group<'_> {
    /// Whether the contact satisfies all of the tests.
    fn holds(&self) -> SqlExpr {
        let Some((Subset { related, .. }, _)) = self.tests.first() else { return SqlExpr::Const(true) };
        let filter = self.filter.map_or(SqlExpr::Const(true), |filter| related.satisfying(filter));
        let aggregates = Aggregates::of(related, None);
        let presence = match self.tests.as_slice() {
            [(Subset { of: Of::Group(elements), .. }, _)] => aggregates.presence(elements),
            _ => SqlExpr::Const(true),
        };
        let aggregates = if presence == SqlExpr::Const(true) { aggregates } else { aggregates.of_present() };
        // Those who satisfy no test without rows have rows, so that all tests can be put to these.
        let needs_rows = self.tests.iter().any(|(subset, positive)| subset.is_of_test == *positive);
        let having = self.tests.iter().filter_map(|(subset, positive)| match subset.of {
            Of::Group(elements) => Some(aggregates.holds(elements, *positive == needs_rows)),
            _ => None,
        });
        let having = SqlExpr::join(having, needs_rows);
        if having == SqlExpr::Const(false) {
            return SqlExpr::Const(!needs_rows);
        }
        let found = SqlExpr::and([related.in_scope(), filter, presence, related.has_contact()]);
        let query = format!(
            "SELECT {contact} FROM {}{} GROUP BY {contact}{}",
            related.source(),
            related.where_(&found),
            related.having(&having),
            contact = related.contact()
        );
        if needs_rows { related.is_among(&query) } else { related.is_not_among(&query) }
    }
}

impl Compiler<'_> {
    /// Whether the contact satisfies a test on rows, or its complement if `positive` is false; never NULL.
    pub(super) fn rows(&self, rows: &RowsTest, positive: bool) -> SqlExpr {
        if let Some(joins) = self.joins {
            return joins.holds(rows, positive);
        }
        match Subset::of(self.table, self.writer, rows) {
            None => SqlExpr::Const(rows.holds_for_none() == positive),
            Some(subset) if subset.is_of_test == positive => subset.looked_up(),
            Some(subset) => subset.looked_up().negate(),
        }
    }

    /// Compiles a condition for a query on many contacts, of whom each satisfies it if it holds.
    pub(super) fn conjunction(&self, checked: &Checked) -> SqlExpr {
        let mut conjuncts = Vec::new();
        conjuncts_of(checked, true, &mut conjuncts);
        if needs_joins(checked) {
            return self.joined(checked);
        }
        let (rows, others): (Vec<_>, Vec<_>) = conjuncts.into_iter().partition(|(part, _)| part.reads_rows());
        let others = Expr::and(others.into_iter().map(|(part, positive)| part.clone().negate_unless(positive)));
        let mut sql = vec![self.sql(self.part(&others))];
        let mut groups: Vec<(&str, Group<'_>)> = Vec::new();
        for (part, positive) in rows {
            let Expr::Test(Atom::Rows(rows)) = part else { continue };
            let Some(subset) = Subset::of(self.table, self.writer, rows) else {
                sql.push(SqlExpr::Const(rows.holds_for_none() == positive));
                continue;
            };
            let is_in = subset.is_of_test == positive;
            match &subset.of {
                Of::Row(condition) => {
                    let has_row = subset.has_row(condition);
                    sql.push(if is_in { has_row } else { has_row.negate() });
                }
                Of::Order(ordered) => {
                    let related = &subset.related;
                    let query =
                        format!("SELECT {}", ordered.query(related, &related.contact_name(), &related.has_contact()));
                    sql.push(if is_in { related.is_among(&query) } else { related.is_not_among(&query) });
                }
                Of::Group(elements) => {
                    let filter = elements.filter.as_ref();
                    let known =
                        groups.iter_mut().find(|(name, group)| *name == rows.relation && group.filter == filter);
                    match known {
                        Some((_, group)) => group.tests.push((subset, positive)),
                        None => groups.push((&rows.relation, Group { filter, tests: vec![(subset, positive)] })),
                    }
                }
            }
        }
        sql.extend(groups.iter().map(|(_, group)| group.holds()));
        SqlExpr::and(sql)
    }
}

/// So many semi-joins and anti-joins are planned at once. Of two thousand, Postgres does not finish the plan in minutes.
const MOST_JOINS: usize = 8;

/// Whether tests on rows stand elsewhere than in the conjunction that the condition is, or too many in it.
pub(super) fn needs_joins(checked: &Checked) -> bool {
    let mut conjuncts = Vec::new();
    conjuncts_of(checked, true, &mut conjuncts);
    let (mut alone, mut groups) = (0, HashSet::new());
    for (part, _) in conjuncts {
        match part {
            Expr::Test(Atom::Rows(rows)) => match &rows.asked {
                RowsAsked::Elements(elements)
                    if !matches!(elements.asked, Asked::End { .. } | Asked::Sequence { .. }) =>
                {
                    groups.insert((&rows.relation, &elements.filter));
                }
                _ => alone += 1,
            },
            Expr::Test(_) => {}
            part if part.reads_rows() => return true,
            _ => {}
        }
    }
    alone + groups.len() > MOST_JOINS
}

/// The parts of a conjunction, each with whether it is itself meant, and not its complement.
fn conjuncts_of<'e>(checked: &'e Checked, positive: bool, parts: &mut Vec<(&'e Checked, bool)>) {
    match checked {
        Expr::Not(inner) => conjuncts_of(inner, !positive, parts),
        Expr::And(inner) if positive => inner.iter().for_each(|part| conjuncts_of(part, positive, parts)),
        Expr::Or(inner) if !positive => inner.iter().for_each(|part| conjuncts_of(part, positive, parts)),
        part => parts.push((part, positive)),
    }
}
