//! The restriction estimator of `@~` and `~@`.

use crate::pg::call::{Call, function_info};
use crate::pg::expression::Properties;
use crate::pg::nodes::condition_text;
use crate::pg::statistics::Variable;
use crate::planner::{Planned, selectivity};
use pgrx::IntoDatum;
use pgrx::pg_sys::{self, Datum};

/// The selectivity of `document @~ condition`: the fraction of rows that satisfy it.
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
        of_call(root, arguments, call.argument(3).value() as i32, call.schema())
    };
    fraction.into_datum().unwrap_or(Datum::from(0))
}

function_info!(pg_finfo_segments_sel);

/// The selectivity of a call of `segment_matches` or `segment_is_matched_by` with these arguments. `schema` is the
/// schema of the extension.
///
/// # Safety
/// The arguments are those that the planner passes to a restriction estimator.
pub unsafe fn of_call(
    root: *mut pg_sys::PlannerInfo,
    arguments: *mut pg_sys::List,
    relation: i32,
    schema: pg_sys::Oid,
) -> f64 {
    // SAFETY: by this function's own condition.
    unsafe {
        let variable = Variable::of_arguments(root, arguments, relation);
        let condition = condition_text(arguments);
        match (variable, condition.and_then(|text| Planned::of(&text))) {
            (Some(variable), Some(planned)) => of_variable(root, &variable, &planned, schema),
            _ => selectivity::DEFAULT,
        }
    }
}

/// The fraction of rows whose document satisfies a condition.
///
/// # Safety
/// `root` is the planner's state that `variable` was made with.
pub unsafe fn of_variable(
    root: *mut pg_sys::PlannerInfo,
    variable: &Variable,
    planned: &Planned,
    schema: pg_sys::Oid,
) -> f64 {
    // SAFETY: by this function's own condition.
    let (column, siblings, properties) = unsafe {
        if !variable.is_readable(root) {
            return selectivity::unseen(planned);
        }
        (variable.column(root), variable.siblings(root), Properties::of(root, variable, schema))
    };
    selectivity::estimate(planned, || variable.statistics(), properties, column, siblings)
}
