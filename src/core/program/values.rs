//! Gathers the values that elements have at a path.

use super::Surroundings;
use super::found::Compared;
use super::walk::{PathKey, Visitor, descend, walk};
use crate::ast::Aggregate;
use crate::date::{Moment, NamedZone, Zone};
use crate::decimal::{Decimal, Number, Sum, Total};
use crate::document::{Array, Node, Object, View, to_json};
use crate::expr::{Constant, Expr, StoredDates, ValueKind, ValueTest, ValuesTest, holds_of, holds_of_count};
use crate::path::{Path, as_index};
use crate::types::PropertyType;
use crate::value::{Json, Value};
use std::cmp::Ordering;
use std::collections::HashSet;

/// A compiled [`ValuesTest`].
#[derive(Debug)]
pub(super) struct ValuesCheck {
    /// The path as it is written
    name: Path,
    path: ElementPath,
    kind: ValueKind,
    asked: Expr<ValueTest>,
}

/// A path inside an element.
#[derive(Debug)]
pub(super) struct ElementPath {
    first: PathKey,
    rest: Box<[PathKey]>,
    fan_out: bool,
}

/// A date's place among others: where a day stands at its start, before an instant of that start. A day has 0 after its
/// start, and an instant 1; days that start at once are in their own order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Place(pub(super) i64, pub(super) u8, pub(super) i32);

impl Place {
    pub(super) fn of(moment: Moment, zone: &NamedZone) -> Self {
        match moment {
            Moment::Day(day) => Place(zone.start_of(day).micros(), 0, day.epoch_days()),
            Moment::Instant(instant) => Place(instant.micros(), 1, 0),
        }
    }
}

impl ElementPath {
    pub(super) fn compile(path: &Path, fan_out: bool) -> Self {
        let key = |name: &String| PathKey { name: name.clone(), index: as_index(name) };
        let rest = path.rest().iter().map(key).collect();
        ElementPath { first: key(&path.first().to_owned()), rest, fan_out }
    }

    /// The value of the first key. An array reads as an object keyed by index.
    fn begin<'d, N: Node<'d>>(&self, element: N) -> Option<N> {
        match element.view() {
            View::Object(object) => object.get(&self.first.name),
            View::Array(array) => array.get(self.first.index?),
            _ => None,
        }
    }

    /// The single value, without fan-out.
    pub(super) fn single<'d, N: Node<'d>>(&self, element: N) -> Option<N> {
        descend(self.begin(element), &self.rest)
    }

    fn visit<'d, N: Node<'d>>(&self, element: N, visitor: &mut impl Visitor, surroundings: Surroundings<'_>) {
        let Some(value) = self.begin(element) else { return };
        if self.fan_out && !self.rest.is_empty() {
            walk(value, &self.rest, visitor, surroundings);
        } else if let Some(value) = descend(Some(value), &self.rest) {
            visitor.value(value, self.fan_out);
        }
    }
}

impl ValuesCheck {
    pub(super) fn compile(test: &ValuesTest) -> Self {
        let fan_out = !test.read_as.is_some_and(PropertyType::is_scalar);
        ValuesCheck {
            name: test.path.clone(),
            path: ElementPath::compile(&test.path, fan_out),
            kind: test.kind.clone(),
            asked: test.asked.clone(),
        }
    }

    /// Whether the aggregate of the elements' values satisfies what is asked of it.
    pub(super) fn holds<'d, N: Node<'d>>(
        &self,
        aggregate: Aggregate,
        elements: impl Iterator<Item = N>,
        surroundings: Surroundings<'_>,
    ) -> bool {
        self.gather(aggregate, elements, surroundings).holds(&self.asked)
    }

