//! The index access method `segments`.
//!
//! Nothing here searches: the planner is not offered these indexes. Counting reads them by itself.
//!
//! Postgres: `src/include/access/amapi.h`, and `contrib/bloom` as an example of an access method in an extension.

use crate::columns::{build, marks};
use crate::pg::call::function_info;
use crate::pg::error::Failure;
use crate::pg::heap_pages::HeapPages;
use crate::pg::index_options;
use crate::pg::index_pages::IndexPages;
use pgrx::PgSqlErrorCode::ERRCODE_FEATURE_NOT_SUPPORTED;
use pgrx::itemptr::item_pointer_get_block_number_no_check;
use pgrx::pg_sys::{self, Cost, Datum, IndexAmRoutine, Oid, Relation};

/// What the access method can do, and the functions that do it.
static ROUTINE: IndexAmRoutine = IndexAmRoutine {
    type_: pg_sys::NodeTag::T_IndexAmRoutine,
    // Operator classes have no operators, so no clause of a query fits an index.
    amstrategies: 0,
    amsupport: 0,
    amoptsprocnum: 0,
    amcanorder: false,
    amcanorderbyop: false,
    #[cfg(any(feature = "pg18", feature = "pg19"))]
    amcanhash: false,
    #[cfg(any(feature = "pg18", feature = "pg19"))]
    amconsistentequality: false,
    #[cfg(any(feature = "pg18", feature = "pg19"))]
    amconsistentordering: false,
    amcanbackward: false,
    amcanunique: false,
    amcanmulticol: true,
    amoptionalkey: true,
    amsearcharray: false,
    amsearchnulls: false,
    amstorage: false,
    amclusterable: false,
    ampredlocks: false,
    amcanparallel: false,
    #[cfg(any(feature = "pg17", feature = "pg18", feature = "pg19"))]
    amcanbuildparallel: false,
    amcaninclude: false,
    amusemaintenanceworkmem: false,
    // The index knows pages, not rows. So a HOT update stays one, even of a column that is indexed.
    #[cfg(not(feature = "pg15"))]
    amsummarizing: true,
    amparallelvacuumoptions: pg_sys::VACUUM_OPTION_PARALLEL_BULKDEL as u8,
    amkeytype: Oid::INVALID,
    ambuild: Some(build_index),
    ambuildempty: Some(build_init_fork),
    aminsert: Some(insert),
    #[cfg(any(feature = "pg17", feature = "pg18", feature = "pg19"))]
    aminsertcleanup: None,
    ambulkdelete: Some(bulk_delete),
    amvacuumcleanup: Some(vacuum_cleanup),
    amcanreturn: None,
    amcostestimate: Some(cost_estimate),
    #[cfg(any(feature = "pg18", feature = "pg19"))]
    amgettreeheight: None,
    amoptions: Some(options),
    amproperty: None,
    ambuildphasename: None,
    amvalidate: Some(validate),
    amadjustmembers: None,
    ambeginscan: Some(begin_scan),
    amrescan: Some(rescan),
    amgettuple: None,
    amgetbitmap: None,
    amendscan: Some(end_scan),
    ammarkpos: None,
    amrestrpos: None,
    amestimateparallelscan: None,
    aminitparallelscan: None,
    amparallelrescan: None,
    #[cfg(any(feature = "pg18", feature = "pg19"))]
    amtranslatestrategy: None,
    #[cfg(any(feature = "pg18", feature = "pg19"))]
    amtranslatecmptype: None,
};

/// The handler of the access method.
///
/// # Safety
/// Called by Postgres, as declared.
#[pgrx::pg_guard]
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn segments_index_handler(_fcinfo: pg_sys::FunctionCallInfo) -> Datum {
    // Postgres frees what it is given before 19, and wants something static from 19 on.
    #[cfg(not(feature = "pg19"))]
    // SAFETY: what is allocated has room for the struct.
    unsafe {
        let routine = pg_sys::palloc(size_of::<IndexAmRoutine>()).cast::<IndexAmRoutine>();
        routine.write(ROUTINE);
        Datum::from(routine)
    }
    #[cfg(feature = "pg19")]
    Datum::from(&raw const ROUTINE)
}

