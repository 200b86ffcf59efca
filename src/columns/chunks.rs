//! Where the chunks of an index are: reading them, and putting new ones where there is room.

use super::{DamagedPage, META, change_meta, meta_page, sound};
use crate::pg::index_pages::{IndexPages, damaged};
use segments_core::columns::layout::{DIRECTORY_SLOTS, Directory, DirectoryEntry, MOST_SLOTS, Meta, MetaPage};
use segments_core::columns::{Damage, Pieces};
use std::cell::Cell;

/// The pieces of a chunk, on the pages that its slot says.
pub(super) struct ChunkPages<'r> {
    index: IndexPages<'r>,
    chunk: DirectoryEntry,
    /// The block that was read last, for an error that names it
    last: Cell<u32>,
}

impl<'r> ChunkPages<'r> {
    pub(super) fn new(index: IndexPages<'r>, chunk: DirectoryEntry) -> Self {
        ChunkPages { index, chunk, last: Cell::new(chunk.first_block) }
    }

    /// What was read of the chunk; `None` if it was given up meanwhile, so that its pages may be those of another. Raises if
    /// it is damaged.
    pub(super) fn unless_given_up<T>(&self, slot: u32, read: Result<T, Damage>) -> Option<T> {
        let damage = match read {
            Ok(read) => return Some(read),
            Err(damage) => damage,
        };
        let MetaPage::Known(meta) = sound(self.index, meta_page(self.index)) else { return None };
        let now = sound(self.index, slots(self.index, &meta)).into_iter().nth(slot as usize).flatten();
        if now.is_some_and(|now| now.generation == self.chunk.generation) {
            damaged(&self.index.name(), Some(self.last.get()), damage).raise()
        }
        None
    }
}

impl Pieces for ChunkPages<'_> {
    type Error = Damage;

    fn read<R>(&self, number: u32, read: impl FnOnce(&[u8]) -> R) -> Result<R, Damage> {
        let block = self.chunk.first_block.checked_add(number).filter(|_| number < self.chunk.pieces);
        let block = block.filter(|block| *block < self.index.count());
        let block = block.ok_or(Damage::Malformed("a chunk ends before its last piece"))?;
        self.last.set(block);
        // What is read of it may look into the catalogs and wait, which nobody may who holds a page.
        let page = self.index.read(block, |page| *page);
        Ok(read(&page))
    }
}

/// The chunks by slot.
pub(super) fn slots(index: IndexPages<'_>, meta: &Meta) -> Result<Vec<Option<DirectoryEntry>>, DamagedPage> {
    let mut slots = Vec::new();
    for (number, block) in directory_pages(meta) {
        let read = index.read(block, |page| Directory::slots(page, number).map(Vec::from_iter));
        slots.extend(read.map_err(DamagedPage::at(block))?);
    }
    Ok(slots)
}

fn directory_pages(meta: &Meta) -> impl Iterator<Item = (u32, u32)> {
    (0..meta.directory.pages()).filter_map(|number| Some((number, meta.directory.block(number)?)))
}

/// Gives a slot a chunk, or takes it away.
pub(super) fn put(index: IndexPages<'_>, meta: &Meta, slot: u32, chunk: Option<DirectoryEntry>) {
    if let Some(block) = meta.directory.block(slot / DIRECTORY_SLOTS) {
        sound(index, super::change(index, block, |page| Directory::put(page, slot, chunk)));
    }
}

/// A slot without a chunk. The directory grows if there is none; `None` if it cannot, or the meta page was replaced.
pub(super) fn free_slot(
    index: IndexPages<'_>,
    meta: &mut Meta,
    slots: &mut Vec<Option<DirectoryEntry>>,
) -> Option<u32> {
    let free = |slots: &[Option<DirectoryEntry>]| slots.iter().position(Option::is_none).map(|slot| slot as u32);
    if free(slots).is_none() {
        let before = meta.clone();
        let (first, count) = (meta.directory.pages(), meta.directory.next()?);
        meta.directory.add(index.append((first..first + count).map(Directory::empty)));
        change_meta(index, &before, meta).then_some(())?;
        slots.resize((first + count) as usize * DIRECTORY_SLOTS as usize, None);
    }
    free(slots).filter(|slot| *slot < MOST_SLOTS)
}

/// Writes a chunk's pieces to free pages. Returns the first of them.
pub(super) fn write(index: IndexPages<'_>, meta: &Meta, slots: &[Option<DirectoryEntry>], pieces: &[Vec<u8>]) -> u32 {
    let Some(first) = free_pages(index.count(), meta, slots, pieces.len() as u32) else { return index.append(pieces) };
    for (block, piece) in (first..).zip(pieces) {
        index.write(block, piece);
        crate::pg::interrupt::check();
    }
    first
}

/// So many pages that follow each other, and that nothing uses.
fn free_pages(pages: u32, meta: &Meta, slots: &[Option<DirectoryEntry>], count: u32) -> Option<u32> {
    let chunks = slots.iter().flatten().map(|chunk| (chunk.first_block, chunk.pieces));
    let mut used: Vec<(u32, u32)> =
        [(META, 1)].into_iter().chain(meta.map.runs()).chain(meta.directory.runs()).chain(chunks).collect();
    used.push((pages, 0));
    used.sort_unstable();
    let mut free = 0;
    for (first, length) in used {
        if first >= free && first - free >= count {
            return Some(free);
        }
        free = free.max(first.saturating_add(length));
    }
    None
}
