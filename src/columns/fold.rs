//! The fold: it makes images of the pages that have none.
//!
//! For each page of the map, in this order: the pages are covered; their entries say *no image, unchanged*; only then are the
//! pages looked at; the chunk is written; and where a page is still unchanged, its entry becomes the image. Whoever changes
//! a page in between marks it. The snapshot of the statement keeps values that are stored out of line until they are read.

use super::chunks::{self, free_slot};
use super::{change, change_meta, entries, marks, meta_page, sound};
use crate::pg::heap_pages::HeapPages;
use crate::pg::index_pages::IndexPages;
use crate::pg::indexed_columns::IndexedColumns;
use crate::pg::open_index::OpenIndex;
use segments_core::columns::layout::{DirectoryEntry, MAP_ENTRIES, Meta, MetaPage, PageEntry, PageMap};
use segments_core::columns::{Builder, Globals};

/// The most rows of a heap page (MaxHeapTuplesPerPage).
const MOST_ROWS_OF_PAGE: u32 = 291;

/// Makes images of all pages of which everybody sees all rows, and that have none. Returns how many there were. Only one
/// session at a time folds an index; another waits.
///
/// It needs `maintenance_work_mem`, and memory for the values of one page. It ends early if somebody else replaces the meta
/// page meanwhile; what it has published until then is void.
pub fn fold(open: &OpenIndex) -> u32 {
    make_images(open.pages(), open.heap(), IndexedColumns::of(open))
}

/// As [`fold`], of an index with these columns.
pub(super) fn make_images(index: IndexPages<'_>, heap: HeapPages<'_>, columns: IndexedColumns) -> u32 {
    let _alone = index.alone();
    marks::replace_other_version(index);
    let Some(meta) = cover(index, heap.count()) else { return 0 };
    give_up_chunks(index, &meta);
    let memory = crate::pg::process::maintenance_memory() / 2;
    let builder = columns.builder();
    let mut fold = Fold { index, heap, columns, meta, memory, builder, blocks: Vec::new(), pages: 0 };
    let _ = fold.all();
    fold.pages
}

/// Covers the first heap pages: writers mark from now on what they change on these. Only one session at a time may call it
/// for an index. Returns what the meta page says now; `None` if somebody else has replaced it, or uses another version.
///
/// The pages of the map are there before the meta page speaks of them, so what a crash interrupts leaves free pages behind,
/// and an index that covers what it did before.
pub(super) fn cover(index: IndexPages<'_>, heap_pages: u32) -> Option<Meta> {
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

/// Frees the slots of chunks of which no image is used.
fn give_up_chunks(index: IndexPages<'_>, meta: &Meta) {
    let slots = sound(index, chunks::slots(index, meta));
    let mut is_used = vec![false; slots.len()];
    for number in 0..meta.map_pages() {
        for entry in sound(index, entries(index, meta, number)) {
            if let Some(used) = entry.slot().and_then(|slot| is_used.get_mut(slot as usize)) {
                *used = true;
            }
        }
    }
    for (slot, chunk) in (0..).zip(slots) {
        if chunk.is_some() && !is_used[slot as usize] {
            chunks::put(index, meta, slot, None);
        }
    }
}

struct Fold<'r> {
    index: IndexPages<'r>,
    heap: HeapPages<'r>,
    columns: IndexedColumns,
    /// What the meta page says
    meta: Meta,
    /// The bytes from which on a chunk is finished, which takes as many again
    memory: usize,
    builder: Builder,
    /// The heap pages of the chunk that is being made
    blocks: Vec<u32>,
    /// How many pages have got images
    pages: u32,
}

