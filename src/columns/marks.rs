//! Marks: what writers and VACUUM say of the pages that they change.
//!
//! Nothing of this may be left out or put off while `segments.use_columns` is off, because an image that was not marked
//! would be used when it is on again. Where it is not possible, because a page of the index is damaged or of another version,
//! the index gives up all its images, and goes on.

use super::{DamagedPage, META, change, entries, meta_page};
use crate::pg::heap_pages::HeapPages;
use crate::pg::index_pages::{IndexPages, damaged};
use segments_core::columns::layout::{MAP_ENTRIES, MapBlock, Meta, MetaPage, PageEntry, PageMap};

/// Marks a heap page, to which a row has come, as changed, if it is covered. The row is there already, and its transaction
/// has not committed.
///
/// What the meta page says is read each time: a fold may begin to cover the page at any time, and looks at the page only
/// after that.
pub fn mark_changed(index: IndexPages<'_>, heap_block: u32) {
    if let Err(damaged) = mark(index, heap_block) {
        give_up(index, damaged);
    }
}

fn mark(index: IndexPages<'_>, heap_block: u32) -> Result<(), DamagedPage> {
    let found = index.read(META, |page| MetaPage::map_block_of(page, heap_block)).map_err(DamagedPage::at(META))?;
    let block = match found {
        MapBlock::At(block) => block,
        MapBlock::NotCovered => return Ok(()),
        MapBlock::OfOtherVersion => {
            replace_other_version(index);
            return Ok(());
        }
    };
    let entry = index.read(block, |page| PageMap::entry(page, heap_block)).map_err(DamagedPage::at(block))?;
    if entry.is_changed() { Ok(()) } else { change(index, block, |page| PageMap::mark(page, heap_block)) }
}

/// Marks each covered heap page that is not all-visible as changed. VACUUM calls it before it frees line pointers of deleted
/// rows: afterwards the page may become all-visible again, with fewer rows than its image.
pub fn mark_not_visible(index: IndexPages<'_>, heap: HeapPages<'_>) {
    if let Err(damaged) = mark_all(index, heap) {
        give_up(index, damaged);
    }
}

fn mark_all(index: IndexPages<'_>, heap: HeapPages<'_>) -> Result<(), DamagedPage> {
    let MetaPage::Known(meta) = meta_page(index)? else {
        replace_other_version(index);
        return Ok(());
    };
    for number in 0..meta.map_pages() {
        let first = number * MAP_ENTRIES;
        let blocks = first..meta.covered.min(first.saturating_add(MAP_ENTRIES));
        let all_visible = heap.all_visible(blocks);
        let has_news = |entry: PageEntry, is_visible: &bool| !is_visible && !entry.is_changed();
        let entries = entries(index, &meta, number)?;
        let is_needed = entries.into_iter().zip(&all_visible).any(|(entry, is_visible)| has_news(entry, is_visible));
        if let Some((block, _)) = meta.map_page_of(first).filter(|_| is_needed) {
            change(index, block, |page| {
                PageMap::change(page, number, |index, entry| match all_visible.get(index as usize) {
                    Some(false) => entry.changed(),
                    _ => entry,
                })
            })?;
        }
        crate::pg::interrupt::check();
    }
    Ok(())
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

/// Replaces the meta page by one that covers nothing, because it or a page of the map is damaged, so that pages cannot be
/// marked any more. No image that there is will be used again, and writers go on.
fn give_up(index: IndexPages<'_>, DamagedPage { block, damage }: DamagedPage) {
    let clock = crate::pg::snapshot::clock().unsigned_abs();
    let mut is_given_up = false;
    index.change(META, |page| {
        let next_generation = match MetaPage::read(page) {
            Ok(MetaPage::Known(meta)) if meta.map.contains(block) => meta.next_generation,
            // Somebody else has replaced it.
            Ok(MetaPage::Known(_) | MetaPage::Other { .. }) => return None,
            // The generation is not known, and chunks before may have had any. They are fewer than the microseconds since
            // 2000, so it is greater than that of each of them.
            Err(_) => clock,
        };
        page.copy_from_slice(&Meta::empty(next_generation).page());
        is_given_up = true;
        Some(())
    });
    if is_given_up {
        damaged(&index.name(), Some(block), damage).warning();
    }
}
