//! A column of a chunk: the codes of its rows.

use super::bits::{Bits, Into};
use super::bytes::{Reader, write_text, write_varint};
use super::kernels::{Kernel, ROWS, Width};
use super::piece::{PAYLOAD, Pieces, Place};
use super::truth::Truth;
use super::values::Values;
use super::{Damage, piece};

/// What a column has the values of.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Source {
    /// A column of the table
    Native(String),
    /// A key of the properties
    Key(String),
    /// The keys that have no column of their own
    OtherKeys,
}

/// A column, as the description of its chunk has it.
#[derive(Clone, Debug)]
pub(super) struct Column {
    pub(super) source: Source,
    pub(super) values: Values,
    layout: Layout,
    /// The number of the column in the chunk
    number: u32,
    /// The number of its first piece in the chunk; the pieces of the values come first, then those of the codes
    first_piece: u32,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Layout {
    /// The code of each row
    Codes(Width),
    /// All rows have one code, but some: their numbers, then their codes
    Sparse { usual: u16, others: u32 },
}

/// At least so many rows for each row with an unusual code make a column sparse.
const SPARSE: usize = 64;

/// The rows of a piece of codes. For every width it is a multiple of 32, and all codes of the largest chunk fill their
/// pieces.
fn rows_in_piece(width: Width) -> usize {
    PAYLOAD / width.bytes() * ROWS
}

impl Column {
    /// Writes the codes of a chunk's rows. Returns the payloads of the pieces as well.
    pub(super) fn write(source: Source, values: Values, codes: &[u16]) -> (Self, Vec<Vec<u8>>) {
        let usual = most_frequent(codes, values.len());
        let others: Vec<usize> = (0..codes.len()).filter(|row| codes[*row] != usual).collect();
        let (layout, payloads) = if others.len() <= codes.len() / SPARSE {
            let rows = others.iter().flat_map(|row| (*row as u16).to_le_bytes());
            let payload: Vec<u8> = rows.chain(others.iter().flat_map(|row| codes[*row].to_le_bytes())).collect();
            let layout = Layout::Sparse { usual, others: others.len() as u32 };
            (layout, Some(payload).filter(|payload| !payload.is_empty()).into_iter().collect())
        } else {
            let width = Width::of(values.len());
            let payloads = codes.chunks(rows_in_piece(width)).map(|codes| {
                let mut payload = Vec::new();
                for codes in codes.chunks(ROWS) {
                    let mut block = [0; ROWS];
                    block[..codes.len()].copy_from_slice(codes);
                    width.write(&block, &mut payload);
                }
                payload
            });
            (Layout::Codes(width), payloads.collect())
        };
        (Column { source, values, layout, number: 0, first_piece: 0 }, payloads)
    }

    pub(super) fn describe(&self, out: &mut Vec<u8>) {
        match &self.source {
            Source::Native(name) => {
                out.push(0);
                write_text(name, out);
            }
            Source::Key(key) => {
                out.push(1);
                write_text(key, out);
            }
            Source::OtherKeys => out.push(2),
        }
        self.values.describe(out);
        match self.layout {
            Layout::Codes(_) => out.push(0),
            Layout::Sparse { usual, others } => {
                out.push(1);
                write_varint(usual.into(), out);
                write_varint(others.into(), out);
            }
        }
    }

    /// Reads what [`describe`](Self::describe) wrote. `first_piece` counts on to the column after it.
    pub(super) fn read(reader: &mut Reader<'_>, number: u32, rows: u32, first_piece: &mut u32) -> Result<Self, Damage> {
        let source = match reader.byte()? {
            0 => Source::Native(reader.text()?.to_owned()),
            1 => Source::Key(reader.text()?.to_owned()),
            2 => Source::OtherKeys,
            _ => return Err(Damage::Malformed("a column has an unknown source")),
        };
        let values = Values::read(reader)?;
        let layout = match reader.byte()? {
            0 => Layout::Codes(Width::of(values.len())),
            1 => Layout::Sparse {
                usual: reader.at_most(values.len() - 1)? as u16,
                others: reader.at_most(rows / SPARSE as u32)?,
            },
            _ => return Err(Damage::Malformed("a column has an unknown layout")),
        };
        let column = Column { source, values, layout, number, first_piece: *first_piece };
        *first_piece += column.values.pieces() + column.code_pieces(rows);
        Ok(column)
    }

    fn code_pieces(&self, rows: u32) -> u32 {
        match self.layout {
            Layout::Codes(width) => (rows as usize).div_ceil(rows_in_piece(width)) as u32,
            Layout::Sparse { others, .. } => u32::from(others > 0),
        }
    }

    /// An estimate of the pages that its codes are read from.
    pub(super) fn cost(&self, rows: u32) -> u32 {
        self.code_pieces(rows)
    }

    /// The number of the first piece of its values in the chunk, and the place of that piece.
    pub(super) fn first(&self, generation: u64) -> (u32, Place) {
        (self.first_piece, Place { generation, column: self.number, sequence: 0 })
    }

