//! Codes to bits: for 32 rows at a time, whether their codes are among those of a truth table.
//!
//! The loops over 32 rows have a length that is known, no branch and no call, so that the compiler makes instructions for
//! many rows of them. They need no `unsafe`, and no instructions that not every processor has.
#![allow(clippy::needless_range_loop, reason = "iterators over 32 rows are calls in loops that should have none")]

use super::truth::{Run, Truth};

/// Rows of a word of bits.
pub(super) const ROWS: usize = 32;

/// The size of a code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Width {
    /// Four bits: of 16 bytes the low halves are the first 16 rows, and the high halves are the next 16
    Half,
    /// A byte
    Byte,
    /// Two bytes, the lower one first
    Short,
}

impl Width {
    /// The width for codes below `codes`.
    pub(super) fn of(codes: u32) -> Self {
        match codes {
            0..=0x10 => Width::Half,
            0x11..=0x100 => Width::Byte,
            _ => Width::Short,
        }
    }

    /// The bytes of the codes of 32 rows.
    pub(super) fn bytes(self) -> usize {
        match self {
            Width::Half => ROWS / 2,
            Width::Byte => ROWS,
            Width::Short => 2 * ROWS,
        }
    }

    /// Writes the codes of 32 rows.
    pub(super) fn write(self, codes: &[u16; ROWS], out: &mut Vec<u8>) {
        match self {
            Width::Half => out.extend((0..ROWS / 2).map(|row| codes[row] as u8 | (codes[row + ROWS / 2] as u8) << 4)),
            Width::Byte => out.extend(codes.map(|code| code as u8)),
            Width::Short => out.extend(codes.iter().flat_map(|code| code.to_le_bytes())),
        }
    }

    /// Calls `see` with the codes of 32 rows at a time.
    #[inline(always)]
    pub(super) fn read(self, bytes: &[u8], mut see: impl FnMut(&[u16; ROWS])) {
        match self {
            Width::Half => bytes.as_chunks().0.iter().for_each(|bytes| see(&halves(bytes).map(u16::from))),
            Width::Byte => bytes.as_chunks::<ROWS>().0.iter().for_each(|codes| see(&codes.map(u16::from))),
            Width::Short => bytes.as_chunks().0.iter().for_each(|bytes| see(&shorts(bytes))),
        }
    }

    /// The greatest code.
    pub(super) fn greatest(self, bytes: &[u8]) -> u16 {
        match self {
            Width::Half => {
                let (low, high) =
                    bytes.iter().fold((0, 0), |(low, high), byte| (low.max(byte & 15), high.max(byte >> 4)));
                u16::from(low.max(high))
            }
            Width::Byte => bytes.iter().fold(0, |greatest, byte| greatest.max(*byte)).into(),
            Width::Short => {
                let codes = bytes.as_chunks().0.iter().map(|bytes| u16::from_le_bytes(*bytes));
                codes.fold(0, u16::max)
            }
        }
    }
}

/// How the rows are found whose codes are in a truth table.
pub(super) enum Kernel<'t> {
    /// Codes are compared with one run, as most tests have it
    Run(Run),
    /// Codes are compared with a few runs
    Runs(Vec<Run>),
    /// Codes are looked up
    Lookup(&'t Truth),
}

impl<'t> Kernel<'t> {
    /// The fastest way for the truth table.
    pub(super) fn of(truth: &'t Truth) -> Self {
        match truth.runs() {
            Some(runs) => match runs[..] {
                [run] => Kernel::Run(run),
                _ => Kernel::Runs(runs),
            },
            None => Kernel::Lookup(truth),
        }
    }

    /// Sets a bit in `out` for each row whose code is in the truth table, and removes the others.
    pub(super) fn find(&self, width: Width, bytes: &[u8], out: &mut [u32]) {
        match width {
            Width::Half => self.find_bytes(bytes.as_chunks().0, halves, out),
            Width::Byte => self.find_bytes(bytes.as_chunks().0, |codes| *codes, out),
            Width::Short => self.find_shorts(bytes.as_chunks().0, out),
        }
    }

    #[inline(always)]
    fn find_bytes<const N: usize>(&self, blocks: &[[u8; N]], codes: impl Fn(&[u8; N]) -> [u8; ROWS], out: &mut [u32]) {
        match self {
            Kernel::Run(run) => {
                let (first, more) = (run.first as u8, run.more as u8);
                each_word(blocks, out, |block| codes(block).map(|code| u8::from(code.wrapping_sub(first) <= more)));
            }
            Kernel::Runs(runs) => each_word(blocks, out, |block| {
                let codes = codes(block);
                let mut hits = [0; ROWS];
                for run in runs {
                    let (first, more) = (run.first as u8, run.more as u8);
                    for row in 0..ROWS {
                        hits[row] |= u8::from(codes[row].wrapping_sub(first) <= more);
                    }
                }
                hits
            }),
            Kernel::Lookup(truth) => {
                let table = truth.table();
                each_word(blocks, out, |block| codes(block).map(|code| table[usize::from(code)]));
            }
        }
    }

