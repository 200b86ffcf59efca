//! What a query gives, returned by a function as it is: no value passes through Rust.

use crate::pg::call::Call;
use crate::pg::spi::{QueryText, Reading, Session};
use pgrx::datum::DatumWithOid;
use pgrx::pg_sys;
use pgrx::{AnyElement, FromDatum};
use std::ffi::c_char;

/// The first column of the query's first row, in the memory of the function that returns it; `None` where there is
/// no row. The query may write.
pub fn value<'q>(sql: impl Into<QueryText<'q>>, arguments: &[DatumWithOid]) -> Option<AnyElement> {
    let session = Session::open();
    session.execute(sql.into(), arguments, Reading::New);
    // SAFETY: after a successful execution SPI_tuptable holds what the query returned until the connection closes;
    // SPI_datumTransfer copies the value into the memory context that was current before the connection opened.
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
}

/// Every row of the query, read as [`Reading::usual`], as the rows of the set-returning function that is being called,
/// whose columns it has. Rows past `work_mem` go to a temporary file.
pub fn rows<'q>(call: Call, sql: impl Into<QueryText<'q>>, arguments: &[DatumWithOid]) {
    let receiver = receiver(call);
    // SAFETY: the receiver outlives the connection.
    unsafe { Session::open().execute_into(receiver, sql.into(), arguments, Reading::usual()) };
}

/// The first rows of several queries, one after the other, whose only argument is how many rows may still come.
pub fn first_rows(call: Call, queries: &[String], most: i64) {
    let receiver = receiver(call);
    let session = Session::open();
    let mut missing = most;
    for sql in queries {
        // SAFETY: the receiver outlives the connection.
        missing -= unsafe { session.execute_into(receiver, sql.into(), &[missing.into()], Reading::usual()) } as i64;
        if missing == 0 {
            return;
        }
    }
}

fn receiver(call: Call) -> *mut pg_sys::DestReceiver {
    // SAFETY: the call is to a set-returning function; InitMaterializedSRF checks that its caller takes a tuplestore.
    // The tuplestore and its receiver live in the per-query context, which outlives the execution.
    unsafe {
        pg_sys::InitMaterializedSRF(call.as_ptr(), pg_sys::MAT_SRF_USE_EXPECTED_DESC);
        let result = (*call.as_ptr()).resultinfo.cast::<pg_sys::ReturnSetInfo>();
        let receiver = pg_sys::CreateDestReceiver(pg_sys::CommandDest::DestTuplestore);
        SetTuplestoreDestReceiverParams(
            receiver,
            (*result).setResult,
            (*(*result).econtext).ecxt_per_query_memory,
            false,
            std::ptr::null_mut(),
            std::ptr::null(),
        );
        receiver
    }
}

// executor/tstoreReceiver.h, which pgrx's bindings leave out; it only fills in the receiver and cannot raise.
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
