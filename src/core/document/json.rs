//! Plain JSON as a document, and documents as plain JSON.

use super::{Array, Node, Object, View};
use crate::value::{COPIED_LEVELS, Json, Value, key_order};

/// Copies a value out of a document. Each value in it costs an allocation.
///
/// Containers deeper than [`COPIED_LEVELS`] become null, and bytes that are not UTF-8 become U+FFFD.
#[must_use]
pub fn to_json<'d>(node: impl Node<'d>) -> Json {
    copy(node, COPIED_LEVELS)
}

fn copy<'d>(node: impl Node<'d>, levels: usize) -> Json {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    match node.view() {
        View::Null => Value::Null,
        View::Bool(value) => Value::Bool(value),
        View::Number(value) => Value::Number(value.to_decimal()),
        View::String(bytes) => Value::String(text(bytes)),
        View::Folded(folded) => Value::String(text(&folded.text)),
        View::Moment(moment) => Value::String(moment.to_string()),
        View::Array(_) | View::Object(_) if levels == 0 => Value::Null,
        View::Array(items) => Value::Array(items.iter().map(|item| copy(item, levels - 1)).collect()),
        View::Object(object) => {
            let mut members: Vec<_> = object.iter().map(|(key, value)| (text(key), copy(value, levels - 1))).collect();
            members.sort_by(|(left, _), (right, _)| key_order(left.as_bytes(), right.as_bytes()));
            members.dedup_by(|(left, _), (right, _)| left == right);
            Value::Object(members)
        }
    }
}

impl<'d> Node<'d> for &'d Json {
    type Array = &'d [Json];
    type Object = &'d [(String, Json)];

    fn view(self) -> View<'d, Self> {
        match self {
            Value::Null => View::Null,
            Value::Bool(value) => View::Bool(*value),
            Value::Number(value) => View::Number(value.as_number()),
            Value::String(value) => View::String(value.as_bytes()),
            Value::Array(items) => View::Array(items.as_slice()),
            Value::Object(members) => View::Object(members.as_slice()),
            Value::Literal(never) => match *never {},
        }
    }
}

impl<'d> Array<'d> for &'d [Json] {
    type Node = &'d Json;

    fn len(self) -> usize {
        <[Json]>::len(self)
    }

    fn get(self, index: usize) -> Option<Self::Node> {
        <[Json]>::get(self, index)
    }

    fn iter(self) -> impl Iterator<Item = Self::Node> {
        <[Json]>::iter(self)
    }
}

impl<'d> Object<'d> for &'d [(String, Json)] {
    type Node = &'d Json;

    fn len(self) -> usize {
        <[(String, Json)]>::len(self)
    }

    fn get(self, key: &str) -> Option<Self::Node> {
        let found = self.binary_search_by(|(name, _)| key_order(name.as_bytes(), key.as_bytes())).ok()?;
        Some(&self[found].1)
    }

    fn iter(self) -> impl Iterator<Item = (&'d [u8], Self::Node)> {
        <[(String, Json)]>::iter(self).map(|(key, value)| (key.as_bytes(), value))
    }
}
