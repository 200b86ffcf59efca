//! The rows of a statement's transition tables, read from where Postgres keeps them, and put to many conditions at
//! once.

use crate::pg::error::internal;
use crate::pg::rows::RowProgram;
use crate::pg::text::Text;
use crate::pg::trigger::Statement;
use pgrx::PgMemoryContexts;
use pgrx::pg_sys::{self, Datum, Oid};
use segments_core::program::Surroundings;
use segments_core::program_set::{Matches, ProgramSet};
use segments_core::row_conditions::Columns;
use std::ffi::{CString, c_int};

/// Conditions over the rows of a table, and where its rows have what they read.
pub struct TableProgram {
    program: RowProgram,
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

impl TableProgram {
    /// `None` where the table does not have all of the columns.
    pub fn new(relation: Oid, columns: &Columns, set: ProgramSet) -> Option<Self> {
        let attributes: Option<Vec<_>> = columns.names.iter().map(|name| Attribute::find(relation, name)).collect();
        let attributes = attributes?;
        let last = attributes.iter().map(|column| column.number).max().unwrap_or(0).into();
        let type_of = |position: usize| attributes[position].type_id;
        let program = RowProgram::new(set, &columns.fields, columns.properties, type_of);
        Some(TableProgram { program, columns: attributes, last })
    }

    /// How the values of a column become text.
    pub fn text_of(&self, position: usize) -> Text {
        Text::of_type(self.columns[position].type_id)
    }

    /// Calls `work` with each row that a statement took away, and the one that it put in its place; there is only one
    /// of them in an INSERT or a DELETE.
    pub fn each(&self, statement: Statement<'_>, mut work: impl FnMut(Option<Row<'_>>, Option<Row<'_>>)) {
        let mut memory = PgMemoryContexts::new("segments: one changed row");
        let [mut old, mut new] = self.rows(statement, memory.value());
        loop {
            crate::pg::interrupt::check();
            let (before, after) = (old.as_mut().and_then(Rows::next), new.as_mut().and_then(Rows::next));
            if before.is_none() && after.is_none() {
                return;
            }
            work(before, after);
            // SAFETY: the methods of `Row` allocate there, and return values of Rust's alone.
            unsafe { memory.reset() };
        }
    }

    /// The rows that the statement took away, and those that it put there. What reading one takes is allocated in
    /// `memory`.
    fn rows(&self, statement: Statement<'_>, memory: pg_sys::MemoryContext) -> [Option<Rows<'_>>; 2] {
        let data = statement.as_ptr();
        // SAFETY: the trigger's data, its relation and its transition tables outlive the call of the trigger function.
        // As nodeNamedtuplestorescan.c does it: others that read the table have read pointers of their own.
        unsafe {
            let descriptor = (*(*data).tg_relation).rd_att;
            let is_of = |column: &Attribute| {
                c_int::from(column.number) <= (*descriptor).natts
                    && pg_sys::SPI_gettypeid(descriptor, column.number.into()) == column.type_id
            };
            if !self.columns.iter().all(is_of) {
                internal("rows have other columns than conditions were compiled for").raise()
            }
            [(*data).tg_oldtable, (*data).tg_newtable].map(|store| {
                if store.is_null() {
                    return None;
                }
                let pointer = pg_sys::tuplestore_alloc_read_pointer(store, pg_sys::EXEC_FLAG_REWIND as c_int);
                pg_sys::tuplestore_select_read_pointer(store, pointer);
                pg_sys::tuplestore_rescan(store);
                let slot = pg_sys::MakeSingleTupleTableSlot(descriptor, &raw const pg_sys::TTSOpsMinimalTuple);
                Some(Rows { table: self, store, slot, memory })
            })
        }
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

/// A row of a transition table.
#[derive(Clone, Copy)]
pub struct Row<'r> {
    table: &'r TableProgram,
    /// Where to allocate memory that is not needed after the row
    memory: pg_sys::MemoryContext,
    values: &'r [Datum],
    nulls: &'r [bool],
}

impl Row<'_> {
    /// Finds the conditions that it satisfies.
    pub fn matching(&self, surroundings: Surroundings<'_>, matches: &mut Matches) {
        let find = || {
            // SAFETY: the program was made for the types of the table's columns.
            unsafe { self.table.program.matching(|position| self.value(position), surroundings, matches) }
        };
        self.allocating(find);
    }

    /// The value of a column as text; `None` is NULL.
    pub fn text(&self, position: usize, text: &Text) -> Option<String> {
        let column = &self.table.columns[position];
        let datum = self.value(position).filter(|_| text.is_of(column.type_id))?;
        // SAFETY: the value is one of the column's type, and so of the text's.
        Some(self.allocating(|| unsafe { text.of(datum) }))
    }

    /// Runs `work`, whose palloc'ed memory is freed after this row. An error leaves the context current, but Postgres
    /// sets it anew then.
    fn allocating<T>(&self, work: impl FnOnce() -> T) -> T {
        // SAFETY: the context lives as long as the row; the one from before is current again afterwards.
        unsafe {
            let before = pg_sys::MemoryContextSwitchTo(self.memory);
            let value = work();
            pg_sys::MemoryContextSwitchTo(before);
            value
        }
    }

    /// Whether all columns are stored as they are in another row, byte by byte.
    pub fn is_like(&self, other: &Row<'_>) -> bool {
        (0..self.table.columns.len()).all(|position| self.has_same(position, other))
    }

    /// Whether a column is stored as in another row of the table, byte by byte.
    pub fn has_same(&self, position: usize, other: &Row<'_>) -> bool {
        let column = &self.table.columns[position];
        if other.table.columns[position].type_id != column.type_id {
            return false;
        }
        match (self.value(position), other.value(position)) {
            (None, None) => true,
            (Some(value), Some(other)) if column.by_value => value.value() == other.value(),
            // SAFETY: both are values of the column's type, which is passed by reference.
            (Some(value), Some(other)) => unsafe { column.bytes(value) == column.bytes(other) },
            _ => false,
        }
    }

    fn value(&self, position: usize) -> Option<Datum> {
        let index = self.table.columns[position].number as usize - 1;
        (!self.nulls[index]).then(|| self.values[index])
    }
}

/// The rows of one transition table.
struct Rows<'t> {
    table: &'t TableProgram,
    store: *mut pg_sys::Tuplestorestate,
    slot: *mut pg_sys::TupleTableSlot,
    memory: pg_sys::MemoryContext,
}

impl Rows<'_> {
    /// The next one, which lasts until it is asked for another.
    fn next(&mut self) -> Option<Row<'_>> {
        // SAFETY: by `rows`; the slot's arrays have as many entries as its descriptor has columns, of which so many are
        // filled in as are asked for.
        unsafe {
            if !pg_sys::tuplestore_gettupleslot(self.store, true, false, self.slot) {
                return None;
            }
            let slot = self.slot;
            if c_int::from((*slot).tts_nvalid) < self.table.last {
                pg_sys::slot_getsomeattrs_int(slot, self.table.last);
            }
            let width = self.table.last as usize;
            Some(Row {
                table: self.table,
                memory: self.memory,
                values: std::slice::from_raw_parts((*slot).tts_values, width),
                nulls: std::slice::from_raw_parts((*slot).tts_isnull, width),
            })
        }
    }
}

impl Drop for Rows<'_> {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            // SAFETY: made by `rows`. Where an error unwinds, Postgres frees it with the memory context.
            unsafe { pg_sys::ExecDropSingleTupleTableSlot(self.slot) };
        }
    }
}
