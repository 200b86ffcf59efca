//! Reads Postgres's binary jsonb in place.
//!
//! A jsonb value is a tree of containers (`src/include/utils/jsonb.h`, the same bytes in Postgres 15 to 19): a header
//! with the number of children, one `JEntry` for each child, then the children's bytes. The entries of an object are
//! its keys, ordered by length and then by bytes, followed by its values in the same order.
//!
//! The nodes of a [`Jsonb`] borrow from those bytes: nothing is copied, allocated or read ahead. The bytes need not be
//! aligned in memory, so that a value with a short varlena header is read in place, too.
//!
//! Bytes that Postgres did not write do no harm: what is invalid reads as null, as absent or as the end of the
//! children, and a walk over the whole value visits no more nodes than the bytes have room for.

mod entries;
pub(crate) mod numeric;

#[cfg(test)]
pub(crate) mod encode;
#[cfg(test)]
mod tests;

use crate::document::{Array, Node, Object, View};
use crate::locator::{Layouts, Locator};
use entries::{Cursor, Entries, Key, Kind};

/// A whole jsonb value.
#[derive(Clone, Copy, Debug)]
pub struct Jsonb<'d> {
    container: &'d [u8],
}

impl<'d> Jsonb<'d> {
    /// Takes the bytes of a root `JsonbContainer`, which is a detoasted jsonb without its varlena header
    /// (`VARDATA_ANY`). Reads nothing yet.
    #[must_use]
    pub fn new(container: &'d [u8]) -> Self {
        Jsonb { container }
    }

    /// The value itself. Jsonb stores a scalar at the root as an array of one element (`JB_FSCALAR`); this returns the
    /// scalar.
    #[must_use]
    pub fn root(self) -> JsonbNode<'d> {
        const SCALAR_ARRAY: u32 = SCALAR | ARRAY | 1;
        if header(self.container) == SCALAR_ARRAY
            && let Some(entries) = Entries::read(self.container, 1)
            && let Some(scalar) = entries.iter_from(0, 0).next()
        {
            return scalar;
        }
        JsonbNode { kind: Kind::CONTAINER, bytes: self.container }
    }
}

/// One value in a jsonb. [`Node::view`] reads it.
#[derive(Clone, Copy, Debug)]
pub struct JsonbNode<'d> {
    kind: Kind,
    bytes: &'d [u8],
}

impl<'d> JsonbNode<'d> {
    /// The number as Postgres stores it: a `numeric` without its varlena header. `None` if the value is no number.
    #[must_use]
    pub fn numeric(self) -> Option<&'d [u8]> {
        if self.kind != Kind::NUMBER {
            return None;
        }
        numeric::read(self.bytes)?;
        numeric::payload(self.bytes)
    }

    /// The bytes of an array or an object, from which [`Jsonb::new`] reads it again. `None` if the value is neither.
    #[must_use]
    pub fn container(self) -> Option<&'d [u8]> {
        (self.kind == Kind::CONTAINER).then_some(self.bytes)
    }
}

/// An array in a jsonb. [`Array::get`] reads at most 32 entries, however long the array is.
#[derive(Clone, Copy, Debug)]
pub struct JsonbArray<'d> {
    elements: Entries<'d>,
}

/// An object in a jsonb.
///
/// [`Object::get`] reads on average half of the keys of an object with up to 32 keys. In a larger one it first does a
/// binary search over strides, then reads at most about 32 keys. [`Object::look_up`] goes over the object's keys once
/// for all the keys that it looks up. [`Object::locate`] does not even that if it has met an object with the same keys
/// before.
#[derive(Clone, Copy, Debug)]
pub struct JsonbObject<'d> {
    /// The entries of the keys, then those of the values
    members: Entries<'d>,
}

/// The flags of a container's header beside the number of its children (`JB_FSCALAR` and so on).
const SCALAR: u32 = 0x1000_0000;
const OBJECT: u32 = 0x2000_0000;
const ARRAY: u32 = 0x4000_0000;
const COUNT: u32 = 0x0FFF_FFFF;

