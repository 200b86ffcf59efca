//! Documents read off a table while a query on it is planned.
//!
//! ANALYZE keeps a hundred documents of a jsonb column: too few to tell 1 % of a table from 3 %. Postgres's planner
//! itself looks into a table where its statistics would be wrong (`get_actual_variable_range` in
//! `src/backend/utils/adt/selfuncs.c`).

use crate::pg::detoast::Detoasted;
use pgrx::itemptr::item_pointer_set_all;
use pgrx::pg_sys::{self, Oid};

/// A column of a table.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Column {
    /// The table
    pub relation: Oid,
    /// The column's number
    pub number: i16,
}

/// Documents of some pages of a table.
pub struct Documents {
    /// The jsonb containers
    pub containers: Vec<Box<[u8]>>,
    /// How many rows have NULL instead
    pub nulls: usize,
}

/// What tells whether documents that were read before are still like those of the table.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Version {
    file: Oid,
    /// What VACUUM and ANALYZE last counted
    rows: f32,
    /// How many pages there are now
    pages: u32,
}

impl Version {
    /// Whether little has changed since an earlier version.
    pub fn is_like(&self, earlier: &Version) -> bool {
        let grown = self.pages.abs_diff(earlier.pages);
        self.file == earlier.file && self.rows == earlier.rows && grown <= earlier.pages / 10
    }
}

/// A table of whose documents a few can be read.
pub struct Table(pg_sys::Relation);

/// How many bytes of documents are read at most.
const MOST_BYTES: usize = 1 << 20;
/// How many of one page's rows, after which no further one is read. Rows that lie in line do not take more; of
/// documents of 4 KB, which lie elsewhere, these are two or three.
const MOST_BYTES_OF_PAGE: usize = 8 << 10;
/// Larger documents are left out.
const LARGEST_DOCUMENT: usize = 64 << 10;

impl Table {
    /// Runs `work` with the table of that OID. `None` where it is not an ordinary table in a heap, or where this
    /// transaction has not locked it.
    pub fn with<T>(relation: Oid, work: impl FnOnce(&Table) -> Option<T>) -> Option<T> {
        work(&Table::open(relation)?)
    }

    fn open(relation: Oid) -> Option<Self> {
        // SAFETY: RelationIdGetRelation takes any OID; the relation stays pinned until drop.
        unsafe {
            let table = pg_sys::RelationIdGetRelation(relation);
            if table.is_null() {
                return None;
            }
            let table = Table(table);
            let class = (*table.0).rd_rel;
            let has_rows = [pg_sys::RELKIND_RELATION, pg_sys::RELKIND_MATVIEW].contains(&((*class).relkind as u8));
            let is_others = (*class).relpersistence as u8 == pg_sys::RELPERSISTENCE_TEMP && !(*table.0).rd_islocaltemp;
            let is_heap = std::ptr::eq((*table.0).rd_tableam, pg_sys::GetHeapamTableAmRoutine());
            let lock = pg_sys::AccessShareLock as pg_sys::LOCKMODE;
            let is_locked = pg_sys::CheckRelationLockedByMe(table.0, lock, true);
            (has_rows && !is_others && is_heap && is_locked).then_some(table)
        }
    }

    /// What the table is like now.
    pub fn version(&self) -> Version {
        // SAFETY: the relation is open and has a main fork.
        unsafe {
            let class = (*self.0).rd_rel;
            let pages = pg_sys::RelationGetNumberOfBlocksInFork(self.0, pg_sys::ForkNumber::MAIN_FORKNUM);
            Version { file: (*class).relfilenode, rows: (*class).reltuples, pages }
        }
    }

    /// The documents of a column on so many pages, spread evenly; neighbours are not next to each other. `None` where the
    /// column is not a jsonb.
    pub fn documents(&self, column: i16, pages: u32) -> Option<Documents> {
        if !self.is_jsonb(column) {
            return None;
        }
        let (mut containers, mut nulls, mut bytes) = (Vec::new(), 0, 0);
        let existing = self.version().pages;
        let pages = pages.min(existing);
        let mut scan = Scan::begin(self);
        for page in scattered(pages) {
            // The middle one of each of as many stretches of the table.
            let block = (u64::from(existing) * (2 * u64::from(page) + 1) / (2 * u64::from(pages))) as u32;
            let bytes_before = bytes;
            scan.page(block, column, &mut |value| {
                match value {
                    Some(document) => {
                        bytes += document.len();
                        containers.push(document);
                    }
                    None => nulls += 1,
                }
                bytes - bytes_before < MOST_BYTES_OF_PAGE
            });
            if bytes > MOST_BYTES {
                break;
            }
            crate::pg::interrupt::check();
        }
        let order = scattered(containers.len() as u32);
        let containers = order.map(|index| std::mem::take(&mut containers[index as usize])).collect();
        Some(Documents { containers, nulls })
    }

