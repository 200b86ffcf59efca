//! The planner support function of `in_segment`.

use crate::api::contact::membership;
use crate::pg::call::{Call, function_info};
use crate::pg::plans::inside_planner;
use crate::pg::substitution::ColumnCall;
use pgrx::is_a;
use pgrx::pg_sys::{self, Datum, NodeTag};

/// Puts the condition of a segment in the place of a call; NULL if the call has to stay.
///
/// # Safety
/// Called by Postgres, as declared: STRICT, with a support request node.
#[pgrx::pg_guard]
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn segments_in_segment_support(fcinfo: pg_sys::FunctionCallInfo) -> Datum {
    // SAFETY: by this function's own condition. The tag of the node names the struct.
    unsafe {
        let request = Call::new(fcinfo).argument(0).cast_mut_ptr::<pg_sys::Node>();
        if !is_a(request, NodeTag::T_SupportRequestSimplify) {
            return Datum::from(0);
        }
        let request = request.cast::<pg_sys::SupportRequestSimplify>();
        let call = ColumnCall::of(&*request);
        // The plan may be made without the hook that surrounds planning: in the query that loads the library it is.
        let put = call.and_then(|call| call.put((*request).root, &*inside_planner(|| membership::substitute(&call))?));
        put.map_or(Datum::from(0), Datum::from)
    }
}

function_info!(pg_finfo_segments_in_segment_support);
