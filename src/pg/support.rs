//! The planner support function of `segment_matches` and `segment_is_matched_by`.
//!
//! Postgres: `src/include/nodes/supportnodes.h`, `src/backend/utils/adt/like_support.c`.

use super::call::{Call, function_info};
use super::estimate;
use super::nodes::{arguments, condition_text, nth, operator_clause};
use super::statistics::Variable;
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
            NodeTag::T_SupportRequestSelectivity => selectivity(&mut *request.cast()),
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

/// The fraction of rows that a call keeps, where it stands as a condition by itself.
///
/// # Safety
/// The request is as the planner makes it.
unsafe fn selectivity(request: &mut pg_sys::SupportRequestSelectivity) -> Datum {
    if request.is_join {
        return Datum::from(0);
    }
    // SAFETY: by this function's own condition.
    request.selectivity = unsafe { estimate::of_call(request.root, request.args, request.varRelid) };
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
        if !is_selective(request.root, document, &planned) {
            return Datum::from(0);
        }
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

/// Whether an index finds few documents: those that satisfy the condition, or have the keys that it needs. Postgres's
/// own estimate does not know under row-level security, and then takes for selective what every document has.
///
/// # Safety
/// `document` is an expression of the query that `root` is the planner's state of.
unsafe fn is_selective(root: *mut pg_sys::PlannerInfo, document: *mut pg_sys::Node, planned: &Planned) -> bool {
    /// From here on, finding documents by an index and fetching them is no cheaper than a scan of the table.
    const MANY: f64 = 0.3;
    let sought = if planned.facts.jsonpath().is_some() { Some(planned) } else { planned.presence() };
    let Some(sought) = sought else { return false };
    // SAFETY: by this function's own condition.
    unsafe {
        let variable = Variable::of_expression(root, document);
        estimate::of_variable(root, &variable, sought) < MANY
    }
}
