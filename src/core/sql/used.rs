//! What a condition reads.

use super::{ContactTable, NativeColumn, PropertiesColumn, RelationTable, Topics};
use crate::expr::{Atom, Checked, RowsAsked, RowsTest};
use crate::path::Path;

/// The parts of the table that a condition reads.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Used<'t> {
    /// The native columns, without duplicates
    pub columns: Vec<&'t NativeColumn>,
    /// The column with the custom properties
    pub properties: Option<&'t PropertiesColumn>,
    /// The subscriptions, which need the id, too
    pub topics: Option<&'t Topics>,
    /// The relations, without duplicates; the column with the contact's id is among `columns` then
    pub relations: Vec<UsedRelation<'t>>,
}

/// The parts of a relation that a condition reads.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UsedRelation<'t> {
    /// The relation
    pub relation: &'t RelationTable,
    /// The names of the columns, without duplicates: those that the condition and the relation's scope name, the one that
    /// says whose a row is and, where rows have an order, the primary key
    pub columns: Vec<&'t str>,
}

/// The parts of the table that the condition reads, for checks of privileges.
#[must_use]
pub fn used<'t>(checked: &Checked, table: &'t ContactTable) -> Used<'t> {
    let mut used = Used::default();
    checked.for_each(&mut |atom| {
        if matches!(atom, Atom::Topic(_)) {
            used.topics = table.topics.as_ref();
        }
        if let Atom::Rows(rows) = atom {
            used.add_rows(rows, table);
        }
        let id = matches!(atom, Atom::Bucket(_) | Atom::Rows(_)).then_some(table.id.as_str());
        for name in atom.paths().map(Path::first).chain(id) {
            match table.column(name) {
                None => used.properties = table.properties.as_ref(),
                Some(column) if used.columns.iter().any(|other| other.name == column.name) => {}
                Some(column) => used.columns.push(column),
            }
        }
    });
    used
}

impl<'t> Used<'t> {
    fn add_rows(&mut self, rows: &RowsTest, table: &'t ContactTable) {
        let Some(relation) = table.relation(&rows.relation) else { return };
        let position = self.relations.iter().position(|used| used.relation == relation).unwrap_or_else(|| {
            self.relations.push(UsedRelation { relation, columns: vec![&relation.rows.id] });
            self.relations.len() - 1
        });
        let mut names: Vec<&'t str> = Vec::new();
        let mut add = |path: &Path| match relation.rows.column(path.first()) {
            Some(column) => names.push(&column.name),
            None => names.extend(relation.rows.properties.as_ref().map(|properties| properties.name.as_str())),
        };
        rows.paths().into_iter().for_each(&mut add);
        relation.scope.for_each(&mut |test| test.paths().for_each(&mut add));
        if let RowsAsked::Elements(elements) = &rows.asked
            && elements.by().is_some()
        {
            names.extend(relation.key.iter().map(String::as_str));
        }
        let columns = &mut self.relations[position].columns;
        for name in names {
            if !columns.contains(&name) {
                columns.push(name);
            }
        }
    }
}
