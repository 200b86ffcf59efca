//! Returning the result of a query from a function. No value is converted to Rust.

use crate::pg::call::Call;
use crate::pg::error::{Failure, internal};
use crate::pg::spi::{self, QueryText, Reading, connected};
use pgrx::datum::DatumWithOid;
use pgrx::pg_sys;
use pgrx::{AnyElement, FromDatum, PgSqlErrorCode};
use std::ffi::c_char;

/// The first column of the first row of a query, for a function to return; `None` if there are no rows. The query may
/// write.
pub fn value<'q>(sql: impl Into<QueryText<'q>>, arguments: &[DatumWithOid]) -> Option<AnyElement> {
    if spi::memory_is_of_connection() {
        internal("a value for a function to return would be freed with the connection around it").raise()
    }
    connected(|session| {
        session.execute(sql.into(), arguments, Reading::New);
        // SAFETY: after a successful execution SPI_tuptable is null or holds the rows until the connection is closed.
        // SPI_datumTransfer copies the value into the memory context that was current before the connection was opened.
        unsafe {
            let table = pg_sys::SPI_tuptable;
            if table.is_null() || pg_sys::SPI_processed == 0 {
                return None;
            }
            let descriptor = (*table).tupdesc;
            let mut is_null = false;
            let datum = pg_sys::SPI_getbinval(*(*table).vals, descriptor, 1, &raw mut is_null);
            if is_null {
                return None;
            }
            let type_id = pg_sys::SPI_gettypeid(descriptor, 1);
            let (mut length, mut by_value) = (0, false);
            pg_sys::get_typlenbyval(type_id, &raw mut length, &raw mut by_value);
            let kept = pg_sys::SPI_datumTransfer(datum, by_value, length.into());
            AnyElement::from_polymorphic_datum(kept, false, type_id)
        }
    })
}

/// Returns every row of a query as a row of the called set-returning function. The query reads as [`Reading::usual`].
/// Rows past `work_mem` go to a temporary file.
pub fn rows<'q>(call: Call, sql: impl Into<QueryText<'q>>, arguments: &[DatumWithOid]) {
    let receiver = receiver(call);
    // SAFETY: the receiver outlives the connection.
    connected(|session| unsafe { session.execute_into(receiver, sql.into(), arguments, Reading::usual()) });
}

/// Returns the rows of several queries, one after the other, at most `most` rows. The only argument of each query is
/// how many rows are still missing.
pub fn first_rows(call: Call, queries: &[String], most: i64) {
    let receiver = receiver(call);
    connected(|session| {
        let mut missing = most;
        for sql in queries {
            let arguments = [missing.into()];
            // SAFETY: the receiver outlives the connection.
            missing -= unsafe { session.execute_into(receiver, sql.into(), &arguments, Reading::usual()) } as i64;
            if missing == 0 {
                return;
            }
        }
    });
}

/// A receiver that puts the rows of a query into the result of the call. It raises if they have other columns than the
/// result.
fn receiver(call: Call) -> *mut pg_sys::DestReceiver {
    let rows = store(call);
    // SAFETY: `store` checks the node. The tuplestore, its columns and the receiver live in the per-query context, which
    // outlives the execution.
    unsafe {
        let result = (*call.as_ptr()).resultinfo.cast::<pg_sys::ReturnSetInfo>();
        let receiver = pg_sys::CreateDestReceiver(pg_sys::CommandDest::DestTuplestore);
        SetTuplestoreDestReceiverParams(
            receiver,
            rows,
            (*(*result).econtext).ecxt_per_query_memory,
            false,
            (*result).setDesc,
            c"the query has other columns than the function".as_ptr(),
        );
        receiver
    }
}

/// The rows that a call returns, of which there are none yet.
pub(super) fn store(call: Call) -> *mut pg_sys::Tuplestorestate {
    expected(call);
    // SAFETY: `expected` checks the node. InitMaterializedSRF checks that the caller accepts a tuplestore, which lives in
    // the per-query context.
    unsafe {
        pg_sys::InitMaterializedSRF(call.as_ptr(), pg_sys::MAT_SRF_USE_EXPECTED_DESC);
        (*(*call.as_ptr()).resultinfo.cast::<pg_sys::ReturnSetInfo>()).setResult
    }
}

/// The columns that the caller of a set-returning function expects. Raises if it expects none.
pub(super) fn expected(call: Call) -> pg_sys::TupleDesc {
    // SAFETY: Postgres passes a ReturnSetInfo to a set-returning function; the tag of the node is checked.
    unsafe {
        let result = (*call.as_ptr()).resultinfo.cast::<pg_sys::ReturnSetInfo>();
        let knows_columns = !result.is_null()
            && pgrx::is_a(result.cast(), pg_sys::NodeTag::T_ReturnSetInfo)
            && !(*result).expectedDesc.is_null();
        if !knows_columns {
            Failure::new(
                PgSqlErrorCode::ERRCODE_FEATURE_NOT_SUPPORTED,
                "set-valued function called in context that cannot accept a set",
            )
            .detail("The function returns rows.")
            .hint("Call it in FROM.")
            .raise()
        }
        (*result).expectedDesc
    }
}

// executor/tstoreReceiver.h, which pgrx's bindings leave out. It fills in the receiver and cannot raise.
unsafe extern "C-unwind" {
    fn SetTuplestoreDestReceiverParams(
        receiver: *mut pg_sys::DestReceiver,
        tuplestore: *mut pg_sys::Tuplestorestate,
        context: pg_sys::MemoryContext,
        detoast: bool,
        target: pg_sys::TupleDesc,
        map_failure_message: *const c_char,
    );
}