    /// The aggregate of the elements' values, to be shown.
    pub(super) fn compared<'d, N: Node<'d>>(
        &self,
        aggregate: Aggregate,
        elements: impl Iterator<Item = N>,
        surroundings: Surroundings<'_>,
    ) -> Compared {
        let gathered = self.gather(aggregate, elements, surroundings);
        let value = gathered.value();
        // An average is not computed.
        let count = (aggregate == Aggregate::Avg && value.is_some()).then_some(gathered.count);
        Compared { aggregate, path: self.name.clone(), value, count }
    }

    fn gather<'d, N: Node<'d>>(
        &self,
        aggregate: Aggregate,
        elements: impl Iterator<Item = N>,
        surroundings: Surroundings<'_>,
    ) -> Gathered<'_> {
        let mut gathered = Gathered {
            aggregate,
            kind: &self.kind,
            count: 0,
            sum: Sum::default(),
            farthest: None,
            different: HashSet::new(),
        };
        for element in elements {
            self.path.visit(element, &mut gathered, surroundings);
        }
        gathered
    }
}

/// The values so far.
struct Gathered<'k> {
    aggregate: Aggregate,
    kind: &'k ValueKind,
    count: u32,
    sum: Sum,
    /// The least or the greatest value
    farthest: Option<Farthest>,
    different: HashSet<Different>,
}

/// The least or the greatest of some values.
enum Farthest {
    Number(Decimal),
    Text(Box<[u8]>),
    Date(Place, Moment),
}

/// A value, equal to those that `$eq` takes for equal.
#[derive(PartialEq, Eq, Hash)]
enum Different {
    Date(Moment),
    Text(Box<[u8]>),
    Other(Json),
}

impl Visitor for Gathered<'_> {
    fn value<'d, N: Node<'d>>(&mut self, value: N, fan_out: bool) -> bool {
        match value.view() {
            View::Array(array) if fan_out => array.iter().for_each(|element| self.add(element)),
            _ => self.add(value),
        }
        false
    }

    fn absent(&mut self) -> bool {
        false
    }

    fn nothing(&mut self) -> bool {
        false
    }
}

