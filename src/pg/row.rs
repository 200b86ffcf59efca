//! Values of rows, read from the datums that they are, as conditions see them.

use crate::pg::detoast::Detoasted;
use pgrx::FromDatum;
use pgrx::pg_sys::{self, Datum, Oid};
use segments_core::date::Moment;
use segments_core::decimal::Decimal;
use segments_core::document::Folded;
use segments_core::jsonb::Jsonb;
use segments_core::row::{Cell, Integer};
use segments_core::value::Json;
use std::cell::RefCell;
use std::collections::HashMap;
use std::ffi::{CStr, c_char};
use std::rc::Rc;

/// How the values of a type are read.
pub struct Reader(Kind);

enum Kind {
    Bool,
    SmallInt,
    Integer,
    BigInt,
    Numeric,
    Real,
    Double,
    Text,
    /// `citext`, which compares in lower case
    Citext,
    /// Without trailing blanks, which are no part of the string
    Char,
    Name,
    Uuid,
    /// The text that its output function writes
    Inet,
    Enum(RefCell<HashMap<Oid, Rc<str>>>),
    Date,
    Timestamp,
    Json,
    Jsonb,
    Array(Box<Element>),
    /// Of a type that conditions cannot use: always missing
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
    /// Of the type of that OID, or what it is a domain over.
    pub fn of_type(type_id: Oid) -> Self {
        Reader(Kind::of_type(type_id, true))
    }

    /// Whether it reads json or jsonb, which are varlenas.
    pub fn is_of_documents(&self) -> bool {
        matches!(self.0, Kind::Json | Kind::Jsonb)
    }

    /// Reads a value.
    ///
    /// # Safety
    /// The datum is a value of the reader's type, not NULL, and outlives the result.
    pub unsafe fn read(&self, datum: Datum) -> Value {
        // SAFETY: by this function's own condition.
        unsafe { self.0.read(datum) }
    }
}

impl Kind {
    fn of_type(type_id: Oid, may_be_array: bool) -> Self {
        // SAFETY: catalog look-ups, which take any OID of a type that exists.
        let (base, element) = unsafe {
            let base = pg_sys::getBaseType(type_id);
            (base, pg_sys::get_element_type(base))
        };
        match base {
            pg_sys::BOOLOID => Kind::Bool,
            pg_sys::INT2OID => Kind::SmallInt,
            pg_sys::INT4OID => Kind::Integer,
            pg_sys::INT8OID => Kind::BigInt,
            pg_sys::NUMERICOID => Kind::Numeric,
            pg_sys::FLOAT4OID => Kind::Real,
            pg_sys::FLOAT8OID => Kind::Double,
            pg_sys::TEXTOID | pg_sys::VARCHAROID => Kind::Text,
            pg_sys::BPCHAROID => Kind::Char,
            pg_sys::NAMEOID => Kind::Name,
            pg_sys::UUIDOID => Kind::Uuid,
            pg_sys::INETOID => Kind::Inet,
            pg_sys::DATEOID => Kind::Date,
            pg_sys::TIMESTAMPOID | pg_sys::TIMESTAMPTZOID => Kind::Timestamp,
            pg_sys::JSONOID => Kind::Json,
            pg_sys::JSONBOID => Kind::Jsonb,
            _ if element != Oid::INVALID && may_be_array => Kind::Array(Box::new(Element::of_type(element))),
            // SAFETY: as above.
            other if unsafe { pg_sys::type_is_enum(other) } => Kind::Enum(RefCell::default()),
            other if is_text(other) => Kind::Citext,
            _ => Kind::Unreadable,
        }
    }

