//! Tests on rows as columns of sub-queries that contacts are joined with.

use super::aggregate::Aggregates;
use super::related::Related;
use super::{Compiler, MOST_JOINS, Of, SqlExpr, Style, Subset, Writer, tests_of};
use crate::expr::{Atom, Checked, DocumentTest, Expr, RowsAsked, RowsTest};
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

/// Sub-queries that look up the rows of one contact.
pub(super) struct Lookups {
    pub from: String,
    contacts: String,
    number: usize,
}

impl Lookups {
    pub(super) fn of(compiler: &Compiler<'_>) -> Self {
        let contacts = compiler.writer.0.alias.as_ref().unwrap_or(&compiler.table.name).clone();
        Lookups { from: String::new(), contacts, number: 0 }
    }

    /// Joins a sub-query.
    pub(super) fn add(&mut self, kind: &str, query: &str) {
        let alias = self.new_alias();
        self.from += &format!(" {kind} JOIN LATERAL ({query}) AS {alias}");
    }

    /// Joins a sub-query of one column, which is NULL if the sub-query has no row. Returns the column.
    pub(super) fn add_outer(&mut self, query: &str) -> String {
        let alias = self.new_alias();
        self.from += &format!(" LEFT JOIN LATERAL ({query}) AS {alias} ({alias}) ON true");
        format!("{alias}.{alias}")
    }

    fn new_alias(&mut self) -> String {
        loop {
            self.number += 1;
            let alias = format!("rows{}", self.number);
            if alias != self.contacts {
                return alias;
            }
        }
    }
}

impl Joins {
    /// A sub-query for each test, which looks up the rows of one contact.
    pub(super) fn looked_up(compiler: &Compiler<'_>, condition: &Checked) -> Self {
        let (tests, mut lookups) = (tests_of(condition), Lookups::of(compiler));
        let mut joins = Joins { from: String::new(), tests: HashMap::new(), aliases: Vec::new() };
        for test in &tests {
            if let Some(subset) = Subset::of(compiler, test, &tests)
                && !joins.tests.contains_key(*test)
            {
                let is_in = SqlExpr::IsNotNull(lookups.add_outer(&subset.found()));
                joins.tests.insert((*test).clone(), Told { is_in, is_of_test: subset.is_of_test });
            }
        }
        joins.from = lookups.from;
        joins
    }

    /// No sub-queries in FROM, but one in each place of a test, which has all contacts that are in its subset.
    pub(in crate::sql) fn in_place(compiler: &Compiler<'_>, condition: &Checked) -> Self {
        Self::of_each(compiler, condition, |subset| subset.related.is_among(&subset.contacts()))
    }

    /// Look-ups that Postgres does not join, even if there are many.
    pub(in crate::sql) fn not_joined(compiler: &Compiler<'_>, condition: &Checked) -> Self {
        let is_in = |subset: &Subset<'_>| format!("(({}) IS TRUE)", compiler.writer.write(&subset.looked_up()));
        Self::of_each(compiler, condition, |subset| SqlExpr::Truth(is_in(subset)))
    }

