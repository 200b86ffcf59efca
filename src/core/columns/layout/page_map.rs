//! The map: what the index has of each heap page.

use super::super::Damage;
use super::numbered::{self, BODY, Kind};

/// How many heap pages a page of the map has entries of.
pub const MAP_ENTRIES: u32 = BODY as u32 / 4;

/// How many chunks an index can have.
pub const MOST_SLOTS: u32 = 1 << 18;

const IMAGE: u32 = 1 << 31;
const CHANGED: u32 = 1 << 30;
const GENERATION_BITS: u32 = 12;

/// What the index has of a heap page.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct PageEntry(u32);

impl PageEntry {
    /// No image, and unchanged.
    pub const NONE: Self = PageEntry(0);

    /// An image in the chunk that has this slot and generation. The entry keeps the generation's lowest bits.
    #[must_use]
    pub fn image(slot: u32, generation: u64) -> Self {
        debug_assert!(slot < MOST_SLOTS, "there is such a slot");
        PageEntry(IMAGE | low_bits(generation) << MOST_SLOTS.ilog2() | slot)
    }

    /// The same, changed since.
    #[must_use]
    pub fn changed(self) -> Self {
        PageEntry(self.0 | CHANGED)
    }

    /// Whether the page has changed since the entry was made.
    #[must_use]
    pub fn is_changed(self) -> bool {
        self.0 & CHANGED != 0
    }

    /// Whether there is an image, be it outdated.
    #[must_use]
    pub fn has_image(self) -> bool {
        self.0 & IMAGE != 0
    }

    /// The slot of the chunk that has the image; `None` if there is no image, or the page has changed since.
    #[must_use]
    pub fn slot(self) -> Option<u32> {
        (self.has_image() && !self.is_changed()).then_some(self.0 & (MOST_SLOTS - 1))
    }

    /// Whether the image is in the chunk of this generation, as far as the entry can tell.
    #[must_use]
    pub fn is_of(self, generation: u64) -> bool {
        self.0 >> MOST_SLOTS.ilog2() & ((1 << GENERATION_BITS) - 1) == low_bits(generation)
    }
}

fn low_bits(generation: u64) -> u32 {
    generation as u32 & ((1 << GENERATION_BITS) - 1)
}

/// A page of the map.
#[derive(Debug)]
pub struct PageMap;

impl PageMap {
    /// A page whose entries say: no image, unchanged.
    #[must_use]
    pub fn empty(number: u32) -> Vec<u8> {
        numbered::empty(Kind::Map, number)
    }

    /// The entries of the page with this number.
    ///
    /// # Errors
    /// It is not that page.
    pub fn entries(page: &[u8], number: u32) -> Result<impl Iterator<Item = PageEntry>, Damage> {
        let words = numbered::body(page, Kind::Map, number)?.as_chunks().0;
        Ok(words.iter().map(|word| PageEntry(u32::from_le_bytes(*word))))
    }

    /// The entry of a heap page.
    ///
    /// # Errors
    /// It is not the page that has this entry.
    pub fn entry(page: &[u8], heap_block: u32) -> Result<PageEntry, Damage> {
        let body = numbered::body(page, Kind::Map, heap_block / MAP_ENTRIES)?;
        let word = body.as_chunks().0[(heap_block % MAP_ENTRIES) as usize];
        Ok(PageEntry(u32::from_le_bytes(word)))
    }

    /// Puts `change` to each entry of the page with this number: the entry's index on the page, and what it is.
    ///
    /// # Errors
    /// It is not that page.
    pub fn change(
        page: &mut [u8],
        number: u32,
        mut change: impl FnMut(u32, PageEntry) -> PageEntry,
    ) -> Result<(), Damage> {
        let words = numbered::body_mut(page, Kind::Map, number)?.as_chunks_mut().0;
        for (index, word) in (0..).zip(words) {
            *word = change(index, PageEntry(u32::from_le_bytes(*word))).0.to_le_bytes();
        }
        Ok(())
    }

    /// Marks a heap page as changed.
    ///
    /// # Errors
    /// It is not the page that has this entry.
    pub fn mark(page: &mut [u8], heap_block: u32) -> Result<(), Damage> {
        let body = numbered::body_mut(page, Kind::Map, heap_block / MAP_ENTRIES)?;
        let word = &mut body.as_chunks_mut().0[(heap_block % MAP_ENTRIES) as usize];
        *word = PageEntry(u32::from_le_bytes(*word)).changed().0.to_le_bytes();
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_entry_says_what_it_was_made_of() {
        let entry = PageEntry::image(MOST_SLOTS - 1, 0xABC_DEF);
        assert_eq!((entry.slot(), entry.is_changed()), (Some(MOST_SLOTS - 1), false));
        assert!(entry.is_of(0xABC_DEF) && entry.is_of(0xDEF) && !entry.is_of(0xDEE));
        let changed = entry.changed();
        assert_eq!((changed.slot(), changed.has_image(), changed.is_changed()), (None, true, true));
        assert_eq!(changed.changed(), changed);
        assert_eq!((PageEntry::NONE.slot(), PageEntry::NONE.changed().is_changed()), (None, true));
        assert_eq!(PageEntry::image(0, 0).slot(), Some(0));
    }

    #[test]
    fn a_mark_changes_one_entry() {
        let mut page = PageMap::empty(2);
        let block = 2 * MAP_ENTRIES + 7;
        assert_eq!(PageMap::entry(&page, block), Ok(PageEntry::NONE));
        PageMap::change(&mut page, 2, |index, _| PageEntry::image(index, 1)).unwrap();
        PageMap::mark(&mut page, block).unwrap();
        let marked: Vec<u32> = (0..)
            .zip(PageMap::entries(&page, 2).unwrap())
            .filter(|(_, entry)| entry.is_changed())
            .map(|(index, _)| index)
            .collect();
        assert_eq!(marked, [7]);
        assert_eq!(PageMap::entry(&page, block - 1), Ok(PageEntry::image(6, 1)));
        assert_eq!(PageMap::entries(&page, 2).unwrap().count(), MAP_ENTRIES as usize);
    }

    #[test]
    fn another_page_is_not_taken_for_it() {
        let mut page = PageMap::empty(2);
        assert!(PageMap::entry(&page, 0).is_err());
        assert!(PageMap::mark(&mut page, 3 * MAP_ENTRIES).is_err());
        assert!(PageMap::change(&mut page, 1, |_, entry| entry).is_err());
        assert!(PageMap::entries(&page[..100], 2).is_err());
        assert!(PageMap::entries(&[], 2).is_err());
        assert!(PageMap::entries(&vec![0; page.len()], 0).is_err());
        assert!(PageMap::entries(&super::super::Directory::empty(2), 2).is_err());
        page[2] += 1;
        assert!(PageMap::entry(&page, 2 * MAP_ENTRIES).is_err());
    }
}