    fn find_shorts(&self, blocks: &[[u8; 2 * ROWS]], out: &mut [u32]) {
        match self {
            Kernel::Run(Run { first, more }) => {
                each_word(blocks, out, |block| shorts(block).map(|code| u8::from(code.wrapping_sub(*first) <= *more)));
            }
            Kernel::Runs(runs) => each_word(blocks, out, |block| {
                let codes = shorts(block);
                let mut hits = [0; ROWS];
                for run in runs {
                    for row in 0..ROWS {
                        hits[row] |= u8::from(codes[row].wrapping_sub(run.first) <= run.more);
                    }
                }
                hits
            }),
            Kernel::Lookup(truth) => each_word(blocks, out, |block| shorts(block).map(|code| truth.bit(code))),
        }
    }
}

/// Packs what `hits` says of each block of 32 rows.
#[inline(always)]
fn each_word<const N: usize>(blocks: &[[u8; N]], out: &mut [u32], hits: impl Fn(&[u8; N]) -> [u8; ROWS]) {
    for (block, word) in blocks.iter().zip(out) {
        *word = pack(&hits(block));
    }
}

#[inline(always)]
fn halves(bytes: &[u8; ROWS / 2]) -> [u8; ROWS] {
    let mut codes = [0; ROWS];
    for row in 0..ROWS / 2 {
        codes[row] = bytes[row] & 15;
        codes[row + ROWS / 2] = bytes[row] >> 4;
    }
    codes
}

#[inline(always)]
fn shorts(bytes: &[u8; 2 * ROWS]) -> [u16; ROWS] {
    let mut codes = [0; ROWS];
    for row in 0..ROWS {
        codes[row] = u16::from_le_bytes([bytes[2 * row], bytes[2 * row + 1]]);
    }
    codes
}

/// Packs bytes that are 0 or 1 into bits, the first into the lowest. Of eight bytes as one number, the multiplication
/// adds eight shifted copies, in whose highest byte each of the eight bits has a place of its own.
#[inline(always)]
fn pack(hits: &[u8; ROWS]) -> u32 {
    let mut word = 0;
    for (number, hits) in hits.as_chunks().0.iter().enumerate() {
        let bits = u64::from_le_bytes(*hits).wrapping_mul(0x0102_0408_1020_4080) >> 56;
        word |= (bits as u32) << (8 * number);
    }
    word
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn each_byte_is_packed_into_its_bit() {
        for row in 0..ROWS {
            let mut hits = [0; ROWS];
            hits[row] = 1;
            assert_eq!(pack(&hits), 1 << row);
        }
        assert_eq!(pack(&[1; ROWS]), u32::MAX);
    }

    proptest! {
        #[test]
        fn kernels_find_the_codes_of_the_truth_table(
            codes in 2u32..70_000,
            seed: u64,
            chosen in proptest::collection::vec(any::<u64>(), 0..40),
            negated: bool,
        ) {
            let codes = codes.min(1 << 16);
            let width = Width::of(codes);
            let mut truth = Truth::none(codes);
            for choice in chosen {
                let first = choice % u64::from(codes);
                truth.set(first as u32..(first + choice % 7 + 1).min(codes.into()) as u32);
            }
            let truth = if negated { truth.not() } else { truth };
            let rows: Vec<u16> = (0..3 * ROWS as u64).map(|row| (seed.wrapping_mul(2 * row + 1) % u64::from(codes)) as u16).collect();
            let mut bytes = Vec::new();
            rows.as_chunks().0.iter().for_each(|rows| width.write(rows, &mut bytes));
            prop_assert_eq!(bytes.len(), 3 * width.bytes());
            prop_assert_eq!(width.greatest(&bytes), *rows.iter().max().unwrap());
            let mut read: Vec<u16> = Vec::new();
            width.read(&bytes, |codes| read.extend(codes));
            prop_assert_eq!(&read, &rows);
            let mut out = [0; 3];
            Kernel::of(&truth).find(width, &bytes, &mut out);
            for (row, code) in rows.iter().enumerate() {
                prop_assert_eq!(out[row / ROWS] >> (row % ROWS) & 1 == 1, truth.contains(*code), "{}", code);
            }
        }
    }
}
