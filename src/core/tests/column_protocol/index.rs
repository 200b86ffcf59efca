//! What the column index has stored: the meta page, an entry for each heap page, the directory, and chunks.

use super::heap::{Page, Rows, Xid, count};
use super::world::World;

/// The most heap pages of a world.
pub(crate) const PAGES: usize = 2;

/// Who has written the meta page.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Version {
    /// A process with the reader's version of the library
    Own,
    /// A process with another version
    Other,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Meta {
    pub(crate) version: Version,
    /// How many heap pages are covered
    pub(crate) covered: u8,
}

/// What the map says of a heap page.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Entry {
    pub(crate) image: Option<Place>,
    pub(crate) is_changed: bool,
}

/// A slot of the directory, and the lowest bit of the generation of the chunk that has the image.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Place {
    pub(crate) slot: u8,
    pub(crate) low: u8,
}

/// What the directory says of a chunk.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Slot {
    pub(crate) generation: u8,
    /// Where the chunk is stored
    pub(crate) at: u8,
    /// Whether it has other heap pages than those of the world
    pub(crate) is_of_others: bool,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Chunk {
    pub(crate) generation: u8,
    /// The images of the heap pages that it has
    pub(crate) images: [Option<Image>; PAGES],
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Image {
    pub(crate) rows: Rows,
    /// The page's LSN when the image was made
    pub(crate) lsn: u8,
    /// The newest committed transaction that had changed the page
    pub(crate) newest: Xid,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Index {
    pub(crate) meta: Meta,
    pub(crate) entries: [Entry; PAGES],
    pub(crate) directory: [Option<Slot>; 2],
    pub(crate) chunks: [Chunk; 3],
    pub(crate) next_generation: u8,
    /// Whether the space of the first chunk was called free while it was in use, which is a mistake
    pub(crate) is_freed_early: bool,
}

const EMPTY: Entry = Entry { image: None, is_changed: false };

impl Index {
    /// An image of each covered page, in the chunk of generation 2. A chunk of other pages has generation 1.
    pub(crate) fn first(world: &World, pages: &[Page; PAGES]) -> Self {
        let mut images = [None; PAGES];
        let mut entries = [EMPTY; PAGES];
        for page in 0..usize::from(world.covered) {
            let rows = count(pages[page].tuples().map(|tuple| tuple.value));
            images[page] = Some(Image { rows, lsn: pages[page].lsn, newest: 1 });
            entries[page].image = Some(Place { slot: 0, low: 0 });
        }
        let none = Chunk { generation: 0, images: [None; PAGES] };
        Index {
            meta: Meta { version: Version::Own, covered: world.covered },
            entries,
            directory: [
                (world.covered > 0).then_some(Slot { generation: 2, at: 0, is_of_others: false }),
                world.other_chunk.then_some(Slot { generation: 1, at: 1, is_of_others: true }),
            ],
            chunks: [Chunk { generation: 2, images }, Chunk { generation: 1, ..none }, none],
            next_generation: 3,
            is_freed_early: false,
        }
    }

    /// A number that says how the entries and the meta page are.
    pub(crate) fn digest(&self) -> u64 {
        let of_entries = self.entries.iter().fold(u64::from(self.meta.covered), |digest, entry| {
            digest << 2 | u64::from(entry.is_changed) << 1 | u64::from(entry.image.is_some())
        });
        of_entries << 4 | u64::from(self.next_generation)
    }

    /// Marks a covered page as changed. Whoever finds a meta page of another version than its own cannot mark, and writes a
    /// meta page of its version instead, which covers nothing.
    pub(crate) fn mark(&mut self, page: usize, version: Version) {
        if self.meta.version != version {
            self.meta = Meta { version, covered: 0 };
        } else if self.is_covered(page) {
            self.entries[page].is_changed = true;
        }
    }

    pub(crate) fn is_covered(&self, page: usize) -> bool {
        page < usize::from(self.meta.covered)
    }

    /// Makes the entries of these pages say: no image, unchanged.
    pub(crate) fn clear(&mut self, pages: std::ops::Range<usize>) {
        self.entries[pages].fill(EMPTY);
    }

    /// Whether an entry says that an image is in the slot's chunk.
    fn is_used(&self, slot: u8) -> bool {
        self.entries.iter().any(|entry| entry.image.is_some_and(|image| image.slot == slot))
    }

    /// Whether a chunk can be written there.
    pub(crate) fn is_free(&self, at: u8) -> bool {
        (at == 0 && self.is_freed_early) || !self.directory.iter().flatten().any(|slot| slot.at == at)
    }

    /// Writes a chunk, and puts it into the directory; `None` if there is no slot or no space. Returns the slot.
    pub(crate) fn write(&mut self, images: [Option<Image>; PAGES]) -> Option<u8> {
        let slot = self.directory.iter().position(Option::is_none)?;
        let at = [2, 0].into_iter().find(|at| self.is_free(*at))?;
        let generation = self.next_generation;
        self.next_generation += 1;
        self.chunks[usize::from(at)] = Chunk { generation, images };
        self.directory[slot] = Some(Slot { generation, at, is_of_others: false });
        Some(slot as u8)
    }

    /// Lets an entry say that the page's image is in the slot's chunk.
    pub(crate) fn publish(&mut self, page: usize, slot: u8) {
        let generation = self.directory[usize::from(slot)].map_or(0, |slot| slot.generation);
        self.entries[page] = Entry { image: Some(Place { slot, low: generation & 1 }), is_changed: false };
    }

    /// Gives up the chunks of these heap pages that no entry names.
    pub(crate) fn give_up_unused(&mut self) {
        for slot in 0..2 {
            let is_own = self.directory[usize::from(slot)].is_some_and(|slot| !slot.is_of_others);
            if is_own && !self.is_used(slot) {
                self.directory[usize::from(slot)] = None;
            }
        }
    }
}
