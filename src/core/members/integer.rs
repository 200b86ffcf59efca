//! Integers in blocks of 256, each in the shortest of three forms.
//!
//! A block begins with a number: how many blocks are left out before it, times two, plus one if the block has a single
//! id. The last byte of that id follows. Other blocks go on with the number of their ids less one, and then the last bytes
//! of the ids, those of the ids that are missing, or a bit for each.

use super::{Chunk, Damaged, Encoder, Id, Reader, number_size, write_number};

/// An id of type smallint, integer or bigint. Its order is that of the numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Integer(u64);

const SIGN: u64 = 1 << 63;

impl From<i64> for Integer {
    fn from(number: i64) -> Self {
        Integer(number as u64 ^ SIGN)
    }
}

impl From<Integer> for i64 {
    fn from(id: Integer) -> Self {
        (id.0 ^ SIGN) as i64
    }
}

/// A block has the ids that differ in their last byte only.
const BLOCK: usize = 256;

/// The size of a block's bits in bytes. With fewer ids, or with fewer missing ones, these are listed.
const BITS: usize = BLOCK / 8;

impl Id for Integer {
    type Encoder = IntegerEncoder;

    fn bytes(&self) -> impl AsRef<[u8]> {
        self.0.to_be_bytes()
    }

    fn decode(chunk: &Chunk) -> Result<Vec<Self>, Damaged> {
        let (mut reader, mut ids) = (Reader(&chunk.members), Vec::new());
        let mut next = block_of(&chunk.key);
        while !reader.is_empty() {
            let number = reader.number()?;
            let block = next.checked_add(number >> 1).filter(|block| *block < 1 << 56).ok_or(Damaged)?;
            let mut add = |last: usize| ids.push(Integer(block << 8 | last as u64));
            if number & 1 == 1 {
                add(reader.byte()?.into());
            } else {
                let count = usize::from(reader.byte()?) + 1;
                match Form::of(count) {
                    Form::Listed => reader.take(count)?.iter().for_each(|last| add((*last).into())),
                    Form::Missing => {
                        let missing = reader.take(BLOCK - count)?;
                        (0..BLOCK).filter(|last| !missing.contains(&(*last as u8))).for_each(add);
                    }
                    Form::Bits => {
                        let bits = reader.take(BITS)?;
                        (0..BLOCK).filter(|last| bits[last / 8] >> (last % 8) & 1 == 1).for_each(add);
                    }
                }
            }
            next = block + 1;
        }
        let is_in_order = ids.is_sorted_by(|before, after| before < after);
        let is_above_key = ids.first().is_none_or(|id| id.bytes().as_ref() >= chunk.key.as_slice());
        if is_in_order && is_above_key { Ok(ids) } else { Err(Damaged) }
    }
}

/// How a block of more than one id is written.
enum Form {
    Listed,
    Missing,
    Bits,
}

impl Form {
    fn of(count: usize) -> Self {
        match count {
            ..=BITS => Form::Listed,
            _ if BLOCK - count <= BITS => Form::Missing,
            _ => Form::Bits,
        }
    }

    fn size(count: usize) -> usize {
        count.min(BLOCK - count).min(BITS)
    }
}

/// The block in which the ids that are not below a key begin.
fn block_of(key: &[u8]) -> u64 {
    let mut bytes = [0; 8];
    let length = key.len().min(bytes.len());
    bytes[..length].copy_from_slice(&key[..length]);
    u64::from_be_bytes(bytes) >> 8
}

/// Writes a chunk of integers.
pub struct IntegerEncoder {
    bytes: Vec<u8>,
    /// The block after the last one that is in `bytes`
    next: u64,
    /// The last block, which is still to be written, and the last bytes of its ids
    block: u64,
    lasts: Vec<u8>,
}

impl Encoder<Integer> for IntegerEncoder {
    fn new(key: &[u8]) -> Self {
        let next = block_of(key);
        IntegerEncoder { bytes: Vec::new(), next, block: next, lasts: Vec::new() }
    }

    fn size_with(&self, id: &Integer) -> usize {
        let block = id.0 >> 8;
        if block == self.block {
            return self.bytes.len() + size(block - self.next, self.lasts.len() + 1);
        }
        let (written, next) = match self.lasts.len() {
            0 => (0, self.next),
            count => (size(self.block - self.next, count), self.block + 1),
        };
        self.bytes.len() + written + size(block - next, 1)
    }

    fn push(&mut self, id: &Integer) {
        let block = id.0 >> 8;
        if block != self.block {
            self.write_block();
            self.block = block;
        }
        self.lasts.push(id.0 as u8);
    }

    fn finish(mut self) -> Vec<u8> {
        self.write_block();
        self.bytes
    }
}

/// The size of a block after so many that are left out.
fn size(left_out: u64, count: usize) -> usize {
    number_size(left_out << 1) + if count == 1 { 1 } else { 1 + Form::size(count) }
}

impl IntegerEncoder {
    fn write_block(&mut self) {
        let (bytes, lasts, left_out) = (&mut self.bytes, &self.lasts, self.block - self.next);
        match lasts.as_slice() {
            [] => return,
            [last] => {
                write_number(bytes, left_out << 1 | 1);
                bytes.push(*last);
            }
            _ => {
                write_number(bytes, left_out << 1);
                bytes.push((lasts.len() - 1) as u8);
                match Form::of(lasts.len()) {
                    Form::Listed => bytes.extend(lasts),
                    Form::Missing => {
                        bytes.extend((0..=u8::MAX).filter(|last| lasts.binary_search(last).is_err()));
                    }
                    Form::Bits => {
                        let mut bits = [0; BITS];
                        lasts.iter().for_each(|last| bits[usize::from(last / 8)] |= 1u8 << (last % 8));
                        bytes.extend(bits);
                    }
                }
            }
        }
        self.next = self.block + 1;
        self.lasts.clear();
    }
}
