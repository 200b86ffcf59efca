//! Queries that the extension itself runs.
//!
//! They name every table, function and operator with its schema, or stick to what `pg_catalog` holds and qualify
//! operators, because they run with whatever search_path the caller has.

use crate::error::internal;
use pgrx::datum::{DatumWithOid, FromDatum, IntoDatum};
use pgrx::spi::{self, Spi, SpiHeapTupleData};

/// A row that a query returned.
pub struct Row<'r>(SpiHeapTupleData<'r>);

impl Row<'_> {
    /// The value of a column, from 1, that is never NULL.
    pub fn get<T: FromDatum + IntoDatum>(&self, column: usize) -> T {
        self.nullable(column).unwrap_or_else(|| internal(format!("column {column} is NULL")).raise())
    }

    /// The value of a column, from 1.
    pub fn nullable<T: FromDatum + IntoDatum>(&self, column: usize) -> Option<T> {
        checked(self.0.get(column))
    }
}

/// Reads each row of a query, in the snapshot of the statement that called the extension.
pub fn rows<T>(sql: &str, arguments: &[DatumWithOid], read: impl Fn(&Row<'_>) -> T) -> Vec<T> {
    Spi::connect(|client| {
        let table = checked(client.select(sql, None, arguments));
        table.map(|tuple| read(&Row(tuple))).collect()
    })
}

/// Reads the first row of a query, as [`rows`] does; `None` where there is none.
pub fn first<T>(sql: &str, arguments: &[DatumWithOid], read: impl Fn(&Row<'_>) -> T) -> Option<T> {
    rows(sql, arguments, read).into_iter().next()
}

/// Runs a statement that writes, or that is to see what this call has written, and reads each row.
pub fn write_rows<T>(sql: &str, arguments: &[DatumWithOid], read: impl Fn(&Row<'_>) -> T) -> Vec<T> {
    Spi::connect_mut(|client| {
        let table = checked(client.update(sql, None, arguments));
        table.map(|tuple| read(&Row(tuple))).collect()
    })
}

/// Runs a statement that writes and tells how many rows it concerned.
pub fn write(sql: &str, arguments: &[DatumWithOid]) -> usize {
    Spi::connect_mut(|client| checked(client.update(sql, None, arguments)).len())
}

fn checked<T>(result: spi::Result<T>) -> T {
    result.unwrap_or_else(|error| internal(error.to_string()).raise())
}
