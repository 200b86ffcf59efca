//! Typed properties: what a declared type makes of a condition, and what it refuses.

mod common;

use common::audience::Audience;
use common::{Case, checked, document, evaluate, on_document};
use segments_core::check::{Declaration, DocumentOnly, Refusal, Scope, check};
use segments_core::date::{Instant, Moment, Utc, Zone};
use segments_core::error::{Error, ErrorKind};
use segments_core::expr::Checked;
use segments_core::limits;
use segments_core::notices::notices;
use segments_core::parse::parse;
use segments_core::path::Path;
use segments_core::program::{Program, Surroundings};

#[track_caller]
fn assert_matches(cases: &[Case<'_>]) {
    common::assert_matches(&Audience, cases);
}

/// The mistakes in a condition on the audience.
fn mistakes(text: &str) -> Vec<Error> {
    let condition = parse(text).unwrap_or_else(|error| panic!("{text}: {error}"));
    check(&condition, &Audience).err().unwrap_or_default()
}

/// A row: a condition, the kind and the pointer of its mistake, what is said, and the hint.
#[track_caller]
fn assert_refused(rows: &[(&str, ErrorKind, &str, &str, &str)]) {
    for (text, kind, pointer, message, hint) in rows {
        let expected =
            Error { kind: *kind, pointer: (*pointer).into(), message: (*message).into(), hint: (*hint).into() };
        assert_eq!(mistakes(text), [expected], "{text}");
    }
}

/// The text that the check makes of a condition, to be put to the document alone.
fn printed(text: &str, scope: &dyn Scope) -> String {
    on_document(&checked(text, scope)).unwrap().to_condition().to_string()
}

#[test]
fn a_scalar_is_not_fanned_out_and_other_types_satisfy_no_comparison() {
    let other =
        [r#"{"age": "18"}"#, r#"{"age": [18]}"#, r#"{"age": {"n": 18}}"#, r#"{"age": true}"#, r#"{"age": null}"#, "{}"];
    assert_matches(&[
        (r#"{"age": 18}"#, &[r#"{"age": 18}"#, r#"{"age": 1.8e1}"#], &other),
        (r#"{"age": {"$ne": 18}}"#, &other, &[r#"{"age": 18}"#]),
        (r#"{"age": {"$gte": 18}}"#, &[r#"{"age": 18}"#, r#"{"age": 18.5}"#], &other),
        (r#"{"age": {"$not": {"$gte": 18}}}"#, &other, &[r#"{"age": 19}"#]),
        (r#"{"age": {"$in": [18, 19]}}"#, &[r#"{"age": 19}"#], &other),
        (r#"{"age": {"$nin": [18, 19]}}"#, &other, &[r#"{"age": 18}"#]),
        (r#"{"age": {"$exists": true}}"#, &[r#"{"age": [18]}"#, r#"{"age": null}"#, r#"{"age": "x"}"#], &["{}"]),
        (r#"{"age": {"$type": "array"}}"#, &[r#"{"age": [18]}"#], &[r#"{"age": 18}"#]),
        (r#"{"age": {"$type": "number"}}"#, &[r#"{"age": 18}"#], &[r#"{"age": [18]}"#]),
        (
            r#"{"age": {"$empty": true}}"#,
            &["{}", r#"{"age": ""}"#, r#"{"age": []}"#],
            &[r#"{"age": 0}"#, r#"{"age": [1]}"#],
        ),
        (r#"{"age": null}"#, &["{}", r#"{"age": null}"#], &[r#"{"age": [null]}"#, r#"{"age": "x"}"#]),
        (r#"{"age": {"$in": [null, 1]}}"#, &["{}", r#"{"age": 1}"#], &[r#"{"age": [null]}"#]),
        (r#"{"name": {"$regex": "x"}}"#, &[r#"{"name": "axb"}"#], &[r#"{"name": ["x"]}"#, r#"{"name": 5}"#, "{}"]),
        (r#"{"name": {"$startsWith": "x", "$endsWith": "y"}}"#, &[r#"{"name": "xy"}"#], &[r#"{"name": ["xy"]}"#]),
        (r#"{"name": {"$gt": "a"}}"#, &[r#"{"name": "b"}"#], &[r#"{"name": ["b"]}"#, r#"{"name": 1}"#]),
        (r#"{"vip": true}"#, &[r#"{"vip": true}"#], &[r#"{"vip": [true]}"#, r#"{"vip": "true"}"#, r#"{"vip": 1}"#]),
        (r#"{"$and": [{"age": {"$ne": 1}}, {"age": {"$ne": 2}}]}"#, &["{}", r#"{"age": 3}"#], &[r#"{"age": 2}"#]),
    ]);
}

#[test]
fn an_element_beyond_the_end_of_a_declared_array_is_missing() {
    let beyond = [r#"{"tags": ["x"]}"#, r#"{"tags": []}"#, "{}"];
    assert_matches(&[(r#"{"tags.1": null}"#, &beyond, &[r#"{"tags": ["x", "y"]}"#])]);
    common::assert_matches(&DocumentOnly, &[(r#"{"tags.1": null}"#, &beyond[2..], &beyond[..2])]);
}

#[test]
fn types_are_written_in_the_language_itself() {
    for (condition, prints) in [
        (r#"{"lifetime_value": {"$gte": 100}}"#, r#"{"lifetime_value": {"$as": "number", "$gte": 100}}"#),
        (r#"{"age": 1.50}"#, r#"{"age": {"$as": "number", "$eq": 1.5}}"#),
        (r#"{"tags": "x"}"#, r#"{"tags": {"$as": "string[]", "$eq": "x"}}"#),
        (r#"{"tags.0": "x"}"#, r#"{"tags.0": {"$as": "string", "$eq": "x"}}"#),
        (r#"{"data": "x"}"#, r#"{"data": {"$as": "json", "$eq": "x"}}"#),
        (r#"{"data.x": 1}"#, r#"{"data.x": {"$eq": 1}}"#),
        (r#"{"home.city": "x"}"#, r#"{"home.city": {"$as": "string", "$eq": "x"}}"#),
        (r#"{"data.size": 5}"#, r#"{"data.size": {"$as": "number", "$eq": 5}}"#),
        (r#"{"data.tags.0": "x"}"#, r#"{"data.tags.0": {"$as": "string", "$eq": "x"}}"#),
        (r#"{"age": {"$gt": 1, "$ne": 5}}"#, r#"{"age": {"$as": "number", "$gt": 1, "$ne": 5}}"#),
        (r#"{"age": {"$not": {"$gt": 1}}}"#, r#"{"age": {"$as": "number", "$not": {"$gt": 1}}}"#),
        (
            r#"{"$nor": [{"age": 1}, {"vip": true}]}"#,
            r#"{"$nor": [{"age": {"$as": "number", "$eq": 1}}, {"vip": {"$as": "boolean", "$eq": true}}]}"#,
        ),
        (r#"{"tags": {"$all": ["a", "b"]}}"#, r#"{"tags": {"$as": "string[]", "$all": ["a", "b"]}}"#),
        (r#"{"$segment": "minors"}"#, r#"{"age": {"$as": "number", "$not": {"$gte": 18}}}"#),
        (r#"{"age": {"$in": []}}"#, r#"{"$nor": [{}]}"#),
        (r#"{"age": {"$nin": []}}"#, "{}"),
        // Days and times of the zone carry what they resolved to.
        (
            r#"{"born": "2024-01-31"}"#,
            r#"{"born": {"$as": "date", "$eq": {"$date": {"day": "2024-01-31", "from": "2024-01-31T05:00:00Z", "until": "2024-02-01T05:00:00Z"}}}}"#,
        ),
        (
            r#"{"seen": {"$gt": "2024-01-31T22:00:00"}}"#,
            r#"{"seen": {"$as": "timestamp", "$gt": {"$date": {"at": "2024-02-01T03:00:00Z", "day": "2024-01-31"}}}}"#,
        ),
        (
            r#"{"seen": {"$lt": {"$now": "0 days"}}}"#,
            r#"{"seen": {"$as": "timestamp", "$lt": {"$date": "2024-11-03T15:30:00Z"}}}"#,
        ),
    ] {
        assert_eq!(printed(condition, &Audience), prints, "{condition}");
        assert_eq!(printed(prints, &DocumentOnly), prints, "what is printed reads as itself");
    }
}

#[test]
fn users_may_write_as_themselves() {
    let declared = |condition| printed(condition, &Audience);
    let written = |condition| printed(condition, &DocumentOnly);
    assert_eq!(written(r#"{"age": {"$as": "number", "$gt": 1}}"#), declared(r#"{"age": {"$gt": 1}}"#));
    assert_eq!(declared(r#"{"age": {"$as": "number", "$gt": 1}}"#), declared(r#"{"age": {"$gt": 1}}"#));
    common::assert_matches(
        &DocumentOnly,
        &[
            (r#"{"a": {"$as": "number", "$ne": 5}}"#, &["{}", r#"{"a": [5]}"#, r#"{"a": "5"}"#], &[r#"{"a": 5}"#]),
            (
                r#"{"a.b": {"$as": "number", "$gt": 5}}"#,
                &[r#"{"a": {"b": 6}}"#],
                &[r#"{"a": [{"b": 6}]}"#, r#"{"a": 6}"#],
            ),
            (
                r#"{"a.1": {"$as": "number", "$gt": 5}}"#,
                &[r#"{"a": [1, 6]}"#, r#"{"a": {"1": 6}}"#],
                &[r#"{"a": [6]}"#],
            ),
            (r#"{"a": {"$as": "json", "$gt": 5}}"#, &[r#"{"a": [1, 6]}"#, r#"{"a": 6}"#], &[r#"{"a": "6"}"#]),
            (r#"{"a": {"$as": "number[]", "$gt": 5}}"#, &[r#"{"a": [1, 6]}"#, r#"{"a": 6}"#], &[r#"{"a": ["6"]}"#]),
            // Strings are dates under a date type alone.
            (
                r#"{"a": {"$as": "date", "$gt": "2024-01-01"}}"#,
                &[r#"{"a": "2024-01-02"}"#],
                &[r#"{"a": "x"}"#, r#"{"a": "2024-01-01T23:00:00Z"}"#],
            ),
            (r#"{"a": {"$gt": "2024-01-01"}}"#, &[r#"{"a": "x"}"#, r#"{"a": "2024-01-01T23:00:00Z"}"#], &[]),
            (
                r#"{"a": {"$elemMatch": {"$as": "date", "$gt": "2024-01-01"}}}"#,
                &[r#"{"a": ["2024-01-02"]}"#],
                &[r#"{"a": ["x"]}"#],
            ),
            (
                r#"{"a": {"$elemMatch": {"b": {"$as": "number", "$lt": 5}}}}"#,
                &[r#"{"a": [{"b": 4}]}"#],
                &[r#"{"a": [{"b": [4]}]}"#],
            ),
            (r#"{"a": {"$as": "number", "$not": {"$gt": 5}}}"#, &[r#"{"a": [6]}"#, r#"{"a": 5}"#], &[r#"{"a": 6}"#]),
        ],
    );
    assert_refused(&[(
        r#"{"age": {"$as": "string", "$eq": 5}}"#,
        ErrorKind::TypeMismatch,
        "/age/$as",
        "$as string contradicts the property's type, number",
        "Leave $as out: the declared type is used.",
    )]);
}

#[test]
fn arrays_of_a_type() {
    assert_matches(&[
        (
            r#"{"tags": "x"}"#,
            &[r#"{"tags": ["w", "x"]}"#, r#"{"tags": "x"}"#],
            &[r#"{"tags": [["x"]]}"#, r#"{"tags": [1]}"#],
        ),
        (r#"{"tags": ["w", "x"]}"#, &[r#"{"tags": ["w", "x"]}"#], &[r#"{"tags": ["x", "w"]}"#]),
        (r#"{"tags": {"$all": ["w", "x"]}}"#, &[r#"{"tags": ["x", "v", "w"]}"#], &[r#"{"tags": ["x"]}"#]),
        (r#"{"tags": {"$regex": "^x"}}"#, &[r#"{"tags": ["w", "xy"]}"#], &[r#"{"tags": ["yx"]}"#]),
        (r#"{"tags": {"$size": 2}}"#, &[r#"{"tags": ["x", "y"]}"#], &[r#"{"tags": "xy"}"#]),
        (r#"{"tags.1": "x"}"#, &[r#"{"tags": ["w", "x"]}"#], &[r#"{"tags": ["x"]}"#, r#"{"tags": ["w", ["x"]]}"#]),
        (
            r#"{"scores": {"$elemMatch": {"$gt": 5, "$lt": 9}}}"#,
            &[r#"{"scores": [1, 7]}"#],
            &[r#"{"scores": [1, 10]}"#, r#"{"scores": ["7"]}"#],
        ),
        (
            r#"{"scores": {"$elemMatch": {"$eq": 1, "$not": {"$ne": 1}}}}"#,
            &[r#"{"scores": [1]}"#],
            &[r#"{"scores": [2]}"#],
        ),
        (
            r#"{"scores": {"$all": [{"$elemMatch": {"$gt": 5}}, 1]}}"#,
            &[r#"{"scores": [1, 6]}"#],
            &[r#"{"scores": [6]}"#],
        ),
        (
            r#"{"scores": {"$in": [[1, 2], null, 5]}}"#,
            &[r#"{"scores": [1, 2]}"#, "{}", r#"{"scores": [5]}"#],
            &[r#"{"scores": [1]}"#],
        ),
        (
            r#"{"visits": {"$elemMatch": {"$gte": "2024-01-01", "$lt": "2024-01-02"}}}"#,
            &[r#"{"visits": ["2024-01-02T04:59:59Z"]}"#],
            &[r#"{"visits": ["2024-01-01T04:59:59Z", "2024-01-02T05:00:00Z"]}"#],
        ),
    ]);
}

#[test]
fn operands_of_another_type() {
    use ErrorKind::TypeMismatch;
    assert_refused(&[
        (
            r#"{"age": "18"}"#,
            TypeMismatch,
            "/age",
            "a string \"18\" does not fit a property of type number",
            "Leave out the quotes: 18.",
        ),
        (
            r#"{"age": {"$gt": "old"}}"#,
            TypeMismatch,
            "/age/$gt",
            "a string \"old\" does not fit a property of type number",
            "Write a number.",
        ),
        (
            r#"{"age": {"$in": [1, true]}}"#,
            TypeMismatch,
            "/age/$in/1",
            "a boolean true does not fit a property of type number",
            "Write a number.",
        ),
        (
            r#"{"age": [18]}"#,
            TypeMismatch,
            "/age",
            "an array [18] does not fit a property of type number",
            "For any of several values use $in.",
        ),
        (
            r#"{"name": 5}"#,
            TypeMismatch,
            "/name",
            "a number 5 does not fit a property of type string",
            "Put it in quotes: \"5\".",
        ),
        (
            r#"{"name": {"$gt": {"$date": "2024-01-01"}}}"#,
            TypeMismatch,
            "/name/$gt",
            "a date {\"$date\": \"2024-01-01\"} does not fit a property of type string",
            "Only date and timestamp properties compare with dates; this one is of type string.",
        ),
        (
            r#"{"vip": "true"}"#,
            TypeMismatch,
            "/vip",
            "a string \"true\" does not fit a property of type boolean",
            "Write true or false, without quotes.",
        ),
        (
            r#"{"born": {"$lt": "soon"}}"#,
            TypeMismatch,
            "/born/$lt",
            "a string \"soon\" does not fit a property of type date",
            "Write it as 2024-01-31 or 2024-01-31T10:00:00Z.",
        ),
        (
            r#"{"seen": {"$lt": 1700000000000}}"#,
            TypeMismatch,
            "/seen/$lt",
            "a number 1700000000000 does not fit a property of type timestamp",
            "For milliseconds since 1970 write {\"$date\": 1700000000000}; otherwise write it as 2024-01-31.",
        ),
        (
            r#"{"tags": {"$all": ["a", 1]}}"#,
            TypeMismatch,
            "/tags/$all/1",
            "a number 1 does not fit a property of type string",
            "Put it in quotes: \"1\".",
        ),
        (
            r#"{"tags": ["a", 1]}"#,
            TypeMismatch,
            "/tags/1",
            "a number 1 does not fit a property of type string",
            "Put it in quotes: \"1\".",
        ),
        (
            r#"{"scores": {"$elemMatch": {"$gt": "5"}}}"#,
            TypeMismatch,
            "/scores/$elemMatch/$gt",
            "a string \"5\" does not fit a property of type number",
            "Leave out the quotes: 5.",
        ),
    ]);
}

#[test]
fn operators_that_make_no_sense_for_the_type() {
    let misfit = |operator: &str, kind: &str| format!("operator {operator} does not fit a property of type {kind}");
    for (property, kind, operators) in [
        ("age", "number", &["$regex", "$contains", "$startsWith", "$endsWith", "$all", "$elemMatch", "$size"][..]),
        ("vip", "boolean", &["$gt", "$gte", "$lt", "$lte", "$regex", "$contains", "$all", "$size"]),
        ("born", "date", &["$regex", "$startsWith", "$all", "$elemMatch", "$size"]),
        ("seen", "timestamp", &["$regex", "$contains", "$size"]),
        ("name", "string", &["$all", "$elemMatch", "$size"]),
        ("scores", "number[]", &["$regex", "$contains"]),
    ] {
        for operator in operators {
            let operand = match *operator {
                "$all" => r#"["a"]"#,
                "$elemMatch" => r#"{"$eq": "a"}"#,
                "$size" => "1",
                "$gt" | "$gte" | "$lt" | "$lte" => "true",
                _ => "\"a\"",
            };
            let found = mistakes(&format!(r#"{{"{property}": {{"{operator}": {operand}}}}}"#));
            let [error] = found.as_slice() else { panic!("{property} {operator}: {found:?}") };
            assert_eq!((error.kind, &error.message), (ErrorKind::TypeMismatch, &misfit(operator, kind)));
            assert_eq!(error.pointer, format!("/{property}/{operator}"));
            assert!(error.hint.starts_with(&format!("Operators for {kind}: ")), "{}", error.hint);
            assert!(!error.hint.contains(&format!("{operator},")), "{}", error.hint);
        }
    }
    let vip = "To find an element use $eq or $all: part of one (\"vip\" in \"not-vip\") is rarely meant; if it is, use $regex.";
    for operator in ["$contains", "$startsWith", "$endsWith"] {
        let condition = format!(r#"{{"tags": {{"{operator}": "vip"}}}}"#);
        let pointer = format!("/tags/{operator}");
        assert_refused(&[(&condition, ErrorKind::TypeMismatch, &pointer, &misfit(operator, "string[]"), vip)]);
    }
    assert_refused(&[(
        r#"{"tags": {"$elemMatch": {"name": "x"}}}"#,
        ErrorKind::TypeMismatch,
        "/tags/$elemMatch",
        "elements of type string have no fields",
        "Put operators to the element itself, as in {\"$elemMatch\": {\"$gte\": 5, \"$lt\": 9}}.",
    )]);
}

#[test]
fn operators_without_their_sign_are_told_from_objects() {
    for (condition, pointer, hint) in [
        (r#"{"name": {"eq": "a"}}"#, "/name", "Did you mean $eq?"),
        (r#"{"age": {"GTE": 18}}"#, "/age", "Did you mean $gte?"),
        (r#"{"name": {"first": "a"}}"#, "/name", "Write a string."),
        (r#"{"vip": {"and": []}}"#, "/vip", "Write true or false, without quotes."),
    ] {
        let mistakes = mistakes(condition);
        let [error] = mistakes.as_slice() else { panic!("{condition}: {mistakes:?}") };
        assert_eq!(
            (error.kind, &*error.pointer, &*error.hint),
            (ErrorKind::TypeMismatch, pointer, hint),
            "{condition}"
        );
    }
}

#[test]
fn unknown_properties_name_the_nearest() {
    let create = |name: &str| format!("Did you mean \"{name}\"? Otherwise declare it with create_property().");
    let none = "Declare it with create_property(), or see segments.property for those that exist.";
    for (condition, name, hint) in [
        (r#"{"lifetme_value": 1}"#, "lifetme_value", create("lifetime_value")),
        (r#"{"Age": 1}"#, "Age", create("age")),
        (r#"{"tag": "x"}"#, "tag", create("tags")),
        (r#"{"home.cty": "x"}"#, "home.cty", create("home.city")),
        (r#"{"dta.x": "x"}"#, "dta.x", create("data")),
        (r#"{"zzz": 1}"#, "zzz", none.to_owned()),
        (
            r#"{"custom.data.x": 1}"#,
            "custom.data.x",
            "Keys of column \"custom\" are properties themselves: write \"data.x\".".to_owned(),
        ),
        (
            r#"{"custom": {"age": 1}}"#,
            "custom",
            "Keys of column \"custom\" are properties themselves: write {\"key\": …} in its place.".to_owned(),
        ),
    ] {
        let pointer = format!("/{name}");
        let message = format!("property \"{name}\" does not exist");
        assert_refused(&[(condition, ErrorKind::UnknownProperty, &pointer, &message, &hint)]);
    }
}

#[test]
fn paths_into_properties() {
    assert_matches(&[
        (
            r#"{"home.city": "x"}"#,
            &[r#"{"home": {"city": "x"}}"#],
            &[r#"{"home.city": "x"}"#, r#"{"home": [{"city": "x"}]}"#],
        ),
        (r#"{"home\\.zip": "x"}"#, &[r#"{"home.zip": "x"}"#], &[r#"{"home": {"zip": "x"}}"#]),
        (
            r#"{"data.size": {"$gte": 5}}"#,
            &[r#"{"data": {"size": 5}}"#],
            &[r#"{"data": {"size": "5"}}"#, r#"{"data": {"size": [5]}}"#, r#"{"data": [{"size": 5}]}"#],
        ),
        (r#"{"data.tags": "x"}"#, &[r#"{"data": [{"tags": ["x"]}]}"#], &[r#"{"data": {"tags.0": "x"}}"#]),
        (r#"{"data.a.b": 1}"#, &[r#"{"data": {"a": [{"b": 1}]}}"#], &["{}"]),
        (r#"{"data.a": {"$regex": "x"}}"#, &[r#"{"data": {"a": ["x"]}}"#], &[r#"{"data": {"a": 1}}"#]),
    ]);
    let none = |name: &str, kind: &str| {
        (
            format!("property \"{name}\" is of type {kind} and has no fields"),
            format!("Test \"{name}\" itself, or declare it as json to reach inside."),
        )
    };
    for (condition, pointer, (message, hint)) in [
        (r#"{"age.x": 1}"#, "/age.x", none("age", "number")),
        (r#"{"age.0": 1}"#, "/age.0", none("age", "number")),
        (r#"{"tags.x": 1}"#, "/tags.x", none("tags", "string[]")),
        (r#"{"tags.0.x": 1}"#, "/tags.0.x", none("tags", "string[]")),
    ] {
        assert_refused(&[(condition, ErrorKind::TypeMismatch, pointer, &message, &hint)]);
    }
}

#[test]
fn every_mistake_is_listed() {
    let found = mistakes(
        r#"{"agee": 1, "$or": [{"vip": {"$gt": true}}, {"age": {"$in": [1, "x", "y"]}}, {"$topic": "monthly"},
            {"$segment": "nobody"}, {"data": {"$elemMatch": {"b": {"$as": "number", "$eq": "x"}}}}]}"#,
    );
    let found: Vec<_> = found.iter().map(|error| (error.kind, error.pointer.as_str())).collect();
    assert_eq!(
        found,
        [
            (ErrorKind::TypeMismatch, "/$or/0/vip/$gt"),
            (ErrorKind::TypeMismatch, "/$or/1/age/$in/1"),
            (ErrorKind::TypeMismatch, "/$or/1/age/$in/2"),
            (ErrorKind::UnknownObject, "/$or/2/$topic"),
            (ErrorKind::UnknownObject, "/$or/3/$segment"),
            (ErrorKind::TypeMismatch, "/$or/4/data/$elemMatch/b/$eq"),
            (ErrorKind::UnknownProperty, "/agee"),
        ]
    );
}

#[test]
fn topics_and_segments() {
    let subscriptions = [vec![], vec!["t1".to_owned()], vec!["t2".to_owned()], vec!["t1".to_owned(), "t2".to_owned()]];
    let (none, first, second, both) = (true, true, true, true);
    for (condition, expected) in [
        (r#"{"$topic": "weekly"}"#, [!none, first, !second, both]),
        (r#"{"$topic": "t1"}"#, [!none, first, !second, both]),
        (r#"{"$topic": {"$eq": "daily"}}"#, [!none, !first, second, both]),
        (r#"{"$topic": {"$ne": "weekly"}}"#, [none, !first, second, !both]),
        (r#"{"$topic": {"$in": ["weekly", "daily"]}}"#, [!none, first, second, both]),
        (r#"{"$topic": {"$nin": ["weekly", "daily"]}}"#, [none, !first, !second, !both]),
        (r#"{"$topic": {"$all": ["weekly", "daily"]}}"#, [!none, !first, !second, both]),
        (r#"{"$topic": {"$in": []}}"#, [!none, !first, !second, !both]),
        (r#"{"$topic": {"$nin": []}}"#, [none, first, second, both]),
        (r#"{"$topic": {"$all": []}}"#, [!none, !first, !second, !both]),
        (r#"{"$topic": {"$eq": "weekly", "$ne": "daily"}}"#, [!none, first, !second, !both]),
        (r#"{"$not": {"$topic": "weekly"}, "$topic": "daily"}"#, [!none, !first, second, !both]),
        (r#"{"$topic": {"$exists": true}}"#, [!none, first, second, both]),
        (r#"{"$topic": {"$exists": false}}"#, [none, !first, !second, !both]),
        (r#"{"$not": {"$topic": {"$exists": true}}}"#, [none, !first, !second, !both]),
        (r#"{"$topic": {"$exists": true, "$nin": ["weekly"]}}"#, [!none, !first, second, !both]),
    ] {
        let program = Program::compile(&checked(condition, &Audience));
        let found = subscriptions
            .each_ref()
            .map(|topics| program.matches(&document("{}"), Surroundings { topics, ..Surroundings::NONE }));
        assert_eq!(found, expected, "{condition}");
    }
    assert_matches(&[
        (r#"{"$segment": {"$eq": "adults"}}"#, &[r#"{"age": 18}"#], &["{}"]),
        (r#"{"$segment": {"$ne": "adults"}}"#, &["{}"], &[r#"{"age": 18}"#]),
        (r#"{"$segment": {"$in": ["adults", "minors"]}}"#, &["{}", r#"{"age": 18}"#], &[]),
        (r#"{"$segment": {"$nin": ["adults", "minors"]}}"#, &[], &["{}", r#"{"age": 18}"#]),
        (r#"{"$segment": {"$nin": ["adults"], "$in": ["adults", "minors"]}}"#, &["{}"], &[r#"{"age": 18}"#]),
        (r#"{"$segment": {"$in": []}}"#, &[], &["{}"]),
        (r#"{"$segment": {"$nin": []}}"#, &["{}"], &[]),
        (r#"{"$segment": "adults"}"#, &[r#"{"age": 18}"#], &[r#"{"age": 17}"#, "{}"]),
        (r#"{"$segment": "minors"}"#, &[r#"{"age": 17}"#, "{}"], &[r#"{"age": 18}"#]),
        (r#"{"$nor": [{"$segment": "minors"}, {"name": "x"}]}"#, &[r#"{"age": 18}"#], &[r#"{"age": 18, "name": "x"}"#]),
    ]);
}

/// An audience of one segment.
struct Of(Checked);

impl Scope for Of {
    fn property(&self, _: &Path) -> Declaration {
        Declaration::Undeclared
    }

    fn property_names(&self) -> Vec<String> {
        vec![]
    }

    fn topic(&self, _: &str) -> Result<String, Refusal> {
        unreachable!("no topics here")
    }

    fn topics(&self) -> Result<Vec<String>, Refusal> {
        unreachable!("no topics here")
    }

    fn segment(&self, _: &str) -> Result<Checked, Refusal> {
        Ok(self.0.clone())
    }

    fn zone(&self) -> &dyn Zone {
        &Utc
    }

    fn now(&self) -> Option<Instant> {
        None
    }
}

#[test]
fn segments_count_against_the_limits() {
    // Each refers to the one before twice: without a limit, 40 steps would be 2⁴⁰ tests.
    let twice = parse(r#"{"$or": [{"$segment": "s", "a": 1}, {"$not": {"$segment": "s"}}]}"#).unwrap();
    let mut segment = checked(r#"{"b": 1}"#, &DocumentOnly);
    let refused = (0..40).find_map(|_| match check(&twice, &Of(segment.clone())) {
        Ok(checked) => {
            segment = checked;
            None
        }
        Err(errors) => Some(errors),
    });
    let error = refused.expect("the doubling ends")[0].clone();
    assert_eq!((error.kind, error.pointer.as_str()), (ErrorKind::TooLarge, "/$or/1/$not/$segment"));
    assert_eq!(error.message, "condition has more than 10000 nodes with its segments put in place");

    let deeper = parse(r#"{"$or": [{"a": 1}, {"b": 1, "$segment": "s"}]}"#).unwrap();
    let mut segment = checked(r#"{"b": 1}"#, &DocumentOnly);
    for _ in 0..limits::NESTING {
        segment = check(&deeper, &Of(segment)).unwrap();
        let printed = on_document(&segment).unwrap().to_condition().to_string();
        assert!(parse(&printed).is_ok(), "what is within the limits prints within them");
    }
    let errors = check(&deeper, &Of(segment)).unwrap_err();
    assert_eq!((errors[0].kind, errors[0].pointer.as_str()), (ErrorKind::TooDeep, ""));
}

#[test]
fn stored_values_that_are_no_dates_satisfy_nothing() {
    let dirty = [
        r#"{"seen": "soon"}"#,
        r#"{"seen": ""}"#,
        r#"{"seen": 1704067200000}"#,
        r#"{"seen": "2024-02-30"}"#,
        r#"{"seen": ["2024-01-01"]}"#,
        r#"{"seen": null}"#,
        "{}",
    ];
    assert_matches(&[
        (r#"{"seen": "2024-01-01"}"#, &[], &dirty),
        (r#"{"seen": {"$ne": "2024-01-01"}}"#, &dirty, &[]),
        (r#"{"seen": {"$gte": "0001-01-01"}}"#, &[r#"{"seen": "2024-01-01"}"#], &dirty),
        (r#"{"seen": {"$lte": "9999-12-31"}}"#, &[r#"{"seen": "2024-01-01"}"#], &dirty),
        (r#"{"seen": {"$nin": ["2024-01-01"]}}"#, &dirty, &[]),
    ]);
}

/// What `$eq $gt $gte $lt $lte` say of a stored value, as `=` or `<` or `>` of it to the operand.
#[track_caller]
fn assert_compares(property: &str, operand: &str, table: &[(&str, char)]) {
    for (stored, relation) in table {
        let document = document(&format!(r#"{{"{property}": "{stored}"}}"#));
        for (operator, accepts) in
            [("$eq", "="), ("$gt", ">"), ("$gte", "=>"), ("$lt", "<"), ("$lte", "<="), ("$ne", "<>")]
        {
            let condition = format!(r#"{{"{property}": {{"{operator}": {operand}}}}}"#);
            let checked = checked(&condition, &Audience);
            assert_eq!(evaluate(&checked, &document), accepts.contains(*relation), "{condition} of {stored}");
            let printed = printed(&condition, &Audience);
            let again = common::checked(&printed, &DocumentOnly);
            assert_eq!(evaluate(&again, &document), accepts.contains(*relation), "{printed} of {stored}");
        }
    }
}

#[test]
fn a_day_against_a_timestamp_is_a_whole_day_of_the_zone() {
    let table = [
        ("2024-06-01T03:59:59.999999Z", '<'),
        ("2024-06-01T04:00:00Z", '='),
        ("2024-06-01T00:00:00-04:00", '='),
        ("2024-06-02T03:59:59.999999Z", '='),
        ("2024-06-02T04:00:00Z", '>'),
        // A stored time without an offset is UTC.
        ("2024-06-01T03:00:00", '<'),
        ("2024-06-01 05:00:00", '='),
        // A stored day is a day, not an instant.
        ("2024-05-31", '<'),
        ("2024-06-01", '='),
        ("2024-06-02", '>'),
    ];
    assert_compares("seen", r#""2024-06-01""#, &table);
    assert_compares("seen", r#"{"$date": "2024-06-01"}"#, &table);
}

#[test]
fn a_time_against_a_timestamp_is_an_instant_of_the_zone() {
    let table = [
        ("2024-06-01T13:59:59.999999Z", '<'),
        ("2024-06-01T14:00:00Z", '='),
        ("2024-06-01T14:00:00.000001Z", '>'),
        ("2024-06-01T10:00:00", '<'),
        ("2024-05-31", '<'),
        ("2024-06-01", '='),
        ("2024-06-02", '>'),
    ];
    assert_compares("seen", r#""2024-06-01T10:00:00""#, &table);
    assert_compares("seen", r#""2024-06-01T14:00:00Z""#, &table);
    assert_compares("seen", r#"{"$date": "2024-06-01T16:00:00+02:00"}"#, &table);
    assert_compares("seen", r#"{"$date": 1717250400000}"#, &table);
}

#[test]
fn days_on_which_clocks_change() {
    // 23 hours, from 00:00 EST to 24:00 EDT
    assert_compares(
        "seen",
        r#""2024-03-10""#,
        &[
            ("2024-03-10T04:59:59Z", '<'),
            ("2024-03-10T05:00:00Z", '='),
            ("2024-03-11T03:59:59Z", '='),
            ("2024-03-11T04:00:00Z", '>'),
        ],
    );
    // 25 hours, from 00:00 EDT to 24:00 EST
    assert_compares(
        "seen",
        r#""2024-11-03""#,
        &[
            ("2024-11-03T03:59:59Z", '<'),
            ("2024-11-03T04:00:00Z", '='),
            ("2024-11-04T04:59:59Z", '='),
            ("2024-11-04T05:00:00Z", '>'),
        ],
    );
    // 02:30 is skipped, and read by the offset from before: 03:30 EDT. 01:30 comes twice; the second is meant.
    assert_compares(
        "seen",
        r#""2024-03-10T02:30:00""#,
        &[("2024-03-10T07:30:00Z", '='), ("2024-03-10T06:30:00Z", '<')],
    );
    assert_compares(
        "seen",
        r#""2024-11-03T01:30:00""#,
        &[("2024-11-03T05:30:00Z", '<'), ("2024-11-03T06:30:00Z", '=')],
    );
}

#[test]
fn a_date_property_knows_days_only() {
    let table = [
        ("2024-05-31", '<'),
        ("2024-06-01", '='),
        ("2024-06-02", '>'),
        // A stored time counts as its day in the zone.
        ("2024-06-01T03:59:59Z", '<'),
        ("2024-06-01T04:00:00Z", '='),
        ("2024-06-02T03:59:59Z", '='),
        ("2024-06-02T04:00:00Z", '>'),
    ];
    for operand in [
        r#""2024-06-01""#,
        r#""2024-06-01T10:00:00""#,
        r#""2024-06-02T03:00:00Z""#,
        r#"{"$date": "2024-06-01T23:59:59-04:00"}"#,
        r#"{"$date": 1717250400000}"#,
    ] {
        assert_compares("born", operand, &table);
    }
}

#[test]
fn now_and_today_are_of_the_zone() {
    // Now is 2024-11-03T15:30:00Z, 10:30 EST; a day before, 10:30 was EDT.
    assert_compares("seen", r#"{"$now": "0 days"}"#, &[("2024-11-03T15:30:00Z", '='), ("2024-11-03T15:30:01Z", '>')]);
    assert_compares("seen", r#"{"$now": "-1 day"}"#, &[("2024-11-02T14:30:00Z", '='), ("2024-11-02T15:30:00Z", '>')]);
    assert_compares("seen", r#"{"$now": "-24 hours"}"#, &[("2024-11-02T15:30:00Z", '=')]);
    assert_compares("seen", r#"{"$now": "-90 minutes"}"#, &[("2024-11-03T14:00:00Z", '=')]);
    assert_compares("seen", r#"{"$now": "1 month"}"#, &[("2024-12-03T15:30:00Z", '=')]);
    assert_compares(
        "seen",
        r#"{"$today": "0 days"}"#,
        &[
            ("2024-11-03T03:59:59Z", '<'),
            ("2024-11-03T04:00:00Z", '='),
            ("2024-11-04T04:59:59Z", '='),
            ("2024-11-04T05:00:00Z", '>'),
        ],
    );
    assert_compares("seen", r#"{"$today": "-1 week"}"#, &[("2024-10-27", '='), ("2024-10-28", '>')]);
    assert_compares("born", r#"{"$now": "0 days"}"#, &[("2024-11-02", '<'), ("2024-11-03", '='), ("2024-11-04", '>')]);
    assert_compares("born", r#"{"$today": "-18 years"}"#, &[("2006-11-03", '='), ("2006-11-04", '>')]);
    assert_refused(&[(
        r#"{"born": {"$lt": {"$today": "-5000 years"}}}"#,
        ErrorKind::Shape,
        "/born/$lt",
        "the date lies outside the years 1 to 9999",
        "Use a smaller offset.",
    )]);
}

#[test]
fn untyped_dates_are_read_in_utc() {
    let table = [
        ("2024-05-31T23:59:59Z", '<'),
        ("2024-06-01T00:00:00Z", '='),
        ("2024-06-01T23:59:59.999999Z", '='),
        ("2024-06-02T00:00:00Z", '>'),
        ("2024-06-01", '='),
    ];
    assert_compares("data", r#"{"$date": "2024-06-01"}"#, &table);
    assert_matches(&[
        (
            r#"{"data": {"$in": [{"$date": "2024-06-01"}, "x"]}}"#,
            &[r#"{"data": ["2024-06-01T12:00:00Z"]}"#, r#"{"data": "x"}"#],
            &[r#"{"data": "y"}"#],
        ),
        (r#"{"data": {"$all": [{"$date": "2024-06-01"}]}}"#, &[r#"{"data": "2024-06-01"}"#], &[r#"{"data": ["x"]}"#]),
        (
            r#"{"data": {"at": {"$date": "2024-06-01"}, "n": 1}}"#,
            &[r#"{"data": {"at": "2024-06-01T12:00:00Z", "n": 1}}"#],
            &[r#"{"data": {"at": "2024-06-01"}}"#],
        ),
        (
            r#"{"data": {"$gt": {"$today": "-1 day"}}}"#,
            &[r#"{"data": "2024-11-03T00:00:00Z"}"#],
            &[r#"{"data": "2024-11-02T23:59:59Z"}"#, r#"{"data": "zzz"}"#],
        ),
        // Plain text stays text.
        (r#"{"data": "2024-06-01"}"#, &[r#"{"data": "2024-06-01"}"#], &[r#"{"data": "2024-06-01T00:00:00Z"}"#]),
    ]);
}

#[test]
fn a_string_that_looks_like_a_date_is_told_where_it_is_compared_as_text() {
    for (condition, is_told) in [
        (r#"{"name": {"$gte": "2024-01-01"}}"#, true),
        (r#"{"data.since": {"$gte": "2024-01-01"}}"#, true),
        (r#"{"home.city": {"$gte": "2024-01-01"}}"#, true),
        (r#"{"seen": {"$gte": "2024-01-01"}}"#, false),
        (r#"{"visits": {"$gte": "2024-01-01"}}"#, false),
        (r#"{"visits.0": {"$gte": "2024-01-01"}}"#, false),
    ] {
        assert_eq!(notices(&parse(condition).unwrap(), &Audience).len(), usize::from(is_told), "{condition}");
    }
}

#[test]
fn keys_that_are_not_declared_are_read_as_the_condition_says() {
    for text in [r#"{"org": {"$as": "number", "$eq": 42}}"#, r#"{"org.unit": {"$as": "string", "$startsWith": "a"}}"#] {
        assert_eq!(printed(text, &Audience), text);
    }
    for text in
        [r#"{"org": 42}"#, r#"{"org.unit": {"$exists": true}}"#, r#"{"org": {"$not": {"$as": "number", "$gt": 1}}}"#]
    {
        let kinds: Vec<ErrorKind> = mistakes(text).into_iter().map(|error| error.kind).collect();
        assert_eq!(kinds, [ErrorKind::UnknownProperty], "{text}");
    }
}

#[test]
fn hints_say_what_was_probably_meant() {
    for (condition, hint) in [
        (r#"{"or": [{"age": 1}]}"#, "Did you mean $or?"),
        (r#"{"NOR": [{"age": 1}]}"#, "Did you mean $nor?"),
        (r#"{"not": {"age": 1}}"#, "Did you mean $not?"),
        (r#"{"segment": "adults"}"#, "Did you mean $segment?"),
        (r#"{"born": "yesterday"}"#, r#"Write {"$today": "-1 day"}."#),
        (r#"{"seen": {"$gte": "now-30d"}}"#, r#"Write {"$now": "-30 days"}."#),
        (r#"{"seen": {"$gte": "$now"}}"#, r#"Write {"$now": "0 days"}."#),
        // Seconds of our time, and milliseconds.
        (
            r#"{"seen": {"$gte": 1704067200}}"#,
            r#"For seconds since 1970 write {"$date": 1704067200000}, which counts milliseconds; otherwise write it as 2024-01-31."#,
        ),
        (
            r#"{"seen": {"$gte": 1704067200000}}"#,
            r#"For milliseconds since 1970 write {"$date": 1704067200000}; otherwise write it as 2024-01-31."#,
        ),
        // What became of a RegExp.
        (
            r#"{"name": {}}"#,
            r#"JSON.stringify makes {} of a regular expression; write its text: {"$regex": "^a", "$options": "i"}."#,
        ),
    ] {
        assert_eq!(mistakes(condition)[0].hint, hint, "{condition}");
    }
    assert_eq!(mistakes(r#"{"or": 5}"#)[0].message, "property \"or\" does not exist");
}

/// In whichever zone, nothing is after the last day that there is: neither what columns hold beyond it.
#[test]
fn nothing_is_after_the_last_day() {
    for stored in ["9999-12-31", "9999-12-31T23:59:59.999999Z", "2024-01-01"] {
        assert_compares("seen", "\"9999-12-31\"", &[(stored, if stored < "9999" { '<' } else { '=' })]);
    }
    for (days, micros) in [(i32::MAX, i64::MAX), (3_000_000, 300_000_000_000_000_000)] {
        assert_eq!(Moment::of_date(days).day().to_string(), "9999-12-31");
        assert_eq!(Moment::of_timestamp(micros).instant(), Instant::MAX);
    }
    assert_eq!(Moment::of_timestamp(i64::MIN).instant(), Instant::MIN);
}
