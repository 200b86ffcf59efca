//! A column in memory, to be read row by row.

use super::chunk::Chunk;
use super::column::Source;
use super::global::Globals;
use super::piece::Pieces;
use super::{Class, Entry, other_keys, values};

/// A column in memory.
pub(super) struct Loaded {
    /// The code of each row; empty if all rows have code 0
    codes: Vec<u16>,
    /// The bytes of each code's entry
    entries: Vec<Vec<u8>>,
}

impl Loaded {
    pub(super) fn code(&self, row: u32) -> u16 {
        self.codes.get(row as usize).copied().unwrap_or(0)
    }

    /// The bytes of a row's entry.
    pub(super) fn bytes(&self, row: u32) -> &[u8] {
        self.entries.get(usize::from(self.code(row))).map_or(&[], Vec::as_slice)
    }

    /// The entry of a code; `None` if it is not stored.
    pub(super) fn entry(&self, code: u16) -> Option<Entry<'_>> {
        let entry = Entry::from_bytes(self.entries.get(usize::from(code))?)?;
        (entry.class() != Class::Unstored).then_some(entry)
    }
}

/// Reads the values of a native column or of a key, whose name is `key`.
pub(super) fn load<P: Pieces + ?Sized>(
    chunk: &Chunk,
    pieces: &P,
    globals: &Globals,
    source: &Source,
    key: &str,
) -> Result<Loaded, P::Error> {
    let mut entries = Vec::new();
    let mut push = |entry: Entry<'_>| {
        let mut bytes = Vec::new();
        entry.write(&mut bytes);
        entries.push(bytes);
    };
    let Some(column) = chunk.column_of(source) else {
        push(Entry::Single(Class::Missing));
        return Ok(Loaded { codes: Vec::new(), entries });
    };
    values::each(&column.values, pieces, column.first(chunk.generation), globals, |entry| {
        match (&column.source, entry) {
            (Source::OtherKeys, Entry::Native(bytes)) => {
                push(other_keys::find(bytes, key).unwrap_or(Entry::Single(Class::Unstored)));
            }
            _ => push(entry),
        }
    })?;
    Ok(Loaded { codes: column.codes(chunk.generation, pieces, chunk.rows)?, entries })
}