    /// # Safety
    /// As of [`Reader::read`].
    unsafe fn read(&self, datum: Datum) -> Value {
        // SAFETY: by this function's own condition the datum is of the type that each arm reads: by value, or a pointer
        // to what the type's definition in Postgres says.
        unsafe {
            match self {
                Kind::Bool => Value::Bool(datum.value() & 0xFF != 0),
                Kind::SmallInt => Value::Integer(i64::from(datum.value() as i16).into()),
                Kind::Integer => Value::Integer(i64::from(datum.value() as i32).into()),
                Kind::BigInt => Value::Integer((datum.value() as i64).into()),
                Kind::Numeric => Value::Numeric(Detoasted::new(datum)),
                Kind::Real => real(f32::from_bits(datum.value() as u32)),
                Kind::Double => double(f64::from_bits(datum.value() as u64)),
                Kind::Text => Value::Text(Detoasted::new(datum)),
                Kind::Citext => Value::Folded(Folded {
                    text: Detoasted::new(datum).bytes().into(),
                    compared: Detoasted::owned(folded(datum)).bytes().into(),
                }),
                Kind::Char => Value::Char(Detoasted::new(datum)),
                Kind::Name => Value::Bytes(CStr::from_ptr(datum.cast_mut_ptr()).to_bytes().into()),
                Kind::Uuid => Value::Bytes(uuid_text(&*datum.cast_mut_ptr::<[u8; 16]>()).into_bytes().into()),
                Kind::Inet => {
                    let text = pgrx::direct_function_call::<&CStr>(pg_sys::inet_out, &[Some(datum)]);
                    Value::Bytes(text.map(CStr::to_bytes).unwrap_or_default().into())
                }
                Kind::Enum(labels) => Value::Label(label(labels, datum)),
                Kind::Date => Value::Moment(Moment::of_date(datum.value() as i32)),
                Kind::Timestamp => Value::Moment(Moment::of_timestamp(datum.value() as i64)),
                Kind::Json => {
                    let text = Detoasted::new(datum);
                    let json = std::str::from_utf8(text.bytes()).ok().and_then(|text| Json::parse(text).ok());
                    Value::Json(json.unwrap_or(Json::Null))
                }
                Kind::Jsonb => Value::Jsonb(Detoasted::new(datum)),
                Kind::Array(element) => element.read(datum),
                Kind::Unreadable => Value::Missing,
            }
        }
    }
}

impl Element {
    fn of_type(type_id: Oid) -> Self {
        let (mut length, mut by_value, mut align) = (0, false, 0);
        // SAFETY: a catalog look-up for a type that exists, which fills in all three.
        unsafe { pg_sys::get_typlenbyvalalign(type_id, &raw mut length, &raw mut by_value, &raw mut align) };
        Element { kind: Kind::of_type(type_id, false), type_id, length, by_value, align }
    }

    /// An array of several dimensions is the list of its elements, as compiled SQL has it.
    ///
    /// # Safety
    /// The datum is an array of such elements, not NULL.
    unsafe fn read(&self, datum: Datum) -> Value {
        // SAFETY: by this function's own condition; the lists that deconstruct_array makes are as long as it says, and
        // are freed here, while the elements point into the array, which the value keeps.
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

/// A value that was read, with what it took out of the row.
pub enum Value {
    Missing,
    Null,
    Bool(bool),
    Integer(Integer),
    Decimal(Decimal),
    Numeric(Detoasted),
    Infinite { negative: bool },
    NotANumber,
    Text(Detoasted),
    Folded(Folded),
    Char(Detoasted),
    Bytes(Box<[u8]>),
    Label(Rc<str>),
    Moment(Moment),
    Json(Json),
    Jsonb(Detoasted),
    Array(Elements),
}

/// The elements of an array, with the array that they point into.
pub struct Elements {
    values: Vec<Value>,
    _array: Detoasted,
}

impl Value {
    /// What an array's elements are; of others nothing.
    pub fn elements(&self) -> Vec<Cell<'_>> {
        match self {
            Value::Array(elements) => {
                elements.values.iter().map(|value| value.cell(&[]).unwrap_or(Cell::Null)).collect()
            }
            _ => Vec::new(),
        }
    }

    /// The value as conditions see it, given its [`elements`](Self::elements).
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
            Value::Label(text) => Cell::String(text.as_bytes()),
            Value::Moment(moment) => Cell::Moment(*moment),
            Value::Json(json) => Cell::Json(json),
            Value::Jsonb(jsonb) => Cell::Jsonb(Jsonb::new(jsonb.bytes()).root()),
            Value::Array(_) => Cell::Array(elements),
        })
    }
}

