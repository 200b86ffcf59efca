//! The children of a container: where each one starts and ends.

use super::JsonbNode;
use std::cmp::Ordering;

/// A `JEntry`: the child's kind, and its length or, where `HAS_OFFSET`, the offset of its end.
#[derive(Clone, Copy)]
struct Entry(u32);

/// `JENTRY_HAS_OFF`, `JENTRY_OFFLENMASK` and `JENTRY_TYPEMASK`.
const HAS_OFFSET: u32 = 0x8000_0000;
const LENGTH: u32 = 0x0FFF_FFFF;
const KIND: u32 = 0x7000_0000;

/// Postgres writes an offset into each 32nd entry (`JB_OFFSET_STRIDE`). Correctness does not rest on this,
/// only the choice of which keys a search looks at first.
const STRIDE: usize = 32;

/// What a child is (`JENTRY_ISSTRING` and so on).
#[derive(Clone, Copy, Debug)]
pub(super) enum Kind {
    String,
    Number,
    False,
    True,
    Null,
    Container,
}

impl Entry {
    fn read(bytes: [u8; 4]) -> Self {
        Entry(u32::from_ne_bytes(bytes))
    }

    fn kind(self) -> Kind {
        match self.0 & KIND {
            0x0000_0000 => Kind::String,
            0x1000_0000 => Kind::Number,
            0x2000_0000 => Kind::False,
            0x3000_0000 => Kind::True,
            0x5000_0000 => Kind::Container,
            _ => Kind::Null,
        }
    }

    /// Where a child that starts at `start` ends: never before it, so that children never overlap.
    #[inline]
    fn end(self, start: u64) -> u64 {
        if self.0 & HAS_OFFSET == 0 { start + self.length() } else { self.length().max(start) }
    }

    /// The length, or the offset in its place.
    fn length(self) -> u64 {
        u64::from(self.0 & LENGTH)
    }
}

/// A child by its number, and where its bytes start. 64 bits hold the sum of all the lengths that fit in memory.
#[derive(Clone, Copy)]
pub(super) struct Cursor {
    pub(super) index: usize,
    pub(super) offset: u64,
}

impl Cursor {
    pub(super) const START: Cursor = Cursor { index: 0, offset: 0 };
}

/// A container's entries and the bytes they tell of.
#[derive(Clone, Copy, Debug)]
pub(super) struct Entries<'d> {
    entries: &'d [[u8; 4]],
    data: &'d [u8],
}

impl<'d> Entries<'d> {
    /// Reads a container whose header says that `count` entries follow. `None` where they would not fit.
    #[inline]
    pub(super) fn read(container: &'d [u8], count: usize) -> Option<Self> {
        let (entries, data) = container.get(4..)?.split_at_checked(count.checked_mul(4)?)?;
        Some(Entries { entries: entries.as_chunks().0, data })
    }

    pub(super) fn len(self) -> usize {
        self.entries.len()
    }

