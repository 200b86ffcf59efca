//! Catching errors, either to go on after them or to raise other ones in their place.

use crate::pg::error::{Failure, sqlstate_text};
use pgrx::pg_sys::panic::{CaughtError, ErrorReportWithLevel};
use pgrx::{PgSqlErrorCode, PgTryBuilder, pg_sys};
use std::panic::AssertUnwindSafe;

/// An error that was caught.
pub struct Raised {
    pub sqlstate: PgSqlErrorCode,
    report: Box<ErrorReportWithLevel>,
}

impl Raised {
    /// Its message. It may quote data.
    pub fn message(&self) -> &str {
        self.report.message()
    }

    /// Raises it again. It is no `PostgresError` any more, because Postgres has forgotten an error that was caught.
    pub fn raise(self) -> ! {
        CaughtError::ErrorReport(*self.report).rethrow()
    }
}

/// Runs `work` in a subtransaction. An error rolls the subtransaction back and is returned. An error that concerns the
/// whole statement, such as a cancel, is raised again.
///
/// # Errors
/// `work` raised.
pub fn attempt<T>(work: impl FnOnce() -> T) -> Result<T, Raised> {
    // SAFETY: as in the exception blocks of PL/pgSQL (exec_stmt_block in src/pl/plpgsql/src/pl_exec.c). However `work`
    // ends, the subtransaction is released or rolled back, and the previous memory context and resource owner are
    // current again.
    unsafe {
        let (context, owner) = (pg_sys::CurrentMemoryContext, pg_sys::CurrentResourceOwner);
        let back = move || {
            pg_sys::CurrentMemoryContext = context;
            pg_sys::CurrentResourceOwner = owner;
        };
        pg_sys::BeginInternalSubTransaction(std::ptr::null());
        pg_sys::CurrentMemoryContext = context;
        PgTryBuilder::new(AssertUnwindSafe(|| {
            let value = work();
            pg_sys::ReleaseCurrentSubTransaction();
            back();
            Ok(value)
        }))
        .catch_others(|error| {
            pg_sys::RollbackAndReleaseCurrentSubTransaction();
            back();
            match error {
                CaughtError::PostgresError(report) | CaughtError::ErrorReport(report)
                    if !concerns_all(report.sql_error_code()) =>
                {
                    Err(Raised { sqlstate: report.sql_error_code(), report: Box::new(report) })
                }
                error => error.rethrow(),
            }
        })
        .execute()
    }
}

/// Runs `work`, whose errors may quote data. Raises in their place what `reword` makes of their SQLSTATE and message.
/// An error that concerns the whole statement is raised again unchanged.
pub fn rewording<T>(work: impl FnOnce() -> T, reword: impl Fn(PgSqlErrorCode, &str) -> Failure) -> T {
    let reword = AssertUnwindSafe(reword);
    PgTryBuilder::new(AssertUnwindSafe(work))
        .catch_others(|error| match &error {
            CaughtError::PostgresError(report) | CaughtError::ErrorReport(report)
                if !concerns_all(report.sql_error_code()) =>
            {
                // A closure that used `reword.0` directly would capture the field without its AssertUnwindSafe.
                let reword = &reword;
                // SAFETY: the error is handled: another one takes its place. Postgres has room for five that are not.
                unsafe { pg_sys::FlushErrorState() };
                (reword.0)(report.sql_error_code(), report.message()).raise()
            }
            _ => error.rethrow(),
        })
        .execute()
}

/// Runs `work`. An error of one of its queries is raised without the query's text and position. Users did not write the
/// query, and it may contain conditions that they may not see. The error still names a constraint and its table.
pub fn hiding_queries<T>(work: impl FnOnce() -> T) -> T {
    PgTryBuilder::new(AssertUnwindSafe(work))
        .catch_others(|error| {
            if let CaughtError::PostgresError(_) = &error {
                // SAFETY: the error is Postgres's last one. Its copy, which belongs to the current memory context, takes its
                // place.
                unsafe {
                    let copy = pg_sys::CopyErrorData();
                    pg_sys::FlushErrorState();
                    (*copy).cursorpos = 0;
                    (*copy).internalpos = 0;
                    (*copy).internalquery = std::ptr::null_mut();
                    // The calls around this one add theirs again.
                    (*copy).context = std::ptr::null_mut();
                    pg_sys::ThrowErrorData(copy);
                }
            }
            error.rethrow()
        })
        .execute()
}

/// Whether an error concerns the whole statement: a cancel or a shutdown, or an error that may not occur again when the
/// statement is repeated.
fn concerns_all(code: PgSqlErrorCode) -> bool {
    let sqlstate = sqlstate_text(code);
    TRANSIENT.contains(&sqlstate.as_str())
        || sqlstate.starts_with(LACK_OF_RESOURCES)
        || matches!(
            code,
            PgSqlErrorCode::ERRCODE_QUERY_CANCELED
                | PgSqlErrorCode::ERRCODE_ADMIN_SHUTDOWN
                | PgSqlErrorCode::ERRCODE_CRASH_SHUTDOWN
        )
}

// A serialization failure, a deadlock, and a lock that is not available. Event triggers raise these again, too, and do so
// where the library is missing, so `segments.must_fail` (sql/live.sql) has the same list. A test of core compares them.
const TRANSIENT: [&str; 3] = ["40001", "40P01", "55P03"];
const LACK_OF_RESOURCES: &str = "53";
