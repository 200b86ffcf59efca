//! An index of ours, open together with its table.

use crate::pg::heap_pages::HeapPages;
use crate::pg::index_pages::IndexPages;
use pgrx::pg_sys::{self, Oid, Relation};

/// An index and its table, open and locked until it is dropped. Nobody can drop or rewrite either meanwhile.
pub struct OpenIndex {
    index: Relation,
    table: Relation,
    lock: pg_sys::LOCKMODE,
}

impl OpenIndex {
    /// The table of an index, which is not locked; `None` if there is no such index.
    pub fn table_of(index: Oid) -> Option<Oid> {
        // SAFETY: a look-up that accepts any OID.
        Some(unsafe { pg_sys::IndexGetRelation(index, true) }).filter(|table| *table != Oid::INVALID)
    }

    /// Opens an index as readers do. `None` where it is not there, is of another access method, or has no pages of its own
    /// that this session can read: one of a partitioned table, of another session's temporary table, or, on a standby, of an
    /// unlogged table.
    pub fn for_reading(index: Oid) -> Option<Self> {
        Self::open(index, pg_sys::AccessShareLock as pg_sys::LOCKMODE)
    }

    /// As [`for_reading`](Self::for_reading), without waiting for others.
    ///
    /// # Errors
    /// Somebody has locked the index or its table against readers.
    pub fn without_waiting(index: Oid) -> Result<Option<Self>, IsLocked> {
        let lock = pg_sys::AccessShareLock as pg_sys::LOCKMODE;
        let Some(table) = Self::table_of(index) else { return Ok(None) };
        // SAFETY: the functions accept any OID. What is opened takes the locks once more, and keeps them.
        unsafe {
            if !pg_sys::ConditionalLockRelationOid(table, lock) {
                return Err(IsLocked);
            }
            let has_both = pg_sys::ConditionalLockRelationOid(index, lock);
            let opened = if has_both { Ok(Self::open(index, lock)) } else { Err(IsLocked) };
            if has_both {
                pg_sys::UnlockRelationOid(index, lock);
            }
            pg_sys::UnlockRelationOid(table, lock);
            opened
        }
    }

    /// Opens an index as writers do, to make images in it. Raises in a read-only transaction and on a standby.
    pub fn for_folding(index: Oid) -> Option<Self> {
        crate::pg::snapshot::must_be_writable("segments_fold()", "");
        Self::open(index, pg_sys::RowExclusiveLock as pg_sys::LOCKMODE).filter(OpenIndex::is_told)
    }

    fn open(index: Oid, lock: pg_sys::LOCKMODE) -> Option<Self> {
        // SAFETY: the look-ups accept any OID. The table is locked first, as Postgres does. What was opened is closed on
        // drop. The access method of an index says how its pages are laid out, and ours lays them out by `index_pages`; it
        // takes tables in heaps only.
        unsafe {
            let table = pg_sys::try_relation_open(pg_sys::IndexGetRelation(index, true), lock);
            if table.is_null() {
                return None;
            }
            let index = pg_sys::try_relation_open(index, lock);
            if index.is_null() {
                pg_sys::relation_close(table, lock);
                return None;
            }
            let opened = OpenIndex { index, table, lock };
            let class = (*index).rd_rel;
            let is_ours = (*class).relam == pg_sys::get_index_am_oid(METHOD.as_ptr(), true);
            let has_pages = (*class).relkind as u8 == pg_sys::RELKIND_INDEX;
            let is_there = match (*class).relpersistence as u8 {
                pg_sys::RELPERSISTENCE_TEMP => (*index).rd_islocaltemp,
                pg_sys::RELPERSISTENCE_UNLOGGED => !pg_sys::RecoveryInProgress(),
                _ => true,
            };
            (is_ours && has_pages && is_there).then_some(opened)
        }
    }

    /// Whether every writer tells the index of its changes, and every snapshot may use it.
    pub fn is_told(&self) -> bool {
        // SAFETY: the index is open.
        unsafe {
            let form = &*(*self.index).rd_index;
            form.indisvalid && form.indisready && form.indislive && !form.indcheckxmin
        }
    }

    /// The numbers of the columns of the table that the index has.
    pub fn column_numbers(&self) -> Vec<i16> {
        // SAFETY: the index is open. Its columns are as many as it says.
        unsafe {
            let form = &*(*self.index).rd_index;
            form.indkey.values.as_slice(form.indnatts as usize).to_vec()
        }
    }

    /// The pages of the index.
    pub fn pages(&self) -> IndexPages<'_> {
        // SAFETY: it is open and locked, and ours.
        unsafe { IndexPages::of(self.index) }
    }

    /// The pages of the table.
    pub fn heap(&self) -> HeapPages<'_> {
        // SAFETY: it is open and locked, and in a heap.
        unsafe { HeapPages::of(self.table) }
    }
}

/// See [`OpenIndex::without_waiting`].
pub struct IsLocked;

/// The name of the access method.
const METHOD: &std::ffi::CStr = c"segments";

impl Drop for OpenIndex {
    fn drop(&mut self) {
        // After an error Postgres releases both itself.
        if !std::thread::panicking() {
            // SAFETY: opened by `open`.
            unsafe {
                pg_sys::relation_close(self.index, self.lock);
                pg_sys::relation_close(self.table, self.lock);
            }
        }
    }
}
