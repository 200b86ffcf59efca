//! Pieces: the bytes of a chunk, cut so that each fits on a page of its own.
//!
//! Each piece begins with its place, which every read compares with the wanted one: a page that was used again for another
//! chunk is never taken for this one's.

use super::Damage;
use super::bytes::Reader;
use super::checksum::{self, checksum};
use std::fmt;

/// The most bytes of a piece: a page of 8 kB without Postgres's page header.
pub const PIECE_SIZE: usize = 8_192 - 24;
/// The bytes of a piece's own header.
const HEADER: usize = 40;
/// The bytes of the place.
const PLACE: usize = 16;
/// Those in front of the checksum: the place, the length of the payload, and two zeros.
const CHECKED: usize = 20;
/// The most bytes that a piece carries. They are one bit for each row of the largest chunk.
pub(super) const PAYLOAD: usize = PIECE_SIZE - HEADER;

/// The column of the pieces that describe the chunk.
pub(super) const DESCRIPTION: u32 = u32::MAX;
/// The column of the pieces of a global dictionary.
pub(super) const GLOBAL: u32 = u32::MAX - 1;

/// Where a piece belongs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place {
    /// The chunk's generation, which no other chunk of the index has
    pub generation: u64,
    /// The number of the column in the chunk; `u32::MAX` for the description of the chunk, and `u32::MAX - 1` for a global
    /// dictionary, which has a generation of its own
    pub column: u32,
    /// The number of the piece among those of the column
    pub sequence: u32,
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Place { generation, column, sequence } = self;
        match *column {
            DESCRIPTION => write!(f, "piece {sequence} of the description of chunk {generation}"),
            GLOBAL => write!(f, "piece {sequence} of the global dictionary {generation}"),
            column => write!(f, "piece {sequence} of column {column} of chunk {generation}"),
        }
    }
}

/// Where the pieces of a chunk are read from, such as an index's pages.
pub trait Pieces {
    /// What may go wrong
    type Error: From<Damage>;

    /// Calls `read` with the piece of that number, counted from 0 in the order in which the chunk's builder returned
    /// them. The piece may end in zeros that were not written.
    ///
    /// # Errors
    /// There is no such piece, or it cannot be read.
    fn read<R>(&self, number: u32, read: impl FnOnce(&[u8]) -> R) -> Result<R, Self::Error>;
}

/// Pieces in memory.
impl Pieces for [Vec<u8>] {
    type Error = Damage;

    fn read<R>(&self, number: u32, read: impl FnOnce(&[u8]) -> R) -> Result<R, Damage> {
        self.get(number as usize).map(|piece| read(piece)).ok_or(Damage::Malformed("a piece is not there"))
    }
}

/// The bytes of a piece.
///
/// # Panics
/// The payload is longer than [`PAYLOAD`], which no builder makes it.
pub(super) fn write(place: Place, payload: &[u8]) -> Vec<u8> {
    assert!(payload.len() <= PAYLOAD, "a piece fits on a page");
    let mut piece = Vec::with_capacity(HEADER + payload.len());
    piece.extend(place.generation.to_le_bytes());
    piece.extend(place.column.to_le_bytes());
    piece.extend(place.sequence.to_le_bytes());
    piece.extend((payload.len() as u16).to_le_bytes());
    piece.resize(HEADER, 0);
    piece.extend(payload);
    seal(&mut piece);
    piece
}

/// Writes the checksum of a piece into it. Builders do; so do tests that damage pieces in the way of a bug.
pub fn seal(piece: &mut [u8]) {
    if let Some((header, payload)) = parts(piece) {
        let found = checksum(header, payload).to_le_bytes();
        piece[CHECKED..CHECKED + checksum::BYTES].copy_from_slice(&found);
    }
}

/// The bytes in front of the checksum, and the payload; `None` if it is too short.
fn parts(piece: &[u8]) -> Option<(&[u8], &[u8])> {
    let (header, rest) = piece.split_at_checked(HEADER)?;
    let length = u16::from_le_bytes(*header[PLACE..].first_chunk()?);
    Some((&header[..CHECKED], rest.get(..length.into())?))
}

/// The payload of a piece, which must have this place.
///
/// # Errors
/// It has another place, it is too short, or its checksum is wrong.
pub(super) fn payload(piece: &[u8], wanted: Place) -> Result<&[u8], Damage> {
    let mut reader = Reader(piece);
    let found = Place {
        generation: u64::from_le_bytes(reader.array()?),
        column: u32::from_le_bytes(reader.array()?),
        sequence: u32::from_le_bytes(reader.array()?),
    };
    if found != wanted {
        return Err(Damage::OtherPiece { wanted, found });
    }
    let (header, payload) = parts(piece).ok_or(Damage::Malformed("a piece ends too early"))?;
    reader.array::<4>()?;
    if u32::from_le_bytes(reader.array()?) != checksum(header, payload) {
        return Err(Damage::Malformed("the checksum of a piece is wrong"));
    }
    Ok(payload)
}

/// Reads the payload of a piece.
pub(super) fn read<P: Pieces + ?Sized, R>(
    pieces: &P,
    number: u32,
    place: Place,
    read: impl FnOnce(&[u8]) -> Result<R, Damage>,
) -> Result<R, P::Error> {
    Ok(pieces.read(number, |piece| read(payload(piece, place)?))??)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_piece_is_read_at_its_own_place_alone() {
        let place = Place { generation: 7, column: 2, sequence: 1 };
        let mut piece = write(place, b"abc");
        piece.resize(PIECE_SIZE, 0);
        assert_eq!(payload(&piece, place), Ok(&b"abc"[..]));
        for other in
            [Place { generation: 8, ..place }, Place { column: DESCRIPTION, ..place }, Place { sequence: 0, ..place }]
        {
            assert_eq!(payload(&piece, other), Err(Damage::OtherPiece { wanted: other, found: place }));
        }
        assert!(payload(&piece[..HEADER + 2], place).is_err());
        for at in (PLACE..CHECKED + checksum::BYTES).chain([HEADER + 2]) {
            piece[at] ^= 1;
            assert!(payload(&piece, place).is_err(), "{at}");
            piece[at] ^= 1;
        }
    }
}
