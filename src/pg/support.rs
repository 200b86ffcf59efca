//! The planner support function of `segment_matches` and `segment_is_matched_by`.
//!
//! Postgres: `src/include/nodes/supportnodes.h`, `src/backend/utils/adt/like_support.c`.

use super::call::{Call, function_info};
use super::nodes::{arguments, condition_text, nth, operator_clause};
use crate::planner::{GinFamily, Planned};
use pgrx::pg_sys::{self, Datum, NodeTag};

/// Answers what the planner asks of a call to either function; NULL where there is nothing to say.
///
/// # Safety
/// Called by Postgres, as declared: STRICT, with a support request node.
#[pgrx::pg_guard]
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn segments_support(fcinfo: pg_sys::FunctionCallInfo) -> Datum {
    // SAFETY: by this function's own condition; the tag of a node says which struct it is.
    unsafe {
        let request = Call::new(fcinfo).argument(0).cast_mut_ptr::<pg_sys::Node>();
        match (*request).type_ {
            NodeTag::T_SupportRequestIndexCondition => index_condition(&mut *request.cast()),
            NodeTag::T_SupportRequestCost => cost(&mut *request.cast()),
            _ => Datum::from(0),
        }
    }
}

function_info!(pg_finfo_segments_support);

/// The price of a call whose condition is known.
///
/// # Safety
/// The request is as the planner makes it.
unsafe fn cost(request: &mut pg_sys::SupportRequestCost) -> Datum {
    // SAFETY: by this function's own condition; cpu_operator_cost is a variable of the backend.
    unsafe {
        let Some(planned) = condition_text(arguments(request.node)).and_then(|text| Planned::of(&text)) else {
            return Datum::from(0);
        };
        request.startup = 0.0;
        request.per_tuple = planned.operators() * pg_sys::cpu_operator_cost;
    }
    Datum::from(std::ptr::from_mut(request))
}

/// Conditions on an index of the document's column, in the index's own operators, that follow from the condition.
///
/// # Safety
/// The request is as the planner makes it.
unsafe fn index_condition(request: &mut pg_sys::SupportRequestIndexCondition) -> Datum {
    let Some(family) = GinFamily::of(request.opfamily.to_u32()) else { return Datum::from(0) };
    // SAFETY: by this function's own condition: `indexarg` is the position of the argument that is the index's column.
    // That column is a jsonb, so the argument is the document.
    unsafe {
        let arguments = arguments(request.node);
        let Some(document) = nth(arguments, request.indexarg) else { return Datum::from(0) };
        let Some(planned) = condition_text(arguments).and_then(|text| Planned::of(&text)) else {
            return Datum::from(0);
        };
        let mut clauses = std::ptr::null_mut();
        for clause in planned.index_clauses(family) {
            if let Some(clause) = operator_clause(document, request.opfamily, &clause) {
                clauses = pg_sys::lappend(clauses, clause.cast());
            }
        }
        // The condition itself is put to what the index finds.
        request.lossy = true;
        Datum::from(clauses)
    }
}
