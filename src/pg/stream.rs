//! Returning the rows of a query from a function one at a time, as the caller asks for them.
//!
//! Postgres: functions in SQL do the same (`fmgr_sql` in `src/backend/executor/functions.c`). In FROM, Postgres stores all
//! rows of a function before it returns the first one, so there a stream is not possible.

use crate::pg::call::Call;
use crate::pg::error::internal;
use crate::pg::subtransaction::hiding_queries;
use pgrx::pg_sys::{self, Datum};
use pgrx::{AnyElement, FromDatum, PgList, is_a, pg_guard};
use std::ffi::{CString, c_int, c_void};

/// What a call site keeps: the query whose rows it returns, if one has begun.
#[derive(Default)]
struct Site {
    running: Option<Running>,
}

/// A query of one column that has begun.
struct Running {
    query: *mut pg_sys::QueryDesc,
    receiver: *mut Receiver,
    memory: pg_sys::MemoryContext,
    /// The context whose end ends the query
    expression: *mut pg_sys::ExprContext,
}

/// Whether the caller of a set-returning function takes one row at a time.
pub fn is_possible(call: Call) -> bool {
    caller(call).is_some_and(|result| {
        let modes = result.allowedModes as u32;
        modes & pg_sys::SetFunctionReturnMode::SFRM_ValuePerCall != 0
            && modes & pg_sys::SetFunctionReturnMode::SFRM_Materialize_Preferred == 0
    })
}

/// Begins to return the values of a query's only column, whose type is that of the function. The query runs with the
/// rights of the current role and reads the active snapshot. It changes nothing.
pub fn begin(call: Call, sql: &str) {
    let (Some(mut site), Some(result)) = (call.site(Site::default), caller(call)) else { return };
    // SAFETY: the site stays where it is until the query of the caller ends, which the context for expressions precedes.
    unsafe {
        // The position of an error in this text would be shown in that of the caller's statement.
        let running = hiding_queries(|| Running::start(sql, call.return_type(), result.econtext));
        pg_sys::RegisterExprContextCallback(result.econtext, Some(end), Datum::from(&raw mut *site));
        site.running = Some(running);
    }
}

/// The next value of a stream that has [begun](begin). The inner `None` is a NULL, or the end, of which the caller of the
/// function is told. `None` if none has begun.
pub fn next(call: Call) -> Option<Option<AnyElement>> {
    let result = caller(call)?;
    let mut site = call.site(Site::default)?;
    let running = site.running.as_mut()?;
    // SAFETY: the query has begun and has not ended.
    let value = hiding_queries(|| unsafe { running.next() });
    if value.is_none() {
        // SAFETY: as above. The callback has nothing to do any more.
        unsafe {
            pg_sys::UnregisterExprContextCallback(running.expression, Some(end), Datum::from(&raw mut *site));
            site.running.take().inspect(|running| running.end());
        }
    }
    result.isDone = match value {
        Some(_) => pg_sys::ExprDoneCond::ExprMultipleResult,
        None => pg_sys::ExprDoneCond::ExprEndResult,
    };
    Some(value.and_then(|(value, is_null)| {
        // SAFETY: the value has the type that the function returns.
        unsafe { AnyElement::from_polymorphic_datum(value, is_null, call.return_type()) }
    }))
}

/// What the caller of a set-returning function says of itself, and is told; `None` where another caller calls.
fn caller(call: Call<'_>) -> Option<&mut pg_sys::ReturnSetInfo> {
    // SAFETY: Postgres passes null or a node, whose tag is checked. The node lives as long as the call, and nothing else
    // refers to it during the call.
    unsafe {
        let result = (*call.as_ptr()).resultinfo;
        let is_set = !result.is_null() && is_a(result.cast(), pg_sys::NodeTag::T_ReturnSetInfo);
        if is_set { result.cast::<pg_sys::ReturnSetInfo>().as_mut() } else { None }
    }
}

