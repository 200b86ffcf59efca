//! Any bytes in place of a jsonb give an answer. (The core has no unsafe code: a read outside them would be a panic.)

#![no_main]

use libfuzzer_sys::fuzz_target;
use segments_core::check::{DocumentOnly, check};
use segments_core::document::to_json;
use segments_core::expr::Checked;
use segments_core::jsonb::Jsonb;
use segments_core::parse::parse;
use segments_core::program::{Program, Surroundings};
use segments_core::program_set::{Matches, ProgramSet};
use std::sync::LazyLock;

const CONDITIONS: &[&str] = &[
    r#"{"a": 1, "b": {"$ne": "b"}, "aa": {"$exists": false}}"#,
    r#"{"a.b.0.c": {"$in": [null, 1, "a", [1], {"a": 1}]}}"#,
    r#"{"a": {"$elemMatch": {"b": {"$gt": 1}}}, "k": {"$size": 2}}"#,
    r#"{"a": {"$elemMatch": {"$gt": 1.5, "$lt": 100}}}"#,
    r#"{"$or": [{"a": {"$all": [1, "b"]}}, {"b": {"$type": ["array", "object"]}}, {"c": {"$empty": true}}]}"#,
    r#"{"a": {"$regex": "^.b$"}, "b": {"$contains": "b"}}"#,
    r#"{"a": {"$as": "timestamp", "$gte": "2024-01-01"}, "b": {"$as": "number[]", "$lt": 7}}"#,
    r#"{"a": {"$gte": {"$date": "2024-01-01T00:00:00Z"}}, "": {"$endsWith": "x", "$options": "i"}}"#,
];

static COMPILED: LazyLock<(Vec<Program>, ProgramSet)> = LazyLock::new(|| {
    let checked: Vec<Checked> = CONDITIONS.iter().map(|text| checked(text)).collect();
    (checked.iter().map(Program::compile).collect(), ProgramSet::compile(&checked))
});

fuzz_target!(|bytes: &[u8]| {
    let root = Jsonb::new(bytes).root();
    to_json(root);
    let (programs, set) = &*COMPILED;
    for program in programs {
        program.matches(root, Surroundings::NONE);
    }
    set.matching(root, Surroundings::NONE, &mut Matches::new());
});

fn checked(text: &str) -> Checked {
    check(&parse(text).expect("a condition"), &DocumentOnly).expect("a condition on documents")
}
