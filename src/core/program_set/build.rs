//! From the clauses of all conditions to the indexes of all fields.

use super::bounds::{Bound, Bounds, of_day, of_instants};
use super::clause::{self, Normal, Requirement, Trigger, share, triggers};
use super::field::{FieldIndex, Layer, Postings, Values};
use super::sets::{Set, Sets, insert, remove};
use super::single::Single;
use super::{CROSS_PLACES, KILL, LOCAL_PLACES};
use crate::ast::Comparison;
use crate::decimal::RankedDecimal;
use crate::expr::{Atom, FieldTest, ValueTest};
use crate::program::FieldPath;
use crate::value::Value;
use std::collections::{BTreeMap, HashMap};
use std::hash::Hash;

/// The clauses of conditions, by the fields that they speak of.
#[derive(Default)]
pub(super) struct Builder<'c> {
    fields: Vec<FieldClauses<'c>>,
    by_path: HashMap<(&'c [String], bool), usize>,
    topics: Option<usize>,
    /// The conditions with a clause in each of the layers that span fields
    cross: [Vec<u32>; CROSS_PLACES],
}

/// How few documents the clauses of single fields must leave for a condition, so that the rest is evaluated.
const ENOUGH: f64 = 0.15;

/// The layers that a clause may go to.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Layers {
    OfOneField,
    OfSeveral,
}

/// What conditions require of one field.
struct FieldClauses<'c> {
    /// One of the tests; `None` for topics
    field: Option<&'c FieldTest>,
    triggers: Vec<(Trigger, u8, u32)>,
    layers: Vec<Vec<u32>>,
}