    /// Reads a piece of the codes.
    fn read_codes<P: Pieces + ?Sized, R>(
        &self,
        generation: u64,
        pieces: &P,
        number: u32,
        read: impl FnOnce(&[u8]) -> Result<R, Damage>,
    ) -> Result<R, P::Error> {
        let sequence = self.values.pieces() + number;
        piece::read(pieces, self.first_piece + sequence, Place { generation, column: self.number, sequence }, read)
    }

    /// Finds the rows whose codes are in the truth table. Pieces that cannot change `bits` are not read.
    pub(super) fn find<P: Pieces + ?Sized>(
        &self,
        generation: u64,
        pieces: &P,
        truth: &Truth,
        bits: &mut Bits,
        into: Into,
    ) -> Result<(), P::Error> {
        let mut found = [0; PAYLOAD / (ROWS / 2)];
        match self.layout {
            Layout::Codes(width) => {
                let kernel = Kernel::of(truth);
                for (number, words) in bits.words.chunks_mut(rows_in_piece(width) / ROWS).enumerate() {
                    if into.is_settled(words) {
                        continue;
                    }
                    let found = &mut found[..words.len()];
                    self.read_codes(generation, pieces, number as u32, |codes| {
                        kernel.find(width, self.checked(width, codes, found.len())?, found);
                        Ok(())
                    })?;
                    into.combine(words, found);
                }
            }
            Layout::Sparse { usual, others } => {
                let usual_holds = truth.contains(usual);
                let mut found = vec![if usual_holds { u32::MAX } else { 0 }; bits.words.len()];
                if others > 0 {
                    self.read_codes(generation, pieces, 0, |payload| {
                        self.each_other(payload, others, |row, code| {
                            if truth.contains(code) != usual_holds {
                                let word = found.get_mut(usize::from(row) / ROWS).ok_or(NO_SUCH_ROW)?;
                                *word ^= 1 << (usize::from(row) % ROWS);
                            }
                            Ok(())
                        })
                    })?;
                }
                into.combine(&mut bits.words, &found);
            }
        }
        bits.trim();
        Ok(())
    }

    /// The code of each row.
    pub(super) fn codes<P: Pieces + ?Sized>(
        &self,
        generation: u64,
        pieces: &P,
        rows: u32,
    ) -> Result<Vec<u16>, P::Error> {
        let mut codes = Vec::with_capacity(rows as usize + ROWS);
        match self.layout {
            Layout::Codes(width) => {
                for number in 0..self.code_pieces(rows) {
                    let words =
                        (rows as usize - codes.len().min(rows as usize)).min(rows_in_piece(width)).div_ceil(ROWS);
                    self.read_codes(generation, pieces, number, |payload| {
                        width.read(self.checked(width, payload, words)?, |block| codes.extend(block));
                        Ok(())
                    })?;
                }
                codes.truncate(rows as usize);
            }
            Layout::Sparse { usual, others } => {
                codes.resize(rows as usize, usual);
                if others > 0 {
                    self.read_codes(generation, pieces, 0, |payload| {
                        self.each_other(payload, others, |row, code| {
                            *codes.get_mut(usize::from(row)).ok_or(NO_SUCH_ROW)? = code;
                            Ok(())
                        })
                    })?;
                }
            }
        }
        Ok(codes)
    }

    /// The codes of a piece, if there are so many words of them, and none is without a value.
    fn checked<'p>(&self, width: Width, codes: &'p [u8], words: usize) -> Result<&'p [u8], Damage> {
        if codes.len() != words * width.bytes() {
            return Err(Damage::Malformed("a piece has a wrong number of codes"));
        }
        if u32::from(width.greatest(codes)) >= self.values.len() {
            return Err(NO_SUCH_VALUE);
        }
        Ok(codes)
    }

    /// Calls `see` with the row and the code of each unusual row.
    fn each_other(
        &self,
        payload: &[u8],
        others: u32,
        mut see: impl FnMut(u16, u16) -> Result<(), Damage>,
    ) -> Result<(), Damage> {
        let mut reader = Reader(payload);
        let (rows, codes) = (reader.bytes(2 * others as usize)?, reader.bytes(2 * others as usize)?);
        reader.end()?;
        let mut last = None;
        for (row, code) in rows.as_chunks().0.iter().zip(codes.as_chunks().0) {
            let (row, code) = (u16::from_le_bytes(*row), u16::from_le_bytes(*code));
            if u32::from(code) >= self.values.len() {
                return Err(NO_SUCH_VALUE);
            }
            if last.is_some_and(|last| last >= row) {
                return Err(Damage::Malformed("the rows of a column are not in order"));
            }
            last = Some(row);
            see(row, code)?;
        }
        Ok(())
    }
}

const NO_SUCH_VALUE: Damage = Damage::Malformed("a code has no value");
const NO_SUCH_ROW: Damage = Damage::Malformed("a column has a row that the chunk does not have");

fn most_frequent(codes: &[u16], all: u32) -> u16 {
    let mut counts = vec![0u32; all as usize];
    codes.iter().for_each(|code| counts[usize::from(*code)] += 1);
    (0..all).max_by_key(|code| counts[*code as usize]).unwrap_or(0) as u16
}