function_info!(pg_finfo_segments_index_handler);

/// Builds an index: `CREATE INDEX`, `REINDEX`, `TRUNCATE` and whatever else rewrites the table.
#[pgrx::pg_guard]
unsafe extern "C-unwind" fn build_index(
    table: Relation,
    index: Relation,
    info: *mut pg_sys::IndexInfo,
) -> *mut pg_sys::IndexBuildResult {
    // SAFETY: Postgres has opened and locked both relations, and `info` is of the index. The table is in a heap, or it is
    // refused before its pages are used.
    unsafe {
        refuse_what_has_no_columns(table, &*info);
        let (pages, heap) = (IndexPages::of(index), HeapPages::of(table));
        build::empty(pages);
        // Others write to the table while an index is built concurrently, and do not tell the index until it is ready. So it
        // covers nothing until a fold begins to.
        if !(*info).ii_Concurrent {
            let columns = &(&(*info).ii_IndexAttrNumbers)[..(*info).ii_NumIndexAttrs as usize];
            build::fill(pages, heap, columns.to_vec());
        }
        let result = pg_sys::palloc0(size_of::<pg_sys::IndexBuildResult>()).cast::<pg_sys::IndexBuildResult>();
        // No row was counted. 0 would be taken for the number of rows of the table.
        (*result).heap_tuples = -1.0;
        (*result).index_tuples = -1.0;
        result
    }
}

/// Refuses an index that is on more, or on less, than whole columns of a heap.
///
/// # Safety
/// The table is open, and `info` is of an index on it.
unsafe fn refuse_what_has_no_columns(table: Relation, info: &pg_sys::IndexInfo) {
    let refuse = |what: &str, hint: &str| {
        Failure::new(ERRCODE_FEATURE_NOT_SUPPORTED, format!("access method \"segments\" does not support {what}"))
            .detail("It keeps whole columns of all rows, so that conditions are counted without the table.")
            .hint(hint)
            .raise()
    };
    if !info.ii_Expressions.is_null() {
        refuse("expressions", "Index the columns that the expressions read.")
    }
    if !info.ii_Predicate.is_null() {
        refuse("partial indexes", "Leave out WHERE. A filter of an audience is counted with each condition.")
    }
    // SAFETY: by this function's own condition.
    if unsafe { !std::ptr::eq((*table).rd_tableam, pg_sys::GetHeapamTableAmRoutine()) } {
        refuse("tables that are not in a heap", "Only tables of the access method \"heap\" can have such an index.")
    }
}

/// Makes the init fork of an index on an unlogged table.
#[pgrx::pg_guard]
unsafe extern "C-unwind" fn build_init_fork(index: Relation) {
    // SAFETY: Postgres has opened and locked the index.
    build::empty_after_crash(unsafe { IndexPages::of(index) });
}

/// Hears of a row that has come to a page.
#[pgrx::pg_guard]
#[allow(clippy::too_many_arguments, reason = "it is Postgres that calls it")]
unsafe extern "C-unwind" fn insert(
    index: Relation,
    _values: *mut Datum,
    _is_null: *mut bool,
    row: pg_sys::ItemPointer,
    _table: Relation,
    _unique: pg_sys::IndexUniqueCheck::Type,
    _is_unchanged: bool,
    info: *mut pg_sys::IndexInfo,
) -> bool {
    // SAFETY: Postgres has opened and locked the index. `info` and `row` are valid during the call.
    unsafe {
        // A concurrent build tells the index of all rows that there are, none of which is news.
        if !(*info).ii_Concurrent {
            marks::mark_changed(IndexPages::of(index), item_pointer_get_block_number_no_check(*row));
        }
    }
    // The index says nothing of whether the row is the only one of its value.
    false
}

