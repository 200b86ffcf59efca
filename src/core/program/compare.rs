//! Compares stored values with constants.

use crate::document::{Array, Node, Object, View};
use crate::expr::Constant;
use crate::value::Value;
use std::cmp::Ordering;

/// Whether a stored value equals the constant. Objects compare by keys and values, in any key order.
#[inline]
pub(super) fn equals<'d, N: Node<'d>>(value: N, constant: &Constant) -> bool {
    match (value.view(), constant) {
        (View::Null, Value::Null) => true,
        (View::Bool(stored), Value::Bool(wanted)) => stored == *wanted,
        (View::Number(stored), Value::Number(wanted)) => stored == wanted.as_number(),
        (View::String(stored), Value::String(wanted)) => stored == wanted.as_bytes(),
        (view, constant) => equals_otherwise(view, constant),
    }
}

fn equals_otherwise<'d, N: Node<'d>>(view: View<'d, N>, constant: &Constant) -> bool {
    match (view, constant) {
        (View::String(stored), Value::Literal(wanted)) => {
            wanted.reading().string(stored).is_some_and(|moment| wanted.compare(moment).is_eq())
        }
        (View::Number(stored), Value::Literal(wanted)) => {
            wanted.reading().number(stored).is_some_and(|moment| wanted.compare(moment).is_eq())
        }
        (View::Folded(stored), Value::String(wanted)) => *stored.compared == *wanted.as_bytes(),
        (View::Moment(stored), Value::Literal(wanted)) => wanted.compare(stored).is_eq(),
        (View::Array(stored), Value::Array(wanted)) => {
            stored.len() == wanted.len() && stored.iter().zip(wanted).all(|(item, constant)| equals(item, constant))
        }
        (View::Object(stored), Value::Object(wanted)) => {
            stored.len() == wanted.len()
                && wanted.iter().all(|(key, constant)| stored.get(key).is_some_and(|value| equals(value, constant)))
        }
        _ => false,
    }
}

/// Compares a stored value with the constant. Returns `None` if they are of different types, or of a type without an
/// order.
pub(super) fn order<'d, N: Node<'d>>(value: N, constant: &Constant) -> Option<Ordering> {
    match (value.view(), constant) {
        (View::Number(stored), Value::Number(bound)) => Some(stored.cmp(&bound.as_number())),
        (View::String(stored), Value::String(bound)) => Some(stored.cmp(bound.as_bytes())),
        (View::Folded(stored), Value::String(bound)) => Some((*stored.compared).cmp(bound.as_bytes())),
        (View::String(stored), Value::Literal(bound)) => {
            bound.reading().string(stored).map(|moment| bound.compare(moment))
        }
        (View::Number(stored), Value::Literal(bound)) => {
            bound.reading().number(stored).map(|moment| bound.compare(moment))
        }
        (View::Moment(stored), Value::Literal(bound)) => Some(bound.compare(stored)),
        (View::Bool(stored), Value::Bool(bound)) => Some(stored.cmp(bound)),
        _ => None,
    }
}