impl<'c> Builder<'c> {
    /// Takes a condition's conjunction, and gives back what is left of it to be evaluated.
    pub(super) fn take(&mut self, condition: u32, parts: Vec<Normal<'c>>) -> Vec<Normal<'c>> {
        let mut left = Vec::new();
        let mut narrowed_to = 1.0;
        for part in parts {
            if self.require(condition, &part, Layers::OfOneField) {
                narrowed_to *= share(&part);
            } else {
                left.push(part);
            }
        }
        // Layers that span fields take a second look at each field. Evaluating the few conditions that the others
        // leave alive is less.
        if narrowed_to > ENOUGH {
            left.retain(|part| !self.require(condition, part, Layers::OfSeveral));
        }
        left
    }

    /// Takes a part of a condition's conjunction; whether nothing of it is left to be evaluated.
    fn require(&mut self, condition: u32, part: &Normal<'c>, layers: Layers) -> bool {
        if let Normal::Test(clause::Literal { atom: atom @ Atom::Field(field), positive: true }) = part
            && let ValueTest::Eq(day @ Value::Date(_)) = &field.test
            && !field.fans_out()
        {
            // Of a single value, equal is neither before nor after.
            let field = self.field_of(atom);
            let bounds = [Comparison::Gte, Comparison::Lte].map(|comparison| Trigger::Compare(comparison, day.clone()));
            return bounds.map(|bound| self.place(condition, &[(field, bound)], layers)) == [true, true];
        }
        match clause::requirement(part) {
            None => false,
            Some(Requirement::Not(atom)) => {
                let field = self.field_of(atom);
                let triggers = triggers(atom).into_iter().flatten();
                self.fields[field].triggers.extend(triggers.map(|trigger| (trigger, KILL, condition)));
                true
            }
            Some(Requirement::AnyOf { tests, exactly }) => {
                let mut entries = Vec::new();
                for test in tests {
                    let field = self.field_of(test);
                    entries.extend(triggers(test).into_iter().flatten().map(|trigger| (field, trigger)));
                }
                self.place(condition, &entries, layers) && exactly
            }
        }
    }

    /// Puts a clause into the first layer with room for it; whether there is one.
    fn place(&mut self, condition: u32, clause: &[(usize, Trigger)], layers: Layers) -> bool {
        let has_room = |layer: &Vec<u32>| layer.last() != Some(&condition);
        let Some((field_of_all, first)) = clause.first() else { return false };
        let family = first.family();
        let is_of_one = clause.iter().all(|(field, trigger)| field == field_of_all && trigger.family() == family);
        let place = if is_of_one {
            let layers = &mut self.fields[*field_of_all].layers;
            let place = layers.iter().position(has_room).unwrap_or(layers.len());
            if place == LOCAL_PLACES {
                return false;
            }
            if place == layers.len() {
                layers.push(Vec::new());
            }
            layers[place].push(condition);
            place
        } else if layers == Layers::OfOneField {
            return false;
        } else {
            let Some(place) = self.cross.iter().position(has_room) else { return false };
            self.cross[place].push(condition);
            LOCAL_PLACES + place
        };
        for (field, trigger) in clause {
            self.fields[*field].triggers.push((trigger.clone(), place as u8, condition));
        }
        true
    }

    fn field_of(&mut self, atom: &'c Atom) -> usize {
        let new = self.fields.len();
        let (number, field) = match atom {
            Atom::Topic(_) => (*self.topics.get_or_insert(new), None),
            Atom::Field(field) => {
                (*self.by_path.entry((field.path.keys(), field.fans_out())).or_insert(new), Some(field))
            }
        };
        if number == new {
            self.fields.push(FieldClauses { field, triggers: Vec::new(), layers: Vec::new() });
        }
        number
    }

    /// The indexes, and the layers that span fields. `keys` are the first keys of all fields, in key order.
    pub(super) fn build(self, keys: &[String], everyone: &[u64], sets: &mut Sets) -> (Vec<FieldIndex>, Vec<Layer>) {
        let build = |field: FieldClauses<'c>, sets: &mut Sets| {
            let layers: Vec<Layer> = field.layers.iter().map(|layer| layer_of(layer, everyone, sets)).collect();
            let is_cross = |place: u8| (LOCAL_PLACES..usize::from(KILL)).contains(&usize::from(place));
            let (cross, local): (Vec<_>, Vec<_>) =
                field.triggers.iter().cloned().partition(|(_, place, _)| is_cross(*place));
            let single = sets.is_dense(local.len()).then(|| Single::build(&local, everyone, sets));
            let mut indexer = Indexer { layers: &layers, sets };
            FieldIndex {
                path: field.field.map(|field| FieldPath::compile(field, keys)),
                single,
                cross: (!cross.is_empty()).then(|| indexer.index(cross)),
                values: indexer.index(field.triggers),
                layers,
            }
        };
        let fields = self.fields.into_iter().map(|field| build(field, sets)).collect();
        let cross = self.cross.iter().filter(|layer| !layer.is_empty()).map(|layer| layer_of(layer, everyone, sets));
        (fields, cross.collect())
    }
}

fn layer_of(members: &[u32], everyone: &[u64], sets: &mut Sets) -> Layer {
    if !sets.is_dense(members.len()) {
        let (from, len) = sets.add_list(members);
        return Layer::Few { from, len };
    }
    let mut others = everyone.to_vec();
    members.iter().for_each(|condition| remove(&mut others, *condition));
    Layer::Many(sets.add_bits(&others))
}

/// Conditions by the place that they are for.
type ByPlace = BTreeMap<u8, Vec<u32>>;

struct Indexer<'a> {
    layers: &'a [Layer],
    sets: &'a mut Sets,
}

