//! The distinct values of a column, sorted, in pieces.
//!
//! The number of a value in the dictionary is its *code*. Code 0 is always *missing*. A piece has values of one class:
//!
//! - numbers and dates as integers, in blocks of 64: the first integer, then the differences. A block in which a number
//!   does not fit into 64 bits has all its numbers in digits.
//! - texts, containers and native values as bytes: how many there are, where each ends, and the bytes one after the other.

use super::bytes::{Reader, write_varint};
use super::entry::{read_number, write_number};
use super::number::{MAX_SCALE, Units, best_scale, units};
use super::piece::{PAYLOAD, Pieces};
use super::{Class, Damage, Entry, piece};
use crate::date::{Day, Instant};
use std::ops::Range;

/// Values in a block of numbers.
const BLOCK: usize = 64;
const INTEGERS: u8 = 0;
const DIGITS: u8 = 1;

/// What a chunk's description says of a dictionary.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Dictionary {
    /// The first code of each class, and the number of codes
    starts: [u32; Class::ALL.len() + 1],
    /// Numbers are integers in units of 10^-`scale`
    scale: u32,
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
                    if has_integers(class) { write_blocks(left, dictionary.scale) } else { write_strings(left) };
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

    fn class_of(&self, code: u32) -> Class {
        Class::ALL[self.starts.partition_point(|start| *start <= code) - 1]
    }

    /// The codes of the values in a piece.
    fn codes_in(&self, piece: usize) -> Range<u32> {
        let first = self.firsts[piece];
        let class_end = self.codes_of(self.class_of(first)).end;
        first..self.firsts.get(piece + 1).map_or(class_end, |next| class_end.min(*next))
    }

    /// The piece that has the value; for a code of a class that is stored.
    fn piece_of(&self, code: u32) -> usize {
        self.firsts.partition_point(|first| *first <= code) - 1
    }
}

/// The most codes: each of a chunk's rows may have another value.
const MAX_CODES: u32 = 1 << 16;

fn has_integers(class: Class) -> bool {
    matches!(class, Class::Number | Class::Day | Class::Instant | Class::Date | Class::Timestamp)
}

fn integer(entry: &Entry<'_>, scale: u32) -> Option<i64> {
    match entry {
        Entry::Number(number) => units(*number, scale),
        Entry::Day(day) | Entry::Date(day) => Some(day.epoch_days().into()),
        Entry::Instant(instant) | Entry::Timestamp(instant) => Some(instant.micros()),
        _ => None,
    }
}

