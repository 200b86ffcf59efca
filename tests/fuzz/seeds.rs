//! Writes what the fuzz targets begin with, a folder for each, from the cases of `tests/cases`.
//!
//! ```text
//! fuzz_seeds FOLDER
//! ```

#[path = "../cases/read.rs"]
#[allow(dead_code, reason = "what is said of a case is not asked here")]
mod cases;
#[path = "../../src/core/jsonb/encode.rs"]
#[allow(dead_code, reason = "jsonb writes no numbers in the long format")]
mod encode;
#[path = "../conformance/generate/random.rs"]
#[allow(dead_code, reason = "bytes are all that is random here")]
mod random;

use segments_core::columns::{Builder, Globals};
use segments_core::jsonb::Jsonb;
use segments_core::value::{Json, Value};
use segments_core::{decimal, value};
use std::collections::BTreeSet;
use std::io::Result;
use std::path::Path;

fn main() -> Result<()> {
    let folder = std::env::args().nth(1).expect("usage: fuzz_seeds FOLDER");
    let (mut texts, mut patterns) = (BTreeSet::new(), BTreeSet::new());
    let (mut containers, mut numbers) = (BTreeSet::new(), BTreeSet::new());
    for case in cases::cases() {
        let documents = || case.matches.iter().chain(&case.others).filter_map(|text| Json::parse(text).ok());
        if let Some((pattern, options)) = pattern(&case.condition) {
            patterns.extend(documents().filter_map(|document| of_pattern(&pattern, &options, member(&document, "a")?)));
        }
        for document in documents() {
            containers.insert(encode::container(&document));
            gather_numbers(&document, &mut numbers);
        }
        texts.insert(case.condition.into_bytes());
    }
    let numbers: Vec<Vec<u8>> = numbers.into_iter().collect();
    let pairs = numbers.iter().zip(numbers.iter().rev()).map(|(left, right)| halves(left, right));
    let mut random = random::Random::new(0);
    let containers: Vec<Vec<u8>> = containers.into_iter().collect();
    write(&folder, "columns", containers.chunks(20).flat_map(|rows| [512, 1].map(|columns| chunk(rows, columns))))?;
    let choices: Vec<Vec<u8>> = (0..8).map(|_| (0..1500).map(|_| random.below(256) as u8).collect()).collect();
    write(&folder, "condition", texts)?;
    write(&folder, "pattern", patterns)?;
    write(&folder, "jsonb", containers)?;
    write(&folder, "numeric", pairs)?;
    // The choices of the generators of tests/conformance.
    write(&folder, "printer", choices.clone())?;
    write(&folder, "program_set", choices)
}

fn write(folder: &str, target: &str, seeds: impl IntoIterator<Item = Vec<u8>>) -> Result<()> {
    let folder = Path::new(folder).join(target);
    std::fs::create_dir_all(&folder)?;
    for (number, seed) in seeds.into_iter().enumerate() {
        std::fs::write(folder.join(number.to_string()), seed)?;
    }
    Ok(())
}

/// The pieces of a chunk of these documents, each after its length, as the target `columns` reads them.
fn chunk(containers: &[Vec<u8>], most_columns: usize) -> Vec<u8> {
    let mut builder = Builder::with_most_columns([], most_columns);
    for (block, container) in (0..).zip(containers) {
        builder.begin_block(block);
        builder.push(&[], Some(Jsonb::new(container).root()));
    }
    let pieces = builder.finish(1, &mut Globals::default());
    pieces.iter().flat_map(|piece| [&(piece.len() as u16).to_le_bytes(), piece.as_slice()].concat()).collect()
}

/// The pattern and the options of a condition `{"a": {"$regex": …}}`.
fn pattern(condition: &str) -> Option<(String, String)> {
    let condition = Json::parse(condition).ok()?;
    let test = member(&condition, "a")?;
    let text = |name| match member(test, name) {
        Some(Value::String(text)) => Some(text.clone()),
        _ => None,
    };
    Some((text("$regex")?, text("$options").unwrap_or_default()))
}

/// As the target `pattern` reads it: a bit for each option, the pattern and a text.
fn of_pattern(pattern: &str, options: &str, value: &Json) -> Option<Vec<u8>> {
    let Value::String(text) = value else { return None };
    let choice =
        "imsx".chars().zip(0..).filter(|(letter, _)| options.contains(*letter)).fold(0, |all, (_, bit)| all | 1 << bit);
    Some([&[choice], halves(pattern.as_bytes(), text.as_bytes()).as_slice()].concat())
}

/// Two byte strings as `arbitrary` takes them apart: the length of the first stands at the end.
fn halves(first: &[u8], second: &[u8]) -> Vec<u8> {
    [first, second, &[first.len() as u8]].concat()
}

/// The bytes of each number inside, without their length.
fn gather_numbers(json: &Json, numbers: &mut BTreeSet<Vec<u8>>) {
    match json {
        Value::Number(number) => numbers.extend([false, true].map(|long| encode::numeric(number, long)[4..].to_vec())),
        Value::Array(items) => items.iter().for_each(|item| gather_numbers(item, numbers)),
        Value::Object(members) => members.iter().for_each(|(_, item)| gather_numbers(item, numbers)),
        _ => {}
    }
}

fn member<'j>(json: &'j Json, name: &str) -> Option<&'j Json> {
    let Value::Object(members) = json else { return None };
    members.iter().find(|(key, _)| key == name).map(|(_, value)| value)
}
