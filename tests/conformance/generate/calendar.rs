//! Random questions of the calendar: parts of dates, and anniversaries.

use super::document::{number, object_of};
use super::random::Random;
use segments_core::value::{Json, Value};

/// The parts of a point in time, with numbers that a part may be or nearly is.
pub const PARTS: &[(&str, &[&str])] = &[
    ("$year", &["1", "1969", "2011", "2024", "9999", "0"]),
    ("$month", &["1", "2", "3", "12", "13"]),
    ("$dayOfMonth", &["1", "28", "29", "30", "31"]),
    ("$isoDayOfWeek", &["1", "3", "4", "5", "7", "0"]),
    ("$hour", &["0", "2", "12", "23", "24"]),
];

/// The parts of a day.
pub const PARTS_OF_DAYS: &[(&str, &[&str])] = PARTS.split_at(4).0;

/// Days around which there are anniversaries of what is stored.
const DAYS: &[&str] = &["2025-02-28", "2025-03-01", "2028-02-29", "2024-02-29", "1970-12-31", "2100-02-28"];

pub fn part(random: &mut Random, parts: &[(&str, &[&str])]) -> Vec<(String, Json)> {
    let (part, numbers) = random.pick(parts);
    let one = |random: &mut Random| number(random.pick(numbers));
    let asked = match random.percent(30) {
        true => one(random),
        false => asked(random, &["$eq", "$ne", "$gt", "$gte", "$lt", "$lte", "$in", "$nin"], &one),
    };
    vec![(part.to_owned(), asked)]
}

/// An anniversary of a day near those that `stored` gives, or between two of them.
pub fn anniversary(random: &mut Random, stored: &dyn Fn(&mut Random) -> Json) -> Vec<(String, Json)> {
    let one = |random: &mut Random| match random.percent(60) {
        true => Value::String(random.pick(DAYS).to_owned()),
        false => stored(random),
    };
    let asked = match random.percent(30) {
        true => one(random),
        false => asked(random, &["$eq", "$gt", "$gte", "$lt", "$lte", "$in"], &one),
    };
    vec![("$anniversary".to_owned(), asked)]
}

/// One test or two.
fn asked(random: &mut Random, operators: &[&str], operand: &dyn Fn(&mut Random) -> Json) -> Json {
    let test = |random: &mut Random| {
        let operator = random.pick(operators);
        let operand = match operator {
            "$in" | "$nin" => Value::Array((0..random.below(4)).map(|_| operand(random)).collect()),
            _ => operand(random),
        };
        (operator.to_owned(), operand)
    };
    let tests = 1 + usize::from(random.percent(50));
    object_of((0..tests).map(|_| test(random)).collect())
}
