//! Marks: what writers and VACUUM say of the pages that they change.
//!
//! Nothing of this may be left out or put off while `segments.use_columns` is off, because an image that was not marked
//! would be used when it is on again.

use super::{META, meta_page, sound};
use crate::pg::heap_pages::HeapPages;
use crate::pg::index_pages::IndexPages;
use segments_core::columns::Damage;
use segments_core::columns::layout::{MAP_ENTRIES, MapBlock, Meta, MetaPage, PageEntry, PageMap};

/// Marks a heap page, to which a row has come, as changed, if it is covered. The row is there already, and its transaction
/// has not committed.
///
/// What the meta page says is read each time: a fold may begin to cover the page at any time, and looks at the page only
/// after that.
pub fn mark_changed(index: IndexPages<'_>, heap_block: u32) {
    let block = match sound(index, META, index.read(META, |page| MetaPage::map_block_of(page, heap_block))) {
        MapBlock::At(block) => block,
        MapBlock::NotCovered => return,
        MapBlock::OfOtherVersion => return replace_other_version(index),
    };
    let entry = index.read(block, |page| PageMap::entry(page, heap_block));
    if !sound(index, block, entry).is_changed() {
        change_map(index, block, |page| PageMap::mark(page, heap_block));
    }
}

/// Marks each covered heap page that is not all-visible as changed. VACUUM calls it before it frees line pointers of deleted
/// rows: afterwards the page may become all-visible again, with fewer rows than its image.
pub fn mark_not_visible(index: IndexPages<'_>, heap: HeapPages<'_>) {
    let Some(meta) = known_meta(index) else { return };
    for number in 0..meta.map_pages() {
        let first = number * MAP_ENTRIES;
        let blocks = first..meta.covered.min(first.saturating_add(MAP_ENTRIES));
        let all_visible = heap.all_visible(blocks);
        let has_news = |entry: PageEntry, is_visible: &bool| !is_visible && !entry.is_changed();
        let entries = super::entries(index, &meta, number);
        let is_needed = entries.into_iter().zip(&all_visible).any(|(entry, is_visible)| has_news(entry, is_visible));
        if let Some((block, _)) = meta.map_page_of(first).filter(|_| is_needed) {
            change_map(index, block, |page| {
                PageMap::change(page, number, |index, entry| match all_visible.get(index as usize) {
                    Some(false) => entry.changed(),
                    _ => entry,
                })
            });
        }
        crate::pg::interrupt::check();
    }
}

/// Changes a page of the map, unless it is damaged.
pub(super) fn change_map(index: IndexPages<'_>, block: u32, change: impl FnOnce(&mut [u8]) -> Result<(), Damage>) {
    let mut result = Ok(());
    index.change(block, |page| {
        result = change(page);
        result.ok()
    });
    sound(index, block, result);
}

/// What the meta page says. One of another version of the library is replaced; that is `None`, for nothing is covered.
fn known_meta(index: IndexPages<'_>) -> Option<Meta> {
    match meta_page(index) {
        MetaPage::Known(meta) => Some(meta),
        MetaPage::Other { .. } => {
            replace_other_version(index);
            None
        }
    }
}

/// Replaces the meta page of another version of the library by one that covers nothing. The other version may have made
/// images, of which this one cannot mark the pages.
pub(super) fn replace_other_version(index: IndexPages<'_>) {
    index.change(META, |page| {
        let MetaPage::Other { next_generation } = MetaPage::read(page).ok()? else { return None };
        page.copy_from_slice(&Meta::empty(next_generation).page());
        Some(())
    });
}
