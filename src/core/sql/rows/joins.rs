//! Tests on rows as columns of sub-queries that contacts are joined with.

use super::aggregate::Aggregates;
use super::related::Related;
use super::{Compiler, ContactTable, Of, SqlExpr, Style, Subset, Writer};
use crate::expr::{Atom, Checked, DocumentTest, Expr, RowsTest};
use crate::sql::tree::{Infix, Symbol};
use std::collections::{HashMap, HashSet};

/// The sub-queries that conditions are joined with, and what their columns say: one for each relation, unless it has very
/// many tests, and one for each test that the order of rows decides. Each has a contact at most once.
pub(in crate::sql) struct Joins {
    from: String,
    tests: HashMap<RowsTest, Told>,
    /// The names that FROM has by now, unquoted
    aliases: Vec<String>,
}

/// A SELECT has at most 1,664 columns (`MaxTupleAttributeNumber`); so many of one sub-query are tests.
const TESTS_OF_ONE: usize = 1000;

/// What a column tells.
struct Told {
    /// The contact is in the subset of the test
    is_in: SqlExpr,
    /// Whether those in the subset satisfy the test itself
    is_of_test: bool,
}

impl Joins {
    pub(in crate::sql) fn of<'c>(
        table: &ContactTable,
        writer: Writer<'_>,
        conditions: impl IntoIterator<Item = &'c Checked>,
    ) -> Self {
        let (mut tests, mut known) = (Vec::new(), HashSet::new());
        for condition in conditions {
            condition.for_each(&mut |atom| {
                if let Atom::Rows(rows) = atom
                    && known.insert(rows)
                {
                    tests.push(rows);
                }
            });
        }
        let contacts = writer.0.alias.as_ref().unwrap_or(&table.name).clone();
        let mut joins = Joins { from: String::new(), tests: HashMap::new(), aliases: vec![contacts] };
        for relation in &table.relations {
            let of_relation = tests.iter().filter(|test| test.relation == relation.name);
            let subsets = of_relation.filter_map(|test| Some((*test, Subset::of(table, writer, test)?)));
            let (ordered, grouped): (Vec<_>, Vec<_>) =
                subsets.partition(|(_, subset)| matches!(subset.of, Of::Order(_)));
            grouped.chunks(TESTS_OF_ONE).for_each(|tests| joins.add_group(tests));
            ordered.iter().for_each(|(test, subset)| joins.add_ordered(test, subset));
        }
        joins
    }

    /// Tests in one pass over the relation.
    fn add_group(&mut self, tests: &[(&RowsTest, Subset<'_>)]) {
        let Some((_, Subset { related, .. })) = tests.first() else { return };
        let filter = |subset: &Subset<'_>| match &subset.of {
            Of::Row(condition) => (*condition).clone(),
            Of::Group(elements) => elements.filter.clone().unwrap_or(Expr::Const(true)),
            Of::Order(_) => Expr::Const(true),
        };
        let filters: Vec<Expr<DocumentTest>> = tests.iter().map(|(_, subset)| filter(subset)).collect();
        let is_shared = filters.iter().all(|other| *other == filters[0]);
        let read = if is_shared { filters[0].clone() } else { Expr::or(filters.iter().cloned()) };
        let writer = related.writer();
        let contact = related.contact();
        let alias = self.new_alias(related);
        let mut columns = vec![contact.clone()];
        for ((test, subset), filter) in tests.iter().zip(&filters) {
            let seen = if is_shared { SqlExpr::Const(true) } else { related.satisfying(filter) };
            let holds = match (&subset.of, seen) {
                (_, SqlExpr::Const(false)) => SqlExpr::Const(false),
                (Of::Group(elements), seen) => {
                    let aggregates = Aggregates::of(related, (seen != SqlExpr::Const(true)).then_some(seen));
                    aggregates.holds(elements, subset.is_of_test)
                }
                (_, SqlExpr::Const(true)) => SqlExpr::Const(true),
                (_, seen) => SqlExpr::Truth(format!("{}({})", writer.builtin("bool_or"), writer.write(&seen))),
            };
            let name = related.name(&format!("test{}", columns.len()));
            columns.push(format!("{} AS {name}", writer.write(&holds)));
            let is_in = SqlExpr::Truth(format!("{alias}.{name}"));
            self.tests.insert((*test).clone(), Told { is_in, is_of_test: subset.is_of_test });
        }
        let found = SqlExpr::and([related.in_scope(), related.satisfying(&read), related.has_contact()]);
        let query = format!(
            "SELECT {} FROM {}{} GROUP BY {contact}",
            columns.join(", "),
            related.source(),
            related.where_(&found)
        );
        self.join(related, &query, &alias);
    }

    fn add_ordered(&mut self, test: &RowsTest, subset: &Subset<'_>) {
        let (related, Of::Order(ordered)) = (&subset.related, &subset.of) else { return };
        let name = related.contact_name();
        let query = ordered.query(related, &name, &related.has_contact());
        let alias = self.new_alias(related);
        self.join(related, &format!("SELECT {query} GROUP BY {name}"), &alias);
        let is_in = SqlExpr::IsNotNull(format!("{alias}.{name}"));
        self.tests.insert(test.clone(), Told { is_in, is_of_test: subset.is_of_test });
    }

    /// A name for a sub-query, quoted. It is the relation's, if that is free.
    fn new_alias(&mut self, related: &Related<'_>) -> String {
        let name = related.short_name();
        let numbered = (2..).map(|number| format!("rows{number}"));
        let is_free = |alias: &String| !self.aliases.contains(alias);
        // There are more numbers than names.
        let alias = std::iter::once(name.to_owned()).chain(numbered).find(is_free).unwrap_or_default();
        let quoted = related.writer().identifier(&alias);
        self.aliases.push(alias);
        quoted
    }

    fn join(&mut self, related: &Related<'_>, query: &str, alias: &str) {
        let contact = format!("{alias}.{}", related.contact_name());
        let is_of_contact = related.writer().write(&related.is_of_contact(&contact));
        self.from += &format!(" LEFT JOIN ({query}) AS {alias} ON {is_of_contact}");
    }

    /// Whether the contact satisfies the test, or its complement if `positive` is false.
    pub(super) fn holds(&self, test: &RowsTest, positive: bool) -> SqlExpr {
        match self.tests.get(test) {
            None => SqlExpr::Const(test.holds_for_none() == positive),
            Some(Told { is_in, is_of_test, .. }) if *is_of_test == positive => is_in.clone(),
            Some(Told { is_in: SqlExpr::Truth(term), .. }) => SqlExpr::Truth(format!("{term} IS NOT TRUE")),
            Some(Told { is_in, .. }) => is_in.clone().negate(),
        }
    }

    /// ` LEFT JOIN …`, after the table of contacts.
    pub(in crate::sql) fn from(&self) -> &str {
        &self.from
    }
}

