//! Random conditions about a document: mostly of paths that it has and values near those that it holds, so that
//! matching and not matching are both common.

use super::document::{self, number, object_of, scalar};
use super::expression::{Side, expression_of};
use super::random::Random;
use segments_core::value::{Json, Value};

pub fn generate(random: &mut Random, document: &Json) -> Json {
    whole_condition_of(random, &|random| match random.percent(7) {
        true => ("$expr".to_owned(), expression(random, document)),
        false => field(random, document),
    })
}

/// A condition that may be negated as a whole, as no condition inside `$elemMatch` may.
pub fn whole_condition_of(random: &mut Random, field: &dyn Fn(&mut Random) -> (String, Json)) -> Json {
    let condition = condition_of(random, 2, field);
    if random.percent(3) { object_of(vec![("$not".to_owned(), condition)]) } else { condition }
}

fn condition(random: &mut Random, document: &Json, levels: usize) -> Json {
    condition_of(random, levels, &|random| field(random, document))
}

/// At least one member: tests of fields, and combinations of such conditions.
pub fn condition_of(random: &mut Random, levels: usize, field: &dyn Fn(&mut Random) -> (String, Json)) -> Json {
    let member = |random: &mut Random| {
        if levels > 0 && random.percent(30) {
            let operator = random.pick(&["$and", "$or", "$or", "$nor"]);
            let inner = |random: &mut Random| match random.percent(4) {
                true => object_of(comment(random).into_iter().collect()),
                false => condition_of(random, levels - 1, field),
            };
            let conditions = (0..1 + random.below(3)).map(|_| inner(random)).collect();
            return (operator.to_owned(), Value::Array(conditions));
        }
        field(random)
    };
    let members = 1 + usize::from(random.percent(25)) + usize::from(random.percent(10));
    let mut members: Vec<_> = (0..members).map(|_| member(random)).collect();
    if random.percent(3) {
        members.extend(comment(random));
    }
    object_of(members)
}

/// A comment, or none.
fn comment(random: &mut Random) -> Option<(String, Json)> {
    random.percent(60).then(|| ("$comment".to_owned(), Value::String(random.pick(&["", "$gt", "why"]).to_owned())))
}

/// Two fields of the document, or one and a value near its own.
fn expression(random: &mut Random, document: &Json) -> Json {
    expression_of(random, 2, &|random| {
        let (left, found) = path(random, document);
        let right = match random.below(10) {
            0..=5 => Side::Field(path(random, document).0),
            6 => Side::Field(left.clone()),
            _ => Side::Value(bound(random, &found)),
        };
        let left = if random.percent(4) { Side::Value(bound(random, &found)) } else { Side::Field(left) };
        (if random.percent(80) { [left, right] } else { [right, left] }, true)
    })
}

fn field(random: &mut Random, document: &Json) -> (String, Json) {
    let (path, found) = path(random, document);
    let asked = if random.percent(20) { literal(random, &found) } else { predicate(random, &found, 2) };
    (path, asked)
}

/// A path into the document, and one of the values that it leads to.
fn path(random: &mut Random, document: &Json) -> (String, Json) {
    let mut keys: Vec<String> = Vec::new();
    let mut here = document;
    loop {
        match here {
            Value::Object(members) if !members.is_empty() && (keys.is_empty() || random.percent(65)) => {
                let (key, value) = &members[random.below(members.len())];
                keys.push(key.clone());
                here = value;
            }
            Value::Array(items) if !items.is_empty() && random.percent(60) => {
                let index = random.below(items.len());
                here = &items[index];
                if !matches!(here, Value::Object(_)) || random.percent(40) {
                    keys.push(index.to_string());
                }
            }
            _ => break,
        }
    }
    if keys.is_empty() || random.percent(8) {
        keys.push(document::key(random).to_owned());
    }
    if random.percent(5) {
        let last = keys.len() - 1;
        keys[last] = document::key(random).to_owned();
    }
    (keys.join("."), here.clone())
}

/// A value near the one found: often it, or an element of it.
fn near(random: &mut Random, found: &Json) -> Json {
    match found {
        Value::Array(items) if !items.is_empty() && random.percent(55) => {
            let element = random.pick(items);
            near(random, &element)
        }
        _ if random.percent(65) => found.clone(),
        _ if random.percent(80) => scalar(random),
        _ => document::value(random, 2),
    }
}

/// An operand that is neither an array nor an object nor null.
fn bound(random: &mut Random, found: &Json) -> Json {
    match near(random, found) {
        scalar @ (Value::String(_) | Value::Number(_) | Value::Bool(_)) => scalar,
        _ => number(random.pick(&["0", "1", "1.5", "10"])),
    }
}

fn literal(random: &mut Random, found: &Json) -> Json {
    near(random, found)
}