/// Writes as many blocks as fit into a piece: their number, where each begins, and the blocks.
fn write_blocks(entries: &[Entry<'_>], scale: u32) -> (Vec<u8>, usize) {
    let mut blocks: Vec<Vec<u8>> = Vec::new();
    let (mut size, mut taken) = (2, 0);
    for entries in entries.chunks(BLOCK) {
        let block = write_block(entries, scale);
        if size + 2 + block.len() > PAYLOAD {
            break;
        }
        size += 2 + block.len();
        taken += entries.len();
        blocks.push(block);
    }
    let mut payload = (blocks.len() as u16).to_le_bytes().to_vec();
    let mut at = 2 + 2 * blocks.len();
    for block in &blocks {
        payload.extend((at as u16).to_le_bytes());
        at += block.len();
    }
    payload.extend(blocks.concat());
    (payload, taken)
}

fn write_block(entries: &[Entry<'_>], scale: u32) -> Vec<u8> {
    let integers: Option<Vec<i64>> = entries.iter().map(|entry| integer(entry, scale)).collect();
    let mut block = Vec::new();
    match integers {
        Some(integers) => {
            block.push(INTEGERS);
            block.extend(integers[0].to_le_bytes());
            // In ascending order a difference is never negative, and it fits into 64 bits without a sign.
            integers.windows(2).for_each(|pair| write_varint(pair[1].wrapping_sub(pair[0]) as u64, &mut block));
        }
        None => {
            block.push(DIGITS);
            for entry in entries {
                let mut bytes = Vec::new();
                if let Entry::Number(number) = entry {
                    write_number(*number, &mut bytes);
                }
                write_varint(bytes.len() as u64, &mut block);
                block.extend(bytes);
            }
        }
    }
    block
}

/// Writes as many strings as fit into a piece: their number, where each ends, and the strings.
fn write_strings(entries: &[Entry<'_>]) -> (Vec<u8>, usize) {
    let strings: Vec<&[u8]> = entries
        .iter()
        .filter_map(|entry| match entry {
            Entry::Text(bytes) | Entry::Container(bytes) | Entry::Native(bytes) => Some(*bytes),
            _ => None,
        })
        .scan(2, |size, bytes| {
            *size += 2 + bytes.len();
            (*size <= PAYLOAD).then_some(bytes)
        })
        .collect();
    let mut payload = (strings.len() as u16).to_le_bytes().to_vec();
    let mut end = 2 + 2 * strings.len();
    for string in &strings {
        end += string.len();
        payload.extend((end as u16).to_le_bytes());
    }
    payload.extend(strings.concat());
    (payload, strings.len())
}

/// A dictionary together with its pieces.
pub(super) struct Stored<'c, P: ?Sized> {
    pub(super) dictionary: &'c Dictionary,
    pub(super) pieces: &'c P,
    /// The number of its first piece in the chunk, and the place of that piece
    pub(super) first: (u32, piece::Place),
}

impl<P: Pieces + ?Sized> Stored<'_, P> {
    fn read<R>(&self, piece: usize, read: impl FnOnce(&[u8]) -> Result<R, Damage>) -> Result<R, P::Error> {
        let (number, place) = self.first;
        let sequence = place.sequence + piece as u32;
        piece::read(self.pieces, number + piece as u32, piece::Place { sequence, ..place }, read)
    }

    /// Calls `see` with each of the codes and its entry, in order. The codes must be of one class.
    pub(super) fn each(&self, codes: Range<u32>, see: &mut dyn FnMut(u32, Entry<'_>)) -> Result<(), P::Error> {
        let mut from = codes.start;
        while from < codes.end {
            let class = self.dictionary.class_of(from);
            if class.is_single() {
                see(from, Entry::Single(class));
                from += 1;
                continue;
            }
            let piece = self.dictionary.piece_of(from);
            let here = self.dictionary.codes_in(piece);
            let until = here.end.min(codes.end);
            let within = (from - here.start) as usize..(until - here.start) as usize;
            self.read(piece, |payload| {
                let mut code = from;
                self.values(class, payload).each(within, &mut |entry| {
                    see(code, entry);
                    code += 1;
                })
            })?;
            from = until;
        }
        Ok(())
    }

    /// The first of the codes whose entry is `after`, which must then be so of all that follow. The codes must be of one
    /// class that is stored. It reads the first values of some pieces, then one piece.
    pub(super) fn partition(
        &self,
        codes: Range<u32>,
        after: &mut dyn FnMut(Entry<'_>) -> bool,
    ) -> Result<u32, P::Error> {
        if codes.is_empty() {
            return Ok(codes.start);
        }
        let class = self.dictionary.class_of(codes.start);
        let (mut low, mut high) = (self.dictionary.piece_of(codes.start), self.dictionary.piece_of(codes.end - 1));
        while low < high {
            let middle = low + (high - low).div_ceil(2);
            if self.read(middle, |payload| self.values(class, payload).is_after(0, after))? {
                high = middle - 1;
            } else {
                low = middle;
            }
        }
        let here = self.dictionary.codes_in(low);
        let (mut from, mut until) = (here.start.max(codes.start), here.end.min(codes.end));
        self.read(low, |payload| {
            let values = self.values(class, payload);
            while from < until {
                let middle = from + (until - from) / 2;
                if values.is_after((middle - here.start) as usize, after)? {
                    until = middle;
                } else {
                    from = middle + 1;
                }
            }
            Ok(from)
        })
    }

    fn values<'p>(&self, class: Class, payload: &'p [u8]) -> InPiece<'p> {
        InPiece { class, scale: self.dictionary.scale, payload }
    }
}

/// The values of one piece.
struct InPiece<'p> {
    class: Class,
    scale: u32,
    payload: &'p [u8],
}