/// Hears that VACUUM is about to free the line pointers of deleted rows.
#[pgrx::pg_guard]
unsafe extern "C-unwind" fn bulk_delete(
    info: *mut pg_sys::IndexVacuumInfo,
    statistics: *mut pg_sys::IndexBulkDeleteResult,
    _callback: pg_sys::IndexBulkDeleteCallback,
    _callback_state: *mut std::ffi::c_void,
) -> *mut pg_sys::IndexBulkDeleteResult {
    // SAFETY: Postgres has opened and locked the index and its table, which is in a heap, by `build_index`.
    unsafe {
        let index = (*info).index;
        #[cfg(feature = "pg15")]
        {
            let none = pg_sys::NoLock as pg_sys::LOCKMODE;
            let table = pg_sys::table_open((*(*index).rd_index).indrelid, none);
            marks::mark_not_visible(IndexPages::of(index), HeapPages::of(table));
            pg_sys::table_close(table, none);
        }
        #[cfg(not(feature = "pg15"))]
        marks::mark_not_visible(IndexPages::of(index), HeapPages::of((*info).heaprel));
        or_new(statistics)
    }
}

/// Ends a VACUUM.
#[pgrx::pg_guard]
unsafe extern "C-unwind" fn vacuum_cleanup(
    info: *mut pg_sys::IndexVacuumInfo,
    statistics: *mut pg_sys::IndexBulkDeleteResult,
) -> *mut pg_sys::IndexBulkDeleteResult {
    // SAFETY: as for `bulk_delete`.
    unsafe {
        if (*info).analyze_only {
            return statistics;
        }
        let statistics = or_new(statistics);
        (*statistics).num_pages = IndexPages::of((*info).index).count();
        (*statistics).num_index_tuples = (*info).num_heap_tuples;
        (*statistics).estimated_count = (*info).estimated_count;
        statistics
    }
}

/// # Safety
/// `statistics` is null or points to statistics.
unsafe fn or_new(statistics: *mut pg_sys::IndexBulkDeleteResult) -> *mut pg_sys::IndexBulkDeleteResult {
    if statistics.is_null() {
        // SAFETY: zeroes are such a struct.
        unsafe { pg_sys::palloc0(size_of::<pg_sys::IndexBulkDeleteResult>()).cast() }
    } else {
        statistics
    }
}

/// Estimates what a scan costs: more than anything else, because there is none.
#[pgrx::pg_guard]
#[allow(clippy::too_many_arguments, reason = "it is Postgres that calls it")]
unsafe extern "C-unwind" fn cost_estimate(
    _root: *mut pg_sys::PlannerInfo,
    _path: *mut pg_sys::IndexPath,
    _loops: f64,
    startup: *mut Cost,
    total: *mut Cost,
    selectivity: *mut pg_sys::Selectivity,
    correlation: *mut f64,
    pages: *mut f64,
) {
    const TOO_MUCH: f64 = 1e12;
    // SAFETY: Postgres gives where to write each of them.
    unsafe {
        (*startup, *total) = (TOO_MUCH, TOO_MUCH);
        (*selectivity, *correlation, *pages) = (1.0, 0.0, 1.0);
    }
}

/// Reads the options of an index, of which there are none.
#[pgrx::pg_guard]
unsafe extern "C-unwind" fn options(options: Datum, validate: bool) -> *mut pg_sys::bytea {
    // SAFETY: Postgres gives an array of options or null.
    unsafe { index_options::none_of(options, validate) }
}

/// Whether an operator class is valid: one without operators and functions.
#[pgrx::pg_guard]
unsafe extern "C-unwind" fn validate(class: Oid) -> bool {
    index_options::has_no_members(class)
}

#[pgrx::pg_guard]
unsafe extern "C-unwind" fn begin_scan(index: Relation, keys: i32, orders: i32) -> pg_sys::IndexScanDesc {
    // SAFETY: Postgres has opened and locked the index.
    unsafe { pg_sys::RelationGetIndexScan(index, keys, orders) }
}

#[pgrx::pg_guard]
unsafe extern "C-unwind" fn rescan(
    _scan: pg_sys::IndexScanDesc,
    _keys: pg_sys::ScanKey,
    _key_count: i32,
    _orders: pg_sys::ScanKey,
    _order_count: i32,
) {
}

#[pgrx::pg_guard]
unsafe extern "C-unwind" fn end_scan(_scan: pg_sys::IndexScanDesc) {}
