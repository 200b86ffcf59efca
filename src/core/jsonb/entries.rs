//! The children of a container, and where each of them starts and ends.

use super::JsonbNode;
use crate::locator::{NOT_SOUGHT, StoredKeys};
use std::cmp::Ordering;

/// A `JEntry`: the child's kind, and its length or, if `HAS_OFFSET` is set, the offset of its end.
#[derive(Clone, Copy)]
struct Entry(u32);

/// `JENTRY_HAS_OFF`, `JENTRY_OFFLENMASK` and `JENTRY_TYPEMASK`.
const HAS_OFFSET: u32 = 0x8000_0000;
const LENGTH: u32 = 0x0FFF_FFFF;
const KIND: u32 = 0x7000_0000;

/// Postgres writes an offset into every 32nd entry (`JB_OFFSET_STRIDE`). Results do not depend on this; only the choice
/// of the keys that a search reads first does.
const STRIDE: usize = 32;

/// The kind of a child, as the bits of its entry. It is interpreted only when the child is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Kind(u32);

/// `JENTRY_ISSTRING` and so on.
impl Kind {
    pub(super) const STRING: Kind = Kind(0x0000_0000);
    pub(super) const NUMBER: Kind = Kind(0x1000_0000);
    pub(super) const FALSE: Kind = Kind(0x2000_0000);
    pub(super) const TRUE: Kind = Kind(0x3000_0000);
    pub(super) const NULL: Kind = Kind(0x4000_0000);
    pub(super) const CONTAINER: Kind = Kind(0x5000_0000);
}

impl Entry {
    fn read(bytes: [u8; 4]) -> Self {
        Entry(u32::from_ne_bytes(bytes))
    }

    fn kind(self) -> Kind {
        Kind(self.0 & KIND)
    }

    /// The end of a child that starts at `start`. It is never before `start`, so that children never overlap.
    #[inline]
    fn end(self, start: u64) -> u64 {
        if self.0 & HAS_OFFSET != 0 {
            // This is a branch rather than a conditional move, because the processor nearly always predicts it, and
            // every child waits for the end of the one before.
            rare();
            return self.length().max(start);
        }
        start + self.length()
    }

    /// The length or, if `HAS_OFFSET` is set, the offset.
    fn length(self) -> u64 {
        u64::from(self.0 & LENGTH)
    }
}

/// The number of lengths that are summed at once. The sum of so many 28-bit numbers fits into 32 bits.
const RUN: usize = 8;

/// A child's number, and where its bytes start. 64 bits can hold the sum of all lengths that fit into memory.
#[derive(Clone, Copy)]
pub(super) struct Cursor {
    pub(super) index: usize,
    pub(super) offset: u64,
}

impl Cursor {
    pub(super) const START: Cursor = Cursor { index: 0, offset: 0 };
}

/// The entries of a container, and the bytes of its children.
#[derive(Clone, Copy, Debug)]
pub(super) struct Entries<'d> {
    entries: &'d [[u8; 4]],
    data: &'d [u8],
}

impl<'d> Entries<'d> {
    /// Reads a container with `count` entries after its header. Returns `None` if they do not fit into it.
    #[inline]
    pub(super) fn read(container: &'d [u8], count: usize) -> Option<Self> {
        let (entries, data) = container.get(4..)?.split_at_checked(count.checked_mul(4)?)?;
        Some(Entries { entries: entries.as_chunks().0, data })
    }

    pub(super) fn len(self) -> usize {
        self.entries.len()
    }

