//! The functions of triggers.

use crate::live::trigger_program;
use crate::pg::call::function_info;
use crate::pg::error::Failure;
use crate::pg::relcache;
use crate::pg::trigger::{Statement, trigger_data};
use pgrx::{PgSqlErrorCode, pg_sys};

/// The trigger function that keeps live counts.
///
/// # Safety
/// Called by Postgres.
#[pgrx::pg_guard]
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn segments_keep_counts(fcinfo: pg_sys::FunctionCallInfo) -> pg_sys::Datum {
    // SAFETY: by this function's own condition.
    match unsafe { Statement::of(fcinfo) } {
        Some(statement) => trigger_program::keep(statement),
        None => Failure::new(
            PgSqlErrorCode::ERRCODE_E_R_I_E_TRIGGER_PROTOCOL_VIOLATED,
            "segments.keep_counts() can only be called by a statement-level trigger",
        )
        .detail("It counts what one statement has changed, from the rows before and after it.")
        .hint("set_freshness('…', 'live') creates the triggers.")
        .raise(),
    }
    pg_sys::Datum::from(0)
}

/// The trigger function on the tables of definitions. It tells every backend that definitions have changed.
///
/// # Safety
/// Called by Postgres.
#[pgrx::pg_guard]
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn segments_definitions_changed(fcinfo: pg_sys::FunctionCallInfo) -> pg_sys::Datum {
    // SAFETY: by this function's own condition; the relation is open while its triggers fire.
    let relation = unsafe { trigger_data(fcinfo).map(|data| (*(*data).tg_relation).rd_id) };
    relation.into_iter().for_each(relcache::invalidate);
    pg_sys::Datum::from(0)
}

function_info!(pg_finfo_segments_keep_counts);
function_info!(pg_finfo_segments_definitions_changed);