impl Indexer<'_> {
    fn index(&mut self, triggers: Vec<(Trigger, u8, u32)>) -> Values {
        let mut met: HashMap<Met, ByPlace> = HashMap::new();
        let (mut strings, mut numbers) = (Vec::new(), Vec::new());
        let (mut days, mut instants) = (Vec::new(), Vec::new());
        for (trigger, place, condition) in triggers {
            let key = match trigger {
                Trigger::Absent => Met::Absent,
                Trigger::Present => Met::Present,
                Trigger::Empty => Met::Empty,
                Trigger::Null => Met::Null,
                Trigger::Bool(value) => Met::Bool(value),
                Trigger::Type(kind) => Met::Type(kind as usize),
                Trigger::Size(size) => Met::Size(size),
                Trigger::Equal(Value::String(text)) => Met::String(text.into_bytes().into()),
                Trigger::Equal(Value::Number(number)) => Met::Number(number.into()),
                Trigger::Compare(comparison, Value::String(bound)) => {
                    strings.push((place, comparison, bound, condition));
                    continue;
                }
                Trigger::Compare(comparison, Value::Number(bound)) => {
                    numbers.push((place, comparison, bound.into(), condition));
                    continue;
                }
                Trigger::Compare(comparison, Value::Date(range)) => {
                    let (day, instant) = (of_day(comparison, &range), of_instants(comparison, &range));
                    days.push((place, day.0, day.1, condition));
                    instants.push((place, instant.0, instant.1, condition));
                    continue;
                }
                Trigger::Equal(_) | Trigger::Compare(..) => unreachable!("triggers() makes no others"),
            };
            met.entry(key).or_default().entry(place).or_default().push(condition);
        }
        let mut values = Values {
            string_bounds: self.bounds(strings),
            number_bounds: self.bounds(numbers),
            day_bounds: self.bounds(days),
            instant_bounds: self.bounds(instants),
            ..Values::default()
        };
        for (key, conditions) in met {
            let postings = self.postings(conditions);
            match key {
                Met::Absent => values.absent = postings,
                Met::Present => values.present = postings,
                Met::Empty => values.empty = postings,
                Met::Null => values.null = postings,
                Met::Bool(value) => values.bools[usize::from(value)] = postings,
                Met::Type(kind) => values.types[kind] = postings,
                Met::Size(size) => drop(values.sizes.insert(size, postings)),
                Met::String(text) => drop(values.strings.insert(text, postings)),
                Met::Number(number) => values.numbers.entry(number.rank()).or_default().push((number, postings)),
            }
        }
        values
    }

    fn postings(&mut self, conditions: ByPlace) -> Postings {
        let each = conditions.into_iter().map(|(place, mut conditions)| {
            conditions.sort_unstable();
            conditions.dedup();
            (place, self.set(place, &conditions))
        });
        each.collect()
    }

    fn set(&mut self, place: u8, conditions: &[u32]) -> Set {
        match self.base(place, conditions.len()) {
            Some(mut bits) => {
                conditions.iter().for_each(|condition| insert(&mut bits, *condition));
                Set::Dense(self.sets.add_bits(&bits))
            }
            None => {
                let (from, len) = self.sets.add_list(conditions);
                Set::Sparse { from, len }
            }
        }
    }

    /// The conditions that a dense set of so many at that place has besides; `None` where it is to be a list.
    fn base(&self, place: u8, conditions: usize) -> Option<Vec<u64>> {
        if !self.sets.is_dense(conditions) {
            return None;
        }
        match self.layers.get(usize::from(place)) {
            Some(Layer::Many(others)) => Some(self.sets.bits(*others).to_vec()),
            Some(Layer::Few { .. }) => None,
            None => Some(vec![0; self.sets.words()]),
        }
    }

    fn bounds<B: Bound>(&mut self, comparisons: Vec<(u8, Comparison, B, u32)>) -> Vec<Bounds<B>> {
        let mut by_place: BTreeMap<u8, Vec<_>> = BTreeMap::new();
        for (place, comparison, bound, condition) in comparisons {
            by_place.entry(place).or_default().push((comparison, bound, condition));
        }
        let mut all = Vec::new();
        for (place, comparisons) in by_place {
            let base = self.base(place, comparisons.len());
            all.extend(Bounds::build(place, comparisons, base.as_deref(), self.sets));
        }
        all
    }
}

/// What can be met in a field, but for what compares with bounds.
#[derive(PartialEq, Eq, Hash)]
enum Met {
    Absent,
    Present,
    Empty,
    Null,
    Bool(bool),
    Type(usize),
    Size(u64),
    String(Box<[u8]>),
    Number(RankedDecimal),
}