    /// The child at `index`. `known` is a child at or before it, from which the search starts.
    #[inline]
    pub(super) fn node(self, index: usize, known: Cursor) -> JsonbNode<'d> {
        let Some(entry) = self.entries.get(index) else { return NULL };
        self.child(Entry::read(*entry), self.cursor_at(index, known).offset).0
    }

    /// The children from `index` on; the first of them starts at `offset`.
    pub(super) fn iter_from(self, index: usize, offset: u64) -> impl Iterator<Item = JsonbNode<'d>> {
        let entries = self.entries.get(index..).unwrap_or_default();
        entries.iter().scan(offset, move |start, entry| {
            let (node, end) = self.child(Entry::read(*entry), *start);
            *start = end;
            Some(node)
        })
    }

    /// Finds where the child at `index` starts: sums lengths backwards up to an entry with an offset, or up to the
    /// `known` child.
    #[inline]
    pub(super) fn cursor_at(self, index: usize, known: Cursor) -> Cursor {
        let mut between = self.entries.get(known.index..index).unwrap_or_default();
        let mut length = 0;
        // Most runs have no offset, and are summed without a branch for each entry.
        while let Some((before, run)) = between.split_last_chunk::<RUN>() {
            let run = run.map(u32::from_ne_bytes);
            if run.iter().fold(0, |all, entry| all | entry) & HAS_OFFSET != 0 {
                break;
            }
            length += u64::from(run.iter().map(|entry| entry & LENGTH).sum::<u32>());
            between = before;
        }
        for entry in between.iter().rev() {
            let entry = Entry::read(*entry);
            length += entry.length();
            if entry.0 & HAS_OFFSET != 0 {
                return Cursor { index, offset: length };
            }
        }
        Cursor { index, offset: known.offset + length }
    }

    /// Searches an object's keys, from the one at `at` on, for `key`. Returns `Err` with the first key after it in
    /// jsonb's order if the object does not have it.
    #[inline(always)]
    pub(super) fn seek_key(self, mut at: Cursor, key: &Key<'_>) -> Result<Cursor, Cursor> {
        let keys = &self.entries[..self.entries.len() / 2];
        if keys.len() > at.index + STRIDE + 1 {
            at = self.skip_strides(keys.len(), at, key);
        }
        while let Some(entry) = keys.get(at.index) {
            let end = Entry::read(*entry).end(at.offset);
            // The length alone tells most keys apart, without their bytes being read.
            if end - at.offset >= key.length {
                match self.compare(at.offset, end, key) {
                    Ordering::Less => {}
                    Ordering::Equal => return Ok(at),
                    Ordering::Greater => return Err(at),
                }
            }
            at = Cursor { index: at.index + 1, offset: end };
        }
        Err(at)
    }

    /// The keys of an object, which end at `end`; `None` if they do not fit into it.
    #[inline]
    pub(super) fn stored_keys(self, end: u64) -> Option<StoredKeys<'d>> {
        Some(StoredKeys { ends: &self.entries[..self.entries.len() / 2], bytes: self.bytes(0, end)? })
    }

    /// For each member of an object, up to the last one that is looked up: the position of its key in `keys`, or
    /// [`NOT_SOUGHT`]. `keys` must be in jsonb's order, without duplicates.
    pub(super) fn slots(self, keys: &[String]) -> Vec<u32> {
        let mut slots = Vec::new();
        let mut at = Cursor::START;
        for (position, key) in (0..).zip(keys) {
            let sought = self.seek_key(at, &Key::new(key.as_bytes()));
            at = sought.unwrap_or_else(|after| after);
            if sought.is_ok() {
                slots.resize(at.index, NOT_SOUGHT);
                slots.push(position);
            }
        }
        slots
    }

    /// Calls `found` for the members of an object whose slot is a position. The object's values start at `values`.
    #[inline]
    pub(super) fn pick(self, values: Cursor, slots: &[u32], mut found: impl FnMut(usize, JsonbNode<'d>)) {
        let mut start = values.offset;
        for (entry, slot) in self.entries[values.index..].iter().zip(slots) {
            let (node, end) = self.child(Entry::read(*entry), start);
            if *slot != NOT_SOUGHT {
                found(*slot as usize, node);
            }
            start = end;
        }
    }

    /// Skips whole strides of keys that are before `key`, by binary search from `at` on.
    ///
    /// It reads the keys just after an entry with an offset, because their start and length are known without summing.
    #[inline(never)]
    fn skip_strides(self, count: usize, mut at: Cursor, key: &Key<'_>) -> Cursor {
        let mut low = at.index / STRIDE + 1;
        let mut high = count.saturating_sub(2) / STRIDE + 1;
        while low < high {
            let middle = low + (high - low) / 2;
            let probe = self.cursor_at(middle * STRIDE + 1, at);
            let end = Entry::read(self.entries[probe.index]).end(probe.offset);
            if self.compare(probe.offset, end, key) == Ordering::Greater {
                high = middle;
            } else {
                at = probe;
                low = middle + 1;
            }
        }
        at
    }

    #[inline]
    fn child(self, entry: Entry, start: u64) -> (JsonbNode<'d>, u64) {
        let end = entry.end(start);
        let kind = entry.kind();
        // Numbers and containers are padded in front (INTALIGN), and the padding is part of their length.
        let padded = kind == Kind::NUMBER || kind == Kind::CONTAINER;
        let start = if padded { (start + 3) & !3 } else { start };
        (self.bytes(start, end).map_or(NULL, |bytes| JsonbNode { kind, bytes }), end)
    }

    /// Compares the key between `start` and `end` with `key`, in [`crate::value::key_order`].
    #[inline]
    fn compare(self, start: u64, end: u64, key: &Key<'_>) -> Ordering {
        let length = (end - start).cmp(&key.length);
        if length != Ordering::Equal {
            return length;
        }
        // Reads eight bytes at once. Bytes after the end of the key are masked out.
        let head = usize::try_from(start).ok().and_then(|start| self.data.get(start..)?.first_chunk());
        match head.map(|head| u64::from_be_bytes(*head) & key.head_mask) {
            Some(head) if head != key.head => head.cmp(&key.head),
            Some(_) if key.length <= 8 => Ordering::Equal,
            Some(_) if key.length <= 16 => {
                let tail = usize::try_from(end).ok().and_then(|end| self.data.get(..end)?.last_chunk());
                tail.map_or(0, |tail| u64::from_be_bytes(*tail)).cmp(&key.tail)
            }
            _ => self.compare_bytes(start, end, key),
        }
    }

    /// A function of its own, so that the call of `memcmp` takes no registers from the loop in [`Entries::seek_key`].
    #[inline(never)]
    fn compare_bytes(self, start: u64, end: u64, key: &Key<'_>) -> Ordering {
        self.bytes(start, end).unwrap_or_default().cmp(key.bytes)
    }

    #[inline]
    fn bytes(self, start: u64, end: u64) -> Option<&'d [u8]> {
        self.data.get(usize::try_from(start).ok()?..usize::try_from(end).ok()?)
    }
}

