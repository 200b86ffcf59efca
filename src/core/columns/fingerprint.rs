//! Fingerprints of rows, to compare what chunks say of them.

use super::chunk::Chunk;
use super::column::Source;
use super::global::Globals;
use super::piece::Pieces;
use super::{Class, Entry, other_keys, values};
use std::hash::BuildHasher;

/// A number for each row of a chunk, made of all its values: rows with the same values have the same number, whatever else
/// is in their chunks, and whatever has a column of its own. `None` for a chunk that does not store all keys of a row.
///
/// # Errors
/// A piece cannot be read, or it is not what the chunk has there.
pub fn fingerprints<P: Pieces + ?Sized>(
    chunk: &Chunk,
    pieces: &P,
    globals: &Globals,
) -> Result<Option<Vec<u64>>, P::Error> {
    let hasher = foldhash::fast::FixedState::default();
    let mut rows = vec![0u64; chunk.rows as usize];
    let mut is_whole = true;
    for column in &chunk.columns {
        let of_others = column.source == Source::OtherKeys;
        let mut of_codes = Vec::new();
        let mut bytes = Vec::new();
        values::each(&column.values, pieces, column.first(chunk.generation), globals, |entry| {
            of_codes.push(match entry {
                Entry::Single(Class::Missing) => 0,
                Entry::Native(members) if of_others => {
                    let members = other_keys::members(members).flatten();
                    let hashes = members.map(|(key, bytes)| hasher.hash_one((&Source::Key(key.to_owned()), bytes)));
                    hashes.fold(0, u64::wrapping_add)
                }
                entry => {
                    is_whole &= !of_others;
                    bytes.clear();
                    entry.write(&mut bytes);
                    hasher.hash_one((&column.source, bytes.as_slice()))
                }
            });
        })?;
        // Sums do not depend on the order of columns, which differs from chunk to chunk.
        for (row, code) in rows.iter_mut().zip(column.codes(chunk.generation, pieces, chunk.rows)?) {
            *row = row.wrapping_add(of_codes.get(usize::from(code)).copied().unwrap_or(0));
        }
    }
    Ok(is_whole.then_some(rows))
}

#[cfg(test)]
mod tests {
    use super::super::{Builder, Given, LARGEST_VALUE};
    use super::*;
    use crate::decimal::Decimal;
    use crate::row::Cell;

    fn of(rows: &[(&str, Option<&str>)]) -> Vec<u64> {
        let mut builder = Builder::new(["a".to_owned(), "b".to_owned()]);
        builder.begin_block(0);
        for (text, number) in rows {
            let number = number.and_then(Decimal::parse);
            let number =
                number.as_ref().map_or(Given::Missing, |number| Given::Value(Cell::Number(number.as_number())));
            builder.push(&[Given::Value(Cell::String(text.as_bytes())), number], None);
        }
        let pieces = builder.finish(3, &mut Globals::default());
        let chunk = Chunk::open(3, pieces.as_slice()).unwrap();
        fingerprints(&chunk, pieces.as_slice(), &Globals::NONE).unwrap().unwrap()
    }

    #[test]
    fn rows_are_told_apart_by_their_values_alone() {
        let long = "x".repeat(LARGEST_VALUE + 1);
        let rows =
            of(&[("a", Some("1")), ("b", Some("1")), ("a", None), ("a", Some("1.5")), (&long, None), ("", None)]);
        let mut different = rows.clone();
        different.sort_unstable();
        different.dedup();
        assert_eq!(different.len(), rows.len());
        // Other rows make other dictionaries, scales and codes.
        assert_eq!(of(&[("c", Some("0.25")), ("a", Some("1.0")), ("a", Some("1.50"))])[1..], [rows[0], rows[3]]);
    }
}
