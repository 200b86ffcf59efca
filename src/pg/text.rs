//! Values of any type as text.

use pgrx::pg_sys::{self, Datum, Oid};
use std::ffi::{CStr, c_int};
use std::ptr::{null, null_mut};

/// The name of a type as `\d` shows it, with its schema if the caller's search_path does not find the type.
pub fn type_name(type_id: Oid) -> String {
    // SAFETY: returns a palloc'ed C string, or raises if the type does not exist.
    unsafe { CStr::from_ptr(pg_sys::format_type_be(type_id)) }.to_string_lossy().into_owned()
}

/// Turns values of a type into text. Under [`with_fixed_output`](crate::pg::security::with_fixed_output) a value has
/// the same text in every session.
pub struct Text {
    declared: Oid,
    /// For a domain, the type that it is over; otherwise the declared type
    type_id: Oid,
    output: Oid,
}

impl Text {
    /// For values of the type of that OID or, for a domain, of the type that it is over. It must not be an array, a
    /// range or a row type, whose output calls the functions of other types.
    pub fn of_type(type_id: Oid) -> Self {
        let (mut output, mut is_varlena) = (Oid::INVALID, false);
        // SAFETY: the look-ups raise if the type does not exist. The second fills in both variables.
        let base = unsafe {
            let base = pg_sys::getBaseType(type_id);
            pg_sys::getTypeOutputInfo(base, &raw mut output, &raw mut is_varlena);
            base
        };
        Text { declared: type_id, type_id: base, output }
    }

    /// Whether this was made for values of that type.
    pub fn is_of(&self, type_id: Oid) -> bool {
        self.declared == type_id
    }

    /// The value as text, which is the same in every session.
    ///
    /// # Safety
    /// The datum is a value of the type and is not NULL.
    pub unsafe fn of_fixed(&self, datum: Datum) -> String {
        use pg_sys::{BOOLOID, BPCHAROID, DATEOID, INT2OID, INT4OID, INT8OID, NAMEOID, TEXTOID, TIMESTAMPOID};
        use pg_sys::{TIMESTAMPTZOID, UUIDOID, VARCHAROID};
        // SAFETY: by this function's own condition.
        let text = || unsafe { self.of(datum) };
        match self.type_id {
            // No setting changes the text of these types, and setting and resetting the settings takes longer than
            // printing a value.
            BOOLOID | BPCHAROID | DATEOID | INT2OID | INT4OID | INT8OID | NAMEOID | TEXTOID | TIMESTAMPOID
            | TIMESTAMPTZOID | UUIDOID | VARCHAROID => text(),
            _ => super::security::with_fixed_output(text),
        }
    }

    /// The value as text.
    ///
    /// # Safety
    /// The datum is a value of the type and is not NULL.
    pub unsafe fn of(&self, datum: Datum) -> String {
        // SAFETY: by this function's own condition. Both functions return a C string.
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
            // A cast of these types to text gives another text than their output functions.
            pg_sys::BPCHAROID => text.trim_end_matches(' ').to_owned(),
            pg_sys::BOOLOID => if text == "t" { "true" } else { "false" }.to_owned(),
            _ => text.into_owned(),
        }
    }
}

/// The offset of UTC, in seconds.
static UTC: c_int = 0;
