//! Rows that a MERGE has updated, including those that its triggers do not see.
//!
//! If a MERGE moves a row to another partition, Postgres puts the row into no transition table of UPDATE. It fires
//! triggers of DELETE and INSERT for the row only if the MERGE has such actions (seen in 15.20 and 18.6). But the
//! executor counts all updated rows, moved ones included.

use pgrx::pg_sys::{self, Oid};
use std::cell::RefCell;
use std::sync::OnceLock;

thread_local! {
    /// The queries whose AFTER triggers are firing, one inside the other.
    static FINISHING: RefCell<Vec<*mut pg_sys::QueryDesc>> = const { RefCell::new(Vec::new()) };
}

/// The hook that another library had installed before.
static BEFORE: OnceLock<pg_sys::ExecutorFinish_hook_type> = OnceLock::new();

/// Installs the hook that sees each query before its AFTER triggers fire.
pub fn install() {
    // SAFETY: Postgres expects hooks to be set when a library is loaded, which is when this runs.
    unsafe {
        let _ = BEFORE.set(pg_sys::ExecutorFinish_hook);
        pg_sys::ExecutorFinish_hook = Some(finish);
    }
}

#[pgrx::pg_guard]
unsafe extern "C-unwind" fn finish(query: *mut pg_sys::QueryDesc) {
    let _finishing = Finishing::begin(query);
    // SAFETY: Postgres calls the hook in place of standard_ExecutorFinish, which the previous hook calls. The guard
    // turns an error into a panic, so that `_finishing` is dropped.
    unsafe {
        match BEFORE.get() {
            Some(Some(before)) => pg_sys::ffi::pg_guard_ffi_boundary(|| before(query)),
            _ => pg_sys::standard_ExecutorFinish(query),
        }
    }
}

/// Until this is dropped, the AFTER triggers of a query are firing.
struct Finishing;

impl Finishing {
    fn begin(query: *mut pg_sys::QueryDesc) -> Self {
        FINISHING.with_borrow_mut(|finishing| finishing.push(query));
        Finishing
    }
}

impl Drop for Finishing {
    fn drop(&mut self) {
        FINISHING.with_borrow_mut(Vec::pop);
    }
}

/// How many rows of the table were updated by the MERGE whose triggers are firing; `None` if the query is no MERGE into
/// that table.
pub fn updated_rows(table: Oid) -> Option<i64> {
    let query = FINISHING.with_borrow(|finishing| finishing.last().copied())?;
    // SAFETY: a query keeps its state while its triggers fire. The tag of a node names its struct. The tables that a
    // statement changes are open.
    unsafe {
        let modifies = |node: *mut pg_sys::PlanState| {
            let is_modifying = !node.is_null() && (*node).type_ == pg_sys::NodeTag::T_ModifyTableState;
            is_modifying.then(|| node.cast::<pg_sys::ModifyTableState>())
        };
        let main = modifies((*query).planstate);
        let others = pgrx::PgList::<pg_sys::PlanState>::from_pg((*(*query).estate).es_auxmodifytables);
        let merges = main.into_iter().chain(others.iter_ptr().filter_map(modifies)).filter(|node| {
            (**node).operation == pg_sys::CmdType::CMD_MERGE
                && (*(*(**node).rootResultRelInfo).ri_RelationDesc).rd_id == table
        });
        merges.map(|node| (*node).mt_merge_updated as i64).reduce(|some, more| some + more)
    }
}
