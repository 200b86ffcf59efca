//! Who may see what.

use crate::audience::{Audience, RelationKind};
use crate::pg::security;
use crate::query;
use crate::scope;
use crate::segment::Definition;
use pgrx::pg_sys;
use pgrx::spi::quote_qualified_identifier;
use segments_core::expr::Expr;
use segments_core::sql::{self, Used};

/// Whether the caller could have counted a segment for themselves: may SELECT every column used, with no row security
/// in the way, and not through a view of someone else's.
pub fn may_count(segment: &Definition) -> bool {
    let Ok(audience) = Audience::try_load(&segment.audience) else { return false };
    if audience.relation.kind == RelationKind::View && !security::has_rights_of(audience.relation.owner) {
        return false;
    }
    let Ok(checked) = scope::check_segment(&audience, segment) else { return false };
    let checked = Expr::and([scope::restriction(&audience), checked.checked]);
    may_select(&audience, &sql::used(&checked, &audience.table))
}

/// Whether the caller may SELECT everything that a condition reads, with no row security in the way.
pub fn may_select(audience: &Audience, used: &Used<'_>) -> bool {
    let columns = used.columns.iter().map(|column| column.name.as_str());
    let mut columns: Vec<&str> = columns.chain(used.properties.map(|column| column.name.as_str())).collect();
    if let Some(topics) = used.topics {
        columns.push(&topics.id_column);
        let relation = quote_qualified_identifier(&topics.relation.schema, &topics.relation.name);
        let subscriptions = [topics.contact_column.as_str(), topics.topic_column.name.as_str()];
        if !may_select_columns(&relation, &subscriptions) {
            return false;
        }
    }
    may_select_columns(&audience.relation.quoted(), &columns)
}

/// Whether the caller may SELECT the columns (any one, where none is named) of a relation to which no row security
/// applies.
fn may_select_columns(relation: &str, columns: &[&str]) -> bool {
    let columns: Vec<String> = columns.iter().map(|&column| column.to_owned()).collect();
    let found = query::first(MAY_SELECT, &[relation.into(), columns.into()], |row| {
        (row.get::<bool>(1), row.get::<pg_sys::Oid>(2))
    });
    found.is_some_and(|(granted, oid)| granted && !security::row_security_applies(oid))
}

const MAY_SELECT: &str = "
SELECT pg_catalog.has_table_privilege(r.oid, 'SELECT')
       OR (pg_catalog.has_any_column_privilege(r.oid, 'SELECT')
           AND COALESCE((SELECT pg_catalog.bool_and(pg_catalog.has_column_privilege(r.oid, c.name, 'SELECT'))
                           FROM pg_catalog.unnest($2) c(name)), true)),
       r.oid
  FROM (SELECT $1::pg_catalog.regclass::pg_catalog.oid) r(oid)";
