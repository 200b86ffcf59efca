//! The keys of a row that have no column of their own, as one value.

use super::bytes::{Reader, write_text, write_varint};
use super::{Damage, Entry};

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
    match members(bytes).find(|member| member.is_none_or(|(key, _)| key == wanted)) {
        Some(member) => Entry::from_bytes(member?.1),
        None => Some(Entry::Single(super::Class::Missing)),
    }
}

/// The keys and the bytes of their entries; `None`, and nothing after it, where the bytes make no sense.
pub(super) fn members(bytes: &[u8]) -> impl Iterator<Item = Option<(&str, &[u8])>> {
    let mut reader = Reader(bytes);
    let mut is_over = false;
    std::iter::from_fn(move || {
        if is_over || reader.0.is_empty() {
            return None;
        }
        let member = member(&mut reader).ok();
        is_over = member.is_none();
        Some(member)
    })
}

fn member<'b>(reader: &mut Reader<'b>) -> Result<(&'b str, &'b [u8]), Damage> {
    let key = reader.text()?;
    let length = reader.at_most(u32::MAX)?;
    Ok((key, reader.bytes(length as usize)?))
}