fn header(container: &[u8]) -> u32 {
    container.first_chunk().map_or(0, |bytes| u32::from_ne_bytes(*bytes))
}

impl<'d> Node<'d> for JsonbNode<'d> {
    type Array = JsonbArray<'d>;
    type Object = JsonbObject<'d>;

    // Always inlined: a called function would write the view to memory in parts, and the caller would read it back as a
    // whole, which stalls the processor.
    #[inline(always)]
    fn view(self) -> View<'d, Self> {
        match self.kind {
            Kind::STRING => View::String(self.bytes),
            Kind::NUMBER => numeric::read(self.bytes).map_or(View::Null, View::Number),
            Kind::FALSE => View::Bool(false),
            Kind::TRUE => View::Bool(true),
            Kind::CONTAINER => view_container(self.bytes).unwrap_or(View::Null),
            _ => View::Null,
        }
    }
}

#[inline(always)]
fn view_container(bytes: &[u8]) -> Option<View<'_, JsonbNode<'_>>> {
    let header = header(bytes);
    let count = (header & COUNT) as usize;
    match header & (OBJECT | ARRAY) {
        OBJECT => Some(View::Object(JsonbObject { members: Entries::read(bytes, count.checked_mul(2)?)? })),
        ARRAY => Some(View::Array(JsonbArray { elements: Entries::read(bytes, count)? })),
        _ => None,
    }
}

impl<'d> Array<'d> for JsonbArray<'d> {
    type Node = JsonbNode<'d>;

    fn len(self) -> usize {
        self.elements.len()
    }

    fn get(self, index: usize) -> Option<Self::Node> {
        (index < self.len()).then(|| self.elements.node(index, Cursor::START))
    }

    fn iter(self) -> impl Iterator<Item = Self::Node> {
        self.elements.iter_from(0, 0)
    }
}

impl<'d> Object<'d> for JsonbObject<'d> {
    type Node = JsonbNode<'d>;

    fn len(self) -> usize {
        self.members.len() / 2
    }

    #[inline]
    fn get(self, key: &str) -> Option<Self::Node> {
        let at = self.members.seek_key(Cursor::START, &Key::new(key.as_bytes())).ok()?;
        Some(self.members.node(self.len() + at.index, at))
    }

    #[inline]
    fn look_up(self, keys: &[String], mut found: impl FnMut(usize, Option<Self::Node>) -> bool) -> bool {
        let mut at = Cursor::START;
        let mut value = Cursor::START;
        keys.iter().enumerate().all(|(position, key)| {
            let sought = self.members.seek_key(at, &Key::new(key.as_bytes()));
            at = sought.unwrap_or_else(|after| after);
            let node = sought.ok().map(|key| {
                // The start of the value that was found last is nearer than the start of this key.
                let known = if value.index > 0 { value } else { key };
                value = self.members.cursor_at(self.len() + key.index, known);
                self.members.node(value.index, value)
            });
            found(position, node)
        })
    }

    #[inline]
    fn locate(self, locator: &Locator, layouts: &mut Layouts, found: impl FnMut(usize, Self::Node)) {
        let values = self.members.cursor_at(self.len(), Cursor::START);
        let stored = self.members.stored_keys(values.offset);
        match stored.and_then(|stored| layouts.slots(locator, stored, |keys| self.members.slots(keys))) {
            Some(slots) => self.members.pick(values, slots, found),
            None => self.find(locator.keys(), found),
        }
    }

    fn iter(self) -> impl Iterator<Item = (&'d [u8], Self::Node)> {
        let values = self.members.cursor_at(self.len(), Cursor::START);
        let keys = self.members.iter_from(0, 0).map(|key| key.bytes);
        keys.zip(self.members.iter_from(values.index, values.offset))
    }
}
