//! Random comparisons of fields with each other, for `$expr`.

use super::document::object_of;
use super::random::Random;
use segments_core::value::{Json, Value};

const EQUALITY: &[&str] = &["$eq", "$ne"];
const RELATIONS: &[&str] = &["$eq", "$ne", "$gt", "$gte", "$lt", "$lte"];

/// A side: a field, or a value.
#[derive(Clone)]
pub enum Side {
    Field(String),
    Value(Json),
}

/// An expression whose comparisons are between sides that `sides` chooses, with whether fields have an order.
pub fn expression_of(random: &mut Random, levels: usize, sides: &dyn Fn(&mut Random) -> ([Side; 2], bool)) -> Json {
    let inner = |random: &mut Random| expression_of(random, levels - 1, sides);
    match random.below(100) {
        0..=3 => Value::Bool(random.percent(50)),
        4..=19 if levels > 0 => {
            let parts = (0..random.below(4)).map(|_| inner(random)).collect();
            operator(random.pick(&["$and", "$or"]), Value::Array(parts))
        }
        20..=27 if levels > 0 => {
            let part = inner(random);
            operator("$not", if random.percent(50) { Value::Array(vec![part]) } else { part })
        }
        _ => {
            let (sides, are_ordered) = sides(random);
            compared(random, sides, are_ordered)
        }
    }
}

fn compared(random: &mut Random, sides: [Side; 2], are_ordered: bool) -> Json {
    let has_order = |side: &Side| match side {
        Side::Field(_) => are_ordered,
        Side::Value(value) => matches!(value, Value::String(_) | Value::Number(_)),
    };
    let relation = random.pick(if sides.iter().all(has_order) { RELATIONS } else { EQUALITY });
    operator(relation, Value::Array(sides.map(Side::written).into()))
}

fn operator(name: &str, operand: Json) -> Json {
    object_of(vec![(name.to_owned(), operand)])
}

impl Side {
    fn written(self) -> Json {
        match self {
            Side::Field(path) => Value::String(format!("${path}")),
            // A text that begins with $ would be a field.
            Side::Value(Value::String(text)) if text.starts_with('$') => operator("$literal", Value::String(text)),
            Side::Value(value) => value,
        }
    }
}
