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
mod conjunction;
mod document;
mod gathered;
mod joins;
mod order;
mod related;
mod simple;

use aggregate::Aggregates;
pub use gathered::{Gathered, Gathering, RowsRead};
pub(super) use gathered::{joined_with, rows_read};
pub(super) use joins::Joins;
pub(super) use order::Ends;
use related::Related;
use simple::{of_single_rows, one_and_none};
pub(super) use simple::{simplified, tests_of};

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
    /// A row satisfies one condition, and none the other one
    OneAndNone(Box<OneAndNone>),
    /// The rows, taken together, do what is asked of them
    Group(&'a ElementsTest),
    /// Their order decides
    Order(order::Ordered<'a>),
}

struct OneAndNone {
    one: Expr<DocumentTest>,
    none: Expr<DocumentTest>,
    /// That a row has another one of the same contact beside it which satisfies `none`
    has_other: SqlExpr,
}

impl OneAndNone {
    /// What is asked of single rows instead of the test. `None` if it is not this, or if rows cannot be compared by their
    /// contacts.
    fn of(related: &Related<'_>, table: &ContactTable, rows: &RowsTest, tests: &[&RowsTest]) -> Option<Self> {
        let simple = of_single_rows(rows, table, tests)?;
        let (one, none) = one_and_none(&simple)?;
        let has_other = related.has_other(|other| other.satisfying(none))?;
        Some(OneAndNone { one: one.clone(), none: none.clone(), has_other })
    }
}

impl<'a> Subset<'a> {
    /// The subset of one test among others. `None` for a relation that is lost, which has no rows.
    fn of(compiler: &Compiler<'a>, rows: &'a RowsTest, tests: &[&RowsTest]) -> Option<Self> {
        let table = compiler.table;
        let related = Related::of(table, compiler.writer, table.relation(&rows.relation)?);
        let of = match &rows.asked {
            RowsAsked::Some(condition) => Of::Row(condition),
            RowsAsked::Elements(elements) => match order::Ordered::of(&related, elements, compiler.ends) {
                Some(ordered) => Of::Order(ordered),
                None => OneAndNone::of(&related, table, rows, tests)
                    .map_or(Of::Group(elements), |both| Of::OneAndNone(Box::new(both))),
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
            Of::OneAndNone(both) => SqlExpr::and([self.has_row(&both.one), self.has_row(&both.none).negate()]),
            Of::Group(elements) => {
                let filter = elements.filter.as_ref().map_or(SqlExpr::Const(true), |filter| related.satisfying(filter));
                let having = Aggregates::of(related, None).holds(elements, self.is_of_test);
                if having == SqlExpr::Const(false) {
                    return having;
                }
                let found = SqlExpr::and([is_of_contact, related.in_scope(), filter]);
                exists(format!("1 FROM {}{}{}", related.source(), related.where_(&found), related.having(&having)))
            }
            Of::Order(ordered) => exists(ordered.query_of_one(related, "1")),
        }
    }

    /// Whether the contact is in it or, if false, is not in it, as a conjunct that Postgres joins.
    fn is_among(&self, is_in: bool) -> SqlExpr {
        let related = &self.related;
        match &self.of {
            Of::Row(condition) => self.has_row(condition).negate_unless(is_in),
            Of::OneAndNone(both) if !is_in => related.is_not_among(&self.having_one_and_none(both)),
            Of::OneAndNone(_) | Of::Group(_) => self.looked_up().negate_unless(is_in),
            Of::Order(ordered) => {
                let query =
                    format!("SELECT {}", ordered.query(related, &related.contact_name(), &related.has_contact()));
                if is_in { related.is_among(&query) } else { related.is_not_among(&query) }
            }
        }
    }

    /// A sub-query that has one row if the contact is in it, and none otherwise.
    fn found(&self) -> String {
        let related = &self.related;
        let is_of_contact = related.is_of_contact(&related.contact());
        let one = |condition: SqlExpr| {
            let found = SqlExpr::and([is_of_contact.clone(), related.in_scope(), condition]);
            format!("SELECT 1 FROM {}{} LIMIT 1", related.source(), related.where_(&found))
        };
        match &self.of {
            Of::Row(condition) => one(related.satisfying(condition)),
            Of::OneAndNone(both) => one(SqlExpr::and([related.satisfying(&both.one), both.has_other.clone().negate()])),
            Of::Group(elements) => {
                let filter = elements.filter.as_ref().map_or(SqlExpr::Const(true), |filter| related.satisfying(filter));
                let found = SqlExpr::and([is_of_contact, related.in_scope(), filter]);
                let having = Aggregates::of(related, None).holds(elements, self.is_of_test);
                related.together(&found, &having)
            }
            Of::Order(ordered) => format!("SELECT {} LIMIT 1", ordered.query_of_one(related, "1")),
        }
    }

    /// The query for the contacts in it.
    fn contacts(&self) -> String {
        let related = &self.related;
        let of_group = |condition: &Expr<DocumentTest>, having: &SqlExpr| {
            let found = SqlExpr::and([related.has_contact(), related.in_scope(), related.satisfying(condition)]);
            let (contact, source, found) = (related.contact(), related.source(), related.where_(&found));
            format!("SELECT {contact} FROM {source}{found} GROUP BY {contact}{}", related.having(having))
        };
        match &self.of {
            Of::Row(condition) => of_group(condition, &SqlExpr::Const(true)),
            Of::Group(elements) => {
                let filter = elements.filter.as_ref().unwrap_or(&Expr::Const(true));
                of_group(filter, &Aggregates::of(related, None).holds(elements, self.is_of_test))
            }
            Of::OneAndNone(_) | Of::Order(_) => self.alone().unwrap_or_default(),
        }
    }

    /// The query for the contacts in it, each once, if it is not grouped with others.
    fn alone(&self) -> Option<String> {
        let related = &self.related;
        let name = related.contact_name();
        match &self.of {
            Of::Row(_) | Of::Group(_) => None,
            Of::Order(ordered) => {
                Some(format!("SELECT {} GROUP BY {name}", ordered.query(related, &name, &related.has_contact())))
            }
            Of::OneAndNone(both) => Some(self.having_one_and_none(both)),
        }
    }

    /// The contacts with a row that satisfies one condition, and none that satisfies the other one. They are grouped first: for
    /// each contact once, and in the order of an index that has them, the other row was found three times as fast.
    fn having_one_and_none(&self, both: &OneAndNone) -> String {
        let related = &self.related;
        let ones = SqlExpr::and([related.has_contact(), related.in_scope(), related.satisfying(&both.one)]);
        format!(
            "SELECT {contact} FROM (SELECT {contact} FROM {}{} GROUP BY {contact}) AS {}{}",
            related.source(),
            related.where_(&ones),
            related.alias(),
            related.where_(&both.has_other.clone().negate()),
            contact = related.contact(),
        )
    }

    /// Whether the contact has a row that satisfies the condition.
    fn has_row(&self, condition: &Expr<DocumentTest>) -> SqlExpr {
        let related = &self.related;
        let is_of_contact = related.is_of_contact(&related.contact());
        let found = match related.satisfying(condition) {
            SqlExpr::Const(false) => return SqlExpr::Const(false),
            found => SqlExpr::and([is_of_contact, related.in_scope(), found]),
        };
        exists(format!("1 FROM {}{}", related.source(), related.where_(&found)))
    }
}

fn exists(query: String) -> SqlExpr {
    SqlExpr::Truth(format!("EXISTS (SELECT {query})"))
}

impl Compiler<'_> {
    /// Whether the contact satisfies a test on rows, or its complement if `positive` is false; never NULL.
    pub(super) fn rows(&self, rows: &RowsTest, positive: bool) -> SqlExpr {
        if let Some(joins) = self.joins {
            return joins.holds(rows, positive);
        }
        match Subset::of(self, rows, &[rows]) {
            None => SqlExpr::Const(rows.holds_for_none() == positive),
            Some(subset) if subset.is_of_test == positive => subset.looked_up(),
            Some(subset) => subset.looked_up().negate(),
        }
    }
}

/// So many semi-joins and anti-joins are planned at once. Of two thousand, Postgres does not finish the plan in minutes.
pub(super) const MOST_JOINS: usize = 8;

/// Whether tests on rows stand elsewhere than in the conjunction that the condition is, or too many in it.
pub(super) fn needs_joins(checked: &Checked) -> bool {
    have_to_be_joined(&conjuncts(checked))
}

fn have_to_be_joined(conjuncts: &[(&Checked, bool)]) -> bool {
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
fn conjuncts(checked: &Checked) -> Vec<(&Checked, bool)> {
    let mut parts = Vec::new();
    conjuncts_of(checked, true, &mut parts);
    parts
}

fn conjuncts_of<'e>(checked: &'e Checked, positive: bool, parts: &mut Vec<(&'e Checked, bool)>) {
    match checked {
        Expr::Not(inner) => conjuncts_of(inner, !positive, parts),
        Expr::And(inner) if positive => inner.iter().for_each(|part| conjuncts_of(part, positive, parts)),
        Expr::Or(inner) if !positive => inner.iter().for_each(|part| conjuncts_of(part, positive, parts)),
        part => parts.push((part, positive)),
    }
}
