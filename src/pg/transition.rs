//! Evaluating many conditions at once for the rows of a statement's transition tables. The rows are read directly from
//! Postgres's tuplestores, without a query.

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

/// Compiled conditions over the rows of a table, with the columns that they read.
pub struct TableProgram {
    program: RowProgram,
    columns: Vec<Attribute>,
    /// The greatest column number
    last: c_int,
}

struct Attribute {
    number: i16,
    type_id: Oid,
    length: i16,
    by_value: bool,
}

impl TableProgram {
    /// `None` if the table lacks one of the columns.
    pub fn new(relation: Oid, columns: &Columns, set: ProgramSet) -> Option<Self> {
        let attributes: Option<Vec<_>> = columns.names.iter().map(|name| Attribute::find(relation, name)).collect();
        let attributes = attributes?;
        let last = attributes.iter().map(|column| column.number).max().unwrap_or(0).into();
        let type_of = |position: usize| attributes[position].type_id;
        let program = RowProgram::new(set, &columns.fields, columns.properties, type_of);
        Some(TableProgram { program, columns: attributes, last })
    }

    /// Turns the values of a column into text.
    pub fn text_of(&self, position: usize) -> Text {
        Text::of_type(self.columns[position].type_id)
    }

    /// Calls `work` with each old row of a statement and the new row that took its place. An INSERT has only new rows,
    /// a DELETE only old ones.
    pub fn each(&self, statement: Statement<'_>, mut work: impl FnMut(Option<ChangedRow<'_>>, Option<ChangedRow<'_>>)) {
        let mut memory = PgMemoryContexts::new("segments: one changed row");
        let [mut old, mut new] = self.rows(statement, memory.value());
        loop {
            crate::pg::interrupt::check();
            let (before, after) =
                (old.as_mut().and_then(TransitionTable::next), new.as_mut().and_then(TransitionTable::next));
            if before.is_none() && after.is_none() {
                return;
            }
            work(before, after);
            // SAFETY: only the methods of `ChangedRow` allocate in this context, and none of their results points into it.
            unsafe { memory.reset() };
        }
    }

    /// The old and the new rows. The methods of a row allocate in `memory`.
    fn rows(&self, statement: Statement<'_>, memory: pg_sys::MemoryContext) -> [Option<TransitionTable<'_>>; 2] {
        let data = statement.as_ptr();
        // SAFETY: the trigger's data, its relation and its transition tables outlive the call of the trigger function.
        // As in nodeNamedtuplestorescan.c, each reader of a tuplestore has its own read pointer.
        unsafe {
            let descriptor = (*(*data).tg_relation).rd_att;
            let is_of = |column: &Attribute| {
                c_int::from(column.number) <= (*descriptor).natts
                    && pg_sys::SPI_gettypeid(descriptor, column.number.into()) == column.type_id
            };
            if !self.columns.iter().all(is_of) {
                internal("the rows have other columns than the conditions were compiled for").raise()
            }
            [(*data).tg_oldtable, (*data).tg_newtable].map(|store| {
                if store.is_null() {
                    return None;
                }
                let pointer = pg_sys::tuplestore_alloc_read_pointer(store, pg_sys::EXEC_FLAG_REWIND as c_int);
                pg_sys::tuplestore_select_read_pointer(store, pointer);
                pg_sys::tuplestore_rescan(store);
                let slot = pg_sys::MakeSingleTupleTableSlot(descriptor, &raw const pg_sys::TTSOpsMinimalTuple);
                Some(TransitionTable { table: self, store, slot, memory })
            })
        }
    }
}

