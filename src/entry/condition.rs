//! Input of `segment_condition`. Output is that of text, which it is stored as; casts go through both.

use crate::evaluate::condition::canonical;
use crate::pg::call::Call;
use pgrx::pg_sys;
use pgrx::prelude::*;
use std::ffi::CStr;

/// The last text that a call site read, and its canonical form: a parameter of type text is cast for every row.
struct LastRead {
    input: Box<CStr>,
    canonical: String,
}

/// Input: JSON text, checked.
#[pg_extern(sql = false)]
fn segment_condition_in(input: &CStr, call: Call) -> String {
    let read = || canonical(&input.to_string_lossy());
    let Some(mut last) = call.site(|| None::<LastRead>) else { return read() };
    match &mut *last {
        Some(last) if *last.input == *input => last.canonical.clone(),
        last => last.insert(LastRead { input: input.into(), canonical: read() }).canonical.clone(),
    }
}

/// Binary input: the text's bytes in the client's encoding.
#[pg_extern(sql = false)]
fn segment_condition_recv(buffer: pgrx::Internal) -> String {
    let text = buffer.unwrap().and_then(|message| {
        // SAFETY: Postgres calls a receive function with a StringInfo, which is what textrecv takes.
        unsafe { pgrx::direct_function_call::<String>(pg_sys::textrecv, &[Some(message)]) }
    });
    canonical(&text.unwrap_or_default())
}