fn predicate(random: &mut Random, found: &Json, levels: usize) -> Json {
    if random.percent(4) {
        return caseless(random, &|random| near(random, found), &|random| bound(random, found));
    }
    predicate_of(random, &|random| test(random, found, levels))
}

/// At least one of such tests.
pub fn predicate_of(random: &mut Random, test: &dyn Fn(&mut Random) -> Vec<(String, Json)>) -> Json {
    let tests = 1 + usize::from(random.percent(25)) + usize::from(random.percent(8));
    let comment = if random.percent(3) { comment(random) } else { None };
    let mut members: Vec<(String, Json)> = Vec::new();
    for _ in 0..tests {
        let test = test(random);
        // Other implementations have one $regex for all of these.
        let on_text = |members: &[(String, Json)]| members.iter().any(|(key, _)| TEXT_TESTS.contains(&key.as_str()));
        if !(on_text(&test) && on_text(&members)) {
            members.extend(test);
        }
    }
    members.extend(comment);
    object_of(members)
}

const TEXT_TESTS: &[&str] = &["$regex", "$contains", "$startsWith", "$endsWith"];

/// A test, with `$options` where it has some.
fn test(random: &mut Random, found: &Json, levels: usize) -> Vec<(String, Json)> {
    let one = |operator: &str, operand: Json| vec![(operator.to_owned(), operand)];
    let several = |random: &mut Random, most: usize| -> Vec<Json> {
        (0..random.below(most + 1)).map(|_| near(random, found)).collect()
    };
    match random.below(100) {
        0..=11 => one("$eq", near(random, found)),
        12..=19 => one("$ne", near(random, found)),
        20..=39 => one(random.pick(&["$gt", "$gte", "$lt", "$lte"]), bound(random, found)),
        40..=48 => one("$in", Value::Array(several(random, 4))),
        49..=53 => one("$nin", Value::Array(several(random, 3))),
        54..=59 => one("$exists", truth(random)),
        60..=65 => regex(random, found),
        66..=70 => text_test(random, found),
        71..=76 if levels > 0 => one("$not", predicate(random, found, levels - 1)),
        77..=82 => one("$all", Value::Array(all(random, found, levels))),
        83..=91 if levels > 0 => one("$elemMatch", elem_match(random, found, levels - 1)),
        92..=94 => one("$size", number(random.pick(&["0", "1", "2", "3"]))),
        95..=96 => modulo(random),
        _ if random.percent(70) => one("$type", type_name(random)),
        _ => one("$type", Value::Array(vec![type_name(random), type_name(random)])),
    }
}

/// Whether something is present, as MongoDB takes it, too.
pub fn truth(random: &mut Random) -> Json {
    let is_present = random.percent(60);
    if random.percent(85) { Value::Bool(is_present) } else { number(if is_present { "1" } else { "0" }) }
}

/// A type of JSON by its name, or as MongoDB calls it.
fn type_name(random: &mut Random) -> Json {
    if random.percent(20) {
        return number(random.pick(&["1", "2", "3", "4", "8", "10", "16", "18", "19"]));
    }
    let of_json = ["string", "number", "bool", "object", "array", "null"];
    let of_mongodb = ["int", "long", "double", "decimal"];
    Value::String(if random.percent(80) { random.pick(&of_json) } else { random.pick(&of_mongodb) }.to_owned())
}

/// A remainder, often one that some number of the documents leaves.
pub fn modulo(random: &mut Random) -> Vec<(String, Json)> {
    let divisor = random.pick(&["2", "3", "4", "-4", "1", "10", "1e3", "9007199254740991"]);
    let remainder = random.pick(&["0", "0", "1", "1", "2", "-1", "-2", "3.0", "5"]);
    vec![("$mod".to_owned(), Value::Array(vec![number(divisor), number(remainder)]))]
}

/// Equality without regard to case, with scalars near `operand`, and perhaps a bound beside it.
pub fn caseless(
    random: &mut Random,
    operand: &dyn Fn(&mut Random) -> Json,
    bound: &dyn Fn(&mut Random) -> Json,
) -> Json {
    let letters = random.pick(&["i", "i", "i", ""]);
    let scalar = |random: &mut Random| match operand(random) {
        Value::Array(_) | Value::Object(_) => scalar(random),
        // Without the option, a column of uuids alone equals capitals.
        Value::String(text) if !letters.is_empty() && random.percent(50) => {
            Value::String(if random.percent(50) { text.to_uppercase() } else { text.to_lowercase() })
        }
        scalar => scalar,
    };
    let operator = random.pick(&["$eq", "$ne", "$in", "$nin"]);
    let operand = match operator {
        "$eq" | "$ne" => scalar(random),
        _ => Value::Array((0..random.below(4)).map(|_| scalar(random)).collect()),
    };
    let mut members = vec![(operator.to_owned(), operand), ("$options".to_owned(), Value::String(letters.to_owned()))];
    if random.percent(15) {
        members.push((random.pick(&["$gt", "$lte"]).to_owned(), bound(random)));
    }
    object_of(members)
}

