//! What the check prints of a condition is a condition that means the same.

#![no_main]

#[path = "../../conformance/generate/condition.rs"]
mod condition;
#[path = "../../conformance/generate/document.rs"]
mod document;
mod random;

use libfuzzer_sys::fuzz_target;
use random::Random;
use segments_core::check::{DocumentOnly, check};
use segments_core::expr::{Atom, Checked};
use segments_core::parse::parse;
use segments_core::program::{Program, Surroundings};

fuzz_target!(|bytes: &[u8]| {
    let mut random = Random::new(bytes);
    let document = document::generate(&mut random);
    let text = condition::generate(&mut random, &document).to_string();
    let first = checked(&text);
    let printed = print(&first);
    let again = checked(&printed);
    let matches = |checked: &Checked| Program::compile(checked).matches(&document, Surroundings::NONE);
    assert_eq!(matches(&first), matches(&again), "{text} as {printed} on {document}");
});

fn checked(text: &str) -> Checked {
    let condition = parse(text).unwrap_or_else(|error| panic!("{text}: {error}"));
    check(&condition, &DocumentOnly).unwrap_or_else(|errors| panic!("{text}: {}", errors[0]))
}

fn print(checked: &Checked) -> String {
    let fields = checked.try_map(&mut |atom| match atom {
        Atom::Field(field) => Some(field.clone()),
        Atom::Topic(_) => None,
    });
    fields.expect("conditions are generated without $topic").to_condition().to_string()
}
