//! The pages of a table, and on which of them everybody sees every row: the visibility map.
//!
//! Postgres: `src/backend/access/heap/visibilitymap.c`.

use crate::pg::index_pages::Mode;
use pgrx::pg_sys::{self, Oid, Relation};
use std::ffi::CStr;
use std::marker::PhantomData;
use std::ops::Range;

/// The pages of an open table that is a heap.
#[derive(Clone, Copy)]
pub struct HeapPages<'r>(Relation, PhantomData<&'r ()>);

const ALL_VISIBLE: u8 = pg_sys::VISIBILITYMAP_ALL_VISIBLE as u8;

impl<'r> HeapPages<'r> {
    /// # Safety
    /// The table is open and locked within 'r, and its rows are in a heap.
    pub unsafe fn of(table: Relation) -> Self {
        HeapPages(table, PhantomData)
    }

    /// How many pages there are.
    pub fn count(self) -> u32 {
        // SAFETY: by `of`.
        unsafe { pg_sys::RelationGetNumberOfBlocksInFork(self.0, pg_sys::ForkNumber::MAIN_FORKNUM) }
    }

    /// Whether each of these pages is all-visible, at some moment of this call. Pages that are not there are not.
    pub fn all_visible(self, blocks: Range<u32>) -> Vec<bool> {
        let mut buffer = pg_sys::InvalidBuffer as pg_sys::Buffer;
        let mut all_visible = Vec::with_capacity(blocks.len());
        // SAFETY: the table is open, by `of`, and any block may be asked for. The buffer is pinned by the first call, and
        // replaced by the later ones. Where an error unwinds, Postgres releases it.
        unsafe {
            for block in blocks {
                let status = pg_sys::visibilitymap_get_status(self.0, block, &raw mut buffer);
                all_visible.push(status & ALL_VISIBLE != 0);
            }
            if buffer != pg_sys::InvalidBuffer as pg_sys::Buffer {
                pg_sys::ReleaseBuffer(buffer);
            }
        }
        all_visible
    }

    /// Copies each row of a page into words, if everybody sees all of them: `see` gets the words and how many bytes the row
    /// has. Returns whether everybody does.
    ///
    /// The visibility map is asked while the page is locked. Who changes the page clears its bit under the same lock, so the
    /// rows are those of a moment at which the bit was set.
    pub fn read_if_all_visible(self, block: u32, mut see: impl FnMut((Box<[u64]>, u32))) -> bool {
        let mut map = pg_sys::InvalidBuffer as pg_sys::Buffer;
        // SAFETY: the table is open. Both buffers are released here, or by Postgres where an error unwinds. A line pointer
        // that is in use says where its row is on the page, which nobody changes while the page is locked.
        unsafe {
            pg_sys::visibilitymap_get_status(self.0, block, &raw mut map);
            let buffer = pg_sys::ReadBuffer(self.0, block);
            pg_sys::LockBuffer(buffer, Mode::SHARE);
            let is_visible = pg_sys::visibilitymap_get_status(self.0, block, &raw mut map) & ALL_VISIBLE != 0;
            if is_visible {
                let page = pg_sys::BufferGetPage(buffer).cast::<u8>();
                let header = page.cast::<pg_sys::PageHeaderData>();
                let first = std::mem::offset_of!(pg_sys::PageHeaderData, pd_linp);
                let count = ((*header).pd_lower as usize).saturating_sub(first) / size_of::<pg_sys::ItemIdData>();
                for number in 0..count {
                    let pointer = *page.add(first).cast::<pg_sys::ItemIdData>().add(number);
                    if pointer.lp_flags() == pg_sys::LP_NORMAL {
                        let (offset, length) = (pointer.lp_off() as usize, pointer.lp_len());
                        let mut words = vec![0u64; (length as usize).div_ceil(8)].into_boxed_slice();
                        std::ptr::copy_nonoverlapping(page.add(offset), words.as_mut_ptr().cast(), length as usize);
                        see((words, length));
                    }
                }
            }
            pg_sys::UnlockReleaseBuffer(buffer);
            if map != pg_sys::InvalidBuffer as pg_sys::Buffer {
                pg_sys::ReleaseBuffer(map);
            }
            is_visible
        }
    }

    /// How many columns there are, with those that were dropped.
    pub fn columns(self) -> i16 {
        // SAFETY: by `of`.
        unsafe { (*(*self.0).rd_att).natts as i16 }
    }

    /// The name of a column; empty if there is none of this number.
    pub fn column_name(self, number: i16) -> String {
        // SAFETY: by `of`. The function accepts any number, and returns null or a palloc'ed C string.
        unsafe {
            let name = pg_sys::SPI_fname((*self.0).rd_att, number.into());
            if name.is_null() { String::new() } else { CStr::from_ptr(name).to_string_lossy().into_owned() }
        }
    }

    /// The type of a column; 0 if there is none of this number.
    pub fn column_type(self, number: i16) -> Oid {
        // SAFETY: as above.
        unsafe { pg_sys::SPI_gettypeid((*self.0).rd_att, number.into()) }
    }

    /// The columns of the table.
    pub(super) fn descriptor(self) -> pg_sys::TupleDesc {
        // SAFETY: by `of`.
        unsafe { (*self.0).rd_att }
    }

    pub(super) fn relation(self) -> Relation {
        self.0
    }
}
