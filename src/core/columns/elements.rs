//! Arrays of Postgres as bytes: each element's length and its entry.

use super::bytes::{Reader, write_varint};
use super::{Class, Damage, Entry, Given};
use crate::date::Moment;
use crate::row::Cell;

/// Writes the elements of an array, for [`Given::Stored`]. Missing is an element that counts as missing; arrays and objects are
/// not elements.
pub fn write_elements<'d>(elements: impl IntoIterator<Item = Given<'d>>) -> Vec<u8> {
    let (mut bytes, mut value) = (Vec::new(), Vec::new());
    for element in elements {
        let entry = match element {
            Given::Missing => Entry::Single(Class::Missing),
            // A string stays one, and a number may have any length: these are not sorted.
            Given::Value(Cell::String(text)) => Entry::Text(text),
            Given::Value(Cell::Number(number)) => Entry::Number(number),
            Given::Value(cell) => Entry::of(cell),
            Given::Stored(bytes) => Entry::Native(bytes),
        };
        value.clear();
        entry.write(&mut value);
        write_varint(value.len() as u64, &mut bytes);
        bytes.extend(&value);
    }
    bytes
}

/// Reads what [`write_elements`] wrote.
///
/// # Errors
/// It did not.
pub fn read_elements(bytes: &[u8]) -> Result<Vec<Given<'_>>, Damage> {
    let mut reader = Reader(bytes);
    let mut elements = Vec::new();
    while !reader.0.is_empty() {
        let length = reader.at_most(u32::MAX)?;
        let entry = Entry::from_bytes(reader.bytes(length as usize)?);
        elements.push(match entry.ok_or(WRONG)? {
            Entry::Single(Class::Missing) => Given::Missing,
            Entry::Single(Class::Null) => Given::Value(Cell::Null),
            Entry::Single(Class::False) => Given::Value(Cell::Bool(false)),
            Entry::Single(Class::True) => Given::Value(Cell::Bool(true)),
            Entry::Number(number) => Given::Value(Cell::Number(number)),
            Entry::Text(text) => Given::Value(Cell::String(text)),
            Entry::Date(day) => Given::Value(Cell::Moment(Moment::Day(day))),
            Entry::Timestamp(instant) => Given::Value(Cell::Moment(Moment::Instant(instant))),
            Entry::Native(stored) => Given::Stored(stored),
            Entry::Single(_) | Entry::Day(_) | Entry::Instant(_) | Entry::Container(_) => return Err(WRONG),
        });
    }
    Ok(elements)
}

const WRONG: Damage = Damage::Malformed("an element of an array has no value");

#[cfg(test)]
mod tests {
    use super::*;
    use crate::decimal::Decimal;
    use proptest::prelude::*;

    #[test]
    fn elements_read_back() {
        let number = Decimal::parse(&"7".repeat(200)).unwrap();
        let day = Moment::parse(b"2024-02-29").unwrap();
        let elements = || {
            [
                Given::Value(Cell::Null),
                Given::Value(Cell::Bool(true)),
                Given::Value(Cell::Bool(false)),
                Given::Value(Cell::Number(number.as_number())),
                Given::Value(Cell::String(b"2024-02-29")),
                Given::Value(Cell::String(b"")),
                Given::Value(Cell::Moment(day)),
                Given::Value(Cell::Moment(Moment::Instant(day.day().start_utc()))),
                Given::Stored(b"stored"),
                Given::Missing,
            ]
        };
        let bytes = write_elements(elements());
        let read = read_elements(&bytes).unwrap();
        assert_eq!(format!("{read:?}"), format!("{:?}", elements()));
        for length in 1..bytes.len() {
            // A whole element may have gone, which nothing tells here.
            assert!(read_elements(&bytes[..length]).map_or(true, |read| read.len() < 10));
        }
        assert!(read_elements(&write_elements([])).unwrap().is_empty());
    }

    proptest! {
        #[test]
        fn any_bytes_are_elements_or_damage(bytes: Vec<u8>) {
            if let Ok(elements) = read_elements(&bytes) {
                prop_assert!(elements.len() <= bytes.len());
            }
        }
    }
}
