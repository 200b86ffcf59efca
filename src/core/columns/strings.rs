//! Strings of a piece: texts, containers and what the caller keeps, as bytes.
//!
//! A piece says how many there are, then where each ends, then has their bytes one after the other.

use super::bytes::Reader;
use super::piece::PAYLOAD;
use super::{Damage, Entry};
use memchr::memmem::Finder;
use std::ops::Range;

/// Writes as many strings as fit into a piece: their number, where each ends, and the strings.
pub(super) fn write(entries: &[Entry<'_>]) -> (Vec<u8>, usize) {
    let strings: Vec<&[u8]> = entries
        .iter()
        .filter_map(|entry| match entry {
            Entry::Text(bytes) | Entry::Container(bytes) | Entry::Native(bytes) => Some(*bytes),
            _ => None,
        })
        .scan(2, |size, bytes| {
            *size += 2 + bytes.len();
            (*size <= PAYLOAD).then_some(bytes)
        })
        .collect();
    let mut payload = (strings.len() as u16).to_le_bytes().to_vec();
    let mut end = 2 + 2 * strings.len();
    for string in &strings {
        end += string.len();
        payload.extend((end as u16).to_le_bytes());
    }
    payload.extend(strings.concat());
    (payload, strings.len())
}

/// The strings of a piece.
pub(super) struct Strings<'p> {
    payload: &'p [u8],
    ends: &'p [[u8; 2]],
}

const OUTSIDE: Damage = Damage::Malformed("a string is outside of its piece");

impl<'p> Strings<'p> {
    pub(super) fn of(payload: &'p [u8]) -> Result<Self, Damage> {
        let mut reader = Reader(payload);
        let count = usize::from(reader.u16()?);
        let (ends, _) = reader.bytes(2 * count)?.as_chunks();
        Ok(Strings { payload, ends })
    }

    /// Calls `see` with each string in the range.
    pub(super) fn each(&self, range: Range<usize>, mut see: impl FnMut(&'p [u8])) -> Result<(), Damage> {
        let mut start = self.start(range.start)?;
        for end in self.ends.get(range).ok_or(OUTSIDE)? {
            let end = position(end);
            see(self.payload.get(start..end).ok_or(OUTSIDE)?);
            start = end;
        }
        Ok(())
    }

    /// Calls `see` with each string in the range that contains what the finder finds, which must not be empty, and its
    /// index. The piece is searched as a whole, which takes a small part of the time that its strings take one by one.
    pub(super) fn each_with(
        &self,
        range: Range<usize>,
        finder: &Finder<'_>,
        mut see: impl FnMut(usize, &'p [u8]),
    ) -> Result<(), Damage> {
        let mut from = self.start(range.start)?;
        while let Some(found) = self.payload.get(from..).and_then(|left| finder.find(left)) {
            let found = from + found;
            let index = self.ends.partition_point(|end| position(end) <= found);
            if index >= range.end {
                break;
            }
            let end = position(self.ends.get(index).ok_or(OUTSIDE)?);
            if found + finder.needle().len() <= end {
                see(index, self.payload.get(self.start(index)?..end).ok_or(OUTSIDE)?);
                from = end;
            } else {
                // It begins in one string and ends in another.
                from = found + 1;
            }
        }
        Ok(())
    }

    /// Where a string begins, which is where the one before it ends.
    fn start(&self, index: usize) -> Result<usize, Damage> {
        match index.checked_sub(1) {
            None => Ok(2 + 2 * self.ends.len()),
            Some(before) => self.ends.get(before).map(position).ok_or(OUTSIDE),
        }
    }
}

fn position(bytes: &[u8; 2]) -> usize {
    u16::from_le_bytes(*bytes).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_search_finds_strings_and_not_what_lies_across_two() {
        let texts = ["", "ab", "abab", "ba", "b", "xaby", "a", "b", ""];
        let entries = texts.map(|text| Entry::Text(text.as_bytes()));
        let (payload, count) = write(&entries);
        let strings = Strings::of(&payload).unwrap();
        assert_eq!(count, texts.len());
        for needle in ["a", "b", "ab", "ba", "bb", "abb", "xaby"] {
            for range in [0..texts.len(), 2..6, 5..5] {
                let mut found = Vec::new();
                strings
                    .each_with(range.clone(), &Finder::new(needle), |index, text| found.push((index, text)))
                    .unwrap();
                let expected = range.clone().map(|index| (index, texts[index].as_bytes()));
                let expected: Vec<_> = expected.filter(|(index, _)| texts[*index].contains(needle)).collect();
                assert_eq!(found, expected, "{needle} in {range:?}");
            }
        }
    }

    /// Ends that are not in order are damage, or find anything, but the search comes to its end.
    #[test]
    fn a_search_in_damaged_strings_ends() {
        let (mut payload, count) = write(&["abab", "ab", "xab"].map(|text| Entry::Text(text.as_bytes())));
        for at in 0..2 + 2 * count {
            for value in [0, 1, 9, 255] {
                let before = std::mem::replace(&mut payload[at], value);
                if let Ok(strings) = Strings::of(&payload) {
                    let _ = strings.each_with(0..count, &Finder::new("ab"), |_, _| ());
                    let _ = strings.each(0..count, |_| ());
                }
                payload[at] = before;
            }
        }
    }
}