impl Fold<'_> {
    /// Makes all images; `None` if the meta page was replaced.
    fn all(&mut self) -> Option<()> {
        for number in 0..self.meta.map_pages() {
            for block in self.wanted(number) {
                self.look_at(block)?;
            }
        }
        self.publish()?;
        let now = crate::pg::snapshot::clock();
        self.change_meta(|meta| meta.folded_at = Some(now))
    }

    fn change_meta(&mut self, change: impl FnOnce(&mut Meta)) -> Option<()> {
        let before = self.meta.clone();
        change(&mut self.meta);
        change_meta(self.index, &before, &self.meta).then_some(())
    }

    /// The heap pages to make images of, of those that this page of the map has. Their entries say *no image, unchanged*
    /// afterwards.
    fn wanted(&self, number: u32) -> Vec<u32> {
        let first = number * MAP_ENTRIES;
        let all_visible = self.heap.all_visible(first..self.meta.covered.min(first.saturating_add(MAP_ENTRIES)));
        let is_wanted = |index: u32, entry: PageEntry| {
            entry.slot().is_none() && all_visible.get(index as usize).is_some_and(|is_visible| *is_visible)
        };
        let entries = sound(self.index, entries(self.index, &self.meta, number));
        let wanted: Vec<u32> =
            (0..).zip(&entries).filter(|(index, entry)| is_wanted(*index, **entry)).map(|(index, _)| index).collect();
        let is_clear = |index: &u32| entries[*index as usize] == PageEntry::NONE;
        if let Some((block, _)) = self.meta.map_page_of(first).filter(|_| !wanted.iter().all(is_clear)) {
            let cleared = change(self.index, block, |page| {
                PageMap::change(page, number, |index, entry| match wanted.binary_search(&index) {
                    Ok(_) => PageEntry::NONE,
                    Err(_) => entry,
                })
            });
            sound(self.index, cleared);
        }
        wanted.into_iter().map(|index| first + index).collect()
    }

    /// Adds a page to the chunk, unless it has changed.
    fn look_at(&mut self, block: u32) -> Option<()> {
        crate::pg::interrupt::check();
        if !self.builder.has_room(MOST_ROWS_OF_PAGE) || self.builder.memory() > self.memory {
            self.publish()?;
        }
        if let Some(rows) = self.heap.rows_that_all_see(block) {
            self.columns.add(block, &rows, &mut self.builder);
            self.blocks.push(block);
        }
        Some(())
    }

    /// Writes the chunk, and the images of its pages that have not changed meanwhile; `None` if the meta page was replaced,
    /// or there can be no more chunks.
    fn publish(&mut self) -> Option<()> {
        let builder = std::mem::replace(&mut self.builder, self.columns.builder());
        let blocks = std::mem::take(&mut self.blocks);
        if blocks.is_empty() {
            return Some(());
        }
        // Nothing else has this generation, even if this is interrupted.
        let generation = self.meta.next_generation;
        let next_generation = generation.checked_add(1)?;
        self.change_meta(|meta| meta.next_generation = next_generation)?;
        let rows = builder.rows();
        let pieces = builder.finish(generation, &mut Globals::default());
        let mut slots = sound(self.index, chunks::slots(self.index, &self.meta));
        let slot = free_slot(self.index, &mut self.meta, &mut slots)?;
        let first_block = chunks::write(self.index, &self.meta, &slots, &pieces);
        let chunk = DirectoryEntry { generation, first_block, pieces: pieces.len() as u32, rows };
        chunks::put(self.index, &self.meta, slot, Some(chunk));
        let image = PageEntry::image(slot, generation);
        for blocks in blocks.chunk_by(|left, right| left / MAP_ENTRIES == right / MAP_ENTRIES) {
            let (block, number) = self.meta.map_page_of(blocks[0])?;
            let published = change(self.index, block, |page| {
                PageMap::change(page, number, |index, entry| {
                    let is_ours = blocks.binary_search(&(number * MAP_ENTRIES + index)).is_ok();
                    if is_ours && !entry.is_changed() { image } else { entry }
                })
            });
            sound(self.index, published);
        }
        self.pages += blocks.len() as u32;
        Some(())
    }
}