impl Compiler<'_> {
    /// Whether the contact is one of those who satisfy the condition, found by a query that joins them with their rows.
    pub(super) fn joined(&self, checked: &Checked) -> SqlExpr {
        let mut names = std::iter::once("contact".to_owned()).chain((2..).map(|number| format!("contact{number}")));
        let is_free = |name: &String| self.table.relations.iter().all(|relation| relation.name != *name);
        // There are more numbers than relations.
        let alias = names.find(is_free);
        let style = Style { alias, ..self.writer.0.clone() };
        let joins = Joins::of(self.table, Writer(&style), [checked]);
        let inner = Compiler { table: self.table, writer: Writer(&style), joins: Some(&joins) };
        let holds = match inner.sql(inner.part(checked)) {
            SqlExpr::Const(value) => return SqlExpr::Const(value),
            holds => inner.writer.write(&holds),
        };
        let writer = self.writer;
        let outer = writer.0.alias.as_deref().unwrap_or(&self.table.name);
        let id = format!("{}.{}", writer.identifier(outer), writer.identifier(&self.table.id));
        let equals = Infix { symbol: Symbol::Eq, schema: Some(self.table.operators.clone()) };
        let is_in = match writer.is_bare(&equals) {
            true => "IN".to_owned(),
            false => format!("{} ANY", writer.operator(&equals)),
        };
        SqlExpr::Truth(format!(
            "{} {is_in} (SELECT {} FROM {} AS {}{} WHERE {holds})",
            id,
            inner.writer.column(&self.table.id),
            writer.qualified(&self.table.qualified_name()),
            writer.identifier(style.alias.as_deref().unwrap_or_default()),
            joins.from,
        ))
    }
}
