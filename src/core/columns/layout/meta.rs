//! The meta page: the first of the index, from which all others are found.

use super::super::Damage;
use super::super::bytes::Reader;
use super::super::checksum::{self, checksum};
use super::super::piece::PIECE_SIZE;
use super::{DIRECTORY_SLOTS, Extents, MAP_ENTRIES, MOST_SLOTS};

/// The version of the format. It changes with the layout of any page, and with how values are read: images that were made
/// in another way must not be used.
pub const FORMAT_VERSION: u16 = 2;

/// Extents enough for the entries of 2^32 heap pages.
pub const MOST_MAP_EXTENTS: usize = 22;
/// Extents enough for [`MOST_SLOTS`].
pub const MOST_DIRECTORY_EXTENTS: usize = 10;

const _: () = assert!(((1 << MOST_MAP_EXTENTS) - 1) * MAP_ENTRIES as u64 > u32::MAX as u64);
const _: () = assert!(((1 << MOST_DIRECTORY_EXTENTS) - 1) * DIRECTORY_SLOTS >= MOST_SLOTS);

const MAGIC: [u8; 4] = *b"segi";

/// What the meta page says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Meta {
    /// How many heap pages the map covers, from the first on. Writers mark what they change on these
    pub covered: u32,
    /// The generation of the next chunk; never used twice
    pub next_generation: u64,
    /// When images were last made, in microseconds since 2000; `None` if never
    pub folded_at: Option<i64>,
    /// The pages of the map
    pub map: Extents<MOST_MAP_EXTENTS>,
    /// The pages of the directory
    pub directory: Extents<MOST_DIRECTORY_EXTENTS>,
}

/// A meta page, of whatever version.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum MetaPage {
    /// Of this version
    Known(Meta),
    /// Of a version that is not known here. None of its images may be used, and whoever has to mark a page puts a new
    /// meta page in its place
    Other {
        /// The generation of the next chunk, which every version has at the same place
        next_generation: u64,
    },
}

/// Where the entry of a heap page is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MapBlock {
    /// On this block of the index
    At(u32),
    /// Nowhere
    NotCovered,
    /// Where another version of the format has put it
    OfOtherVersion,
}

/// The bytes in front of the checksum.
const CHECKED: usize = 28 + Extents::<MOST_MAP_EXTENTS>::BYTES + Extents::<MOST_DIRECTORY_EXTENTS>::BYTES;

const NO_META: Damage = Damage::Malformed("the first page is not a meta page");
const WRONG_CHECKSUM: Damage = Damage::Malformed("the checksum of the meta page is wrong");
const NO_PAGE: Damage = Damage::Malformed("the map covers more than it has pages for");

impl Meta {
    /// The bytes that it takes on the page.
    pub const BYTES: usize = CHECKED + checksum::BYTES;

    /// Of an index that covers nothing. Generations go on from `next_generation`, so that pages that are left of chunks
    /// before are never taken for those of new ones.
    #[must_use]
    pub fn empty(next_generation: u64) -> Self {
        Meta { covered: 0, next_generation, folded_at: None, map: Extents::NONE, directory: Extents::NONE }
    }

    /// Writes it to the page.
    ///
    /// # Panics
    /// The page is shorter than [`PIECE_SIZE`].
    pub fn write(&self, page: &mut [u8]) {
        let mut out = Vec::with_capacity(Self::BYTES);
        out.extend(MAGIC);
        out.extend(FORMAT_VERSION.to_le_bytes());
        out.extend([0; 2]);
        out.extend(self.next_generation.to_le_bytes());
        out.extend(self.covered.to_le_bytes());
        out.extend(self.folded_at.unwrap_or(i64::MIN).to_le_bytes());
        self.map.write(&mut out);
        self.directory.write(&mut out);
        out.extend(checksum(&out, &[]).to_le_bytes());
        page[..out.len()].copy_from_slice(&out);
    }

    /// The page with nothing else on it.
    #[must_use]
    pub fn page(&self) -> Vec<u8> {
        let mut page = vec![0; PIECE_SIZE];
        self.write(&mut page);
        page
    }

    /// The block and the number of the map's page that has the entry of a heap page; `None` if it is not covered.
    #[must_use]
    pub fn map_page_of(&self, heap_block: u32) -> Option<(u32, u32)> {
        let number = heap_block / MAP_ENTRIES;
        let block = if heap_block < self.covered { self.map.block(number) } else { None };
        block.map(|block| (block, number))
    }

    /// How many pages of the map are in use.
    #[must_use]
    pub fn map_pages(&self) -> u32 {
        self.covered.div_ceil(MAP_ENTRIES)
    }
}

impl MetaPage {
    /// The block of the map's page that has the entry of a heap page; `None` if it is not covered. It is what writers ask for
    /// each row, so what they do not need is not read.
    ///
    /// # Errors
    /// It is not a meta page, or one without the page of the map.
    pub fn map_block_of(page: &[u8], heap_block: u32) -> Result<MapBlock, Damage> {
        let (mut reader, version) = Self::begin(page)?;
        if version != FORMAT_VERSION {
            return Ok(MapBlock::OfOtherVersion);
        }
        reader.array::<8>()?;
        if heap_block >= u32::from_le_bytes(reader.array()?) {
            return Ok(MapBlock::NotCovered);
        }
        reader.array::<8>()?;
        let block = Extents::<MOST_MAP_EXTENTS>::stored_block(reader, heap_block / MAP_ENTRIES)?;
        block.map(MapBlock::At).ok_or(NO_PAGE)
    }

