//! The planner support function of `segment_matches` and `segment_is_matched_by`.
//!
//! Postgres: `src/include/nodes/supportnodes.h`, `src/backend/utils/adt/like_support.c`.

use crate::entry::{estimate, gin_cost};
use crate::pg::call::{Call, function_info};
use crate::pg::nodes::{arguments, condition_text, nth, operator_clause};
use crate::pg::statistics::Variable;
use crate::planner::Planned;
use pgrx::pg_sys::{self, Datum, NodeTag, Oid};

/// Answers a request of the planner about a call of either function; NULL if there is no answer.
///
/// # Safety
/// Called by Postgres, as declared: STRICT, with a support request node.
#[pgrx::pg_guard]
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn segments_support(fcinfo: pg_sys::FunctionCallInfo) -> Datum {
    // SAFETY: by this function's own condition. The tag of the node names the struct.
    unsafe {
        let call = Call::new(fcinfo);
        let request = call.argument(0).cast_mut_ptr::<pg_sys::Node>();
        match (*request).type_ {
            NodeTag::T_SupportRequestIndexCondition => index_condition(&mut *request.cast(), call),
            NodeTag::T_SupportRequestCost => cost(&mut *request.cast()),
            NodeTag::T_SupportRequestSelectivity => selectivity(&mut *request.cast(), call.schema()),
            _ => Datum::from(0),
        }
    }
}

function_info!(pg_finfo_segments_support);

/// The cost of a call whose condition is a constant.
///
/// # Safety
/// The planner has made the request.
unsafe fn cost(request: &mut pg_sys::SupportRequestCost) -> Datum {
    // SAFETY: by this function's own condition. cpu_operator_cost is a variable of the backend.
    unsafe {
        let Some(planned) = condition_text(arguments(request.node)).and_then(|text| Planned::of(&text)) else {
            return Datum::from(0);
        };
        request.startup = 0.0;
        request.per_tuple = planned.operators() * pg_sys::cpu_operator_cost;
    }
    Datum::from(std::ptr::from_mut(request))
}

/// The selectivity of a call that is a whole condition of the query; for joins there is no answer.
///
/// # Safety
/// The planner has made the request.
unsafe fn selectivity(request: &mut pg_sys::SupportRequestSelectivity, schema: Oid) -> Datum {
    if request.is_join {
        return Datum::from(0);
    }
    // SAFETY: by this function's own condition.
    request.selectivity = unsafe { estimate::of_call(request.root, request.args, request.varRelid, schema) };
    Datum::from(std::ptr::from_mut(request))
}

/// Clauses in the operators of a GIN index on the document. Every document that satisfies the condition satisfies them.
///
/// # Safety
/// The planner has made the request.
unsafe fn index_condition(request: &mut pg_sys::SupportRequestIndexCondition, call: Call<'_>) -> Datum {
    let schema = call.schema();
    let Some(class) = gin_cost::class_of(request.opfamily) else { return Datum::from(0) };
    // SAFETY: by this function's own condition. `indexarg` is the position of the argument that the index is on. The
    // index is on a jsonb, so the argument is the document.
    unsafe {
        let arguments = arguments(request.node);
        let Some(document) = nth(arguments, request.indexarg) else { return Datum::from(0) };
        let Some(planned) = condition_text(arguments).and_then(|text| Planned::of(&text)) else {
            return Datum::from(0);
        };
        let Some(sought) = planned.sought(class) else { return Datum::from(0) };
        if !is_selective(request.root, document, sought.found(&planned), schema) {
            return Datum::from(0);
        }
        let mut clauses = std::ptr::null_mut();
        for clause in &sought.clauses {
            if let Some(clause) = operator_clause(document, request.opfamily, clause) {
                clauses = pg_sys::lappend(clauses, clause.cast());
            }
        }
        gin_cost::install(request.index, call.function(), schema);
        // Postgres evaluates the condition itself for the rows that the index finds.
        request.lossy = true;
        Datum::from(clauses)
    }
}

/// Whether few documents satisfy the clauses of an index. Postgres's own estimate considers a clause selective even if
/// every document satisfies it. If documents may not be read for estimates, the answer depends on the condition alone.
///
/// # Safety
/// `document` is an expression of the query that `root` plans.
unsafe fn is_selective(
    root: *mut pg_sys::PlannerInfo,
    document: *mut pg_sys::Node,
    found: &Planned,
    schema: Oid,
) -> bool {
    /// If the index finds a larger fraction of the documents, fetching them is no cheaper than a scan of the table.
    const MANY: f64 = 0.3;
    // SAFETY: by this function's own condition.
    unsafe {
        let variable = Variable::of_expression(root, document);
        estimate::of_variable(root, &variable, found, schema) < MANY
    }
}
