//! Whether two chunks have the same rows, such as a stored one and one that is made anew of the same heap pages.

use super::chunk::{Chunk, HeapRows};
use super::column::Source;
use super::global::Globals;
use super::loaded::load;
use super::piece::Pieces;
use super::{Entry, other_keys, values};
use std::collections::BTreeSet;
use std::fmt;

/// What two chunks do not say in the same way.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Difference {
    /// One has the heap page and the other does not, or has another number of its rows
    Rows {
        /// The heap page
        block: u32,
    },
    /// The value of a row
    Value {
        /// The heap page
        block: u32,
        /// The number of the row among those of the page, from 0
        row: u32,
        /// What it is the value of
        source: Source,
    },
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Difference::Rows { block } => write!(f, "heap page {block} has other rows"),
            Difference::Value { block, row, source } => {
                write!(f, "row {row} of heap page {block} has another value of ")?;
                match source {
                    Source::Native(name) => write!(f, "the column {name}"),
                    Source::Key(key) => write!(f, "the key {key}"),
                    Source::OtherKeys => f.write_str("its other keys"),
                }
            }
        }
    }
}

/// A chunk and where it is read from.
#[derive(Debug)]
pub struct Readable<'a, P: ?Sized> {
    /// The chunk
    pub chunk: &'a Chunk,
    /// Its pieces
    pub pieces: &'a P,
    /// The global dictionaries that it may name
    pub globals: &'a Globals,
}

impl<P: Pieces + ?Sized> Readable<'_, P> {
    /// The first difference; `None` if the rows are the same. Two values that are not stored are not told apart.
    ///
    /// It needs memory for one column of each chunk at a time.
    ///
    /// # Errors
    /// A piece of either cannot be read, or it is not what its chunk has there.
    pub fn difference<Q>(&self, other: &Readable<'_, Q>) -> Result<Option<Difference>, P::Error>
    where
        Q: Pieces<Error = P::Error> + ?Sized,
    {
        let (blocks, others) = (self.chunk.heap_rows(), other.chunk.heap_rows());
        let unequal = blocks.iter().zip(&others).find(|(left, right)| left != right);
        let longer = blocks.get(others.len()).or(others.get(blocks.len()));
        let first = unequal.map(|(left, right)| left.block.min(right.block)).or(longer.map(|heap| heap.block));
        if let Some(block) = first {
            return Ok(Some(Difference::Rows { block }));
        }
        for source in self.sources()?.union(&other.sources()?) {
            let (Source::Native(key) | Source::Key(key)) = source else { continue };
            let left = load(self.chunk, self.pieces, self.globals, source, key)?;
            let right = load(other.chunk, other.pieces, other.globals, source, key)?;
            for HeapRows { block, rows } in &blocks {
                if let Some(row) = rows.clone().find(|row| left.bytes(*row) != right.bytes(*row)) {
                    let row = row - rows.start;
                    return Ok(Some(Difference::Value { block: *block, row, source: source.clone() }));
                }
            }
        }
        Ok(None)
    }

    /// The native columns and the keys of which a row may have a value.
    fn sources(&self) -> Result<BTreeSet<Source>, P::Error> {
        let mut sources: BTreeSet<Source> = self.chunk.sources().cloned().collect();
        if sources.remove(&Source::OtherKeys)
            && let Some(column) = self.chunk.column_of(&Source::OtherKeys)
        {
            let first = column.first(self.chunk.generation);
            values::each(&column.values, self.pieces, first, self.globals, |entry| {
                if let Entry::Native(bytes) = entry {
                    let keys = other_keys::members(bytes).flatten().map(|(key, _)| Source::Key(key.to_owned()));
                    sources.extend(keys);
                }
            })?;
        }
        Ok(sources)
    }
}
