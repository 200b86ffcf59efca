//! A chunk: the rows of some heap pages in columns.
//!
//! A chunk never changes. Its first pieces describe it: its columns, then the heap pages, as runs of pages that follow each
//! other, and how many rows each page has. The pieces of the columns follow.

use super::bits::Bits;
use super::bytes::{Reader, write_varint};
use super::column::{Column, Source};
use super::piece::{DESCRIPTION, PAYLOAD, Pieces, Place};
use super::{Damage, piece};
use std::ops::Range;

/// The most rows of a chunk: one bit of each fits into a piece.
pub const MOST_ROWS: u32 = PAYLOAD as u32 * 8;
/// The most columns of a chunk, beside the one for other keys.
pub const MOST_COLUMNS: usize = 512;

/// A chunk, described.
#[derive(Clone, Debug)]
pub struct Chunk {
    pub(super) generation: u64,
    pub(super) rows: u32,
    pub(super) columns: Vec<Column>,
    blocks: Vec<u8>,
}

/// The rows of a heap page.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HeapRows {
    /// The number of the page
    pub block: u32,
    /// Its rows in the chunk
    pub rows: Range<u32>,
}

impl Chunk {
    /// Writes a chunk: all its pieces, in order. `blocks` are heap pages, ascending, and how many rows each has.
    pub(super) fn write(generation: u64, blocks: &[(u32, u32)], columns: Vec<(Column, Vec<Vec<u8>>)>) -> Vec<Vec<u8>> {
        let mut described = Vec::new();
        write_varint(blocks.iter().map(|(_, rows)| u64::from(*rows)).sum(), &mut described);
        write_varint(columns.len() as u64, &mut described);
        columns.iter().for_each(|(column, _)| column.describe(&mut described));
        let mut next = 0;
        for run in blocks.chunk_by(|(block, _), (after, _)| block + 1 == *after) {
            write_varint((run[0].0 - next).into(), &mut described);
            write_varint(run.len() as u64, &mut described);
            described.extend(run.iter().flat_map(|(_, rows)| (*rows as u16).to_le_bytes()));
            next = run[run.len() - 1].0;
        }
        // The first bytes say how many pieces the description has.
        let count = (described.len() + COUNT).div_ceil(PAYLOAD) as u32;
        let described = [&count.to_le_bytes(), described.as_slice()].concat();
        let mut pieces = Vec::new();
        let mut push = |column, payloads: &mut dyn Iterator<Item = &[u8]>| {
            for (sequence, payload) in (0..).zip(payloads) {
                pieces.push(piece::write(Place { generation, column, sequence }, payload));
            }
        };
        push(DESCRIPTION, &mut described.chunks(PAYLOAD));
        for (number, (_, payloads)) in (0..).zip(&columns) {
            push(number, &mut payloads.iter().map(Vec::as_slice));
        }
        pieces
    }

    /// Reads the description of the chunk with this generation.
    ///
    /// # Errors
    /// A piece cannot be read, or it is not what the chunk has there.
    pub fn open<P: Pieces + ?Sized>(generation: u64, pieces: &P) -> Result<Self, P::Error> {
        let mut described = Vec::new();
        let (mut sequence, mut count) = (0, 1);
        while sequence < count {
            piece::read(pieces, sequence, Place { generation, column: DESCRIPTION, sequence }, |payload| {
                let mut reader = Reader(payload);
                if sequence == 0 {
                    count = u32::from_le_bytes(reader.array::<COUNT>()?);
                }
                described.extend(reader.0);
                Ok(())
            })?;
            sequence += 1;
        }
        Ok(Self::read(generation, count, &described)?)
    }

