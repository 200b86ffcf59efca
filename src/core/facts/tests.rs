//! Facts that `tests/cases` cannot express.

use super::*;
use crate::check::{DocumentOnly, check};
use crate::parse::parse;

fn facts(condition: &str, class: GinClass) -> Option<Facts> {
    let condition = parse(condition).unwrap_or_else(|error| panic!("{condition}: {error}"));
    Facts::of(&check(&condition, &DocumentOnly).unwrap_or_else(|errors| panic!("{condition}: {}", errors[0])), class)
}

/// The jsonpath for an index of scalars alone.
fn jsonpath(condition: &str) -> Option<String> {
    facts(condition, GinClass::JsonbPath)?.jsonpath
}

#[test]
fn what_a_missing_field_satisfies_is_no_fact() {
    for condition in [
        r#"{"a": null}"#,
        r#"{"a": {"$in": [1, null]}}"#,
        r#"{"a": {"$ne": 1}}"#,
        r#"{"a": {"$nin": [1, 2]}}"#,
        r#"{"a": {"$not": {"$eq": 1}}}"#,
        r#"{"a": {"$exists": false}}"#,
        r#"{"a": {"$empty": true}}"#,
        r#"{"$nor": [{"a": 1}]}"#,
        r#"{"$or": [{"a": 1}, {"a": {"$exists": false}}]}"#,
        r#"{"$or": [{"a": 1}, {"$nor": [{"b": 1}]}]}"#,
        r#"{"a": {"$in": []}}"#,
        "{}",
    ] {
        assert_eq!(facts(condition, GinClass::Jsonb), None, "{condition}");
    }
    // A null element is present, but a field of an element may be missing.
    assert_eq!(jsonpath(r#"{"a": {"$elemMatch": {"b": null}}}"#), None);
}

#[test]
fn an_index_with_keys_knows_what_exists() {
    for (condition, path, keys, says) in [
        (r#"{"a": {"$exists": true}}"#, None, &[&["a"][..]][..], r#"{"a": {"$exists": true}}"#),
        (
            r#"{"a": 1, "b": {"$exists": true}}"#,
            Some(r#"$."a" == 1"#),
            &[&["b"]],
            r#"{"a": 1, "b": {"$exists": true}}"#,
        ),
        (
            r#"{"$or": [{"b": {"$exists": true}}, {"a": {"$exists": true}}], "c": {"$gt": 1}}"#,
            None,
            &[&["a", "b"]],
            r#"{"$or": [{"a": {"$exists": true}}, {"b": {"$exists": true}}]}"#,
        ),
        // The keys of other tests are used only where there is nothing better.
        (r#"{"a": {"$date": "2024-01-01"}}"#, None, &[&["a"]], r#"{"a": {"$exists": true}}"#),
        (r#"{"a": {"$gt": 1}}"#, None, &[&["a"]], r#"{"a": {"$exists": true}}"#),
        (r#"{"a.b": {"$regex": "x"}}"#, None, &[&["a"]], r#"{"a": {"$exists": true}}"#),
        (r#"{"a.b": {"$exists": true}}"#, None, &[&["a"]], r#"{"a": {"$exists": true}}"#),
        (r#"{"a": {"$elemMatch": {"b": null}}}"#, None, &[&["a"]], r#"{"a": {"$exists": true}}"#),
        (
            r#"{"$or": [{"b": {"$exists": true}}, {"a": 1}]}"#,
            None,
            &[&["a", "b"]],
            r#"{"$or": [{"a": {"$exists": true}}, {"b": {"$exists": true}}]}"#,
        ),
        (r#"{"$or": [{"b": {"$exists": true}}, {"b": {"$lt": 1}}]}"#, None, &[&["b"]], r#"{"b": {"$exists": true}}"#),
        (
            r#"{"a": {"$size": 1}, "b": {"$type": "null"}}"#,
            None,
            &[&["a"], &["b"]],
            r#"{"a": {"$exists": true}, "b": {"$exists": true}}"#,
        ),
        (r#"{"a": {"$gt": 1}, "b": 2, "c": {"$ne": 3}}"#, Some(r#"$."b" == 2"#), &[], r#"{"b": 2}"#),
        (
            r#"{"$or": [{"a": 1, "d": {"$gt": 1}}, {"b": 2, "c": {"$ne": 3}}]}"#,
            Some(r#"$."a" == 1 || $."b" == 2"#),
            &[],
            r#"{"$or": [{"a": 1}, {"b": 2}]}"#,
        ),
    ] {
        let facts = facts(condition, GinClass::Jsonb).unwrap_or_else(|| panic!("{condition}"));
        let said = check(&parse(says).unwrap(), &DocumentOnly).unwrap();
        assert_eq!((facts.jsonpath.as_deref(), facts.condition), (path, said), "{condition}");
        assert_eq!(facts.present, keys, "{condition}");
    }
    assert_eq!(facts(r#"{"a": {"$exists": true}}"#, GinClass::JsonbPath), None);
}

#[test]
fn a_jsonpath_has_a_bounded_size() {
    let entries = |count: usize| (0..count).map(|entry| entry.to_string()).collect::<Vec<_>>().join(", ");
    let in_list = |field: &str, count| format!(r#""{field}": {{"$in": [{}]}}"#, entries(count));
    assert!(jsonpath(&format!("{{{}}}", in_list("a", MOST_EQUALITIES))).is_some());
    assert_eq!(jsonpath(&format!("{{{}}}", in_list("a", MOST_EQUALITIES + 1))), None);
    // The longest part of a conjunction is left out.
    let both = format!("{{{}, {}}}", in_list("a", MOST_EQUALITIES), in_list("b", 2));
    assert_eq!(jsonpath(&both).as_deref(), Some(r#"$."b" == 0 || $."b" == 1"#));
    let either = format!(r#"{{"$or": [{{{}}}, {{"b": 1}}]}}"#, in_list("a", MOST_EQUALITIES));
    assert_eq!(jsonpath(&either), None);
}
