//! Reading a sample of documents from a table while a query on it is planned.
//!
//! ANALYZE keeps a hundred documents of a jsonb column, too few to tell 1 % of a table from 3 %. Postgres's planner
//! also reads from a table where statistics would mislead it (`get_actual_variable_range` in
//! `src/backend/utils/adt/selfuncs.c`).

use crate::pg::detoast::Detoasted;
use pgrx::itemptr::item_pointer_set_all;
use pgrx::pg_sys::{self, Oid};

/// A column of a table.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct TableColumn {
    /// The table
    pub relation: Oid,
    /// The column's number
    pub number: i16,
}

/// The documents on some pages of a table.
pub struct Documents {
    /// The jsonb containers
    pub containers: Vec<Box<[u8]>>,
    /// How many rows have NULL instead of a document
    pub nulls: usize,
}

/// The state of a table, to tell whether documents that were read earlier still represent it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Version {
    file: Oid,
    /// The number of rows according to the last VACUUM or ANALYZE
    rows: f32,
    /// The number of pages now
    pages: u32,
}

impl Version {
    /// Whether the table has changed little since an earlier version.
    pub fn is_like(&self, earlier: &Version) -> bool {
        let grown = self.pages.abs_diff(earlier.pages);
        self.file == earlier.file && self.rows == earlier.rows && grown <= earlier.pages / 10
    }
}

/// An open table from which documents can be read.
pub struct SampledTable(pg_sys::Relation);

/// How many bytes of documents are read at most.
const MOST_BYTES: usize = 1 << 20;
/// After how many bytes the rest of a page is skipped. All rows of a page fit if their documents are stored in line. Of
/// documents of 4 KB, which are stored out of line, two or three are read.
const MOST_BYTES_OF_PAGE: usize = 8 << 10;
/// Documents with more bytes are skipped.
const LARGEST_DOCUMENT: usize = 64 << 10;

impl SampledTable {
    /// Runs `work` with the table of that OID. `None` where it is not an ordinary table in a heap, or where this
    /// transaction has not locked it.
    pub fn with<T>(relation: Oid, work: impl FnOnce(&SampledTable) -> Option<T>) -> Option<T> {
        work(&SampledTable::open(relation)?)
    }

    fn open(relation: Oid) -> Option<Self> {
        // SAFETY: RelationIdGetRelation accepts any OID. The relation stays pinned until drop.
        unsafe {
            let table = pg_sys::RelationIdGetRelation(relation);
            if table.is_null() {
                return None;
            }
            let table = SampledTable(table);
            let class = (*table.0).rd_rel;
            let has_rows = [pg_sys::RELKIND_RELATION, pg_sys::RELKIND_MATVIEW].contains(&((*class).relkind as u8));
            let is_others = (*class).relpersistence as u8 == pg_sys::RELPERSISTENCE_TEMP && !(*table.0).rd_islocaltemp;
            let is_heap = std::ptr::eq((*table.0).rd_tableam, pg_sys::GetHeapamTableAmRoutine());
            let lock = pg_sys::AccessShareLock as pg_sys::LOCKMODE;
            let is_locked = pg_sys::CheckRelationLockedByMe(table.0, lock, true);
            (has_rows && !is_others && is_heap && is_locked).then_some(table)
        }
    }

    /// The state of the table now.
    pub fn version(&self) -> Version {
        // SAFETY: the relation is open and has a main fork.
        unsafe {
            let class = (*self.0).rd_rel;
            let pages = pg_sys::RelationGetNumberOfBlocksInFork(self.0, pg_sys::ForkNumber::MAIN_FORKNUM);
            Version { file: (*class).relfilenode, rows: (*class).reltuples, pages }
        }
    }

    /// The documents of a column on `pages` pages that are spread evenly over the table. They come in a scattered
    /// order, so that any first part of them is spread evenly, too. `None` if the column is not a jsonb.
    pub fn documents(&self, column: i16, pages: u32) -> Option<Documents> {
        if !self.is_jsonb(column) {
            return None;
        }
        let (mut containers, mut nulls, mut bytes) = (Vec::new(), 0, 0);
        let existing = self.version().pages;
        let pages = pages.min(existing);
        let mut scan = Scan::begin(self);
        for page in scattered(pages) {
            // The table is cut into as many stretches as pages are read; this is the middle page of a stretch.
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
        // SAFETY: the relation is open. SPI_gettypeid accepts any number and returns 0 if the column does not exist. No
        // system column, whose number is below 0, is a jsonb.
        unsafe {
            let type_id = pg_sys::SPI_gettypeid((*self.0).rd_att, column.into());
            type_id != Oid::INVALID && pg_sys::getBaseType(type_id) == pg_sys::JSONBOID
        }
    }
}

impl Drop for SampledTable {
    fn drop(&mut self) {
        // After an error Postgres releases the relation itself.
        if !std::thread::panicking() {
            // SAFETY: pinned by `open`.
            unsafe { pg_sys::RelationClose(self.0) }
        }
    }
}

/// The numbers below `count`, in an order in which any first part of them is spread over all of them.
fn scattered(count: u32) -> impl Iterator<Item = u32> {
    // Multiples of the golden section, modulo `count`. A step without a common factor with `count` meets every number
    // once.
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

/// A scan of single pages. It sees the rows that are current, regardless of the transaction's snapshot, so it does not
/// take part in conflict detection of SERIALIZABLE.
struct Scan {
    scan: pg_sys::TableScanDesc,
    slot: *mut pg_sys::TupleTableSlot,
}

impl Scan {
    fn begin(table: &SampledTable) -> Self {
        // SAFETY: the relation is open and is a heap. The snapshot is a static variable of the backend.
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

    /// Passes the column's value of each row on a page to `take`, `None` for NULL, until `take` returns false.
    fn page(&mut self, block: u32, column: i16, take: &mut impl FnMut(Option<Box<[u8]>>) -> bool) {
        // SAFETY: the heap is open. The values of a slot are valid until the next row is fetched into it. The column is
        // a jsonb, as `documents` has checked. Values that are stored out of line are not removed while there is a
        // snapshot.
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
            // SAFETY: `begin` made both, and they are not used afterwards.
            unsafe {
                pg_sys::ExecDropSingleTupleTableSlot(self.slot);
                pg_sys::heap_endscan(self.scan);
            }
        }
    }
}
