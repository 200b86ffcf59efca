//! Tests on rows as conjuncts, of which each contact in question satisfies all.

use super::aggregate::Aggregates;
use super::joins::{Joins, Lookups};
use super::{Compiler, Of, SqlExpr, Subset, conjuncts, have_to_be_joined, tests_of};
use crate::expr::{Atom, Checked, DocumentTest, Expr};
use crate::sql::Joined;

/// A conjunct.
enum Conjunct<'a> {
    Sql(SqlExpr),
    Group(Group<'a>),
    /// With whether the contact is in it
    Single(Subset<'a>, bool),
}

/// Tests on the rows of one relation that one filter lets through.
struct Group<'a> {
    relation: &'a str,
    filter: Option<&'a Expr<DocumentTest>>,
    /// Each with whether the test itself is meant, and not its complement
    tests: Vec<(Subset<'a>, bool)>,
}

/// What the rows of a contact in a [`Group`] have to satisfy.
struct Asked {
    /// Each row that is taken together with others
    row: SqlExpr,
    /// The rows together
    having: SqlExpr,
    /// Whether those who are not among such contacts are meant
    is_negated: bool,
}

impl Group<'_> {
    fn asked(&self) -> Option<Asked> {
        let Subset { related, .. } = &self.tests.first()?.0;
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
        Some(Asked { row: SqlExpr::and([related.in_scope(), filter, presence]), having, is_negated: !needs_rows })
    }

    /// Whether the contact satisfies all of the tests.
    fn holds(&self) -> SqlExpr {
        let (Some((Subset { related, .. }, _)), Some(asked)) = (self.tests.first(), self.asked()) else {
            return SqlExpr::Const(true);
        };
        if asked.having == SqlExpr::Const(false) {
            return SqlExpr::Const(asked.is_negated);
        }
        let query = format!(
            "SELECT {contact} FROM {}{} GROUP BY {contact}{}",
            related.source(),
            related.where_(&SqlExpr::and([asked.row, related.has_contact()])),
            related.having(&asked.having),
            contact = related.contact()
        );
        if asked.is_negated { related.is_not_among(&query) } else { related.is_among(&query) }
    }

    /// A sub-query that has a row if the contact satisfies all of the tests.
    fn looked_up(&self) -> Option<String> {
        let Subset { related, .. } = &self.tests.first()?.0;
        let Asked { row, having, is_negated } = self.asked()?;
        let found = SqlExpr::and([related.is_of_contact(&related.contact()), row]);
        let having = match having {
            having if !is_negated => having,
            SqlExpr::Const(value) => SqlExpr::Const(!value),
            having => SqlExpr::Truth(format!("({}) IS NOT TRUE", related.writer().write(&having))),
        };
        Some(related.together(&found, &having))
    }
}

impl Compiler<'_> {
    /// Compiles a condition for a query on many contacts, of whom each satisfies it if it holds.
    pub(in crate::sql) fn conjunction(&self, checked: &Checked) -> SqlExpr {
        let Some(parts) = self.conjuncts(checked) else { return self.joined(checked) };
        SqlExpr::and(parts.into_iter().map(|part| match part {
            Conjunct::Sql(sql) => sql,
            Conjunct::Group(group) => group.holds(),
            Conjunct::Single(subset, is_in) => subset.is_among(is_in),
        }))
    }

    /// Compiles a condition for queries on few contacts among many, whose rows are looked up for those who satisfy the rest
    /// of it: whether there is a row may be left to Postgres, which joins or looks up.
    pub(in crate::sql) fn looked_up(&self, checked: &Checked) -> Vec<Joined> {
        if have_to_be_joined(&conjuncts(checked)) {
            let joins = Joins::looked_up(self, checked);
            let inner = Compiler { joins: Some(&joins), ..*self };
            let condition = inner.writer.write(&inner.sql(inner.part(checked)));
            return vec![Joined { joins: joins.from().to_owned(), conditions: vec![condition] }];
        }
        let mut ways = Vec::new();
        for are_rows_left in [true, false] {
            ways.extend(self.looked_up_all(checked, are_rows_left).filter(|way| !ways.contains(way)));
        }
        ways
    }

    fn looked_up_all(&self, checked: &Checked, are_rows_left: bool) -> Option<Joined> {
        let (mut lookups, mut sql, mut rest) = (Lookups::of(self), Vec::new(), false);
        for part in self.conjuncts(checked)? {
            match part {
                Conjunct::Sql(part) => {
                    rest |= part != SqlExpr::Const(true);
                    sql.push(part);
                }
                Conjunct::Single(subset, is_in) if are_rows_left && !matches!(subset.of, Of::Order(_)) => {
                    sql.push(subset.is_among(is_in));
                }
                Conjunct::Single(subset, true) => lookups.add("CROSS", &subset.found()),
                Conjunct::Single(subset, false) => sql.push(SqlExpr::IsNull(lookups.add_outer(&subset.found()))),
                Conjunct::Group(group) => lookups.add("CROSS", &group.looked_up()?),
            }
        }
        let condition = self.writer.write(&SqlExpr::and(sql));
        (rest && !lookups.from.is_empty()).then_some(Joined { joins: lookups.from, conditions: vec![condition] })
    }

    /// The conjuncts of a condition; `None` if it has to be joined.
    fn conjuncts<'c>(&'c self, checked: &'c Checked) -> Option<Vec<Conjunct<'c>>> {
        let conjuncts = conjuncts(checked);
        if have_to_be_joined(&conjuncts) {
            return None;
        }
        let (rows, others): (Vec<_>, Vec<_>) = conjuncts.into_iter().partition(|(part, _)| part.reads_rows());
        let others = Expr::and(others.into_iter().map(|(part, positive)| part.clone().negate_unless(positive)));
        let mut parts = vec![Conjunct::Sql(self.sql(self.part(&others)))];
        let tests = tests_of(checked);
        let mut groups: Vec<Group<'_>> = Vec::new();
        for (part, positive) in rows {
            let Expr::Test(Atom::Rows(rows)) = part else { continue };
            let Some(subset) = Subset::of(self, rows, &tests) else {
                parts.push(Conjunct::Sql(SqlExpr::Const(rows.holds_for_none() == positive)));
                continue;
            };
            let is_in = subset.is_of_test == positive;
            match &subset.of {
                Of::Row(_) | Of::OneAndNone(_) | Of::Order(_) => parts.push(Conjunct::Single(subset, is_in)),
                Of::Group(elements) => {
                    let (relation, filter) = (&*rows.relation, elements.filter.as_ref());
                    match groups.iter_mut().find(|group| group.relation == relation && group.filter == filter) {
                        Some(group) => group.tests.push((subset, positive)),
                        None => groups.push(Group { relation, filter, tests: vec![(subset, positive)] }),
                    }
                }
            }
        }
        parts.extend(groups.into_iter().map(Conjunct::Group));
        Some(parts)
    }
}