/// Called when the caller asks for no more rows, though there may be some. If an error has ended the query, Postgres does
/// not call it.
#[pg_guard]
unsafe extern "C-unwind" fn end(site: Datum) {
    // SAFETY: this is the site that `begin` has registered.
    unsafe {
        let running = (*site.cast_mut_ptr::<Site>()).running.take();
        running.inspect(|running| running.end());
    }
}

/// Whether a query is a SELECT of one column of a type.
///
/// # Safety
/// The query has been analysed.
unsafe fn returns(query: *mut pg_sys::Query, type_id: pg_sys::Oid) -> bool {
    // SAFETY: by this function's own condition.
    unsafe {
        let columns = PgList::<pg_sys::TargetEntry>::from_pg((*query).targetList);
        let fits = |column: *mut pg_sys::TargetEntry| pg_sys::exprType((*column).expr.cast()) == type_id;
        (*query).commandType == pg_sys::CmdType::CMD_SELECT
            && columns.len() == 1
            && columns.get_ptr(0).is_some_and(fits)
    }
}

impl Running {
    /// # Safety
    /// The context belongs to the call that asks for the rows.
    unsafe fn start(sql: &str, type_id: pg_sys::Oid, expression: *mut pg_sys::ExprContext) -> Self {
        // SAFETY: by this function's own condition. The parser raises where the text is wrong. What is allocated lives in
        // a context of its own, until the query ends.
        unsafe {
            let memory = pg_sys::AllocSetContextCreateInternal(
                (*expression).ecxt_per_query_memory,
                c"rows of a segment".as_ptr(),
                pg_sys::ALLOCSET_DEFAULT_MINSIZE as usize,
                pg_sys::ALLOCSET_DEFAULT_INITSIZE as usize,
                pg_sys::ALLOCSET_DEFAULT_MAXSIZE as usize,
            );
            let before = pg_sys::MemoryContextSwitchTo(memory);
            let text = pg_sys::pstrdup(CString::new(sql).unwrap_or_default().as_ptr());
            let statements = PgList::<pg_sys::RawStmt>::from_pg(pg_sys::pg_parse_query(text));
            let none = std::ptr::null_mut::<c_void>();
            let analysed =
                |statement| pg_sys::pg_analyze_and_rewrite_fixedparams(statement, text, none.cast(), 0, none.cast());
            let query = statements
                .get_ptr(0)
                .map(analysed)
                .and_then(|queries| PgList::<pg_sys::Query>::from_pg(queries).get_ptr(0));
            let query = query.filter(|query| returns(*query, type_id));
            let query = query.unwrap_or_else(|| internal("the query for a stream has another result").raise());
            #[cfg(not(feature = "pg19"))]
            let plan = pg_sys::pg_plan_query(query, text, 0, none.cast());
            #[cfg(feature = "pg19")]
            let plan = pg_sys::pg_plan_query(query, text, 0, none.cast(), none.cast());
            let receiver = pg_sys::palloc0(size_of::<Receiver>()).cast::<Receiver>();
            (*receiver).base.receiveSlot = Some(receive);
            (*receiver).base.rStartup = Some(start_up);
            (*receiver).base.rShutdown = Some(shut_down);
            (*receiver).base.rDestroy = Some(shut_down);
            (*receiver).base.mydest = pg_sys::CommandDest::DestNone;
            pg_sys::get_typlenbyval(type_id, &raw mut (*receiver).length, &raw mut (*receiver).by_value);
            let query = pg_sys::CreateQueryDesc(
                plan,
                text,
                pg_sys::GetActiveSnapshot(),
                none.cast(),
                receiver.cast(),
                none.cast(),
                none.cast(),
                0,
            );
            // The statement around it may end at any row, so this one may not wait for triggers of its own.
            pg_sys::ExecutorStart(query, pg_sys::EXEC_FLAG_SKIP_TRIGGERS as i32);
            pg_sys::MemoryContextSwitchTo(before);
            Running { query, receiver, memory, expression }
        }
    }

