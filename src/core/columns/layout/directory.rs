//! The directory: which chunk each slot has, and where.

use super::super::Damage;
use super::numbered::{self, BODY, Kind};

/// The bytes of a slot.
const BYTES: usize = 24;

/// How many slots a page of the directory has.
pub const DIRECTORY_SLOTS: u32 = (BODY / BYTES) as u32;

/// A chunk, and where it is. Its pieces are on pages that follow each other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DirectoryEntry {
    /// Its generation, which is never 0
    pub generation: u64,
    /// The block of its first piece
    pub first_block: u32,
    /// How many pieces it has
    pub pieces: u32,
    /// How many rows it has
    pub rows: u32,
}

/// A page of the directory.
#[derive(Debug)]
pub struct Directory;

impl Directory {
    /// A page whose slots have no chunks.
    #[must_use]
    pub fn empty(number: u32) -> Vec<u8> {
        numbered::empty(Kind::Directory, number)
    }

    /// The slots of the page with this number, in order.
    ///
    /// # Errors
    /// It is not that page.
    pub fn slots(page: &[u8], number: u32) -> Result<impl Iterator<Item = Option<DirectoryEntry>>, Damage> {
        let slots = numbered::body(page, Kind::Directory, number)?.as_chunks::<BYTES>().0;
        Ok(slots.iter().map(read))
    }

    /// Gives a slot a chunk, or takes it away.
    ///
    /// # Errors
    /// It is not the page that has this slot.
    pub fn put(page: &mut [u8], slot: u32, chunk: Option<DirectoryEntry>) -> Result<(), Damage> {
        let body = numbered::body_mut(page, Kind::Directory, slot / DIRECTORY_SLOTS)?;
        body.as_chunks_mut().0[(slot % DIRECTORY_SLOTS) as usize] = write(chunk);
        Ok(())
    }
}

fn read(bytes: &[u8; BYTES]) -> Option<DirectoryEntry> {
    let word = |index: usize| bytes.as_chunks().0[index];
    let generation = u64::from_le_bytes(*bytes.first_chunk()?);
    (generation != 0).then(|| DirectoryEntry {
        generation,
        first_block: u32::from_le_bytes(word(2)),
        pieces: u32::from_le_bytes(word(3)),
        rows: u32::from_le_bytes(word(4)),
    })
}

fn write(chunk: Option<DirectoryEntry>) -> [u8; BYTES] {
    let mut bytes = [0; BYTES];
    if let Some(DirectoryEntry { generation, first_block, pieces, rows }) = chunk {
        bytes[..8].copy_from_slice(&generation.to_le_bytes());
        bytes[8..12].copy_from_slice(&first_block.to_le_bytes());
        bytes[12..16].copy_from_slice(&pieces.to_le_bytes());
        bytes[16..20].copy_from_slice(&rows.to_le_bytes());
    }
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slot_has_the_chunk_that_it_was_given() {
        let chunk = DirectoryEntry { generation: u64::MAX - 1, first_block: 9, pieces: 230, rows: 65_024 };
        let mut page = Directory::empty(1);
        Directory::put(&mut page, DIRECTORY_SLOTS + 3, Some(chunk)).unwrap();
        let slots: Vec<Option<DirectoryEntry>> = Directory::slots(&page, 1).unwrap().collect();
        assert_eq!(slots.len(), DIRECTORY_SLOTS as usize);
        assert_eq!(slots[3], Some(chunk));
        assert_eq!(slots.iter().flatten().count(), 1);
        Directory::put(&mut page, DIRECTORY_SLOTS + 3, None).unwrap();
        assert_eq!(page, Directory::empty(1));
        assert!(Directory::put(&mut page, 3, Some(chunk)).is_err());
        assert!(Directory::slots(&page, 0).is_err());
    }
}
