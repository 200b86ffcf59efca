//! A condition as the WHERE clause of a query on the contacts.
//!
//! Native columns are compared as columns, so that their indexes serve. Custom properties go through one `@~` for as
//! much of the condition as speaks of nothing else, and so does, over an object built from the columns, what SQL
//! cannot say exactly. The expression is true for the contacts that satisfy the condition, and false or NULL for the
//! others: negations are pushed down to the tests, each of which knows what NULL means to it.

use crate::expr::{Atom, Checked, DocumentTest, Expr, FieldTest, NormalForm, PairTest};
use crate::parse::parse;
use crate::program::{Program, Surroundings};
use crate::value::{Json, Value};

mod array;
mod column;
mod moment;
mod native;
mod number;
mod pair;
mod serving;
mod table;
#[cfg(test)]
mod tests;
mod topic;
mod tree;
mod typed;
mod writer;

pub use native::canonical_uuid;
pub use serving::{Choice, Index, IndexOrder};
pub use table::{ColumnKind, ContactTable, NativeColumn, PropertiesColumn, QualifiedName, Topics, TypedIndex};
pub use writer::{Names, Style, label};

use tree::SqlExpr;
use writer::Writer;

/// The condition as one SQL expression over the table's columns.
///
/// It stands for itself in `WHERE`; beside something else it needs parentheses. What the text says depends on the
/// arguments alone.
#[must_use]
pub fn where_clause(checked: &Checked, table: &ContactTable, style: &Style) -> String {
    let writer = Writer(style);
    let compiler = Compiler { table, writer };
    writer.write(&compiler.sql(compiler.part(checked)))
}

/// A column's value, for the caller of a query to see; as [`where_clause`] it runs nothing of the table owner's.
#[must_use]
pub fn value(column: &NativeColumn, style: &Style) -> String {
    let writer = Writer(style);
    writer.plain(&column.kind, &writer.value(column))
}

/// A column's value as a condition sees it, of a type that `to_jsonb` knows.
#[must_use]
pub fn seen(column: &NativeColumn, style: &Style) -> String {
    Writer(style).seen(column)
}

/// A column's type, as a cast takes it.
#[must_use]
pub fn type_name(column: &NativeColumn, style: &Style) -> String {
    Writer(style).type_name(&column.kind)
}

/// What of the table a condition reads.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Used<'t> {
    /// The native columns, each once
    pub columns: Vec<&'t NativeColumn>,
    /// The column with the custom properties
    pub properties: Option<&'t PropertiesColumn>,
    /// The subscriptions: the id and the topics' table
    pub topics: Option<&'t Topics>,
}

/// What the expression reads, for checks of privileges.
#[must_use]
pub fn used<'t>(checked: &Checked, table: &'t ContactTable) -> Used<'t> {
    let mut used = Used::default();
    checked.for_each(&mut |atom| {
        if matches!(atom, Atom::Topic(_)) {
            used.topics = table.topics.as_ref();
        }
        for path in atom.paths() {
            match table.column(path.first()) {
                None => used.properties = table.properties.as_ref(),
                Some(column) if used.columns.iter().any(|other| other.name == column.name) => {}
                Some(column) => used.columns.push(column),
            }
        }
    });
    used
}

struct Compiler<'a> {
    table: &'a ContactTable,
    writer: Writer<'a>,
}

/// A part of the condition, compiled as far as it can be before its neighbours are known.
enum Compiled {
    Sql(SqlExpr),
    /// Put to a document; gathered with neighbours that are put to the same. No negation but of single tests
    Document(Source, Expr<DocumentTest>),
    /// An index condition and the test it is weaker than, which is put to the properties
    Narrowed(SqlExpr, Expr<DocumentTest>),
    /// Subscribed to any of the topics, or to none of them
    Topics(bool, Vec<String>),
}

/// The documents that `@~` is put to.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Source {
    Properties,
    /// The native columns that the condition speaks of, and the custom properties that it compares with them
    Columns,
}

/// How many arguments a function may have, two for each column (`FUNC_MAX_ARGS`).
const MAX_ARGUMENTS: usize = 100;

