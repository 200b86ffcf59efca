//! Counting by a column index.

use crate::catalog::audience::Audience;
use crate::catalog::contact_sql;
use crate::catalog::indexes::{self, Part};
use crate::columns::count::{self, Answering, Counted};
use crate::pg::indexed_columns::IndexedColumns;
use crate::pg::open_index::OpenIndex;
use crate::pg::{row, security, snapshot};
use crate::shared::settings::USE_COLUMNS;
use pgrx::pg_sys::Oid;
use segments_core::columns::{Obstacle, Way};
use segments_core::expr::Checked;
use segments_core::row_conditions::on_row;

/// A count by an index, or by the indexes of several parts of a table.
pub struct ByIndex {
    /// The names of the indexes
    pub indexes: Vec<String>,
    pub counted: Counted,
    /// Why pages with images were counted row by row
    pub note: Option<String>,
}

/// An index that can answer a condition on the part of a table that it is on.
struct Ready {
    open: OpenIndex,
    columns: IndexedColumns,
    answering: Answering,
    /// What the index does not answer
    note: Option<String>,
}

/// Counts the contacts that satisfy a condition, with the rights of the current role and in the active snapshot.
///
/// A SERIALIZABLE transaction has to read rows in a way that conflicts with writers, so it always asks the table. Where
/// `old_snapshot_threshold` is set, VACUUM may remove rows that the snapshot sees, and only the table says so.
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
    if snapshot::may_become_too_old() {
        return Err("old_snapshot_threshold is set".to_owned());
    }
    let relation = audience.relation.oid;
    if security::row_security_applies(relation) {
        return Err("row security decides which rows the role sees".to_owned());
    }
    if !security::may_read(relation) {
        return Err("the role may not read every column of the table".to_owned());
    }
    let condition = on_row(&contact_sql::restricted(audience, condition), &audience.table, row::fold);
    let parts = indexes::parts(relation);
    if parts.is_empty() {
        return Err("the table has no parts yet".to_owned());
    }
    let ready: Result<Vec<Ready>, String> = parts.iter().map(|part| ready(audience, &condition, part)).collect();
    let mut by_index = ByIndex { indexes: Vec::new(), counted: Counted::default(), note: None };
    for Ready { open, columns, answering, note } in ready? {
        let counted = count::count(&open, &columns, &audience.table, &condition, &answering);
        by_index.counted += counted.ok_or_else(|| note.clone().unwrap_or_default())?;
        by_index.indexes.push(open.pages().name());
        by_index.note = by_index.note.or(note);
    }
    Ok(by_index)
}

/// An index that can answer the condition.
///
/// # Errors
/// There is none; the text says why.
fn ready(audience: &Audience, condition: &Checked, part: &Part) -> Result<Ready, String> {
    let mut why = format!("{} has no column index", part.name);
    for index in &part.in_columns {
        match of_index(audience, condition, *index) {
            Ok(ready) => return Ok(ready),
            Err(reason) => why = reason,
        }
    }
    Err(why)
}

fn of_index(audience: &Audience, condition: &Checked, index: Oid) -> Result<Ready, String> {
    let open = OpenIndex::for_reading(index).filter(OpenIndex::is_told);
    let open = open.ok_or_else(|| "the column index is not valid, or too new for the snapshot".to_owned())?;
    let columns = IndexedColumns::of(&open);
    let properties = audience.table.properties.as_ref().map(|properties| properties.name.as_str());
    let said = |obstacles: &[Obstacle]| obstacles.iter().map(Obstacle::to_string).collect::<Vec<_>>().join("; ");
    // Whatever else is not in the index is not in the table's rows either.
    let is_in_rows = |obstacle: &Obstacle| matches!(obstacle, Obstacle::NotIndexed(_));
    match Way::of(condition, &audience.table, &columns.answering(properties)) {
        Way::Columns(plan) => Ok(Ready { open, columns, answering: Answering::Wholly(plan), note: None }),
        Way::Narrowed { plan, obstacles, .. } if obstacles.iter().all(is_in_rows) => {
            Ok(Ready { open, columns, answering: Answering::Narrowing(plan), note: Some(said(&obstacles)) })
        }
        Way::Narrowed { obstacles, .. } | Way::Heap(obstacles) => Err(said(&obstacles)),
    }
}
