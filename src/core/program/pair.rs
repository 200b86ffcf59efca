//! Compares fields with each other.

use super::compare::{equals, order};
use crate::date::{DateReading, Moment, NamedZone, Zone};
use crate::document::{Array, Node, Object, View};
use crate::expr::{Constant, PairTest, Reading, Side};
use crate::types::ScalarType;
use crate::value::key_order;
use std::cmp::Ordering;

/// A compiled [`PairTest`].
#[derive(Debug)]
pub(crate) struct PairStep {
    order: Option<crate::ast::Comparison>,
    sides: [SideSource; 2],
    compared: Compared,
}

/// The source of a side's value.
#[derive(Debug)]
enum SideSource {
    /// The position of the first key among the keys that are looked up, and the keys below it
    Field(usize, Box<[String]>),
    Constant(Constant),
}

/// The comparison of two stored values.
#[derive(Debug)]
struct Compared {
    reading: Reading,
    /// What is a date on each side
    dates: [DateReading; 2],
    zone: NamedZone,
}

impl PairStep {
    /// Compiles a test. `keys` are the keys that are looked up in documents, in key order.
    pub(crate) fn compile(pair: &PairTest, keys: &[String]) -> Self {
        let slot = |key: &str| keys.partition_point(|other| key_order(other.as_bytes(), key.as_bytes()).is_lt());
        let sides = pair.sides.each_ref().map(|side| match side {
            Side::Field { path, .. } => SideSource::Field(slot(path.first()), path.rest().into()),
            Side::Constant(constant) => SideSource::Constant(constant.clone()),
        });
        let dates = pair.sides.each_ref().map(|side| DateReading::of(side.property_type()));
        let compared = Compared { reading: pair.reading(), dates, zone: pair.zone.clone() };
        PairStep { order: pair.order, sides, compared }
    }

    /// An estimate of the time that it takes; comparing a scalar is 1.
    pub(crate) fn cost(&self) -> u32 {
        let below = |side: &SideSource| match side {
            SideSource::Field(_, rest) => 4 * rest.len() as u32,
            SideSource::Constant(_) => 0,
        };
        2 + self.sides.iter().map(below).sum::<u32>()
    }

    /// The position of the last key that it reads.
    pub(crate) fn last_key(&self) -> Option<usize> {
        let slot = |side: &SideSource| match side {
            SideSource::Field(slot, _) => Some(*slot),
            SideSource::Constant(_) => None,
        };
        self.sides.iter().filter_map(slot).max()
    }

    /// Whether the comparison holds. `found` has the values of the keys that were looked up.
    pub(crate) fn holds<'d, N: Node<'d>>(&self, found: &[Option<N>]) -> bool {
        match &self.sides {
            [SideSource::Field(left, below_left), SideSource::Field(right, below_right)] => {
                let values = descend(found[*left], below_left).zip(descend(found[*right], below_right));
                values.is_some_and(|(left, right)| match self.order {
                    None => self.compared.are_equal(left, right),
                    Some(comparison) => {
                        self.compared.order(left, right).is_some_and(|ordering| comparison.accepts(ordering))
                    }
                })
            }
            [SideSource::Field(slot, below), SideSource::Constant(constant)] => {
                self.holds_of(descend(found[*slot], below), constant, |ordering| ordering)
            }
            [SideSource::Constant(constant), SideSource::Field(slot, below)] => {
                self.holds_of(descend(found[*slot], below), constant, Ordering::reverse)
            }
            [SideSource::Constant(_), SideSource::Constant(_)] => false,
        }
    }

    fn holds_of<'d, N: Node<'d>>(
        &self,
        value: Option<N>,
        constant: &Constant,
        turned: fn(Ordering) -> Ordering,
    ) -> bool {
        value.is_some_and(|value| match self.order {
            None => equals(value, constant),
            Some(comparison) => order(value, constant).is_some_and(|ordering| comparison.accepts(turned(ordering))),
        })
    }
}

