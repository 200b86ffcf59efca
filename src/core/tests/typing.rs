//! Typed properties: rules that `tests/cases` cannot express.

mod common;

use common::audience::Audience;
use common::{Case, checked, document};
use segments_core::check::{Declaration, DocumentOnly, Environment, check};
use segments_core::date::{Instant, Moment};
use segments_core::error::{Error, ErrorKind, Refusal};
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

/// The text of the checked condition, for documents alone.
fn printed(text: &str, scope: &dyn Environment) -> String {
    checked(text, scope).on_document().unwrap().to_condition().to_string()
}

#[test]
fn an_element_beyond_the_end_of_a_declared_array_is_missing() {
    let beyond = [r#"{"tags": ["x"]}"#, r#"{"tags": []}"#, "{}"];
    assert_matches(&[(r#"{"tags.1": null}"#, &beyond, &[r#"{"tags": ["x", "y"]}"#])]);
    common::assert_matches(&DocumentOnly, &[(r#"{"tags.1": null}"#, &beyond[2..], &beyond[..2])]);
}

#[test]
fn users_may_write_as_themselves() {
    let declared = |condition| printed(condition, &Audience);
    let written = |condition| printed(condition, &DocumentOnly);
    assert_eq!(written(r#"{"age": {"$as": "number", "$gt": 1}}"#), declared(r#"{"age": {"$gt": 1}}"#));
    assert_eq!(declared(r#"{"age": {"$as": "number", "$gt": 1}}"#), declared(r#"{"age": {"$gt": 1}}"#));
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
}

/// An audience with one segment.
struct Of(Checked);

impl Environment for Of {
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

    fn now(&self) -> Option<Instant> {
        None
    }
}

#[test]
fn segments_count_against_the_limits() {
    // Each segment refers to the previous one twice. Without a limit, 40 steps would make 2⁴⁰ tests.
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
        let printed = segment.on_document().unwrap().to_condition().to_string();
        assert!(parse(&printed).is_ok(), "what is within the limits prints within them");
    }
    let errors = check(&deeper, &Of(segment)).unwrap_err();
    assert_eq!((errors[0].kind, errors[0].pointer.as_str()), (ErrorKind::TooDeep, ""));
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

/// In no zone is anything after the last day, not even the values of columns that are beyond it.
#[test]
fn nothing_is_after_the_last_day() {
    for (days, micros) in [(i32::MAX, i64::MAX), (3_000_000, 300_000_000_000_000_000)] {
        assert_eq!(Moment::of_date(days).day().to_string(), "9999-12-31");
        assert_eq!(Moment::of_timestamp(micros).instant(), Instant::MAX);
    }
    assert_eq!(Moment::of_timestamp(i64::MIN).instant(), Instant::MIN);
}