    /// The child at `index`, found from `known`, a child before it.
    #[inline]
    pub(super) fn node(self, index: usize, known: Cursor) -> JsonbNode<'d> {
        let Some(entry) = self.entries.get(index) else { return NULL };
        self.child(Entry::read(*entry), self.cursor_at(index, known).offset).0
    }

    /// The children from `index` on, the first of which starts at `offset`.
    pub(super) fn iter_from(self, index: usize, offset: u64) -> impl Iterator<Item = JsonbNode<'d>> {
        let entries = self.entries.get(index..).unwrap_or_default();
        entries.iter().scan(offset, move |start, entry| {
            let (node, end) = self.child(Entry::read(*entry), *start);
            *start = end;
            Some(node)
        })
    }

    /// Where the child at `index` starts: sums lengths backwards until an offset, or the `known` child, is met.
    /// An index beyond the last child is read as the end.
    #[inline]
    pub(super) fn cursor_at(self, index: usize, known: Cursor) -> Cursor {
        let mut length = 0;
        for entry in self.entries.get(known.index..index).unwrap_or_default().iter().rev() {
            let entry = Entry::read(*entry);
            length += entry.length();
            if entry.0 & HAS_OFFSET != 0 {
                return Cursor { index, offset: length };
            }
        }
        Cursor { index, offset: known.offset + length }
    }

    /// Of an object's entries, moves `cursor` on to the first key that is not before `key` in jsonb's order, and
    /// tells whether it is `key`.
    #[inline]
    pub(super) fn seek_key(self, cursor: &mut Cursor, key: &[u8]) -> bool {
        let key = Key::new(key);
        let count = self.entries.len() / 2;
        if count > cursor.index + STRIDE + 1 {
            self.skip_strides(count, cursor, &key);
        }
        let mut offset = cursor.offset;
        for (step, entry) in self.entries[cursor.index.min(count)..count].iter().enumerate() {
            let end = Entry::read(*entry).end(offset);
            // Most keys are told apart by their length alone, without a look at their bytes.
            if end - offset >= key.length {
                let order = self.compare(offset, end, &key);
                if order != Ordering::Less {
                    *cursor = Cursor { index: cursor.index + step, offset };
                    return order == Ordering::Equal;
                }
            }
            offset = end;
        }
        *cursor = Cursor { index: count, offset };
        false
    }

    /// Moves `cursor` past whole strides of keys that are before `key`, by binary search.
    ///
    /// It looks at the keys just after an offset, whose start and length are at hand.
    #[inline(never)]
    fn skip_strides(self, count: usize, cursor: &mut Cursor, key: &Key<'_>) {
        let probe = |stride: usize| {
            let at = self.cursor_at(stride * STRIDE + 1, Cursor::START);
            let end = Entry::read(self.entries[at.index]).end(at.offset);
            (at, self.compare(at.offset, end, key) != Ordering::Greater)
        };
        let mut low = cursor.index / STRIDE + 1;
        let mut high = count.saturating_sub(2) / STRIDE + 1;
        while low < high {
            let middle = low + (high - low) / 2;
            let (at, not_after) = probe(middle);
            if not_after {
                *cursor = at;
                low = middle + 1;
            } else {
                high = middle;
            }
        }
    }

    #[inline]
    fn child(self, entry: Entry, start: u64) -> (JsonbNode<'d>, u64) {
        let end = entry.end(start);
        let kind = entry.kind();
        let start = match kind {
            // INTALIGN: these are padded in front, and the padding is part of their length.
            Kind::Number | Kind::Container => (start + 3) & !3,
            _ => start,
        };
        (self.bytes(start, end).map_or(NULL, |bytes| JsonbNode { kind, bytes }), end)
    }

    /// The key between `start` and `end` beside `key`, in [`crate::value::key_order`].
    #[inline]
    fn compare(self, start: u64, end: u64, key: &Key<'_>) -> Ordering {
        let length = (end - start).cmp(&key.length);
        if length != Ordering::Equal {
            return length;
        }
        // Eight bytes at a time, be it that some are of what follows the key.
        let rest = usize::try_from(start).ok().and_then(|start| self.data.get(start..)).unwrap_or_default();
        let Some(head) = rest.first_chunk() else { return rest[..rest.len().min(key.bytes.len())].cmp(key.bytes) };
        match (u64::from_be_bytes(*head) & key.head_mask).cmp(&key.head) {
            Ordering::Equal if key.length > 8 => self.bytes(start, end).unwrap_or_default().cmp(key.bytes),
            order => order,
        }
    }

    #[inline]
    fn bytes(self, start: u64, end: u64) -> Option<&'d [u8]> {
        self.data.get(usize::try_from(start).ok()?..usize::try_from(end).ok()?)
    }
}

const NULL: JsonbNode<'static> = JsonbNode { kind: Kind::Null, bytes: &[] };

/// A key that is looked for. Its first eight bytes make a number, so that most of the stored keys as long as it
/// are told apart without a call to `memcmp`.
struct Key<'k> {
    bytes: &'k [u8],
    length: u64,
    head: u64,
    /// Ones where `head` has bytes of the key.
    head_mask: u64,
}

impl<'k> Key<'k> {
    #[inline]
    fn new(bytes: &'k [u8]) -> Self {
        // Zeros follow a key of less than eight bytes. Put together without a loop or a call.
        let head = if let Some(head) = bytes.first_chunk() {
            u64::from_be_bytes(*head)
        } else if let (Some(first), Some(last)) = (bytes.first_chunk(), bytes.last_chunk()) {
            u64::from(u32::from_be_bytes(*first)) << 32 | u64::from(u32::from_be_bytes(*last)) << (64 - 8 * bytes.len())
        } else {
            bytes.iter().zip([56, 48, 40]).map(|(byte, shift)| u64::from(*byte) << shift).sum()
        };
        let missing = 64 - 8 * bytes.len().min(8) as u32;
        Key { bytes, length: bytes.len() as u64, head, head_mask: u64::MAX.checked_shl(missing).unwrap_or(0) }
    }
}