    fn read(generation: u64, pieces: u32, described: &[u8]) -> Result<Self, Damage> {
        let mut reader = Reader(described);
        let rows = reader.at_most(MOST_ROWS)?;
        let mut first_piece = pieces;
        let columns = reader.at_most(MOST_COLUMNS as u32 + 1)?;
        let columns: Result<Vec<Column>, Damage> =
            (0..columns).map(|number| Column::read(&mut reader, number, rows, &mut first_piece)).collect();
        let chunk = Chunk { generation, rows, columns: columns?, blocks: reader.0.to_vec() };
        let counted = chunk.each_block(|_| {})?;
        if counted != rows {
            return Err(Damage::Malformed("a chunk's heap pages do not have its rows"));
        }
        Ok(chunk)
    }

    /// The number of rows.
    #[must_use]
    pub fn rows(&self) -> u32 {
        self.rows
    }

    /// The heap pages, ascending, and the rows of each.
    #[must_use]
    pub fn heap_rows(&self) -> Vec<HeapRows> {
        let mut all = Vec::new();
        // They were read without a mistake when the chunk was opened.
        let _ = self.each_block(|rows| all.push(rows));
        all
    }

    /// The rows of the heap pages of which `is_wanted` is true.
    pub fn rows_of(&self, mut is_wanted: impl FnMut(u32) -> bool) -> Bits {
        let mut bits = Bits::all(self.rows, false);
        let _ = self.each_block(|HeapRows { block, rows }| {
            if is_wanted(block) {
                bits.put(rows, true);
            }
        });
        bits
    }

    /// The heap pages that have any of the rows, ascending.
    #[must_use]
    pub fn blocks_of(&self, rows: &Bits) -> Vec<u32> {
        let mut blocks = Vec::new();
        let _ = self.each_block(|HeapRows { block, rows: of_block }| {
            if rows.has_any(of_block) {
                blocks.push(block);
            }
        });
        blocks
    }

    /// Gives each native column another name than the one that is stored.
    ///
    /// # Errors
    /// There is no other name for one.
    pub fn name_natives(&mut self, name_of: impl Fn(&str) -> Option<String>) -> Result<(), Damage> {
        for column in &mut self.columns {
            if let Source::Native(name) = &mut column.source {
                *name = name_of(name).ok_or(Damage::Malformed("a chunk has a column that the index does not have"))?;
            }
        }
        Ok(())
    }

    /// What it has columns of.
    pub fn sources(&self) -> impl Iterator<Item = &Source> {
        self.columns.iter().map(|column| &column.source)
    }

    /// The column that has the values of a native column or of a key; `None` if no row has one.
    pub(super) fn column_of(&self, source: &Source) -> Option<&Column> {
        let find = |source: &Source| self.columns.iter().find(|column| column.source == *source);
        find(source).or_else(|| if let Source::Key(_) = source { find(&Source::OtherKeys) } else { None })
    }

    /// Calls `see` for each heap page. Returns the number of rows.
    fn each_block(&self, mut see: impl FnMut(HeapRows)) -> Result<u32, Damage> {
        const WRONG: Damage = Damage::Malformed("a chunk's heap pages are not in order");
        let mut reader = Reader(&self.blocks);
        let (mut last, mut row) = (None, 0);
        while !reader.0.is_empty() {
            let gap = reader.at_most(u32::MAX)?;
            let first = last.map_or(Some(gap), |last: u32| last.checked_add(gap).filter(|_| gap > 0)).ok_or(WRONG)?;
            let count = reader.at_most(u32::MAX - first)?;
            last = Some((first + count).checked_sub(1).filter(|last| *last >= first).ok_or(WRONG)?);
            let rows = reader.bytes(2 * count as usize)?;
            for (block, rows) in (first..).zip(rows.as_chunks().0) {
                let rows = row..row + u32::from(u16::from_le_bytes(*rows));
                row = rows.end;
                if row > MOST_ROWS {
                    return Err(Damage::Malformed("a chunk's heap pages have too many rows"));
                }
                see(HeapRows { block, rows });
            }
        }
        Ok(row)
    }
}

/// The bytes of the number of the description's pieces.
const COUNT: usize = 4;
