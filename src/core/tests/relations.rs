//! Conditions on relations: their rows mean what the same objects mean in an array, and what an evaluator finds that tries
//! every choice of them.

mod common;

use common::naive::{Element, Order, Values, asked, element, wanted};
use common::{checked, document, evaluate};
use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;
use proptest::sample::select;
use segments_core::check::{Declaration, DocumentOnly, Environment, RelationDeclaration};
use segments_core::error::{ErrorKind, Refusal};
use segments_core::expr::{Atom, Checked, Expr, own_tests};
use segments_core::path::Path;
use segments_core::program::Surroundings;
use segments_core::program_set::{Matches, ProgramSet};
use segments_core::types::{PropertyType, ScalarType};
use segments_core::value::Json;

/// An audience with a relation `a`, whose rows have a kind, values and a time.
struct Related {
    has_key: bool,
}

impl Environment for Related {
    fn property(&self, name: &Path) -> Declaration {
        let scalar = |scalar| Declaration::Property(PropertyType::Scalar(scalar));
        match name.text() {
            "a.kind" | "b" => scalar(ScalarType::Number),
            "a.at" => scalar(ScalarType::Timestamp),
            "a.v" => Declaration::Property(PropertyType::Json),
            _ => Declaration::Unknown,
        }
    }

    fn relation(&self, name: &str) -> Result<Option<RelationDeclaration>, Refusal> {
        let time = Some((Path::parse("at"), PropertyType::Scalar(ScalarType::Timestamp)));
        Ok((name == "a").then_some(RelationDeclaration { time, has_key: self.has_key }))
    }

    fn segment(&self, reference: &str) -> Result<Checked, Refusal> {
        Ok(checked(reference, self))
    }
}

/// A row of the relation.
fn row() -> impl Strategy<Value = Element> {
    element().prop_filter("rows are objects", |element| matches!(element, Element::Object { .. }))
}

/// A test on a dotted path.
#[derive(Clone, Debug)]
enum Dotted {
    Equals(i64),
    Exceeds(i64),
    Exists,
    Null,
    Empty,
}

