//! Looks the values of one field up for all conditions at once.

use super::bounds::{Bound, Bounds};
use super::sets::Set;
use super::single::Single;
use crate::date::{DateReading, Moment};
use crate::decimal::{Rank, Ranked, RankedDecimal};
use crate::document::{Array, Node, Object, View};
use crate::program::{FieldPath, Surroundings, Visitor, honour_interrupts, kind};
use std::collections::HashMap;

/// The values that tests on a field name, each with the conditions that have a clause which it satisfies.
#[derive(Debug)]
pub(super) struct FieldIndex {
    /// The path to the field's values; `None` for the topics of the contact, which are looked up like strings
    pub(super) path: Option<FieldPath>,
    /// How its values are read as dates
    pub(super) reading: DateReading,
    /// For each place: the conditions that have a clause there
    pub(super) layers: Vec<Layer>,
    /// A faster way to look up a single value that is no array, where it is worth its memory
    pub(super) single: Option<Single>,
    pub(super) values: Values,
}

/// The conditions that have a clause on the field in one place: each condition has at most one clause in a place.
///
/// A condition with two clauses on a field, such as a lower and an upper bound, is in two layers.
#[derive(Debug)]
pub(super) enum Layer {
    /// Few conditions: their list
    Few { from: u32, len: u32 },
    /// Many conditions: the number of the dense set of all other conditions, which belong to each dense set of the
    /// layer, too
    Many(u32),
}

/// Sets of conditions, with their places.
pub(super) type Postings = Box<[(u8, Set)]>;

/// Values, and the conditions with clauses that they satisfy.
#[derive(Debug, Default)]
pub(super) struct Values {
    pub(super) absent: Postings,
    pub(super) present: Postings,
    pub(super) empty: Postings,
    pub(super) null: Postings,
    pub(super) bools: [Postings; 2],
    pub(super) types: [Postings; 6],
    pub(super) sizes: HashMap<u64, Postings, foldhash::fast::RandomState>,
    pub(super) strings: HashMap<Box<[u8]>, Postings, foldhash::fast::RandomState>,
    pub(super) numbers: HashMap<Rank, Vec<(RankedDecimal, Postings)>, foldhash::fast::RandomState>,
    pub(super) string_bounds: Vec<Bounds<String>>,
    pub(super) number_bounds: Vec<Bounds<RankedDecimal>>,
    /// Bounds for stored days; those for stored instants follow
    pub(super) day_bounds: Vec<Bounds<i64>>,
    pub(super) instant_bounds: Vec<Bounds<i64>>,
}

/// The sets that values led to, by place.
pub(super) type Hits = [Vec<Set>];

/// The number of sets from which on duplicates are removed.
const MANY_HITS: usize = 4_096;

/// Receives a field's values, and collects the sets that they lead to.
pub(super) struct Observer<'a> {
    pub(super) values: &'a Values,
    pub(super) reading: DateReading,
    pub(super) hits: &'a mut Hits,
    pub(super) surroundings: Surroundings<'a>,
}

impl Observer<'_> {
    #[inline]
    fn hit(&mut self, postings: &Postings) {
        postings.iter().for_each(|(place, set)| self.keep(*place, *set));
    }

    /// Adds a set. If there are many, duplicates are removed, because the elements of a long array mostly lead to the
    /// same sets.
    #[inline]
    fn keep(&mut self, place: u8, set: Set) {
        let hits = &mut self.hits[usize::from(place)];
        if hits.len() == hits.capacity() && hits.len() >= MANY_HITS {
            hits.sort_unstable();
            hits.dedup();
            hits.reserve(hits.len());
        }
        hits.push(set);
    }

    #[inline]
    fn satisfied<B: Bound>(&mut self, bounds: &[Bounds<B>], stored: B::Stored<'_>) {
        for bounds in bounds {
            for set in bounds.satisfied(stored).into_iter().flatten() {
                self.keep(bounds.place, set);
            }
        }
    }

    /// Looks up one value, without the elements that it may have.
    #[inline]
    fn scalar<'d, N: Node<'d>>(&mut self, view: &View<'d, N>) {
        let values = self.values;
        match view {
            View::Null => self.hit(&values.null),
            View::Bool(value) => self.hit(&values.bools[usize::from(*value)]),
            View::Number(number) => {
                let stored = Ranked::from(*number);
                if let Some(same) = values.numbers.get(&stored.rank) {
                    let equal = same.iter().filter(|(number, _)| number.order(stored).is_eq());
                    equal.for_each(|(_, postings)| self.hit(postings));
                }
                self.satisfied(&values.number_bounds, stored);
                if !values.day_bounds.is_empty()
                    && let Some(moment) = self.reading.number(*number)
                {
                    self.moment(moment);
                }
            }
            View::String(text) => self.string(text),
            View::Folded(folded) => self.string(&folded.compared),
            View::Moment(moment) => self.moment(*moment),
            View::Array(_) | View::Object(_) => {}
        }
        self.hit(&values.types[kind(view) as usize]);
    }

    pub(super) fn string(&mut self, text: &[u8]) {
        let values = self.values;
        if let Some(postings) = values.strings.get(text) {
            self.hit(postings);
        }
        self.satisfied(&values.string_bounds, text);
        if !values.day_bounds.is_empty()
            && let Some(moment) = self.reading.string(text)
        {
            self.moment(moment);
        }
    }

    fn moment(&mut self, moment: Moment) {
        match moment {
            Moment::Day(day) => self.satisfied(&self.values.day_bounds, day.epoch_days().into()),
            Moment::Instant(instant) => self.satisfied(&self.values.instant_bounds, instant.micros()),
        }
    }
}

impl Visitor for Observer<'_> {
    fn value<'d, N: Node<'d>>(&mut self, value: N, fan_out: bool) -> bool {
        let values = self.values;
        self.hit(&values.present);
        let view = value.view();
        self.scalar(&view);
        match view {
            View::Null | View::String([]) => self.hit(&values.empty),
            View::Folded(folded) if folded.text.is_empty() => self.hit(&values.empty),
            View::Object(object) if object.is_empty() => self.hit(&values.empty),
            View::Array(array) => {
                if array.is_empty() {
                    self.hit(&values.empty);
                }
                if let Some(postings) = values.sizes.get(&(array.len() as u64)) {
                    self.hit(postings);
                }
                if fan_out {
                    for (index, element) in array.iter().enumerate() {
                        honour_interrupts(index, self.surroundings);
                        self.scalar(&element.view());
                    }
                }
            }
            View::Bool(_) | View::Number(_) | View::String(_) | View::Folded(_) | View::Moment(_) | View::Object(_) => {
            }
        }
        false
    }

    fn absent(&mut self) -> bool {
        let values = self.values;
        self.hit(&values.absent);
        self.hit(&values.empty);
        false
    }

    fn nothing(&mut self) -> bool {
        let values = self.values;
        self.hit(&values.empty);
        false
    }
}
