//! Running the extension's own queries and reading their rows.
//!
//! A text that is a constant of the source code ([`QueryText::Constant`]) uses only the extension's own tables and
//! `pg_catalog`. It runs with a fixed search_path, so `=` is the operator of `pg_catalog`, whatever operators users
//! have created.
//!
//! A text that is made for a call ([`QueryText::Made`]) names tables of users. Their policies, views and functions must
//! run with the caller's search_path, so the text qualifies every table, function, type and operator.

use crate::pg::error::internal;
use crate::pg::plan::KeptPlan;
use crate::pg::rows::RowProgram;
use crate::pg::snapshot;
use crate::pg::spi::{QueryText, Reading, Session, connected};
use crate::pg::tuple::{Owned, Tuple};
use pgrx::datum::DatumWithOid;
use segments_core::program::Surroundings;
use segments_core::program_set::Matches;

/// A row that a query returned.
pub struct Row<'r>(&'r Tuple);

impl Row<'_> {
    /// The value of a column, counted from 1. Raises an internal error if it is NULL.
    pub fn get<T: Owned>(&self, column: usize) -> T {
        self.nullable(column).unwrap_or_else(|| internal(format!("column {column} is NULL")).raise())
    }

    /// The value of a column, counted from 1; `None` is NULL.
    pub fn nullable<T: Owned>(&self, column: usize) -> Option<T> {
        self.0.get(column)
    }

    /// Finds the conditions of the program that this row satisfies. The row begins with the columns of the program.
    pub fn matching(&self, program: &RowProgram, surroundings: Surroundings<'_>, matches: &mut Matches) {
        program.matching_tuple(self.0, surroundings, matches);
    }
}

/// Runs a query and reads each row. The query runs in the snapshot that [`snapshot`] made active, otherwise in a new
/// snapshot if the transaction has written, otherwise in the snapshot of the statement that called the extension.
pub fn rows<'q, T>(sql: impl Into<QueryText<'q>>, arguments: &[DatumWithOid], read: impl Fn(&Row<'_>) -> T) -> Vec<T> {
    connected(|session| session.query(sql.into(), arguments, Reading::usual(), |tuple| read(&Row(tuple))))
}

/// Like [`rows`], with a plan that the caller keeps.
pub fn kept_rows<T>(
    session: &Session,
    plan: &KeptPlan,
    arguments: &[DatumWithOid],
    read: impl Fn(&Row<'_>) -> T,
) -> Vec<T> {
    session.run(plan, arguments, Reading::usual(), |tuple| read(&Row(tuple)))
}

/// Like [`first`], for a query whose arguments are texts that may be large. The planner does not treat them as constants,
/// so they are not copied into the plan.
pub fn first_with_texts<T>(sql: &str, arguments: &[&str], read: impl Fn(&Row<'_>) -> T) -> Option<T> {
    let read = |tuple: &Tuple| read(&Row(tuple));
    connected(|session| session.query_with(sql, arguments, Reading::usual(), read)).into_iter().next()
}

/// Like [`rows`], but reads the first row only; `None` if there are no rows.
pub fn first<'q, T>(
    sql: impl Into<QueryText<'q>>,
    arguments: &[DatumWithOid],
    read: impl Fn(&Row<'_>) -> T,
) -> Option<T> {
    rows(sql, arguments, read).into_iter().next()
}

/// Runs EXPLAIN and reads the first row. Postgres does not allow EXPLAIN in a read-only query, so it runs as one that
/// may write.
pub fn explained<T>(sql: &String, arguments: &[DatumWithOid], read: impl Fn(&Row<'_>) -> T) -> Option<T> {
    let read = |tuple: &Tuple| read(&Row(tuple));
    connected(|session| session.query(sql.into(), arguments, Reading::New, read)).into_iter().next()
}

/// The planner's total cost of a query, from an EXPLAIN with FORMAT json.
pub fn cost(explain: &String, arguments: &[DatumWithOid]) -> Option<f64> {
    plan(explain, arguments)?.get("Total Cost")?.as_f64()
}

/// The topmost node of a plan, from an EXPLAIN with FORMAT json.
pub fn plan(explain: &String, arguments: &[DatumWithOid]) -> Option<serde_json::Value> {
    let mut plan = explained(explain, arguments, |row| row.get::<pgrx::Json>(1))?;
    Some(plan.0.get_mut(0)?.get_mut("Plan")?.take())
}

/// Runs a statement that writes, or that must see what this call has written, and reads each row.
pub fn write_rows<'q, T>(
    sql: impl Into<QueryText<'q>>,
    arguments: &[DatumWithOid],
    read: impl Fn(&Row<'_>) -> T,
) -> Vec<T> {
    snapshot::will_write();
    connected(|session| session.query(sql.into(), arguments, Reading::New, |tuple| read(&Row(tuple))))
}

/// Runs a statement that writes, and returns how many rows it returned or changed.
pub fn write<'q>(sql: impl Into<QueryText<'q>>, arguments: &[DatumWithOid]) -> usize {
    snapshot::will_write();
    connected(|session| session.execute(sql.into(), arguments, Reading::New))
}

/// Like [`write()`], but the statement sees and may change everything that is committed by now, at any isolation level.
pub fn write_latest(sql: &'static str, arguments: &[DatumWithOid]) -> usize {
    connected(|session| session.write_latest(sql, arguments))
}

/// Like [`write_latest`], and reads each row.
pub fn write_latest_rows<T>(sql: &'static str, arguments: &[DatumWithOid], read: impl Fn(&Row<'_>) -> T) -> Vec<T> {
    connected(|session| session.write_latest_rows(sql, arguments, |tuple| read(&Row(tuple))))
}
