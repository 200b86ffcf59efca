//! Tests on the elements of arrays, against an evaluator that tries every choice of elements.
//!
//! The evaluator shares no code with the core: it has its own conditions, dates and numbers, and looks through all
//! combinations of elements where the core makes one pass.

mod common;

use common::{checked, document, evaluate};
use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;
use proptest::sample::select;
use segments_core::check::DocumentOnly;
use segments_core::expr::{Atom, Expr};
use segments_core::path::Path;
use segments_core::program::{ElementsFound, Surroundings, elements_found};
use segments_core::value::Json;
use std::fmt::Write;

/// An element: an object with a kind, values and a time, or a scalar.
#[derive(Clone, Debug)]
enum Element {
    Scalar,
    Object { kind: Option<i64>, values: Values, at: Option<Time> },
}

#[derive(Clone, Debug)]
enum Values {
    Missing,
    Null,
    Text(&'static str),
    One(i64),
    Several(Vec<i64>),
}

/// A day of January 2024 or, with an hour, a point in time of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Time {
    day: i64,
    hour: Option<i64>,
}

/// A condition on the kind of an element.
#[derive(Clone, Debug)]
enum Wanted {
    Any,
    Kind(i64),
    OtherThan(i64),
    AtLeast(i64),
}

/// What is asked of a number.
#[derive(Clone, Copy, Debug)]
struct Bound {
    operator: &'static str,
    number: i64,
}

