//! What a MERGE did that its triggers are not shown.
//!
//! Where a MERGE moves a row to another partition, Postgres puts it into no transition table of UPDATE, and fires triggers
//! of DELETE and INSERT for it only where the MERGE has such actions (seen in 15.20 and 18.6). How many rows it has
//! updated, moved ones included, the executor knows.

use pgrx::pg_sys::{self, Oid};
use std::cell::RefCell;
use std::sync::OnceLock;

thread_local! {
    /// The queries whose triggers fire, one inside the other.
    static FINISHING: RefCell<Vec<*mut pg_sys::QueryDesc>> = const { RefCell::new(Vec::new()) };
}

/// The hook that was there before.
static BEFORE: OnceLock<pg_sys::ExecutorFinish_hook_type> = OnceLock::new();

/// Has Postgres show each query that is done, and whose triggers are to fire.
pub fn install() {
    // SAFETY: runs once, when the library is loaded, as all hooks are set.
    unsafe {
        let _ = BEFORE.set(pg_sys::ExecutorFinish_hook);
        pg_sys::ExecutorFinish_hook = Some(finish);
    }
}

#[pgrx::pg_guard]
unsafe extern "C-unwind" fn finish(query: *mut pg_sys::QueryDesc) {
    let _finishing = Finishing::begin(query);
    // SAFETY: Postgres calls the hook in place of the function, which the one before calls in the end; where it raises,
    // the guard makes it a panic, so that what has begun ends.
    unsafe {
        match BEFORE.get() {
            Some(Some(before)) => pg_sys::ffi::pg_guard_ffi_boundary(|| before(query)),
            _ => pg_sys::standard_ExecutorFinish(query),
        }
    }
}

/// That a query's triggers fire, until dropped.
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

/// How many rows of the table the query has updated by MERGE whose triggers fire; `None` where it has no MERGE of that
/// table.
pub fn updated_rows(table: Oid) -> Option<i64> {
    let query = FINISHING.with_borrow(|finishing| finishing.last().copied())?;
    // SAFETY: a query whose triggers fire has its state; a node's tag says which struct it is, and the tables of a
    // statement that changes some are open.
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
