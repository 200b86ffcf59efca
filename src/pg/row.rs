//! Reading the datums of a row as the values that conditions compare.

use crate::pg::column_kind;
use crate::pg::detoast::Detoasted;
use pgrx::FromDatum;
use pgrx::pg_sys::{self, Datum, Oid};
use segments_core::columns::{Given, write_elements};
use segments_core::date::Moment;
use segments_core::decimal::Decimal;
use segments_core::document::Folded;
use segments_core::jsonb::Jsonb;
use segments_core::row::{Cell, Integer};
use segments_core::sql::ColumnKind;
use segments_core::value::Json;
use std::borrow::Cow;
use std::cell::RefCell;
use std::collections::HashMap;
use std::ffi::{CStr, c_char};
use std::rc::Rc;

/// Reads the values of one type.
pub struct Reader(Kind);

enum Kind {
    Scalar(ColumnKind),
    /// An enum, with the labels that were read
    Enum(RefCell<HashMap<Oid, Rc<str>>>),
    Array(Box<Element>),
    /// A type that conditions cannot use; its values count as missing
    Unreadable,
}

struct Element {
    kind: Kind,
    type_id: Oid,
    length: i16,
    by_value: bool,
    align: c_char,
}

impl Reader {
    /// A reader for the type of that OID. For a domain, it reads the type that the domain is over.
    pub fn of_type(type_id: Oid) -> Self {
        Reader(Kind::of_type(type_id))
    }

    /// Whether the type is json or jsonb. Their values are varlenas.
    pub fn is_of_documents(&self) -> bool {
        matches!(self.0, Kind::Scalar(ColumnKind::Json | ColumnKind::Jsonb))
    }

    /// What a column index stores of a value, or of each element where the type is one of arrays.
    pub fn stored_as(&self) -> StoredAs {
        let kind = if let Kind::Array(element) = &self.0 { &element.kind } else { &self.0 };
        match kind {
            Kind::Enum(_) => StoredAs::Label,
            Kind::Scalar(ColumnKind::Citext { .. }) => StoredAs::Folded,
            Kind::Scalar(ColumnKind::Json) => StoredAs::Json,
            Kind::Scalar(_) | Kind::Array(_) | Kind::Unreadable => StoredAs::Value,
        }
    }

    /// Whether the type is one of arrays that conditions can use.
    pub fn is_of_arrays(&self) -> bool {
        matches!(self.0, Kind::Array(_))
    }

    /// The label of that OID, if the type is an enum, or an array of one; `None` if there is no such label.
    pub fn label(&self, oid: Oid) -> Option<Rc<str>> {
        let kind = if let Kind::Array(element) = &self.0 { &element.kind } else { &self.0 };
        let Kind::Enum(labels) = kind else { return None };
        let is_known = || {
            let none = Datum::null();
            // SAFETY: a look-up that accepts any OID.
            unsafe {
                let cache = pg_sys::SysCacheIdentifier::ENUMOID as i32;
                pg_sys::SearchSysCacheExists(cache, oid.into(), none, none, none)
            }
        };
        let is_label = labels.borrow().contains_key(&oid) || is_known();
        // SAFETY: an OID that an enum's label has is a value of an enum type.
        is_label.then(|| unsafe { label(labels, oid.into()) })
    }

    /// Reads a value.
    ///
    /// # Safety
    /// The datum is a value of the reader's type, is not NULL, and outlives the result.
    pub unsafe fn read(&self, datum: Datum) -> Value {
        // SAFETY: by this function's own condition.
        unsafe { self.0.read(datum) }
    }
}

/// What a column index stores of a value.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum StoredAs {
    /// What conditions compare
    Value,
    /// The OID of an enum's label, which may be renamed
    Label,
    /// Text, of which conditions compare what a collation makes of it
    Folded,
    /// The text of json, of which conditions compare what is in it
    Json,
}

