//! The rows of a statement's transition tables, read from where Postgres keeps them.

use super::trigger::Statement;
use pgrx::PgMemoryContexts;
use pgrx::pg_sys::{self, Datum, Oid};
use std::ffi::{CString, c_int};

/// Some columns of a table, known by their position.
pub struct Layout {
    columns: Vec<Attribute>,
    /// The number of the last one
    last: c_int,
}

struct Attribute {
    number: i16,
    type_id: Oid,
    length: i16,
    by_value: bool,
}

impl Layout {
    /// The columns of these names; `None` where the table does not have them all.
    pub fn of(relation: Oid, names: &[String]) -> Option<Self> {
        let columns: Option<Vec<_>> = names.iter().map(|name| Attribute::find(relation, name)).collect();
        let columns = columns?;
        let last = columns.iter().map(|column| column.number).max().unwrap_or(0);
        Some(Layout { columns, last: last.into() })
    }

    /// The type of a column.
    pub fn type_of(&self, position: usize) -> Oid {
        self.columns[position].type_id
    }
}

impl Attribute {
    fn find(relation: Oid, name: &str) -> Option<Self> {
        let name = CString::new(name).ok()?;
        // SAFETY: catalog look-ups, which take any OIDs; the name is NUL-terminated. The last one fills in both.
        unsafe {
            let number = pg_sys::get_attnum(relation, name.as_ptr());
            if number <= 0 {
                return None;
            }
            let type_id = pg_sys::get_atttype(relation, number);
            let (mut length, mut by_value) = (0, false);
            pg_sys::get_typlenbyval(type_id, &raw mut length, &raw mut by_value);
            Some(Attribute { number, type_id, length, by_value })
        }
    }
}

/// A row of a transition table, as [`each`] hands it out.
#[derive(Clone, Copy)]
pub struct Row<'r> {
    layout: &'r Layout,
    values: &'r [Datum],
    nulls: &'r [bool],
}

impl Row<'_> {
    /// The value of a column; `None` is NULL. It lives as long as the row.
    pub fn value(&self, position: usize) -> Option<Datum> {
        let index = self.layout.columns[position].number as usize - 1;
        (!self.nulls[index]).then(|| self.values[index])
    }

    /// Whether all columns are stored as they are in another row, byte by byte.
    pub fn is_like(&self, other: &Row<'_>) -> bool {
        (0..self.layout.columns.len()).all(|position| self.has_same(position, other))
    }

    /// Whether a column is.
    pub fn has_same(&self, position: usize, other: &Row<'_>) -> bool {
        let column = &self.layout.columns[position];
        match (self.value(position), other.value(position)) {
            (None, None) => true,
            (Some(value), Some(other)) if column.by_value => value.value() == other.value(),
            // SAFETY: both are values of the column, so stored as its type says.
            (Some(value), Some(other)) => unsafe { column.bytes(value) == column.bytes(other) },
            _ => false,
        }
    }
}

impl Attribute {
    /// # Safety
    /// The datum is a value of the column, which is passed by reference.
    unsafe fn bytes<'v>(&self, datum: Datum) -> &'v [u8] {
        let start = datum.cast_mut_ptr::<u8>();
        // SAFETY: by this function's own condition; typlen tells how long a value is. Of one that is stored elsewhere,
        // VARSIZE_ANY is the size of the pointer to it.
        unsafe {
            match self.length {
                -1 => std::slice::from_raw_parts(start, pgrx::varsize_any(start.cast())),
                -2 => std::ffi::CStr::from_ptr(start.cast()).to_bytes(),
                length => std::slice::from_raw_parts(start, length as usize),
            }
        }
    }
}

/// Calls `work` with each row that a statement took away, and the one that it put in its place; there is only one of them
/// in an INSERT or a DELETE. What `work` palloc's is freed after it.
pub fn each(statement: Statement, layout: &Layout, mut work: impl FnMut(Option<Row<'_>>, Option<Row<'_>>)) {
    let [mut old, mut new] = Rows::of(statement, layout);
    let mut memory = PgMemoryContexts::new("segments: one changed row");
    loop {
        super::interrupt::check();
        let (before, after) = (old.as_mut().and_then(Rows::next), new.as_mut().and_then(Rows::next));
        if before.is_none() && after.is_none() {
            return;
        }
        // SAFETY: nothing that `work` palloc's is used after it: it keeps values of Rust's alone.
        unsafe {
            memory.switch_to(|_| work(before, after));
            memory.reset();
        }
    }
}

/// The rows of one transition table.
struct Rows<'l> {
    layout: &'l Layout,
    store: *mut pg_sys::Tuplestorestate,
    slot: *mut pg_sys::TupleTableSlot,
}

impl<'l> Rows<'l> {
    /// Those that the statement took away, and those that it put there.
    fn of(statement: Statement, layout: &'l Layout) -> [Option<Self>; 2] {
        let data = statement.as_ptr();
        // SAFETY: the trigger's data, its relation and its transition tables outlive the call of the trigger function.
        // As nodeNamedtuplestorescan.c does it: others that read the table have read pointers of their own.
        unsafe {
            [(*data).tg_oldtable, (*data).tg_newtable].map(|store| {
                if store.is_null() {
                    return None;
                }
                let pointer = pg_sys::tuplestore_alloc_read_pointer(store, pg_sys::EXEC_FLAG_REWIND as c_int);
                pg_sys::tuplestore_select_read_pointer(store, pointer);
                pg_sys::tuplestore_rescan(store);
                let descriptor = (*(*data).tg_relation).rd_att;
                let slot = pg_sys::MakeSingleTupleTableSlot(descriptor, &raw const pg_sys::TTSOpsMinimalTuple);
                Some(Rows { layout, store, slot })
            })
        }
    }

    /// The next one, which lasts until it is asked for another.
    fn next(&mut self) -> Option<Row<'_>> {
        // SAFETY: by `of`; the slot's arrays have as many entries as its descriptor has columns, of which so many are
        // filled in as are asked for, and the layout's columns are those of this table.
        unsafe {
            if !pg_sys::tuplestore_gettupleslot(self.store, true, false, self.slot) {
                return None;
            }
            let slot = self.slot;
            if c_int::from((*slot).tts_nvalid) < self.layout.last {
                pg_sys::slot_getsomeattrs_int(slot, self.layout.last);
            }
            let width = self.layout.last as usize;
            Some(Row {
                layout: self.layout,
                values: std::slice::from_raw_parts((*slot).tts_values, width),
                nulls: std::slice::from_raw_parts((*slot).tts_isnull, width),
            })
        }
    }
}

impl Drop for Rows<'_> {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            // SAFETY: made by `of`. Where an error unwinds, Postgres frees it with the memory context.
            unsafe { pg_sys::ExecDropSingleTupleTableSlot(self.slot) };
        }
    }
}
