//! Values that all chunks share.
//!
//! A column that has few values in all has them in a *global dictionary*, so that a test is put to each of them once a
//! query, and not once a chunk. A global dictionary only grows: a number never changes its value. When it is full it is
//! closed, and later chunks have dictionaries of their own; a new one has another generation, which chunks name.

use super::bytes::{Reader, write_varint};
use super::piece::{PAYLOAD, Pieces, Place};
use super::{Class, Damage, Entry, Source, piece};
use std::collections::HashMap;

/// The most values of a global dictionary.
pub const MOST_GLOBAL_VALUES: usize = 1 << 16;

/// The values that a column has in all chunks that name this dictionary.
#[derive(Clone, Debug)]
pub struct Global {
    generation: u64,
    /// The bytes of the entries by their numbers
    entries: Vec<Box<[u8]>>,
    numbers: HashMap<Box<[u8]>, u16, foldhash::fast::RandomState>,
    is_closed: bool,
}

/// The global dictionaries of an index: for each column the open one, and older ones.
#[derive(Clone, Debug, Default)]
pub struct Globals(Vec<(Source, Global)>);

impl Globals {
    /// No dictionaries.
    pub const NONE: Globals = Globals(Vec::new());

    /// Adds a dictionary for a column. A builder uses the one of the column that was added last, unless it is closed.
    pub fn insert(&mut self, source: Source, global: Global) {
        self.0.push((source, global));
    }

    /// The dictionary of that generation.
    #[must_use]
    pub fn find(&self, generation: u64) -> Option<&Global> {
        self.0.iter().map(|(_, global)| global).find(|global| global.generation == generation)
    }

    /// The open dictionary of a column.
    pub(super) fn open(&mut self, source: &Source) -> Option<&mut Global> {
        let last = self.0.iter_mut().rev().find(|(other, _)| other == source);
        last.map(|(_, global)| global).filter(|global| !global.is_closed)
    }
}

impl Global {
    /// An empty dictionary of that generation, which no other dictionary and no chunk of the index has.
    #[must_use]
    pub fn new(generation: u64) -> Self {
        Global { generation, entries: Vec::new(), numbers: HashMap::default(), is_closed: false }
    }

    /// Reads the first `values` values of the dictionary of that generation. Values that were added later are not read.
    ///
    /// # Errors
    /// A piece cannot be read, or it is not what the dictionary has there.
    pub fn read<P: Pieces + ?Sized>(generation: u64, values: u32, pieces: &P) -> Result<Self, P::Error> {
        let mut global = Self::new(generation);
        let mut sequence = 0;
        while (global.entries.len() as u64) < u64::from(values) {
            piece::read(pieces, sequence, place(generation, sequence), |payload| {
                let mut reader = Reader(payload);
                let before = global.entries.len();
                while !reader.0.is_empty() && (global.entries.len() as u64) < u64::from(values) {
                    let length = reader.at_most(PAYLOAD as u32)?;
                    let bytes = reader.bytes(length as usize)?;
                    let is_new = Entry::from_bytes(bytes).is_some_and(is_shared) && global.add(bytes).is_some();
                    if !is_new || global.entries.len() > before + payload.len() {
                        return Err(Damage::Malformed("a global dictionary has a wrong value"));
                    }
                }
                if global.entries.len() == before {
                    Err(Damage::Malformed("a global dictionary is too short"))
                } else {
                    Ok(())
                }
            })?;
            sequence += 1;
        }
        global.is_closed = global.entries.len() == MOST_GLOBAL_VALUES;
        Ok(global)
    }

    /// The pieces of the dictionary. When values are added, only the last piece changes, and pieces follow.
    #[must_use]
    pub fn write(&self) -> Vec<Vec<u8>> {
        let mut payloads = vec![Vec::new()];
        for entry in &self.entries {
            let mut bytes = Vec::new();
            write_varint(entry.len() as u64, &mut bytes);
            bytes.extend(entry);
            match payloads.last_mut().filter(|payload| payload.len() + bytes.len() <= PAYLOAD) {
                Some(payload) => payload.extend(bytes),
                None => payloads.push(bytes),
            }
        }
        (0..)
            .zip(payloads)
            .map(|(sequence, payload)| piece::write(place(self.generation, sequence), &payload))
            .collect()
    }

