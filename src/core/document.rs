//! The port through which a condition reads what it is put to.
//!
//! Evaluation knows only these traits. Their implementations are the binary jsonb container
//! ([`crate::jsonb`]), the columns of a table's row ([`crate::row`]), and [`crate::value::Json`].

use crate::date::Moment;
use crate::decimal::Number;
use crate::locator::{Layouts, Locator};

mod json;

pub use json::to_json;

/// A value in a document: a cheap handle, not the value.
pub trait Node<'d>: Copy {
    /// How an array is read.
    type Array: Array<'d, Node = Self>;
    /// How an object is read.
    type Object: Object<'d, Node = Self>;

    /// What the value is.
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
    /// A string that compares as another text than its own: of a table's column of type `citext`
    Folded(&'d Folded),
    /// A string that says this day or point in time, where it is kept as such: a table's column
    Moment(Moment),
    /// An array
    Array(N::Array),
    /// An object
    Object(N::Object),
}

/// A string, and what it compares as.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Folded {
    /// Its own text, to which regular expressions are put
    pub text: Box<[u8]>,
    /// The text that is compared, and looked into, with text that is folded too
    pub compared: Box<[u8]>,
}

/// The elements of an array.
pub trait Array<'d>: Copy {
    /// The elements' kind
    type Node: Node<'d, Array = Self>;

    /// How many elements there are.
    fn len(self) -> usize;
    /// The element at `index`, from 0.
    fn get(self, index: usize) -> Option<Self::Node>;
    /// The elements, in order.
    fn iter(self) -> impl Iterator<Item = Self::Node>;

    /// Whether there is no element.
    fn is_empty(self) -> bool {
        self.len() == 0
    }
}

/// The members of an object.
pub trait Object<'d>: Copy {
    /// The members' kind
    type Node: Node<'d, Object = Self>;

    /// How many members there are.
    fn len(self) -> usize;
    /// The value of `key`; `None` where there is no such key.
    fn get(self, key: &str) -> Option<Self::Node>;
    /// The members, as (key, value). Readers of jsonb give them in [`crate::value::key_order`].
    fn iter(self) -> impl Iterator<Item = (&'d [u8], Self::Node)>;

    /// Looks up several keys at once, which must be in [`crate::value::key_order`]. `found` is told the position of
    /// each and its value, and says whether to go on; so does the result.
    fn look_up(self, keys: &[String], mut found: impl FnMut(usize, Option<Self::Node>) -> bool) -> bool {
        keys.iter().enumerate().all(|(position, key)| found(position, self.get(key)))
    }

    /// Finds the values of the locator's keys that the object has: `found` is told each key's position, and the value.
    /// The layouts keep where the values are, for other objects with the same keys.
    #[inline]
    fn locate(self, locator: &Locator, _: &mut Layouts, found: impl FnMut(usize, Self::Node)) {
        self.find(locator.keys(), found);
    }

    /// The same as [`locate`](Self::locate), without a memory of other objects.
    #[inline]
    fn find(self, keys: &[String], mut found: impl FnMut(usize, Self::Node)) {
        self.look_up(keys, |position, value| {
            value.into_iter().for_each(|value| found(position, value));
            true
        });
    }

    /// Whether there is no member.
    fn is_empty(self) -> bool {
        self.len() == 0
    }
}
