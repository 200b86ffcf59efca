//! Tests on rows that are gathered contact by contact say what they say of an array in the contact's document.

mod common;

use common::naive::{Asked, Element, Order, asked, element, wanted};
use common::{checked, document, evaluate};
use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;
use segments_core::check::DocumentOnly;
use segments_core::expr::{Checked, RowsTest};
use segments_core::program::Surroundings;
use segments_core::program_set::{Matches, ProgramSet};
use segments_core::relation_program::{AskedRows, ContactRows, RelationProgram};
use segments_core::value::{Json, Value};

/// Conditions, and the programs that gather rows for them.
struct Pass {
    conditions: Vec<Checked>,
    /// The names of the relations, each with what gathers its rows, and the first of its words among all answers
    relations: Vec<(String, RelationProgram, usize)>,
    set: ProgramSet,
}

impl Pass {
    /// `a` and `b` are relations.
    fn of(conditions: &[Checked]) -> Self {
        let with_relations = |condition: &Checked| condition.with_relations(&|name| name == "a" || name == "b");
        let conditions: Vec<Checked> = conditions.iter().map(|one| with_relations(one).expect("rows")).collect();
        let asked = AskedRows::of(&conditions);
        let relation = |name: &str| {
            let tests: Vec<RowsTest> = asked.tests(name).iter().map(|test| (*test).clone()).collect();
            (name.to_owned(), RelationProgram::compile(&tests), asked.words(name).0)
        };
        let relations = asked.relations().map(relation).collect();
        let set = ProgramSet::compile_with_rows(&conditions, &asked.numbers());
        Pass { conditions, relations, set }
    }

    /// The numbers of the conditions that the contact satisfies. The memory is that of the contact before.
    fn matching(&self, contact: &Json, kept: &mut [ContactRows], matches: &mut Matches) -> Vec<usize> {
        let mut answers = vec![0u64; 64];
        for ((name, program, first), rows) in self.relations.iter().zip(kept) {
            let Some(Value::Array(elements)) = member(contact, name) else { continue };
            for element in elements {
                let found: Vec<Option<&Json>> = program.keys().iter().map(|key| member(element, key)).collect();
                program.add(rows, &found, Surroundings::NONE, matches);
            }
            for (index, byte) in program.answers(rows, Surroundings::NONE).iter().enumerate() {
                answers[first + index / 8] |= u64::from(*byte) << (8 * (index % 8));
            }
            assert!(rows.is_empty() && rows.held() == 0);
        }
        self.set.matching(contact, Surroundings { rows: &answers, ..Surroundings::NONE }, matches);
        matches.iter().collect()
    }

    #[track_caller]
    fn assert_agrees(&self, contacts: &[Json]) {
        let mut kept: Vec<ContactRows> = self.relations.iter().map(|_| ContactRows::default()).collect();
        let mut matches = Matches::new();
        for contact in contacts {
            let found = self.matching(contact, &mut kept, &mut matches);
            for (number, condition) in self.conditions.iter().enumerate() {
                let expected = evaluate(condition, contact);
                let shown = condition.on_document().unwrap().to_condition();
                assert_eq!(found.contains(&number), expected, "{shown} of {contact:?}");
            }
        }
    }
}

fn member<'j>(object: &'j Json, key: &str) -> Option<&'j Json> {
    let Value::Object(members) = object else { return None };
    members.iter().find(|(name, _)| name == key).map(|(_, value)| value)
}

fn row() -> impl Strategy<Value = Element> {
    element().prop_filter("rows are objects", |element| matches!(element, Element::Object { .. }))
}

