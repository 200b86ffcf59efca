//! Input of the type `segment_condition`. It is stored as text and uses the output functions of text. Casts use its
//! input and output functions.

use crate::evaluate::condition::{canonical, stored};
use crate::pg::call::Call;
use pgrx::pg_sys;
use pgrx::prelude::*;
use std::collections::BTreeSet;
use std::ffi::CStr;

/// The last text that a call site read, and its canonical form. It saves work where the same text is cast for every
/// row, as a parameter of type text is.
struct LastRead {
    input: Box<CStr>,
    canonical: String,
}

/// Text input: JSON text, which is checked.
#[pg_extern(sql = false)]
fn segment_condition_in(input: &CStr, call: Call) -> String {
    let read = || canonical(&input.to_string_lossy());
    let Some(mut last) = call.site(|| None::<LastRead>) else { return read() };
    match &mut *last {
        Some(last) if *last.input == *input => last.canonical.clone(),
        last => last.insert(LastRead { input: input.into(), canonical: read() }).canonical.clone(),
    }
}

/// The first keys of the fields that a stored condition reads, each once.
#[pg_extern(sql = false)]
fn fields_of(condition: &str) -> Vec<String> {
    let condition = stored(condition.as_bytes());
    let fields: BTreeSet<String> = condition.paths().into_iter().map(|path| path.first().to_owned()).collect();
    fields.into_iter().collect()
}

/// Binary input: the same text, in the client's encoding.
#[pg_extern(sql = false)]
fn segment_condition_recv(buffer: pgrx::Internal) -> String {
    let text = buffer.unwrap().and_then(|message| {
        // SAFETY: Postgres calls a receive function with a StringInfo, and textrecv takes one.
        unsafe { pgrx::direct_function_call::<String>(pg_sys::textrecv, &[Some(message)]) }
    });
    canonical(&text.unwrap_or_default())
}