impl Compiler<'_> {
    /// The condition, its negations pushed down to the tests.
    fn part(&self, checked: &Checked) -> Compiled {
        checked.fold_normal_form(&mut |node| match node {
            NormalForm::Const(value) => Compiled::Sql(SqlExpr::Const(value)),
            NormalForm::All(parts) => self.join(parts, true),
            NormalForm::Any(parts) => self.join(parts, false),
            NormalForm::Test { test: Atom::Topic(topic), positive } => Compiled::Topics(positive, vec![topic.clone()]),
            NormalForm::Test { test: Atom::Field(field), positive } => self.field(field, positive),
            NormalForm::Test { test: Atom::Pair(pair), positive } => self.fields(pair, positive),
        })
    }

    /// The conjunction of the parts where `all`, else their disjunction.
    fn join(&self, parts: Vec<Compiled>, all: bool) -> Compiled {
        let mut sql = Vec::new();
        let mut topics = Vec::new();
        let (mut columns, mut properties) = (Vec::new(), Vec::new());
        for part in parts {
            match part {
                Compiled::Topics(subscribed, mut ids) if subscribed != all => topics.append(&mut ids),
                Compiled::Document(Source::Columns, expr) => columns.push(expr),
                Compiled::Document(Source::Properties, expr) => properties.push(expr),
                Compiled::Narrowed(index, expr) if all => {
                    sql.push(index);
                    properties.push(expr);
                }
                other => sql.push(self.sql(other)),
            }
        }
        let join = |exprs| if all { Expr::and(exprs) } else { Expr::or(exprs) };
        let gathered = [
            (!topics.is_empty()).then_some(Compiled::Topics(!all, topics)),
            (!columns.is_empty()).then(|| Compiled::Document(Source::Columns, join(columns))),
            (!properties.is_empty()).then(|| Compiled::Document(Source::Properties, join(properties))),
        ];
        let mut gathered: Vec<Compiled> = gathered.into_iter().flatten().collect();
        if sql.is_empty() && gathered.len() == 1 {
            return gathered.swap_remove(0);
        }
        sql.extend(gathered.into_iter().map(|part| self.sql(part)));
        Compiled::Sql(SqlExpr::join(sql, all))
    }

    fn sql(&self, part: Compiled) -> SqlExpr {
        match part {
            Compiled::Sql(sql) => sql,
            Compiled::Document(source, expr) => self.document(source, &expr),
            Compiled::Narrowed(index, expr) => SqlExpr::and([index, self.document(Source::Properties, &expr)]),
            Compiled::Topics(true, topics) => topic::subscribed_to_any(self.writer, self.table, &topics),
            Compiled::Topics(false, topics) => topic::subscribed_to_any(self.writer, self.table, &topics).negate(),
        }
    }

    fn field(&self, field: &FieldTest, positive: bool) -> Compiled {
        if let Some(column) = self.table.column(field.path.first()) {
            return self.native(column, field, positive);
        }
        let test = Expr::Test(DocumentTest::Field(field.clone())).negate_unless(positive);
        let indexed = if positive { typed::test(self.writer, self.table, field) } else { None };
        match indexed {
            Some(typed::Indexed { sql, is_exact: true }) => Compiled::Sql(sql),
            Some(typed::Indexed { sql, is_exact: false }) => Compiled::Narrowed(sql, test),
            None => Compiled::Document(Source::Properties, test),
        }
    }

    /// A comparison of fields with each other.
    fn fields(&self, pair: &PairTest, positive: bool) -> Compiled {
        let test = || Expr::Test(DocumentTest::Pair(pair.clone())).negate_unless(positive);
        if pair.paths().all(|path| self.table.column(path.first()).is_none()) {
            return Compiled::Document(Source::Properties, test());
        }
        match self.pair(pair, positive) {
            Some(sql) => Compiled::Sql(sql),
            // A document that has null where a column is NULL, and where there is no key: to a comparison that is the same.
            None => Compiled::Document(Source::Columns, test()),
        }
    }

    /// A test on a column, in which NULL is missing.
    fn native(&self, column: &NativeColumn, field: &FieldTest, positive: bool) -> Compiled {
        let test = Expr::Test(DocumentTest::Field(field.clone()));
        let on_missing = field.test.holds_for_missing();
        if let Some(sql) = array::element(self.writer, column, field, on_missing, positive) {
            return Compiled::Sql(sql);
        }
        let (sql, on_null) = match column::test(self.writer, column, field) {
            // Of a test on a NULL column, only NULL or something equal to `on_missing` can come; or false, where the
            // elements of an array are looked for.
            Some(sql) => (if positive { sql } else { sql.negate() }, None),
            None => {
                // An object built from the row has null where the column is NULL.
                let on_null = holds(&test, vec![(column.name.clone(), Value::Null)]);
                let document = test.negate_unless(positive);
                if column.not_null || on_null == on_missing {
                    return Compiled::Document(Source::Columns, document);
                }
                (self.document(Source::Columns, &document), Some(on_null))
            }
        };
        let term = self.writer.column(&column.name);
        let is_array = matches!(column.kind, ColumnKind::Array(_));
        Compiled::Sql(if column.not_null {
            sql
        } else if on_missing == positive {
            SqlExpr::or([SqlExpr::IsNull(term), sql])
        } else if on_null.is_some() || sql == SqlExpr::Const(true) || is_array && on_missing {
            SqlExpr::and([SqlExpr::IsNotNull(term), sql])
        } else {
            sql
        })
    }

    /// The test of a document against a condition; never NULL where it holds.
    fn document(&self, source: Source, expr: &Expr<DocumentTest>) -> SqlExpr {
        if source == Source::Properties && self.table.properties.is_none() {
            return SqlExpr::Const(holds_for_missing(expr));
        }
        let members = if source == Source::Columns { self.members_of(expr) } else { vec![] };
        let condition = expr.to_condition().to_string();
        // With the conditions of other segments in it, it may be more than one condition is allowed to be.
        if (members.len() * 2 > MAX_ARGUMENTS || parse(&condition).is_err())
            && let Some(sql) = self.halves(source, expr)
        {
            return sql;
        }
        let matches = |document| SqlExpr::infix(document, self.writer.matches(), self.writer.condition(&condition));
        match &self.table.properties {
            Some(properties) if source == Source::Properties => {
                let term = self.writer.column(&properties.name);
                if !properties.not_null && holds_for_missing(expr) {
                    SqlExpr::or([SqlExpr::IsNull(term.clone()), matches(term)])
                } else {
                    matches(term)
                }
            }
            _ => matches(self.object_of(&members)),
        }
    }

    fn halves(&self, source: Source, expr: &Expr<DocumentTest>) -> Option<SqlExpr> {
        let (parts, all) = match expr {
            Expr::And(parts) => (parts, true),
            Expr::Or(parts) => (parts, false),
            _ => return None,
        };
        let join = |parts: &[Expr<DocumentTest>]| {
            let parts = parts.iter().cloned();
            self.document(source, &if all { Expr::and(parts) } else { Expr::or(parts) })
        };
        let (left, right) = parts.split_at(parts.len() / 2);
        Some(SqlExpr::join([join(left), join(right)], all))
    }

    /// What a document has to have for it, each once: native columns, and the keys of custom properties.
    fn members_of(&self, expr: &Expr<DocumentTest>) -> Vec<pair::Member<'_>> {
        let mut members: Vec<pair::Member<'_>> = Vec::new();
        expr.for_each(&mut |test| {
            for path in test.paths() {
                let key = path.first();
                let is_compared = matches!(test, DocumentTest::Pair(_));
                match members.iter_mut().find(|member| member.key == key) {
                    Some(member) => member.is_compared |= is_compared,
                    None => {
                        members.push(pair::Member { key: key.to_owned(), column: self.table.column(key), is_compared });
                    }
                }
            }
        });
        members
    }
}

/// Whether a row without any of the fields satisfies the expression.
fn holds_for_missing(expr: &Expr<DocumentTest>) -> bool {
    expr.evaluate(&mut DocumentTest::holds_for_missing)
}

/// Whether an object of these members satisfies the expression.
fn holds(expr: &Expr<DocumentTest>, members: Vec<(String, Json)>) -> bool {
    let atoms = expr.try_map(&mut |test| Some(test.clone().into())).unwrap_or(Expr::Const(false));
    Program::compile(&atoms).matches(&Value::Object(members), Surroundings::NONE)
}