    /// The generation.
    #[must_use]
    pub fn generation(&self) -> u64 {
        self.generation
    }

    /// The number of values.
    #[must_use]
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether it has no values.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// Whether it gets no more values: a chunk had too many.
    #[must_use]
    pub fn is_closed(&self) -> bool {
        self.is_closed
    }

    /// The numbers of entries, of which those that are new are added. `None`, and the dictionary is closed without them,
    /// if they do not fit.
    pub(super) fn numbers(&mut self, entries: &[Entry<'_>]) -> Option<Vec<u16>> {
        let bytes = entries.iter().map(|entry| {
            let mut bytes = Vec::new();
            entry.write(&mut bytes);
            bytes
        });
        let bytes: Vec<Vec<u8>> = bytes.collect();
        let new = bytes.iter().filter(|bytes| !self.numbers.contains_key(bytes.as_slice())).count();
        if self.entries.len() + new > MOST_GLOBAL_VALUES {
            self.is_closed = true;
            return None;
        }
        for bytes in &bytes {
            self.add(bytes);
        }
        Some(bytes.iter().filter_map(|bytes| self.numbers.get(bytes.as_slice()).copied()).collect())
    }

    /// The entry of a number.
    pub(super) fn entry(&self, number: u16) -> Option<Entry<'_>> {
        Entry::from_bytes(self.entries.get(usize::from(number))?)
    }

    /// Adds an entry; `None` if it is there, or if there is no room.
    fn add(&mut self, bytes: &[u8]) -> Option<()> {
        let number = u16::try_from(self.entries.len()).ok()?;
        if self.numbers.contains_key(bytes) {
            return None;
        }
        self.numbers.insert(bytes.into(), number);
        self.entries.push(bytes.into());
        Some(())
    }
}

fn place(generation: u64, sequence: u32) -> Place {
    Place { generation, column: piece::GLOBAL, sequence }
}

/// Whether a global dictionary may have the entry: each chunk says by itself which rows have no value.
pub(super) fn is_shared(entry: Entry<'_>) -> bool {
    !matches!(entry.class(), Class::Missing | Class::Unstored)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_keep_their_values() {
        let texts: Vec<String> = (0..3_000).map(|number| format!("value {number}")).collect();
        let entries: Vec<Entry<'_>> = texts.iter().map(|text| Entry::of_text(text.as_bytes())).collect();
        let mut global = Global::new(9);
        assert_eq!(global.numbers(&entries[..2_000]), Some((0..2_000).collect()));
        let before = global.write();
        assert_eq!(global.numbers(&entries[1_000..]), Some((1_000..3_000).collect()));
        let after = global.write();
        assert!(before.len() > 2 && after.len() > before.len());
        assert_eq!(after[..before.len() - 1], before[..before.len() - 1]);
        for values in [0, 1, 2_000, 3_000] {
            let read = Global::read(9, values, after.as_slice()).unwrap();
            assert_eq!(read.len(), values as usize);
            assert!((0..values).all(|number| read.entry(number as u16) == Some(entries[number as usize])));
        }
        assert!(Global::read(9, 3_001, after.as_slice()).is_err());
        assert!(Global::read(8, 1, after.as_slice()).is_err());
    }

    #[test]
    fn a_full_dictionary_is_closed() {
        let texts: Vec<String> = (0..MOST_GLOBAL_VALUES + 1).map(|number| number.to_string()).collect();
        let entries: Vec<Entry<'_>> = texts.iter().map(|text| Entry::of_text(text.as_bytes())).collect();
        let mut global = Global::new(9);
        assert!(global.numbers(&entries[1..]).is_some() && !global.is_closed());
        assert_eq!(global.numbers(&entries[..1]), None);
        assert!(global.is_closed() && global.len() == MOST_GLOBAL_VALUES);
        assert!(Global::read(9, MOST_GLOBAL_VALUES as u32, global.write().as_slice()).unwrap().is_closed());
    }
}
