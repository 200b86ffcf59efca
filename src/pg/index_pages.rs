//! The pages of an index of ours: reading them, changing them, adding new ones.
//!
//! Changes are logged as differences of pages (`src/backend/access/transam/generic_xlog.c`), so replaying them needs no
//! library of ours. Where an error or a panic unwinds, Postgres itself releases what is locked and pinned when it aborts the
//! transaction. So nothing here releases anything on the way out, which also means that the code that is given a page may
//! raise.

use crate::pg::error::Failure;
use pgrx::PgSqlErrorCode;
use pgrx::pg_sys::{self, Buffer, ForkNumber, Page, ReadBufferMode, Relation};
use pgrx::spi::quote_identifier;
use segments_core::columns::Damage;
use std::ffi::CStr;
use std::marker::PhantomData;

/// The bytes of Postgres's own header of a page.
const PAGE_HEADER: usize = std::mem::offset_of!(pg_sys::PageHeaderData, pd_linp);

/// The bytes of a page behind that header. It is aligned, so nothing is left out between the two.
pub const CONTENTS: usize = pg_sys::BLCKSZ as usize - PAGE_HEADER;

const _: () = assert!(PAGE_HEADER.is_multiple_of(pg_sys::MAXIMUM_ALIGNOF as usize));

/// The pages of an open index.
#[derive(Clone, Copy)]
pub struct IndexPages<'r>(Relation, PhantomData<&'r ()>);

impl<'r> IndexPages<'r> {
    /// # Safety
    /// The index is open and locked within 'r, and all its pages are laid out by this module.
    pub unsafe fn of(index: Relation) -> Self {
        IndexPages(index, PhantomData)
    }

    /// The name of the index.
    pub fn name(self) -> String {
        // SAFETY: by `of`. A name is NUL-terminated.
        unsafe { CStr::from_ptr((*(*self.0).rd_rel).relname.data.as_ptr()).to_string_lossy().into_owned() }
    }

    /// How many pages there are.
    pub fn count(self) -> u32 {
        // SAFETY: by `of`.
        unsafe { pg_sys::RelationGetNumberOfBlocksInFork(self.0, ForkNumber::MAIN_FORKNUM) }
    }