    fn of_each(compiler: &Compiler<'_>, condition: &Checked, is_in: impl Fn(&Subset<'_>) -> SqlExpr) -> Self {
        let tests = tests_of(condition);
        let told = |test: &&RowsTest| {
            let subset = Subset::of(compiler, test, &tests)?;
            Some(((*test).clone(), Told { is_in: is_in(&subset), is_of_test: subset.is_of_test }))
        };
        Joins { from: String::new(), tests: tests.iter().filter_map(told).collect(), aliases: Vec::new() }
    }

    pub(in crate::sql) fn of<'c>(compiler: &Compiler<'_>, conditions: impl IntoIterator<Item = &'c Checked>) -> Self {
        let (table, writer) = (compiler.table, compiler.writer);
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
            let subsets = of_relation.filter_map(|test| Some((*test, Subset::of(compiler, test, &tests)?)));
            let mut grouped = Vec::new();
            for (test, subset) in subsets {
                match subset.alone() {
                    Some(query) => joins.add_alone(test, &subset, &query),
                    None => grouped.push((test, subset)),
                }
            }
            grouped.chunks(TESTS_OF_ONE).for_each(|tests| joins.add_group(tests));
        }
        joins
    }

    /// Tests in one pass over the relation.
    fn add_group(&mut self, tests: &[(&RowsTest, Subset<'_>)]) {
        let Some((_, Subset { related, .. })) = tests.first() else { return };
        let filters: Vec<Expr<DocumentTest>> = tests
            .iter()
            .map(|(test, subset)| match (&subset.of, &test.asked) {
                (Of::Row(condition), _) => (*condition).clone(),
                (_, RowsAsked::Elements(elements)) => elements.filter.clone().unwrap_or(Expr::Const(true)),
                _ => Expr::Const(true),
            })
            .collect();
        let is_shared = filters.iter().all(|other| *other == filters[0]);
        let read = if is_shared { filters[0].clone() } else { Expr::or(filters.iter().cloned()) };
        let writer = related.writer();
        let contact = related.contact();
        let alias = self.new_alias(related);
        let held: Vec<SqlExpr> = tests
            .iter()
            .zip(&filters)
            .map(|((test, subset), filter)| {
                let seen = if is_shared { SqlExpr::Const(true) } else { related.satisfying(filter) };
                match (&subset.of, &test.asked, seen) {
                    (_, _, SqlExpr::Const(false)) => SqlExpr::Const(false),
                    (Of::Row(_), _, SqlExpr::Const(true)) => SqlExpr::Const(true),
                    (Of::Row(_), _, seen) => {
                        SqlExpr::Truth(format!("{}({})", writer.builtin("bool_or"), writer.write(&seen)))
                    }
                    (_, RowsAsked::Elements(elements), seen) => {
                        let aggregates = Aggregates::of(related, (seen != SqlExpr::Const(true)).then_some(seen));
                        aggregates.holds(elements, subset.is_of_test)
                    }
                    _ => SqlExpr::Const(false),
                }
            })
            .collect();
        let mut columns = vec![contact.clone()];
        let mut told = |test: &RowsTest, subset: &Subset<'_>, is_in: SqlExpr| {
            self.tests.insert(test.clone(), Told { is_in, is_of_test: subset.is_of_test });
        };
        match (tests, held.as_slice()) {
            // Those who are not in the subset have no row.
            ([(test, subset)], [_]) => {
                told(test, subset, SqlExpr::IsNotNull(format!("{alias}.{}", related.contact_name())))
            }
            _ => {
                for ((test, subset), holds) in tests.iter().zip(&held) {
                    let name = related.name(&format!("test{}", columns.len()));
                    columns.push(format!("{} AS {name}", writer.write(holds)));
                    told(test, subset, SqlExpr::Truth(format!("{alias}.{name}")));
                }
            }
        }
        // Who satisfies none of them need not be joined.
        let having = if tests.len() <= MOST_JOINS { SqlExpr::or(held) } else { SqlExpr::Const(true) };
        let found = SqlExpr::and([related.in_scope(), related.satisfying(&read), related.has_contact()]);
        let query = format!(
            "SELECT {} FROM {}{} GROUP BY {contact}{}",
            columns.join(", "),
            related.source(),
            related.where_(&found),
            related.having(&having)
        );
        self.join(related, &query, &alias);
    }

    /// A test whose sub-query has those who are in its subset.
    fn add_alone(&mut self, test: &RowsTest, subset: &Subset<'_>, query: &str) {
        let related = &subset.related;
        let alias = self.new_alias(related);
        self.join(related, query, &alias);
        let is_in = SqlExpr::IsNotNull(format!("{alias}.{}", related.contact_name()));
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
        let inner = Compiler { table: self.table, writer: Writer(&style), joins: None, ends: self.ends };
        let joins = Joins::of(&inner, [checked]);
        let inner = Compiler { joins: Some(&joins), ..inner };
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
