//! Makes chunks of rows.

use super::chunk::{Chunk, MOST_COLUMNS, MOST_ROWS};
use super::column::{Column, Source};
use super::entry::LARGEST_VALUE;
use super::global::Globals;
use super::{Class, Entry, other_keys, values};
use crate::document::{Node, Object, View};
use crate::jsonb::JsonbNode;
use crate::row::Cell;
use std::collections::HashMap;

/// The rows of a chunk that is being made.
///
/// It needs memory for every distinct value of a column, and some bytes for each value of a row ([`memory`](Self::memory)).
/// [`finish`](Self::finish) needs at most as much again, for the pieces and for sorting one column.
pub struct Builder {
    most_keys: usize,
    natives: Vec<(String, Seen)>,
    keys: HashMap<String, Seen, foldhash::fast::RandomState>,
    blocks: Vec<(u32, u32)>,
    rows: u32,
    memory: usize,
    scratch: Vec<u8>,
}

/// The bytes that a value of a row needs: its row and its number, in a vector that may be half full.
const OF_VALUE: usize = 2 * size_of::<(u16, u16)>();
/// The bytes that a distinct value needs, beside its own: its place in a map that may be half full, and in the allocator.
const OF_DISTINCT: usize = 2 * size_of::<(Box<[u8]>, u16)>() + 16;
/// The bytes that a column needs, without its values.
const OF_COLUMN: usize = 2 * size_of::<(String, Seen)>() + 128;

