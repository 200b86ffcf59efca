//! The functions `property_text()` and its like, which return a property of a document as a value of a Postgres type,
//! and `property_json()`.

use crate::pg::call::{Call, function_info};
use crate::pg::detoast::Detoasted;
use pgrx::{IntoDatum, direct_function_call_as_datum, pg_sys};
use segments_core::date::{DateReading, Moment};
use segments_core::document::{Node, Object, View};
use segments_core::jsonb::{Jsonb, JsonbNode};
use segments_core::path::Path;
use segments_core::value::Json;
use std::ffi::CString;

/// `property_text`: a property that is a string.
///
/// # Safety
/// Called by Postgres, as declared: STRICT, with a jsonb and a text.
#[pgrx::pg_guard]
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn segments_property_text(fcinfo: pg_sys::FunctionCallInfo) -> pg_sys::Datum {
    // SAFETY: by this function's own condition.
    unsafe { answer(fcinfo, |value| string(value).map(varlena)) }
}

/// `property_number`: a property that is a number, with all its digits.
///
/// # Safety
/// Called by Postgres, as declared: STRICT, with a jsonb and a text.
#[pgrx::pg_guard]
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn segments_property_number(fcinfo: pg_sys::FunctionCallInfo) -> pg_sys::Datum {
    // SAFETY: by this function's own condition.
    unsafe { answer(fcinfo, |value| value.numeric().map(varlena)) }
}

/// `property_boolean`: a property that is true or false.
///
/// # Safety
/// Called by Postgres, as declared: STRICT, with a jsonb and a text.
#[pgrx::pg_guard]
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn segments_property_boolean(fcinfo: pg_sys::FunctionCallInfo) -> pg_sys::Datum {
    let boolean = |value: JsonbNode<'_>| match value.view() {
        View::Bool(value) => Some(pg_sys::Datum::from(value)),
        _ => None,
    };
    // SAFETY: by this function's own condition.
    unsafe { answer(fcinfo, boolean) }
}

/// `property_date`: a property that is a string with a day or a timestamp, or a number of milliseconds since 1970. The
/// day of a timestamp, and of a number, is its day in UTC.
///
/// # Safety
/// Called by Postgres, as declared: STRICT, with a jsonb and a text.
#[pgrx::pg_guard]
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn segments_property_date(fcinfo: pg_sys::FunctionCallInfo) -> pg_sys::Datum {
    // SAFETY: by this function's own condition.
    unsafe { answer(fcinfo, |value| Some(pg_sys::Datum::from(moment(value)?.day().to_postgres()))) }
}

/// `property_timestamp`: a property that is a string with a timestamp or a day, or a number of milliseconds since 1970.
/// A day stands for its start in UTC.
///
/// # Safety
/// Called by Postgres, as declared: STRICT, with a jsonb and a text.
#[pgrx::pg_guard]
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn segments_property_timestamp(fcinfo: pg_sys::FunctionCallInfo) -> pg_sys::Datum {
    // SAFETY: by this function's own condition.
    unsafe { answer(fcinfo, |value| Some(pg_sys::Datum::from(moment(value)?.instant().to_postgres()))) }
}

/// `property_json`: json as jsonb; NULL if jsonb cannot hold it.
///
/// # Safety
/// Called by Postgres, as declared: STRICT, with a json.
#[pgrx::pg_guard]
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn segments_property_json(fcinfo: pg_sys::FunctionCallInfo) -> pg_sys::Datum {
    // SAFETY: by this function's own condition, the argument is a json, which is stored as text. It is used only within
    // this call. jsonb_in takes a C string.
    unsafe {
        let call = Call::new(fcinfo);
        let json = Detoasted::new(call.argument(0));
        let is_sound = std::str::from_utf8(json.bytes()).is_ok_and(|text| Json::parse(text).is_ok());
        let text = CString::new(json.bytes()).ok().filter(|_| is_sound);
        let jsonb =
            text.and_then(|text| direct_function_call_as_datum(pg_sys::jsonb_in, &[text.as_c_str().into_datum()]));
        jsonb.unwrap_or_else(|| call.null())
    }
}

/// Returns what `convert` makes of the property; NULL if the document lacks it or `convert` returns `None`.
///
/// # Safety
/// Postgres called a STRICT entry point with `fcinfo`, whose arguments are a jsonb and a text.
unsafe fn answer(
    fcinfo: pg_sys::FunctionCallInfo,
    convert: impl FnOnce(JsonbNode<'_>) -> Option<pg_sys::Datum>,
) -> pg_sys::Datum {
    // SAFETY: by this function's own condition. The arguments are used only within this call.
    let (call, document, name) = unsafe {
        let call = Call::new(fcinfo);
        (call, Detoasted::new(call.argument(0)), Detoasted::new(call.argument(1)))
    };
    let root = Jsonb::new(document.bytes()).root();
    let found = std::str::from_utf8(name.bytes()).ok().and_then(|name| match root.view() {
        _ if name.contains(['.', '\\']) => Path::parse(name).value_in(root),
        View::Object(object) => object.get(name),
        _ => None,
    });
    found.and_then(convert).unwrap_or_else(|| call.null())
}

fn string(value: JsonbNode<'_>) -> Option<&[u8]> {
    match value.view() {
        View::String(text) => Some(text),
        _ => None,
    }
}

/// What the value is as a timestamp. Its day is what the value is as a date.
fn moment(value: JsonbNode<'_>) -> Option<Moment> {
    match value.view() {
        View::String(text) => DateReading::Timestamp.string(text),
        View::Number(number) => DateReading::Timestamp.number(number),
        _ => None,
    }
}

/// A varlena of these bytes, in the current memory context.
fn varlena(bytes: &[u8]) -> pg_sys::Datum {
    pg_sys::Datum::from(pgrx::rust_byte_slice_to_bytea(bytes).into_pg())
}

function_info!(pg_finfo_segments_property_text);
function_info!(pg_finfo_segments_property_number);
function_info!(pg_finfo_segments_property_boolean);
function_info!(pg_finfo_segments_property_date);
function_info!(pg_finfo_segments_property_timestamp);
function_info!(pg_finfo_segments_property_json);
