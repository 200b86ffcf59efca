//! Tests on the elements of arrays, against an evaluator that tries every choice of elements.

mod common;

use common::naive::{Asked, Element, Order, asked, element, wanted};
use common::{checked, document, evaluate};
use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;
use segments_core::check::DocumentOnly;
use segments_core::expr::{Atom, Expr};
use segments_core::program::{ElementsFound, Surroundings, elements_found};
use std::fmt::Write;

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn elements_satisfy_what_some_choice_of_them_does(
        arrays in vec(option::weighted(0.9, vec(element(), 0..8)), 1..4),
        is_nested in any::<bool>(),
        filter in option::weighted(0.4, wanted()),
        asked in asked(vec![Order::Array, Order::Time, Order::Time, Order::StableTime]),
        is_negated in prop::bool::weighted(0.2),
    ) {
        let arrays = if is_nested { &arrays[..] } else { &arrays[..1] };
        let written = arrays.iter().map(|elements| match elements {
            Some(elements) => format!("[{}]", elements.iter().map(Element::text).collect::<Vec<_>>().join(", ")),
            None => "5".to_owned(),
        });
        let (path, document_text) = match is_nested {
            false => ("a", format!(r#"{{"a": {}}}"#, written.collect::<String>())),
            true => {
                let objects: Vec<String> = written.map(|array| format!(r#"{{"a": {array}}}"#)).collect();
                ("x.a", format!(r#"{{"x": [{{}}, {}]}}"#, objects.join(", ")))
            }
        };
        let mut predicate = String::new();
        if let Some(filter) = &filter {
            write!(predicate, r#""$filter": {{{}}}, "#, filter.text()).unwrap();
        }
        match is_negated {
            true => write!(predicate, r#""$not": {{{}}}"#, asked.text()).unwrap(),
            false => predicate.push_str(&asked.text()),
        }
        let condition = format!(r#"{{"{path}": {{{predicate}}}}}"#);

        let see = |elements: &Vec<Element>| -> Vec<Element> {
            elements.iter().filter(|element| filter.as_ref().is_none_or(|filter| filter.accepts(element))).cloned().collect()
        };
        let mut seen: Vec<Vec<Element>> = arrays.iter().flatten().map(see).collect();
        if seen.is_empty() {
            seen.push(vec![]);
        }
        // Of several arrays one is enough, but none may have what $none excludes.
        let holds = match &asked {
            Asked::None(_) => seen.iter().all(|elements| asked.holds(elements)),
            asked => seen.iter().any(|elements| asked.holds(elements)),
        };

        let condition_checked = checked(&condition, &DocumentOnly);
        let document = document(&document_text);
        prop_assert_eq!(evaluate(&condition_checked, &document), holds != is_negated, "{} of {}", condition, document_text);
        let printed = condition_checked.on_document().unwrap().to_condition().to_string();
        prop_assert_eq!(evaluate(&checked(&printed, &DocumentOnly), &document), holds != is_negated, "{} of {}", printed, document_text);
    }
}

#[test]
fn what_a_test_found_is_told() {
    let shown = |condition: &str, text: &str| {
        let Expr::Test(Atom::Field(field)) = checked(condition, &DocumentOnly) else {
            panic!("{condition} is one test")
        };
        let found = elements_found(&field, &document(text), Surroundings::NONE);
        found.iter().map(ElementsFound::to_string).collect::<Vec<_>>().join("; ")
    };
    let orders = r#"{"a": [{"s": 1, "b": 2, "at": "2024-01-02"}, {"s": 1, "b": 2.5, "at": "2024-01-01T10:00:00Z"}, {"b": 9}, 7]}"#;
    for (condition, expected) in [
        (r#"{"a": {"$count": {"$gte": 3}}}"#, "4 elements"),
        (r#"{"a": {"$filter": {"s": 1}, "$count": 2}}"#, "4 elements, 2 left by the filter"),
        (
            r#"{"a": {"$filter": {"s": 1}, "$every": {"b": 2}}}"#,
            "4 elements, 2 left by the filter, 1 satisfies the condition",
        ),
        (
            r#"{"a": {"$filter": {"s": 1}, "$sum": {"b": {"$gt": 5}, "c": 0}}}"#,
            "4 elements, 2 left by the filter, $sum of b is 4.5, $sum of c is 0",
        ),
        (r#"{"a": {"$avg": {"b": {"$gt": 5}, "c": 0}}}"#, "4 elements, $avg of b is 13.5 / 3, $avg of c is missing"),
        (r#"{"a": {"$max": {"b": {"$gt": 5}}}}"#, "4 elements, $max of b is 9"),
        (
            r#"{"a": {"$min": {"at": {"$gt": {"$date": "2024-01-01"}}}}}"#,
            r#"4 elements, $min of at is "2024-01-01T10:00:00Z""#,
        ),
        (r#"{"a": {"$min": {"at": {"$gt": "x"}}}}"#, r#"4 elements, $min of at is "2024-01-01T10:00:00Z""#),
        (r#"{"a": {"$distinct": {"b": 2}}}"#, "4 elements, $distinct of b is 3"),
        (r#"{"a": {"$some": {"s": 1}}}"#, "4 elements, 2 satisfy the condition"),
        (r#"{"a": {"$filter": {"s": 1}, "$first": {"b": 2}}}"#, "4 elements, 2 left by the filter"),
        (r#"{"x.a": {"$sum": {"b": 0}}}"#, "0 elements, $sum of b is 0"),
    ] {
        assert_eq!(shown(condition, orders), expected, "{condition}");
    }
    let nested = r#"{"x": [{"a": [{"b": 1}]}, {"a": 5}, {"a": []}]}"#;
    assert_eq!(
        shown(r#"{"x.a": {"$max": {"b": 1}}}"#, nested),
        "1 element, $max of b is 1; 0 elements, $max of b is missing"
    );
    assert_eq!(shown(r#"{"a": {"$size": 1}}"#, orders), "");
}
