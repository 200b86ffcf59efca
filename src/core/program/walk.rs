//! Paths through objects and arrays, as MongoDB walks them.
//!
//! Source: <https://www.mongodb.com/docs/manual/tutorial/query-array-of-documents/>; `docs/conditions.md` has the
//! corners spelled out.

use super::check::Check;
use super::{Key, Surroundings};
use crate::document::{Array, Node, Object, View};

/// Whether any value that the path yields satisfies the check. The path starts at what its first key holds.
pub(super) fn any_yield<'d, N: Node<'d>>(
    value: Option<N>,
    rest: &[Key],
    check: &Check,
    surroundings: Surroundings<'_>,
) -> bool {
    let mut yields = Yields { check, surroundings, any: false };
    let Some(value) = value else { return check.absent() };
    // A path that yields nothing at all leaves the field without a value, which only $empty asks about.
    yields.walk(value, rest) || (!yields.any && check.is_empty())
}

/// The value at the path, where arrays are not fanned out: through objects by key, into arrays by index.
pub(super) fn descend<'d, N: Node<'d>>(value: Option<N>, rest: &[Key]) -> Option<N> {
    rest.iter().try_fold(value?, |value, key| match value.view() {
        View::Object(object) => object.get(&key.name),
        View::Array(array) => array.get(key.index?),
        _ => None,
    })
}

struct Yields<'a> {
    check: &'a Check,
    surroundings: Surroundings<'a>,
    any: bool,
}

impl Yields<'_> {
    /// Walks on from `value`; true as soon as something it yields satisfies the check.
    fn walk<'d, N: Node<'d>>(&mut self, value: N, path: &[Key]) -> bool {
        let Some((key, rest)) = path.split_first() else {
            return self.value(value, true);
        };
        match value.view() {
            View::Object(object) => match object.get(&key.name) {
                Some(value) => self.walk(value, rest),
                None => self.absent(),
            },
            View::Array(array) => self.by_index(array, key, rest) || self.fan_out(array, path),
            _ => self.absent(),
        }
    }

    /// The element that a key reads as an index: at the path's end it is taken as it is.
    fn by_index<'d, A: Array<'d>>(&mut self, array: A, key: &Key, rest: &[Key]) -> bool {
        match key.index.and_then(|index| array.get(index)) {
            Some(element) if rest.is_empty() => self.value(element, false),
            Some(element) => self.walk(element, rest),
            None => false,
        }
    }

    /// The elements that are objects each go on with the path; other elements yield nothing.
    fn fan_out<'d, A: Array<'d>>(&mut self, array: A, path: &[Key]) -> bool {
        array.iter().enumerate().any(|(index, element)| {
            super::check::honour_interrupts(index, self.surroundings);
            matches!(element.view(), View::Object(_)) && self.walk(element, path)
        })
    }

    fn value<'d, N: Node<'d>>(&mut self, value: N, fan_out: bool) -> bool {
        self.any = true;
        self.check.value(value, fan_out, self.surroundings)
    }

    fn absent(&mut self) -> bool {
        self.any = true;
        self.check.absent()
    }
}
