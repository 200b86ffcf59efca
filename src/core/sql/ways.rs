//! Queries on all contacts, which can be joined with what is gathered of their rows in relations.

use super::rows::{self, Ends, Gathered, Gathering, Joins, RowsRead, simplified};
use super::table::{ContactTable, RelationTable};
use super::writer::{Style, Writer};
use super::{Compiler, where_clause};
use crate::expr::{Checked, Expr};

/// Conditions for one query on all contacts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Joined {
    /// What contacts are joined with, for `FROM`, after the table; it may be empty. It adds no rows
    pub joins: String,
    /// The conditions on the row that this gives. Columns of contacts have the style's alias, or else the table's name, as
    /// prefix
    pub conditions: Vec<String>,
}

/// Compiles conditions for a query that tells for each contact which of them it satisfies. Each relation is read once,
/// whatever the number of conditions is.
#[must_use]
pub fn joined(conditions: &[Checked], table: &ContactTable, style: &Style) -> Joined {
    let simple: Vec<Checked> = conditions.iter().map(|condition| simplified(condition, table)).collect();
    joined_with(&simple, table, style, Ends::Sorted)
}

fn joined_with(simple: &[Checked], table: &ContactTable, style: &Style, ends: Ends) -> Joined {
    let style = prefixed(table, style);
    let compiler = Compiler { table, writer: Writer(&style), joins: None, ends };
    let joins = Joins::of(&compiler, simple);
    let compiler = Compiler { joins: Some(&joins), ..compiler };
    let conditions = simple.iter().map(|condition| compiler.writer.write(&compiler.sql(compiler.part(condition))));
    Joined { conditions: conditions.collect(), joins: joins.from().to_owned() }
}

/// Joins contacts with what an aggregate gathers of their rows in relations. `contacts` restricts the contacts of the query,
/// where it is not always true.
#[must_use]
pub fn gathered(gatherings: &[Gathering<'_>], contacts: &Checked, table: &ContactTable, style: &Style) -> Gathered {
    let style = prefixed(table, style);
    let contacts = (*contacts != Expr::Const(true)).then(|| where_clause(contacts, table, &style));
    rows::joined_with(gatherings, contacts.as_deref(), table, Writer(&style))
}

/// The query for the rows of a relation that belong to some contacts and satisfy its scope. `table` is that of contacts.
#[must_use]
pub fn rows_read(relation: &RelationTable, read: &RowsRead<'_>, table: &ContactTable, style: &Style) -> String {
    rows::rows_read(relation, read, table, Writer(&prefixed(table, style)))
}

fn prefixed(table: &ContactTable, style: &Style) -> Style {
    Style { alias: style.alias.clone().or_else(|| Some(table.name.clone())), ..style.clone() }
}

/// A way to find the contacts who satisfy a condition.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Way {
    /// The query, with the one condition
    pub joined: Joined,
    /// Whether it looks up the rows of one contact after the other, of those who satisfy what does not depend on rows
    pub looks_up: bool,
}

/// Compiles a condition for queries on all contacts that have the same result. Which one is the fastest depends on what the
/// tables hold. The first one never depends on it much.
#[must_use]
pub fn ways(checked: &Checked, table: &ContactTable, style: &Style) -> Vec<Way> {
    let simple = simplified(checked, table);
    let style = prefixed(table, style);
    let needs_joins = rows::needs_joins(&simple);
    // Of many tests, Postgres would not finish a plan that has a sub-query for each.
    let are_few = rows::tests_of(&simple).len() <= rows::MOST_JOINS;
    let mut ways: Vec<Way> = Vec::new();
    let mut add = |joined| {
        let way = Way { joined, looks_up: false };
        if !ways.contains(&way) {
            ways.push(way);
        }
    };
    for ends in [Ends::Sorted, Ends::Compared] {
        let compiler = Compiler { table, writer: Writer(&style), joins: None, ends };
        let alone = |sql| Joined { joins: String::new(), conditions: vec![compiler.writer.write(&sql)] };
        if !needs_joins {
            add(alone(compiler.conjunction(&simple)));
            continue;
        }
        add(joined_with(std::slice::from_ref(&simple), table, &style, ends));
        if !are_few {
            continue;
        }
        let in_place = Joins::in_place(&compiler, &simple);
        let inner = Compiler { joins: Some(&in_place), ..compiler };
        add(alone(inner.sql(inner.part(&simple))));
    }
    let compiler = Compiler { table, writer: Writer(&style), joins: None, ends: Ends::Sorted };
    if are_few || !needs_joins {
        ways.extend(compiler.looked_up(&simple).into_iter().map(|joined| Way { joined, looks_up: true }));
    }
    ways
}