impl Kind {
    fn of_type(type_id: Oid) -> Self {
        // SAFETY: catalog look-ups accept any OID, and the first raises if it has no type.
        let (base, element, is_enum) = unsafe {
            let base = pg_sys::getBaseType(type_id);
            (base, pg_sys::get_element_type(base), pg_sys::type_is_enum(base))
        };
        match column_kind::of_type(base, true) {
            Some(kind) => Kind::Scalar(kind),
            None if is_enum => Kind::Enum(RefCell::default()),
            None => Element::of_type(element).map_or(Kind::Unreadable, |element| Kind::Array(Box::new(element))),
        }
    }

    /// # Safety
    /// As for [`Reader::read`].
    unsafe fn read(&self, datum: Datum) -> Value {
        // SAFETY: by this function's own condition the datum has the type that the arm reads. It holds the value
        // itself, or a pointer to the type's representation.
        unsafe {
            match self {
                Kind::Scalar(kind) => read_scalar(kind, datum),
                Kind::Enum(labels) => Value::Label(Oid::from(datum.value() as u32), label(labels, datum)),
                Kind::Array(element) => element.read(datum),
                Kind::Unreadable => Value::Missing,
            }
        }
    }
}

/// # Safety
/// The datum is a value of a type of that kind and is not NULL.
unsafe fn read_scalar(kind: &ColumnKind, datum: Datum) -> Value {
    // SAFETY: by this function's own condition the datum has the type that the arm reads. It holds the value itself, or
    // a pointer to the type's representation.
    unsafe {
        match kind {
            ColumnKind::Boolean => Value::Bool(datum.value() & 0xFF != 0),
            ColumnKind::SmallInt => Value::Integer(i64::from(datum.value() as i16).into()),
            ColumnKind::Integer => Value::Integer(i64::from(datum.value() as i32).into()),
            ColumnKind::BigInt => Value::Integer((datum.value() as i64).into()),
            ColumnKind::Numeric => Value::Numeric(Detoasted::new(datum)),
            ColumnKind::Real => real(f32::from_bits(datum.value() as u32)),
            ColumnKind::Double => double(f64::from_bits(datum.value() as u64)),
            ColumnKind::Text { .. } | ColumnKind::Varchar { .. } => Value::Text(Detoasted::new(datum)),
            ColumnKind::Citext { .. } => Value::Folded(Folded {
                text: Detoasted::new(datum).bytes().into(),
                compared: Detoasted::owned(folded(datum)).bytes().into(),
            }),
            ColumnKind::Char { .. } => Value::Char(Detoasted::new(datum)),
            ColumnKind::Name => Value::Bytes(CStr::from_ptr(datum.cast_mut_ptr()).to_bytes().into()),
            ColumnKind::Uuid => Value::Bytes(uuid_text(&*datum.cast_mut_ptr::<[u8; 16]>()).into_bytes().into()),
            ColumnKind::Inet => {
                let text = pgrx::direct_function_call::<&CStr>(pg_sys::inet_out, &[Some(datum)]);
                Value::Bytes(text.map(CStr::to_bytes).unwrap_or_default().into())
            }
            ColumnKind::Date => Value::Moment(Moment::of_date(datum.value() as i32)),
            ColumnKind::Timestamp | ColumnKind::TimestampTz => {
                Value::Moment(Moment::of_timestamp(datum.value() as i64))
            }
            ColumnKind::Json => {
                let text = Detoasted::new(datum);
                let json = std::str::from_utf8(text.bytes()).ok().and_then(|text| Json::parse(text).ok());
                Value::Json(json.unwrap_or(Json::Null))
            }
            ColumnKind::Jsonb => Value::Jsonb(Detoasted::new(datum)),
            // Readers have these as kinds of their own.
            ColumnKind::Enum { .. } | ColumnKind::Array(_) => Value::Missing,
        }
    }
}

impl Element {
    /// `None` if conditions cannot use an array of that type.
    fn of_type(type_id: Oid) -> Option<Self> {
        // SAFETY: the look-up accepts any OID.
        let is_enum = unsafe { pg_sys::type_is_enum(type_id) };
        let kind = match column_kind::of_type(type_id, true) {
            Some(kind) if column_kind::may_be_element(&kind) => Kind::Scalar(kind),
            None if is_enum => Kind::Enum(RefCell::default()),
            _ => return None,
        };
        let (mut length, mut by_value, mut align) = (0, false, 0);
        // SAFETY: the type exists, and the look-up fills in all three variables.
        unsafe { pg_sys::get_typlenbyvalalign(type_id, &raw mut length, &raw mut by_value, &raw mut align) };
        Some(Element { kind, type_id, length, by_value, align })
    }