    /// Waits until nobody else makes images, and keeps others from it until the result is dropped.
    pub fn alone(self) -> Alone<'r> {
        // SAFETY: by `of`. Any block can be locked.
        unsafe { pg_sys::LockPage(self.0, 0, pg_sys::ExclusiveLock as pg_sys::LOCKMODE) };
        Alone(self)
    }

    /// Reads a page while nobody changes it. Raises an error if there is no such page.
    pub fn read<R>(self, block: u32, read: impl FnOnce(&[u8; CONTENTS]) -> R) -> R {
        let buffer = Locked::read(self.0, block, Mode::SHARE);
        // SAFETY: the buffer is pinned and locked until `release`, so nobody changes the page.
        let result = read(unsafe { contents(buffer.page()) });
        buffer.release();
        result
    }

    /// Changes a page while nobody else reads it, and logs what was changed. Where `change` returns `None`, nothing becomes
    /// of its changes.
    pub fn change(self, block: u32, change: impl FnOnce(&mut [u8; CONTENTS]) -> Option<()>) {
        let buffer = Locked::read(self.0, block, Mode::EXCLUSIVE);
        // SAFETY: the buffer is pinned and locked until `release`. What is registered is a copy of the page that belongs
        // to the record. Finishing it changes the page and logs the change at once.
        unsafe {
            let record = pg_sys::GenericXLogStart(self.0);
            let page = pg_sys::GenericXLogRegisterBuffer(record, buffer.0, 0);
            if !has_our_header(page) {
                let before = *contents(page);
                initialise(page, &before);
            }
            if change(contents_mut(page)).is_some() {
                log_contents(page);
                pg_sys::GenericXLogFinish(record);
            } else {
                pg_sys::GenericXLogAbort(record);
            }
        }
        buffer.release();
    }

    /// Replaces what is on a page, whatever it was.
    pub fn write(self, block: u32, contents: &[u8]) {
        self.fill(Locked::of(self.0, ForkNumber::MAIN_FORKNUM, block, ReadBufferMode::RBM_ZERO_AND_LOCK), contents);
    }

    /// Adds pages with these contents, which follow each other. Returns the block of the first. Nobody else may add pages
    /// to the index meanwhile.
    pub fn append<C: AsRef<[u8]>>(self, pages: impl IntoIterator<Item = C>) -> u32 {
        let first = self.count();
        for page in pages {
            self.fill(Locked::new_page(self.0, ForkNumber::MAIN_FORKNUM), page.as_ref());
            crate::pg::interrupt::check();
        }
        first
    }

    /// Logs the whole page with its new contents.
    fn fill(self, buffer: Locked, contents: &[u8]) {
        // SAFETY: as in `change`.
        unsafe {
            let record = pg_sys::GenericXLogStart(self.0);
            let flags = pg_sys::GENERIC_XLOG_FULL_IMAGE as i32;
            initialise(pg_sys::GenericXLogRegisterBuffer(record, buffer.0, flags), contents);
            pg_sys::GenericXLogFinish(record);
        }
        buffer.release();
    }

    /// Makes the first page of the init fork, from which the index of an unlogged table is made again after a crash.
    pub fn write_init_fork(self, contents: &[u8]) {
        let buffer = Locked::new_page(self.0, ForkNumber::INIT_FORKNUM);
        // SAFETY: the buffer is pinned and locked. The init fork is logged though the index is not, so that standbys have it;
        // `GenericXLogFinish` would not do so. Nothing between the two counts of critical sections can panic.
        unsafe {
            initialise(buffer.page(), contents);
            pg_sys::CritSectionCount += 1;
            pg_sys::MarkBufferDirty(buffer.0);
            pg_sys::log_newpage_buffer(buffer.0, true);
            pg_sys::CritSectionCount -= 1;
        }
        buffer.release();
    }
}

/// The error for an index of which a page, or what is stored on one, is not what it should be.
pub fn damaged(index: &str, block: Option<u32>, damage: Damage) -> Failure {
    let place = block.map_or_else(String::new, |block| format!(" at block {block}"));
    let what = damage.to_string();
    let (first, rest) = what.split_at(what.chars().next().map_or(0, char::len_utf8));
    Failure::new(PgSqlErrorCode::ERRCODE_INDEX_CORRUPTED, format!("index \"{index}\" is damaged{place}"))
        .detail(format!("{}{rest}.", first.to_uppercase()))
        .hint(format!("The table is not affected. REINDEX INDEX {} makes the index anew.", quote_identifier(index)))
}

/// See [`IndexPages::alone`].
pub struct Alone<'r>(IndexPages<'r>);

impl Drop for Alone<'_> {
    fn drop(&mut self) {
        // After an error Postgres releases the lock itself.
        if !std::thread::panicking() {
            // SAFETY: the lock was taken by `alone`.
            unsafe { pg_sys::UnlockPage(self.0.0, 0, pg_sys::ExclusiveLock as pg_sys::LOCKMODE) };
        }
    }
}

/// A pinned and locked page. It is released by hand, because nothing may be released while an error unwinds.
#[must_use = "it stays locked until it is released"]
struct Locked(Buffer);

/// How pages are locked.
pub(super) struct Mode;

#[cfg(not(feature = "pg19"))]
type LockMode = i32;
#[cfg(feature = "pg19")]
type LockMode = pg_sys::BufferLockMode::Type;

#[cfg(not(feature = "pg19"))]
impl Mode {
    pub(super) const SHARE: LockMode = pg_sys::BUFFER_LOCK_SHARE as i32;
    const EXCLUSIVE: LockMode = pg_sys::BUFFER_LOCK_EXCLUSIVE as i32;
}
#[cfg(feature = "pg19")]
impl Mode {
    pub(super) const SHARE: LockMode = pg_sys::BufferLockMode::BUFFER_LOCK_SHARE;
    const EXCLUSIVE: LockMode = pg_sys::BufferLockMode::BUFFER_LOCK_EXCLUSIVE;
}

