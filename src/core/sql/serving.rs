//! Finds the indexes that could serve a condition.
//!
//! The indexes are derived from the SQL that a test is compiled to, so that there is no second list of rules.

use super::tree::{SqlExpr, Symbol};
use super::writer::Writer;
use super::{ContactTable, Names, NativeColumn, Style, TypedIndex, column, typed};
use crate::expr::{Atom, Checked, Expr, FieldTest};
use crate::facts::{Facts, GinClass};
use crate::types::PropertyType;

/// A kind of index.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Index {
    /// A B-tree on a native column
    Column(String, IndexOrder),
    /// A GIN index on a native column that is an array
    Elements(String),
    /// A B-tree on a `property_*` function of a custom property
    Property(TypedIndex),
    /// A GIN index on the properties column
    Properties,
}

/// The kind of a B-tree on a column, by what it can serve.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum IndexOrder {
    /// Equality, and the order of the column's own type and collation
    Own,
    /// Equality, and prefixes: `text_pattern_ops`
    Pattern,
    /// Prefixes and the order of bytes: `COLLATE "C"`
    C,
}

/// The ways to find the contacts that satisfy a condition with indexes.
#[derive(Clone, Debug, PartialEq)]
pub enum Choice {
    /// Tests on one property that all hold, such as both ends of a range, and the indexes of which each serves them,
    /// the best one first
    Tests(Vec<FieldTest>, Vec<Index>),
    /// One of these is enough: they are parts of a conjunction, and the other parts are put to the contacts found
    Any(Vec<Choice>),
    /// All of these are needed: they are the parts of a disjunction
    All(Vec<Choice>),
}

impl Choice {
    /// The ways for a condition; `None` if every contact must be read.
    #[must_use]
    pub fn of(checked: &Checked, table: &ContactTable) -> Option<Self> {
        match checked {
            Expr::And(parts) => {
                let mut choices: Vec<Self> = Vec::new();
                for choice in parts.iter().filter_map(|part| Self::of(part, table)) {
                    if !choices.iter_mut().any(|other| other.absorb(&choice)) {
                        choices.push(choice);
                    }
                }
                if choices.len() < 2 { choices.pop() } else { Some(Choice::Any(choices)) }
            }
            Expr::Or(parts) => {
                parts.iter().map(|part| Self::of(part, table)).collect::<Option<Vec<_>>>().map(Choice::All)
            }
            Expr::Test(Atom::Field(field)) => {
                let indexes = serving(field, table);
                (!indexes.is_empty()).then(|| Choice::Tests(vec![field.clone()], indexes))
            }
            Expr::Const(_) | Expr::Not(_) => None,
            Expr::Test(Atom::Topic(_) | Atom::Pair(_) | Atom::Bucket(_) | Atom::Rows(_)) => None,
        }
    }

    /// Adds the tests of another choice, if one index serves all of them. Returns whether it did.
    fn absorb(&mut self, other: &Self) -> bool {
        let (Choice::Tests(tests, indexes), Choice::Tests(others, serving)) = (self, other) else { return false };
        if tests[0].path != others[0].path {
            return false;
        }
        let shared: Vec<Index> = indexes.iter().filter(|index| serving.contains(index)).cloned().collect();
        if shared.is_empty() {
            return false;
        }
        tests.extend(others.iter().cloned());
        *indexes = shared;
        true
    }

    /// Calls `visit` on each group of tests on one property, with the indexes that serve them.
    pub fn for_each<'c>(&'c self, visit: &mut impl FnMut(&'c [FieldTest], &'c [Index])) {
        match self {
            Choice::Tests(tests, indexes) => visit(tests, indexes),
            Choice::Any(choices) | Choice::All(choices) => choices.iter().for_each(|choice| choice.for_each(visit)),
        }
    }
}