    /// Reads an array. The elements of an array of several dimensions are one list, as in the SQL that conditions
    /// become.
    ///
    /// # Safety
    /// The datum is an array of such elements and is not NULL.
    unsafe fn read(&self, datum: Datum) -> Value {
        // SAFETY: by this function's own condition. deconstruct_array allocates both lists with `count` entries, and
        // they are freed here. The elements point into the array, which the value keeps.
        unsafe {
            let array = Detoasted::whole(datum);
            let (mut elements, mut nulls, mut count) = (std::ptr::null_mut(), std::ptr::null_mut(), 0);
            pg_sys::deconstruct_array(
                array.as_ptr().cast(),
                self.type_id,
                self.length.into(),
                self.by_value,
                self.align,
                &raw mut elements,
                &raw mut nulls,
                &raw mut count,
            );
            let value = |index: usize| match *nulls.add(index) {
                true => Value::Null,
                false => self.kind.read(*elements.add(index)),
            };
            let elements_read = (0..count as usize).map(value).collect();
            pg_sys::pfree(elements.cast());
            pg_sys::pfree(nulls.cast());
            Value::Array(Elements { values: elements_read, _array: array })
        }
    }
}

/// A value of a row.
pub enum Value {
    Missing,
    Null,
    Bool(bool),
    Integer(Integer),
    Decimal(Decimal),
    Numeric(Detoasted),
    Infinite {
        negative: bool,
    },
    NotANumber,
    Text(Detoasted),
    Folded(Folded),
    Char(Detoasted),
    Bytes(Box<[u8]>),
    /// A label of an enum, and its OID
    Label(Oid, Rc<str>),
    Moment(Moment),
    Json(Json),
    Jsonb(Detoasted),
    Array(Elements),
}

/// The elements of an array, together with the array that they point into.
pub struct Elements {
    values: Vec<Value>,
    _array: Detoasted,
}

impl Value {
    /// The elements of an array; empty for any other value.
    pub fn elements(&self) -> Vec<Cell<'_>> {
        match self {
            Value::Array(elements) => {
                elements.values.iter().map(|value| value.cell(&[]).unwrap_or(Cell::Null)).collect()
            }
            _ => Vec::new(),
        }
    }

    /// The value as conditions compare it; `None` if it is missing. `elements` are its [`elements`](Self::elements).
    pub fn cell<'v>(&'v self, elements: &'v [Cell<'v>]) -> Option<Cell<'v>> {
        Some(match self {
            Value::Missing => return None,
            Value::Null => Cell::Null,
            Value::Bool(value) => Cell::Bool(*value),
            Value::Integer(integer) => Cell::Number(integer.as_number()),
            Value::Decimal(decimal) => Cell::Number(decimal.as_number()),
            Value::Numeric(numeric) => Cell::numeric(numeric.bytes()),
            Value::Infinite { negative } => Cell::infinity(*negative),
            Value::NotANumber => Cell::NAN,
            Value::Text(text) => Cell::String(text.bytes()),
            Value::Folded(text) => Cell::Folded(text),
            Value::Char(text) => Cell::String(without_blanks(text.bytes())),
            Value::Bytes(text) => Cell::String(text),
            Value::Label(_, text) => Cell::String(text.as_bytes()),
            Value::Moment(moment) => Cell::Moment(*moment),
            Value::Json(json) => Cell::Json(json),
            Value::Jsonb(jsonb) => Cell::Jsonb(Jsonb::new(jsonb.bytes()).root()),
            Value::Array(_) => Cell::Array(elements),
        })
    }
}

