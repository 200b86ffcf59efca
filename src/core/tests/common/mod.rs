//! Shared by the tests: documents from text, and conditions that are put to them.
#![allow(dead_code, reason = "each test file is a crate of its own and uses a part")]

pub mod audience;
#[path = "../../../../tests/cases/read.rs"]
pub mod cases;
pub mod generate;
pub mod naive;

use segments_core::check::{Declaration, DocumentOnly, Environment, check};
use segments_core::date::NamedZone;
use segments_core::error::{Error, ErrorKind};
use segments_core::expr::Checked;
use segments_core::parse::parse;
use segments_core::path::Path;
use segments_core::program::{Program, Surroundings};
use segments_core::program_set::{Matches, ProgramSet};
use segments_core::value::Json;

/// Reads a document.
#[track_caller]
pub fn document(text: &str) -> Json {
    Json::parse(text).unwrap_or_else(|error| panic!("{text} is not a document: {error}"))
}

/// The checked condition in the scope.
#[track_caller]
pub fn checked(condition: &str, scope: &dyn Environment) -> Checked {
    let parsed = parse(condition).unwrap_or_else(|error| panic!("{condition}: {error}"));
    check(&parsed, scope).unwrap_or_else(|errors| panic!("{condition}: {errors:?}"))
}

pub fn evaluate(checked: &Checked, document: &Json) -> bool {
    Program::compile(checked).matches(document, Surroundings::NONE)
}

/// A scope with nothing but a document, which knows the zone of the tests.
pub struct Zoned;

impl Environment for Zoned {
    fn property(&self, name: &Path) -> Declaration {
        DocumentOnly.property(name)
    }

    fn find_zone(&self, name: &str) -> Option<NamedZone> {
        audience::zone_named(name)
    }
}

/// A row of a table of cases: a condition, documents that match it, and documents that do not.
pub type Case<'a> = (&'a str, &'a [&'a str], &'a [&'a str]);

/// Puts each condition to its documents: by itself, as the text that compiled SQL has, and all conditions together.
#[track_caller]
pub fn assert_matches(scope: &dyn Environment, cases: &[Case<'_>]) {
    let mut wrong = Vec::new();
    let all: Vec<Checked> = cases.iter().map(|(condition, ..)| checked(condition, scope)).collect();
    let set = ProgramSet::compile(&all);
    let mut matches = Matches::new();
    for (number, (condition, matching, others)) in cases.iter().enumerate() {
        let checked = &all[number];
        let printed = checked.on_document().expect("no topics in tables of cases").to_condition().to_string();
        let again = self::checked(&printed, &Zoned);
        let expected = matching.iter().map(|text| (text, true)).chain(others.iter().map(|text| (text, false)));
        for (text, expected) in expected {
            let document = document(text);
            if evaluate(checked, &document) != expected {
                wrong.push(format!("{condition} should say {expected} of {text}"));
            }
            set.matching(&document, Surroundings::NONE, &mut matches);
            if matches.iter().any(|member| member == number) != expected {
                wrong.push(format!("{condition}, among others, should say {expected} of {text}"));
            }
            if evaluate(&again, &document) != expected {
                wrong.push(format!("{condition} prints to {printed}, which should say {expected} of {text}"));
            }
        }
    }
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
}

/// The errors of a condition, from the parser or from the check.
pub fn refusals(text: &str, scope: &dyn Environment) -> Vec<Error> {
    match parse(text) {
        Err(error) => vec![error],
        Ok(condition) => check(&condition, scope).err().unwrap_or_default(),
    }
}

/// The first error of a condition on documents alone.
pub fn refusal(text: &str) -> Option<Error> {
    refusals(text, &DocumentOnly).into_iter().next()
}

/// Asserts that the condition is refused with this kind, or is not refused.
#[track_caller]
pub fn assert_kind(text: &str, kind: Option<ErrorKind>) {
    let shown: String = text.chars().take(80).collect();
    assert_eq!(refusal(text).map(|error| error.kind), kind, "{shown}");
}
