//! What matches what: a table for every operator and every numbered rule of the language.
//!
//! Each row is a condition, documents that match it, and documents that do not.

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
fn members_are_anded_and_none_means_everyone() {
    assert_matches(&[
        ("{}", &["{}", r#"{"a": 1}"#], &[]),
        (r#"{"a": 1, "b": 2}"#, &[r#"{"a": 1, "b": 2}"#], &[r#"{"a": 1}"#, r#"{"b": 2}"#, "{}"]),
    ]);
}

#[test]
fn conditions_combine() {
    let (one, two, both, neither) = (r#"{"a": 1}"#, r#"{"b": 2}"#, r#"{"a": 1, "b": 2}"#, "{}");
    assert_matches(&[
        (r#"{"$and": [{"a": 1}, {"b": 2}]}"#, &[both], &[one, two, neither]),
        (r#"{"$or": [{"a": 1}, {"b": 2}]}"#, &[one, two, both], &[neither]),
        (r#"{"$nor": [{"a": 1}, {"b": 2}]}"#, &[neither], &[one, two, both]),
        (r#"{"$not": {"a": 1, "b": 2}}"#, &[one, two, neither], &[both]),
        (r#"{"$nor": [{"a": 1, "b": 2}]}"#, &[one, two, neither], &[both]),
        (r#"{"$and": [{"$or": [{"a": 1}, {"b": 2}]}, {"$or": [{"a": 2}, {"b": 2}]}]}"#, &[two, both], &[one, neither]),
        (r#"{"$nor": [{"$nor": [{"a": 1}]}]}"#, &[one, both], &[two, neither]),
        (r#"{"$or": [{"a": 1}], "b": 2}"#, &[both], &[one, two, neither]),
    ]);
}

#[test]
fn eq_is_of_any_json_value() {
    assert_matches(&[
        (r#"{"a": "x"}"#, &[r#"{"a": "x"}"#], &[r#"{"a": "X"}"#, r#"{"a": "xx"}"#, r#"{"a": null}"#]),
        (r#"{"a": {"$eq": true}}"#, &[r#"{"a": true}"#], &[r#"{"a": false}"#, r#"{"a": 1}"#, r#"{"a": "true"}"#]),
        (r#"{"a": 0}"#, &[r#"{"a": 0}"#], &[r#"{"a": false}"#, r#"{"a": ""}"#, r#"{"a": null}"#, "{}"]),
        (r#"{"a": ""}"#, &[r#"{"a": ""}"#, r#"{"a": [""]}"#], &[r#"{"a": null}"#, "{}", r#"{"a": []}"#]),
        (r#"{"a": {}}"#, &[r#"{"a": {}}"#, r#"{"a": [{}]}"#], &[r#"{"a": {"b": 1}}"#, r#"{"a": []}"#, "{}"]),
        (r#"{"a": []}"#, &[r#"{"a": []}"#, r#"{"a": [[]]}"#], &[r#"{"a": [1]}"#, r#"{"a": {}}"#, "{}"]),
    ]);
}

#[test]
fn ne_is_the_exact_complement_of_eq() {
    assert_matches(&[
        (
            r#"{"a": {"$ne": 1}}"#,
            &[r#"{"a": 2}"#, r#"{"a": "1"}"#, r#"{"a": null}"#, "{}", r#"{"a": []}"#],
            &[r#"{"a": 1}"#, r#"{"a": [1, 2]}"#],
        ),
        (r#"{"a": {"$ne": null}}"#, &[r#"{"a": 1}"#, r#"{"a": []}"#], &["{}", r#"{"a": null}"#, r#"{"a": [null]}"#]),
        (r#"{"a": {"$ne": [1]}}"#, &[r#"{"a": 1}"#, r#"{"a": [1, 1]}"#], &[r#"{"a": [1]}"#, r#"{"a": [[1]]}"#]),
        (r#"{"a.b": {"$ne": 1}}"#, &[r#"{"a": [{"b": 2}]}"#, r#"{"a": []}"#], &[r#"{"a": [{"b": 2}, {"b": 1}]}"#]),
    ]);
}

#[test]
fn order_is_inside_one_type() {
    assert_matches(&[
        (
            r#"{"a": {"$gt": 1}}"#,
            &[r#"{"a": 2}"#, r#"{"a": 1.5}"#],
            &[r#"{"a": 1}"#, r#"{"a": "2"}"#, r#"{"a": true}"#, r#"{"a": null}"#, r#"{"a": {"b": 2}}"#, "{}"],
        ),
        (
            r#"{"a": {"$gte": "b"}}"#,
            &[r#"{"a": "b"}"#, r#"{"a": "bb"}"#, r#"{"a": "c"}"#],
            &[r#"{"a": "a"}"#, r#"{"a": "Z"}"#, r#"{"a": 5}"#],
        ),
        (r#"{"a": {"$lt": true}}"#, &[r#"{"a": false}"#], &[r#"{"a": true}"#, r#"{"a": 0}"#]),
        (r#"{"a": {"$lte": false}}"#, &[r#"{"a": false}"#], &[r#"{"a": true}"#, r#"{"a": null}"#]),
        (r#"{"a": {"$lt": ""}}"#, &[], &[r#"{"a": ""}"#, r#"{"a": "a"}"#, "{}"]),
        (r#"{"a": {"$gte": 1, "$lt": 3}}"#, &[r#"{"a": 1}"#, r#"{"a": 2.99}"#], &[r#"{"a": 3}"#, r#"{"a": 0}"#]),
    ]);
}

#[test]
fn in_is_eq_to_any_entry_and_nin_its_complement() {
    assert_matches(&[
        (
            r#"{"a": {"$in": [1, "x"]}}"#,
            &[r#"{"a": 1.0}"#, r#"{"a": "x"}"#, r#"{"a": [0, "x"]}"#],
            &[r#"{"a": "1"}"#, r#"{"a": null}"#, "{}"],
        ),
        (r#"{"a": {"$in": [null]}}"#, &["{}", r#"{"a": null}"#, r#"{"a": [1, null]}"#], &[r#"{"a": []}"#]),
        (
            r#"{"a": {"$in": [[1, 2], {"b": 1}, false]}}"#,
            &[
                r#"{"a": [1, 2]}"#,
                r#"{"a": [[1, 2]]}"#,
                r#"{"a": {"b": 1}}"#,
                r#"{"a": [{"b": 1}]}"#,
                r#"{"a": false}"#,
            ],
            &[r#"{"a": [2, 1]}"#, r#"{"a": 1}"#, r#"{"a": {"b": 2}}"#, "{}"],
        ),
        (
            r#"{"a": {"$in": [3, 1, 2, "b", "a", "ccc"]}}"#,
            &[r#"{"a": 2}"#, r#"{"a": "ccc"}"#, r#"{"a": 1e0}"#],
            &[r#"{"a": 4}"#, r#"{"a": "c"}"#],
        ),
        (r#"{"a": {"$in": []}}"#, &[], &["{}", r#"{"a": []}"#, r#"{"a": null}"#]),
        (r#"{"a": {"$nin": []}}"#, &["{}", r#"{"a": []}"#, r#"{"a": 1}"#], &[]),
        (r#"{"a": {"$nin": [1, 2]}}"#, &["{}", r#"{"a": 3}"#, r#"{"a": null}"#], &[r#"{"a": 1}"#, r#"{"a": [3, 2]}"#]),
        (r#"{"a": {"$nin": [null]}}"#, &[r#"{"a": 3}"#], &["{}", r#"{"a": null}"#]),
    ]);
}

#[test]
fn exists_asks_for_the_key() {
    assert_matches(&[
        (r#"{"a": {"$exists": true}}"#, &[r#"{"a": null}"#, r#"{"a": []}"#, r#"{"a": 0}"#], &["{}", r#"{"b": 1}"#]),
        (r#"{"a": {"$exists": false}}"#, &["{}", r#"{"b": 1}"#], &[r#"{"a": null}"#, r#"{"a": 1}"#]),
        (
            r#"{"a.b": {"$exists": true}}"#,
            &[r#"{"a": {"b": null}}"#, r#"{"a": [1, {"b": 1}]}"#],
            &[r#"{"a": {}}"#, r#"{"a": [{"c": 1}]}"#, r#"{"a": "b"}"#],
        ),
        (r#"{"a.1": {"$exists": true}}"#, &[r#"{"a": [0, null]}"#], &[r#"{"a": [0]}"#]),
    ]);
}

#[test]
fn regex_matches_strings_anywhere() {
    assert_matches(&[
        (
            r#"{"a": {"$regex": "b+"}}"#,
            &[r#"{"a": "abbc"}"#, r#"{"a": ["x", "b"]}"#],
            &[r#"{"a": "ac"}"#, r#"{"a": 1}"#, r#"{"a": {"b": "b"}}"#, r#"{"a": [["b"]]}"#, "{}"],
        ),
        (r#"{"a": {"$regex": "^b$"}}"#, &[r#"{"a": "b"}"#], &[r#"{"a": "ab"}"#, r#"{"a": "b\n"}"#, r#"{"a": "B"}"#]),
        (r#"{"a": {"$regex": "^b$", "$options": "i"}}"#, &[r#"{"a": "B"}"#], &[r#"{"a": "a\nb"}"#]),
        (r#"{"a": {"$regex": "^b$", "$options": "m"}}"#, &[r#"{"a": "a\nb\nc"}"#], &[r#"{"a": "B"}"#]),
        (r#"{"a": {"$regex": "a.b", "$options": "s"}}"#, &[r#"{"a": "a\nb"}"#], &[r#"{"a": "ab"}"#]),
        (r#"{"a": {"$regex": "a.b"}}"#, &[r#"{"a": "a b"}"#], &[r#"{"a": "a\nb"}"#]),
        (r#"{"a": {"$regex": "a b # c", "$options": "x"}}"#, &[r#"{"a": "ab"}"#], &[r#"{"a": "a b"}"#]),
        (r#"{"a": {"$regex": "^É.$", "$options": "ims"}}"#, &[r#"{"a": "é\n"}"#], &[r#"{"a": "e\n"}"#]),
        // Rule 8: Unicode's classes, and characters rather than bytes
        (r#"{"a": {"$regex": "^\\d\\w.$"}}"#, &[r#"{"a": "٣é😀"}"#], &[r#"{"a": "٣é😀😀"}"#]),
        (r#"{"a": {"$regex": ""}}"#, &[r#"{"a": ""}"#, r#"{"a": "x"}"#], &[r#"{"a": null}"#, "{}"]),
    ]);
}

#[test]
fn text_tests_take_no_wildcards() {
    assert_matches(&[
        (
            r#"{"a": {"$contains": "a.c"}}"#,
            &[r#"{"a": "xa.cx"}"#, r#"{"a": ["a.c"]}"#],
            &[r#"{"a": "abc"}"#, r#"{"a": "A.C"}"#, r#"{"a": [["a.c"]]}"#, "{}"],
        ),
        (r#"{"a": {"$contains": "100%_"}}"#, &[r#"{"a": "is 100%_ it"}"#], &[r#"{"a": "100xx"}"#]),
        (r#"{"a": {"$startsWith": "^a"}}"#, &[r#"{"a": "^ab"}"#], &[r#"{"a": "ab"}"#, r#"{"a": "x^a"}"#]),
        (r#"{"a": {"$endsWith": "$"}}"#, &[r#"{"a": "us$"}"#], &[r#"{"a": "us"}"#, r#"{"a": "$x"}"#]),
        (r#"{"a": {"$startsWith": "Ab", "$options": "i"}}"#, &[r#"{"a": "aBc"}"#], &[r#"{"a": "xab"}"#]),
        (
            r#"{"a": {"$endsWith": "É", "$options": "i"}}"#,
            &[r#"{"a": "café"}"#],
            &[r#"{"a": "cafe"}"#, r#"{"a": "é\n"}"#],
        ),
        (r#"{"a": {"$contains": "STRASSE", "$options": "ii"}}"#, &[r#"{"a": "strasse"}"#], &[r#"{"a": "straße"}"#]),
        (r#"{"a": {"$contains": "x", "$options": ""}}"#, &[r#"{"a": "x"}"#], &[r#"{"a": "X"}"#]),
        (r#"{"a": {"$contains": ""}}"#, &[r#"{"a": ""}"#, r#"{"a": "x"}"#], &[r#"{"a": 1}"#, "{}", r#"{"a": null}"#]),
        (
            r#"{"a": {"$contains": "b", "$endsWith": "c", "$regex": "^A", "$options": "i"}}"#,
            &[r#"{"a": "aBC"}"#],
            &[r#"{"a": "bc"}"#],
        ),
    ]);
}

#[test]
fn not_is_the_complement_so_missing_matches() {
    assert_matches(&[
        (
            r#"{"a": {"$not": {"$gt": 5}}}"#,
            &[r#"{"a": 5}"#, r#"{"a": "x"}"#, "{}", r#"{"a": null}"#, r#"{"a": []}"#],
            &[r#"{"a": 6}"#, r#"{"a": [1, 6]}"#],
        ),
        (
            r#"{"a": {"$not": {"$gt": 5, "$lt": 9}}}"#,
            &[r#"{"a": 5}"#, r#"{"a": 9}"#, "{}"],
            &[
                r#"{"a": 7}"#,
                // Rule 3: 10 is more than 5, and 1 less than 9.
                r#"{"a": [1, 10]}"#,
            ],
        ),
        (r#"{"a": {"$not": {"$regex": "^x"}}}"#, &[r#"{"a": "y"}"#, r#"{"a": 1}"#, "{}"], &[r#"{"a": ["y", "x"]}"#]),
        (r#"{"a": {"$not": {"$not": {"$eq": 1}}}}"#, &[r#"{"a": 1}"#], &[r#"{"a": 2}"#, "{}"]),
        (r#"{"a": {"$gt": 1, "$not": {"$gt": 5}}}"#, &[r#"{"a": 3}"#], &[r#"{"a": 6}"#, r#"{"a": 1}"#, "{}"]),
        (r#"{"a": {"$not": {"$elemMatch": {"$gt": 1}}}}"#, &["{}", r#"{"a": 2}"#, r#"{"a": [1]}"#], &[r#"{"a": [2]}"#]),
    ]);
}

#[test]
fn all_wants_every_entry() {
    assert_matches(&[
        (
            r#"{"a": {"$all": [1, 2]}}"#,
            &[r#"{"a": [2, 3, 1]}"#],
            &[r#"{"a": [1]}"#, r#"{"a": 1}"#, r#"{"a": [[1, 2]]}"#],
        ),
        (r#"{"a": {"$all": [1]}}"#, &[r#"{"a": 1}"#, r#"{"a": [1]}"#], &[r#"{"a": [[1]]}"#, "{}"]),
        (r#"{"a": {"$all": [1, 1]}}"#, &[r#"{"a": 1}"#], &[r#"{"a": 2}"#]),
        (
            r#"{"a": {"$all": [null]}}"#,
            &["{}", r#"{"a": null}"#, r#"{"a": [null, 1]}"#],
            &[r#"{"a": []}"#, r#"{"a": 1}"#],
        ),
        (r#"{"a": {"$all": []}}"#, &[], &["{}", r#"{"a": []}"#, r#"{"a": [1]}"#]),
        (r#"{"a": {"$all": [[1, 2]]}}"#, &[r#"{"a": [1, 2]}"#, r#"{"a": [[1, 2], 3]}"#], &[r#"{"a": [1, 2, 3]}"#]),
        (
            r#"{"a": {"$all": [{"b": 1}]}}"#,
            &[r#"{"a": {"b": 1}}"#, r#"{"a": [{"b": 1}]}"#],
            &[r#"{"a": {"b": 1, "c": 2}}"#],
        ),
        (
            r#"{"a": {"$all": [{"$elemMatch": {"$gt": 1, "$lt": 4}}, {"$elemMatch": {"$gt": 5}}]}}"#,
            &[r#"{"a": [2, 6]}"#],
            &[r#"{"a": [2, 3]}"#, r#"{"a": [1, 6]}"#, r#"{"a": 2}"#],
        ),
        (r#"{"a": {"$all": [{"$elemMatch": {"b": 1}}, 7]}}"#, &[r#"{"a": [{"b": 1}, 7]}"#], &[r#"{"a": [{"b": 1}]}"#]),
        (
            r#"{"a.b": {"$all": [1, 2]}}"#,
            &[r#"{"a": [{"b": 1}, {"b": 2}]}"#, r#"{"a": {"b": [1, 2]}}"#],
            &[r#"{"a": [{"b": 1}]}"#],
        ),
    ]);
}

#[test]
fn elem_match_binds_tests_to_one_element() {
    assert_matches(&[
        (
            r#"{"a": {"$elemMatch": {"$gte": 80, "$lt": 85}}}"#,
            &[r#"{"a": [1, 82]}"#],
            &[r#"{"a": [75, 90]}"#, r#"{"a": 82}"#, r#"{"a": []}"#, "{}"],
        ),
        (
            r#"{"a": {"$elemMatch": {"b": 1, "c": {"$gt": 5}}}}"#,
            &[r#"{"a": [{"b": 1, "c": 6}]}"#],
            &[r#"{"a": [{"b": 1}, {"c": 6}]}"#, r#"{"a": {"b": 1, "c": 6}}"#],
        ),
        // Not into the element
        (r#"{"a": {"$elemMatch": {"$eq": 18}}}"#, &[r#"{"a": [18]}"#], &[r#"{"a": [[18]]}"#]),
        (r#"{"a": {"$elemMatch": {"$eq": [18]}}}"#, &[r#"{"a": [[18]]}"#], &[r#"{"a": [18]}"#]),
        (
            r#"{"a": {"$elemMatch": {"$in": [18, [19]]}}}"#,
            &[r#"{"a": [18]}"#, r#"{"a": [[19]]}"#],
            &[r#"{"a": [[18]]}"#],
        ),
        (r#"{"a": {"$elemMatch": {"$type": "number"}}}"#, &[r#"{"a": [1]}"#], &[r#"{"a": [[1]]}"#]),
        (r#"{"a": {"$elemMatch": {"$regex": "x"}}}"#, &[r#"{"a": ["x"]}"#], &[r#"{"a": [["x"]]}"#]),
        (r#"{"a": {"$elemMatch": {"$all": [1, 2]}}}"#, &[], &[r#"{"a": [[1, 2]]}"#, r#"{"a": [1, 2]}"#]),
        // Complements
        (
            r#"{"a": {"$elemMatch": {"$ne": 1}}}"#,
            &[r#"{"a": [1, 2]}"#, r#"{"a": [[1]]}"#],
            &[r#"{"a": [1]}"#, r#"{"a": []}"#],
        ),
        (r#"{"a": {"$elemMatch": {"$nin": [1, 2]}}}"#, &[r#"{"a": [1, 3]}"#], &[r#"{"a": [1, 2]}"#]),
        (r#"{"a": {"$elemMatch": {"$not": {"$gt": 1}}}}"#, &[r#"{"a": [1]}"#, r#"{"a": ["x"]}"#], &[r#"{"a": [2]}"#]),
        (
            r#"{"a": {"$elemMatch": {"$not": {"$gt": 1, "$lt": 5}}}}"#,
            &[r#"{"a": [1]}"#, r#"{"a": [5]}"#],
            &[r#"{"a": [2]}"#],
        ),
        (r#"{"a": {"$elemMatch": {"$ne": 1, "$not": {"$eq": 2}}}}"#, &[r#"{"a": [3]}"#], &[r#"{"a": [1, 2]}"#]),
        (r#"{"a": {"$elemMatch": {"$gt": 1, "$not": {"$not": {"$gt": 2}}}}}"#, &[r#"{"a": [3]}"#], &[r#"{"a": [2]}"#]),
        // A null element is there
        (r#"{"a": {"$elemMatch": {"$eq": null}}}"#, &[r#"{"a": [null]}"#], &["{}", r#"{"a": []}"#, r#"{"a": null}"#]),
        (r#"{"a": {"$elemMatch": {"$exists": true}}}"#, &[r#"{"a": [null]}"#], &[r#"{"a": []}"#]),
        (r#"{"a": {"$elemMatch": {"$exists": false}}}"#, &[], &[r#"{"a": [null]}"#, "{}"]),
        (
            r#"{"a": {"$elemMatch": {"$empty": true}}}"#,
            &[r#"{"a": [1, ""]}"#, r#"{"a": [[]]}"#],
            &[r#"{"a": [1]}"#, r#"{"a": []}"#],
        ),
        (r#"{"a": {"$elemMatch": {"$size": 2}}}"#, &[r#"{"a": [[1, 2]]}"#], &[r#"{"a": [1, 2]}"#]),
        // Nested
        (
            r#"{"a": {"$elemMatch": {"$elemMatch": {"$gt": 1, "$lt": 3}}}}"#,
            &[r#"{"a": [[0, 2]]}"#],
            &[r#"{"a": [[0, 4]]}"#, r#"{"a": [2]}"#],
        ),
        (
            r#"{"a": {"$elemMatch": {"b": {"$elemMatch": {"c": 1}}}}}"#,
            &[r#"{"a": [{"b": [{"c": 1}]}]}"#],
            &[r#"{"a": [{"b": {"c": 1}}]}"#],
        ),
        // Fields of elements: objects, arrays by index, never scalars
        (r#"{"a": {"$elemMatch": {"b": null}}}"#, &[r#"{"a": [{}]}"#, r#"{"a": [[]]}"#], &[r#"{"a": [1, null, "x"]}"#]),
        (r#"{"a": {"$elemMatch": {"0": 1}}}"#, &[r#"{"a": [[1]]}"#, r#"{"a": [{"0": 1}]}"#], &[r#"{"a": [1]}"#]),
        (r#"{"a": {"$elemMatch": {"1.b": 1}}}"#, &[r#"{"a": [[0, {"b": 1}]]}"#], &[r#"{"a": [[{"b": 1}]]}"#]),
        (r#"{"a": {"$elemMatch": {"b": {"$nin": []}}}}"#, &[r#"{"a": [{}]}"#], &[r#"{"a": [1]}"#, r#"{"a": []}"#]),
        (
            r#"{"a": {"$elemMatch": {"$or": [{"b": 1}, {"c": 1}]}}}"#,
            &[r#"{"a": [{"c": 1}]}"#],
            &[r#"{"a": [{"d": 1}]}"#],
        ),
        (
            r#"{"a": {"$elemMatch": {"$nor": [{"b": 1, "c": 1}]}}}"#,
            &[r#"{"a": [{"c": 1}]}"#],
            &[r#"{"a": [{"b": 1, "c": 1}]}"#, r#"{"a": [5]}"#],
        ),
        // Arrays on the way: each yields its own elements
        (r#"{"a.b": {"$elemMatch": {"$gt": 1}}}"#, &[r#"{"a": [{"b": [1]}, {"b": [2]}]}"#], &[r#"{"a": [{"b": 2}]}"#]),
    ]);
}

#[test]
fn size_is_of_the_array_itself() {
    assert_matches(&[
        (
            r#"{"a": {"$size": 0}}"#,
            &[r#"{"a": []}"#],
            &["{}", r#"{"a": [1]}"#, r#"{"a": ""}"#, r#"{"a": [[]]}"#, r#"{"a": {}}"#],
        ),
        (r#"{"a": {"$size": 2}}"#, &[r#"{"a": [1, 2]}"#], &[r#"{"a": [[1, 2]]}"#, r#"{"a": {"b": 1, "c": 2}}"#]),
        (r#"{"a": {"$size": 1.0}}"#, &[r#"{"a": [[1, 2]]}"#], &[r#"{"a": 1}"#]),
        (r#"{"a.b": {"$size": 1}}"#, &[r#"{"a": [{"b": [1, 2]}, {"b": [1]}]}"#], &[r#"{"a": [{"b": 1}]}"#]),
    ]);
}

#[test]
fn type_is_of_the_value_or_an_element() {
    assert_matches(&[
        (
            r#"{"a": {"$type": "string"}}"#,
            &[r#"{"a": ""}"#, r#"{"a": [1, "x"]}"#],
            &[r#"{"a": 1}"#, "{}", r#"{"a": [["x"]]}"#],
        ),
        (r#"{"a": {"$type": "number"}}"#, &[r#"{"a": 1e3}"#], &[r#"{"a": "1"}"#, r#"{"a": true}"#]),
        (r#"{"a": {"$type": "bool"}}"#, &[r#"{"a": false}"#], &[r#"{"a": 0}"#]),
        (r#"{"a": {"$type": "object"}}"#, &[r#"{"a": {}}"#, r#"{"a": [{}]}"#], &[r#"{"a": []}"#]),
        (r#"{"a": {"$type": "array"}}"#, &[r#"{"a": []}"#, r#"{"a": [1]}"#], &[r#"{"a": {}}"#, "{}"]),
        (r#"{"a": {"$type": "null"}}"#, &[r#"{"a": null}"#, r#"{"a": [null]}"#], &["{}", r#"{"a": 0}"#]),
        (r#"{"a": {"$type": ["null", "bool"]}}"#, &[r#"{"a": null}"#, r#"{"a": true}"#], &["{}", r#"{"a": 1}"#]),
    ]);
}

#[test]
fn empty_is_missing_null_or_without_content() {
    let empty = ["{}", r#"{"a": null}"#, r#"{"a": ""}"#, r#"{"a": []}"#, r#"{"a": {}}"#];
    let filled = [
        r#"{"a": 0}"#,
        r#"{"a": false}"#,
        r#"{"a": " "}"#,
        r#"{"a": [""]}"#,
        r#"{"a": [null]}"#,
        r#"{"a": {"b": null}}"#,
    ];
    assert_matches(&[
        (r#"{"a": {"$empty": true}}"#, &empty, &filled),
        (r#"{"a": {"$empty": false}}"#, &filled, &empty),
        (
            r#"{"a.b": {"$empty": true}}"#,
            &["{}", r#"{"a": 1}"#, r#"{"a": []}"#, r#"{"a": [1]}"#, r#"{"a": [{"b": 1}, {"b": ""}]}"#],
            &[r#"{"a": {"b": 1}}"#, r#"{"a": [{"b": 1}]}"#],
        ),
    ]);
}

#[test]
fn rule_1_missing_and_null() {
    assert_matches(&[
        (
            r#"{"f": null}"#,
            &["{}", r#"{"f": null}"#],
            &[r#"{"f": 0}"#, r#"{"f": ""}"#, r#"{"f": false}"#, r#"{"f": []}"#],
        ),
        (r#"{"f": {"$ne": 1}}"#, &["{}", r#"{"f": null}"#], &[]),
        (r#"{"f": {"$nin": [1]}}"#, &["{}", r#"{"f": null}"#], &[]),
        (r#"{"f": {"$not": {"$eq": 1}}}"#, &["{}", r#"{"f": null}"#], &[]),
        (r#"{"f": {"$exists": false}}"#, &["{}"], &[r#"{"f": null}"#]),
        (r#"{"f": {"$gt": -1e9}}"#, &[], &["{}", r#"{"f": null}"#]),
        (r#"{"f": {"$lt": 1e9}}"#, &[], &["{}", r#"{"f": null}"#]),
        (r#"{"f": {"$gte": ""}}"#, &[], &["{}", r#"{"f": null}"#]),
        (r#"{"f": {"$lte": true}}"#, &[], &["{}", r#"{"f": null}"#]),
    ]);
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
fn rule_3_arrays() {
    assert_matches(&[
        (r#"{"a": 1}"#, &[r#"{"a": [0, 1]}"#], &[r#"{"a": [[1]]}"#]),
        (
            r#"{"a": [0, 1]}"#,
            &[r#"{"a": [0, 1]}"#, r#"{"a": [5, [0, 1]]}"#],
            &[r#"{"a": [1, 0]}"#, r#"{"a": [0, 1, 2]}"#],
        ),
        (r#"{"a": {"$gt": 1}}"#, &[r#"{"a": [0, 2]}"#], &[r#"{"a": [0, 1]}"#, r#"{"a": []}"#, r#"{"a": [[2]]}"#]),
        // By different elements
        (r#"{"a": {"$gt": 5, "$lt": 3}}"#, &[r#"{"a": [1, 9]}"#], &[r#"{"a": [4]}"#, r#"{"a": 1}"#]),
        (r#"{"a": {"$elemMatch": {"$gt": 5, "$lt": 3}}}"#, &[], &[r#"{"a": [1, 9]}"#]),
    ]);
}

#[test]
fn rule_4_paths() {
    assert_matches(&[
        // The table of the rule
        (
            r#"{"a.b": null}"#,
            &["{}", r#"{"a": 1}"#, r#"{"a": {}}"#, r#"{"a": {"b": null}}"#, r#"{"a": [{}]}"#],
            &[r#"{"a": [0, 1]}"#, r#"{"a": []}"#, r#"{"a": [[]]}"#, r#"{"a": {"b": 1}}"#],
        ),
        (
            r#"{"a.b": {"$exists": false}}"#,
            &[r#"{"a": [0, 1]}"#, r#"{"a": 1}"#, "{}", r#"{"a": []}"#],
            &[r#"{"a": {"b": null}}"#, r#"{"a": [{}, {"b": 1}]}"#],
        ),
        (r#"{"a.0": [1, 2]}"#, &[r#"{"a": [[1, 2]]}"#], &[r#"{"a": [1, 2]}"#]),
        (
            r#"{"a.0": 1}"#,
            &[r#"{"a": [1]}"#, r#"{"a": {"0": 1}}"#, r#"{"a": {"0": [1]}}"#],
            &[r#"{"a": [[1, 2]]}"#, r#"{"a": [2, 1]}"#],
        ),
        (
            r#"{"a.0": null}"#,
            &[r#"{"a": ["x", {"b": 1}]}"#, r#"{"a": [null]}"#, r#"{"a": 1}"#, "{}"],
            &[r#"{"a": ["x"]}"#, r#"{"a": []}"#, r#"{"a": [[]]}"#],
        ),
        // Fan-out over objects in arrays, but not through an array directly inside an array
        (
            r#"{"a.b": 1}"#,
            &[r#"{"a": {"b": 1}}"#, r#"{"a": [0, {"b": 1}]}"#, r#"{"a": [{"b": [0, 1]}]}"#],
            &[r#"{"a": [[{"b": 1}]]}"#, r#"{"a": [{"c": 1}]}"#],
        ),
        (
            r#"{"a.b.c": 1}"#,
            &[r#"{"a": [{"b": [{"c": 1}]}]}"#, r#"{"a": {"b": [{"c": [1]}]}}"#],
            &[r#"{"a": [{"b": [[{"c": 1}]]}]}"#],
        ),
        // Numbers as indexes and as keys
        (
            r#"{"a.1.b": 1}"#,
            &[r#"{"a": [0, {"b": 1}]}"#, r#"{"a": [{"1": {"b": 1}}]}"#, r#"{"a": [0, [{"b": 1}]]}"#],
            &[r#"{"a": [{"b": 1}]}"#, r#"{"a": [0, 1]}"#],
        ),
        (r#"{"a.0.0": 1}"#, &[r#"{"a": [[1]]}"#, r#"{"a": [{"0": 1}]}"#], &[r#"{"a": [1]}"#, r#"{"a": [[[1]]]}"#]),
        (r#"{"a.01": 1}"#, &[r#"{"a": {"01": 1}}"#, r#"{"a": [{"01": 1}]}"#], &[r#"{"a": [0, 1]}"#]),
        // Where the path goes on behind a number, a scalar at that place yields nothing, not even absence.
        (
            r#"{"a.0.b": null}"#,
            &[r#"{"a": [{}]}"#, r#"{"a": [{"b": null}]}"#, r#"{"a": 1}"#, "{}", r#"{"a": [1, {"c": 1}]}"#],
            &[r#"{"a": [1]}"#, r#"{"a": []}"#, r#"{"a": [null]}"#, r#"{"a": [{"b": 1, "0": {"b": 1}}]}"#],
        ),
        (r#"{"a.0.b": {"$exists": false}}"#, &[r#"{"a": [1]}"#, r#"{"a": [{}]}"#], &[r#"{"a": [{"b": null}]}"#]),
        (
            r#"{"a.0.b": {"$empty": true}}"#,
            &[r#"{"a": [1]}"#, r#"{"a": []}"#],
            &[r#"{"a": [{"b": 1, "0": {"b": 1}}]}"#],
        ),
        (r#"{"a.-1": 1}"#, &[r#"{"a": {"-1": 1}}"#], &[r#"{"a": [1]}"#]),
        (
            r#"{"a.18446744073709551616": {"$exists": true}}"#,
            &[r#"{"a": {"18446744073709551616": 1}}"#],
            &[r#"{"a": [1]}"#],
        ),
        (r#"{"0": 1}"#, &[r#"{"0": 1}"#], &["[1]"]),
        // Empty keys, and keys with a dot
        (r#"{"a\\.b": 1}"#, &[r#"{"a.b": 1}"#], &[r#"{"a": {"b": 1}}"#]),
    ]);
}

#[test]
fn rule_5_numbers_are_exact() {
    assert_matches(&[
        (
            r#"{"a": 1}"#,
            &[r#"{"a": 1.0}"#, r#"{"a": 1e0}"#, r#"{"a": 10e-1}"#],
            &[r#"{"a": 1.0000000000000000000001}"#],
        ),
        (r#"{"a": 9007199254740993}"#, &[r#"{"a": 9007199254740993}"#], &[r#"{"a": 9007199254740992}"#]),
        (r#"{"a": {"$gt": 9007199254740992}}"#, &[r#"{"a": 9007199254740993}"#], &[r#"{"a": 9007199254740992}"#]),
        (r#"{"a": 0}"#, &[r#"{"a": -0}"#, r#"{"a": 0.000}"#, r#"{"a": -0.0e5}"#], &[r#"{"a": 1e-300}"#]),
        (r#"{"a": 0.1}"#, &[r#"{"a": 0.10}"#, r#"{"a": 1e-1}"#], &[r#"{"a": 0.1000000000000000055511151231257827}"#]),
        (r#"{"a": {"$in": [1e2, -5]}}"#, &[r#"{"a": 100}"#, r#"{"a": -5.00}"#], &[r#"{"a": 5}"#]),
        (r#"{"a": {"$lt": -1.5}}"#, &[r#"{"a": -2}"#, r#"{"a": -1e400}"#], &[r#"{"a": -1.5}"#, r#"{"a": 1e-400}"#]),
        (r#"{"a": [{"b": 1}]}"#, &[r#"{"a": [{"b": 1.0}]}"#], &[r#"{"a": [{"b": 1.5}]}"#]),
    ]);
}

#[test]
fn rule_6_strings_compare_by_bytes() {
    assert_matches(&[
        (r#"{"a": {"$gt": "Z"}}"#, &[r#"{"a": "a"}"#, r#"{"a": "é"}"#], &[r#"{"a": "A"}"#, r#"{"a": "Z"}"#]),
        (r#"{"a": {"$gt": "10"}}"#, &[r#"{"a": "9"}"#, r#"{"a": "10 "}"#], &[r#"{"a": "1"}"#]),
        // U+1F600 is after U+FF61 in UTF-8, and before it in UTF-16.
        (r#"{"a": {"$gt": "｡"}}"#, &[r#"{"a": "😀"}"#, r#"{"a": "\ud83d\ude00"}"#], &[r#"{"a": "z"}"#]),
        // Not normalised
        (r#"{"a": "\u00e9"}"#, &[r#"{"a": "é"}"#], &[r#"{"a": "e\u0301"}"#, r#"{"a": "É"}"#]),
    ]);
}

#[test]
fn rule_7_objects_compare_in_any_key_order() {
    assert_matches(&[(
        r#"{"a": {"b": 1, "c": {"d": 2, "e": 3}}}"#,
        &[r#"{"a": {"c": {"e": 3, "d": 2}, "b": 1.0}}"#],
        &[
            r#"{"a": {"b": 1}}"#,
            r#"{"a": {"b": 1, "c": {"d": 2, "e": 3}, "f": 4}}"#,
            r#"{"a": {"b": 1, "c": {"d": 2, "e": 4}}}"#,
        ],
    )]);
}

#[test]
fn documents_that_are_not_objects_have_no_fields() {
    assert_matches(&[
        (r#"{"a": null}"#, &["[]", "1", "null", r#"[{"a": 1}]"#], &[]),
        (r#"{"a": 1}"#, &[], &[r#"[{"a": 1}]"#, "1"]),
    ]);
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

/// Long strings are searched in another way: what matters at the ends of a text, of lines and of words stays as it is.
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
    for condition in
        [r#"{"a": 1}"#, r#"{"a.b": 1}"#, r#"{"a": {"$elemMatch": {"b": 1}}}"#, r#"{"a": {"$elemMatch": {"$gt": 1}}}"#]
    {
        CALLS.store(0, Ordering::Relaxed);
        let program = Program::compile(&checked(condition, &DocumentOnly));
        assert!(!program.matches(&document, Surroundings { interrupt, ..Surroundings::NONE }));
        assert!(CALLS.load(Ordering::Relaxed) >= 2, "{condition}");
    }
}

#[test]
fn an_empty_condition_inside_another_is_everyone() {
    let (scalars, objects) =
        ([r#"{}"#, r#"{"a": 1}"#, r#"{"a": [1, "x", null]}"#], [r#"{"a": [{}]}"#, r#"{"a": [1, []]}"#]);
    let all = [&scalars[..], &objects[..]].concat();
    assert_matches(&[
        (r#"{"$or": [{"a": 1}, {}]}"#, &all, &[]),
        (r#"{"$and": [{}, {}]}"#, &all, &[]),
        (r#"{"$nor": [{}]}"#, &[], &all),
        (r#"{"$not": {}}"#, &[], &all),
        (r#"{"$not": {"$not": {}}}"#, &all, &[]),
        (r#"{"$and": [{"a": {"$size": 1}}, {}]}"#, &objects[..1], &scalars),
        (r#"{"a": {"$elemMatch": {}}}"#, &objects, &scalars),
        (r#"{"a": {"$all": [{"$elemMatch": {}}]}}"#, &objects, &scalars),
        (r#"{"a": {"$elemMatch": {"$nor": [{}]}}}"#, &[], &all),
    ]);
}
