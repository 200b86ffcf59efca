//! The distinct values of a column, sorted, in pieces.
//!
//! The number of a value in the dictionary is its *code*. Code 0 is always *missing*. A piece has values of one class, either
//! [numbers and dates](super::blocks) or [strings](super::strings).

use super::bytes::{Reader, write_varint};
use super::number::{MAX_SCALE, best_scale};
use super::{Class, Damage, Entry, blocks, strings};
use std::ops::Range;

/// What a chunk's description says of a dictionary.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Dictionary {
    /// The first code of each class, and the number of codes
    starts: [u32; Class::ALL.len() + 1],
    /// Numbers are integers in units of 10^-`scale`
    pub(super) scale: u32,
    /// The first code in each piece
    firsts: Vec<u32>,
}

impl Dictionary {
    /// Writes sorted entries without duplicates, of which the first is [`Class::Missing`]. Returns the payloads of the
    /// pieces as well.
    pub(super) fn write(entries: &[Entry<'_>]) -> (Self, Vec<Vec<u8>>) {
        let mut starts = [0; Class::ALL.len() + 1];
        for (class, start) in Class::ALL.iter().zip(&mut starts[1..]) {
            *start = entries.partition_point(|entry| entry.class() <= *class) as u32;
        }
        let numbers =
            entries.iter().filter_map(|entry| if let Entry::Number(number) = entry { Some(*number) } else { None });
        let mut dictionary = Dictionary { starts, scale: best_scale(numbers), firsts: Vec::new() };
        let mut payloads = Vec::new();
        for class in Class::ALL.into_iter().filter(|class| !class.is_single()) {
            let codes = dictionary.codes_of(class);
            let mut from = codes.start as usize;
            while from < codes.end as usize {
                let left = &entries[from..codes.end as usize];
                let (payload, taken) =
                    if class.has_integers() { blocks::write(left, dictionary.scale) } else { strings::write(left) };
                dictionary.firsts.push(from as u32);
                payloads.push(payload);
                from += taken;
            }
        }
        (dictionary, payloads)
    }

    /// The number of codes: one more than the last.
    pub(super) fn len(&self) -> u32 {
        self.starts[Class::ALL.len()]
    }

    pub(super) fn pieces(&self) -> u32 {
        self.firsts.len() as u32
    }

    /// The codes of the values of a class.
    pub(super) fn codes_of(&self, class: Class) -> Range<u32> {
        self.starts[class as usize]..self.starts[class as usize + 1]
    }

    pub(super) fn describe(&self, out: &mut Vec<u8>) {
        self.starts.windows(2).for_each(|pair| write_varint((pair[1] - pair[0]).into(), out));
        write_varint(self.scale.into(), out);
        write_varint(self.firsts.len() as u64, out);
        let mut last = 0;
        for first in &self.firsts {
            write_varint((first - last).into(), out);
            last = *first;
        }
    }

    /// Reads what [`describe`](Self::describe) wrote. What it returns has each code in one class and at most one piece.
    pub(super) fn read(reader: &mut Reader<'_>) -> Result<Self, Damage> {
        let mut starts = [0; Class::ALL.len() + 1];
        for (number, class) in Class::ALL.into_iter().enumerate() {
            let count = reader.at_most(if class.is_single() { 1 } else { MAX_CODES })?;
            starts[number + 1] = starts[number] + count;
        }
        let dictionary = Dictionary { starts, scale: reader.at_most(MAX_SCALE)?, firsts: Vec::new() };
        if dictionary.codes_of(Class::Missing).is_empty() || dictionary.len() > MAX_CODES {
            return Err(Damage::Malformed("a dictionary has a wrong number of codes"));
        }
        let count = reader.at_most(MAX_CODES)?;
        let mut firsts = Vec::new();
        let mut first = 0;
        for _ in 0..count {
            first += reader.at_most(MAX_CODES - first)?;
            firsts.push(first);
        }
        let is_stored = |first: &u32| *first < dictionary.len() && !dictionary.class_of(*first).is_single();
        let is_ascending = firsts.is_sorted_by(|left, right| left < right) && firsts.iter().all(is_stored);
        let mut stored = Class::ALL.into_iter().filter(|class| !class.is_single());
        let is_complete = stored.all(|class| {
            let codes = dictionary.codes_of(class);
            codes.is_empty() || firsts.binary_search(&codes.start).is_ok()
        });
        if !is_ascending || !is_complete {
            return Err(Damage::Malformed("a dictionary's pieces are not in order"));
        }
        Ok(Dictionary { firsts, ..dictionary })
    }

    pub(super) fn class_of(&self, code: u32) -> Class {
        Class::ALL[self.starts.partition_point(|start| *start <= code) - 1]
    }

    /// The codes of the values in a piece.
    pub(super) fn codes_in(&self, piece: usize) -> Range<u32> {
        let first = self.firsts[piece];
        let class_end = self.codes_of(self.class_of(first)).end;
        first..self.firsts.get(piece + 1).map_or(class_end, |next| class_end.min(*next))
    }

    /// The piece that has the value; for a code of a class that is stored.
    pub(super) fn piece_of(&self, code: u32) -> usize {
        self.firsts.partition_point(|first| *first <= code) - 1
    }
}

/// The most codes: each of a chunk's rows may have another value.
const MAX_CODES: u32 = 1 << 16;