impl Value {
    /// What a column index stores in the value's place: the OID of a label, text before it is folded, the elements of an
    /// array. `None` for a value that is stored as what conditions compare.
    pub fn stored(&self) -> Option<Cow<'_, [u8]>> {
        match self {
            Value::Label(oid, _) => Some(oid.to_u32().to_le_bytes().to_vec().into()),
            Value::Folded(folded) => Some(Cow::Borrowed(&folded.text)),
            Value::Array(Elements { values, .. }) => {
                let stored: Vec<_> = values.iter().map(Value::stored).collect();
                let elements = values.iter().zip(&stored).map(|(value, stored)| match stored {
                    Some(bytes) => Given::Stored(bytes),
                    None => Given::Value(value.cell(&[]).unwrap_or(Cell::Null)),
                });
                Some(write_elements(elements).into())
            }
            _ => None,
        }
    }
}

fn without_blanks(text: &[u8]) -> &[u8] {
    let blanks = text.iter().rev().take_while(|byte| **byte == b' ').count();
    &text[..text.len() - blanks]
}

/// The text in lower case, by the default collation of the database, as `citext` compares it.
///
/// # Safety
/// The datum is a text or is stored like one.
unsafe fn folded(datum: Datum) -> Datum {
    // SAFETY: by this function's own condition. lower(text) returns a new text.
    unsafe { pg_sys::OidFunctionCall1Coll(pg_sys::F_LOWER_TEXT.into(), pg_sys::DEFAULT_COLLATION_OID, datum) }
}

/// The text in lower case, as `citext` compares it.
pub fn fold(text: &str) -> String {
    use pgrx::IntoDatum;
    let Some(datum) = text.into_datum() else { return String::new() };
    // SAFETY: the datum is a text that was made here.
    unsafe { String::from_datum(folded(datum), false).unwrap_or_default() }
}

/// # Safety
/// The datum is a value of an enum type.
unsafe fn label(labels: &RefCell<HashMap<Oid, Rc<str>>>, datum: Datum) -> Rc<str> {
    let oid = Oid::from(datum.value() as u32);
    let known = labels.borrow().get(&oid).cloned();
    known.unwrap_or_else(|| {
        // SAFETY: by this function's own condition. enum_out returns the label as a C string.
        let label = unsafe { pgrx::direct_function_call::<&CStr>(pg_sys::enum_out, &[Some(datum)]) };
        let label: Rc<str> = label.map(CStr::to_string_lossy).unwrap_or_default().into();
        labels.borrow_mut().insert(oid, label.clone());
        label
    })
}

fn uuid_text(bytes: &[u8; 16]) -> String {
    uuid::Uuid::from_bytes(*bytes).hyphenated().to_string()
}

/// A float as the decimal number that Postgres prints for it.
fn double(value: f64) -> Value {
    if value.fract() == 0.0 && value.abs() < 1e15 {
        return Value::Integer((value as i64).into());
    }
    if !value.is_finite() {
        return not_finite(value.is_nan(), value.is_sign_negative());
    }
    // SAFETY: it writes at most DOUBLE_SHORTEST_DECIMAL_LEN (25) bytes, the terminating zero included
    // (common/shortest_dec.h).
    printed(|buffer| unsafe {
        double_to_shortest_decimal_buf(value, buffer);
    })
}

fn real(value: f32) -> Value {
    if !value.is_finite() {
        return not_finite(value.is_nan(), value.is_sign_negative());
    }
    // SAFETY: as above, with FLOAT_SHORTEST_DECIMAL_LEN (16) bytes.
    printed(|buffer| unsafe {
        float_to_shortest_decimal_buf(value, buffer);
    })
}

fn not_finite(is_nan: bool, negative: bool) -> Value {
    if is_nan { Value::NotANumber } else { Value::Infinite { negative } }
}

fn printed(print: impl FnOnce(*mut c_char)) -> Value {
    let mut buffer = [0; 32];
    print(buffer.as_mut_ptr().cast());
    let text = CStr::from_bytes_until_nul(&buffer).ok().and_then(|text| text.to_str().ok());
    text.and_then(Decimal::parse).map_or(Value::NotANumber, Value::Decimal)
}

// common/shortest_dec.h, which pgrx's bindings leave out. These functions write to the buffer and cannot raise.
unsafe extern "C-unwind" {
    fn double_to_shortest_decimal_buf(value: f64, result: *mut c_char) -> i32;
    fn float_to_shortest_decimal_buf(value: f32, result: *mut c_char) -> i32;
}
