//! Looking values up in a dictionary whose pieces are stored.

use super::blocks::Blocks;
use super::dictionary::Dictionary;
use super::piece::{Pieces, Place};
use super::strings::Strings;
use super::{Class, Damage, Entry, piece};
use memchr::memmem;
use std::ops::Range;

/// A dictionary together with its pieces.
pub(super) struct Stored<'c, P: ?Sized> {
    pub(super) dictionary: &'c Dictionary,
    pub(super) pieces: &'c P,
    /// The number of its first piece in the chunk, and the place of that piece
    pub(super) first: (u32, Place),
}

impl<P: Pieces + ?Sized> Stored<'_, P> {
    fn read<R>(&self, piece: usize, read: impl FnOnce(&[u8]) -> Result<R, Damage>) -> Result<R, P::Error> {
        let (number, place) = self.first;
        let sequence = place.sequence + piece as u32;
        piece::read(self.pieces, number + piece as u32, Place { sequence, ..place }, read)
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

    /// Calls `see` with each of the codes whose string contains `needle`, which must not be empty, and its entry. The codes
    /// must be of one class, which has strings. `interrupt` is called for each piece.
    pub(super) fn containing(
        &self,
        codes: Range<u32>,
        needle: &[u8],
        interrupt: fn(),
        see: &mut dyn FnMut(u32, Entry<'_>),
    ) -> Result<(), P::Error> {
        let finder = memmem::Finder::new(needle);
        let mut from = codes.start;
        while from < codes.end {
            interrupt();
            let (class, piece) = (self.dictionary.class_of(from), self.dictionary.piece_of(from));
            let here = self.dictionary.codes_in(piece);
            let until = here.end.min(codes.end);
            let within = (from - here.start) as usize..(until - here.start) as usize;
            self.read(piece, |payload| {
                let values = self.values(class, payload);
                Strings::of(payload)?
                    .each_with(within, &finder, |index, bytes| see(here.start + index as u32, values.string(bytes)))
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
        if self.class.has_integers() {
            return Blocks::of(self.payload, self.class, self.scale).each(range, see);
        }
        Strings::of(self.payload)?.each(range, |bytes| see(self.string(bytes)))
    }

    fn string<'b>(&self, bytes: &'b [u8]) -> Entry<'b> {
        match self.class {
            Class::Text => Entry::Text(bytes),
            Class::Container => Entry::Container(bytes),
            _ => Entry::Native(bytes),
        }
    }
}