const NULL: JsonbNode<'static> = JsonbNode { kind: Kind::NULL, bytes: &[] };

/// A key that is looked up. Its first eight and its last eight bytes are kept as numbers, which tell most stored keys
/// of the same length apart without a call of `memcmp`.
pub(super) struct Key<'k> {
    bytes: &'k [u8],
    length: u64,
    head: u64,
    /// Has ones where `head` has bytes of the key.
    head_mask: u64,
    /// The last eight bytes; 0 if the key has fewer than eight
    tail: u64,
}

impl<'k> Key<'k> {
    #[inline]
    pub(super) fn new(bytes: &'k [u8]) -> Self {
        // A key of fewer than eight bytes is followed by zeros. This needs neither a loop nor a call.
        let head = if let Some(head) = bytes.first_chunk() {
            u64::from_be_bytes(*head)
        } else if let (Some(first), Some(last)) = (bytes.first_chunk(), bytes.last_chunk()) {
            u64::from(u32::from_be_bytes(*first)) << 32 | u64::from(u32::from_be_bytes(*last)) << (64 - 8 * bytes.len())
        } else {
            bytes.iter().zip([56, 48, 40]).map(|(byte, shift)| u64::from(*byte) << shift).sum()
        };
        let missing = 64 - 8 * bytes.len().min(8) as u32;
        let head_mask = u64::MAX.checked_shl(missing).unwrap_or(0);
        let tail = bytes.last_chunk().map_or(0, |tail| u64::from_be_bytes(*tail));
        Key { bytes, length: bytes.len() as u64, head, head_mask, tail }
    }
}

/// Tells the compiler that the calling branch is seldom taken.
#[cold]
fn rare() {}
