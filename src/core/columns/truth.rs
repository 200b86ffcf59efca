//! For which codes of a dictionary a test is true.

use std::ops::Range;

/// A set of codes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Truth {
    codes: u32,
    words: Box<[u64; WORDS]>,
}

/// Enough for every code of 16 bits, so that no code is ever outside.
const WORDS: usize = (1 << 16) / 64;

/// Codes that follow each other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Run {
    pub(super) first: u16,
    /// How many follow the first
    pub(super) more: u16,
}

/// From so many runs on, looking codes up in a table is faster than comparing them.
const MANY_RUNS: usize = 8;

impl Truth {
    /// No code; the dictionary has `codes` codes, at most 65,536.
    pub(super) fn none(codes: u32) -> Self {
        Truth { codes, words: Box::new([0; WORDS]) }
    }

    /// Adds codes.
    pub(super) fn set(&mut self, codes: Range<u32>) {
        self.each_word(codes, |word, mask| *word |= mask);
    }

    /// Adds or removes a code.
    pub(super) fn put(&mut self, code: u32, value: bool) {
        self.each_word(code..code + 1, |word, mask| if value { *word |= mask } else { *word &= !mask });
    }

    /// Adds a code, which must be one of the dictionary's, if `value` is true.
    #[inline(always)]
    pub(super) fn add(&mut self, code: u16, value: bool) {
        self.words[usize::from(code >> 6)] |= u64::from(value) << (code & 63);
    }

    /// Changes the words that have any of the codes, given their bits in each.
    fn each_word(&mut self, codes: Range<u32>, mut change: impl FnMut(&mut u64, u64)) {
        let codes = codes.start..codes.end.min(self.codes);
        let mut from = codes.start;
        while from < codes.end {
            let until = (from / 64 * 64 + 64).min(codes.end);
            let mask = (u64::MAX >> (64 - (until - from))) << (from % 64);
            change(&mut self.words[from as usize / 64], mask);
            from = until;
        }
    }

    pub(super) fn and(mut self, other: &Truth) -> Self {
        self.words.iter_mut().zip(other.words.iter()).for_each(|(word, other)| *word &= other);
        self
    }

    pub(super) fn or(mut self, other: &Truth) -> Self {
        self.words.iter_mut().zip(other.words.iter()).for_each(|(word, other)| *word |= other);
        self
    }

    pub(super) fn not(mut self) -> Self {
        self.each_word(0..self.codes, |word, mask| *word ^= mask);
        self
    }

    pub(super) fn contains(&self, code: u16) -> bool {
        self.bit(code) == 1
    }

    /// 1 if it has the code, else 0.
    #[inline(always)]
    pub(super) fn bit(&self, code: u16) -> u8 {
        (self.words[usize::from(code >> 6)] >> (code & 63)) as u8 & 1
    }

    /// Whether it has all codes, or none; `None` if it has some.
    pub(super) fn constant(&self) -> Option<bool> {
        let count: u32 = self.words.iter().map(|word| word.count_ones()).sum();
        match count {
            0 => Some(false),
            _ if count == self.codes => Some(true),
            _ => None,
        }
    }

    /// The codes as runs; `None` if there are many.
    pub(super) fn runs(&self) -> Option<Vec<Run>> {
        let mut runs: Vec<Run> = Vec::new();
        let mut from = 0;
        while let Some(first) = self.next(from, true) {
            if runs.len() == MANY_RUNS {
                return None;
            }
            let end = self.next(first, false).unwrap_or(self.codes);
            runs.push(Run { first: first as u16, more: (end - first - 1) as u16 });
            from = end;
        }
        Some(runs)
    }

    /// The first code from `from` on that it has or, if `wanted` is false, does not have.
    fn next(&self, from: u32, wanted: bool) -> Option<u32> {
        let flip = if wanted { 0 } else { u64::MAX };
        let mut at = from;
        while at < self.codes {
            let bits = (self.words[at as usize / 64] ^ flip) >> (at % 64);
            if bits != 0 {
                return Some(at + bits.trailing_zeros()).filter(|code| *code < self.codes);
            }
            at = at / 64 * 64 + 64;
        }
        None
    }

    /// For each of the first 256 codes 1 or 0.
    pub(super) fn table(&self) -> [u8; 256] {
        std::array::from_fn(|code| self.bit(code as u16))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sets_of_codes_are_runs_and_back() {
        let mut truth = Truth::none(200);
        assert_eq!((truth.constant(), truth.runs()), (Some(false), Some(vec![])));
        truth.set(60..70);
        truth.set(199..200);
        let runs = [Run { first: 60, more: 9 }, Run { first: 199, more: 0 }];
        assert_eq!((truth.constant(), truth.runs()), (None, Some(runs.to_vec())));
        let others = truth.clone().not();
        assert_eq!(others.runs(), Some(vec![Run { first: 0, more: 59 }, Run { first: 70, more: 128 }]));
        assert_eq!(others.clone().or(&truth).constant(), Some(true));
        assert_eq!(others.and(&truth).constant(), Some(false));
        truth.put(65, false);
        assert!(!truth.contains(65) && truth.contains(66));
        truth.set(0..1_000);
        assert_eq!(truth.constant(), Some(true));
    }

    #[test]
    fn all_codes_of_16_bits_are_one_run() {
        let truth = Truth::none(1 << 16).not();
        assert_eq!(truth.runs(), Some(vec![Run { first: 0, more: u16::MAX }]));
        let mut many = Truth::none(1 << 16);
        (0..100).for_each(|code| many.put(code * 3, true));
        assert_eq!(many.runs(), None);
    }
}