impl Attribute {
    fn find(relation: Oid, name: &str) -> Option<Self> {
        let name = CString::new(name).ok()?;
        // SAFETY: the look-ups accept any OID, and the name is NUL-terminated. The last one fills in both variables.
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
    /// The datum is a value of the column, and the column's type is passed by reference.
    unsafe fn bytes<'v>(&self, datum: Datum) -> &'v [u8] {
        let start = datum.cast_mut_ptr::<u8>();
        // SAFETY: by this function's own condition. typlen gives the length of a value. For a value that is stored out
        // of line, VARSIZE_ANY is the size of the pointer to it.
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
pub struct ChangedRow<'r> {
    table: &'r TableProgram,
    /// The context for memory that is not needed after this row
    memory: pg_sys::MemoryContext,
    values: &'r [Datum],
    nulls: &'r [bool],
}

impl ChangedRow<'_> {
    /// Finds the conditions that the row satisfies.
    pub fn matching(&self, surroundings: Surroundings<'_>, matches: &mut Matches) {
        let find = || {
            // SAFETY: the program was compiled for the types of the table's columns.
            unsafe { self.table.program.matching(|position| self.value(position), surroundings, matches) }
        };
        self.allocating(find);
    }

    /// The value of a column as text; `None` is NULL, or a text for another type.
    pub fn text(&self, position: usize, text: &Text) -> Option<String> {
        let column = &self.table.columns[position];
        let datum = self.value(position).filter(|_| text.is_of(column.type_id))?;
        // SAFETY: the value has the column's type, which `text` was made for.
        Some(self.allocating(|| unsafe { text.of(datum) }))
    }

    /// Runs `work` in the memory context that is reset after this row. After an error Postgres itself makes another
    /// context current.
    fn allocating<T>(&self, work: impl FnOnce() -> T) -> T {
        // SAFETY: the context outlives the row, and the previous context is current again afterwards.
        unsafe {
            let before = pg_sys::MemoryContextSwitchTo(self.memory);
            let value = work();
            pg_sys::MemoryContextSwitchTo(before);
            value
        }
    }

    /// Whether every column is stored with the same bytes as in another row.
    pub fn is_like(&self, other: &ChangedRow<'_>) -> bool {
        (0..self.table.columns.len()).all(|position| self.has_same(position, other))
    }

    /// Whether a column is stored with the same bytes as in another row.
    pub fn has_same(&self, position: usize, other: &ChangedRow<'_>) -> bool {
        let column = &self.table.columns[position];
        if other.table.columns[position].type_id != column.type_id {
            return false;
        }
        match (self.value(position), other.value(position)) {
            (None, None) => true,
            (Some(value), Some(other)) if column.by_value => value.value() == other.value(),
            // SAFETY: both values have the column's type, which is passed by reference.
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
struct TransitionTable<'t> {
    table: &'t TableProgram,
    store: *mut pg_sys::Tuplestorestate,
    slot: *mut pg_sys::TupleTableSlot,
    memory: pg_sys::MemoryContext,
}

impl TransitionTable<'_> {
    /// The next row, valid until the one after it is read.
    fn next(&mut self) -> Option<ChangedRow<'_>> {
        // SAFETY: `rows` made the slot and checked that the descriptor has the columns. The slot's arrays have an entry
        // for each column, and slot_getsomeattrs_int fills in those up to the last one that is read.
        unsafe {
            if !pg_sys::tuplestore_gettupleslot(self.store, true, false, self.slot) {
                return None;
            }
            let slot = self.slot;
            if c_int::from((*slot).tts_nvalid) < self.table.last {
                pg_sys::slot_getsomeattrs_int(slot, self.table.last);
            }
            let width = self.table.last as usize;
            Some(ChangedRow {
                table: self.table,
                memory: self.memory,
                values: std::slice::from_raw_parts((*slot).tts_values, width),
                nulls: std::slice::from_raw_parts((*slot).tts_isnull, width),
            })
        }
    }
}

impl Drop for TransitionTable<'_> {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            // SAFETY: `rows` made the slot. If an error unwinds, Postgres frees it with its memory context.
            unsafe { pg_sys::ExecDropSingleTupleTableSlot(self.slot) };
        }
    }
}
