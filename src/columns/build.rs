//! The first pages of an index.

use super::{change_meta, fold, meta_page, sound, status};
use crate::pg::error::Failure;
use crate::pg::heap_pages::HeapPages;
use crate::pg::index_pages::IndexPages;
use crate::pg::indexed_columns::IndexedColumns;
use crate::pg::snapshot;
use pgrx::PgSqlErrorCode;
use segments_core::columns::layout::{MAP_ENTRIES, Meta, MetaPage, PageMap};

/// The generation of the first chunk. 0 stands for no chunk.
const FIRST_GENERATION: u64 = 1;

/// Makes an index that covers nothing. Writers need not mark anything until it covers what they write to.
pub fn empty(index: IndexPages<'_>) {
    index.append([Meta::empty(FIRST_GENERATION).page()]);
}

/// As [`empty`], of an unlogged table after a crash.
pub fn empty_after_crash(index: IndexPages<'_>) {
    index.write_init_fork(&Meta::empty(FIRST_GENERATION).page());
}

/// Covers all heap pages, and makes images of those of which everybody sees all rows. Nobody may write to the table meanwhile.
/// Says so if they are not nearly all: after a load or a rewrite there are none.
pub fn fill(index: IndexPages<'_>, heap: HeapPages<'_>, columns: Vec<i16>) {
    // Without a snapshot, values that are stored out of line cannot be read.
    if !snapshot::is_active() {
        cover(index, heap.count());
        return;
    }
    let images = fold::make_images(index, heap, IndexedColumns::numbered(index, heap, columns));
    let pages = heap.count();
    if status::is_many(pages.saturating_sub(images), pages) {
        let name = index.name();
        Failure::new(
            PgSqlErrorCode::ERRCODE_SUCCESSFUL_COMPLETION,
            format!("index \"{name}\" has images of {images} of the {pages} pages of its table"),
        )
        .detail("The others may have rows that not everybody sees.")
        .hint(format!("VACUUM the table, then call segments_fold('{name}')."))
        .notice();
    }
}

/// Covers the first heap pages: writers mark from now on what they change on these. Only one session at a time may call it
/// for an index. Returns what the meta page says now; `None` if somebody else has replaced it, or uses another version.
///
/// The pages of the map are there before the meta page speaks of them, so what a crash interrupts leaves free pages behind,
/// and an index that covers what it did before.
pub fn cover(index: IndexPages<'_>, heap_pages: u32) -> Option<Meta> {
    let MetaPage::Known(before) = sound(index, meta_page(index)) else { return None };
    if heap_pages <= before.covered {
        return Some(before);
    }
    let mut meta = Meta { covered: heap_pages, ..before.clone() };
    while meta.map.pages() < heap_pages.div_ceil(MAP_ENTRIES) {
        let count = meta.map.next()?;
        let first = meta.map.pages();
        meta.map.add(index.append((first..first + count).map(PageMap::empty)));
    }
    change_meta(index, &before, &meta).then_some(meta)
}