/// The indexes that could serve a test, the best one first.
fn serving(field: &FieldTest, table: &ContactTable) -> Vec<Index> {
    let style = Style { names: Names::Qualified, extension_schema: String::new(), alias: None };
    let writer = Writer(&style);
    if let Some(column) = table.column(field.path.first()) {
        // A test that NULL satisfies is compiled to `IS NULL OR …`, which no index serves.
        let sql = if field.test.holds_for_missing() { None } else { column::test(writer, column, field) };
        return sql.map_or(vec![], |sql| on_column(writer, column, &sql));
    }
    let mut indexes = Vec::new();
    if let Some(PropertyType::Scalar(read_as)) = field.read_as {
        let index = TypedIndex::of(&field.path, read_as);
        let with_index = ContactTable { typed_indexes: vec![index.clone()], ..table.clone() };
        if typed::test(writer, &with_index, field).is_some() {
            indexes.push(Index::Property(index));
        }
    }
    let is_found = || Facts::of(&Expr::Test(Atom::Field(field.clone())), GinClass::JsonbPath).is_some();
    if table.properties.is_some() && is_found() {
        indexes.push(Index::Properties);
    }
    indexes
}

fn on_column(writer: Writer<'_>, column: &NativeColumn, sql: &SqlExpr) -> Vec<Index> {
    let term = writer.value(column);
    let is_own = |left: &str| left == term;
    let is_in_c = |left: &str| left == format!("{term} COLLATE {}", writer.c_collation());
    let ordered =
        |orders: &[IndexOrder]| orders.iter().map(|order| Index::Column(column.name.clone(), *order)).collect();
    match sql {
        // One bound is enough; the other parts are on the same column.
        SqlExpr::And(parts) => {
            parts.iter().map(|part| on_column(writer, column, part)).find(|found| !found.is_empty()).unwrap_or_default()
        }
        SqlExpr::Or(parts) => {
            let found: Vec<_> = parts.iter().map(|part| on_column(writer, column, part)).collect();
            let in_all = |index: &&Index| found.iter().all(|indexes| indexes.contains(index));
            found.first().map_or(vec![], |first| first.iter().filter(in_all).cloned().collect())
        }
        SqlExpr::OneOf(one_of) if one_of.operator.symbol == Symbol::Eq => {
            equality(&one_of.term, column, is_own, is_in_c)
        }
        SqlExpr::Truth(left) if is_own(left) => ordered(&[IndexOrder::Own]),
        SqlExpr::Not(inner) if matches!(&**inner, SqlExpr::Truth(left) if is_own(left)) => ordered(&[IndexOrder::Own]),
        SqlExpr::Infix { left, operator, right } => match operator.symbol {
            Symbol::Eq => equality(left, column, is_own, is_in_c),
            Symbol::Lt | Symbol::Lte | Symbol::Gt | Symbol::Gte if is_own(left) => ordered(&[IndexOrder::Own]),
            Symbol::Lt | Symbol::Lte | Symbol::Gt | Symbol::Gte if is_in_c(left) => ordered(&[IndexOrder::C]),
            Symbol::Like if right.starts_with("'%") || right.starts_with("E'%") => vec![],
            Symbol::Like if is_own(left) => ordered(&[IndexOrder::Pattern, IndexOrder::C]),
            Symbol::Like if is_in_c(left) => ordered(&[IndexOrder::C]),
            Symbol::Contains | Symbol::Overlaps if is_own(left) => vec![Index::Elements(column.name.clone())],
            _ => vec![],
        },
        _ => vec![],
    }
}

fn equality(
    left: &str,
    column: &NativeColumn,
    is_own: impl Fn(&str) -> bool,
    is_in_c: impl Fn(&str) -> bool,
) -> Vec<Index> {
    let index = |order| Index::Column(column.name.clone(), order);
    if is_in_c(left) {
        return vec![index(IndexOrder::C)];
    }
    if !is_own(left) {
        return vec![];
    }
    let mut indexes = vec![index(IndexOrder::Own)];
    if column.kind.has_patterns() {
        indexes.push(index(IndexOrder::Pattern));
    }
    indexes
}

#[cfg(test)]
mod tests {
    use super::super::tests::audience::{checked, contacts};
    use super::*;

    /// The choice as short text: `country own|pattern`, `plan typed|gin`, `any(…, …)`, `all(…, …)`.
    fn shown(choice: &Choice) -> String {
        let list = |choices: &[Choice]| choices.iter().map(shown).collect::<Vec<_>>().join(", ");
        match choice {
            Choice::Any(choices) => format!("any({})", list(choices)),
            Choice::All(choices) => format!("all({})", list(choices)),
            Choice::Tests(tests, indexes) => {
                let kind = |index: &Index| match index {
                    Index::Column(_, IndexOrder::Own) => "own",
                    Index::Column(_, IndexOrder::Pattern) => "pattern",
                    Index::Column(_, IndexOrder::C) => "c",
                    Index::Elements(_) => "elements",
                    Index::Property(_) => "typed",
                    Index::Properties => "gin",
                };
                let fields = tests.iter().map(|test| test.path.text()).collect::<Vec<_>>().join("&");
                format!("{fields} {}", indexes.iter().map(kind).collect::<Vec<_>>().join("|"))
            }
        }
    }

