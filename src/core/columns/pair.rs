//! A comparison of two columns, row by row.

use super::bits::Bits;
use super::chunk::Chunk;
use super::column::Source;
use super::global::Globals;
use super::piece::Pieces;
use super::{Asking, Class, Entry, Natives, other_keys, values};
use crate::expr::PairTest;
use crate::program::PairStep;
use crate::value::key_order;
use std::collections::HashMap;

/// A compiled comparison of two different columns.
#[derive(Debug)]
pub(super) struct Pair {
    step: PairStep,
    positive: bool,
    /// The columns in key order, and the keys that are read from them
    sides: [(Source, String); 2],
}

/// A column in memory.
struct Loaded {
    /// The code of each row; empty if all rows have code 0
    codes: Vec<u16>,
    /// The bytes of each code's entry
    entries: Vec<Vec<u8>>,
}

impl Pair {
    pub(super) fn compile(pair: &PairTest, positive: bool, source: impl Fn(&str) -> Source) -> Self {
        let mut keys: Vec<String> = pair.paths().map(|path| path.first().to_owned()).collect();
        keys.sort_by(|left, right| key_order(left.as_bytes(), right.as_bytes()));
        let step = PairStep::compile(pair, &keys);
        let side = |position: usize| {
            let key = keys.get(position).cloned().unwrap_or_default();
            (source(&key), key)
        };
        Pair { step, positive, sides: [side(0), side(1)] }
    }

    pub(super) fn sources(&self) -> impl Iterator<Item = &Source> {
        self.sides.iter().map(|(source, _)| source)
    }

    /// The rows for which the comparison holds or, if it is not positive, does not hold. Rows with a value that is not
    /// stored are among them if `unknown` says so.
    pub(super) fn rows<P: Pieces + ?Sized>(
        &self,
        chunk: &Chunk,
        pieces: &P,
        unknown: bool,
        asking: Asking<'_, impl Natives>,
    ) -> Result<Bits, P::Error> {
        let [left, right] = &self.sides;
        let globals = asking.globals;
        let (left, right) = (load(chunk, pieces, globals, left)?, load(chunk, pieces, globals, right)?);
        let mut bits = Bits::all(chunk.rows, false);
        let mut known: HashMap<(u16, u16), bool, foldhash::fast::RandomState> = HashMap::default();
        for row in 0..chunk.rows {
            if row.is_multiple_of(1_024) {
                (asking.interrupt)();
            }
            let codes = (left.code(row), right.code(row));
            let holds = *known.entry(codes).or_insert_with(|| {
                let entries = left.entry(codes.0).zip(right.entry(codes.1));
                entries.map_or(unknown, |(left, right)| self.holds(left, right, asking) == self.positive)
            });
            if holds {
                bits.put(row..row + 1, true);
            }
        }
        Ok(bits)
    }

    fn holds(&self, left: Entry<'_>, right: Entry<'_>, asking: Asking<'_, impl Natives>) -> bool {
        let [(_, of_left), (_, of_right)] = &self.sides;
        let mut holds = false;
        left.read(of_left, asking.natives, &mut |left| {
            right.read(of_right, asking.natives, &mut |right| holds = self.step.holds(&[left, right]));
        });
        holds
    }
}

impl Loaded {
    fn code(&self, row: u32) -> u16 {
        self.codes.get(row as usize).copied().unwrap_or(0)
    }

    /// The entry of a code; `None` if it is not stored.
    fn entry(&self, code: u16) -> Option<Entry<'_>> {
        let entry = Entry::from_bytes(self.entries.get(usize::from(code))?)?;
        (entry.class() != Class::Unstored).then_some(entry)
    }
}

/// Reads the values of a key or a column.
fn load<P: Pieces + ?Sized>(
    chunk: &Chunk,
    pieces: &P,
    globals: &Globals,
    (source, key): &(Source, String),
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
