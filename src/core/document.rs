//! Documents, as evaluation reads them.
//!
//! Evaluation knows only these traits. Binary jsonb ([`crate::jsonb`]), the columns of a table's row ([`crate::row`])
//! and plain JSON ([`crate::value::Json`]) implement them.

use crate::date::Moment;
use crate::decimal::Number;
use crate::locator::{Layouts, Locator};

mod json;

pub use json::to_json;

/// A reference to a value in a document; cheap to copy.
pub trait Node<'d>: Copy {
    /// The type of arrays
    type Array: Array<'d, Node = Self>;
    /// The type of objects
    type Object: Object<'d, Node = Self>;

    /// Reads the value, one level deep.
    fn view(self) -> View<'d, Self>;
}

/// A value, one level deep. Strings are UTF-8 bytes.
pub enum View<'d, N: Node<'d>> {
    /// `null`
    Null,
    /// `true` or `false`
    Bool(bool),
    /// A number, exactly
    Number(Number<'d>),
    /// A string's bytes
    String(&'d [u8]),
    /// A string that is compared as another text: the value of a `citext` column
    Folded(&'d Folded),
    /// A day or a point in time: the value of a date or timestamp column, which conditions see as a string
    Moment(Moment),
    /// An array
    Array(N::Array),
    /// An object
    Object(N::Object),
}

/// A string, and the text that stands for it in comparisons.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Folded {
    /// The text itself, which regular expressions and tests that ignore case read
    pub text: Box<[u8]>,
    /// The text in lower case, which comparisons and tests for literal text read
    pub compared: Box<[u8]>,
}

/// The elements of an array.
pub trait Array<'d>: Copy {
    /// The type of the elements
    type Node: Node<'d, Array = Self>;

    /// The number of elements.
    fn len(self) -> usize;
    /// The element at `index`, from 0.
    fn get(self, index: usize) -> Option<Self::Node>;
    /// The elements, in order.
    fn iter(self) -> impl Iterator<Item = Self::Node>;

    /// Whether the array is empty.
    fn is_empty(self) -> bool {
        self.len() == 0
    }
}

/// The members of an object.
pub trait Object<'d>: Copy {
    /// The type of the members' values
    type Node: Node<'d, Object = Self>;

    /// The number of members.
    fn len(self) -> usize;
    /// The value of `key`; `None` where there is no such key.
    fn get(self, key: &str) -> Option<Self::Node>;
    /// The members, as (key, value). Readers of jsonb give them in [`crate::value::key_order`].
    fn iter(self) -> impl Iterator<Item = (&'d [u8], Self::Node)>;

    /// Looks up several keys at once; they must be in [`crate::value::key_order`]. Calls `found` with the position of
    /// each key and its value, until `found` returns false. Returns false if `found` did.
    fn look_up(self, keys: &[String], mut found: impl FnMut(usize, Option<Self::Node>) -> bool) -> bool {
        keys.iter().enumerate().all(|(position, key)| found(position, self.get(key)))
    }

    /// Looks up the locator's keys, and calls `found` with the position and the value of each key that the object has.
    /// `Layouts` remembers where the values are, for other objects with the same keys.
    #[inline]
    fn locate(self, locator: &Locator, _: &mut Layouts, found: impl FnMut(usize, Self::Node)) {
        self.find(locator.keys(), found);
    }

    /// The same as [`locate`](Self::locate), for any keys, without `Layouts`.
    #[inline]
    fn find(self, keys: &[String], mut found: impl FnMut(usize, Self::Node)) {
        self.look_up(keys, |position, value| {
            value.into_iter().for_each(|value| found(position, value));
            true
        });
    }

    /// Whether the object is empty.
    fn is_empty(self) -> bool {
        self.len() == 0
    }
}
