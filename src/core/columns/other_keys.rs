//! The keys of a row that have no column of their own, as one value.

use super::Entry;
use super::bytes::{Reader, write_text, write_varint};

/// Writes keys and their entries.
pub(super) fn write(members: &[(&str, Entry<'_>)]) -> Vec<u8> {
    let (mut bytes, mut value) = (Vec::new(), Vec::new());
    for (key, entry) in members {
        write_text(key, &mut bytes);
        value.clear();
        entry.write(&mut value);
        write_varint(value.len() as u64, &mut bytes);
        bytes.extend(&value);
    }
    bytes
}

/// The entry of a key; [`Class::Missing`](super::Class::Missing) if it is not there. `None` if the bytes make no sense.
pub(super) fn find<'b>(bytes: &'b [u8], wanted: &str) -> Option<Entry<'b>> {
    let mut reader = Reader(bytes);
    while !reader.0.is_empty() {
        let key = reader.text().ok()?;
        let length = reader.at_most(u32::MAX).ok()?;
        let value = reader.bytes(length as usize).ok()?;
        if key == wanted {
            return Entry::from_bytes(value);
        }
    }
    Some(Entry::Single(super::Class::Missing))
}
