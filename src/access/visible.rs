//! Whether a cached count may be shown.

use crate::audience::{Audience, Relation, RelationKind, Subscriptions};
use crate::pg::security;
use crate::query;
use crate::scope;
use crate::segment::Definition;
use segments_core::expr::Expr;
use segments_core::sql::{self, Used};

/// Whether the caller could have counted a segment for themselves: may SELECT every column used, with no row security
/// in the way, and not through a view of someone else's.
pub fn may_count(audience: &Audience, segment: &Definition) -> bool {
    let Ok(checked) = scope::check_segment(audience, segment) else { return false };
    let checked = Expr::and([audience.restriction.clone(), checked.checked]);
    may_select(audience, &sql::used(&checked, &audience.table))
}

/// Whether the caller may SELECT everything that a condition reads, and would see the same rows as the table's owner.
pub fn may_select(audience: &Audience, used: &Used<'_>) -> bool {
    let columns = used.columns.iter().map(|column| column.name.as_str());
    let mut columns: Vec<&str> = columns.chain(used.properties.map(|column| column.name.as_str())).collect();
    if let (Some(topics), Subscriptions::In(relation)) = (used.topics, &audience.topics) {
        columns.push(&topics.id_column);
        if !may_read(relation, &[&topics.contact_column, &topics.topic_column.name]) {
            return false;
        }
    }
    may_read(&audience.relation, &columns)
}

/// Whether the caller may SELECT the columns (any one, where none is named) of a relation, and sees all of its rows.
fn may_read(relation: &Relation, columns: &[&str]) -> bool {
    let columns: Vec<String> = columns.iter().map(|&column| column.to_owned()).collect();
    let granted =
        || query::first(MAY_SELECT, &[relation.oid.into(), columns.into()], |row| row.get::<bool>(1)) == Some(true);
    sees_all_rows(relation) && granted()
}

fn sees_all_rows(relation: &Relation) -> bool {
    match relation.kind {
        RelationKind::Table => !security::row_security_applies(relation.oid),
        // Its rows may depend on who asks, and its body reads with its owner's rights.
        RelationKind::View => security::has_rights_of(relation.owner),
        RelationKind::Foreign => {
            let arguments = [relation.oid.into(), security::current_role().into(), relation.owner.into()];
            query::first(SAME_MAPPING, &arguments, |row| row.get::<bool>(1)) == Some(true)
        }
    }
}

const MAY_SELECT: &str = "
SELECT pg_catalog.has_schema_privilege(c.relnamespace, 'USAGE')
   AND (pg_catalog.has_table_privilege(c.oid, 'SELECT')
        OR (pg_catalog.has_any_column_privilege(c.oid, 'SELECT')
            AND NOT EXISTS (SELECT FROM pg_catalog.pg_attribute a
                             WHERE a.attrelid OPERATOR(pg_catalog.=) c.oid
                               AND a.attname OPERATOR(pg_catalog.=) ANY ($2::pg_catalog.name[])
                               AND NOT pg_catalog.has_column_privilege(c.oid, a.attnum, 'SELECT'))))
  FROM pg_catalog.pg_class c WHERE c.oid OPERATOR(pg_catalog.=) $1";

// Otherwise the server at the other end may show the caller other rows than the owner.
const SAME_MAPPING: &str = "
SELECT $2 OPERATOR(pg_catalog.=) $3 OR NOT EXISTS (
       SELECT FROM pg_catalog.pg_foreign_table f
         JOIN pg_catalog.pg_user_mappings m ON m.srvid OPERATOR(pg_catalog.=) f.ftserver
        WHERE f.ftrelid OPERATOR(pg_catalog.=) $1 AND m.umuser OPERATOR(pg_catalog.=) ANY (ARRAY[$2, $3]))";
