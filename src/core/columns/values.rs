//! The values of a column of a chunk: its own dictionary, or numbers in a global one.

use super::bytes::{Reader, write_varint};
use super::dictionary::Dictionary;
use super::global::{Globals, is_shared};
use super::piece::{PAYLOAD, Pieces};
use super::stored::Stored;
use super::{Class, Damage, Entry, piece};
use std::ops::Range;

/// What a chunk's description says of a column's values.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Values {
    Own(Dictionary),
    Shared(Shared),
}

/// The values as numbers in a global dictionary. As in a dictionary of the chunk's own, they are sorted by value, so that a
/// test on an order is true for a run of codes: code 0 is *missing*, the last may be that of values that are not stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Shared {
    pub(super) generation: u64,
    numbers: u32,
    has_unstored: bool,
}

/// Numbers in a piece.
const IN_PIECE: u32 = PAYLOAD as u32 / 2;

impl Values {
    /// Writes sorted entries without duplicates, of which the first is [`Class::Missing`]. Returns the payloads of the pieces
    /// as well. The values are shared if there are `numbers` for all that can be.
    pub(super) fn write(entries: &[Entry<'_>], numbers: Option<(u64, Vec<u16>)>) -> (Self, Vec<Vec<u8>>) {
        let Some((generation, numbers)) = numbers else {
            let (dictionary, payloads) = Dictionary::write(entries);
            return (Values::Own(dictionary), payloads);
        };
        let has_unstored = entries.last().is_some_and(|entry| entry.class() == Class::Unstored);
        let payloads = numbers
            .chunks(IN_PIECE as usize)
            .map(|numbers| numbers.iter().flat_map(|number| number.to_le_bytes()).collect());
        let payloads = payloads.collect();
        (Values::Shared(Shared { generation, numbers: numbers.len() as u32, has_unstored }), payloads)
    }

    pub(super) fn describe(&self, out: &mut Vec<u8>) {
        match self {
            Values::Own(dictionary) => {
                out.push(0);
                dictionary.describe(out);
            }
            Values::Shared(Shared { generation, numbers, has_unstored }) => {
                out.push(1 + u8::from(*has_unstored));
                out.extend(generation.to_le_bytes());
                write_varint((*numbers).into(), out);
            }
        }
    }

    pub(super) fn read(reader: &mut Reader<'_>) -> Result<Self, Damage> {
        let shared = |reader: &mut Reader<'_>, has_unstored| {
            let generation = u64::from_le_bytes(reader.array()?);
            let numbers = reader.at_most(MOST_NUMBERS)?;
            Ok(Values::Shared(Shared { generation, numbers, has_unstored }))
        };
        match reader.byte()? {
            0 => Dictionary::read(reader).map(Values::Own),
            1 => shared(reader, false),
            2 => shared(reader, true),
            _ => Err(Damage::Malformed("a column has unknown values")),
        }
    }

    /// The number of codes.
    pub(super) fn len(&self) -> u32 {
        match self {
            Values::Own(dictionary) => dictionary.len(),
            Values::Shared(shared) => 1 + shared.numbers + u32::from(shared.has_unstored),
        }
    }

    pub(super) fn pieces(&self) -> u32 {
        match self {
            Values::Own(dictionary) => dictionary.pieces(),
            Values::Shared(shared) => shared.numbers.div_ceil(IN_PIECE),
        }
    }

    /// The code of values that are not stored, if there are any.
    pub(super) fn unstored(&self) -> Range<u32> {
        match self {
            Values::Own(dictionary) => dictionary.codes_of(Class::Unstored),
            Values::Shared(shared) if shared.has_unstored => self.len() - 1..self.len(),
            Values::Shared(_) => 0..0,
        }
    }
}

/// With *missing* and what is not stored there are as many as 16 bits can tell apart.
const MOST_NUMBERS: u32 = (1 << 16) - 2;

impl Shared {
    /// Calls `see` with each code that has a number in the global dictionary, and that number, in the order of codes.
    pub(super) fn each<P: Pieces + ?Sized>(
        &self,
        pieces: &P,
        (first, place): (u32, piece::Place),
        mut see: impl FnMut(u16, u16),
    ) -> Result<(), P::Error> {
        for piece in 0..self.numbers.div_ceil(IN_PIECE) {
            let place = piece::Place { sequence: place.sequence + piece, ..place };
            piece::read(pieces, first + piece, place, |payload| {
                let from = piece * IN_PIECE;
                let count = (self.numbers - from).min(IN_PIECE);
                let mut reader = Reader(payload);
                let numbers = reader.bytes(2 * count as usize)?;
                reader.end()?;
                // There are at most as many numbers as make the codes fit.
                for (code, number) in (1 + from..).zip(numbers.as_chunks().0) {
                    see(code as u16, u16::from_le_bytes(*number));
                }
                Ok(())
            })?;
        }
        Ok(())
    }
}

/// Calls `see` with the entry of each code, in order.
pub(super) fn each<P: Pieces + ?Sized>(
    values: &Values,
    pieces: &P,
    first: (u32, piece::Place),
    globals: &Globals,
    mut see: impl FnMut(Entry<'_>),
) -> Result<(), P::Error> {
    match values {
        Values::Own(dictionary) => {
            let stored = Stored { dictionary, pieces, first };
            for class in Class::ALL {
                stored.each(dictionary.codes_of(class), &mut |_, entry| see(entry))?;
            }
        }
        Values::Shared(shared) => {
            let global = globals.find(shared.generation).ok_or(UNKNOWN_GLOBAL)?;
            let mut is_known = true;
            see(Entry::Single(Class::Missing));
            shared.each(pieces, first, |_, number| match global.entry(number) {
                Some(entry) => see(entry),
                None => is_known = false,
            })?;
            if shared.has_unstored {
                see(Entry::Single(Class::Unstored));
            }
            if !is_known {
                return Err(UNKNOWN_NUMBER.into());
            }
        }
    }
    Ok(())
}

/// The entries that a global dictionary may have.
pub(super) fn shared<'d>(entries: &[Entry<'d>]) -> Vec<Entry<'d>> {
    entries.iter().copied().filter(|entry| is_shared(*entry)).collect()
}

pub(super) const UNKNOWN_GLOBAL: Damage = Damage::Malformed("a chunk names a dictionary that is not there");
pub(super) const UNKNOWN_NUMBER: Damage = Damage::Malformed("a global dictionary does not have a chunk's value");
