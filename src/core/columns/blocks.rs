//! Numbers and dates of a piece, in blocks of 64.
//!
//! A piece says how many blocks there are, then where each begins, then has the blocks. A block has the first integer, then
//! the differences. A block in which a number does not fit into 64 bits has all its numbers in digits.

use super::bytes::{Reader, write_varint};
use super::entry::{read_number, write_number};
use super::number::{Units, units};
use super::piece::PAYLOAD;
use super::{Class, Damage, Entry};
use crate::date::{Day, Instant};
use std::ops::Range;

/// Values in a block.
const BLOCK: usize = 64;
const INTEGERS: u8 = 0;
const DIGITS: u8 = 1;

/// Writes as many blocks as fit into a piece: their number, where each begins, and the blocks.
pub(super) fn write(entries: &[Entry<'_>], scale: u32) -> (Vec<u8>, usize) {
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

fn integer(entry: &Entry<'_>, scale: u32) -> Option<i64> {
    match entry {
        Entry::Number(number) => units(*number, scale),
        Entry::Day(day) | Entry::Date(day) => Some(day.epoch_days().into()),
        Entry::Instant(instant) | Entry::Timestamp(instant) => Some(instant.micros()),
        _ => None,
    }
}

/// The blocks of a piece.
pub(super) struct Blocks<'p> {
    class: Class,
    scale: u32,
    payload: &'p [u8],
}

impl<'p> Blocks<'p> {
    /// The blocks of values of the class; numbers are integers in units of 10^-`scale`.
    pub(super) fn of(payload: &'p [u8], class: Class, scale: u32) -> Self {
        Blocks { class, scale, payload }
    }

    /// Calls `see` with each entry in the range.
    pub(super) fn each(&self, range: Range<usize>, see: &mut dyn FnMut(Entry<'_>)) -> Result<(), Damage> {
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
