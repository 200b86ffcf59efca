//! Walks paths through objects and arrays as MongoDB does.
//!
//! Source: <https://www.mongodb.com/docs/manual/tutorial/query-array-of-documents/>; `docs/conditions.md` describes the
//! special cases.

use super::{Surroundings, honour_interrupts};
use crate::document::{Array, Node, Object, View};

/// A key of a path, and the array index that it can be read as.
#[derive(Debug)]
pub(crate) struct PathKey {
    pub(super) name: String,
    pub(super) index: Option<usize>,
}

/// Receives the values of a field. Each method returns true if it needs no more.
pub(crate) trait Visitor {
    /// Receives a value. With `fan_out`, the elements count, too, if it is an array.
    fn value<'d, N: Node<'d>>(&mut self, value: N, fan_out: bool) -> bool;
    /// Receives a place without a value.
    fn absent(&mut self) -> bool;
    /// The field has neither values nor places without one. Only `$empty` asks about that.
    fn nothing(&mut self) -> bool;
}

/// Gives the visitor all values of a field, with fan-out. `value` is the value of the path's first key, and `rest` are
/// the keys below. Returns true as soon as the visitor needs no more.
pub(super) fn walk<'d, N: Node<'d>>(
    value: N,
    rest: &[PathKey],
    visitor: &mut impl Visitor,
    surroundings: Surroundings<'_>,
) -> bool {
    let mut walk = Walk { visitor, surroundings, any: false };
    walk.on(value, rest) || (!walk.any && walk.visitor.nothing())
}

/// The value at the path without fan-out: objects are walked by key, and arrays by index.
pub(super) fn descend<'d, N: Node<'d>>(value: Option<N>, rest: &[PathKey]) -> Option<N> {
    rest.iter().try_fold(value?, |value, key| match value.view() {
        View::Object(object) => object.get(&key.name),
        View::Array(array) => array.get(key.index?),
        _ => None,
    })
}

struct Walk<'a, V> {
    visitor: &'a mut V,
    surroundings: Surroundings<'a>,
    any: bool,
}

impl<V: Visitor> Walk<'_, V> {
    /// Walks on from `value`. Returns true as soon as the visitor needs no more.
    fn on<'d, N: Node<'d>>(&mut self, value: N, path: &[PathKey]) -> bool {
        let Some((key, rest)) = path.split_first() else {
            return self.value(value, true);
        };
        match value.view() {
            View::Object(object) => match object.get(&key.name) {
                Some(value) => self.on(value, rest),
                None => self.absent(),
            },
            View::Array(array) => self.by_index(array, key, rest) || self.fan_out(array, path),
            _ => self.absent(),
        }
    }

    /// Goes on at the element that a key names as an index. At the end of the path, the element is taken as it is.
    /// Before the end, only objects and arrays yield anything (`ElementPath` and `BSONElementIterator` in MongoDB's
    /// `src/mongo/db/matcher/path.cpp`).
    fn by_index<'d, A: Array<'d>>(&mut self, array: A, key: &PathKey, rest: &[PathKey]) -> bool {
        match key.index.and_then(|index| array.get(index)) {
            Some(element) if rest.is_empty() => self.value(element, false),
            Some(element) => matches!(element.view(), View::Object(_) | View::Array(_)) && self.on(element, rest),
            None => false,
        }
    }

    /// Goes on at each element that is an object; other elements yield nothing.
    fn fan_out<'d, A: Array<'d>>(&mut self, array: A, path: &[PathKey]) -> bool {
        array.iter().enumerate().any(|(index, element)| {
            honour_interrupts(index, self.surroundings);
            matches!(element.view(), View::Object(_)) && self.on(element, path)
        })
    }

    fn value<'d, N: Node<'d>>(&mut self, value: N, fan_out: bool) -> bool {
        self.any = true;
        self.visitor.value(value, fan_out)
    }

    fn absent(&mut self) -> bool {
        self.any = true;
        self.visitor.absent()
    }
}
