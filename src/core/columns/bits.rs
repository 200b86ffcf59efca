//! A bit for each row of a chunk.

use super::kernels::ROWS;
use std::ops::Range;

/// Rows of a chunk.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Bits {
    rows: u32,
    pub(super) words: Vec<u32>,
}

/// How found bits change the bits that are there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Into {
    /// They take their place
    Set,
    /// A row must be in both
    And,
    /// A row may be in either
    Or,
}

impl Into {
    #[inline]
    pub(super) fn combine(self, words: &mut [u32], found: &[u32]) {
        match self {
            Into::Set => words.copy_from_slice(found),
            Into::And => words.iter_mut().zip(found).for_each(|(word, found)| *word &= found),
            Into::Or => words.iter_mut().zip(found).for_each(|(word, found)| *word |= found),
        }
    }

    /// Whether no found bits can change these.
    #[inline]
    pub(super) fn is_settled(self, words: &[u32]) -> bool {
        match self {
            Into::Set => false,
            Into::And => words.iter().all(|word| *word == 0),
            Into::Or => words.iter().all(|word| *word == u32::MAX),
        }
    }
}

impl Bits {
    /// All rows or none, for a chunk with this many rows.
    #[must_use]
    pub fn all(rows: u32, value: bool) -> Self {
        let mut bits = Bits { rows, words: vec![0; (rows as usize).div_ceil(ROWS)] };
        if value {
            bits.words.fill(u32::MAX);
            bits.trim();
        }
        bits
    }

    /// The number of rows that it has.
    #[must_use]
    pub fn count(&self) -> u64 {
        self.words.iter().map(|word| u64::from(word.count_ones())).sum()
    }

    /// Whether it has the row.
    #[must_use]
    pub fn contains(&self, row: u32) -> bool {
        let word = self.words.get(row as usize / ROWS);
        word.is_some_and(|word| word >> (row % ROWS as u32) & 1 == 1)
    }

    /// Whether it has any of the rows.
    #[must_use]
    pub fn has_any(&self, rows: Range<u32>) -> bool {
        words(rows.start..rows.end.min(self.rows)).any(|(word, mask)| self.words[word] & mask != 0)
    }

    /// Adds rows, or removes them.
    pub fn put(&mut self, rows: Range<u32>, value: bool) {
        for (word, mask) in words(rows.start..rows.end.min(self.rows)) {
            let word = &mut self.words[word];
            *word = if value { *word | mask } else { *word & !mask };
        }
    }

    /// The rows that it has, ascending.
    pub fn iter(&self) -> impl Iterator<Item = u32> {
        self.words.iter().zip((0..).step_by(ROWS)).flat_map(|(word, first)| {
            let mut left = *word;
            std::iter::from_fn(move || {
                let bit = (left != 0).then(|| left.trailing_zeros())?;
                left &= left - 1;
                Some(first + bit)
            })
        })
    }

    /// Keeps the rows that the other has, too.
    pub fn and(&mut self, other: &Bits) {
        Into::And.combine(&mut self.words, &other.words);
    }

    /// Keeps the rows that the other does not have.
    pub fn and_not(&mut self, other: &Bits) {
        self.words.iter_mut().zip(&other.words).for_each(|(word, other)| *word &= !other);
    }

    /// Adds the rows of the other.
    pub fn or(&mut self, other: &Bits) {
        Into::Or.combine(&mut self.words, &other.words);
    }

    /// Removes bits of rows that do not exist.
    pub(super) fn trim(&mut self) {
        let last = self.rows % ROWS as u32;
        if last != 0
            && let Some(word) = self.words.last_mut()
        {
            *word &= u32::MAX >> (32 - last);
        }
    }
}

/// The words that have the rows, and the bits of the rows in each.
fn words(rows: Range<u32>) -> impl Iterator<Item = (usize, u32)> {
    let mut from = rows.start;
    std::iter::from_fn(move || {
        let until = (from / 32 * 32 + 32).min(rows.end);
        let count = until.checked_sub(from).filter(|count| *count > 0)?;
        let found = (from as usize / ROWS, (u32::MAX >> (32 - count)) << (from % 32));
        from = until;
        Some(found)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bits_are_rows() {
        let mut bits = Bits::all(70, false);
        bits.put(30..40, true);
        bits.put(69..100, true);
        assert_eq!(bits.iter().collect::<Vec<_>>(), (30..40).chain([69]).collect::<Vec<_>>());
        bits.put(31..64, false);
        assert_eq!((bits.count(), bits.contains(30), bits.contains(31), bits.contains(1_000)), (2, true, false, false));
        assert!(bits.has_any(0..31) && bits.has_any(30..70) && bits.has_any(64..1_000));
        assert!(!bits.has_any(0..30) && !bits.has_any(31..69) && !bits.has_any(30..30) && !bits.has_any(80..90));
        let all = Bits::all(70, true);
        assert_eq!(all.count(), 70);
        let mut others = all.clone();
        others.and_not(&bits);
        assert_eq!(others.count(), 68);
        others.or(&bits);
        assert_eq!(others, all);
        others.and(&bits);
        assert_eq!(others, bits);
    }
}
