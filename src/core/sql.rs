//! Compiles a condition to the WHERE clause of a query on contacts.
//!
//! Tests on native columns become comparisons of the columns, so that their indexes serve. Tests on custom properties
//! are put to the properties column with `@~`, as many as possible with one. Tests on columns that SQL cannot express
//! exactly are put, with `@~`, to an object that is built from the columns. The expression is true for the contacts
//! that satisfy the condition, and false or NULL for the others. Negations are pushed down to the tests, because each
//! kind of test treats NULL in its own way.

use crate::expr::{Atom, Checked, DocumentTest, Expr, FieldTest, NormalForm, PairTest, RowsAsked, RowsTest};
use crate::parse::parse;
use crate::program::{Program, Surroundings};
use crate::value::{Json, Value};

mod array;
mod bucket;
mod column;
mod moment;
mod native;
mod number;
mod pair;
mod rows;
mod serving;
mod table;
#[cfg(test)]
mod tests;
mod topic;
mod tree;
mod typed;
mod used;
mod ways;
mod writer;

pub use native::canonical_uuid;
pub use rows::{Gathered, Gathering, RowsRead};
pub use serving::{Choice, Index, IndexOrder};
pub use table::{
    ColumnKind, ContactKey, ContactTable, NativeColumn, PropertiesColumn, QualifiedName, RelationTable, Topics,
    TypedIndex,
};
pub use used::{Used, UsedRelation, used};
pub use ways::{Joined, Way, gathered, joined, rows_read, ways};
pub use writer::{Names, Style, label};

use rows::{Ends, Joins, simplified};
use tree::SqlExpr;
use writer::Writer;

/// Compiles the condition to one SQL expression on the table's columns.
///
/// It can stand alone in `WHERE`; beside anything else it needs parentheses. It depends on the arguments alone.
#[must_use]
pub fn where_clause(checked: &Checked, table: &ContactTable, style: &Style) -> String {
    let compiler = Compiler { table, writer: Writer(style), joins: None, ends: Ends::Sorted };
    compiler.writer.write(&compiler.conjunction(&simplified(checked, table)))
}

/// Like [`where_clause`], for a query on one contact or on few: rows of relations are looked up contact by contact.
#[must_use]
pub fn where_clause_for_one(checked: &Checked, table: &ContactTable, style: &Style) -> String {
    let compiler = Compiler { table, writer: Writer(style), joins: None, ends: Ends::Sorted };
    let simple = simplified(checked, table);
    let joins = (rows::tests_of(&simple).len() > rows::MOST_JOINS).then(|| Joins::not_joined(&compiler, &simple));
    let compiler = Compiler { joins: joins.as_ref(), ..compiler };
    compiler.writer.write(&compiler.sql(compiler.part(&simple)))
}

/// Whether [`where_clause`] finds contacts by a query on contacts of its own: no single plan of it would be as fast as a
/// query with [`joined`], and it speaks of rows as they are stored, not of one that is being written.
#[must_use]
pub fn needs_joins(checked: &Checked, table: &ContactTable) -> bool {
    rows::needs_joins(&simplified(checked, table))
}

/// Whether [`where_clause`] reads all rows of a relation, whichever contacts a query is about: to group or to sort them.
#[must_use]
pub fn reads_whole_relations(checked: &Checked, table: &ContactTable) -> bool {
    let simple = simplified(checked, table);
    let is_of_many = |rows: &&RowsTest| matches!(rows.asked, RowsAsked::Elements(_));
    rows::needs_joins(&simple) || rows::tests_of(&simple).iter().any(is_of_many)
}

/// Whether every contact, or no contact, that the table can have satisfies the condition; `None` where it depends on the
/// contact, or where only the properties tell.
#[must_use]
pub fn constant(checked: &Checked, table: &ContactTable) -> Option<bool> {
    if let Expr::Const(value) = checked {
        return Some(*value);
    }
    if used(checked, table).columns.is_empty() {
        return None;
    }
    let style = Style { names: Names::Qualified, extension_schema: String::new(), alias: None };
    let compiler = Compiler { table, writer: Writer(&style), joins: None, ends: Ends::Sorted };
    match compiler.sql(compiler.part(checked)) {
        SqlExpr::Const(value) => Some(value),
        _ => None,
    }
}

/// A column's value, as SQL for the result of a query. As in [`where_clause`], it runs no code of the table's owner.
#[must_use]
pub fn value(column: &NativeColumn, style: &Style) -> String {
    let writer = Writer(style);
    writer.plain(&column.kind, &writer.value(column))
}

/// A column's value as a document has it, as SQL of a type that `to_jsonb` knows.
#[must_use]
pub fn seen(column: &NativeColumn, style: &Style) -> String {
    Writer(style).seen(column)
}

/// The name of a column's type, for casts.
#[must_use]
pub fn type_name(column: &NativeColumn, style: &Style) -> String {
    Writer(style).type_name(&column.kind)
}

