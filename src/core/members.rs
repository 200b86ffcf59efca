//! Sets of ids that are stored in chunks, and comparing a stored set with the ids that there are now.
//!
//! A refresh remembers the members that it finds, so that the next refresh can tell who has entered and who has left. The
//! set is exact. A chunk has a key, and contains the ids from its key up to the key of the next chunk, in the order of
//! their bytes. This order is that of integers and of uuids, and it does not depend on a collation, which may change
//! with a library.
//!
//! What a chunk has beyond the key of the next one does not count. So one written row is enough to split a chunk, and
//! [`merge()`] writes at most as many chunks as there are changes.

use std::fmt;

mod cut;
mod front;
mod integer;
mod merge;

pub use front::{Text, Uuid};
pub use integer::Integer;
pub use merge::{Found, merge};

/// A chunk has at most this many bytes, its key included, unless a single id, or what ids have in common, is longer than
/// [`LONGEST_KEY`].
pub const LARGEST_CHUNK: usize = 8000;

/// New chunks are about this large, their key included. Two rows of this size fill a page of Postgres, and a chunk can
/// grow for a while before it is split.
const USUAL_CHUNK: usize = 4000;

/// A key has at most this many bytes, so that an index can contain it. Ids that have more bytes than this in common stay
/// in one chunk.
pub const LONGEST_KEY: usize = 2000;

/// A stored chunk.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Chunk {
    /// Not above the chunk's ids, and above those of the chunk before; the first chunk may have the empty key
    pub key: Vec<u8>,
    /// The ids
    pub members: Vec<u8>,
}

/// An id, and how chunks contain ids of its type.
pub trait Id: Ord + Clone {
    /// What makes the bytes of a chunk
    type Encoder: Encoder<Self>;

    /// Bytes whose order is that of the ids.
    fn bytes(&self) -> impl AsRef<[u8]>;

    /// Reads the ids of a chunk, in their order.
    ///
    /// # Errors
    /// No encoder has written the chunk.
    fn decode(chunk: &Chunk) -> Result<Vec<Self>, Damaged>;
}

/// Writes the bytes of one chunk.
pub trait Encoder<I> {
    /// An encoder for a chunk with this key.
    fn new(key: &[u8]) -> Self;

    /// How many bytes the chunk would have with one id more. The id is above all others.
    fn size_with(&self, id: &I) -> usize;

    /// Appends an id, which is above all others.
    fn push(&mut self, id: &I);

    /// The bytes of the chunk.
    fn finish(self) -> Vec<u8>;
}

/// Why a comparison has failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Failure {
    /// A stored chunk cannot be read
    Damaged,
    /// The present ids do not come in their order
    Disordered,
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Failure::Damaged => "a stored chunk of members is damaged",
            Failure::Disordered => "the members came in another order than that of their ids",
        })
    }
}

/// The bytes of a chunk are not what an encoder writes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Damaged;

/// The shortest key that is above one id and not above the other; `None` if it would be longer than [`LONGEST_KEY`].
fn key_between<I: Id>(before: &I, id: &I) -> Option<Vec<u8>> {
    let (before, id) = (before.bytes(), id.bytes());
    let (before, id) = (before.as_ref(), id.as_ref());
    let shared = before.iter().zip(id).take_while(|(before, id)| before == id).count();
    (shared < LONGEST_KEY).then(|| id[..=shared].to_vec())
}

/// Appends a number in groups of seven bits, the lowest first.
fn write_number(bytes: &mut Vec<u8>, mut number: u64) {
    while number >= 0x80 {
        bytes.push(number as u8 | 0x80);
        number >>= 7;
    }
    bytes.push(number as u8);
}

/// How many bytes [`write_number`] appends.
fn number_size(number: u64) -> usize {
    (64 - (number | 1).leading_zeros() as usize).div_ceil(7)
}

/// The bytes of a chunk that are still to be read.
struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    fn take(&mut self, count: usize) -> Result<&'a [u8], Damaged> {
        let (taken, rest) = self.0.split_at_checked(count).ok_or(Damaged)?;
        self.0 = rest;
        Ok(taken)
    }

    fn byte(&mut self) -> Result<u8, Damaged> {
        Ok(self.take(1)?[0])
    }

    /// Reads what [`write_number`] has written.
    fn number(&mut self) -> Result<u64, Damaged> {
        let mut number = 0;
        for shift in (0..64).step_by(7) {
            let byte = self.byte()?;
            let bits = u64::from(byte & 0x7f);
            if bits << shift >> shift != bits {
                return Err(Damaged);
            }
            number |= bits << shift;
            if byte < 0x80 {
                return Ok(number);
            }
        }
        Err(Damaged)
    }
}
