//! Random conditions on the audience `subject`.

use crate::tests::random::Random;
use crate::tests::subject::{Kind, PROPERTIES, Property};
use crate::tests::{condition, document};
use segments_core::value::{Json, Value};

/// A random condition on the audience; one about a column that this server cannot have is refused.
pub fn random_condition(random: &mut Random, levels: usize) -> String {
    let members = 1 + usize::from(random.percent(30));
    let members: Vec<String> = (0..members)
        .map(|_| {
            if levels > 0 && random.percent(35) {
                if random.percent(20) {
                    return format!(r#""$not": {}"#, random_condition(random, levels - 1));
                }
                let operator = random.pick(&["$and", "$or", "$or", "$nor"]);
                let parts: Vec<_> = (0..1 + random.below(3)).map(|_| random_condition(random, levels - 1)).collect();
                return format!(r#""{operator}": [{}]"#, parts.join(", "));
            }
            let property = &PROPERTIES[random.below(PROPERTIES.len())];
            let name = Json::String(property.name.to_owned()).to_string();
            if property.kind == Kind::Json {
                return on_json(random, property);
            }
            format!("{name}: {}", predicate(random, property.kind, 1))
        })
        .collect();
    // Duplicate keys would be refused.
    let mut keys = Vec::new();
    let distinct = members.into_iter().filter(|member| {
        let key = member.split("\": ").next().unwrap_or_default().to_owned();
        !keys.contains(&key) && {
            keys.push(key);
            true
        }
    });
    format!("{{{}}}", distinct.collect::<Vec<_>>().join(", "))
}

/// A condition on a json property, from the generator that makes conditions for documents.
fn on_json(random: &mut Random, property: &Property) -> String {
    let value = document::value(random, 3);
    let document = document::object_of(vec![(property.name.to_owned(), value)]);
    loop {
        // Other keys are no properties.
        if let Value::Object(members) = condition::generate(random, &document)
            && let [(path, asked)] = members.as_slice()
            && path.starts_with(property.name)
        {
            return format!("{}: {asked}", Json::String(path.clone()));
        }
    }
}

fn predicate(random: &mut Random, kind: Kind, levels: usize) -> String {
    let one = |random: &mut Random| random.pick(kind.operands()).to_owned();
    let list = |random: &mut Random, least: usize| {
        let entries: Vec<String> = (0..least + random.below(4))
            .map(|_| if random.percent(6) { "null".to_owned() } else { random.pick(kind.operands()).to_owned() })
            .collect();
        format!("[{}]", entries.join(", "))
    };
    if random.percent(15) {
        return one(random);
    }
    let test = match random.below(100) {
        0..=9 => format!(r#""$eq": {}"#, one(random)),
        10..=17 => format!(r#""$ne": {}"#, one(random)),
        18..=39 if kind != Kind::Boolean => {
            format!(r#""{}": {}"#, random.pick(&["$gt", "$gte", "$lt", "$lte"]), one(random))
        }
        40..=47 => format!(r#""$in": {}"#, list(random, 0)),
        48..=53 => format!(r#""$nin": {}"#, list(random, 0)),
        54..=58 => format!(r#""$exists": {}"#, random.percent(50)),
        59..=62 => format!(r#""{}": null"#, random.pick(&["$eq", "$ne"])),
        63..=66 => format!(r#""$empty": {}"#, random.percent(50)),
        67..=72 if levels > 0 => format!(r#""$not": {}"#, predicate_object(random, kind, levels - 1)),
        73..=90 if matches!(kind, Kind::String | Kind::Folded) => {
            let options = if random.percent(25) { r#", "$options": "i""# } else { "" };
            let operator = random.pick(&["$contains", "$startsWith", "$endsWith", "$regex"]);
            let operand = if operator == "$regex" {
                random.pick(&[r#""^a""#, r#""b$""#, r#""[0-9]""#, r#""^.$""#]).to_owned()
            } else {
                one(random)
            };
            format!(r#""{operator}": {operand}{options}"#)
        }
        73..=77 if kind.is_array() => format!(r#""$size": {}"#, random.below(4)),
        78..=82 if kind.is_array() => format!(r#""$all": {}"#, list(random, 0)),
        83..=86 if kind.is_array() => format!(r#""$eq": {}"#, list(random, 0)),
        87..=95 if kind.is_array() => {
            let comparison = random.pick(&["$gt", "$lte", "$eq", "$ne"]);
            let pattern = if kind == Kind::Strings && random.percent(40) { r#", "$regex": "[abAB]""# } else { "" };
            format!(r#""$elemMatch": {{"{comparison}": {}{pattern}}}"#, one(random))
        }
        _ => format!(r#""$in": {}"#, list(random, 1)),
    };
    format!("{{{test}}}")
}

/// A predicate that is an object of operators, as `$not` wants it.
fn predicate_object(random: &mut Random, kind: Kind, levels: usize) -> String {
    loop {
        let predicate = predicate(random, kind, levels);
        if predicate.starts_with("{\"$")
            && !predicate.starts_with("{\"$date")
            && !predicate.starts_with("{\"$now")
            && !predicate.starts_with("{\"$today")
        {
            return predicate;
        }
    }
}