impl Locked {
    fn read(relation: Relation, block: u32, mode: LockMode) -> Self {
        let buffer = Self::of(relation, ForkNumber::MAIN_FORKNUM, block, ReadBufferMode::RBM_NORMAL);
        // SAFETY: the buffer is pinned.
        unsafe { pg_sys::LockBuffer(buffer.0, mode) };
        buffer
    }

    fn of(relation: Relation, fork: ForkNumber::Type, block: u32, mode: ReadBufferMode::Type) -> Self {
        // SAFETY: the relation is open, by `IndexPages::of`. A block that does not exist raises an error.
        Locked(unsafe { pg_sys::ReadBufferExtended(relation, fork, block, mode, std::ptr::null_mut()) })
    }

    /// A new page at the end.
    fn new_page(relation: Relation, fork: ForkNumber::Type) -> Self {
        const NEW: u32 = u32::MAX;
        let lock = pg_sys::ExclusiveLock as pg_sys::LOCKMODE;
        // SAFETY: the relation is open. Whoever adds a page has to lock the relation for that (`bufmgr.c`, P_NEW).
        unsafe {
            pg_sys::LockRelationForExtension(relation, lock);
            let buffer = Self::of(relation, fork, NEW, ReadBufferMode::RBM_NORMAL);
            pg_sys::LockBuffer(buffer.0, Mode::EXCLUSIVE);
            pg_sys::UnlockRelationForExtension(relation, lock);
            buffer
        }
    }

    fn page(&self) -> Page {
        // SAFETY: the buffer is pinned.
        unsafe { pg_sys::BufferGetPage(self.0) }
    }

    fn release(self) {
        // SAFETY: it is pinned and locked, and nobody uses it afterwards.
        unsafe { pg_sys::UnlockReleaseBuffer(self.0) };
    }
}

/// Makes a page of these contents, which fit on it.
///
/// # Safety
/// Nobody else uses the page.
unsafe fn initialise(page: Page, new: &[u8]) {
    // SAFETY: by this function's own condition.
    unsafe {
        pg_sys::PageInit(page, pg_sys::BLCKSZ as usize, 0);
        let length = new.len().min(CONTENTS);
        contents_mut(page)[..length].copy_from_slice(&new[..length]);
        log_contents(page);
    }
}

/// Whether a page has the header that [`initialise`] gives it. Of one that has not, such as a page of zeros, Postgres would
/// log what is between impossible bounds.
///
/// # Safety
/// Nobody changes the page meanwhile.
unsafe fn has_our_header(page: Page) -> bool {
    // SAFETY: by this function's own condition.
    let header = unsafe { &*page.cast::<pg_sys::PageHeaderData>() };
    [header.pd_upper, header.pd_special].map(u32::from) == [pg_sys::BLCKSZ; 2]
}

/// Puts the free space of a page behind all contents that are not zero. What is in it is neither logged nor kept.
///
/// # Safety
/// Nobody else uses the page.
unsafe fn log_contents(page: Page) {
    // SAFETY: by this function's own condition.
    unsafe {
        let length = contents(page).iter().rposition(|byte| *byte != 0).map_or(0, |last| last + 1);
        (*page.cast::<pg_sys::PageHeaderData>()).pd_lower = (PAGE_HEADER + length) as u16;
    }
}

/// # Safety
/// Nobody changes the page within 'p.
unsafe fn contents<'p>(page: Page) -> &'p [u8; CONTENTS] {
    // SAFETY: by this function's own condition. A page has BLCKSZ bytes.
    unsafe { &*page.cast::<u8>().add(PAGE_HEADER).cast() }
}

/// # Safety
/// Nobody else uses the page within 'p.
unsafe fn contents_mut<'p>(page: Page) -> &'p mut [u8; CONTENTS] {
    // SAFETY: by this function's own condition.
    unsafe { &mut *page.cast::<u8>().add(PAGE_HEADER).cast() }
}
