//! The first pages of an index.

use super::{META, meta_page, sound};
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
/// for an index.
///
/// The pages of the map are there before the meta page speaks of them, so what a crash interrupts leaves free pages behind,
/// and an index that covers what it did before.
pub fn cover(index: IndexPages<'_>, heap_pages: u32) {
    let MetaPage::Known(mut meta) = meta_page(index) else { return };
    if heap_pages <= meta.covered {
        return;
    }
    while meta.map.pages() < heap_pages.div_ceil(MAP_ENTRIES) {
        let Some(count) = meta.map.next() else { return };
        let first = meta.map.pages();
        meta.map.add(index.append((first..first + count).map(PageMap::empty)));
    }
    let mut read = Ok(());
    index.change(META, |page| match MetaPage::read(page) {
        Ok(MetaPage::Known(now)) => {
            Meta { covered: heap_pages, map: meta.map, ..now }.write(page);
            Some(())
        }
        Ok(MetaPage::Other { .. }) => None,
        Err(damage) => {
            read = Err(damage);
            None
        }
    });
    sound(index, META, read);
}
