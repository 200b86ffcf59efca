//! Paths through objects and arrays, as MongoDB walks them.
//!
//! Source: <https://www.mongodb.com/docs/manual/tutorial/query-array-of-documents/>; `docs/conditions.md` has the
//! corners spelled out.

use super::{Surroundings, honour_interrupts};
use crate::document::{Array, Node, Object, View};

/// A key of a path, which may be read as an index too.
#[derive(Debug)]
pub(crate) struct Key {
    pub(super) name: String,
    pub(super) index: Option<usize>,
}

/// What is shown the values that a field yields. Each method tells whether it has seen enough.
pub(crate) trait Visitor {
    /// A value, whose elements count too with `fan_out` where it is an array.
    fn value<'d, N: Node<'d>>(&mut self, value: N, fan_out: bool) -> bool;
    /// A place without a value.
    fn absent(&mut self) -> bool;
    /// There was neither a value nor a place for one, which only `$empty` asks about.
    fn nothing(&mut self) -> bool;
}

/// Shows the visitor all that the path yields from `value`, which its first key holds, with fan-out.
pub(super) fn walk<'d, N: Node<'d>>(
    value: N,
    rest: &[Key],
    visitor: &mut impl Visitor,
    surroundings: Surroundings<'_>,
) -> bool {
    let mut walk = Walk { visitor, surroundings, any: false };
    walk.on(value, rest) || (!walk.any && walk.visitor.nothing())
}

/// The value at the path, where arrays are not fanned out: through objects by key, into arrays by index.
pub(super) fn descend<'d, N: Node<'d>>(value: Option<N>, rest: &[Key]) -> Option<N> {
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
    /// Walks on from `value`; true as soon as the visitor has seen enough.
    fn on<'d, N: Node<'d>>(&mut self, value: N, path: &[Key]) -> bool {
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

    /// The element that a key reads as an index: at the path's end it is taken as it is; before it, only an object or
    /// an array yields anything (`ElementPath` and `BSONElementIterator` in MongoDB's `src/mongo/db/matcher/path.cpp`).
    fn by_index<'d, A: Array<'d>>(&mut self, array: A, key: &Key, rest: &[Key]) -> bool {
        match key.index.and_then(|index| array.get(index)) {
            Some(element) if rest.is_empty() => self.value(element, false),
            Some(element) => matches!(element.view(), View::Object(_) | View::Array(_)) && self.on(element, rest),
            None => false,
        }
    }

    /// The elements that are objects each go on with the path; other elements yield nothing.
    fn fan_out<'d, A: Array<'d>>(&mut self, array: A, path: &[Key]) -> bool {
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
