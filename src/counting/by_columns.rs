//! Counting by a column index.

use crate::catalog::audience::Audience;
use crate::catalog::{contact_sql, indexes};
use crate::columns::count;
use crate::pg::indexed_columns::IndexedColumns;
use crate::pg::open_index::OpenIndex;
use crate::pg::{row, security, snapshot};
use crate::shared::settings::USE_COLUMNS;
use pgrx::pg_sys::Oid;
use segments_core::columns::Way;
use segments_core::expr::Checked;
use segments_core::row_conditions::on_row;

/// Counts the contacts that satisfy a condition, with the rights of the current role and in the active snapshot. `None`
/// where no index can: then a query does.
///
/// A SERIALIZABLE transaction has to read rows in a way that conflicts with writers, so it always asks the table.
pub fn count(audience: &Audience, condition: &Checked) -> Option<i64> {
    if !USE_COLUMNS.get() || snapshot::is_serializable() {
        return None;
    }
    let relation = audience.relation.oid;
    if security::row_security_applies(relation) || !security::may_read(relation) {
        return None;
    }
    let condition = on_row(&contact_sql::restricted(audience, condition), &audience.table, row::fold);
    indexes::in_columns(relation).into_iter().find_map(|index| of_index(audience, &condition, index))
}

fn of_index(audience: &Audience, condition: &Checked, index: Oid) -> Option<i64> {
    let open = OpenIndex::for_reading(index).filter(OpenIndex::is_told)?;
    let columns = IndexedColumns::of(&open);
    let properties = audience.table.properties.as_ref().map(|properties| properties.name.as_str());
    match Way::of(condition, &audience.table, &columns.answering(properties)) {
        Way::Columns(plan) => {
            let counted = count::count(&open, &columns, &audience.table, condition, &plan);
            Some(counted.rows as i64)
        }
        Way::Narrowed { .. } | Way::Heap(_) => None,
    }
}
