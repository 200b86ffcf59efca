//! Tests on elements, with an evaluator that tries every choice of elements.
//!
//! It shares no code with the core: it has its own conditions, dates and numbers, and looks through all combinations of
//! elements where the core makes one pass.

use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;
use proptest::sample::select;

/// An element: an object with a kind, values and a time, or a scalar.
#[derive(Clone, Debug)]
pub enum Element {
    Scalar,
    Object { kind: Option<i64>, values: Values, at: Option<Time> },
}

#[derive(Clone, Debug)]
pub enum Values {
    Missing,
    Null,
    Text(&'static str),
    One(i64),
    Several(Vec<i64>),
}

/// A day of January 2024 or, with an hour, a point in time of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Time {
    day: i64,
    hour: Option<i64>,
}

/// A condition on the kind of an element.
#[derive(Clone, Debug)]
pub enum Wanted {
    Any,
    Kind(i64),
    OtherThan(i64),
    AtLeast(i64),
}

/// What is asked of a number.
#[derive(Clone, Copy, Debug)]
pub struct Bound {
    operator: &'static str,
    number: i64,
}

#[derive(Clone, Debug)]
pub enum Asked {
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

/// What orders elements.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Order {
    Array,
    /// Those of one time are not before each other
    Time,
    /// Those of one time are in the order of the array
    StableTime,
}

#[derive(Clone, Debug)]
pub struct Entry {
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
    pub fn accepts(&self, element: &Element) -> bool {
        let Element::Object { kind, .. } = element else { return false };
        match self {
            Wanted::Any => true,
            Wanted::Kind(wanted) => *kind == Some(*wanted),
            Wanted::OtherThan(other) => *kind != Some(*other),
            Wanted::AtLeast(least) => kind.is_some_and(|kind| kind >= *least),
        }
    }

    pub fn text(&self) -> String {
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

    pub fn at(&self) -> Option<Time> {
        match self {
            Element::Object { at, .. } => *at,
            Element::Scalar => None,
        }
    }

    pub fn text(&self) -> String {
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
    /// The same test in another order.
    pub fn in_order(&self, order: Order) -> Asked {
        match self.clone() {
            Asked::End(is_last, _, wanted) => Asked::End(is_last, order, wanted),
            Asked::Sequence(_, entries) => Asked::Sequence(order, entries),
            other => other,
        }
    }

    pub fn holds(&self, elements: &[Element]) -> bool {
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

    pub fn text(&self) -> String {
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
    pub fn text(&self) -> String {
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
    let numbered = elements.iter().enumerate().map(|(index, element)| (index as i64, *element));
    match order {
        Order::Array => numbered.collect(),
        Order::Time => elements.iter().filter_map(|element| Some((element.at()?.place(), *element))).collect(),
        Order::StableTime => {
            numbered.filter_map(|(index, element)| Some((element.at()?.place() * 1000 + index, element))).collect()
        }
    }
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

pub fn wanted() -> impl Strategy<Value = Wanted> + Clone {
    let kind = 0..3i64;
    prop_oneof![
        1 => Just(Wanted::Any),
        4 => kind.clone().prop_map(Wanted::Kind),
        1 => kind.clone().prop_map(Wanted::OtherThan),
        1 => kind.prop_map(Wanted::AtLeast),
    ]
}

pub fn element() -> impl Strategy<Value = Element> {
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

/// Tests whose order is one of these.
pub fn asked(orders: Vec<Order>) -> BoxedStrategy<Asked> {
    let order = select(orders);
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
        2 => (any::<bool>(), order.clone(), wanted()).prop_map(|(is_last, order, wanted)| Asked::End(is_last, order, wanted)),
        6 => order.prop_flat_map(sequence),
    ]
    .boxed()
}
