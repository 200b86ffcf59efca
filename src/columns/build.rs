//! The first pages of an index.

use super::{change_meta, meta_page, sound};
use crate::pg::index_pages::IndexPages;
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
