//! The tables other than that of contacts whose rows conditions read, if triggers could follow these.

use super::{Audience, RelatedRows, Subscriptions, TableKind, TableRef};
use segments_core::sql::Topics;

/// The name of the table of subscriptions among the relations of an audience.
pub const TOPICS: &str = "$topic";

/// A table other than that of contacts whose rows belong to contacts.
#[derive(Clone, Copy)]
pub struct Other<'a> {
    /// The name of the relation, or `$topic`
    pub name: &'a str,
    pub relation: &'a TableRef,
    pub rows: OtherRows<'a>,
}

/// What its rows are.
#[derive(Clone, Copy)]
pub enum OtherRows<'a> {
    Topics(&'a Topics),
    Of(&'a RelatedRows),
}

impl Audience {
    /// The table of subscriptions, and the tables of relations: those of the owner of the contacts' table, because triggers on them
    /// run with the owner's rights. The table of contacts itself is none, because a change of one of its rows may concern
    /// other contacts.
    pub fn others(&self) -> impl Iterator<Item = Other<'_>> {
        let topics = match (&self.topics, &self.table.topics) {
            (Subscriptions::In(relation), Some(topics)) => {
                Some(Other { name: TOPICS, relation, rows: OtherRows::Topics(topics) })
            }
            _ => None,
        };
        let relations = self.relations.iter().filter_map(|related| {
            let rows = related.rows.as_ref().ok()?;
            let relation = &rows.rows.relation;
            let is_own = relation.owner == self.relation.owner && relation.oid != self.relation.oid;
            let can_be_followed = is_own && relation.kind == TableKind::Table && rows.can_be_followed(&self.id);
            can_be_followed.then_some(Other { name: &related.name, relation, rows: OtherRows::Of(rows) })
        });
        topics.into_iter().chain(relations)
    }
}

impl Other<'_> {
    /// The column that says whose a row is.
    pub fn contact_column(&self) -> &str {
        match self.rows {
            OtherRows::Topics(topics) => &topics.contact_column,
            OtherRows::Of(related) => &related.rows.id.name,
        }
    }
}
