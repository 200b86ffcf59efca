//! Rows that a function returns from more than one of its calls. They are read once.

use crate::pg::call::Call;
use crate::pg::error::internal;
use crate::pg::returning;
use crate::pg::spi::{QueryText, Reading, connected};
use crate::pg::tuple::{KeptTuple, Owned};
use pgrx::datum::DatumWithOid;
use pgrx::pg_sys::{self, Oid};
use std::collections::HashMap;
use std::hash::Hash;

/// The rows, by the value of one of their columns.
pub struct KeptRows<K> {
    /// The types of the columns that the caller of the function expects
    columns: Vec<Oid>,
    rows: HashMap<K, KeptTuple>,
}

impl<K: Owned + Eq + Hash> KeptRows<K> {
    /// No rows yet, for calls from this place in a query.
    pub fn new(call: Call) -> Self {
        KeptRows { columns: types(returning::expected(call)), rows: HashMap::new() }
    }

    /// Keeps the rows of a query, by the value of `key`, a column counted from 1 that is not NULL. The query reads as
    /// [`Reading::usual`]. Raises if it has other columns than the function.
    pub fn read(&mut self, call: Call, sql: &'static str, arguments: &[DatumWithOid], key: usize) {
        let target = self.checked(call);
        let rows = connected(|session| {
            session.query(QueryText::Constant(sql), arguments, Reading::usual(), |row| {
                // SAFETY: the columns are those that the caller expects.
                (row.get(key), unsafe { KeptTuple::of(row, target) })
            })
        });
        self.rows.extend(rows.into_iter().filter_map(|(key, row)| Some((key?, row))));
    }

    /// Returns the rows with these keys from the function, in this order. Keys without a row are left out.
    pub fn put<'k>(&self, call: Call, keys: impl Iterator<Item = &'k K>)
    where
        K: 'k,
    {
        self.checked(call);
        let rows = returning::store(call);
        for row in keys.filter_map(|key| self.rows.get(key)) {
            // SAFETY: the rows have the columns that the caller expects, and so has the store.
            unsafe { row.put(rows) }
        }
    }

    /// The columns that the caller of the function expects. Raises if they are others than before.
    fn checked(&self, call: Call) -> pg_sys::TupleDesc {
        let target = returning::expected(call);
        if types(target) != self.columns {
            internal("rows were kept for a call that returns others").raise()
        }
        target
    }
}

fn types(columns: pg_sys::TupleDesc) -> Vec<Oid> {
    // SAFETY: they are those of a call. The look-up accepts the numbers from 1.
    unsafe { (1..=(*columns).natts).map(|column| pg_sys::SPI_gettypeid(columns, column)).collect() }
}
