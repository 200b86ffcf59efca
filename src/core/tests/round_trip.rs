//! What is printed reads back as the same condition, and the checked form of a condition means the same as the
//! condition.

mod common;

use common::audience::{NewYork, zone_named};
use common::generate::{self, Options, Shown};
use common::{Zoned, evaluate};
use proptest::prelude::*;
use segments_core::check::{Declaration, Environment, check};
use segments_core::date::{Instant, NamedZone};
use segments_core::error::Refusal;
use segments_core::expr::Checked;
use segments_core::parse::parse;
use segments_core::path::Path;
use segments_core::value::Json;

/// A scope without declarations, with a zone and a clock.
struct Undeclared;

impl Environment for Undeclared {
    fn property(&self, _: &Path) -> Declaration {
        Declaration::Undeclared
    }

    fn property_names(&self) -> Vec<String> {
        vec![]
    }

    fn topic(&self, _: &str) -> Result<String, Refusal> {
        unreachable!("conditions are generated without $topic")
    }

    fn topics(&self) -> Result<Vec<String>, Refusal> {
        unreachable!("conditions are generated without $topic")
    }

    fn segment(&self, _: &str) -> Result<Checked, Refusal> {
        unreachable!("conditions are generated without $segment")
    }

    fn zone(&self) -> NamedZone {
        NamedZone::new("America/New_York", NewYork)
    }

    fn find_zone(&self, name: &str) -> Option<NamedZone> {
        zone_named(name)
    }

    fn now(&self) -> Option<Instant> {
        Instant::from_micros(1_704_100_000_000_000)
    }
}

proptest! {
    #[test]
    fn what_is_printed_reads_back(Shown(condition) in generate::condition(Options { audience: true, pairs: true, any_text: true, in_element: false })) {
        let text = condition.to_string();
        let read = parse(&text);
        prop_assert_eq!(read.as_ref(), Ok(&condition), "{}", text);
        prop_assert_eq!(read.unwrap().to_string(), text);
    }

    /// Compiled SQL puts the printed form to documents, in UTC and without a clock.
    #[test]
    fn what_the_check_prints_means_what_it_checked(
        Shown(condition) in generate::condition(Options { audience: false, pairs: true, any_text: false, in_element: false }),
        documents in proptest::collection::vec(generate::document(), 8),
    ) {
        let checked = check(&condition, &Undeclared);
        prop_assert!(checked.is_ok(), "{}: {:?}", condition, checked);
        let checked = checked.unwrap();
        let printed = checked.on_document().unwrap().to_condition().to_string();
        let read = parse(&printed).map(|condition| check(&condition, &Zoned));
        let Ok(Ok(again)) = read else { return Err(TestCaseError::fail(format!("{printed}: {read:?}"))) };
        for Shown(document) in &documents {
            prop_assert_eq!(evaluate(&checked, document), evaluate(&again, document), "{} of {}", printed, document);
        }
    }

    /// The complement of a condition holds exactly where the condition does not.
    #[test]
    fn a_condition_or_its_complement_holds(
        Shown(condition) in generate::condition(Options { audience: false, pairs: true, any_text: false, in_element: false }),
        Shown(document) in generate::document(),
    ) {
        let checked = check(&condition, &Undeclared).unwrap();
        prop_assert_ne!(evaluate(&checked, &document), evaluate(&checked.not(), &document));
    }

    #[test]
    fn documents_read_back(Shown(document) in generate::document()) {
        prop_assert_eq!(Json::parse(&document.to_string()).unwrap(), document);
    }

    /// Any text is either read or refused.
    #[test]
    fn no_text_panics(text in "[{}\\[\\]:,\"$a-e0-9.\\\\ ]{0,40}|\\PC{0,40}") {
        if let Ok(condition) = parse(&text) {
            let _ = check(&condition, &Undeclared);
        }
    }
}

/// The checked form of a condition with long `$all` or deep nesting is within the limits, too.
#[test]
fn large_conditions_print_within_the_limits() {
    let list = (0..10_000).map(|n| n.to_string()).collect::<Vec<_>>().join(", ");
    let fields = |value: &str| {
        format!("{{{}}}", (0..10_000).map(|n| format!(r#""k{n}": {value}"#)).collect::<Vec<_>>().join(", "))
    };
    let deep = |open: &str, inner: &str, close: &str| format!("{}{inner}{}", open.repeat(64), close.repeat(64));
    for text in [
        format!(r#"{{"a": {{"$all": [{list}]}}}}"#),
        format!(r#"{{"a": {{"$as": "number[]", "$all": [{list}]}}}}"#),
        format!(r#"{{"a": {{"$not": {{"$all": [{list}]}}}}}}"#),
        format!(r#"{{"a": {{"$elemMatch": {{"$all": [{list}]}}}}}}"#),
        format!(r#"{{"a": {{"$elemMatch": {{"$all": [{list}], "$eq": 5, "$not": {{"$ne": 6}}}}}}}}"#),
        format!(r#"{{"$and": [{{"a": {{"$all": [{list}]}}}}, {{"a": {{"$all": [{list}]}}}}]}}"#),
        fields("1"),
        fields(r#"{"$as": "number", "$ne": 1}"#),
        deep(r#"{"b": 1, "$or": [{"c": 1}, "#, r#"{"a": 1}"#, "]}"),
        deep(r#"{"b": {"$ne": 1}, "$nor": [{"b": 2}, "#, r#"{"a": {"$as": "number", "$lt": 1}}"#, "]}"),
        deep(r#"{"a": {"$elemMatch": "#, r#"{"a": {"$as": "number", "$nin": [1]}}"#, "}}"),
        format!(r#"{{"a": {}}}"#, deep(r#"{"$gt": 1, "$not": "#, r#"{"$lt": 1}"#, "}")),
        format!(r#"{{"a": {}}}"#, deep(r#"{"$elemMatch": "#, r#"{"$gt": 1, "$lte": 5}"#, "}")),
    ] {
        let start: String = text.chars().take(60).collect();
        let condition = parse(&text).unwrap_or_else(|error| panic!("{start}: {error}"));
        let checked = check(&condition, &Undeclared).unwrap_or_else(|errors| panic!("{start}: {}", errors[0]));
        let printed = checked.on_document().unwrap().to_condition().to_string();
        assert!(parse(&printed).is_ok(), "{start}: {:?}", parse(&printed).unwrap_err());
    }
}
