//! The entry point of `bucket_of()`: which of some buckets a contact is in.

use crate::pg::call::{Call, function_info};
use crate::pg::detoast::Detoasted;
use crate::pg::error::Failure;
use crate::pg::text::Text;
use pgrx::pg_sys::{self, Datum};
use pgrx::{IntoDatum, PgSqlErrorCode};
use segments_core::bucket::bucket_of;

/// `bucket_of`: the bucket of the contact that has the id.
///
/// # Safety
/// Called by Postgres, as declared: STRICT, with a value of the type that the call site has, a text and an integer.
#[pgrx::pg_guard]
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn segments_bucket_of(fcinfo: pg_sys::FunctionCallInfo) -> Datum {
    // SAFETY: by this function's own condition; the arguments are used only within this call.
    let (id, salt, of) = unsafe {
        let call = Call::new(fcinfo);
        let id = match call.site(|| Text::of_type(call.argument_type(0))) {
            Some(text) => text.of_fixed(call.argument(0)),
            None => Text::of_type(call.argument_type(0)).of_fixed(call.argument(0)),
        };
        (id, Detoasted::new(call.argument(1)), call.argument(2).value() as i32)
    };
    match u32::try_from(of) {
        Ok(of) if of > 0 => {
            let bucket = bucket_of(&id, &String::from_utf8_lossy(salt.bytes()), of);
            bucket.cast_signed().into_datum().unwrap_or(Datum::null())
        }
        _ => Failure::new(PgSqlErrorCode::ERRCODE_INVALID_PARAMETER_VALUE, format!("there cannot be {of} buckets"))
            .detail("A contact is in one of them.")
            .hint("Give the number of buckets, at least 1.")
            .raise(),
    }
}

function_info!(pg_finfo_segments_bucket_of);
