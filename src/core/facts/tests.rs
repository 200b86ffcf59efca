use super::*;
use crate::check::{DocumentOnly, check};
use crate::parse::parse;

fn facts(condition: &str, class: GinClass) -> Option<Facts> {
    let condition = parse(condition).unwrap_or_else(|error| panic!("{condition}: {error}"));
    Facts::of(&check(&condition, &DocumentOnly).unwrap_or_else(|errors| panic!("{condition}: {}", errors[0])), class)
}

/// What an index of scalars alone can look for.
fn jsonpath(condition: &str) -> Option<String> {
    facts(condition, GinClass::JsonbPath)?.jsonpath
}

#[test]
fn equality_becomes_lax_jsonpath() {
    for (condition, expected) in [
        (r#"{"a": 1}"#, r#"$."a" == 1"#),
        (r#"{"a": -1.50}"#, r#"$."a" == -1.5"#),
        (r#"{"a": 9007199254740993}"#, r#"$."a" == 9007199254740993"#),
        (r#"{"a": 1e300}"#, r#"$."a" == 1e300"#),
        (r#"{"a": true}"#, r#"$."a" == true"#),
        (r#"{"a": "x"}"#, r#"$."a" == "x""#),
        (r#"{"a": ""}"#, r#"$."a" == """#),
        (r#"{"é": "日本"}"#, r#"$."é" == "日本""#),
        (r#"{"a": "say \"\\\" \n"}"#, r#"$."a" == "say \"\\\" \u000a""#),
        (r#"{"a b\"": 1}"#, r#"$."a b\"" == 1"#),
        (r#"{"a": {"$as": "number", "$eq": 1}}"#, r#"$."a" == 1"#),
        (r#"{"a": {"$as": "string[]", "$eq": "x"}}"#, r#"$."a" == "x""#),
    ] {
        assert_eq!(jsonpath(condition).as_deref(), Some(expected), "{condition}");
    }
}

#[test]
fn paths_walk_keys_and_read_numbers_both_ways() {
    for (condition, expected) in [
        (r#"{"a.b": 1}"#, r#"$."a"."b" == 1"#),
        (r#"{"0": 1}"#, r#"$."0" == 1"#),
        (r#"{"a.0": 1}"#, r#"$."a"."0" == 1 || $."a"[0] == 1"#),
        (r#"{"a.01": 1}"#, r#"$."a"."01" == 1"#),
        (r#"{"a.99999999999": 1}"#, r#"$."a"."99999999999" == 1"#),
        (r#"{"a.0.1": 1}"#, r#"$."a"."0"."1" == 1 || $."a"[0]."1" == 1 || $."a"."0"[1] == 1 || $."a"[0][1] == 1"#),
    ] {
        assert_eq!(jsonpath(condition).as_deref(), Some(expected), "{condition}");
    }
    assert_eq!(jsonpath(r#"{"a.0.0.0": 1}"#), None);
}

#[test]
fn containers_are_found_by_the_scalars_in_them() {
    for (condition, expected) in [
        (r#"{"a": ["x", "y"]}"#, r#"$."a"[*] == "x" && $."a"[*] == "y""#),
        (r#"{"a": [["x"], null]}"#, r#"$."a"[*][*] == "x""#),
        (r#"{"a": {"$eq": {"b": 1, "c": {"d": [true]}}}}"#, r#"$."a"."b" == 1 && $."a"."c"."d"[*] == true"#),
        (r#"{"a": {"$all": ["x", "y"]}}"#, r#"$."a" == "x" && $."a" == "y""#),
        (r#"{"a": {"$elemMatch": {"b": 1, "c": {"$gt": 2}}}}"#, r#"$."a"[*]."b" == 1"#),
        (r#"{"a": {"$elemMatch": {"0": 1}}}"#, r#"$."a"[*]."0" == 1 || $."a"[*][0] == 1"#),
        (r#"{"a": {"$elemMatch": {"$in": [1, 2]}}}"#, r#"$."a"[*] == 1 || $."a"[*] == 2"#),
        (r#"{"a": {"$elemMatch": {"$elemMatch": {"$eq": 1}}}}"#, r#"$."a"[*][*] == 1"#),
    ] {
        assert_eq!(jsonpath(condition).as_deref(), Some(expected), "{condition}");
    }
    for condition in [r#"{"a": []}"#, r#"{"a": {"$eq": {}}}"#, r#"{"a": [null]}"#, r#"{"a": {"$eq": {"b": null}}}"#] {
        assert_eq!(jsonpath(condition), None, "{condition}");
    }
}

#[test]
fn trees_keep_what_must_hold() {
    for (condition, expected) in [
        (r#"{"a": 1, "b": 2}"#, r#"$."a" == 1 && $."b" == 2"#),
        (r#"{"a": 1, "b": {"$gt": 2}, "c": {"$ne": 3}}"#, r#"$."a" == 1"#),
        (r#"{"a": {"$in": [1, "x", 1]}}"#, r#"$."a" == 1 || $."a" == "x""#),
        (r#"{"$or": [{"a": 1}, {"b": 2, "c": {"$exists": false}}]}"#, r#"$."a" == 1 || $."b" == 2"#),
        (r#"{"c": 3, "$or": [{"a": 1}, {"b": 2}]}"#, r#"$."c" == 3 && ($."a" == 1 || $."b" == 2)"#),
        (r#"{"$or": [{"a": 1, "b": 2}, {"c": 3}]}"#, r#"$."a" == 1 && $."b" == 2 || $."c" == 3"#),
        (r#"{"$nor": [{"a": {"$ne": 1}}, {"b": {"$ne": 2}}]}"#, r#"$."a" == 1 && $."b" == 2"#),
        (r#"{"$nor": [{"a": {"$ne": 1}, "b": {"$ne": 2}}]}"#, r#"$."a" == 1 || $."b" == 2"#),
    ] {
        assert_eq!(jsonpath(condition).as_deref(), Some(expected), "{condition}");
    }
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
    // The value null inside an element is there, but a field of the element may be missing.
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
        // Of other tests, where there is nothing better.
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
    // Of a conjunction, the longest part goes.
    let both = format!("{{{}, {}}}", in_list("a", MOST_EQUALITIES), in_list("b", 2));
    assert_eq!(jsonpath(&both).as_deref(), Some(r#"$."b" == 0 || $."b" == 1"#));
    let either = format!(r#"{{"$or": [{{{}}}, {{"b": 1}}]}}"#, in_list("a", MOST_EQUALITIES));
    assert_eq!(jsonpath(&either), None);
}