/// The value of a native column of a row.
#[derive(Clone, Copy, Debug)]
pub enum Given<'d> {
    /// NULL
    Missing,
    /// A value. Folded text, arrays of Postgres and json are not stored: give them as [`Given::Stored`]
    Value(Cell<'d>),
    /// Bytes that [`Natives`](super::Natives) reads
    Stored(&'d [u8]),
}

/// The distinct values of a column, and which row has which.
#[derive(Default)]
struct Seen {
    /// The bytes of each entry, and its number by appearance
    numbers: HashMap<Box<[u8]>, u16, foldhash::fast::RandomState>,
    /// The row and the number of each value that is not missing
    rows: Vec<(u16, u16)>,
}

impl Builder {
    /// A builder for the native columns of these names, and for the keys of the properties.
    #[must_use]
    pub fn new(natives: impl IntoIterator<Item = String>) -> Self {
        Self::with_most_columns(natives, MOST_COLUMNS)
    }

    /// The same, with another limit on columns, which must not be greater than [`MOST_COLUMNS`].
    pub fn with_most_columns(natives: impl IntoIterator<Item = String>, most_columns: usize) -> Self {
        let natives: Vec<_> = natives.into_iter().map(|name| (name, Seen::default())).collect();
        Builder {
            most_keys: most_columns.min(MOST_COLUMNS).saturating_sub(natives.len()),
            natives,
            keys: HashMap::default(),
            blocks: Vec::new(),
            rows: 0,
            memory: 0,
            scratch: Vec::new(),
        }
    }

    /// Whether so many more rows fit.
    #[must_use]
    pub fn has_room(&self, rows: u32) -> bool {
        self.rows + rows <= MOST_ROWS
    }

    /// An estimate of the bytes that it needs now, rather too many than too few. A caller that has to keep to a limit finishes
    /// the chunk when it is reached: a row adds little more than the size of its values.
    #[must_use]
    pub fn memory(&self) -> usize {
        self.memory
    }

    /// How many rows there are.
    #[must_use]
    pub fn rows(&self) -> u32 {
        self.rows
    }

    /// Begins a heap page.
    ///
    /// # Panics
    /// The page's number is not greater than that of the page before.
    pub fn begin_block(&mut self, block: u32) {
        assert!(self.blocks.last().is_none_or(|(last, _)| *last < block), "heap pages come in their order");
        self.blocks.push((block, 0));
    }

    /// Adds a row of the page that was begun. `natives` has a value for each native column, and `properties` is the
    /// document with the other properties; one that is not an object has none. A row that does not fit is left out, which
    /// [`has_room`](Self::has_room) tells before.
    pub fn push(&mut self, natives: &[Given<'_>], properties: Option<JsonbNode<'_>>) {
        let Some((_, rows)) = self.blocks.last_mut().filter(|_| self.rows < MOST_ROWS) else { return };
        let row = self.rows as u16;
        for ((_, values), given) in self.natives.iter_mut().zip(natives) {
            let entry = match given {
                Given::Missing => continue,
                Given::Value(cell) => Entry::of(*cell),
                Given::Stored(bytes) if bytes.len() > LARGEST_VALUE => Entry::Single(Class::Unstored),
                Given::Stored(bytes) => Entry::Native(bytes),
            };
            self.memory += values.push(row, entry, &mut self.scratch);
        }
        if let Some(View::Object(object)) = properties.map(Node::view) {
            for (key, value) in object.iter() {
                let Ok(key) = std::str::from_utf8(key) else { continue };
                let entry = Entry::of(Cell::Jsonb(value));
                self.memory += match self.keys.get_mut(key) {
                    Some(values) => values.push(row, entry, &mut self.scratch),
                    None => {
                        let values = self.keys.entry(key.to_owned()).or_default();
                        OF_COLUMN + key.len() + values.push(row, entry, &mut self.scratch)
                    }
                };
            }
        }
        *rows += 1;
        self.rows += 1;
    }

    /// Writes the chunk: its pieces, in order. Values of columns that have an open dictionary in `globals` are added to it,
    /// so that it has to be written before the chunk is used.
    #[must_use]
    pub fn finish(self, generation: u64, globals: &mut Globals) -> Vec<Vec<u8>> {
        let rows = self.rows as usize;
        let mut keys: Vec<(String, Seen)> = self.keys.into_iter().collect();
        // The keys that most rows have get columns of their own.
        keys.sort_by(|(left, of_left), (right, of_right)| {
            of_right.rows.len().cmp(&of_left.rows.len()).then_with(|| left.cmp(right))
        });
        let others = keys.split_off(keys.len().min(self.most_keys));
        let natives = self.natives.into_iter().map(|(name, values)| (Source::Native(name), values));
        let keys = keys.into_iter().map(|(key, values)| (Source::Key(key), values));
        let others = (!others.is_empty()).then(|| (Source::OtherKeys, gather(&others, rows)));
        let columns = natives.chain(keys).chain(others).map(|(source, values)| values.write(source, rows, globals));
        Chunk::write(generation, &self.blocks, columns.collect())
    }
}

impl Seen {
    /// Adds the value of a row. Returns the bytes of memory that it needs.
    fn push(&mut self, row: u16, entry: Entry<'_>, scratch: &mut Vec<u8>) -> usize {
        scratch.clear();
        entry.write(scratch);
        let next = self.numbers.len() as u16;
        let (number, of_distinct) = match self.numbers.get(scratch.as_slice()) {
            Some(number) => (*number, 0),
            None => (*self.numbers.entry(scratch.as_slice().into()).or_insert(next), OF_DISTINCT + scratch.len()),
        };
        self.rows.push((row, number));
        OF_VALUE + of_distinct
    }

    /// The entries by their numbers.
    fn entries(&self) -> Vec<Entry<'_>> {
        let mut entries = vec![Entry::Single(Class::Missing); self.numbers.len()];
        for (bytes, number) in &self.numbers {
            if let Some(entry) = Entry::from_bytes(bytes) {
                entries[usize::from(*number)] = entry;
            }
        }
        entries
    }

    fn write(&self, source: Source, rows: usize, globals: &mut Globals) -> (Column, Vec<Vec<u8>>) {
        let by_number = self.entries();
        let mut entries = by_number.clone();
        entries.push(Entry::Single(Class::Missing));
        entries.sort_unstable();
        entries.dedup();
        let shared = globals
            .open(&source)
            .and_then(|global| Some((global.generation(), global.numbers(&values::shared(&entries))?)));
        let (values, mut payloads) = values::Values::write(&entries, shared);
        let code = |entry: &Entry<'_>| entries.partition_point(|other| other < entry) as u16;
        let of_numbers: Vec<u16> = by_number.iter().map(code).collect();
        let mut of_rows = vec![0; rows];
        for (row, number) in &self.rows {
            of_rows[usize::from(*row)] = of_numbers[usize::from(*number)];
        }
        let (column, of_codes) = Column::write(source, values, &of_rows);
        payloads.extend(of_codes);
        (column, payloads)
    }
}

/// Makes one value of the keys of each row that have no column of their own.
fn gather(keys: &[(String, Seen)], rows: usize) -> Seen {
    let entries: Vec<Vec<Entry<'_>>> = keys.iter().map(|(_, values)| values.entries()).collect();
    let mut members: Vec<Vec<(&str, Entry<'_>)>> = vec![Vec::new(); rows];
    for ((key, values), entries) in keys.iter().zip(&entries) {
        for (row, number) in &values.rows {
            members[usize::from(*row)].push((key, entries[usize::from(*number)]));
        }
    }
    let mut gathered = Seen::default();
    let mut scratch = Vec::new();
    for (row, members) in members.iter_mut().enumerate().filter(|(_, members)| !members.is_empty()) {
        members.sort_unstable_by_key(|(key, _)| *key);
        let bytes = other_keys::write(members);
        let is_stored = bytes.len() <= LARGEST_VALUE;
        let entry = if is_stored { Entry::Native(&bytes) } else { Entry::Single(Class::Unstored) };
        gathered.push(row as u16, entry, &mut scratch);
    }
    gathered
}
