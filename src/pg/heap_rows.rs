//! The rows of single pages of a table.

use crate::pg::error::internal;
use crate::pg::heap_pages::HeapPages;
use crate::pg::rows::RowProgram;
use pgrx::itemptr::item_pointer_set_all;
use pgrx::pg_sys::{self, Datum};
use segments_core::program::Surroundings;
use segments_core::program_set::{Matches, ProgramSet};
use segments_core::row_conditions::{ColumnKey, Columns};
use std::marker::PhantomData;
use std::ops::Range;

/// The rows of a page, copied out of it, so that the page is not locked while their values are read.
pub struct CopiedRows<'r> {
    heap: HeapPages<'r>,
    /// Each as Postgres stores it, which begins where a number of eight bytes may; and its bytes
    rows: Vec<(Box<[u64]>, u32)>,
}

/// The values of a row. They may point into it.
pub struct RowValues<'v> {
    values: Vec<Datum>,
    nulls: Vec<bool>,
    row: PhantomData<&'v ()>,
}

impl RowValues<'_> {
    /// The value of the column of that number; `None` is NULL, and of a column that does not exist.
    pub fn get(&self, column: i16) -> Option<Datum> {
        let index = usize::try_from(column).ok()?.checked_sub(1)?;
        (!*self.nulls.get(index)?).then(|| self.values[index])
    }
}

impl<'r> HeapPages<'r> {
    /// Copies the rows of a page, if everybody sees all of them, and nothing else is on it; otherwise `None`.
    pub fn rows_that_all_see(self, block: u32) -> Option<CopiedRows<'r>> {
        let mut rows = Vec::new();
        let is_visible = self.read_if_all_visible(block, |row| rows.push(row));
        is_visible.then_some(CopiedRows { heap: self, rows })
    }

    /// The number of the column of that name.
    fn column(self, name: &str) -> Option<i16> {
        (1..=self.columns()).find(|number| self.column_name(*number) == name)
    }

    /// Compiles conditions on the rows of the table.
    pub fn program(self, set: ProgramSet, columns: &Columns) -> HeapProgram<'r> {
        let number = |name: &String| match self.column(name) {
            Some(number) => number as usize,
            None => internal(format!("the table has no column \"{name}\"")).raise(),
        };
        let numbers: Vec<usize> = columns.names.iter().map(number).collect();
        let fields: Vec<ColumnKey> = columns
            .fields
            .iter()
            .map(|field| ColumnKey { key: field.key.clone(), position: numbers[field.position] })
            .collect();
        let properties = columns.properties.map(|position| numbers[position]);
        let program = RowProgram::new(set, &fields, properties, |number| self.column_type(number as i16));
        HeapProgram { heap: self, program }
    }
}

impl CopiedRows<'_> {
    /// Calls `see` with each row.
    pub fn each(&self, mut see: impl FnMut(&RowValues<'_>)) {
        let columns = self.heap.columns() as usize;
        for (row, bytes) in &self.rows {
            let (mut values, mut nulls) = (vec![Datum::null(); columns], vec![true; columns]);
            let data = row.as_ptr().cast_mut().cast();
            let mut tuple = pg_sys::HeapTupleData { t_len: *bytes, t_data: data, ..Default::default() };
            // SAFETY: the row was copied from the table, and both lists have room for its columns.
            unsafe {
                let descriptor = self.heap.descriptor();
                pg_sys::heap_deform_tuple(&raw mut tuple, descriptor, values.as_mut_ptr(), nulls.as_mut_ptr());
            }
            see(&RowValues { values, nulls, row: PhantomData });
        }
    }
}

/// Conditions that are compiled for the rows of a table.
pub struct HeapProgram<'r> {
    heap: HeapPages<'r>,
    program: RowProgram,
}

impl HeapProgram<'_> {
    /// Puts the conditions to each row of these pages that the active snapshot sees.
    pub fn matching(&self, blocks: Range<u32>, surroundings: Surroundings<'_>, mut see: impl FnMut(&Matches)) {
        let mut scan = Scan::of(self.heap, blocks);
        let mut matches = Matches::new();
        while let Some(slot) = scan.next() {
            // SAFETY: a slot has the columns of its table, of which the program knows the types. Its values are valid until
            // the next row.
            unsafe {
                let slot = &*slot;
                let datum = |number: usize| {
                    let index = number - 1;
                    (!*slot.tts_isnull.add(index)).then(|| *slot.tts_values.add(index))
                };
                self.program.matching(datum, surroundings, &mut matches);
            }
            see(&matches);
            crate::pg::interrupt::check();
        }
    }
}

/// A scan of some pages with the active snapshot.
struct Scan {
    scan: pg_sys::TableScanDesc,
    slot: *mut pg_sys::TupleTableSlot,
    columns: i16,
}

impl Scan {
    fn of(heap: HeapPages<'_>, blocks: Range<u32>) -> Self {
        let flags = pg_sys::ScanOptions::SO_TYPE_TIDRANGESCAN | pg_sys::ScanOptions::SO_ALLOW_PAGEMODE;
        let (mut first, mut last) = (Default::default(), Default::default());
        item_pointer_set_all(&mut first, blocks.start, 1);
        item_pointer_set_all(&mut last, blocks.end.saturating_sub(1), u16::MAX - 1);
        let none = std::ptr::null_mut();
        // SAFETY: the table is open and a heap. The active snapshot stays registered while a statement runs.
        unsafe {
            let snapshot = crate::pg::snapshot::active();
            let scan = pg_sys::heap_beginscan(heap.relation(), snapshot, 0, none, std::ptr::null_mut(), flags);
            pg_sys::heap_set_tidrange(scan, &raw mut first, &raw mut last);
            let slot = pg_sys::table_slot_create(heap.relation(), std::ptr::null_mut());
            Scan { scan, slot, columns: heap.columns() }
        }
    }

    /// The next row, with its values; `None` at the end.
    fn next(&mut self) -> Option<*mut pg_sys::TupleTableSlot> {
        // SAFETY: `of` made both.
        unsafe {
            let forward = pg_sys::ScanDirection::ForwardScanDirection;
            let found = pg_sys::heap_getnextslot_tidrange(self.scan, forward, self.slot);
            if found {
                pg_sys::slot_getsomeattrs_int(self.slot, self.columns.into());
            }
            found.then_some(self.slot)
        }
    }
}

impl Drop for Scan {
    fn drop(&mut self) {
        // After an error Postgres releases both itself.
        if !std::thread::panicking() {
            // SAFETY: `of` made both, and they are not used afterwards.
            unsafe {
                pg_sys::ExecDropSingleTupleTableSlot(self.slot);
                pg_sys::heap_endscan(self.scan);
            }
        }
    }
}