/// The value below another one; the path goes through objects only.
fn descend<'d, N: Node<'d>>(value: Option<N>, rest: &[String]) -> Option<N> {
    rest.iter().try_fold(value?, |value, key| match value.view() {
        View::Object(object) => object.get(key),
        _ => None,
    })
}

impl Compared {
    fn are_equal<'d, N: Node<'d>>(&self, left: N, right: N) -> bool {
        match self.reading {
            Reading::Anything if matches!(left.view(), View::Null) => false,
            Reading::Anything => are_same(left, right),
            _ => self.order(left, right).is_some_and(Ordering::is_eq),
        }
    }

    /// Compares two values; `None` if they are of different types, or of a type without an order.
    fn order<'d, N: Node<'d>>(&self, left: N, right: N) -> Option<Ordering> {
        let (left, right) = (left.view(), right.view());
        match (self.reading, &left, &right) {
            (Reading::Moments { by_day }, ..) => {
                let [in_left, in_right] = self.dates;
                self.order_moments(by_day, moment(&left, in_left)?, moment(&right, in_right)?)
            }
            (Reading::Anything | Reading::Scalar(ScalarType::Number), View::Number(left), View::Number(right)) => {
                Some(left.cmp(right))
            }
            (Reading::Scalar(ScalarType::Boolean), View::Bool(left), View::Bool(right)) => Some(left.cmp(right)),
            (Reading::Anything | Reading::Scalar(ScalarType::String), left, right) => order_texts(left, right),
            _ => None,
        }
    }

    /// Compares two dates. If one of them is a day, both count as days.
    fn order_moments(&self, by_day: bool, left: Moment, right: Moment) -> Option<Ordering> {
        let day = |moment| match moment {
            Moment::Day(day) => day,
            Moment::Instant(instant) => self.zone.local_of(instant).day(),
        };
        match (left, right) {
            (Moment::Instant(left), Moment::Instant(right)) if !by_day => Some(left.cmp(&right)),
            (left, right) => Some(day(left).cmp(&day(right))),
        }
    }
}

fn moment<'d, N: Node<'d>>(view: &View<'d, N>, reading: DateReading) -> Option<Moment> {
    match view {
        View::String(text) => reading.string(text),
        View::Number(number) => reading.number(*number),
        View::Moment(moment) => Some(*moment),
        _ => None,
    }
}

/// Compares strings by their bytes; if both ignore case, by the bytes of their folded texts.
fn order_texts<'d, N: Node<'d>>(left: &View<'d, N>, right: &View<'d, N>) -> Option<Ordering> {
    fn text<'v, 'd, N: Node<'d>>(view: &'v View<'d, N>) -> Option<&'v [u8]> {
        match view {
            View::String(text) => Some(text),
            View::Folded(folded) => Some(&folded.text),
            _ => None,
        }
    }
    match (left, right) {
        (View::Folded(left), View::Folded(right)) => Some(left.compared.cmp(&right.compared)),
        (left, right) => Some(text(left)?.cmp(text(right)?)),
    }
}

/// Whether two values are equal as a whole.
fn are_same<'d, N: Node<'d>>(left: N, right: N) -> bool {
    match (left.view(), right.view()) {
        (View::Null, View::Null) => true,
        (View::Bool(left), View::Bool(right)) => left == right,
        (View::Number(left), View::Number(right)) => left == right,
        (View::Moment(left), View::Moment(right)) => left == right,
        (View::Array(left), View::Array(right)) => {
            left.len() == right.len() && left.iter().zip(right.iter()).all(|(left, right)| are_same(left, right))
        }
        (View::Object(left), View::Object(right)) => {
            left.len() == right.len()
                && left.iter().all(|(key, value)| {
                    let key = std::str::from_utf8(key).ok();
                    key.and_then(|key| right.get(key)).is_some_and(|other| are_same(value, other))
                })
        }
        (left, right) => order_texts(&left, &right).is_some_and(Ordering::is_eq),
    }
}