    #[test]
    fn each_test_is_served_by_the_indexes_that_its_sql_can_use() {
        for (condition, expected) in [
            (r#"{"country": "US"}"#, "country own|pattern"),
            (r#"{"country": {"$in": ["US", "DE"]}}"#, "country own|pattern"),
            (r#"{"country": {"$startsWith": "U"}}"#, "country pattern|c"),
            (r#"{"country": {"$gt": "U"}}"#, "country c"),
            (r#"{"nickname": "Bo"}"#, "nickname c"),
            (r#"{"email": "a@b.c"}"#, "email own"),
            (r#"{"age": {"$gte": 18}}"#, "age own"),
            (r#"{"balance": {"$gte": 18}}"#, "balance own"),
            (r#"{"seen_at": "2024-01-01"}"#, "seen_at own"),
            (r#"{"seen_at": {"$in": ["2024-01-01", "2024-02-01T00:00:00Z"]}}"#, "seen_at own"),
            (r#"{"seen_at": {"$period": "last week"}}"#, "seen_at own"),
            (r#"{"born": {"$in": [{"$period": "last week"}, {"$period": "this year"}]}}"#, "born own"),
            (r#"{"renews": {"$period": "next month"}}"#, "renews typed"),
            (r#"{"vip": false}"#, "vip own"),
            (r#"{"tags": "a"}"#, "tags elements"),
            (r#"{"tags": {"$in": ["a", "b"]}}"#, "tags elements"),
            (r#"{"size": {"$gte": 5}}"#, "size typed"),
            (r#"{"size": 5}"#, "size typed|gin"),
            (r#"{"plan": {"$startsWith": "p"}}"#, "plan typed"),
            (r#"{"renews": {"$lt": "2024-01-01"}}"#, "renews typed"),
            (r#"{"cart.sku": "x"}"#, "cart.sku gin"),
            (r#"{"cart.total": 5}"#, "cart.total typed|gin"),
            (r#"{"cart.total": {"$gt": 5}}"#, "cart.total typed"),
            (r#"{"country": "US", "size": 5}"#, "any(size typed|gin, country own|pattern)"),
            (r#"{"age": {"$gte": 18, "$lt": 21}}"#, "age&age own"),
            (r#"{"$and": [{"size": 5}, {"size": {"$lt": 21}}, {"vip": true}]}"#, "any(size&size typed, vip own)"),
            (r#"{"country": "US", "size": {"$ne": 5}}"#, "country own|pattern"),
            (r#"{"$or": [{"country": "US"}, {"size": {"$gt": 5}}]}"#, "all(country own|pattern, size typed)"),
        ] {
            let choice = Choice::of(&checked(condition), &contacts());
            assert_eq!(choice.as_ref().map(shown).as_deref(), Some(expected), "{condition}");
        }
    }

    #[test]
    fn what_a_missing_property_satisfies_no_index_serves() {
        for condition in [
            r#"{}"#,
            r#"{"country": {"$ne": "US"}}"#,
            r#"{"country": null}"#,
            r#"{"country": {"$in": ["US", null]}}"#,
            r#"{"country": {"$contains": "U"}}"#,
            r#"{"country": {"$regex": "^U"}}"#,
            r#"{"country": {"$exists": true}}"#,
            r#"{"size": {"$ne": 5}}"#,
            r#"{"extra": {"a": 1}}"#,
            r#"{"cart.price": {"$gt": 5}}"#,
            r#"{"lucky": {"$gt": 5}}"#,
            r#"{"$topic": "news"}"#,
            r#"{"$nor": [{"country": "US"}]}"#,
            r#"{"$or": [{"country": "US"}, {"size": {"$ne": 5}}]}"#,
        ] {
            assert_eq!(Choice::of(&checked(condition), &contacts()), None, "{condition}");
        }
    }
}
