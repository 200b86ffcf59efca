//! Counting by a column index.

use crate::catalog::audience::Audience;
use crate::catalog::{contact_sql, indexes};
use crate::columns::count::{self, Counted};
use crate::pg::indexed_columns::IndexedColumns;
use crate::pg::open_index::OpenIndex;
use crate::pg::{row, security, snapshot};
use crate::shared::settings::USE_COLUMNS;
use pgrx::pg_sys::Oid;
use segments_core::columns::{Obstacle, Way};
use segments_core::expr::Checked;
use segments_core::row_conditions::on_row;

/// A count by an index.
pub struct ByIndex {
    /// The name of the index
    pub index: String,
    pub counted: Counted,
}

/// Counts the contacts that satisfy a condition, with the rights of the current role and in the active snapshot.
///
/// A SERIALIZABLE transaction has to read rows in a way that conflicts with writers, so it always asks the table.
///
/// # Errors
/// No index can count them. Then a query does; the text says why.
pub fn count(audience: &Audience, condition: &Checked) -> Result<ByIndex, String> {
    if !USE_COLUMNS.get() {
        return Err("segments.use_columns is off".to_owned());
    }
    if snapshot::is_serializable() {
        return Err("the transaction is SERIALIZABLE".to_owned());
    }
    let relation = audience.relation.oid;
    if security::row_security_applies(relation) {
        return Err("row security decides which rows the role sees".to_owned());
    }
    if !security::may_read(relation) {
        return Err("the role may not read every column of the table".to_owned());
    }
    let condition = on_row(&contact_sql::restricted(audience, condition), &audience.table, row::fold);
    let mut why = "the table has no column index, or it has parts".to_owned();
    for index in indexes::in_columns(relation) {
        match of_index(audience, &condition, index) {
            Ok(found) => return Ok(found),
            Err(reason) => why = reason,
        }
    }
    Err(why)
}

fn of_index(audience: &Audience, condition: &Checked, index: Oid) -> Result<ByIndex, String> {
    let open = OpenIndex::for_reading(index).filter(OpenIndex::is_told);
    let open = open.ok_or_else(|| "the column index is not valid, or too new for the snapshot".to_owned())?;
    let columns = IndexedColumns::of(&open);
    let properties = audience.table.properties.as_ref().map(|properties| properties.name.as_str());
    match Way::of(condition, &audience.table, &columns.answering(properties)) {
        Way::Columns(plan) => {
            let counted = count::count(&open, &columns, &audience.table, condition, &plan);
            Ok(ByIndex { index: open.pages().name(), counted })
        }
        Way::Narrowed { obstacles, .. } | Way::Heap(obstacles) => {
            Err(obstacles.iter().map(Obstacle::to_string).collect::<Vec<_>>().join("; "))
        }
    }
}
