//! `$expr`: fields compared with each other, and `$comment`.

mod common;

use common::audience::Audience;
use common::{Zoned, assert_kind, checked};
use segments_core::check::{DocumentOnly, Environment, check};
use segments_core::error::{Error, ErrorKind};
use segments_core::expr::{Atom, Checked, Expr, ValueTest};
use segments_core::notices::notices;
use segments_core::parse::parse;

#[test]
fn fields_are_compared_with_each_other() {
    let none = [r#"{"a": 1}"#, r#"{"b": 1}"#, "{}", r#"{"a": null, "b": null}"#, r#"{"a": 1, "b": "1"}"#];
    common::assert_matches(
        &DocumentOnly,
        &[
            (r#"{"$expr": {"$gt": ["$a", "$b"]}}"#, &[r#"{"a": 2, "b": 1.5}"#, r#"{"a": "b", "b": "a"}"#], &none),
            (r#"{"$expr": {"$gt": ["$a", "$b"]}}"#, &[], &[r#"{"a": 1, "b": 1}"#, r#"{"a": true, "b": false}"#]),
            (r#"{"$expr": {"$lte": ["$a", "$b"]}}"#, &[r#"{"a": 1, "b": 1.0}"#, r#"{"a": "Z", "b": "a"}"#], &none),
            (r#"{"$expr": {"$eq": ["$a", "$b"]}}"#, &[r#"{"a": 1, "b": 1e0}"#, r#"{"a": true, "b": true}"#], &none),
            (
                r#"{"$expr": {"$eq": ["$a", "$b"]}}"#,
                &[r#"{"a": [1, {"x": 1, "yy": 2}], "b": [1.0, {"yy": 2, "x": 1}]}"#],
                &[r#"{"a": [1], "b": 1}"#, r#"{"a": [1], "b": [1, 2]}"#, r#"{"a": {"x": 1}, "b": {"y": 1}}"#],
            ),
            (r#"{"$expr": {"$ne": ["$a", "$b"]}}"#, &none, &[r#"{"a": 1, "b": 1.0}"#]),
            (r#"{"$expr": {"$not": {"$gt": ["$a", "$b"]}}}"#, &none, &[r#"{"a": 2, "b": 1}"#]),
            (r#"{"$nor": [{"$expr": {"$gt": ["$a", "$b"]}}, {"c": 1}]}"#, &none, &[r#"{"a": 2, "b": 1}"#]),
        ],
    );
}

#[test]
fn a_path_walks_objects_alone() {
    common::assert_matches(
        &DocumentOnly,
        &[
            (
                r#"{"$expr": {"$lt": ["$a.b", "$c.0"]}}"#,
                &[r#"{"a": {"b": 1}, "c": {"0": 2}}"#],
                &[r#"{"a": {"b": 1}, "c": [2]}"#, r#"{"a": [{"b": 1}], "c": {"0": 2}}"#, r#"{"a": 0, "c": {"0": 2}}"#],
            ),
            (r#"{"$expr": {"$eq": ["$c.0", 2]}}"#, &[r#"{"c": {"0": 2}}"#], &[r#"{"c": [2]}"#, r#"{"c": 2}"#]),
            (r#"{"$expr": {"$eq": [2, "$c.0"]}}"#, &[r#"{"c": {"0": 2}}"#], &[r#"{"c": [2]}"#, r#"{"c": 2}"#]),
            (r#"{"$expr": {"$eq": ["$a\\.b", "$\\$c"]}}"#, &[r#"{"a.b": 2, "$c": 2}"#], &[r#"{"a": {"b": 2}}"#]),
        ],
    );
}

#[test]
fn a_field_is_compared_with_a_value() {
    common::assert_matches(
        &DocumentOnly,
        &[
            (r#"{"$expr": {"$gte": ["$a", 5]}}"#, &[r#"{"a": 5}"#], &[r#"{"a": [5]}"#, r#"{"a": "5"}"#, "{}"]),
            (r#"{"$expr": {"$gte": [5, "$a"]}}"#, &[r#"{"a": 5}"#, r#"{"a": 4}"#], &[r#"{"a": 6}"#, "{}"]),
            (r#"{"$expr": {"$ne": ["$a", "x"]}}"#, &[r#"{"a": ["x"]}"#, r#"{"a": 5}"#, "{}"], &[r#"{"a": "x"}"#]),
            (r#"{"$expr": {"$eq": ["$a", {"$literal": "$5"}]}}"#, &[r#"{"a": "$5"}"#], &[r#"{"a": "5"}"#]),
            (r#"{"$expr": {"$eq": ["$a", [1, "x"]]}}"#, &[r#"{"a": [1, "x"]}"#], &[r#"{"a": [[1, "x"]]}"#, "{}"]),
            (r#"{"$expr": {"$eq": ["$a", {"x": 1}]}}"#, &[r#"{"a": {"x": 1}}"#], &[r#"{"a": [{"x": 1}]}"#, "{}"]),
            (
                r#"{"$expr": {"$gt": ["$a", {"$date": "2024-01-01"}]}}"#,
                &[r#"{"a": "2024-01-02"}"#, r#"{"a": "2024-01-02T00:00:00Z"}"#],
                &[r#"{"a": "2024-01-01T23:00:00Z"}"#, r#"{"a": "x"}"#, r#"{"a": ["2024-01-02"]}"#],
            ),
            (
                r#"{"$expr": {"$gt": [{"$date": "2024-01-01"}, "$a"]}}"#,
                &[r#"{"a": "2023-12-31"}"#],
                &[r#"{"a": "2024-01-01T23:00:00Z"}"#, "{}"],
            ),
        ],
    );
}

#[test]
fn constants_are_what_they_say() {
    for (condition, expected) in [
        (r#"{"$expr": true}"#, true),
        (r#"{"$expr": false}"#, false),
        (r#"{"$and": [{"$expr": true}]}"#, true),
        (r#"{"$expr": {"$and": []}}"#, true),
        (r#"{"$expr": {"$or": []}}"#, false),
        (r#"{"$expr": {"$not": [false]}}"#, true),
        (r#"{"$expr": {"$eq": [1, 1.0]}}"#, true),
        (r#"{"$expr": {"$ne": [1, "1"]}}"#, true),
        (r#"{"$expr": {"$lt": ["a", "b"]}}"#, true),
        (r#"{"$expr": {"$lt": [1, "b"]}}"#, false),
        (r#"{"$expr": {"$eq": [{"$date": "2024-01-01"}, {"$date": "2024-01-01T12:00:00Z"}]}}"#, true),
        (r#"{"$comment": "nobody reads this"}"#, true),
        (r#"{"$or": [{"a": 1}, {"$comment": "everyone"}]}"#, true),
    ] {
        assert_eq!(checked(condition, &DocumentOnly), Checked::Const(expected), "{condition}");
    }
    for (condition, said) in [
        (r#"{"$and": [{"$expr": true}]}"#, "condition holds for everyone"),
        (r#"{"$comment": "x"}"#, "condition holds for everyone"),
        (r#"{"$or": [{"$expr": {"$or": []}}]}"#, "condition holds for nobody"),
        (r#"{"$expr": {"$ne": ["$a", "$b"]}}"#, "$ne also holds where a side is missing or null"),
        (r#"{"$expr": {"$not": {"$gt": ["$a", "$b"]}}}"#, "$not also holds where a side is missing or null"),
        (r#"{"a": {"$gt": "$b"}}"#, "\"$b\" is text here, not a field"),
    ] {
        let found: Vec<String> =
            notices(&parse(condition).unwrap(), &DocumentOnly).into_iter().map(|notice| notice.message).collect();
        assert_eq!(found, [said], "{condition}");
    }
}

#[test]
fn a_comment_means_nothing_and_is_kept() {
    common::assert_matches(
        &DocumentOnly,
        &[
            (r#"{"$comment": "x", "a": 1}"#, &[r#"{"a": 1}"#], &["{}"]),
            (r#"{"a": {"$comment": "x", "$gt": 1}}"#, &[r#"{"a": 2}"#], &[r#"{"a": 1}"#]),
            (r#"{"a": {"$as": "number", "$comment": "x", "$gt": 1}}"#, &[r#"{"a": 2}"#], &[r#"{"a": 1}"#]),
            (r#"{"a": {"$not": {"$comment": "x", "$gt": 1}}}"#, &[r#"{"a": 1}"#], &[r#"{"a": 2}"#]),
            (r#"{"a": {"$elemMatch": {"$comment": "x", "$gt": 1}}}"#, &[r#"{"a": [2]}"#], &[r#"{"a": [1]}"#]),
            (r#"{"a": {"$elemMatch": {"$comment": "x", "b": 1}}}"#, &[r#"{"a": [{"b": 1}]}"#], &[r#"{"a": [1]}"#]),
        ],
    );
    let text = r#"{"a": {"$gt": 1, "$comment": "x"}, "$comment": "y"}"#;
    assert_eq!(parse(text).unwrap().to_string(), text);
    for alone in [r#"{"a": {"$comment": "x"}}"#, r#"{"a": {"$comment": "x", "$as": "number"}}"#, r#"{"$comment": 5}"#] {
        assert_kind(alone, Some(ErrorKind::Shape));
    }
}

#[test]
fn what_a_column_or_an_index_knows_is_a_test_on_one_field() {
    for (condition, same) in [
        (r#"{"$expr": {"$gte": ["$age", 18]}}"#, r#"{"age": {"$gte": 18}}"#),
        (r#"{"$expr": {"$gte": [18, "$age"]}}"#, r#"{"age": {"$lte": 18}}"#),
        (r#"{"$expr": {"$ne": ["$name", "x"]}}"#, r#"{"name": {"$ne": "x"}}"#),
        (r#"{"$expr": {"$eq": ["$vip", true]}}"#, r#"{"vip": true}"#),
        (r#"{"$expr": {"$lt": ["$seen", "2024-11-03"]}}"#, r#"{"seen": {"$lt": "2024-11-03"}}"#),
        (r#"{"$expr": {"$gt": ["$born", {"$now": "-30 days"}]}}"#, r#"{"born": {"$gt": {"$now": "-30 days"}}}"#),
        (r#"{"$expr": {"$eq": ["$data.x", 5]}}"#, r#"{"data.x": {"$as": "number", "$eq": 5}}"#),
    ] {
        assert_eq!(checked(condition, &Audience), checked(same, &Audience), "{condition}");
    }
    let Expr::Test(Atom::Field(field)) = checked(r#"{"$expr": {"$gt": ["$a", 5]}}"#, &DocumentOnly) else {
        panic!("not a test on one field")
    };
    assert!(matches!(field.test, ValueTest::Compare(..)) && field.read_as.is_some());
}

#[test]
fn days_and_points_in_time_are_compared_as_days_of_the_zone() {
    common::assert_matches(
        &Audience,
        &[
            (
                r#"{"$expr": {"$eq": ["$seen", "$left"]}}"#,
                &[
                    r#"{"seen": "2024-11-03T03:59:00Z", "left": "2024-11-02"}"#,
                    r#"{"seen": "2024-11-03T03:59:00Z", "left": "2024-11-02T23:59:00-04:00"}"#,
                ],
                &[
                    r#"{"seen": "2024-11-03T04:00:00Z", "left": "2024-11-02"}"#,
                    r#"{"seen": "2024-11-03T03:59:00Z", "left": "2024-11-03T03:58:00Z"}"#,
                    r#"{"seen": "soon", "left": "soon"}"#,
                    r#"{"seen": "2024-11-02"}"#,
                ],
            ),
            (
                r#"{"$expr": {"$gt": ["$seen", "$born"]}}"#,
                &[r#"{"seen": "2024-11-03T04:00:00Z", "born": "2024-11-02"}"#],
                &[
                    r#"{"seen": "2024-11-03T03:59:00Z", "born": "2024-11-02"}"#,
                    r#"{"seen": "2024-11-03T03:59:00Z", "born": "2024-11-03T03:00:00Z"}"#,
                ],
            ),
            (
                r#"{"$expr": {"$gt": ["$seen", "$born"], "$zone": "UTC"}}"#,
                &[r#"{"seen": "2024-11-03T03:59:00Z", "born": "2024-11-02"}"#],
                &[r#"{"seen": "2024-11-02T23:59:00Z", "born": "2024-11-02"}"#],
            ),
        ],
    );
    let condition = checked(r#"{"$expr": {"$gt": ["$seen", "$born"]}}"#, &Audience);
    let text = condition.on_document().unwrap().to_condition().to_string();
    let expected = r#"{"$expr": {"$gt": [{"$as": "timestamp", "$field": "seen"}, {"$as": "date", "$field": "born"}], "$zone": "America/New_York"}}"#;
    assert_eq!(text, expected);
    assert_eq!(checked(&text, &Zoned), condition);
}

#[test]
fn what_is_written_is_read_back() {
    for text in [
        r#"{"$expr": true}"#,
        r#"{"$expr": {"$not": [{"$gt": ["$a", "$b.c"]}]}}"#,
        r#"{"$expr": {"$or": [{"$not": {"$eq": ["$a", {"$literal": "$5"}]}}, false]}}"#,
        r#"{"$expr": {"$eq": [{"$as": "date", "$field": "a"}, {"$date": "2024-01-01"}], "$zone": "Europe/Paris"}}"#,
        r#"{"$expr": {"$eq": [{"$field": "\\$a"}, "$\\$a"]}}"#,
    ] {
        assert_eq!(parse(text).unwrap().to_string(), text);
    }
}

fn mistake(text: &str, scope: &dyn Environment) -> Error {
    match parse(text) {
        Err(error) => error,
        Ok(condition) => check(&condition, scope).expect_err(text)[0].clone(),
    }
}

#[test]
fn refusals_say_what_to_write() {
    for (condition, pointer, message, hint) in [
        (r#"{"$expr": 1}"#, "/$expr", "not a number", "or true or false"),
        (r#"{"$expr": {}}"#, "/$expr", "not an empty object", "or true or false"),
        (r#"{"$expr": "$vip"}"#, "/$expr", "a field alone is no comparison", r#"{"vip": true}"#),
        (r#"{"$expr": {"$gt": ["$a"]}}"#, "/$expr/$gt", "two sides, not of 1", r#"{"$gt": ["$spent", "$budget"]}"#),
        (r#"{"$expr": {"$gt": 5}}"#, "/$expr/$gt", "two sides", "without $expr"),
        (r#"{"$expr": {"$gt": ["$a", 1], "$lt": ["$a", 5]}}"#, "/$expr", "one operator", "$and"),
        (r#"{"$expr": {"$eq": ["$a", null]}}"#, "/$expr/$eq/1", "does not compare with null", r#"{"a": null}"#),
        (
            r#"{"$expr": {"$gt": ["$a", "$$NOW"]}}"#,
            "/$expr/$gt/1",
            "there is no variable $$NOW",
            r#"{"$now": "0 days"}"#,
        ),
        (r#"{"$expr": {"$gt": ["$$ROOT.a", 1]}}"#, "/$expr/$gt/0", "there is no variable", r#"Write "$a"."#),
        (
            r#"{"$expr": {"$eq": [{"$month": "$birthday"}, 5]}}"#,
            "/$expr/$eq/0/$month",
            "operator $month",
            r#"{"birthday": {"$month":"#,
        ),
        (r#"{"$expr": {"$in": ["$a", [1]]}}"#, "/$expr/$in", "does not belong inside $expr", r#"{"a": {"$in": …}}"#),
        (r#"{"$expr": {"$divide": ["$a", 2]}}"#, "/$expr/$divide", "not supported inside $expr", "$eq, $ne, $gt"),
        (r#"{"$expr": {"$gt": ["$a", true]}}"#, "/$expr/$gt/1", "does not compare booleans", "$eq and $ne"),
        (r#"{"$expr": {"$gt": ["$a", [1]]}}"#, "/$expr/$gt/1", "cannot compare with an array", "no order"),
        (r#"{"$expr": {"$eq": ["$a", ["$b"]]}}"#, "/$expr/$eq/1", "stands inside an array", "$literal"),
        (r#"{"$expr": {"$eq": ["$a.", 1]}}"#, "/$expr/$eq/0", "is empty", "backslash"),
        (r#"{"$expr": {"$eq": [{"$field": "a", "$gt": 1}, 1]}}"#, "/$expr/$eq/0/$gt", "beside $field", "$as"),
        (r#"{"$expr": {"$not": [true, false]}}"#, "/$expr/$not", "array of one, not of 2", "$or"),
        (r#"{"$expr": {"$and": [true], "$zone": "UTC"}}"#, "/$expr/$and", "$zone does not belong", "comparison"),
        (r#"{"$expr": {"$eq": ["$a", "$b"], "$zone": "Mars"}}"#, "/$expr/$eq/$zone", "does not exist", "IANA"),
        (
            r#"{"a": {"$elemMatch": {"b": 1, "$expr": true}}}"#,
            "/a/$elemMatch/$expr",
            "inside $elemMatch",
            "beside the field",
        ),
        (r#"{"$eq": ["$a", "$b"]}"#, "/$eq", "does not compare fields here", r#"{"$expr": {"$eq": ["$a", "$b"]}}"#),
        (r#"{"a": {"$gt": {"$field": "b"}}}"#, "/a/$gt/$field", "$field", "$expr"),
    ] {
        let error = mistake(condition, &DocumentOnly);
        assert_eq!(error.pointer, pointer, "{condition}: {error:?}");
        assert!(error.message.contains(message), "{condition}: {error:?}");
        assert!(error.hint.contains(hint), "{condition}: {error:?}");
    }
}

#[test]
fn sides_are_of_one_type() {
    for (condition, kind, message) in [
        (
            r#"{"$expr": {"$gt": ["$age", "$name"]}}"#,
            ErrorKind::TypeMismatch,
            "\"age\" of type number does not compare",
        ),
        (r#"{"$expr": {"$gt": ["$age", "5"]}}"#, ErrorKind::TypeMismatch, "does not fit a property of type number"),
        (r#"{"$expr": {"$gt": ["$vip", "$vip"]}}"#, ErrorKind::TypeMismatch, "does not compare booleans"),
        (r#"{"$expr": {"$eq": ["$tags", "$tags"]}}"#, ErrorKind::TypeMismatch, "is an array"),
        (r#"{"$expr": {"$eq": ["$tags.0", "$name"]}}"#, ErrorKind::TypeMismatch, "does not lead into an array"),
        (r#"{"$expr": {"$eq": ["$age.x", 1]}}"#, ErrorKind::TypeMismatch, "has no fields"),
        (r#"{"$expr": {"$eq": ["$agee", 1]}}"#, ErrorKind::UnknownProperty, "property \"agee\" does not exist"),
        (r#"{"$expr": {"$eq": [{"$field": "age", "$as": "string"}, "x"]}}"#, ErrorKind::TypeMismatch, "contradicts"),
        (r#"{"$expr": {"$eq": ["$org", 1]}}"#, ErrorKind::UnknownProperty, "does not exist"),
    ] {
        let error = mistake(condition, &Audience);
        assert_eq!(error.kind, kind, "{condition}: {error:?}");
        assert!(error.message.contains(message), "{condition}: {error:?}");
    }
    for condition in [
        r#"{"$expr": {"$gt": ["$age", "$budget"]}}"#,
        r#"{"$expr": {"$gt": ["$age", "$data.x"]}}"#,
        r#"{"$expr": {"$gt": ["$born", "$seen"]}}"#,
        r#"{"$expr": {"$eq": [{"$field": "org", "$as": "number"}, 1]}}"#,
    ] {
        checked(condition, &Audience);
    }
}
