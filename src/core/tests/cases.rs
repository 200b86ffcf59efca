//! The cases of `tests/cases`, put to the core.

mod common;

use common::audience::Audience;
use common::cases::{self, Case, FILES, Jsonpath, Refusal};
use common::{Zoned, assert_matches, checked, document, evaluate, refusals};
use segments_core::check::{DocumentOnly, Environment};
use segments_core::error::{Error, ErrorKind};
use segments_core::facts::{Facts, GinClass};
use std::fmt::Write;

fn texts(documents: &[String]) -> Vec<&str> {
    documents.iter().map(String::as_str).collect()
}

fn scope_of(case: &Case) -> &'static dyn Environment {
    if case.is_declared { &Audience } else { &DocumentOnly }
}

#[test]
fn documents_match_as_the_cases_say() {
    for (file, _) in FILES {
        let mut cases = cases::cases();
        cases.retain(|case| case.file == *file && case.refusal.is_none());
        let Some(first) = cases.first() else { continue };
        let documents: Vec<_> = cases.iter().map(|case| (texts(&case.matches), texts(&case.others))).collect();
        let rows = cases.iter().zip(&documents);
        let rows: Vec<_> = rows.map(|(case, (matches, others))| (&*case.condition, &**matches, &**others)).collect();
        assert_matches(scope_of(first), &rows);
    }
}

#[test]
fn what_is_refused_is_refused_as_the_cases_say() {
    let mut wrong = String::new();
    for case in cases::cases() {
        let Some(expected) = &case.refusal else { continue };
        let errors = refusals(&case.condition, scope_of(&case));
        if !matches!(errors.as_slice(), [error] if is_as_expected(error, expected)) {
            let Refusal { sqlstate, at, message, hint, .. } = expected;
            let expected = (kind(sqlstate), at, message, hint);
            writeln!(wrong, "{}: {}\n  expected {expected:?}\n  found    {errors:?}", case.file, case.condition)
                .unwrap();
        }
    }
    assert!(wrong.is_empty(), "\n{wrong}");
}

fn is_as_expected(error: &Error, expected: &Refusal) -> bool {
    let is = |found: &str, expected: &Option<String>| expected.as_deref().is_none_or(|expected| expected == found);
    error.kind == kind(&expected.sqlstate)
        && is(&error.pointer, &expected.at)
        && is(&error.message, &expected.message)
        && is(&error.hint, &expected.hint)
}

/// The kind of errors that the extension raises with this SQLSTATE.
fn kind(sqlstate: &str) -> ErrorKind {
    match sqlstate {
        "22P02" => ErrorKind::NotJson,
        "22023" => ErrorKind::Shape,
        "0A000" => ErrorKind::Unsupported,
        "42703" => ErrorKind::UnknownProperty,
        "42804" => ErrorKind::TypeMismatch,
        "2201B" => ErrorKind::BadPattern,
        "42704" => ErrorKind::UnknownObject,
        "42P17" => ErrorKind::Circle,
        "54001" => ErrorKind::TooDeep,
        "54000" => ErrorKind::TooLarge,
        _ => panic!("no mistake in a condition has SQLSTATE {sqlstate}"),
    }
}

#[test]
fn the_checked_form_is_what_the_cases_say() {
    for case in cases::cases() {
        let Some(expected) = &case.checked else { continue };
        assert_eq!(printed(&case.condition, scope_of(&case)), *expected, "{}: {}", case.file, case.condition);
        assert_eq!(printed(expected, &Zoned), *expected, "what is printed reads as itself");
    }
}

fn printed(condition: &str, scope: &dyn Environment) -> String {
    checked(condition, scope).on_document().expect("a condition on documents").to_condition().to_string()
}

#[test]
fn an_index_looks_for_what_the_cases_say() {
    for case in cases::cases() {
        let Some(expected) = &case.jsonpath else { continue };
        let facts = Facts::of(&checked(&case.condition, scope_of(&case)), GinClass::JsonbPath);
        let found = facts.and_then(|facts| facts.jsonpath).map_or(Jsonpath::Nothing, Jsonpath::Of);
        assert_eq!(found, *expected, "{}: {}", case.file, case.condition);
    }
}

/// Every document that matches has what an index looks for.
#[test]
fn an_index_loses_no_match() {
    for case in cases::cases().iter().filter(|case| case.refusal.is_none()) {
        let checked = checked(&case.condition, scope_of(case));
        for class in [GinClass::Jsonb, GinClass::JsonbPath] {
            let Some(facts) = Facts::of(&checked, class) else { continue };
            for text in &case.matches {
                assert!(evaluate(&facts.condition, &document(text)), "{}: {} loses {text}", case.file, case.condition);
            }
        }
    }
}

#[test]
fn every_file_of_the_folder_is_read() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/cases");
    let names = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let mut found: Vec<String> = names.filter_map(|name| name.strip_suffix(".toml").map(str::to_owned)).collect();
    found.retain(|name| name != "audience");
    found.sort();
    assert_eq!(found, FILES.iter().map(|(name, _)| *name).collect::<Vec<_>>());
}