struct Compiler<'a> {
    table: &'a ContactTable,
    writer: Writer<'a>,
    /// What contacts are joined with; without it, rows of relations are looked up
    joins: Option<&'a Joins>,
    /// How the first and the last row of a contact are found
    ends: Ends,
}

/// A part of the condition, compiled as far as possible before its neighbours are known.
enum Compiled {
    Sql(SqlExpr),
    /// A test of a document, which is joined with neighbours that test the same document. Negations stand before single
    /// tests
    Document(Source, Expr<DocumentTest>),
    /// An index condition, and the stronger test that is put to the properties
    Narrowed(SqlExpr, Expr<DocumentTest>),
    /// Subscribed to any of the topics or, if false, to none of them
    Topics(bool, Vec<String>),
}

/// The document that a test is put to.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Source {
    Properties,
    /// An object with native columns, and with the custom properties that they are compared with
    Columns,
}

/// The most arguments of a function (`FUNC_MAX_ARGS`). Each column takes two.
const MAX_ARGUMENTS: usize = 100;

impl Compiler<'_> {
    /// Compiles a condition, after its negations were pushed down to the tests.
    fn part(&self, checked: &Checked) -> Compiled {
        checked.fold_normal_form(&mut |node| match node {
            NormalForm::Const(value) => Compiled::Sql(SqlExpr::Const(value)),
            NormalForm::All(parts) => self.join(parts, true),
            NormalForm::Any(parts) => self.join(parts, false),
            NormalForm::Test { test: Atom::Topic(topic), positive } => Compiled::Topics(positive, vec![topic.clone()]),
            NormalForm::Test { test: Atom::Field(field), positive } => self.field(field, positive),
            NormalForm::Test { test: Atom::Pair(pair), positive } => self.fields(pair, positive),
            NormalForm::Test { test: Atom::Bucket(bucket), positive } => Compiled::Sql(self.bucket(bucket, positive)),
            NormalForm::Test { test: Atom::Rows(rows), positive } => Compiled::Sql(self.rows(rows, positive)),
        })
    }

    /// The conjunction of the parts if `all`, else their disjunction.
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

    /// Compiles a comparison of fields with each other.
    fn fields(&self, pair: &PairTest, positive: bool) -> Compiled {
        let test = || Expr::Test(DocumentTest::Pair(pair.clone())).negate_unless(positive);
        if pair.paths().all(|path| self.table.column(path.first()).is_none()) {
            return Compiled::Document(Source::Properties, test());
        }
        match self.pair(pair, positive) {
            Some(sql) => Compiled::Sql(sql),
            // The document has null for a column that is NULL, and for a key that is missing. A comparison treats null
            // and missing values alike.
            None => Compiled::Document(Source::Columns, test()),
        }
    }

    /// Compiles a test on a column; NULL is a missing value.
    fn native(&self, column: &NativeColumn, field: &FieldTest, positive: bool) -> Compiled {
        let test = Expr::Test(DocumentTest::Field(field.clone()));
        let on_missing = field.test.holds_for_missing();
        if let Some(sql) = array::element(self.writer, column, field, on_missing, positive) {
            return Compiled::Sql(sql);
        }
        let (sql, on_null) = match column::test(self.writer, column, field) {
            // On a NULL column, the test gives NULL, or the same as `on_missing`, or false if it looks for elements of
            // an array.
            Some(sql) => (if positive { sql } else { sql.negate() }, None),
            None => {
                // An object that is built from the row has null if the column is NULL.
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

    /// Compiles a test of a document with `@~`. It is true, not NULL, where the condition holds.
    fn document(&self, source: Source, expr: &Expr<DocumentTest>) -> SqlExpr {
        if source == Source::Properties && self.table.properties.is_none() {
            return SqlExpr::Const(holds_for_missing(expr));
        }
        let members = if source == Source::Columns { self.members_of(expr) } else { vec![] };
        let condition = expr.to_condition().to_string();
        // The condition may exceed the limits of a condition, because it contains the conditions of other segments.
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

    /// The members that the document needs, without duplicates: native columns, and keys of custom properties.
    fn members_of(&self, expr: &Expr<DocumentTest>) -> Vec<pair::Member<'_>> {
        let mut members: Vec<pair::Member<'_>> = Vec::new();
        expr.for_each(&mut |test| {
            for path in test.paths() {
                let key = path.first();
                let is_compared = match test {
                    DocumentTest::Pair(_) => true,
                    DocumentTest::Field(field) => field.test.is_of_calendar(),
                };
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

/// Whether a row that has none of the fields satisfies the expression.
fn holds_for_missing(expr: &Expr<DocumentTest>) -> bool {
    expr.evaluate(&mut DocumentTest::holds_for_missing)
}

/// Whether an object with these members satisfies the expression.
fn holds(expr: &Expr<DocumentTest>, members: Vec<(String, Json)>) -> bool {
    let atoms = expr.try_map(&mut |test| Some(test.clone().into())).unwrap_or(Expr::Const(false));
    Program::compile(&atoms).matches(&Value::Object(members), Surroundings::NONE)
}
