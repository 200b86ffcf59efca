//! Refusals that `tests/cases` cannot express.

mod common;

use common::{assert_kind, refusal};
use segments_core::check::{DocumentOnly, check};
use segments_core::error::ErrorKind::{Shape, Unsupported};
use segments_core::limits;
use segments_core::operator::{OPERATORS, OperatorPosition};
use segments_core::parse::{parse, parse_all};

#[test]
fn an_unknown_operator_that_is_like_none_gets_a_list() {
    let far = refusal(r#"{"a": {"$soundsLike": "x"}}"#).unwrap();
    assert!(far.hint.starts_with("Operators that may stand here: $not, $comment, $eq, $ne,"), "{}", far.hint);
}

/// No operator is ignored where it may not stand.
#[test]
fn every_operator_is_refused_somewhere() {
    for row in OPERATORS {
        let name = row.name;
        assert_kind(
            &format!(r#"{{"a": {{"$eq": {{"{name}": {{}}}}}}}}"#),
            Some(if row.position == OperatorPosition::Operand { Shape } else { Unsupported }),
        );
    }
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
