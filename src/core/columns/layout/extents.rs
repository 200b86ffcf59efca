//! Where numbered pages are: in extents that double.

use super::super::Damage;
use super::super::bytes::Reader;

/// Numbered pages. Extent `k` has 2^k pages that follow each other, so `N` numbers say where 2^N − 1 pages are. Half of them
/// may be not in use yet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Extents<const N: usize> {
    /// The first block of each extent, without gaps
    first_blocks: Vec<u32>,
}

impl<const N: usize> Extents<N> {
    /// The bytes in which they are stored.
    pub(super) const BYTES: usize = 4 * N;

    /// No pages.
    pub(super) const NONE: Self = Extents { first_blocks: Vec::new() };

    /// The block of a page; `None` if there is no such page.
    #[must_use]
    pub fn block(&self, number: u32) -> Option<u32> {
        let (extent, offset) = Self::place(number);
        self.first_blocks.get(extent)?.checked_add(offset)
    }

    /// The extent that a page is in, and its offset there.
    fn place(number: u32) -> (usize, u32) {
        let place = u64::from(number) + 1;
        let extent = place.ilog2();
        (extent as usize, (place - (1 << extent)) as u32)
    }

    /// As [`block`](Self::block), of extents that [`write`](Self::write) wrote, without reading all of them.
    pub(super) fn stored_block(mut reader: Reader<'_>, number: u32) -> Result<Option<u32>, Damage> {
        let (extent, offset) = Self::place(number);
        reader.bytes(4 * extent)?;
        let first = u32::from_le_bytes(reader.array()?);
        Ok(if first == 0 || extent >= N { None } else { first.checked_add(offset) })
    }

    /// How many pages there are.
    #[must_use]
    pub fn pages(&self) -> u32 {
        (1 << self.first_blocks.len()) - 1
    }

    /// Whether a block is one of theirs.
    #[must_use]
    pub fn contains(&self, block: u32) -> bool {
        self.runs().any(|(first, count)| block.checked_sub(first).is_some_and(|offset| offset < count))
    }

    /// How many pages the next extent has; `None` if there can be no more.
    #[must_use]
    pub fn next(&self) -> Option<u32> {
        (self.first_blocks.len() < N).then(|| 1 << self.first_blocks.len())
    }

    /// Adds the next extent, which begins at this block.
    pub fn add(&mut self, first_block: u32) {
        debug_assert!(first_block != 0 && self.next().is_some(), "the meta page is in no extent");
        self.first_blocks.push(first_block);
    }

    /// The blocks of each extent: the first, and how many.
    pub fn runs(&self) -> impl Iterator<Item = (u32, u32)> {
        self.first_blocks.iter().enumerate().map(|(extent, first)| (*first, 1 << extent))
    }

    pub(super) fn write(&self, out: &mut Vec<u8>) {
        let absent = std::iter::repeat(&0);
        out.extend(self.first_blocks.iter().chain(absent).take(N).flat_map(|first| first.to_le_bytes()));
    }

    pub(super) fn read(reader: &mut Reader<'_>) -> Result<Self, Damage> {
        let mut extents = Self::NONE;
        let mut has_ended = false;
        for _ in 0..N {
            match u32::from_le_bytes(reader.array()?) {
                0 => has_ended = true,
                _ if has_ended => return Err(Damage::Malformed("an extent follows one that is not there")),
                first => extents.first_blocks.push(first),
            }
        }
        Ok(extents)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_page_has_a_block_of_its_own() {
        let mut extents = Extents::<4>::NONE;
        assert_eq!((extents.pages(), extents.block(0)), (0, None));
        for first in [5, 10, 20, 40] {
            extents.add(first);
        }
        let blocks: Vec<u32> = (0..extents.pages()).filter_map(|number| extents.block(number)).collect();
        assert_eq!(blocks, [5, 10, 11, 20, 21, 22, 23, 40, 41, 42, 43, 44, 45, 46, 47]);
        assert_eq!((extents.block(15), extents.block(u32::MAX), extents.next()), (None, None, None));
        assert!(blocks.iter().all(|block| extents.contains(*block)));
        assert!([0, 4, 6, 9, 12, 48, u32::MAX].iter().all(|block| !extents.contains(*block)));
        let blocks_of_runs: Vec<u32> = extents.runs().flat_map(|(first, count)| first..first + count).collect();
        assert_eq!(blocks, blocks_of_runs);
    }

    #[test]
    fn they_read_back() {
        let mut extents = Extents::<3>::NONE;
        extents.add(7);
        extents.add(1);
        let mut bytes = Vec::new();
        extents.write(&mut bytes);
        assert_eq!(bytes.len(), Extents::<3>::BYTES);
        for number in 0..9 {
            assert_eq!(
                Extents::<3>::stored_block(Reader(&[&bytes[..], &[1; 9]].concat()), number),
                Ok(extents.block(number))
            );
        }
        assert_eq!(Extents::read(&mut Reader(&bytes)), Ok(extents));
        bytes[0] = 0;
        assert!(Extents::<3>::read(&mut Reader(&bytes)).is_err());
    }
}
