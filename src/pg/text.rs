//! Values as text.

use pgrx::pg_sys::{self, Datum, Oid};
use std::ffi::{CStr, c_int};
use std::ptr::{null, null_mut};

/// The name of a type that exists, as `\d` shows it: with its schema where the caller's search_path does not find it.
pub fn type_name(type_id: Oid) -> String {
    // SAFETY: it palloc's a NUL-terminated name.
    unsafe { CStr::from_ptr(pg_sys::format_type_be(type_id)) }.to_string_lossy().into_owned()
}

/// How values of a type become text: under [`with_fixed_output`](crate::pg::security::with_fixed_output) the same in every session.
pub struct Text {
    declared: Oid,
    /// What that is a domain over
    type_id: Oid,
    output: Oid,
}

impl Text {
    /// Of the type of that OID, or what it is a domain over: a type whose values are no arrays, ranges or rows.
    pub fn of_type(type_id: Oid) -> Self {
        let (mut output, mut is_varlena) = (Oid::INVALID, false);
        // SAFETY: catalog look-ups for a type that exists; the second fills in both.
        let base = unsafe {
            let base = pg_sys::getBaseType(type_id);
            pg_sys::getTypeOutputInfo(base, &raw mut output, &raw mut is_varlena);
            base
        };
        Text { declared: type_id, type_id: base, output }
    }

    /// Whether it is for values of that type.
    pub fn is_of(&self, type_id: Oid) -> bool {
        self.declared == type_id
    }

    /// The value as text.
    ///
    /// # Safety
    /// The datum is a value of that type, not NULL.
    pub unsafe fn of(&self, datum: Datum) -> String {
        // SAFETY: by this function's own condition; both functions return a C string.
        let text = unsafe {
            let printed = match self.type_id {
                pg_sys::DATEOID | pg_sys::TIMESTAMPOID => {
                    pg_sys::JsonEncodeDateTime(null_mut(), datum, self.type_id, null())
                }
                pg_sys::TIMESTAMPTZOID => pg_sys::JsonEncodeDateTime(null_mut(), datum, self.type_id, &raw const UTC),
                _ => pg_sys::OidOutputFunctionCall(self.output, datum),
            };
            CStr::from_ptr(printed).to_string_lossy()
        };
        match self.type_id {
            // The casts of these types do other than to write them out.
            pg_sys::BPCHAROID => text.trim_end_matches(' ').to_owned(),
            pg_sys::BOOLOID => if text == "t" { "true" } else { "false" }.to_owned(),
            _ => text.into_owned(),
        }
    }
}

/// An offset from UTC, in seconds.
static UTC: c_int = 0;