fn without_blanks(text: &[u8]) -> &[u8] {
    let blanks = text.iter().rev().take_while(|byte| **byte == b' ').count();
    &text[..text.len() - blanks]
}

/// A type that is not Postgres's own, but a string stored as text is: of such, conditions can use `citext` alone.
fn is_text(type_id: Oid) -> bool {
    let (mut category, mut preferred) = (0, false);
    // SAFETY: catalog look-ups for a type that exists.
    let length = unsafe {
        pg_sys::get_type_category_preferred(type_id, &raw mut category, &raw mut preferred);
        pg_sys::get_typlen(type_id)
    };
    category as u8 == b'S' && length == -1
}

/// The text in lower case, by the database's own collation, as `citext` compares it.
///
/// # Safety
/// The datum is a text, or stored as one is.
unsafe fn folded(datum: Datum) -> Datum {
    // SAFETY: by this function's own condition; lower(text) returns a text of its own.
    unsafe { pg_sys::OidFunctionCall1Coll(pg_sys::F_LOWER_TEXT.into(), pg_sys::DEFAULT_COLLATION_OID, datum) }
}

/// The text in lower case, as `citext` compares it.
pub fn fold(text: &str) -> String {
    use pgrx::IntoDatum;
    let Some(datum) = text.into_datum() else { return String::new() };
    // SAFETY: the datum is a text made here.
    unsafe { String::from_datum(folded(datum), false).unwrap_or_default() }
}

/// # Safety
/// The datum is a value of an enum type.
unsafe fn label(labels: &RefCell<HashMap<Oid, Rc<str>>>, datum: Datum) -> Rc<str> {
    let oid = Oid::from(datum.value() as u32);
    let known = labels.borrow().get(&oid).cloned();
    known.unwrap_or_else(|| {
        // SAFETY: by this function's own condition; enum_out returns the label as a C string.
        let label = unsafe { pgrx::direct_function_call::<&CStr>(pg_sys::enum_out, &[Some(datum)]) };
        let label: Rc<str> = label.map(CStr::to_string_lossy).unwrap_or_default().into();
        labels.borrow_mut().insert(oid, label.clone());
        label
    })
}

fn uuid_text(bytes: &[u8; 16]) -> String {
    uuid::Uuid::from_bytes(*bytes).hyphenated().to_string()
}

/// The number that a float prints as.
fn double(value: f64) -> Value {
    if value.fract() == 0.0 && value.abs() < 1e15 {
        return Value::Integer((value as i64).into());
    }
    if !value.is_finite() {
        return not_finite(value.is_nan(), value.is_sign_negative());
    }
    // SAFETY: common/shortest_dec.h: it writes at most DOUBLE_SHORTEST_DECIMAL_LEN, 25 bytes, with the terminating
    // zero.
    printed(|buffer| unsafe {
        double_to_shortest_decimal_buf(value, buffer);
    })
}

fn real(value: f32) -> Value {
    if !value.is_finite() {
        return not_finite(value.is_nan(), value.is_sign_negative());
    }
    // SAFETY: as above, of FLOAT_SHORTEST_DECIMAL_LEN, 16 bytes.
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

// common/shortest_dec.h, which pgrx's bindings leave out; they only write to the buffer and cannot raise.
unsafe extern "C-unwind" {
    fn double_to_shortest_decimal_buf(value: f64, result: *mut c_char) -> i32;
    fn float_to_shortest_decimal_buf(value: f32, result: *mut c_char) -> i32;
}
