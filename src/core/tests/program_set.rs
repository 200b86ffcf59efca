//! Conditions that are evaluated together give the same results as each of them alone.

mod common;
#[path = "../../../tests/conformance/generate/condition.rs"]
#[allow(dead_code, unreachable_pub)]
mod condition;
#[path = "../../../tests/conformance/generate/document.rs"]
#[allow(dead_code, unreachable_pub)]
mod document;
#[path = "../../../tests/conformance/generate/expression.rs"]
#[allow(dead_code, unreachable_pub)]
mod expression;
#[path = "../../../tests/conformance/generate/random.rs"]
#[allow(dead_code, unreachable_pub)]
mod random;

use common::audience::Audience;
use proptest::collection::vec;
use proptest::prelude::*;
use random::Random;
use segments_core::check::DocumentOnly;
use segments_core::expr::Checked;
use segments_core::program::{Program, Surroundings};
use segments_core::program_set::{Matches, ProgramSet};
use segments_core::value::Json;

/// Puts the documents to the conditions alone and together; the matches of one document are used again for the next.
#[track_caller]
fn assert_same(conditions: &[Checked], documents: &[Json], topics: &[String]) {
    let set = ProgramSet::compile(conditions);
    let alone: Vec<Program> = conditions.iter().map(Program::compile).collect();
    let surroundings = Surroundings { topics, ..Surroundings::NONE };
    let mut matches = Matches::new();
    for document in documents {
        set.matching(document, surroundings, &mut matches);
        let expected = (0..alone.len()).filter(|number| alone[*number].matches(document, surroundings));
        let (found, expected) = (matches.iter().collect::<Vec<_>>(), expected.collect::<Vec<_>>());
        let differ = |number: &&usize| found.contains(number) != expected.contains(number);
        if let Some(first) = found.iter().chain(&expected).find(differ) {
            panic!("{:?} of {document:?}: alone it says {}", conditions[*first], expected.contains(first));
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(80))]

    /// Untyped conditions with every operator, on nested documents.
    #[test]
    fn untyped(seed: u64, conditions in 1usize..150) {
        let mut random = Random::new(seed);
        let documents: Vec<Json> = (0..8).map(|_| document::generate(&mut random)).collect();
        let conditions: Vec<Checked> = (0..conditions)
            .map(|number| condition::generate(&mut random, &documents[number % documents.len()]))
            .map(|condition| common::checked(&condition.to_string(), &DocumentOnly))
            .collect();
        assert_same(&conditions, &documents, &[]);
    }

    /// Typed properties, dates and topics.
    #[test]
    fn typed(
        conditions in vec(condition_text(), 1..120),
        documents in vec(document_text(), 1..8),
        topics in proptest::sample::subsequence(vec!["t1".to_owned(), "t2".to_owned(), "t3".to_owned()], 0..3),
    ) {
        let conditions: Vec<Checked> = conditions.iter().map(|text| common::checked(text, &Audience)).collect();
        let documents: Vec<Json> = documents.iter().map(|text| common::document(text)).collect();
        assert_same(&conditions, &documents, &topics);
    }
}