impl Dotted {
    fn text(&self) -> String {
        match self {
            Dotted::Equals(number) => format!(r#""$eq": {number}"#),
            Dotted::Exceeds(number) => format!(r#""$gt": {number}"#),
            Dotted::Exists => r#""$exists": true"#.to_owned(),
            Dotted::Null => r#""$eq": null"#.to_owned(),
            Dotted::Empty => r#""$empty": true"#.to_owned(),
        }
    }

    /// Whether one of the rows has a value that satisfies it, or for `$empty` there are none.
    fn holds(&self, rows: &[Element], is_of_kind: bool) -> bool {
        let of = |element: &Element| {
            let Element::Object { kind, values, .. } = element else { return false };
            let kind = kind.map_or(Values::Missing, Values::One);
            let (numbers, is_present, is_null, is_empty) = match if is_of_kind { &kind } else { values } {
                Values::Missing => (vec![], false, true, true),
                Values::Null => (vec![], true, true, true),
                Values::Text(_) => (vec![], true, false, false),
                Values::One(number) => (vec![*number], true, false, false),
                Values::Several(numbers) => (numbers.clone(), true, false, numbers.is_empty()),
            };
            match self {
                Dotted::Equals(number) => numbers.contains(number),
                Dotted::Exceeds(bound) => numbers.iter().any(|number| number > bound),
                Dotted::Exists => is_present,
                Dotted::Null => is_null,
                Dotted::Empty => is_empty,
            }
        };
        rows.iter().any(of) || matches!(self, Dotted::Empty) && rows.is_empty()
    }
}

/// Asserts what the condition says of the document: as a condition on a relation, among others, and as it is printed.
fn assert_says(condition: &str, related: &Related, document_text: &str, expected: bool) -> Result<(), TestCaseError> {
    let checked_condition = checked(condition, related);
    let document = document(document_text);
    prop_assert_eq!(evaluate(&checked_condition, &document), expected, "{} of {}", condition, document_text);
    let others = [checked(r#"{"a": {"$empty": true}}"#, related), checked_condition.clone()];
    let mut matches = Matches::new();
    ProgramSet::compile(&others).matching(&document, Surroundings::NONE, &mut matches);
    prop_assert_eq!(matches.contains(1), expected, "{} of {}, among others", condition, document_text);
    let printed = checked_condition.on_document().unwrap().to_condition().to_string();
    let again = checked(&printed, &DocumentOnly);
    prop_assert_eq!(evaluate(&again, &document), expected, "{} of {}", printed, document_text);
    Ok(())
}

fn document_of(rows: &[Element]) -> String {
    format!(r#"{{"a": [{}]}}"#, rows.iter().map(Element::text).collect::<Vec<_>>().join(", "))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn rows_satisfy_what_some_choice_of_them_does(
        rows in vec(row(), 0..8),
        has_key in any::<bool>(),
        is_said in any::<bool>(),
        filter in option::weighted(0.4, wanted()),
        (timed, stable) in asked(vec![Order::Time]).prop_map(|asked| (asked.clone(), asked.in_order(Order::StableTime))),
        is_negated in prop::bool::weighted(0.2),
    ) {
        let asked = if has_key { &stable } else { &timed };
        // The order of the relation needs no `$by`.
        let text = if is_said { timed.text() } else { asked.in_order(Order::Array).text() };
        let filtered = filter.as_ref().map_or(String::new(), |filter| format!(r#""$filter": {{{}}}, "#, filter.text()));
        let condition = match is_negated {
            true => format!(r#"{{"a": {{{filtered}"$not": {{{text}}}}}}}"#),
            false => format!(r#"{{"a": {{{filtered}{text}}}}}"#),
        };
        let seen: Vec<Element> =
            rows.iter().filter(|row| filter.as_ref().is_none_or(|filter| filter.accepts(row))).cloned().collect();
        let expected = asked.holds(&seen) != is_negated;
        assert_says(&condition, &Related { has_key }, &document_of(&rows), expected)?;
    }

    #[test]
    fn a_dotted_path_asks_for_some_row(
        rows in vec(row(), 0..4),
        is_of_kind in any::<bool>(),
        dotted in prop_oneof![
            (-1..4i64).prop_map(Dotted::Equals),
            (-1..4i64).prop_map(Dotted::Exceeds),
            select(vec![Dotted::Exists, Dotted::Null, Dotted::Empty]),
        ],
        is_negated in any::<bool>(),
    ) {
        let path = if is_of_kind { "a.kind" } else { "a.v" };
        let condition = match is_negated {
            true => format!(r#"{{"{path}": {{"$not": {{{}}}}}}}"#, dotted.text()),
            false => format!(r#"{{"{path}": {{{}}}}}"#, dotted.text()),
        };
        let expected = dotted.holds(&rows, is_of_kind) != is_negated;
        assert_says(&condition, &Related { has_key: true }, &document_of(&rows), expected)?;
    }
}

#[test]
fn a_segment_may_read_rows() {
    let related = Related { has_key: true };
    let buyers = r#"{"a": {"$some": {"kind": 1}}}"#;
    let condition = format!(r#"{{"$segment": {}, "a.kind": 2}}"#, serde_json::to_string(buyers).unwrap());
    for (rows, expected) in [("[]", false), (r#"[{"kind": 1}]"#, false), (r#"[{"kind": 1}, {"kind": 2}]"#, true)] {
        assert_says(&condition, &related, &format!(r#"{{"a": {rows}}}"#), expected).unwrap();
    }
}

#[test]
fn a_lost_relation_is_refused_where_it_is_used() {
    struct Lost;
    impl Environment for Lost {
        fn property(&self, _: &Path) -> Declaration {
            Declaration::Property(PropertyType::Json)
        }
        fn relation(&self, name: &str) -> Result<Option<RelationDeclaration>, Refusal> {
            let lost = || Refusal {
                kind: ErrorKind::UnknownObject,
                message: format!("the table of {name} is lost"),
                hint: "Attach it again.".to_owned(),
            };
            if name == "a" { Err(lost()) } else { Ok(None) }
        }
    }
    for (condition, at) in [
        (r#"{"b": 1, "a": {"$some": {"c": 1}}}"#, "/a"),
        (r#"{"a.c": 5}"#, "/a.c"),
        (r#"{"$expr": {"$gt": ["$a.c", "$b"]}}"#, "/$expr/$gt/0"),
    ] {
        let errors = common::refusals(condition, &Lost);
        let [error] = &errors[..] else { panic!("{condition}: {errors:?}") };
        assert_eq!((error.kind, error.pointer.as_str()), (ErrorKind::UnknownObject, at), "{condition}");
    }
    assert!(common::refusals(r#"{"b": 1}"#, &Lost).is_empty());
}

/// What a relation or a declared type makes right is no mistake where these are unknown, as in the text of a condition.
#[test]
fn a_condition_of_no_audience_may_be_about_relations() {
    struct Anywhere;
    impl Environment for Anywhere {
        fn property(&self, _: &Path) -> Declaration {
            Declaration::Undeclared
        }
        fn knows_types(&self) -> bool {
            false
        }
    }
    for condition in [
        r#"{"a": {"$sequence": [{"kind": 1}, {"kind": 2, "$within": "7 days"}]}}"#,
        r#"{"a": {"$min": {"at": {"$exists": true}}}}"#,
        r#"{"a": {"$max": {"at": {"$in": ["2024-01-01", {"$date": "2024-02-01"}]}}}}"#,
    ] {
        let on_relation = common::refusals(condition, &Related { has_key: false });
        assert!(on_relation.is_empty(), "{condition}: {on_relation:?}");
        let anywhere = common::refusals(condition, &Anywhere);
        assert!(anywhere.is_empty(), "{condition}: {anywhere:?}");
        assert!(!common::refusals(condition, &DocumentOnly).is_empty(), "{condition} is not for documents alone");
    }
}

/// Tests on rows read no fields of the contact, and are found as what they are.
#[test]
fn rows_are_no_fields_of_the_contact() {
    let condition = checked(r#"{"a": {"$filter": {"kind": 1}, "$sum": {"v": 5}}}"#, &Related { has_key: false });
    let Expr::Test(Atom::Rows(rows)) = &condition else { panic!("one test on rows") };
    assert_eq!(rows.paths().iter().map(|path| path.text()).collect::<Vec<_>>(), ["v", "kind"]);
    assert!(condition.paths().is_empty() && condition.reads_rows());
    let nobody: Json = document("{}");
    assert!(!evaluate(&condition, &nobody));
}

fn of_rows(condition: &str) -> Checked {
    checked(condition, &Related { has_key: true })
}

#[test]
fn rows_concern_a_condition_that_can_depend_on_them() {
    // The condition; a row that makes no difference to it, and one that may make one.
    for (condition, other, row) in [
        (r#"{"a": {"$some": {"kind": 1}}}"#, r#"{"kind": 2}"#, r#"{"kind": 1}"#),
        (r#"{"a": {"$none": {"kind": 1}}, "b": 2}"#, r#"{"kind": 2}"#, r#"{"kind": 1}"#),
        (r#"{"a": {"$every": {"kind": 1}}}"#, r#"{"kind": 1}"#, r#"{"kind": 2}"#),
        (r#"{"a": {"$filter": {"kind": 1}, "$count": 2}}"#, r#"{"kind": 2}"#, r#"{"kind": 1}"#),
        (r#"{"a": {"$filter": {"kind": 1}, "$last": {"kind": 3}}}"#, r#"{"kind": 3}"#, r#"{"kind": 1}"#),
        (r#"{"a": {"$sequence": [{"kind": 1}, {"kind": 2}]}}"#, r#"{"kind": 3}"#, r#"{"kind": 2}"#),
        (r#"{"$or": [{"a.kind": 1}, {"a.kind": {"$gte": 5}}]}"#, r#"{"kind": 2}"#, r#"{"kind": 7}"#),
    ] {
        let concern = of_rows(condition).rows_of_concern("a");
        let concern = concern.try_map(&mut |test| Some(Atom::from(test.clone()))).unwrap();
        assert!(!evaluate(&concern, &document(other)), "{condition} {other}");
        assert!(evaluate(&concern, &document(row)), "{condition} {row}");
        assert_eq!(of_rows(condition).rows_of_concern("other"), Expr::Const(false));
    }
}

#[test]
fn own_tests_are_those_of_the_contacts_row_with_the_conditions_that_have_them() {
    let conditions = [
        r#"{"a": {"$some": {"kind": 1}}}"#,
        r#"{"b": 2, "a": {"$some": {"kind": 1}}}"#,
        r#"{"$or": [{"b": 2}, {"b": {"$gte": 5}}, {"$not": {"b": 2}, "a": {"$empty": true}}]}"#,
    ];
    let tests = own_tests(&conditions.map(of_rows));
    let [of_two, of_one] = [r#"{"b": 2}"#, r#"{"b": {"$gte": 5}}"#].map(of_rows);
    assert_eq!(tests, [(of_two, vec![1, 2]), (of_one, vec![2])]);
}

#[test]
fn a_contact_is_no_member_whom_its_own_row_rules_out() {
    for (condition, is_possible, is_member) in [
        (r#"{"b": 1, "a": {"$some": {"kind": 1}}}"#, true, false),
        (r#"{"b": 1, "a": {"$none": {"kind": 1}}}"#, true, true),
        (r#"{"b": 2, "a": {"$none": {"kind": 1}}}"#, false, false),
        (r#"{"$nor": [{"b": 1, "a": {"$empty": true}}]}"#, true, false),
        (r#"{"$or": [{"b": 2}, {"a": {"$count": 0}}]}"#, true, true),
    ] {
        let (condition, contact) = (of_rows(condition), document(r#"{"b": 1}"#));
        assert_eq!(evaluate(&condition.own_part(), &contact), is_possible, "{condition:?}");
        assert_eq!(evaluate(&condition.without_others(), &contact), is_member, "{condition:?}");
    }
}
