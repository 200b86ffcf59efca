//! Queries that the extension itself runs.
//!
//! A text that is a constant of the source ([`QueryText::Constant`]) is about the extension's own tables and
//! `pg_catalog`. It runs with a fixed search_path: `=` is the operator of `pg_catalog`, whatever the caller has made.
//!
//! A text that was made for the call ([`QueryText::Made`]) names users' tables, whose policies, views and functions must
//! see the caller's search_path. So it qualifies every table, function, type and operator.

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
    /// The value of a column, from 1, that is never NULL.
    pub fn get<T: Owned>(&self, column: usize) -> T {
        self.nullable(column).unwrap_or_else(|| internal(format!("column {column} is NULL")).raise())
    }

    /// The value of a column, from 1.
    pub fn nullable<T: Owned>(&self, column: usize) -> Option<T> {
        self.0.get(column)
    }

    /// Finds the conditions that it satisfies; its first columns are those of the program.
    pub fn matching(&self, program: &RowProgram, surroundings: Surroundings<'_>, matches: &mut Matches) {
        program.matching_tuple(self.0, surroundings, matches);
    }
}

/// Reads each row of a query: in the snapshot that [`snapshot`] made active, or else in that of the statement that
/// called the extension, or in a new one where the transaction has written.
pub fn rows<'q, T>(sql: impl Into<QueryText<'q>>, arguments: &[DatumWithOid], read: impl Fn(&Row<'_>) -> T) -> Vec<T> {
    connected(|session| session.query(sql.into(), arguments, Reading::usual(), |tuple| read(&Row(tuple))))
}

/// As [`rows`], with a plan that the caller keeps.
pub fn kept_rows<T>(
    session: &Session,
    plan: &KeptPlan,
    arguments: &[DatumWithOid],
    read: impl Fn(&Row<'_>) -> T,
) -> Vec<T> {
    session.run(plan, arguments, Reading::usual(), |tuple| read(&Row(tuple)))
}

/// Reads the first row of a query, as [`rows`] does, whose only argument is a text that may be large: the planner does
/// not make a constant of it.
pub fn first_with_text<T>(sql: &str, argument: &str, read: impl Fn(&Row<'_>) -> T) -> Option<T> {
    let read = |tuple: &Tuple| read(&Row(tuple));
    connected(|session| session.query_with(sql, argument, Reading::usual(), read)).into_iter().next()
}

/// Reads the first row of a query, as [`rows`] does; `None` where there is none.
pub fn first<'q, T>(
    sql: impl Into<QueryText<'q>>,
    arguments: &[DatumWithOid],
    read: impl Fn(&Row<'_>) -> T,
) -> Option<T> {
    rows(sql, arguments, read).into_iter().next()
}

/// Reads the first row of what EXPLAIN says, which is not allowed where nothing may be written, though it writes
/// nothing.
pub fn explained<T>(sql: &String, arguments: &[DatumWithOid], read: impl Fn(&Row<'_>) -> T) -> Option<T> {
    let read = |tuple: &Tuple| read(&Row(tuple));
    connected(|session| session.query(sql.into(), arguments, Reading::New, read)).into_iter().next()
}

/// What the planner thinks that a query costs, which is EXPLAINed in the format json.
pub fn cost(explain: &String, arguments: &[DatumWithOid]) -> Option<f64> {
    let plan = explained(explain, arguments, |row| row.get::<pgrx::Json>(1))?;
    plan.0.get(0)?.get("Plan")?.get("Total Cost")?.as_f64()
}

/// Runs a statement that writes, or that is to see what this call has written, and reads each row.
pub fn write_rows<'q, T>(
    sql: impl Into<QueryText<'q>>,
    arguments: &[DatumWithOid],
    read: impl Fn(&Row<'_>) -> T,
) -> Vec<T> {
    snapshot::will_write();
    connected(|session| session.query(sql.into(), arguments, Reading::New, |tuple| read(&Row(tuple))))
}

/// Runs a statement that writes and tells how many rows it concerned.
pub fn write<'q>(sql: impl Into<QueryText<'q>>, arguments: &[DatumWithOid]) -> usize {
    snapshot::will_write();
    connected(|session| session.execute(sql.into(), arguments, Reading::New))
}

/// As [`write()`], but it sees, and may change, everything committed by now, at any isolation level.
pub fn write_latest(sql: &'static str, arguments: &[DatumWithOid]) -> usize {
    connected(|session| session.write_latest(sql, arguments))
}
