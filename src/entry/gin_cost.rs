//! The cost of scanning a GIN index for the clauses that follow from a condition.
//!
//! Postgres estimates the selectivity of such a clause by trying it on each document of the statistics, which takes
//! longer than the rest of planning if it is a jsonpath with many comparisons. The selectivity is known already: the
//! planner support function has estimated it to decide whether the index can help.
//!
//! Postgres: `get_index_clause_from_support` in `src/backend/optimizer/path/indxpath.c`, `gincostestimate` in
//! `src/backend/utils/adt/selfuncs.c`.

use crate::entry::estimate;
use crate::pg::error::internal;
use crate::pg::nodes::{arguments, condition_text, nth};
use crate::pg::statistics::Variable;
use crate::planner::Planned;
use pgrx::PgList;
use pgrx::pg_sys::{self, Cost, IndexPath, Oid, PlannerInfo, Selectivity};
use segments_core::facts::GinClass;
use std::cell::Cell;

thread_local! {
    static LAST: Cell<Option<Known>> = const { Cell::new(None) };
}

/// What an estimate of costs has to know.
#[derive(Clone, Copy)]
struct Known {
    /// Postgres's own estimator
    gin: unsafe extern "C-unwind" fn(
        *mut PlannerInfo,
        *mut IndexPath,
        f64,
        *mut Cost,
        *mut Cost,
        *mut Selectivity,
        *mut f64,
        *mut f64,
    ),
    /// The planner support function that derives the clauses
    support: Oid,
    /// The schema of the extension
    schema: Oid,
}

/// Has an index use what is known of the selectivity of derived clauses, unless another extension estimates its costs.
///
/// # Safety
/// The index is one of the query that is being planned, and is a GIN index.
pub unsafe fn install(index: *mut pg_sys::IndexOptInfo, support: Oid, schema: Oid) {
    // SAFETY: by this function's own condition. Postgres 15 declares the field without the arguments of the function.
    // What the index points to belongs to this plan alone.
    unsafe {
        let used = (&raw mut (*index).amcostestimate).cast::<pg_sys::amcostestimate_function>();
        let gin = (*pg_sys::GetIndexAmRoutineByAmId(pg_sys::GIN_AM_OID, false)).amcostestimate;
        if let (Some(current), Some(gin)) = (*used, gin)
            && std::ptr::fn_addr_eq(current, gin)
        {
            LAST.set(Some(Known { gin, support, schema }));
            *used = Some(cost);
        }
    }
}

/// Postgres's own estimate, after the derived clauses have been given their selectivity.
#[pgrx::pg_guard]
#[allow(clippy::too_many_arguments, reason = "it is Postgres that calls it")]
unsafe extern "C-unwind" fn cost(
    root: *mut PlannerInfo,
    path: *mut IndexPath,
    loops: f64,
    startup: *mut Cost,
    total: *mut Cost,
    selectivity: *mut Selectivity,
    correlation: *mut f64,
    pages: *mut f64,
) {
    let Some(known) = LAST.get() else { internal("the costs of an index were asked for before it was known").raise() };
    // SAFETY: Postgres calls this with the state of the planner and a path of an index of the query, after `install`. The
    // guard turns an error of Postgres into a panic.
    unsafe {
        for clause in PgList::<pg_sys::IndexClause>::from_pg((*path).indexclauses).iter_ptr() {
            if let Some(fraction) = selectivity_of(root, (*path).indexinfo, clause, known) {
                // Together the clauses are as selective as that.
                let derived = PgList::<pg_sys::RestrictInfo>::from_pg((*clause).indexquals);
                for (number, derived) in derived.iter_ptr().enumerate() {
                    (*derived).norm_selec = if number == 0 { fraction } else { 1.0 };
                }
            }
        }
        pg_sys::ffi::pg_guard_ffi_boundary(|| {
            (known.gin)(root, path, loops, startup, total, selectivity, correlation, pages);
        });
    }
}

/// The operator class of an operator family on jsonb. `pg_opfamily.dat` fixes the OIDs.
pub fn class_of(family: Oid) -> Option<GinClass> {
    match family.to_u32() {
        4036 => Some(GinClass::Jsonb),
        4037 => Some(GinClass::JsonbPath),
        _ => None,
    }
}

/// Whether a function has the support function.
#[pgrx::pg_guard]
unsafe extern "C-unwind" fn is_supported(function: Oid, support: *mut std::ffi::c_void) -> bool {
    // SAFETY: `support` is an OID. The look-up accepts any.
    unsafe { pg_sys::get_func_support(function) == *support.cast::<Oid>() }
}

/// The fraction of rows that the derived clauses find; `None` if they are not ours.
///
/// # Safety
/// The clause belongs to a path of the index.
unsafe fn selectivity_of(
    root: *mut PlannerInfo,
    index: *mut pg_sys::IndexOptInfo,
    clause: *mut pg_sys::IndexClause,
    known: Known,
) -> Option<f64> {
    // SAFETY: by this function's own condition. An index has an operator family for each of its columns. The tag of a
    // node names its struct.
    unsafe {
        let call = (*(*clause).rinfo).clause.cast::<pg_sys::Node>();
        let support = (&raw const known.support).cast_mut().cast();
        if !(*clause).lossy || !pg_sys::check_functions_in_node(call, Some(is_supported), support) {
            return None;
        }
        let class = class_of(*(*index).opfamily.add((*clause).indexcol as usize))?;
        let derived = PgList::<pg_sys::RestrictInfo>::from_pg((*clause).indexquals).get_ptr(0)?;
        let document = nth(arguments((*derived).clause.cast()), 0)?;
        let planned = Planned::of(&condition_text(arguments(call))?)?;
        let found = planned.sought(class)?.found(&planned);
        Some(estimate::of_variable(root, &Variable::of_expression(root, document), found, known.schema))
    }
}