    fn is_jsonb(&self, column: i16) -> bool {
        // SAFETY: the relation is open. SPI_gettypeid takes any number and gives 0 where there is no such column;
        // a system column, whose number is below 0, is never a jsonb.
        unsafe {
            let type_id = pg_sys::SPI_gettypeid((*self.0).rd_att, column.into());
            type_id != Oid::INVALID && pg_sys::getBaseType(type_id) == pg_sys::JSONBOID
        }
    }
}

impl Drop for Table {
    fn drop(&mut self) {
        // After an error, Postgres lets go of the relation itself.
        if !std::thread::panicking() {
            // SAFETY: pinned by `open`.
            unsafe { pg_sys::RelationClose(self.0) }
        }
    }
}

/// The numbers below `count`, so that any first few are spread over all.
fn scattered(count: u32) -> impl Iterator<Item = u32> {
    // The golden section's multiples; any step without a common factor meets every number once.
    let common = |mut a: u32, mut b: u32| {
        while b > 0 {
            (a, b) = (b, a % b);
        }
        a
    };
    let golden = (f64::from(count) * 0.618) as u32;
    let step = (golden.max(1)..).find(|step| common(*step, count) == 1).unwrap_or(1);
    (0..count).map(move |index| (u64::from(index) * u64::from(step) % u64::from(count)) as u32)
}

/// A scan of single pages. It sees rows as of now, outside of the transaction's snapshot, so that it takes no part in
/// what SERIALIZABLE watches.
struct Scan {
    scan: pg_sys::TableScanDesc,
    slot: *mut pg_sys::TupleTableSlot,
}

impl Scan {
    fn begin(table: &Table) -> Self {
        // SAFETY: the relation is open and is a heap; the snapshot is a static of the backend.
        unsafe {
            let flags = pg_sys::ScanOptions::SO_TYPE_TIDRANGESCAN;
            let snapshot = &raw mut pg_sys::SnapshotSelfData;
            let none = std::ptr::null_mut();
            Scan {
                scan: pg_sys::heap_beginscan(table.0, snapshot, 0, std::ptr::null_mut(), none, flags),
                slot: pg_sys::table_slot_create(table.0, std::ptr::null_mut()),
            }
        }
    }

    /// Hands out the column's value of every row on a page, as long as more are wanted; `None` for NULL.
    fn page(&mut self, block: u32, column: i16, take: &mut impl FnMut(Option<Box<[u8]>>) -> bool) {
        // SAFETY: the scan is of an open heap. A slot's values are valid until the next row is fetched into it; the
        // column is a jsonb, as `documents` has checked. What lies out of line stays where it is while there is a snapshot.
        unsafe {
            let (mut first, mut last) = (Default::default(), Default::default());
            item_pointer_set_all(&mut first, block, 1);
            item_pointer_set_all(&mut last, block, u16::MAX - 1);
            pg_sys::heap_rescan(self.scan, std::ptr::null_mut(), false, false, false, false);
            pg_sys::heap_set_tidrange(self.scan, &raw mut first, &raw mut last);
            while pg_sys::heap_getnextslot_tidrange(self.scan, pg_sys::ScanDirection::ForwardScanDirection, self.slot) {
                pg_sys::slot_getsomeattrs_int(self.slot, column.into());
                let index = column as usize - 1;
                let value = *(*self.slot).tts_values.add(index);
                let is_wanted = if *(*self.slot).tts_isnull.add(index) {
                    take(None)
                } else if pg_sys::toast_raw_datum_size(value) <= LARGEST_DOCUMENT && may_unpack(value) {
                    take(Some(Detoasted::new(value).bytes().into()))
                } else {
                    true
                };
                if !is_wanted {
                    break;
                }
            }
        }
    }
}

/// # Safety
/// `value` is a varlena.
unsafe fn may_unpack(value: pg_sys::Datum) -> bool {
    // SAFETY: by this function's own condition.
    unsafe { !pgrx::varatt_is_1b_e(value.cast_mut_ptr()) || pg_sys::HaveRegisteredOrActiveSnapshot() }
}

impl Drop for Scan {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            // SAFETY: both were made by `begin` and are not used after.
            unsafe {
                pg_sys::ExecDropSingleTupleTableSlot(self.slot);
                pg_sys::heap_endscan(self.scan);
            }
        }
    }
}