#[derive(Clone, Debug)]
enum Asked {
    Some(Wanted),
    None(Wanted),
    Every(Wanted),
    Count(Bound),
    /// The operator, and what is asked of the aggregate
    Values(&'static str, Bound),
    /// Whether it is the last one
    End(bool, Order, Wanted),
    Sequence(Order, Vec<Entry>),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Order {
    Array,
    Time,
    /// By time, and those of one time as in the array
    StableTime,
}

#[derive(Clone, Debug)]
struct Entry {
    wanted: Wanted,
    /// No such element comes
    is_absence: bool,
    /// Days
    within: Option<i64>,
}

/// The day at whose beginning it is asked whether the time of an absence is over.
const NOW: i64 = 12;

impl Time {
    /// Half hours since the beginning of the month: a day comes before the first instant of it.
    fn place(self) -> i64 {
        (self.day * 24 + self.hour.unwrap_or(0)) * 2 + i64::from(self.hour.is_some())
    }

    /// Whether a later time is at most so many days later.
    fn reaches(self, later: Time, days: i64) -> bool {
        match self.hour {
            None => later.day <= self.day + days,
            Some(hour) => later.day * 24 + later.hour.unwrap_or(0) <= (self.day + days) * 24 + hour,
        }
    }

    /// Whether so many days after it are over at the beginning of a day.
    fn is_over(self, days: i64, now: i64) -> bool {
        match self.hour {
            None => self.day + days < now,
            Some(hour) => (self.day + days) * 24 + hour < now * 24,
        }
    }
}

impl Wanted {
    fn accepts(&self, element: &Element) -> bool {
        let Element::Object { kind, .. } = element else { return false };
        match self {
            Wanted::Any => true,
            Wanted::Kind(wanted) => *kind == Some(*wanted),
            Wanted::OtherThan(other) => *kind != Some(*other),
            Wanted::AtLeast(least) => kind.is_some_and(|kind| kind >= *least),
        }
    }

    fn text(&self) -> String {
        match self {
            Wanted::Any => String::new(),
            Wanted::Kind(kind) => format!(r#""kind": {kind}"#),
            Wanted::OtherThan(kind) => format!(r#""kind": {{"$ne": {kind}}}"#),
            Wanted::AtLeast(kind) => format!(r#""kind": {{"$gte": {kind}}}"#),
        }
    }
}

impl Bound {
    /// Whether the fraction satisfies it.
    fn holds(self, numerator: i64, denominator: i64) -> bool {
        let bound = self.number * denominator;
        match self.operator {
            "$eq" => numerator == bound,
            "$ne" => numerator != bound,
            "$gt" => numerator > bound,
            "$lte" => numerator <= bound,
            other => panic!("{other} is not generated"),
        }
    }

    fn of_missing(self) -> bool {
        self.operator == "$ne"
    }

    fn text(self) -> String {
        format!(r#"{{"{}": {}}}"#, self.operator, self.number)
    }
}

impl Element {
    fn numbers(&self) -> Vec<i64> {
        match self {
            Element::Object { values: Values::One(number), .. } => vec![*number],
            Element::Object { values: Values::Several(numbers), .. } => numbers.clone(),
            _ => vec![],
        }
    }

    /// Values as text, which are different if the texts are.
    fn different(&self) -> Vec<String> {
        match self {
            Element::Object { values: Values::Text(text), .. } => vec![format!("{text:?}")],
            element => element.numbers().iter().map(i64::to_string).collect(),
        }
    }

    fn at(&self) -> Option<Time> {
        match self {
            Element::Object { at, .. } => *at,
            Element::Scalar => None,
        }
    }

    fn text(&self) -> String {
        let Element::Object { kind, values, at } = self else { return "7".to_owned() };
        let mut members = Vec::new();
        members.extend(kind.map(|kind| format!(r#""kind": {kind}"#)));
        members.extend(match values {
            Values::Missing => None,
            Values::Null => Some(r#""v": null"#.to_owned()),
            Values::Text(text) => Some(format!(r#""v": "{text}""#)),
            // One and the same number in two forms
            Values::One(number) => Some(format!(r#""v": {number}.0"#)),
            Values::Several(numbers) => Some(format!(r#""v": {numbers:?}"#)),
        });
        members.extend(at.map(|Time { day, hour }| match hour {
            None => format!(r#""at": "2024-01-{day:02}""#),
            Some(hour) => format!(r#""at": "2024-01-{day:02}T{hour:02}:00:00Z""#),
        }));
        format!("{{{}}}", members.join(", "))
    }
}

impl Asked {
    fn holds(&self, elements: &[Element]) -> bool {
        let all: Vec<&Element> = elements.iter().collect();
        match self {
            Asked::Some(wanted) => all.iter().any(|element| wanted.accepts(element)),
            Asked::None(wanted) => !all.iter().any(|element| wanted.accepts(element)),
            Asked::Every(wanted) => all.iter().all(|element| wanted.accepts(element)),
            Asked::Count(bound) => bound.holds(all.len() as i64, 1),
            Asked::Values(operator, bound) => {
                let numbers: Vec<i64> = all.iter().flat_map(|element| element.numbers()).collect();
                match (*operator, numbers.len() as i64) {
                    ("$sum", _) => bound.holds(numbers.iter().sum(), 1),
                    ("$distinct", _) => {
                        let mut texts: Vec<String> = all.iter().flat_map(|element| element.different()).collect();
                        texts.sort();
                        texts.dedup();
                        bound.holds(texts.len() as i64, 1)
                    }
                    (_, 0) => bound.of_missing(),
                    ("$avg", count) => bound.holds(numbers.iter().sum(), count),
                    ("$min", _) => bound.holds(numbers.iter().copied().min().unwrap(), 1),
                    (_, _) => bound.holds(numbers.iter().copied().max().unwrap(), 1),
                }
            }
            Asked::End(is_last, order, wanted) => {
                // The first ones are those that none is before.
                let is_before = |one: &(i64, &Element), other: &(i64, &Element)| {
                    if *is_last { one.0 > other.0 } else { one.0 < other.0 }
                };
                let placed = placed(&all, *order);
                placed.iter().any(|one| !placed.iter().any(|other| is_before(other, one)) && wanted.accepts(one.1))
            }
            Asked::Sequence(order, entries) => chain(&placed(&all, *order), None, entries),
        }
    }

    fn text(&self) -> String {
        let by = |order: &Order| match order {
            Order::Array => "",
            Order::Time => r#""$by": "at", "#,
            Order::StableTime => r#""$by": {"$field": "at", "$stable": true}, "#,
        };
        match self {
            Asked::Some(wanted) => format!(r#""$some": {{{}}}"#, wanted.text()),
            Asked::None(wanted) => format!(r#""$none": {{{}}}"#, wanted.text()),
            Asked::Every(wanted) => format!(r#""$every": {{{}}}"#, wanted.text()),
            Asked::Count(bound) => format!(r#""$count": {}"#, bound.text()),
            Asked::Values(operator, bound) => format!(r#""{operator}": {{"v": {}}}"#, bound.text()),
            Asked::End(false, order, wanted) => format!(r#"{}"$first": {{{}}}"#, by(order), wanted.text()),
            Asked::End(true, order, wanted) => format!(r#"{}"$last": {{{}}}"#, by(order), wanted.text()),
            Asked::Sequence(order, entries) => {
                let entries: Vec<String> = entries.iter().map(Entry::text).collect();
                format!(r#"{}"$sequence": [{}]"#, by(order), entries.join(", "))
            }
        }
    }
}

impl Entry {
    fn text(&self) -> String {
        let mut members = vec![];
        match self.is_absence {
            true => members.push(format!(r#""$none": {{{}}}, "$date": "2024-01-{NOW}T00:00:00Z""#, self.wanted.text())),
            false => members.push(self.wanted.text()),
        }
        members.extend(self.within.map(|days| format!(r#""$within": "{days} days""#)));
        members.retain(|member| !member.is_empty());
        format!("{{{}}}", members.join(", "))
    }
}

/// The elements with their places: those of their times, or their positions.
fn placed<'e>(elements: &[&'e Element], order: Order) -> Vec<(i64, &'e Element)> {
    let place = |index: i64, element: &Element| match order {
        Order::Array => Some(index),
        Order::Time => Some(element.at()?.place()),
        Order::StableTime => Some(element.at()?.place() * 100 + index),
    };
    (0..).zip(elements).filter_map(|(index, element)| Some((place(index, element)?, *element))).collect()
}

/// Whether some elements after this one fit the entries. Tries all of them.
fn chain(elements: &[(i64, &Element)], after: Option<(i64, &Element)>, entries: &[Entry]) -> bool {
    let Some((entry, rest)) = entries.split_first() else { return true };
    let is_after = |place: i64| after.is_none_or(|(before, _)| place > before);
    let is_within = |element: &Element| match (entry.within, after) {
        (Some(days), Some((_, before))) => before.at().unwrap().reaches(element.at().unwrap(), days),
        _ => true,
    };
    let fitting = elements
        .iter()
        .filter(|(place, element)| is_after(*place) && entry.wanted.accepts(element) && is_within(element));
    if entry.is_absence {
        let (_, before) = after.unwrap();
        let is_over = before.at().unwrap().is_over(entry.within.unwrap(), NOW);
        return is_over && fitting.count() == 0 && chain(elements, after, rest);
    }
    fitting.into_iter().any(|one| chain(elements, Some(*one), rest))
}

fn wanted() -> impl Strategy<Value = Wanted> + Clone {
    let kind = 0..3i64;
    prop_oneof![
        1 => Just(Wanted::Any),
        4 => kind.clone().prop_map(Wanted::Kind),
        1 => kind.clone().prop_map(Wanted::OtherThan),
        1 => kind.prop_map(Wanted::AtLeast),
    ]
}

fn element() -> impl Strategy<Value = Element> {
    let number = || -3..4i64;
    let values = prop_oneof![
        1 => Just(Values::Missing),
        1 => Just(Values::Null),
        1 => select(vec!["x", "1"]).prop_map(Values::Text),
        4 => number().prop_map(Values::One),
        1 => vec(number(), 0..3).prop_map(Values::Several),
    ];
    let hour = option::of(select(vec![0, 1, 12, 23]));
    let time = (1..15i64, hour).prop_map(|(day, hour)| Time { day, hour });
    let object = (option::weighted(0.9, 0..3i64), values, option::weighted(0.9, time))
        .prop_map(|(kind, values, at)| Element::Object { kind, values, at });
    prop_oneof![1 => Just(Element::Scalar), 12 => object]
}

fn asked() -> BoxedStrategy<Asked> {
    let bound = || {
        (select(vec!["$eq", "$ne", "$gt", "$lte"]), -2..5i64).prop_map(|(operator, number)| Bound { operator, number })
    };
    let entry = |order: Order| {
        let by_time = order != Order::Array;
        let within = if by_time { option::of(0..6i64).boxed() } else { Just(None).boxed() };
        (wanted(), prop::bool::weighted(0.2), within).prop_map(move |(wanted, is_absence, within)| {
            let is_absence = is_absence && by_time;
            Entry { wanted, is_absence, within: if is_absence { within.or(Some(3)) } else { within } }
        })
    };
    let sequence = move |order: Order| {
        (wanted(), vec(entry(order), 1..4)).prop_map(move |(first, rest)| {
            let first = Entry { wanted: first, is_absence: false, within: None };
            Asked::Sequence(order, [first].into_iter().chain(rest).collect())
        })
    };
    prop_oneof![
        1 => wanted().prop_map(Asked::Some),
        1 => wanted().prop_map(Asked::None),
        1 => wanted().prop_map(Asked::Every),
        1 => bound().prop_map(Asked::Count),
        5 => (select(vec!["$sum", "$avg", "$min", "$max", "$distinct"]), bound())
            .prop_map(|(operator, bound)| Asked::Values(operator, bound)),
        2 => (any::<bool>(), select(vec![Order::Array, Order::Time, Order::StableTime]), wanted())
            .prop_map(|(is_last, order, wanted)| Asked::End(is_last, order, wanted)),
        1 => sequence(Order::Array),
        4 => sequence(Order::Time),
        2 => sequence(Order::StableTime),
    ]
    .boxed()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn elements_satisfy_what_some_choice_of_them_does(
        arrays in vec(option::weighted(0.9, vec(element(), 0..8)), 1..4),
        is_nested in any::<bool>(),
        filter in option::weighted(0.4, wanted()),
        asked in asked(),
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
        let compared = |(path, value): &(Path, Option<Json>)| match value {
            Some(value) => format!(" {} {value}", path.text()),
            None => format!(" {} missing", path.text()),
        };
        let one = |found: &ElementsFound| {
            format!("{} of {}{}", found.seen, found.elements, found.compared.iter().map(compared).collect::<String>())
        };
        found.iter().map(one).collect::<Vec<_>>().join("; ")
    };
    let orders = r#"{"a": [{"s": 1, "b": 2, "at": "2024-01-02"}, {"s": 1, "b": 2.5, "at": "2024-01-01T10:00:00Z"}, {"b": 9}, 7]}"#;
    for (condition, expected) in [
        (r#"{"a": {"$count": {"$gte": 3}}}"#, "4 of 4"),
        (r#"{"a": {"$filter": {"s": 1}, "$count": 2}}"#, "2 of 4"),
        (r#"{"a": {"$filter": {"s": 1}, "$every": {"b": 2}}}"#, "2 of 4"),
        (r#"{"a": {"$filter": {"s": 1}, "$sum": {"b": {"$gt": 5}, "c": 0}}}"#, "2 of 4 b 4.5 c 0"),
        (r#"{"a": {"$avg": {"b": {"$gt": 5}, "c": 0}}}"#, r#"4 of 4 b {"sum": 13.5, "count": 3} c missing"#),
        (r#"{"a": {"$max": {"b": {"$gt": 5}}}}"#, "4 of 4 b 9"),
        (r#"{"a": {"$min": {"at": {"$gt": {"$date": "2024-01-01"}}}}}"#, r#"4 of 4 at "2024-01-01T10:00:00Z""#),
        (r#"{"a": {"$min": {"at": {"$gt": "x"}}}}"#, r#"4 of 4 at "2024-01-01T10:00:00Z""#),
        (r#"{"a": {"$distinct": {"b": 2}}}"#, "4 of 4 b 3"),
        (r#"{"x.a": {"$sum": {"b": 0}}}"#, "0 of 0 b 0"),
    ] {
        assert_eq!(shown(condition, orders), expected, "{condition}");
    }
    let nested = r#"{"x": [{"a": [{"b": 1}]}, {"a": 5}, {"a": []}]}"#;
    assert_eq!(shown(r#"{"x.a": {"$max": {"b": 1}}}"#, nested), "1 of 1 b 1; 0 of 0 b missing");
    assert_eq!(shown(r#"{"a": {"$size": 1}}"#, orders), "");
}
