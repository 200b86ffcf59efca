//! `segments.id_text`: the id of a contact as text.

use crate::pg::call::{Call, function_info};
use crate::pg::text::Text;
use pgrx::IntoDatum;
use pgrx::pg_sys::{self, Datum};

/// Turns a value of any type into text.
///
/// # Safety
/// Called by Postgres, as declared: STRICT, with a value of the type that the call expression says.
#[pgrx::pg_guard]
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn segments_id_text(fcinfo: pg_sys::FunctionCallInfo) -> Datum {
    // SAFETY: by this function's own condition.
    let text = unsafe {
        let call = Call::new(fcinfo);
        let text = Text::of_type(call.argument_type(0));
        text.of_fixed(call.argument(0))
    };
    text.into_datum().unwrap_or(Datum::null())
}

function_info!(pg_finfo_segments_id_text);