impl Gathered<'_> {
    fn add<'d, N: Node<'d>>(&mut self, value: N) {
        match (self.kind, value.view()) {
            (ValueKind::Number, View::Number(number)) => self.add_number(number),
            (ValueKind::String, View::String(text)) => self.add_text(text),
            (ValueKind::String, View::Folded(folded)) => self.add_text(&folded.compared),
            (ValueKind::Date(dates), view) => {
                if let Some(moment) = moment(&view, dates) {
                    self.add_date(Place::of(moment, &dates.zone), moment);
                }
            }
            (ValueKind::Boolean, View::Bool(value)) => self.distinguish(Different::Other(Value::Bool(value))),
            (ValueKind::Anything, View::Null) => {}
            (ValueKind::Anything, View::String(text)) => self.add_text(text),
            (ValueKind::Anything, View::Folded(folded)) => self.add_text(&folded.compared),
            (ValueKind::Anything, View::Moment(moment)) => self.distinguish(Different::Date(moment)),
            (ValueKind::Anything, _) => self.distinguish(Different::Other(to_json(value))),
            _ => {}
        }
    }

    fn distinguish(&mut self, value: Different) {
        self.different.insert(value);
    }

    fn add_number(&mut self, number: Number<'_>) {
        self.count = self.count.saturating_add(1);
        let farthest = match &self.farthest {
            Some(Farthest::Number(farthest)) => Some(number.cmp(&farthest.as_number())),
            _ => None,
        };
        match self.aggregate {
            Aggregate::Sum | Aggregate::Avg => self.sum.add(number),
            Aggregate::Distinct => self.distinguish(Different::Other(Value::Number(number.to_decimal()))),
            _ if self.is_farther(farthest) => self.farthest = Some(Farthest::Number(number.to_decimal())),
            _ => {}
        }
    }

    fn add_text(&mut self, text: &[u8]) {
        let farthest = match &self.farthest {
            Some(Farthest::Text(farthest)) => Some(text.cmp(farthest)),
            _ => None,
        };
        match self.aggregate {
            Aggregate::Distinct => self.distinguish(Different::Text(text.into())),
            _ if self.is_farther(farthest) => self.farthest = Some(Farthest::Text(text.into())),
            _ => {}
        }
    }

    fn add_date(&mut self, place: Place, moment: Moment) {
        let farthest = match &self.farthest {
            Some(Farthest::Date(farthest, _)) => Some(place.cmp(farthest)),
            _ => None,
        };
        match self.aggregate {
            Aggregate::Distinct => self.distinguish(Different::Date(moment)),
            _ if self.is_farther(farthest) => self.farthest = Some(Farthest::Date(place, moment)),
            _ => {}
        }
    }

    /// Whether a value takes the place of the farthest one, to which it is in this order.
    fn is_farther(&self, order: Option<Ordering>) -> bool {
        match self.aggregate {
            Aggregate::Min => order.is_none_or(Ordering::is_lt),
            _ => order.is_none_or(Ordering::is_gt),
        }
    }

    /// What was gathered; for `$avg` the sum. `None` if it is missing.
    fn value(&self) -> Option<Json> {
        match self.aggregate {
            Aggregate::Avg if self.count == 0 => None,
            Aggregate::Sum | Aggregate::Avg => match self.sum.total() {
                Total::Number(total) => Some(Value::Number(total)),
                Total::Beyond(is_negative) => {
                    Some(Value::String(if is_negative { "-Infinity" } else { "Infinity" }.to_owned()))
                }
                Total::Undefined => None,
            },
            Aggregate::Distinct => Some(Value::Number((self.different.len() as i64).into())),
            Aggregate::Min | Aggregate::Max => Some(match self.farthest.as_ref()? {
                Farthest::Number(number) => Value::Number(number.clone()),
                Farthest::Text(text) => Value::String(String::from_utf8_lossy(text).into_owned()),
                Farthest::Date(_, moment) => Value::String(moment.to_string()),
            }),
        }
    }

    fn holds(&self, asked: &Expr<ValueTest>) -> bool {
        match self.aggregate {
            Aggregate::Sum | Aggregate::Avg => {
                let total = self.sum.total();
                let factor = if self.aggregate == Aggregate::Avg { self.count } else { 1 };
                let is_present = factor > 0 && total != Total::Undefined;
                holds_of(asked, is_present, &|constant| order_of_total(&total, factor, constant))
            }
            Aggregate::Distinct => holds_of_count(asked, self.different.len()),
            Aggregate::Min | Aggregate::Max => {
                holds_of(asked, self.farthest.is_some(), &|constant| match (self.farthest.as_ref()?, constant) {
                    (Farthest::Number(number), Value::Number(bound)) => Some(number.cmp(bound)),
                    (Farthest::Text(text), Value::String(bound)) => Some((**text).cmp(bound.as_bytes())),
                    (Farthest::Date(_, moment), Value::Literal(bound)) => Some(bound.compare(*moment)),
                    _ => None,
                })
            }
        }
    }
}

/// Compares a total, divided by the factor, with a constant.
fn order_of_total(total: &Total, factor: u32, constant: &Constant) -> Option<Ordering> {
    let Value::Number(bound) = constant else { return None };
    match total {
        Total::Number(number) if factor == 1 => Some(number.cmp(bound)),
        Total::Number(number) => Some(number.cmp(&bound.times(factor))),
        Total::Beyond(true) => Some(Ordering::Less),
        Total::Beyond(false) => Some(Ordering::Greater),
        Total::Undefined => None,
    }
}

/// The date that a stored value is.
pub(super) fn moment<'d, N: Node<'d>>(view: &View<'d, N>, dates: &StoredDates) -> Option<Moment> {
    match view {
        View::String(text) => dates.reading.string(text),
        View::Number(number) => dates.reading.number(*number),
        View::Moment(moment) => Some(*moment),
        _ => None,
    }
}
