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
use foldhash::fast::RandomState;
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
pub(crate) struct ElementPath {
    first: PathKey,
    rest: Box<[PathKey]>,
    fan_out: bool,
}

/// A date's place among others: where a day stands at its start, before an instant of that start. A day has 0 after its
/// start, and an instant 1; days that start at once are in their own order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Place(pub(super) i64, pub(super) u8, pub(super) i32);

impl Place {
    pub(super) fn of(moment: Moment, zone: &NamedZone) -> Self {
        match moment {
            Moment::Day(day) => Place(zone.start_of(day).micros(), 0, day.epoch_days()),
            Moment::Instant(instant) => Place(instant.micros(), 1, 0),
        }
    }

    /// The place of the element with this index, where elements are in the order of their array.
    pub(crate) fn of_index(index: i64) -> Self {
        Place(index, 1, 0)
    }
}

impl ElementPath {
    /// Compiles a path that is read as a value of this type.
    pub(crate) fn of(path: &Path, read_as: Option<PropertyType>) -> Self {
        Self::compile(path, !read_as.is_some_and(PropertyType::is_scalar))
    }

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
        self.single_below(self.begin(element))
    }

    /// Like [`single`](Self::single), with the value of the first key.
    pub(super) fn single_below<'d, N: Node<'d>>(&self, first: Option<N>) -> Option<N> {
        descend(first, &self.rest)
    }

    fn visit<'d, N: Node<'d>>(&self, element: N, visitor: &mut impl Visitor, surroundings: Surroundings<'_>) {
        if let Some(value) = self.begin(element) {
            self.visit_below(value, visitor, surroundings);
        }
    }

    /// Gives the visitor the values, of which `value` is that of the first key.
    pub(crate) fn visit_below<'d, N: Node<'d>>(
        &self,
        value: N,
        visitor: &mut impl Visitor,
        surroundings: Surroundings<'_>,
    ) {
        if self.fan_out && !self.rest.is_empty() {
            walk(value, &self.rest, visitor, surroundings);
        } else if let Some(value) = descend(Some(value), &self.rest) {
            visitor.value(value, self.fan_out);
        }
    }
}

impl ValuesCheck {
    pub(super) fn compile(test: &ValuesTest) -> Self {
        ValuesCheck {
            name: test.path.clone(),
            path: ElementPath::of(&test.path, test.read_as),
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
        self.gather(aggregate, elements, surroundings).holds(aggregate, &self.asked)
    }

    /// The aggregate of the elements' values, to be shown.
    pub(super) fn compared<'d, N: Node<'d>>(
        &self,
        aggregate: Aggregate,
        elements: impl Iterator<Item = N>,
        surroundings: Surroundings<'_>,
    ) -> Compared {
        let gathered = self.gather(aggregate, elements, surroundings);
        let value = gathered.value(aggregate);
        // An average is not computed.
        let count = (aggregate == Aggregate::Avg && value.is_some()).then_some(gathered.count);
        Compared { aggregate, path: self.name.clone(), value, count }
    }

    fn gather<'d, N: Node<'d>>(
        &self,
        aggregate: Aggregate,
        elements: impl Iterator<Item = N>,
        surroundings: Surroundings<'_>,
    ) -> Gathered {
        let mut gathered = Gathered::default();
        for element in elements {
            self.path.visit(element, &mut gathered.adding(aggregate, &self.kind), surroundings);
        }
        gathered
    }
}

/// Values of an aggregate so far.
#[derive(Debug, Default)]
pub(crate) struct Gathered {
    count: u32,
    sum: Sum,
    /// The least or the greatest value
    farthest: Option<Farthest>,
    /// The different texts; the other values follow
    texts: HashSet<Box<[u8]>, RandomState>,
    different: HashSet<Different, RandomState>,
}

/// Adds values to those of an aggregate.
pub(crate) struct Adding<'g> {
    gathered: &'g mut Gathered,
    aggregate: Aggregate,
    kind: &'g ValueKind,
}

/// The least or the greatest of some values.
#[derive(Debug)]
enum Farthest {
    Number(Decimal),
    Text(Box<[u8]>),
    Date(Place, Moment),
}

/// A value other than a text, equal to those that `$eq` takes for equal.
#[derive(Debug, PartialEq, Eq, Hash)]
enum Different {
    Date(Moment),
    Other(Json),
}

impl Visitor for Adding<'_> {
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