impl InPiece<'_> {
    fn is_after(&self, index: usize, after: &mut dyn FnMut(Entry<'_>) -> bool) -> Result<bool, Damage> {
        let mut found = false;
        self.each(index..index + 1, &mut |entry| found = after(entry))?;
        Ok(found)
    }

    fn each(&self, range: Range<usize>, see: &mut dyn FnMut(Entry<'_>)) -> Result<(), Damage> {
        if has_integers(self.class) { self.each_in_blocks(range, see) } else { self.each_string(range, see) }
    }

    fn each_string(&self, range: Range<usize>, see: &mut dyn FnMut(Entry<'_>)) -> Result<(), Damage> {
        let mut reader = Reader(self.payload);
        let count = usize::from(reader.u16()?);
        let (ends, _) = reader.bytes(2 * count)?.as_chunks();
        let end = |index: usize| ends.get(index).map(|end| usize::from(u16::from_le_bytes(*end)));
        const WRONG: Damage = Damage::Malformed("a string is outside of its piece");
        let mut start = if range.start == 0 { 2 + 2 * count } else { end(range.start - 1).ok_or(WRONG)? };
        for index in range {
            let end = end(index).ok_or(WRONG)?;
            let bytes = self.payload.get(start..end).ok_or(WRONG)?;
            see(match self.class {
                Class::Text => Entry::Text(bytes),
                Class::Container => Entry::Container(bytes),
                _ => Entry::Native(bytes),
            });
            start = end;
        }
        Ok(())
    }

    fn each_in_blocks(&self, range: Range<usize>, see: &mut dyn FnMut(Entry<'_>)) -> Result<(), Damage> {
        let mut index = range.start;
        while index < range.end {
            let mut reader = Reader(self.payload);
            let blocks = usize::from(reader.u16()?);
            let (starts, _) = reader.bytes(2 * blocks)?.as_chunks();
            let start = starts.get(index / BLOCK).map(|start| usize::from(u16::from_le_bytes(*start)));
            let block = start.and_then(|start| self.payload.get(start..));
            let mut reader = Reader(block.ok_or(Damage::Malformed("a block is outside of its piece"))?);
            let skipped = index % BLOCK;
            let until = (index - skipped + BLOCK).min(range.end);
            let in_integers = reader.byte()? == INTEGERS;
            let mut value = if in_integers { i64::from_le_bytes(reader.array()?) } else { 0 };
            for number in 0..until - index + skipped {
                if in_integers {
                    if number > 0 {
                        value = value.wrapping_add(reader.varint()? as i64);
                    }
                    if number >= skipped {
                        self.see_integer(value, see)?;
                    }
                } else {
                    let length = reader.at_most(PAYLOAD as u32)? as usize;
                    let bytes = reader.bytes(length)?;
                    if number >= skipped {
                        see(Entry::Number(read_number(bytes).ok_or(Damage::Malformed("a number has no digits"))?));
                    }
                }
            }
            index = until;
        }
        Ok(())
    }

    fn see_integer(&self, value: i64, see: &mut dyn FnMut(Entry<'_>)) -> Result<(), Damage> {
        const WRONG: Damage = Damage::Malformed("a date is outside of the years 1 to 9999");
        let day = || i32::try_from(value).ok().and_then(Day::from_epoch_days).ok_or(WRONG);
        let instant = || Instant::from_micros(value).ok_or(WRONG);
        see(match self.class {
            Class::Day => Entry::Day(day()?),
            Class::Date => Entry::Date(day()?),
            Class::Instant => Entry::Instant(instant()?),
            Class::Timestamp => Entry::Timestamp(instant()?),
            _ => {
                see(Entry::Number(Units::new(value, self.scale).as_number()));
                return Ok(());
            }
        });
        Ok(())
    }
}
