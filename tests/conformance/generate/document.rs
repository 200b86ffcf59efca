//! Random documents: few keys and few values, so that conditions often speak of what is there.

use super::random::Random;
use segments_core::decimal::Decimal;
use segments_core::value::{Json, Value, key_order};

const KEYS: &[&str] = &["a", "b", "c", "0", "1", "é"];

/// JavaScript reads each of these as a double of its own, and exactly those that are equal here as equal.
const NUMBERS: &[&str] =
    &["0", "-0", "1", "1.0", "1e0", "2", "10", "-1", "0.5", "1.5", "1e3", "9007199254740991", "1e300", "-2.5e-7"];

/// `｡` is less than `😀` in UTF-8 and greater in UTF-16.
const STRINGS: &[&str] = &[
    "", "a", "A", "b", "ab", "abc", "bca", "a.b", "10", "é", "É", "日本", "｡", "😀", "x\ny", "ab\n", "\nbc", "$a",
    "null", "\"\\/",
];

pub fn generate(random: &mut Random) -> Json {
    object(random, 4)
}

pub fn key(random: &mut Random) -> &'static str {
    random.pick(KEYS)
}

pub fn scalar(random: &mut Random) -> Json {
    match random.below(10) {
        0 | 1 => Value::Null,
        2 => Value::Bool(random.percent(50)),
        3..=6 => number(random.pick(NUMBERS)),
        _ => Value::String(random.pick(STRINGS).to_owned()),
    }
}

pub fn value(random: &mut Random, levels: usize) -> Json {
    match random.below(100) {
        _ if levels == 0 => scalar(random),
        0..=44 => scalar(random),
        45..=74 => array(random, levels - 1),
        _ => object(random, levels),
    }
}

/// An object of these members, in the order that [`Json`] keeps, each key once.
pub fn object_of(mut members: Vec<(String, Json)>) -> Json {
    members.sort_by(|(left, _), (right, _)| key_order(left.as_bytes(), right.as_bytes()));
    members.dedup_by(|(left, _), (right, _)| left == right);
    Value::Object(members)
}

pub fn number(text: &str) -> Json {
    Value::Number(Decimal::parse(text).unwrap_or_else(|| panic!("{text} is not a number")))
}

fn object(random: &mut Random, levels: usize) -> Json {
    let members = (0..random.below(4) + usize::from(levels == 4))
        .map(|_| (key(random).to_owned(), value(random, levels.saturating_sub(1))))
        .collect();
    object_of(members)
}

/// Often of objects, as people store them; sometimes with arrays directly inside.
fn array(random: &mut Random, levels: usize) -> Json {
    let of_objects = random.percent(40);
    let of_scalars = !of_objects && random.percent(50);
    let item = |random: &mut Random| match (of_objects, of_scalars) {
        (true, _) if random.percent(90) => object(random, levels),
        (_, true) => scalar(random),
        _ => value(random, levels),
    };
    Value::Array((0..random.below(5)).map(|_| item(random)).collect())
}
