//! Many conditions put to a document at once say what each says alone, whatever the document is kept as.

#![no_main]

#[path = "../../conformance/generate/condition.rs"]
mod condition;
#[path = "../../conformance/generate/document.rs"]
mod document;
#[path = "../../../src/core/jsonb/encode.rs"]
#[allow(dead_code)]
mod encode;
mod random;

use libfuzzer_sys::fuzz_target;
use random::Random;
use segments_core::check::{DocumentOnly, check};
use segments_core::expr::Checked;
use segments_core::jsonb::Jsonb;
use segments_core::parse::parse;
use segments_core::program::{Program, Surroundings};
use segments_core::program_set::{Matches, ProgramSet};
use segments_core::{decimal, value};

fuzz_target!(|bytes: &[u8]| {
    let mut random = Random::new(bytes);
    let document = document::generate(&mut random);
    let count = 1 + random.below(20);
    let texts: Vec<String> = (0..count).map(|_| condition::generate(&mut random, &document).to_string()).collect();
    let conditions: Vec<Checked> = texts.iter().map(|text| checked(text)).collect();
    let alone: Vec<bool> =
        conditions.iter().map(|condition| Program::compile(condition).matches(&document, Surroundings::NONE)).collect();
    let set = ProgramSet::compile(&conditions);
    let container = encode::container(&document);
    let mut matches = Matches::new();
    set.matching(&document, Surroundings::NONE, &mut matches);
    assert_eq!(numbers(&alone), matches.iter().collect::<Vec<_>>(), "{texts:?} on {document}");
    set.matching(Jsonb::new(&container).root(), Surroundings::NONE, &mut matches);
    assert_eq!(numbers(&alone), matches.iter().collect::<Vec<_>>(), "{texts:?} on {document} as jsonb");
    for ((condition, alone), text) in conditions.iter().zip(&alone).zip(&texts) {
        let matches = Program::compile(condition).matches(Jsonb::new(&container).root(), Surroundings::NONE);
        assert_eq!(matches, *alone, "{text} on {document} as jsonb");
    }
});

fn numbers(alone: &[bool]) -> Vec<usize> {
    (0..alone.len()).filter(|number| alone[*number]).collect()
}

fn checked(text: &str) -> Checked {
    let condition = parse(text).unwrap_or_else(|error| panic!("{text}: {error}"));
    check(&condition, &DocumentOnly).unwrap_or_else(|errors| panic!("{text}: {}", errors[0]))
}
