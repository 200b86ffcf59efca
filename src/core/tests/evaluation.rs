//! Evaluation that `tests/cases` cannot express: long documents, many fields, complements, interrupts.

mod common;

use common::{Case, checked, document, evaluate};
use segments_core::check::DocumentOnly;
use segments_core::program::{Program, Surroundings};
use segments_core::value::Json;
use std::sync::atomic::{AtomicUsize, Ordering};

#[track_caller]
fn assert_matches(cases: &[Case<'_>]) {
    common::assert_matches(&DocumentOnly, cases);
}

#[test]
fn rule_2_two_valued_logic() {
    for test in [
        r#"{"$eq": 1}"#,
        r#"{"$gt": 1}"#,
        r#"{"$in": [1, null]}"#,
        r#"{"$exists": true}"#,
        r#"{"$regex": "x"}"#,
        r#"{"$contains": "x"}"#,
        r#"{"$all": [1]}"#,
        r#"{"$elemMatch": {"$gt": 0}}"#,
        r#"{"$size": 1}"#,
        r#"{"$type": "number"}"#,
        r#"{"$empty": true}"#,
        r#"{"$eq": {"$date": "2024-01-01"}}"#,
    ] {
        let holds = checked(&format!(r#"{{"a.b": {test}}}"#), &DocumentOnly);
        let fails = checked(&format!(r#"{{"a.b": {{"$not": {test}}}}}"#), &DocumentOnly);
        for text in ["{}", r#"{"a": null}"#, r#"{"a": {"b": 1}}"#, r#"{"a": [{"b": "x"}, {}]}"#, r#"{"a": [1]}"#] {
            let document = document(text);
            assert_ne!(evaluate(&holds, &document), evaluate(&fails, &document), "{test} of {text}");
        }
    }
}

#[test]
fn many_fields_are_looked_up_in_one_go() {
    let fields = |range: std::ops::Range<i32>| range.map(|n| format!(r#""k{n}": {n}"#)).collect::<Vec<_>>().join(", ");
    let condition = format!("{{{}}}", fields(0..40));
    assert_matches(&[(
        &condition,
        &[&format!("{{{}}}", fields(0..50))],
        &[&format!("{{{}}}", fields(0..39)), &format!("{{{}}}", fields(1..50)), "{}"],
    )]);
}

/// Long strings are searched in another way, which must give the same results at the ends of text, lines and words.
#[test]
fn patterns_mean_the_same_in_long_strings() {
    let filling = "lorem ipsum ".repeat(8000);
    for (pattern, options, wanted) in [
        ("^lorem", "", true),
        ("^ipsum", "", false),
        ("^ipsum", "m", false),
        ("end$", "", true),
        ("ipsum $", "", false),
        ("ipsum $", "m", true),
        ("END", "i", true),
        ("END", "", false),
        (r"ipsum \nend", "", true),
        ("ipsum .end", "", false),
        ("ipsum .end", "s", true),
        (r"\\bsum", "", false),
        (r"\\bend\\b", "", true),
        ("", "", true),
        (r"^(lorem ipsum )+\nend$", "", true),
        (r"^(lorem ipsum )+end$", "", false),
        ("[lm]{1,40}[^a-z]{300}x", "", false),
    ] {
        let condition = format!(r#"{{"a": {{"$regex": "{pattern}", "$options": "{options}"}}}}"#);
        let program = Program::compile(&checked(&condition, &DocumentOnly));
        let document = document(&format!(r#"{{"a": "{filling}\nend"}}"#));
        assert_eq!(program.matches(&document, Surroundings::NONE), wanted, "{condition}");
    }
    let accented = document(&format!(r#"{{"a": "{filling} éa {filling}"}}"#));
    for (pattern, wanted) in [(r"\\ba\\b", false), (r"\\béa\\b", true), ("é", true), ("^.*é", true), ("[^ -~]a", true)]
    {
        let condition = format!(r#"{{"a": {{"$regex": "{pattern}"}}}}"#);
        assert_eq!(evaluate(&checked(&condition, &DocumentOnly), &accented), wanted, "{condition}");
    }
}

#[test]
fn long_arrays_can_be_interrupted() {
    static CALLS: AtomicUsize = AtomicUsize::new(0);
    let interrupt = || {
        CALLS.fetch_add(1, Ordering::Relaxed);
    };
    let document: Json = document(&format!(r#"{{"a": [{}0]}}"#, "{\"b\": 0}, ".repeat(10_000)));
    for condition in [
        r#"{"a": 1}"#,
        r#"{"a.b": 1}"#,
        r#"{"a": {"$elemMatch": {"b": 1}}}"#,
        r#"{"a": {"$elemMatch": {"$gt": 1}}}"#,
        r#"{"a": {"$every": {"b": 0}}}"#,
        r#"{"a": {"$filter": {"b": 0}, "$count": 0}}"#,
        r#"{"a": {"$sum": {"b": 1}}}"#,
        r#"{"a": {"$filter": {"b": 1}, "$last": {}}}"#,
        r#"{"a": {"$by": "at", "$first": {"b": 0}}}"#,
        r#"{"a": {"$sequence": [{"b": 0}, {"b": 1}]}}"#,
    ] {
        CALLS.store(0, Ordering::Relaxed);
        let program = Program::compile(&checked(condition, &DocumentOnly));
        assert!(!program.matches(&document, Surroundings { interrupt, ..Surroundings::NONE }));
        assert!(CALLS.load(Ordering::Relaxed) >= 2, "{condition}");
    }
}
