//! The rows of a query, as SPI holds them.

use crate::pg::error::internal;
use pgrx::datum::{FromDatum, IntoDatum};
use pgrx::pg_sys::{self, Oid};

/// A row that a query returned.
pub struct Tuple {
    tuple: pg_sys::HeapTuple,
    descriptor: pg_sys::TupleDesc,
}

impl Tuple {
    /// # Safety
    /// SPI holds the row and its descriptor as long as this value lives.
    pub unsafe fn new(tuple: pg_sys::HeapTuple, descriptor: pg_sys::TupleDesc) -> Self {
        Tuple { tuple, descriptor }
    }

    /// The value of a column, counted from 1; `None` is NULL.
    pub fn get<T: Owned>(&self, column: usize) -> Option<T> {
        // SAFETY: by `new`. If the column does not exist, its type is 0, which no Rust type can read. An owned value is
        // copied out of the row.
        let value = unsafe {
            let mut is_null = false;
            let column = column as i32;
            let datum = pg_sys::SPI_getbinval(self.tuple, self.descriptor, column, &raw mut is_null);
            T::try_from_datum(datum, is_null, pg_sys::SPI_gettypeid(self.descriptor, column))
        };
        value.unwrap_or_else(|error| internal(error.to_string()).raise())
    }

    /// The datum of a column, counted from 1; `None` is NULL. It may point into the row.
    pub fn datum(&self, column: usize) -> Option<pg_sys::Datum> {
        let mut is_null = false;
        // SAFETY: as in `get`.
        let datum = unsafe { pg_sys::SPI_getbinval(self.tuple, self.descriptor, column as i32, &raw mut is_null) };
        (!is_null).then_some(datum)
    }

    /// The type of a column, counted from 1; 0 if the column does not exist.
    pub fn type_of(&self, column: usize) -> Oid {
        // SAFETY: as in `get`.
        unsafe { pg_sys::SPI_gettypeid(self.descriptor, column as i32) }
    }
}

/// A copy of a row.
pub struct KeptTuple {
    /// The row as Postgres stores it, which begins where a number of eight bytes may
    words: Box<[u64]>,
    bytes: u32,
}

impl KeptTuple {
    /// A copy of a row, as a row with the columns of `target`. Raises if these are others.
    ///
    /// # Safety
    /// `target` describes columns.
    pub unsafe fn of(row: &Tuple, target: pg_sys::TupleDesc) -> Self {
        // SAFETY: by this function's own condition, and by `new`. A conversion palloc's a row. A row has as many bytes as
        // it says.
        unsafe {
            let message = c"the query has other columns than the function".as_ptr();
            let map = pg_sys::convert_tuples_by_position(row.descriptor, target, message);
            let tuple = if map.is_null() { row.tuple } else { pg_sys::execute_attr_map_tuple(row.tuple, map) };
            let bytes = (*tuple).t_len;
            let mut words = vec![0u64; (bytes as usize).div_ceil(8)].into_boxed_slice();
            std::ptr::copy_nonoverlapping((*tuple).t_data.cast::<u8>(), words.as_mut_ptr().cast(), bytes as usize);
            KeptTuple { words, bytes }
        }
    }

    /// Adds the row to the rows that a function returns.
    ///
    /// # Safety
    /// The rows have the columns that [`of`](Self::of) was given.
    pub unsafe fn put(&self, rows: *mut pg_sys::Tuplestorestate) {
        let data = self.words.as_ptr().cast_mut().cast();
        let mut tuple = pg_sys::HeapTupleData { t_len: self.bytes, t_data: data, ..Default::default() };
        // SAFETY: by this function's own condition. The row is copied, and not changed.
        unsafe { pg_sys::tuplestore_puttuple(rows, &raw mut tuple) }
    }
}

/// A Rust type whose values are copied out of the row, so they outlive it.
///
/// # Safety
/// [`FromDatum`] copies the value into memory that Rust manages.
pub unsafe trait Owned: FromDatum + IntoDatum {}

macro_rules! owned {
    ($($type:ty),*) => {
        $(
            // SAFETY: it is a number, or pgrx reads it into a value that owns its memory.
            unsafe impl Owned for $type {}
        )*
    };
}
owned!(
    bool,
    i16,
    i32,
    i64,
    f32,
    f64,
    Oid,
    String,
    pgrx::Uuid,
    pgrx::Json,
    pgrx::JsonB,
    pgrx::datum::TimestampWithTimeZone,
    Vec<u8>
);

// SAFETY: pgrx reads an array into a Vec of values that own their memory.
unsafe impl<T: Owned> Owned for Vec<T> where Vec<T>: FromDatum + IntoDatum {}
// SAFETY: as above.
unsafe impl<T: Owned> Owned for Vec<Option<T>> where Vec<Option<T>>: FromDatum + IntoDatum {}
