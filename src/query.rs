//! Queries that the extension itself runs.
//!
//! They name every table, function and operator with its schema, or stick to what `pg_catalog` holds and qualify
//! operators, because they run with whatever search_path the caller has.

use crate::error::internal;
use crate::pg::snapshot;
use crate::pg::spi::{Reading, Session, Tuple};
use pgrx::datum::{DatumWithOid, FromDatum, IntoDatum};

/// A row that a query returned.
pub struct Row<'r>(&'r Tuple);

impl Row<'_> {
    /// The value of a column, from 1, that is never NULL.
    pub fn get<T: FromDatum + IntoDatum>(&self, column: usize) -> T {
        self.nullable(column).unwrap_or_else(|| internal(format!("column {column} is NULL")).raise())
    }

    /// The value of a column, from 1.
    pub fn nullable<T: FromDatum + IntoDatum>(&self, column: usize) -> Option<T> {
        self.0.get(column)
    }
}

/// Reads each row of a query: in the snapshot that [`snapshot`] made active, or else in that of the statement that
/// called the extension, or in a new one where the transaction has written.
pub fn rows<T>(sql: &str, arguments: &[DatumWithOid], read: impl Fn(&Row<'_>) -> T) -> Vec<T> {
    let reading = if snapshot::is_chosen() || !snapshot::has_written() { Reading::Active } else { Reading::New };
    Session::open().query(sql, arguments, reading, |tuple| read(&Row(tuple)))
}

/// Reads the first row of a query, as [`rows`] does; `None` where there is none.
pub fn first<T>(sql: &str, arguments: &[DatumWithOid], read: impl Fn(&Row<'_>) -> T) -> Option<T> {
    rows(sql, arguments, read).into_iter().next()
}

/// Runs a statement that writes, or that is to see what this call has written, and reads each row.
pub fn write_rows<T>(sql: &str, arguments: &[DatumWithOid], read: impl Fn(&Row<'_>) -> T) -> Vec<T> {
    snapshot::will_write();
    Session::open().query(sql, arguments, Reading::New, |tuple| read(&Row(tuple)))
}

/// Runs a statement that writes and tells how many rows it concerned.
pub fn write(sql: &str, arguments: &[DatumWithOid]) -> usize {
    snapshot::will_write();
    Session::open().execute(sql, arguments, Reading::New)
}

/// As [`write()`], but it sees, and may change, everything committed by now, at any isolation level.
pub fn write_latest(sql: &str, arguments: &[DatumWithOid]) -> usize {
    Session::open().write_latest(sql, arguments)
}