fn contact() -> impl Strategy<Value = Json> {
    (vec(row(), 0..8), vec(row(), 0..3), any::<bool>()).prop_map(|(a, b, vip)| {
        let rows = |rows: &[Element]| rows.iter().map(Element::text).collect::<Vec<_>>().join(", ");
        document(&format!(r#"{{"a": [{}], "b": [{}], "vip": {vip}}}"#, rows(&a), rows(&b)))
    })
}

/// A test on the rows of a relation, by itself or beside others.
fn condition() -> impl Strategy<Value = Checked> {
    let orders = || vec![Order::Array, Order::Time, Order::StableTime];
    let relation = || prop_oneof![4 => Just("a"), 1 => Just("b")];
    let test = (relation(), option::weighted(0.5, wanted()), asked(orders()), any::<bool>()).prop_map(
        |(relation, filter, asked, is_negated)| {
            let filter = filter.map_or(String::new(), |filter| format!(r#""$filter": {{{}}}, "#, filter.text()));
            let text = match (is_negated, &asked) {
                (true, Asked::Some(_) | Asked::None(_)) | (false, _) => format!("{filter}{}", asked.text()),
                (true, _) => format!(r#"{filter}"$not": {{{}}}"#, asked.text()),
            };
            format!(r#"{{"{relation}": {{{text}}}}}"#)
        },
    );
    (vec(test, 1..4), 0..4).prop_map(|(tests, kind)| {
        let all = tests.join(", ");
        let text = match kind {
            0 => tests[0].clone(),
            1 => format!(r#"{{"$and": [{all}], "vip": true}}"#),
            2 => format!(r#"{{"$or": [{{"vip": true}}, {all}]}}"#),
            _ => format!(r#"{{"$nor": [{all}]}}"#),
        };
        checked(&text, &DocumentOnly)
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(150))]

    #[test]
    fn gathered_rows_say_what_an_array_says(
        conditions in vec(condition(), 1..40),
        contacts in vec(contact(), 1..8),
    ) {
        Pass::of(&conditions).assert_agrees(&contacts);
    }
}

/// Hundreds of tests, of which many share a filter.
#[test]
fn many_tests_have_words_of_their_own() {
    let conditions = (0..700).map(|number| {
        let (kind, least) = (number % 7, number % 5);
        let text = match number % 6 {
            0 => format!(r#"{{"a": {{"$filter": {{"kind": {kind}}}, "$count": {{"$gte": {least}}}}}}}"#),
            1 => format!(r#"{{"b": {{"$filter": {{"kind": {kind}}}, "$sum": {{"v": {{"$gt": {least}}}}}}}}}"#),
            2 => format!(r#"{{"a": {{"$some": {{"kind": {kind}, "v": {{"$gte": {number}}}}}}}}}"#),
            3 => format!(r#"{{"b": {{"$none": {{"v": {number}}}}}, "vip": true}}"#),
            4 => format!(r#"{{"a": {{"$distinct": {{"v": {{"$lte": {least}}}}}}}}}"#),
            _ => format!(r#"{{"a": {{"$sequence": [{{"kind": {kind}}}, {{"v": {number}}}]}}}}"#),
        };
        checked(&text, &DocumentOnly)
    });
    let row = |number: i64| format!(r#"{{"kind": {}, "v": {}}}"#, number % 7, number * 13 % 700);
    let rows = |count: i64| (0..count).map(row).collect::<Vec<_>>().join(", ");
    let contacts: Vec<Json> = [(0, 0), (1, 0), (0, 1), (30, 5), (100, 100)]
        .map(|(a, b)| document(&format!(r#"{{"a": [{}], "b": [{}], "vip": true}}"#, rows(a), rows(b))))
        .into();
    Pass::of(&conditions.collect::<Vec<_>>()).assert_agrees(&contacts);
}

/// Of a contact with very many rows, only sequences and different values keep more than a few numbers.
#[test]
fn what_is_kept_of_a_contact_is_known() {
    let held = |condition: &str| {
        let pass = Pass::of(&[checked(condition, &DocumentOnly)]);
        let (_, program, _) = &pass.relations[0];
        let (mut rows, mut matches) = (ContactRows::default(), Matches::new());
        for number in 0..10_000 {
            let row = document(&format!(r#"{{"kind": {}, "v": {number}}}"#, number % 3));
            let found: Vec<Option<&Json>> = program.keys().iter().map(|key| member(&row, key)).collect();
            program.add(&mut rows, &found, Surroundings::NONE, &mut matches);
        }
        rows.held()
    };
    assert_eq!(held(r#"{"a": {"$count": {"$gt": 3}, "$sum": {"v": {"$gt": 3}}, "$last": {"kind": 1}}}"#), 0);
    assert!(held(r#"{"a": {"$distinct": {"v": {"$gt": 3}}}}"#) >= 10_000 * 16);
    assert!(held(r#"{"a": {"$distinct": {"kind": {"$gt": 3}}}}"#) < 1000);
    // Rows that no step asks for are not kept.
    let of_one = held(r#"{"a": {"$sequence": [{"kind": 1}, {"kind": 1}]}}"#);
    let of_two = held(r#"{"a": {"$sequence": [{"kind": 1}, {"kind": 2}]}}"#);
    assert!((3_333 * 24..4_000 * 40).contains(&of_one), "{of_one}");
    assert!(of_two > of_one * 3 / 2, "{of_two}");
}