impl Adding<'_> {
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
        self.gathered.different.insert(value);
    }

    fn add_number(&mut self, number: Number<'_>) {
        let gathered = &mut *self.gathered;
        gathered.count = gathered.count.saturating_add(1);
        let farthest = match &gathered.farthest {
            Some(Farthest::Number(farthest)) => Some(number.cmp(&farthest.as_number())),
            _ => None,
        };
        match self.aggregate {
            Aggregate::Sum | Aggregate::Avg => gathered.sum.add(number),
            Aggregate::Distinct => self.distinguish(Different::Other(Value::Number(number.to_decimal()))),
            _ if self.is_farther(farthest) => self.gathered.farthest = Some(Farthest::Number(number.to_decimal())),
            _ => {}
        }
    }

    fn add_text(&mut self, text: &[u8]) {
        let gathered = &mut *self.gathered;
        let farthest = match &gathered.farthest {
            Some(Farthest::Text(farthest)) => Some(text.cmp(farthest)),
            _ => None,
        };
        match self.aggregate {
            Aggregate::Distinct if gathered.texts.contains(text) => {}
            Aggregate::Distinct => _ = gathered.texts.insert(text.into()),
            _ if self.is_farther(farthest) => self.gathered.farthest = Some(Farthest::Text(text.into())),
            _ => {}
        }
    }

    fn add_date(&mut self, place: Place, moment: Moment) {
        let farthest = match &self.gathered.farthest {
            Some(Farthest::Date(farthest, _)) => Some(place.cmp(farthest)),
            _ => None,
        };
        match self.aggregate {
            Aggregate::Distinct => self.distinguish(Different::Date(moment)),
            _ if self.is_farther(farthest) => self.gathered.farthest = Some(Farthest::Date(place, moment)),
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
}

impl Gathered {
    /// Adds values of this kind for an aggregate; it is the same for all values.
    pub(crate) fn adding<'g>(&'g mut self, aggregate: Aggregate, kind: &'g ValueKind) -> Adding<'g> {
        Adding { gathered: self, aggregate, kind }
    }

    /// Whether there was no value.
    pub(crate) fn is_empty(&self) -> bool {
        self.count == 0 && self.farthest.is_none() && self.different() == 0
    }

    /// Forgets all values.
    pub(crate) fn clear(&mut self) {
        self.count = 0;
        self.sum = Sum::default();
        self.farthest = None;
        self.texts.clear();
        self.different.clear();
    }

    /// How many different values there are, which alone take memory in proportion to the number of values.
    pub(crate) fn different(&self) -> usize {
        self.texts.len() + self.different.len()
    }

    /// What was gathered; for `$avg` the sum. `None` if it is missing.
    fn value(&self, aggregate: Aggregate) -> Option<Json> {
        match aggregate {
            Aggregate::Avg if self.count == 0 => None,
            Aggregate::Sum | Aggregate::Avg => match self.sum.total() {
                Total::Number(total) => Some(Value::Number(total)),
                Total::Beyond(is_negative) => {
                    Some(Value::String(if is_negative { "-Infinity" } else { "Infinity" }.to_owned()))
                }
                Total::Undefined => None,
            },
            Aggregate::Distinct => Some(Value::Number((self.different() as i64).into())),
            Aggregate::Min | Aggregate::Max => Some(match self.farthest.as_ref()? {
                Farthest::Number(number) => Value::Number(number.clone()),
                Farthest::Text(text) => Value::String(String::from_utf8_lossy(text).into_owned()),
                Farthest::Date(_, moment) => Value::String(moment.to_string()),
            }),
        }
    }

    /// Whether the aggregate of the values satisfies what is asked of it.
    pub(crate) fn holds(&self, aggregate: Aggregate, asked: &Expr<ValueTest>) -> bool {
        match aggregate {
            Aggregate::Sum | Aggregate::Avg => {
                let total = self.sum.total();
                let factor = if aggregate == Aggregate::Avg { self.count } else { 1 };
                let is_present = factor > 0 && total != Total::Undefined;
                holds_of(asked, is_present, &|constant| order_of_total(&total, factor, constant))
            }
            Aggregate::Distinct => holds_of_count(asked, self.different()),
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

/// The date that a stored value is. Where days are declared, a value with a time is its day in the zone.
pub(super) fn moment<'d, N: Node<'d>>(view: &View<'d, N>, dates: &StoredDates) -> Option<Moment> {
    let moment = match view {
        View::String(text) => dates.reading.string(text),
        View::Number(number) => dates.reading.number(*number),
        View::Moment(moment) => Some(*moment),
        _ => None,
    }?;
    Some(match moment {
        Moment::Instant(instant) if dates.reading.is_of_days() => Moment::Day(dates.zone.local_of(instant).day()),
        moment => moment,
    })
}