/// Hundreds of conditions, so that lists become bits, and bounds have checkpoints.
#[test]
fn many_conditions_on_one_field() {
    let conditions = (0..10_000).map(|number| match number % 10 {
        0 => format!(r#"{{"age": {}}}"#, number % 70),
        1 => format!(r#"{{"age": {{"$gte": {}}}}}"#, number / 10),
        2 => format!(r#"{{"age": {{"$gt": {}, "$lt": {}}}}}"#, number / 10, number / 5),
        3 => format!(r#"{{"age": {{"$not": {{"$lte": {}}}}}}}"#, number / 20),
        4 => format!(r#"{{"tags": {{"$in": ["{}", "{}"]}}}}"#, number % 7, number % 90),
        5 => format!(r#"{{"tags": {{"$all": ["1", "{}"]}}, "age": {{"$ne": {}}}}}"#, number % 9, number % 31),
        6 => format!(r#"{{"name": {{"$lte": "{number}"}}, "vip": {}}}"#, number % 4 < 2),
        7 => format!(r#"{{"$or": [{{"age": {{"$lt": {}}}}}, {{"name": "{}"}}]}}"#, number / 10, number % 40),
        8 => format!(r#"{{"seen": {{"$gte": "20{:02}-01-01"}}, "scores": {{"$size": {}}}}}"#, number % 50, number % 3),
        _ => format!(r#"{{"scores": {{"$gte": {}, "$lte": {}}}}}"#, number / 8, number / 9),
    });
    let conditions: Vec<Checked> = conditions.map(|text| common::checked(&text, &Audience)).collect();
    let documents = [
        "{}",
        r#"{"age": 30, "tags": ["1", "5", "8"], "name": "17", "vip": true, "seen": "2024-05-01", "scores": [250, 300, 7]}"#,
        r#"{"age": 150.5, "tags": [], "name": "9", "vip": false, "seen": "2010-01-01T00:00:00-05", "scores": [0]}"#,
        r#"{"age": [30], "tags": "1", "name": null, "vip": null, "seen": "soon", "scores": 12}"#,
        r#"{"age": 1e9, "tags": [null, "89"], "name": "", "vip": "true", "seen": null, "scores": []}"#,
        r#"{"age": -1, "tags": ["4", "4", "88"], "scores": [1, null, "2", 333]}"#,
    ];
    let long: Vec<String> = (0..6000).map(|number| (number % 700).to_string()).collect();
    let long = format!(r#"{{"scores": [{0}], "tags": ["{1}"]}}"#, long.join(", "), long.join("\", \""));
    let documents: Vec<Json> = documents.into_iter().chain([long.as_str()]).map(common::document).collect();
    assert_same(&conditions, &documents, &[]);
}

#[test]
fn none_and_constant_conditions() {
    let document = common::document("{}");
    let mut matches = Matches::new();
    ProgramSet::compile([]).matching(&document, Surroundings::NONE, &mut matches);
    assert_eq!(matches.iter().count(), 0);
    let conditions = [Checked::Const(true), Checked::Const(false)];
    ProgramSet::compile(&conditions).matching(&document, Surroundings::NONE, &mut matches);
    assert_eq!(matches.iter().collect::<Vec<_>>(), [0]);
}

fn pick(values: &'static [&'static str]) -> impl Strategy<Value = String> {
    proptest::sample::select(values).prop_map(str::to_owned)
}

const NUMBERS: &[&str] = &["0", "1", "1.0", "18", "-2.5", "1e20", "9007199254740993"];
const STRINGS: &[&str] = &[r#""""#, r#""a""#, r#""A""#, r#""ab""#, r#""vip""#, r#""2024-11-03""#];
const DATES: &[&str] = &[
    r#""2024-11-03""#,
    r#""2024-11-02""#,
    r#""2024-11-03T04:30:00Z""#,
    r#""2024-11-03T05:59:59.999999Z""#,
    r#""2024-11-04T04:59:59.999999Z""#,
    r#""2024-11-04T05:00:00Z""#,
    r#""9999-12-31""#,
];
/// Numbers of seconds, and of milliseconds, at those dates and at the ends of the years 1 to 9999.
const EPOCHS: &[&str] = &[
    "1730608200",
    "1730608199.9999999",
    "1730696399.999999",
    "1730696400",
    "1730608200000",
    "1730696400000.5",
    "1730592000000",
    "-62135596800",
    "-62135596800.0000001",
    "253402300799999.9999",
    "253402300800000",
    "1e400",
    "0",
];
const RELATIVE: &[&str] = &[r#"{"$now": "-1 day"}"#, r#"{"$today": "0 days"}"#, r#"{"$date": "2024-11-03"}"#];
const ANYTHING: &[&str] = &[
    "null",
    "true",
    "[]",
    "{}",
    "[null]",
    r#"[[1], "a"]"#,
    r#"{"city": "a"}"#,
    r#"[{"city": "a"}, {"city": [1]}, 3]"#,
];

/// One or a few tests on a property of a type.
fn tests(operands: BoxedStrategy<String>, ordered: bool, text: bool) -> BoxedStrategy<String> {
    let mut all = vec![
        operands.clone().prop_map(|operand| format!(r#"{{"$eq": {operand}}}"#)).boxed(),
        operands.clone().prop_map(|operand| format!(r#"{{"$ne": {operand}}}"#)).boxed(),
        vec(operands.clone(), 0..4).prop_map(|list| format!(r#"{{"$in": [{}]}}"#, list.join(", "))).boxed(),
        vec(operands.clone(), 0..4).prop_map(|list| format!(r#"{{"$nin": [{}]}}"#, list.join(", "))).boxed(),
        pick(&[r#"{"$exists": true}"#, r#"{"$exists": false}"#, r#"{"$eq": null}"#, r#"{"$ne": null}"#]).boxed(),
        pick(&[r#"{"$empty": true}"#, r#"{"$empty": false}"#]).boxed(),
    ];
    if ordered {
        all.push(
            (pick(&["$gt", "$gte", "$lt", "$lte"]), operands.clone())
                .prop_map(|(comparison, operand)| format!(r#"{{"{comparison}": {operand}}}"#))
                .boxed(),
        );
        all.push(
            (operands.clone(), operands)
                .prop_map(|(low, high)| format!(r#"{{"$gte": {low}, "$lt": {high}, "$not": {{"$lte": {high}}}}}"#))
                .boxed(),
        );
    }
    if text {
        let tests = &[r#"{"$regex": "^a"}"#, r#"{"$startsWith": "a"}"#, r#"{"$contains": "I", "$options": "i"}"#];
        all.push(pick(tests).boxed());
    }
    proptest::strategy::Union::new(all).boxed()
}

fn field_text() -> BoxedStrategy<String> {
    let dates = prop_oneof![pick(DATES), pick(RELATIVE)].boxed();
    let untyped = prop_oneof![pick(NUMBERS), pick(STRINGS), pick(&["true", r#"{"$date": "2024-11-03"}"#])].boxed();
    let more = prop_oneof![untyped.clone(), pick(ANYTHING)].boxed();
    let on = |name: &'static str, tests: BoxedStrategy<String>| {
        tests.prop_map(move |tests| format!(r#""{name}": {tests}"#)).boxed()
    };
    let arrays = |elements| {
        pick(elements).prop_flat_map(|element| {
            prop_oneof![
                Just(format!(r#"{{"$all": [{element}]}}"#)),
                Just(format!(r#"{{"$size": 1, "$eq": [{element}]}}"#)),
                Just(format!(r#"{{"$elemMatch": {{"$gte": {element}, "$ne": {element}}}}}"#)),
            ]
        })
    };
    prop_oneof![
        on("name", tests(pick(STRINGS).boxed(), true, true)),
        on("age", tests(pick(NUMBERS).boxed(), true, false)),
        on("vip", tests(pick(&["true", "false"]).boxed(), false, false)),
        on("born", tests(dates.clone(), true, false)),
        on("seen", tests(dates.clone(), true, false)),
        on("visits", tests(dates.clone(), true, false)),
        on("opened", tests(dates.clone(), true, false)),
        on("trial", tests(dates.clone(), true, false)),
        on("logins", tests(dates, true, false)),
        on("seen", pick(&[r#"{"$type": "number"}"#, r#"{"$type": ["string", "null"]}"#]).boxed()),
        on("tags", tests(pick(STRINGS).boxed(), true, false)),
        on("tags", arrays(STRINGS).boxed()),
        on("scores", tests(pick(NUMBERS).boxed(), true, false)),
        on("scores", arrays(NUMBERS).boxed()),
        on("data", tests(more.clone(), false, true)),
        on("data.city", tests(more, false, false)),
        on("data", tests(untyped.clone(), true, true)),
        on("data.city", tests(untyped, true, true)),
        on("data.0", pick(&[r#"{"$type": "array"}"#, r#"{"$type": ["string", "null"]}"#, r#"{"$size": 1}"#]).boxed()),
        pick(&[r#""$topic": "weekly""#, r#""$topic": {"$ne": "daily"}"#, r#""$topic": {"$all": ["t1", "t2"]}"#]),
        pick(&[r#""$segment": "minors""#]),
    ]
    .boxed()
}

fn condition_text() -> impl Strategy<Value = String> {
    let leaf = field_text().prop_map(|field| format!("{{{field}}}"));
    leaf.prop_recursive(3, 12, 4, |inner| {
        let junction = pick(&["$and", "$and", "$or", "$or", "$nor"]);
        prop_oneof![
            (junction, vec(inner.clone(), 1..5))
                .prop_map(|(junction, parts)| format!(r#"{{"{junction}": [{}]}}"#, parts.join(", "))),
            inner.prop_map(|inner| format!(r#"{{"$not": {inner}}}"#)),
        ]
    })
}

/// Properties with values of the right type, with values of a wrong type, and without a value.
fn document_text() -> impl Strategy<Value = String> {
    let any = prop_oneof![pick(NUMBERS), pick(STRINGS), pick(DATES), pick(EPOCHS), pick(ANYTHING)].boxed();
    let date = prop_oneof![pick(DATES), pick(EPOCHS)].boxed();
    let value = move |name: &'static str, values: BoxedStrategy<String>| {
        let value = prop_oneof![
            6 => values.clone(),
            2 => vec(values, 0..4).prop_map(|list| format!("[{}]", list.join(", "))),
            1 => any.clone(),
        ];
        proptest::option::weighted(0.8, value.prop_map(move |value| format!(r#""{name}": {value}"#)))
    };
    let members = (
        value("name", pick(STRINGS).boxed()),
        value("age", pick(NUMBERS).boxed()),
        value("vip", pick(&["true", "false"]).boxed()),
        value("born", date.clone()),
        value("seen", date.clone()),
        value("visits", date.clone()),
        value("opened", date.clone()),
        value("trial", date.clone()),
        value("logins", date),
        value("tags", pick(STRINGS).boxed()),
        value("scores", pick(NUMBERS).boxed()),
        value("data", prop_oneof![pick(ANYTHING), pick(STRINGS)].boxed()),
    );
    members.prop_map(|(a, b, c, d, e, f, g, h, i, j, k, l)| {
        let members: Vec<String> = [a, b, c, d, e, f, g, h, i, j, k, l].into_iter().flatten().collect();
        format!("{{{}}}", members.join(", "))
    })
}