    /// Reads the page.
    ///
    /// # Errors
    /// It is not a meta page, or one of this version that contradicts itself.
    pub fn read(page: &[u8]) -> Result<Self, Damage> {
        let (mut reader, version) = Self::begin(page)?;
        let next_generation = u64::from_le_bytes(reader.array()?);
        if version != FORMAT_VERSION {
            return Ok(MetaPage::Other { next_generation });
        }
        let covered = u32::from_le_bytes(reader.array()?);
        let folded_at = i64::from_le_bytes(reader.array()?);
        let meta = Meta {
            covered,
            next_generation,
            folded_at: (folded_at != i64::MIN).then_some(folded_at),
            map: Extents::read(&mut reader)?,
            directory: Extents::read(&mut reader)?,
        };
        if meta.map_pages() > meta.map.pages() {
            return Err(NO_PAGE);
        }
        Ok(MetaPage::Known(meta))
    }

    /// Reads the version. If it is this one, all bytes are those that were written.
    fn begin(page: &[u8]) -> Result<(Reader<'_>, u16), Damage> {
        let mut reader = Reader(page);
        if reader.array()? != MAGIC {
            return Err(NO_META);
        }
        let version = u16::from_le_bytes(reader.array()?);
        if version == FORMAT_VERSION {
            let mut all = Reader(page);
            let checked = all.bytes(CHECKED)?;
            if u32::from_le_bytes(all.array()?) != checksum(checked, &[]) {
                return Err(WRONG_CHECKSUM);
            }
        }
        reader.array::<2>()?;
        Ok((reader, version))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn covering(blocks: u32) -> Meta {
        let mut meta = Meta { covered: blocks, folded_at: Some(-5), ..Meta::empty(3) };
        meta.map.add(1);
        meta.map.add(7);
        meta.directory.add(2);
        meta
    }

    #[test]
    fn it_reads_back() {
        for meta in [Meta::empty(1), covering(0), covering(3 * MAP_ENTRIES)] {
            let page = meta.page();
            assert!(page[Meta::BYTES..].iter().all(|byte| *byte == 0));
            assert_eq!(MetaPage::read(&page), Ok(MetaPage::Known(meta)));
        }
    }

    #[test]
    fn another_version_is_told_apart_from_damage() {
        let mut page = covering(5).page();
        page[4] = 9;
        assert_eq!(MetaPage::read(&page), Ok(MetaPage::Other { next_generation: 3 }));
        page[0] = 0;
        assert!(MetaPage::read(&page).is_err());
        assert!(MetaPage::read(&vec![0; PIECE_SIZE]).is_err());
        assert!(MetaPage::read(&covering(3 * MAP_ENTRIES + 1).page()).is_err());
        let page = covering(5).page();
        for at in 0..Meta::BYTES {
            let mut damaged = page.clone();
            damaged[at] ^= 64;
            let is_version = (4..6).contains(&at);
            let read = (MetaPage::read(&damaged), MetaPage::map_block_of(&damaged, 0));
            match read {
                (Ok(MetaPage::Other { .. }), Ok(MapBlock::OfOtherVersion)) => assert!(is_version),
                (Err(_), Err(_)) => assert!(!is_version),
                _ => panic!("the byte {at}: {read:?}"),
            }
            assert!(MetaPage::read(&page[..at]).is_err());
        }
    }

    #[test]
    fn the_map_has_an_entry_of_each_covered_page() {
        let meta = covering(MAP_ENTRIES + 1);
        assert_eq!(meta.map_page_of(0), Some((1, 0)));
        assert_eq!(meta.map_page_of(MAP_ENTRIES - 1), Some((1, 0)));
        assert_eq!(meta.map_page_of(MAP_ENTRIES), Some((7, 1)));
        assert_eq!(meta.map_page_of(MAP_ENTRIES + 1), None);
        assert_eq!(meta.map_pages(), 2);
        for heap_block in [0, MAP_ENTRIES - 1, MAP_ENTRIES, MAP_ENTRIES + 1, u32::MAX] {
            let expected = meta.map_page_of(heap_block).map_or(MapBlock::NotCovered, |(block, _)| MapBlock::At(block));
            assert_eq!(MetaPage::map_block_of(&meta.page(), heap_block), Ok(expected));
        }
        let mut page = meta.page();
        page[4] = 9;
        assert_eq!(MetaPage::map_block_of(&page, 0), Ok(MapBlock::OfOtherVersion));
        page[0] = 0;
        assert!(MetaPage::map_block_of(&page, 0).is_err());
        let lacking = Meta { covered: 4 * MAP_ENTRIES, ..meta };
        assert!(MetaPage::map_block_of(&lacking.page(), 3 * MAP_ENTRIES).is_err());
    }
}
