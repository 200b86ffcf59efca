//! The planner support function of `segment_members`, and the hook that replaces its calls and those of `in_segment`.

use crate::api::contact::{members, membership};
use crate::entry::membership_support::segments_in_segment_support;
use crate::pg::call::{Call, function_info};
use crate::pg::calls::Replaceable;
#[cfg(feature = "pg19")]
use crate::pg::from_clause;
use crate::pg::nodes::{arguments, nth};
use crate::pg::planner_hook;
use crate::pg::plans::inside_planner;
use crate::pg::substitution::Constant;
use pgrx::is_a;
use pgrx::pg_sys::{self, Datum, NodeTag};

/// Installs the hook that puts queries in the place of calls of `segment_members`, and conditions with sub-selects in
/// that of calls of `in_segment`.
pub fn install() {
    planner_hook::install(Replaceable {
        set: segments_segment_members_support,
        query: members::query_for,
        test: segments_in_segment_support,
        condition: membership::substitute,
    });
}

/// The cost of a call whose segment is not known because the plan is for any value of a parameter. It is that of a scan of
/// a large table, so that Postgres prefers plans for a known value.
const COST_FOR_ANY: f64 = 25_000.0;

/// Answers a request of the planner about a call; NULL if there is no answer.
///
/// # Safety
/// Called by Postgres, as declared: STRICT, with a support request node.
#[pgrx::pg_guard]
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn segments_segment_members_support(fcinfo: pg_sys::FunctionCallInfo) -> Datum {
    // SAFETY: by this function's own condition. The tag of a node names its struct.
    unsafe {
        let request = Call::new(fcinfo).argument(0).cast_mut_ptr::<pg_sys::Node>();
        match (*request).type_ {
            NodeTag::T_SupportRequestRows => rows(&mut *request.cast()),
            NodeTag::T_SupportRequestCost => cost(&mut *request.cast()),
            #[cfg(feature = "pg19")]
            NodeTag::T_SupportRequestInlineInFrom => {
                from_clause::inlined(&*request.cast()).map_or(Datum::from(0), Datum::from)
            }
            _ => Datum::from(0),
        }
    }
}

function_info!(pg_finfo_segments_segment_members_support);

/// How many rows a call for a known segment returns: its cached count.
///
/// # Safety
/// The planner has made the request.
unsafe fn rows(request: &mut pg_sys::SupportRequestRows) -> Datum {
    // SAFETY: by this function's own condition. The tag of a node names its struct.
    let segment = unsafe {
        let first = nth(arguments(request.node), 0).filter(|first| is_a(*first, NodeTag::T_Const));
        first.and_then(|first| Constant::of(&*first.cast::<pg_sys::Const>()))
    };
    let Some(count) = segment.and_then(|segment| inside_planner(|| members::count(&segment))) else {
        return Datum::from(0);
    };
    request.rows = count as f64;
    Datum::from(std::ptr::from_mut(request))
}

/// # Safety
/// The planner has made the request.
unsafe fn cost(request: &mut pg_sys::SupportRequestCost) -> Datum {
    // SAFETY: by this function's own condition.
    unsafe {
        let is_for_any =
            |first: &*mut pg_sys::Node| !is_a(*first, NodeTag::T_Const) && !pg_sys::contain_var_clause(*first);
        if nth(arguments(request.node), 0).filter(is_for_any).is_none() {
            return Datum::from(0);
        }
    }
    request.startup = 0.0;
    request.per_tuple = COST_FOR_ANY;
    Datum::from(std::ptr::from_mut(request))
}