    /// The next value, and whether it is NULL. It lives in the memory context that is current.
    ///
    /// # Safety
    /// The query has begun, and has not ended.
    unsafe fn next(&mut self) -> Option<(Datum, bool)> {
        // SAFETY: by this function's own condition. The snapshot is registered with the query.
        unsafe {
            (*self.receiver).memory = pg_sys::CurrentMemoryContext;
            (*self.receiver).value = None;
            pg_sys::PushActiveSnapshot((*self.query).snapshot);
            run_once(self.query);
            pg_sys::PopActiveSnapshot();
            (*self.receiver).value.take()
        }
    }

    /// # Safety
    /// As for [`next`](Self::next). The query is not used any more.
    unsafe fn end(&self) {
        // SAFETY: by this function's own condition.
        unsafe {
            pg_sys::ExecutorFinish(self.query);
            pg_sys::ExecutorEnd(self.query);
            pg_sys::FreeQueryDesc(self.query);
            pg_sys::MemoryContextDelete(self.memory);
        }
    }
}

/// Runs a query until it returns its next row.
///
/// # Safety
/// The query has begun.
unsafe fn run_once(query: *mut pg_sys::QueryDesc) {
    let forward = pg_sys::ScanDirection::ForwardScanDirection;
    // SAFETY: by this function's own condition.
    #[cfg(any(feature = "pg15", feature = "pg16", feature = "pg17"))]
    unsafe {
        pg_sys::ExecutorRun(query, forward, 1, false);
    }
    // SAFETY: as above.
    #[cfg(not(any(feature = "pg15", feature = "pg16", feature = "pg17")))]
    unsafe {
        pg_sys::ExecutorRun(query, forward, 1);
    }
}

/// Receives the row of a query.
#[repr(C)]
struct Receiver {
    base: pg_sys::DestReceiver,
    /// Where the value is to live
    memory: pg_sys::MemoryContext,
    /// How the type of the values is stored
    length: i16,
    by_value: bool,
    value: Option<(Datum, bool)>,
}

#[pg_guard]
unsafe extern "C-unwind" fn receive(slot: *mut pg_sys::TupleTableSlot, receiver: *mut pg_sys::DestReceiver) -> bool {
    // SAFETY: the executor calls this with a row of the query, which has one column, and with the receiver of `start`.
    unsafe {
        let receiver = &mut *receiver.cast::<Receiver>();
        if (*slot).tts_nvalid < 1 {
            pg_sys::slot_getsomeattrs_int(slot, 1);
        }
        let (mut value, is_null) = (*(*slot).tts_values, *(*slot).tts_isnull);
        if !is_null {
            let before = pg_sys::MemoryContextSwitchTo(receiver.memory);
            value = copied(value, receiver.by_value, receiver.length);
            pg_sys::MemoryContextSwitchTo(before);
        }
        receiver.value = Some((value, is_null));
    }
    true
}

#[pg_guard]
unsafe extern "C-unwind" fn start_up(
    _receiver: *mut pg_sys::DestReceiver,
    _operation: i32,
    _columns: pg_sys::TupleDesc,
) {
}

#[pg_guard]
unsafe extern "C-unwind" fn shut_down(_receiver: *mut pg_sys::DestReceiver) {}

/// A copy of a value that is not NULL, in the memory context that is current.
///
/// # Safety
/// The value has a type that is stored so.
unsafe fn copied(value: Datum, by_value: bool, length: i16) -> Datum {
    // utils/datum.h, which pgrx's bindings leave out.
    unsafe extern "C-unwind" {
        fn datumCopy(value: Datum, by_value: bool, length: c_int) -> Datum;
    }
    // SAFETY: this is its declaration. The guard turns an error of Postgres into a panic.
    unsafe { pg_sys::ffi::pg_guard_ffi_boundary(|| datumCopy(value, by_value, length.into())) }
}
