//! What is refused: the kind of mistake, where, and what is said about it.

mod common;

use common::{assert_kind, refusal};
use segments_core::check::{DocumentOnly, check};
use segments_core::error::{Error, ErrorKind};
use segments_core::limits;
use segments_core::operator::OPERATORS;
use segments_core::parse::{parse, parse_all};
use std::fmt::Write;

/// A row: the text, the kind, the JSON pointer, the message, the hint.
type Refusal<'a> = (&'a str, ErrorKind, &'a str, &'a str, &'a str);

use ErrorKind::{BadPattern, NotJson, Shape, Unsupported};

#[track_caller]
fn assert_refused(rows: &[Refusal<'_>]) {
    let mut wrong = String::new();
    for (text, kind, pointer, message, hint) in rows {
        let expected =
            Error { kind: *kind, pointer: (*pointer).into(), message: (*message).into(), hint: (*hint).into() };
        match refusal(text) {
            Some(error) if error == expected => {}
            found => writeln!(wrong, "{text}\n  expected {expected:?}\n  found    {found:?}").unwrap(),
        }
    }
    assert!(wrong.is_empty(), "\n{wrong}");
}

const QUOTES: &str = "Keys and strings take double quotes; nothing may follow the closing brace.";
const LOST: &str =
    "JSON.stringify makes {} of a regular expression; write its text: {\"$regex\": \"^a\", \"$options\": \"i\"}.";
const VALUE: &str = "A value is plain JSON, or a date: {\"$date\": …}, {\"$now\": …}, {\"$today\": …}.";

#[test]
fn what_is_not_json() {
    assert_refused(&[
        ("", NotJson, "", "condition is not valid JSON: EOF while parsing a value at line 1 column 0", QUOTES),
        ("{", NotJson, "", "condition is not valid JSON: EOF while parsing an object at line 1 column 1", QUOTES),
        ("{'a': 1}", NotJson, "", "condition is not valid JSON: key must be a string at line 1 column 2", QUOTES),
        ("{\"a\": 1,}", NotJson, "", "condition is not valid JSON: key must be a string at line 1 column 9", QUOTES),
        ("{\"a\": 1} {}", NotJson, "", "condition is not valid JSON: trailing characters at line 1 column 10", QUOTES),
        ("{\"a\": 01}", NotJson, "", "condition is not valid JSON: invalid number at line 1 column 8", QUOTES),
        ("{\"a\": \"\n\"}", NotJson, "", &controls("line 1 column 7"), QUOTES),
        ("{\"a\": \"\0\"}", NotJson, "", &controls("line 1 column 7"), QUOTES),
    ]);
    for text in ["{\"a\": NaN}", "{\"a\": .5}", "{\"a\": +1}", "{a: 1}", "// x\n{}", "\u{feff}{}", "{\"a\": \"\\x\"}"] {
        assert_kind(text, Some(NotJson));
    }
    assert_kind(" \n\t{ } \r\n", None);
}

fn controls(place: &str) -> String {
    format!("condition is not valid JSON: control character (\\u0000-\\u001F) found while parsing a string at {place}")
}

#[test]
fn strings_that_postgres_cannot_store() {
    let nul = ("\\u0000 cannot be converted to text", "Remove the NUL character.");
    let half = (
        "condition is not valid JSON: a \\u escape is half of a surrogate pair",
        "Write the character itself, or both halves: \\ud83d\\ude00.",
    );
    assert_refused(&[
        (r#"{"a": "x\u0000y"}"#, NotJson, "/a", nul.0, nul.1),
        (r#"{"a\u0000": 1}"#, NotJson, "", nul.0, nul.1),
        (r#"{"a": {"$in": ["x", "\u0000"]}}"#, NotJson, "/a/$in/1", nul.0, nul.1),
        (r#"{"a": {"$eq": {"b\u0000": 1}}}"#, NotJson, "/a/$eq", nul.0, nul.1),
        (r#"{"a": {"$regex": "\u0000"}}"#, NotJson, "/a/$regex", nul.0, nul.1),
        (r#"{"a": "\ud83d"}"#, NotJson, "/a", half.0, half.1),
        (r#"{"a": ["x", "\ude00"]}"#, NotJson, "/a/1", half.0, half.1),
        (r#"{"\ud83dx": 1}"#, NotJson, "", half.0, half.1),
        (r#"{"a": {"$regex": "\ud83d\ud83d"}}"#, NotJson, "/a/$regex", half.0, half.1),
    ]);
    assert_kind(r#"{"a": "\ud83d\ude00"}"#, None);
}

#[test]
fn a_condition_is_an_object_that_says_something() {
    let object = "Write {\"property\": value} or {\"$and\": [condition, …]}.";
    let list = |name| format!("Write {{\"{name}\": [condition, …]}} with at least one condition.");
    assert_refused(&[
        ("null", Shape, "", "a condition must be an object, not null", object),
        ("[]", Shape, "", "a condition must be an object, not an empty array", object),
        ("[{}]", Shape, "", "a condition must be an object, not an array", object),
        ("\"a\"", Shape, "", "a condition must be an object, not a string", object),
        ("1e5", Shape, "", "a condition must be an object, not a number", object),
        ("true", Shape, "", "a condition must be an object, not a boolean", object),
        (r#"{"$and": []}"#, Shape, "/$and", "$and needs at least one condition", &list("$and")),
        (r#"{"$or": []}"#, Shape, "/$or", "$or needs at least one condition", &list("$or")),
        (
            r#"{"$nor": {"a": 1}}"#,
            Shape,
            "/$nor",
            "$nor takes a non-empty array of conditions, not an object",
            &list("$nor"),
        ),
        (r#"{"$and": [{"a": 1}, 5]}"#, Shape, "/$and/1", "a condition must be an object, not a number", object),
        (r#"{"$not": [{"a": 1}]}"#, Shape, "/$not", "a condition must be an object, not an array", object),
    ]);
}

#[test]
fn no_key_of_a_path_is_empty() {
    let hint = "A dot stands between two keys. A dot that belongs to a key takes a backslash before it.";
    for (condition, pointer, path) in [
        (r#"{"": 1}"#, "/", ""),
        (r#"{"a.": 1}"#, "/a.", "a."),
        (r#"{".a": {"$gt": 1}}"#, "/.a", ".a"),
        (r#"{"$or": [{"a..b": null}]}"#, "/$or/0/a..b", "a..b"),
        (r#"{"a": {"$elemMatch": {"b.": 1}}}"#, "/a/$elemMatch/b.", "b."),
    ] {
        assert_refused(&[(condition, Shape, pointer, &format!("a key of path \"{path}\" is empty"), hint)]);
    }
    assert_kind(r#"{"a\\.": 1, "a": {"": 1}}"#, None);
}

#[test]
fn rule_9_duplicate_keys() {
    let hint = "Only one of them would count. Put both under $and, or merge their tests into one object.";
    assert_refused(&[
        (r#"{"a": 1, "a": 2}"#, Shape, "/a", "duplicate key \"a\"", hint),
        (r#"{"a": 1, "b": 1, "\u0061": 1}"#, Shape, "/a", "duplicate key \"a\"", hint),
        (r#"{"$or": [{"a": 1}], "$or": [{"b": 1}]}"#, Shape, "/$or", "duplicate key \"$or\"", hint),
        (r#"{"a": {"$gt": 1, "$gt": 2}}"#, Shape, "/a/$gt", "duplicate key \"$gt\"", hint),
        (r#"{"a": {"$eq": {"b": 1, "b": 1}}}"#, Shape, "/a/$eq/b", "duplicate key \"b\"", hint),
        (r#"{"a": {"$elemMatch": {"b": 1, "b": 2}}}"#, Shape, "/a/$elemMatch/b", "duplicate key \"b\"", hint),
        (r#"{"$topic": {"$ne": "a", "$ne": "b"}}"#, Shape, "/$topic/$ne", "duplicate key \"$ne\"", hint),
    ]);
}

#[test]
fn rule_10_unknown_operators_name_the_nearest() {
    let in_condition = "Operators that may stand here: $and, $or, $nor, $not, $topic, $segment. A field of that name takes a backslash, in JSON \"\\\\$where\".";
    let in_value = "Operators that may stand here: $date, $now, $today.";
    assert_refused(&[
        (r#"{"a": {"$gte ": 1}}"#, Unsupported, "/a/$gte ", "unknown operator \"$gte \"", "Did you mean $gte?"),
        (
            r#"{"a": {"$exist": true}}"#,
            Unsupported,
            "/a/$exist",
            "unknown operator \"$exist\"",
            "Did you mean $exists?",
        ),
        (
            r#"{"a": {"$elemmatch": {"b": 1}}}"#,
            Unsupported,
            "/a/$elemmatch",
            "unknown operator \"$elemmatch\"",
            "Did you mean $elemMatch?",
        ),
        (
            r#"{"a": {"$startWith": "x"}}"#,
            Unsupported,
            "/a/$startWith",
            "unknown operator \"$startWith\"",
            "Did you mean $startsWith?",
        ),
        (
            r#"{"a": {"$regexp": "x"}}"#,
            Unsupported,
            "/a/$regexp",
            "unknown operator \"$regexp\"",
            "Did you mean $regex?",
        ),
        (r#"{"a": {"$nni": ["x"]}}"#, Unsupported, "/a/$nni", "unknown operator \"$nni\"", "Did you mean $nin?"),
        (r#"{"$adn": [{"a": 1}]}"#, Unsupported, "/$adn", "unknown operator \"$adn\"", "Did you mean $and?"),
        (r#"{"$OR": [{"a": 1}]}"#, Unsupported, "/$OR", "unknown operator \"$OR\"", "Did you mean $or?"),
        (r#"{"$topics": "x"}"#, Unsupported, "/$topics", "unknown operator \"$topics\"", "Did you mean $topic?"),
        (r#"{"$where": "x"}"#, Unsupported, "/$where", "unknown operator \"$where\"", in_condition),
        (r#"{"a": {"$eq": {"$oid": "x"}}}"#, Unsupported, "/a/$eq/$oid", "unknown operator \"$oid\"", in_value),
        (
            r#"{"a": {"$gt": {"$dates": "x"}}}"#,
            Unsupported,
            "/a/$gt/$dates",
            "unknown operator \"$dates\"",
            "Did you mean $date?",
        ),
    ]);
    for (text, hint) in [
        (r#"{"a": {"$like": "x%"}}"#, "Use $contains, $startsWith or $endsWith, which have no wildcards, or $regex."),
        (r#"{"a": {"$iLike": "x%"}}"#, "Use $contains, $startsWith or $endsWith, which have no wildcards, or $regex."),
        (r#"{"a": {"$between": [1, 2]}}"#, "Use two bounds: {\"$gte\": …, \"$lte\": …}."),
        // A negated word gets the negated form.
        (r#"{"a": {"$neq": 1}}"#, "Did you mean $ne?"),
        (r#"{"a": {"$notIn": [1]}}"#, "Did you mean $nin?"),
        (r#"{"a": {"$not_in": [1]}}"#, "Did you mean $nin?"),
        (r#"{"a": {"$notContains": "x"}}"#, "Write {\"$not\": {\"$contains\": …}}."),
        (r#"{"a": {"$doesNotContain": "x"}}"#, "Write {\"$not\": {\"$contains\": …}}."),
        (r#"{"a": {"$notExists": true}}"#, "Write {\"$exists\": false}."),
        (r#"{"a": {"$nregex": "x"}}"#, "Write {\"$not\": {\"$regex\": …}}."),
        (r#"{"a": {"$nstartsWith": "x"}}"#, "Write {\"$not\": {\"$startsWith\": …}}."),
        (r#"{"a": {"$isNotNull": true}}"#, "Write {\"$ne\": null}: it holds for contacts that have a value."),
        (r#"{"a": {"$is": 1}}"#, "Did you mean $eq?"),
        (r#"{"a": {"$ge": 1}}"#, "Did you mean $gte?"),
        (r#"{"a": {"$ni": [1]}}"#, "Did you mean $in?"),
        (r#"{"$xor": [{"a": 1}]}"#, "For exactly one of two, write {\"$or\": [A, B], \"$nor\": [{\"$and\": [A, B]}]}."),
        (
            r#"{"$id": 1}"#,
            "Fields are named without $: {\"id\": …}. A name that begins with $ takes a backslash before it.",
        ),
        (r#"{"$eq": ["$a", "$b"]}"#, "It compares one field with a value: {\"property\": {\"$eq\": value}}."),
        // What became of a RegExp, and operators without $.
        (r#"{"a": {"$regex": {}}}"#, LOST),
        (r#"{"a": {"$not": {}}}"#, LOST),
        (r#"{"a": {"$not": {"lt": 40}}}"#, "Did you mean {\"$not\": {\"$lt\": …}}?"),
        (
            r#"{"a": {"$not": {"b": 40}}}"#,
            "Operators begin with $: {\"$not\": {\"$gt\": 5}}. For \"not equal\" write {\"$ne\": value}.",
        ),
    ] {
        assert_eq!(refusal(text).unwrap().hint, hint);
    }
    let far = refusal(r#"{"a": {"$soundsLike": "x"}}"#).unwrap();
    assert!(far.hint.starts_with("Operators that may stand here: $not, $eq, $ne,"), "{}", far.hint);
}

#[test]
fn rule_10_operators_in_the_wrong_place() {
    let tests = |name: &str| format!("It tests a field: {{\"property\": {{\"{name}\": …}}}}.");
    let condition = |name: &str| {
        format!("It stands where a condition does, not under a field: {{\"{name}\": …}}, naming the field inside.")
    };
    assert_refused(&[
        (r#"{"$gt": 1}"#, Unsupported, "/$gt", "operator $gt does not belong here", &tests("$gt")),
        (
            r#"{"$elemMatch": {"a": 1}}"#,
            Unsupported,
            "/$elemMatch",
            "operator $elemMatch does not belong here",
            &tests("$elemMatch"),
        ),
        (
            r#"{"a": {"$or": [{"$gt": 1}]}}"#,
            Unsupported,
            "/a/$or",
            "operator $or does not belong here",
            &condition("$or"),
        ),
        (
            r#"{"a": {"$topic": "x"}}"#,
            Unsupported,
            "/a/$topic",
            "operator $topic does not belong here",
            &condition("$topic"),
        ),
        (
            r#"{"$options": "i"}"#,
            Unsupported,
            "/$options",
            "operator $options does not belong here",
            "$options stands beside a test on a field, as in {\"property\": {\"$options\": …, \"$regex\": …}}.",
        ),
        (
            r#"{"$as": "number"}"#,
            Unsupported,
            "/$as",
            "operator $as does not belong here",
            "$as stands beside a test on a field, as in {\"property\": {\"$as\": …, \"$gte\": …}}.",
        ),
        (
            r#"{"$date": "2024-01-01"}"#,
            Unsupported,
            "/$date",
            "operator $date does not belong here",
            "It is a value: {\"property\": {\"$gte\": {\"$date\": …}}}.",
        ),
        (
            r#"{"a": {"$eq": {"$gt": 1}}}"#,
            Unsupported,
            "/a/$eq/$gt",
            "operator $gt does not belong inside a value",
            VALUE,
        ),
        (
            r#"{"a": {"$in": [1, {"$regex": "x"}]}}"#,
            Unsupported,
            "/a/$in/1/$regex",
            "operator $regex does not belong inside a value",
            VALUE,
        ),
        (
            r#"{"a": [{"$elemMatch": {"b": 1}}]}"#,
            Unsupported,
            "/a/0/$elemMatch",
            "operator $elemMatch does not belong inside a value",
            VALUE,
        ),
        (
            r#"{"a": {"$all": [{"$elemMatch": {"b": 1}, "c": 1}]}}"#,
            Unsupported,
            "/a/$all/0/$elemMatch",
            "operator $elemMatch does not belong inside a value",
            VALUE,
        ),
        (
            r#"{"a": {"$eq": {"$date": "2024-01-01", "b": 1}}}"#,
            Shape,
            "/a/$eq/$date",
            "$date must stand alone in its object",
            "Write {\"$date\": …} as the whole value.",
        ),
        (
            r#"{"a": {"$gt": 1, "b": 2}}"#,
            Shape,
            "/a/b",
            "key \"b\" stands among operators",
            "To compare with an object use {\"$eq\": {…}}; to reach into one use a dotted path, such as \"address.city\".",
        ),
        (
            r#"{"a": {"$options": "i", "$eq": "x"}}"#,
            Unsupported,
            "/a/$options",
            "$options stands without a test that takes it",
            "$options goes with $regex, $contains, $startsWith or $endsWith in the same object.",
        ),
        (
            r#"{"a": {"$as": "number"}}"#,
            Shape,
            "/a",
            "nothing is asked of the field",
            "$as and $options only say how a test is done: add one, such as $eq or $regex.",
        ),
    ]);
    // Every operator is refused somewhere: none is ignored.
    for row in OPERATORS {
        let name = row.name;
        assert_kind(
            &format!(r#"{{"a": {{"$eq": {{"{name}": {{}}}}}}}}"#),
            Some(if name.contains("$date") || name == "$now" || name == "$today" { Shape } else { Unsupported }),
        );
    }
}

#[test]
fn wrong_operands() {
    let ordered = "Nothing is greater or less than null. For contacts that have a value use {\"$exists\": true} or {\"$ne\": null}.";
    let no_order = "Arrays and objects have no order; use $eq, $in or $all.";
    let types = "Types are string, number, bool, object, array, null.";
    let property_types =
        "Types are string, number, boolean, date, timestamp, json, string[], number[], boolean[], date[], timestamp[].";
    let size = "Write {\"$size\": 3}; for a range test an element that must exist: {\"tags.2\": {\"$exists\": true}}.";
    let topics = "Name topics by slug or id: {\"$topic\": \"weekly\"} or {\"$topic\": {\"$in\": [\"weekly\", \"daily\"]}}; {\"$topic\": {\"$exists\": true}} is any topic.";
    let segments = "Name segments by id or name: {\"$segment\": \"Buyers\"} or {\"$segment\": {\"$nin\": [\"Buyers\", \"Staff\"]}}.";
    let flag = |name| format!("Write {{\"{name}\": true}} or {{\"{name}\": false}}.");
    let not = "For \"not equal\" write {\"$ne\": value}; otherwise {\"$not\": {\"$gt\": 5}}.";
    assert_refused(&[
        (r#"{"a": {"$gt": null}}"#, Shape, "/a/$gt", "$gt cannot compare with null", ordered),
        (
            r#"{"a": {"$lte": [1]}}"#,
            Shape,
            "/a/$lte",
            "$lte takes a string, number or date; a boolean where none is declared, not an array",
            no_order,
        ),
        (
            r#"{"a": {"$lt": {"b": 1}}}"#,
            Shape,
            "/a/$lt",
            "$lt takes a string, number or date; a boolean where none is declared, not an object",
            no_order,
        ),
        (
            r#"{"a": {"$in": 5}}"#,
            Shape,
            "/a/$in",
            "$in takes an array of JSON values, not a number",
            "Write {\"$in\": [value, …]}.",
        ),
        (
            r#"{"a": {"$nin": {"b": 1}}}"#,
            Shape,
            "/a/$nin",
            "$nin takes an array of JSON values, not an object",
            "Write {\"$nin\": [value, …]}.",
        ),
        (
            r#"{"a": {"$all": "x"}}"#,
            Shape,
            "/a/$all",
            "$all takes an array of JSON values or $elemMatch, not a string",
            "Write {\"$all\": [value, …]}.",
        ),
        (r#"{"a": {"$exists": 1}}"#, Shape, "/a/$exists", "$exists takes a boolean, not a number", &flag("$exists")),
        (r#"{"a": {"$empty": "true"}}"#, Shape, "/a/$empty", "$empty takes a boolean, not a string", &flag("$empty")),
        (
            r#"{"a": {"$regex": 5}}"#,
            Shape,
            "/a/$regex",
            "$regex takes a pattern, with $options of i m s x, not a number",
            "Write the pattern as a string, without slashes around it.",
        ),
        (
            r#"{"a": {"$contains": ["x"]}}"#,
            Shape,
            "/a/$contains",
            "$contains takes a string, with $options of i, not an array",
            "Write the text to look for as a string.",
        ),
        (
            r#"{"a": {"$regex": "x", "$options": "ig"}}"#,
            Shape,
            "/a/$regex",
            "unknown option \"g\" in $options",
            "Allowed here: i, m, s, x.",
        ),
        (
            r#"{"a": {"$contains": "x", "$options": "m"}}"#,
            Shape,
            "/a/$contains",
            "unknown option \"m\" in $options",
            "Allowed here: i.",
        ),
        (
            r#"{"a": {"$regex": "x", "$options": true}}"#,
            Shape,
            "/a/$options",
            "$options takes a string of letters, not a boolean",
            "Write the letters as a string: {\"$regex\": \"…\", \"$options\": \"i\"}.",
        ),
        (r#"{"a": {"$not": 5}}"#, Shape, "/a/$not", "$not on a field takes an object of operators, not a number", not),
        (
            r#"{"a": {"$not": {"b": 5}}}"#,
            Shape,
            "/a/$not",
            "$not on a field takes operators, and \"b\" is none",
            "Operators begin with $: {\"$not\": {\"$gt\": 5}}. For \"not equal\" write {\"$ne\": value}.",
        ),
        (
            r#"{"a": {"$not": {"$date": "2024-01-01"}}}"#,
            Shape,
            "/a/$not",
            "$not on a field takes an object of operators, not an object",
            not,
        ),
        (r#"{"a": {"$size": -1}}"#, Shape, "/a/$size", "$size takes an integer, 0 or more, not -1", size),
        (r#"{"a": {"$size": 1.5}}"#, Shape, "/a/$size", "$size takes an integer, 0 or more, not 1.5", size),
        (
            r#"{"a": {"$size": {"$gt": 1}}}"#,
            Shape,
            "/a/$size",
            "$size takes an integer, 0 or more, not an object",
            size,
        ),
        (r#"{"a": {"$type": "date"}}"#, Shape, "/a/$type", "unknown type \"date\" in $type", types),
        (r#"{"a": {"$type": ["string", "int"]}}"#, Shape, "/a/$type/1", "unknown type \"int\" in $type", types),
        (r#"{"a": {"$type": []}}"#, Shape, "/a/$type", "$type needs at least one type", types),
        (r#"{"a": {"$as": "bool", "$eq": true}}"#, Shape, "/a/$as", "unknown type \"bool\" in $as", property_types),
        (r#"{"a": {"$as": "json[]", "$eq": true}}"#, Shape, "/a/$as", "unknown type \"json[]\" in $as", property_types),
        (
            r#"{"a": {"$elemMatch": [1]}}"#,
            Shape,
            "/a/$elemMatch",
            "$elemMatch takes a condition or predicate object, not an array",
            "Write {\"$elemMatch\": {\"$gte\": 5, \"$lt\": 9}} or {\"$elemMatch\": {\"name\": \"x\"}}.",
        ),
        (
            r#"{"$topic": 5}"#,
            Shape,
            "/$topic",
            "$topic takes a topic, or $eq $ne $in $nin $all over topics, or $exists, not a number",
            topics,
        ),
        (
            r#"{"$topic": {}}"#,
            Shape,
            "/$topic",
            "$topic takes a topic, or $eq $ne $in $nin $all over topics, or $exists, not an empty object",
            topics,
        ),
        (
            r#"{"$topic": {"$gt": "a"}}"#,
            Unsupported,
            "/$topic/$gt",
            "operator $gt does not belong under $topic",
            topics,
        ),
        (
            r#"{"$topic": {"$inn": ["a"]}}"#,
            Unsupported,
            "/$topic/$inn",
            "unknown operator \"$inn\" under $topic",
            topics,
        ),
        (
            r#"{"$topic": {"$in": [1]}}"#,
            Shape,
            "/$topic/$in/0",
            "$topic takes a topic, or $eq $ne $in $nin $all over topics, or $exists, not a number",
            topics,
        ),
        (
            r#"{"$segment": ["x"]}"#,
            Shape,
            "/$segment",
            "$segment takes the id or name of a segment, or $eq $ne $in $nin over segments, not an array",
            segments,
        ),
        (
            r#"{"$segment": {"$exists": true}}"#,
            Unsupported,
            "/$segment/$exists",
            "operator $exists does not belong under $segment",
            segments,
        ),
        (
            r#"{"$segment": {"$nin": ["a", 5]}}"#,
            Shape,
            "/$segment/$nin/1",
            "$segment takes the id or name of a segment, or $eq $ne $in $nin over segments, not a number",
            segments,
        ),
        (
            r#"{"$topic": {"$exists": "yes"}}"#,
            Shape,
            "/$topic/$exists",
            "$exists takes a boolean, not a string",
            "Write {\"$exists\": true} or {\"$exists\": false}.",
        ),
        (
            r#"{"a": 1e200000}"#,
            Shape,
            "/a",
            "number is out of range",
            "Numbers may have 131072 digits before the decimal point and 16383 after it, as numeric has.",
        ),
    ]);
}

#[test]
fn wrong_dates() {
    let date = "Write a date (2024-01-01), an RFC 3339 timestamp (2024-01-01T10:00:00Z) or milliseconds since 1970.";
    let now = "Write minutes, hours, days, weeks, months or years, as in {\"$now\": \"-30 days\"}.";
    let today = "Write days, weeks, months or years, as in {\"$today\": \"-1 day\"}.";
    assert_refused(&[
        (
            r#"{"a": {"$gt": {"$date": "yesterday"}}}"#,
            Shape,
            "/a/$gt/$date",
            "\"yesterday\" is neither a date such as 2024-01-31 nor a timestamp such as 2024-01-31T10:00:00Z",
            r#"Write {"$today": "-1 day"} as the whole value."#,
        ),
        (
            r#"{"a": {"$date": true}}"#,
            Shape,
            "/a/$date",
            "$date takes a date, a timestamp, or milliseconds since 1970, not a boolean",
            date,
        ),
        (
            r#"{"a": {"$in": [{"$date": 1.5}]}}"#,
            Shape,
            "/a/$in/0/$date",
            "1.5 is not a whole number of milliseconds since 1970 within the years 1 to 9999",
            date,
        ),
        (
            r#"{"a": {"$lt": {"$now": -30}}}"#,
            Shape,
            "/a/$lt/$now",
            "$now takes an offset such as \"-30 days\", not a number",
            now,
        ),
        (
            r#"{"a": {"$lt": {"$now": "30 seconds"}}}"#,
            Shape,
            "/a/$lt/$now",
            "\"30 seconds\" is not an offset such as \"-30 days\": a number up to 1000000, then minutes, hours, days, weeks, months or years",
            now,
        ),
        (
            r#"{"a": {"$lt": {"$today": "-2 hours"}}}"#,
            Shape,
            "/a/$lt/$today",
            "$today is a whole day and cannot move by hours; $now can",
            today,
        ),
        (
            r#"{"a": {"$lt": {"$now": "1 day"}}}"#,
            Unsupported,
            "/a/$lt",
            "$now needs to know the time, which @~ does not",
            "Use it in a segment or in count_contacts(), or write the date itself as {\"$date\": …}.",
        ),
    ]);
    for day in ["2023-02-29", "2024-13-01", "2024-1-1", "24-01-01", "2024-01-01T25:00:00Z", "0000-01-01", ""] {
        assert_kind(&format!(r#"{{"a": {{"$date": "{day}"}}}}"#), Some(Shape));
    }
}

#[test]
fn rule_8_patterns() {
    let syntax =
        "Patterns use the syntax of the Rust regex crate; $contains, $startsWith and $endsWith match literal text.";
    let look =
        "Of these only ^(?!X), ^(?!X)Y, (?<!X)$ and ^((?!X).)*$ are read. Combine simpler patterns with $and and $not.";
    let look_around =
        "invalid pattern: look-ahead and look-behind, but for four shapes that say \"not\", are not supported";
    assert_refused(&[
        (r#"{"a": {"$regex": "(?=x)"}}"#, BadPattern, "/a/$regex", &format!("{look_around}: (?="), look),
        (r#"{"a": {"$regex": "(?<!x)y"}}"#, BadPattern, "/a/$regex", &format!("{look_around}: (?<!"), look),
        (
            r#"{"a": {"$regex": "(x)\\1"}}"#,
            BadPattern,
            "/a/$regex",
            r"invalid pattern: back-references are not supported: \1",
            "List the alternatives.",
        ),
        (r#"{"a": {"$regex": "x("}}"#, BadPattern, "/a/$regex", "invalid pattern: unclosed group", syntax),
        (
            r#"{"a": {"$regex": "*"}}"#,
            BadPattern,
            "/a/$regex",
            "invalid pattern: repetition operator missing expression",
            syntax,
        ),
    ]);
}

#[test]
fn what_needs_more_than_the_document() {
    let hint = "Use it in a segment, or in count_contacts() or search_contacts().";
    assert_refused(&[
        (r#"{"$topic": "x"}"#, Unsupported, "/$topic", "$topic needs an audience, which @~ does not know", hint),
        (
            r#"{"$or": [{"$segment": "x"}]}"#,
            Unsupported,
            "/$or/0/$segment",
            "$segment needs an audience, which @~ does not know",
            hint,
        ),
        (
            r#"{"a": {"$elemMatch": {"b": 1, "$and": [{"$topic": "x"}]}}}"#,
            Unsupported,
            "/a/$elemMatch/$and/0/$topic",
            "operator $topic does not belong inside $elemMatch",
            "$topic is about the contact, not about an element of an array: put it beside the field.",
        ),
    ]);
}

#[test]
fn pointers_escape_slashes_and_tildes() {
    assert_eq!(refusal(r#"{"a/b": {"$and": 1}}"#).unwrap().pointer, "/a~1b/$and");
    assert_eq!(refusal(r#"{"x~y": {"$gt": null}}"#).unwrap().pointer, "/x~0y/$gt");
}

#[test]
fn all_mistakes_are_told_at_once_up_to_a_hundred() {
    let parsed = parse_all(r#"{"$or": [{"a": {"$gtt": 1}}, {"b": {"$gt": null}}, []], "c": {"$regex": "("}}"#, || ());
    let pointers: Vec<&str> = parsed.errors.iter().map(|error| error.pointer.as_str()).collect();
    assert_eq!(pointers, ["/c/$regex", "/$or/0/a/$gtt", "/$or/1/b/$gt", "/$or/2"]);

    let many = format!(r#"{{"$or": [{}]}}"#, vec![r#"{"a": {"$gt": null}}"#; 200].join(", "));
    assert_eq!(parse_all(&many, || ()).errors.len(), limits::ERRORS);
    let condition = parse(&format!(r#"{{"$or": [{}]}}"#, vec![r#"{"$topic": "x"}"#; 200].join(", "))).unwrap();
    assert_eq!(check(&condition, &DocumentOnly).unwrap_err().len(), limits::ERRORS);
}
