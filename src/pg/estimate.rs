//! The restriction estimator of `@~` and `~@`.

use super::call::{Call, function_info};
use super::nodes::condition_text;
use super::statistics::Column;
use crate::planner::{Planned, sample, selectivity};
use pgrx::IntoDatum;
use pgrx::pg_sys::{self, Datum};

/// The fraction of rows that `document @~ condition` keeps.
///
/// # Safety
/// Called by Postgres as a restriction estimator: (root internal, operator oid, arguments internal, relation int4).
#[pgrx::pg_guard]
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn segments_sel(fcinfo: pg_sys::FunctionCallInfo) -> Datum {
    // SAFETY: by this function's own condition.
    let fraction = unsafe {
        let call = Call::new(fcinfo);
        let (root, arguments) = (call.argument(0).cast_mut_ptr(), call.argument(2).cast_mut_ptr());
        of_call(root, arguments, call.argument(3).value() as i32)
    };
    fraction.into_datum().unwrap_or(Datum::from(0))
}

function_info!(pg_finfo_segments_sel);

/// The fraction of rows that a call to `segment_matches` or `segment_is_matched_by` with these arguments keeps.
///
/// # Safety
/// All are as the planner hands them to a restriction estimator.
pub unsafe fn of_call(root: *mut pg_sys::PlannerInfo, arguments: *mut pg_sys::List, relation: i32) -> f64 {
    // SAFETY: by this function's own condition.
    unsafe {
        let column = Column::of_arguments(root, arguments, relation);
        let condition = condition_text(arguments);
        match (column, condition.and_then(|text| Planned::of(&text))) {
            (Some(column), Some(planned)) => of_column(root, &column, &planned),
            _ => selectivity::DEFAULT,
        }
    }
}

/// The fraction of a column's rows that satisfy a condition.
///
/// # Safety
/// `root` is the planner's state that the column was made with.
pub unsafe fn of_column(root: *mut pg_sys::PlannerInfo, column: &Column, planned: &Planned) -> f64 {
    let statistics = column.statistics();
    // SAFETY: by this function's own condition.
    let (table, siblings) = unsafe { (column.in_table(root), column.siblings(root)) };
    selectivity::estimate(planned, statistics.as_ref(), || {
        table.and_then(|(relation, column)| sample::documents(relation, column, siblings))
    })
}
