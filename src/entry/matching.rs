//! The operators `jsonb @~ segment_condition` and `segment_condition ~@ jsonb`.

use crate::evaluate::document::{CallSite, matches};
use crate::pg::call::{Call, function_info};
use crate::pg::detoast::Detoasted;
use crate::pg::prefetch::Prefetcher;
use pgrx::pg_sys;

/// `@~`: whether a document satisfies a condition.
///
/// # Safety
/// Called by Postgres, as declared: STRICT, with a jsonb and a segment_condition.
#[pgrx::pg_guard]
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn segments_matches(fcinfo: pg_sys::FunctionCallInfo) -> pg_sys::Datum {
    // SAFETY: by this function's own condition.
    unsafe { answer(Call::new(fcinfo), 0, 1) }
}

/// `~@`: the commutator of `@~`.
///
/// # Safety
/// Called by Postgres, as declared: STRICT, with a segment_condition and a jsonb.
#[pgrx::pg_guard]
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn segments_is_matched_by(fcinfo: pg_sys::FunctionCallInfo) -> pg_sys::Datum {
    // SAFETY: by this function's own condition.
    unsafe { answer(Call::new(fcinfo), 1, 0) }
}

/// The state that a call site keeps between rows: its compiled condition, and the address of its last row.
struct MatchSite {
    matching: CallSite,
    rows: Prefetcher,
}

/// # Safety
/// The arguments of the call are varlenas that are not NULL.
unsafe fn answer(call: Call, document: usize, condition: usize) -> pg_sys::Datum {
    let new_site =
        || MatchSite { matching: CallSite::new(call.is_stable(condition as i32)), rows: Prefetcher::default() };
    let mut site = call.site(new_site);
    // SAFETY: by this function's own condition. Both are used only within this call.
    let (document, condition) = unsafe {
        if let Some(site) = &mut site {
            site.rows.expect_after(call.argument(document));
        }
        (Detoasted::new(call.argument(document)), || Detoasted::new(call.argument(condition)))
    };
    let holds = match site {
        Some(mut site) => site.matching.matches(document.bytes(), || condition().bytes().to_vec()),
        None => matches(document.bytes(), condition().bytes()),
    };
    pg_sys::Datum::from(holds)
}

function_info!(pg_finfo_segments_matches);
function_info!(pg_finfo_segments_is_matched_by);