/// Entries that are all `$elemMatch` or all values, as MongoDB has it.
fn all(random: &mut Random, found: &Json, levels: usize) -> Vec<Json> {
    if levels > 0 && random.percent(25) {
        let entry =
            |random: &mut Random| object_of(vec![("$elemMatch".to_owned(), elem_match(random, found, levels - 1))]);
        return (0..1 + random.below(2)).map(|_| entry(random)).collect();
    }
    (0..random.below(4)).map(|_| near(random, found)).collect()
}

fn elem_match(random: &mut Random, found: &Json, levels: usize) -> Json {
    if random.percent(3) {
        return object_of(vec![]);
    }
    let element = match found {
        Value::Array(items) if !items.is_empty() => random.pick(items),
        other => other.clone(),
    };
    match &element {
        Value::Object(members) if !members.is_empty() && random.percent(85) => {
            condition(random, &element, levels.min(1))
        }
        Value::Array(items) if !items.is_empty() && random.percent(30) => {
            let index = random.below(items.len());
            object_of(vec![(index.to_string(), predicate(random, &items[index].clone(), levels))])
        }
        _ => predicate(random, &element, levels),
    }
}

/// A string in or near what was found.
fn string(random: &mut Random, found: &Json) -> String {
    let near = near(random, found);
    match (near, scalar(random)) {
        (Value::String(text), _) | (_, Value::String(text)) => text,
        _ => "a".to_owned(),
    }
}

/// Patterns that mean the same in JavaScript without its `u` flag.
pub fn regex(random: &mut Random, found: &Json) -> Vec<(String, Json)> {
    let text = escape(&string(random, found));
    if random.percent(30) {
        return complement(random, &text);
    }
    let pattern = match random.below(9) {
        0 => format!("^{text}"),
        1 => format!("{text}$"),
        2 => format!("^{text}$"),
        3 => "^[a-c]+$".to_owned(),
        4 => "[0-9]".to_owned(),
        5 => "^.$|b.?c".to_owned(),
        6 => "x.y|^y".to_owned(),
        7 => "^(a|ab)(c|)$".to_owned(),
        _ => text,
    };
    let mut members = vec![("$regex".to_owned(), Value::String(pattern))];
    if random.percent(40) {
        let letters = random.pick(&["i", "m", "s", "im", "is", ""]);
        members.push(("$options".to_owned(), Value::String(letters.to_owned())));
    }
    members
}

/// Look-around that says "not", in the shapes that are read.
fn complement(random: &mut Random, text: &str) -> Vec<(String, Json)> {
    let part = match random.below(6) {
        0 => "a|bc?".to_owned(),
        1 => "[a-c]".to_owned(),
        2 => "^b|c$".to_owned(),
        3 => format!(".*{text}"),
        _ => text.to_owned(),
    };
    let rest = random.pick(&["", "$", ".*$", ".", "a|b", "(?:a|x)", "[^b]+$", ".*c"]);
    // X of the last shape must not match the empty string.
    let filled = if part.is_empty() || part == ".*" { "ab" } else { &part };
    let pattern = match random.below(5) {
        0 => format!("^(?!{part})"),
        1 if rest != "a|b" => format!("^(?!{part}){rest}"),
        1 => format!("^(?!{part})(?:{rest})"),
        2 => format!("(?<!{part})$"),
        3 => format!("^(?:(?!{filled}).)*$"),
        _ => format!("^((?!{filled}).)*$"),
    };
    let mut members = vec![("$regex".to_owned(), Value::String(pattern))];
    if random.percent(40) {
        members.push(("$options".to_owned(), Value::String(random.pick(&["i", "s", "is", ""]).to_owned())));
    }
    members
}

pub fn text_test(random: &mut Random, found: &Json) -> Vec<(String, Json)> {
    let text = string(random, found);
    let characters: Vec<char> = text.chars().collect();
    let (from, until) = (random.below(characters.len() + 1), random.below(characters.len() + 1));
    let part: String = characters[from.min(until)..from.max(until)].iter().collect();
    let operator = random.pick(&["$contains", "$startsWith", "$endsWith"]);
    vec![(operator.to_owned(), Value::String(if random.percent(50) { part } else { text }))]
}

fn escape(text: &str) -> String {
    let mut escaped = String::new();
    for character in text.chars() {
        if r"\.+*?()|[]{}^$/".contains(character) {
            escaped.push('\\');
        }
        escaped.push(character);
    }
    escaped
}
