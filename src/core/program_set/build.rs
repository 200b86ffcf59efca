//! Builds the indexes of all fields from the clauses of all conditions.

use super::bounds::{Bound, Bounds, of_day, of_instants};
use super::clause::{Literal, Normal, Trigger, normal, triggers};
use super::field::{FieldIndex, Layer, Postings, Values};
use super::sets::{Set, Sets, insert, remove};
use super::single::Single;
use super::{KILL, PLACES, first_refutation};
use crate::ast::Comparison;
use crate::date::DateReading;
use crate::decimal::RankedDecimal;
use crate::expr::{Atom, Checked, FieldTest, ValueTest};
use crate::program::FieldPath;
use crate::value::Value;
use std::collections::{BTreeMap, HashMap, VecDeque};
use std::hash::Hash;

/// Collects the clauses of conditions by their fields.
pub(super) struct Builder<'c> {
    /// For each condition, the parts that are left to be evaluated. The refutations come last
    pub(super) left: Vec<Vec<Normal<'c>>>,
    /// The refutations whose clauses have not been taken yet
    refutations: VecDeque<(u32, Vec<Normal<'c>>)>,
    /// The number of further refutations. There are at most as many as conditions, so that memory stays in proportion
    most_refutations: usize,
    fields: Vec<FieldClauses<'c>>,
    by_path: HashMap<(&'c [String], bool, DateReading), usize>,
    topics: Option<usize>,
}

/// The most tests in an `$or` that is looked up. A condition with a thousand alternatives is better evaluated.
const MOST_TESTS: usize = 256;

/// The clauses on one field.
struct FieldClauses<'c> {
    /// One of the tests on the field; `None` for topics
    field: Option<&'c FieldTest>,
    triggers: Vec<(Trigger, u8, u32)>,
    layers: Vec<Vec<u32>>,
}

impl<'c> Builder<'c> {
    /// Takes the clauses of conditions.
    pub(super) fn of(conditions: &[&'c Checked]) -> Self {
        let mut builder = Builder {
            left: vec![Vec::new(); first_refutation(conditions.len())],
            refutations: VecDeque::new(),
            most_refutations: conditions.len(),
            fields: Vec::new(),
            by_path: HashMap::new(),
            topics: None,
        };
        for (number, condition) in (0..).zip(conditions) {
            builder.take(number, normal(condition).into_parts());
        }
        while let Some((number, parts)) = builder.refutations.pop_front() {
            builder.take(number, parts);
        }
        builder
    }

    fn take(&mut self, condition: u32, parts: Vec<Normal<'c>>) {
        for part in parts {
            if !self.require(condition, &part) {
                let part = self.refute(part);
                self.left[condition as usize].push(part);
            }
        }
    }

    /// Replaces an `$or` by its refutation, if a part of it can be looked up.
    fn refute(&mut self, part: Normal<'c>) -> Normal<'c> {
        let (tests, looked_up) = part.tests();
        let pays = looked_up > 0 && tests <= MOST_TESTS;
        match part {
            Normal::Any(_) if pays && self.most_refutations > 0 => {
                self.most_refutations -= 1;
                let number = self.left.len() as u32;
                self.left.push(Vec::new());
                self.refutations.push_back((number, part.complement().into_parts()));
                Normal::Unrefuted(number)
            }
            part => part,
        }
    }

    /// Takes a part of a condition's conjunction as clauses. Returns whether nothing of it is left to be evaluated.
    fn require(&mut self, condition: u32, part: &Normal<'c>) -> bool {
        match part {
            Normal::Test(Literal { atom, positive: false }) => {
                let Some(triggers) = triggers(atom) else { return false };
                let field = self.field_of(atom);
                self.fields[field].triggers.extend(triggers.into_iter().map(|trigger| (trigger, KILL, condition)));
                true
            }
            Normal::Test(Literal { atom: atom @ Atom::Field(field), positive: true })
                if let ValueTest::Eq(day @ Value::Literal(_)) = &field.test
                    && !field.fans_out() =>
            {
                // A single value is equal if it is neither before nor after.
                let field = self.field_of(atom);
                let bounds =
                    [Comparison::Gte, Comparison::Lte].map(|comparison| Trigger::Compare(comparison, day.clone()));
                bounds.map(|bound| self.place(condition, field, vec![bound])) == [true, true]
            }
            Normal::Test(literal) => self.require_one(condition, std::slice::from_ref(literal)),
            Normal::Any(parts) if parts.len() <= MOST_TESTS => {
                let literals = parts.iter().map(|part| match part {
                    Normal::Test(literal) if literal.positive => Some(*literal),
                    _ => None,
                });
                literals.collect::<Option<Vec<_>>>().is_some_and(|literals| self.require_one(condition, &literals))
            }
            _ => false,
        }
    }

    /// Takes a clause of tests, if they are on one field, and their triggers are of one family. Returns whether it did.
    fn require_one(&mut self, condition: u32, tests: &[Literal<'c>]) -> bool {
        let Some(triggers) = tests.iter().map(|test| triggers(test.atom)).collect::<Option<Vec<_>>>() else {
            return false;
        };
        let triggers = triggers.concat();
        let Some((family, first)) = triggers.first().map(Trigger::family).zip(tests.first()) else { return false };
        let field = self.field_of(first.atom);
        let is_of_one = tests.iter().all(|test| self.field_of(test.atom) == field)
            && triggers.iter().all(|trigger| trigger.family() == family);
        is_of_one && self.place(condition, field, triggers)
    }

    /// Puts a clause into the first layer of the field that has no clause of the condition. Returns false if all layers
    /// have one.
    fn place(&mut self, condition: u32, field: usize, clause: Vec<Trigger>) -> bool {
        let FieldClauses { triggers, layers, .. } = &mut self.fields[field];
        let has_room = |layer: &Vec<u32>| layer.last() != Some(&condition);
        let place = layers.iter().position(has_room).unwrap_or(layers.len());
        if place == PLACES {
            return false;
        }
        if place == layers.len() {
            layers.push(Vec::new());
        }
        layers[place].push(condition);
        triggers.extend(clause.into_iter().map(|trigger| (trigger, place as u8, condition)));
        true
    }

    fn field_of(&mut self, atom: &'c Atom) -> usize {
        let new = self.fields.len();
        let (number, field) = match atom {
            Atom::Topic(_) => (*self.topics.get_or_insert(new), None),
            Atom::Pair(_) | Atom::Bucket(_) | Atom::Rows(_) => unreachable!("triggers() makes none of it"),
            Atom::Field(field) => {
                let key = (field.path.keys(), field.fans_out(), field.reading());
                (*self.by_path.entry(key).or_insert(new), Some(field))
            }
        };
        if number == new {
            self.fields.push(FieldClauses { field, triggers: Vec::new(), layers: Vec::new() });
        }
        number
    }

    /// Builds the indexes. `keys` are the first keys of all fields, in key order.
    pub(super) fn build(self, keys: &[String], everyone: &[u64], sets: &mut Sets) -> Vec<FieldIndex> {
        let build = |field: FieldClauses<'c>| {
            let layers: Vec<Layer> = field.layers.iter().map(|layer| layer_of(layer, everyone, sets)).collect();
            // A contact may have many topics.
            let is_single = field.field.is_some() && sets.is_dense(field.triggers.len());
            let reading = field.field.map_or(DateReading::Strings, FieldTest::reading);
            let single = is_single.then(|| Single::build(&field.triggers, reading, everyone, sets));
            FieldIndex {
                path: field.field.map(|field| FieldPath::compile(field, keys)),
                reading,
                single,
                values: Indexer { layers: &layers, sets }.index(field.triggers),
                layers,
            }
        };
        // A field has no triggers if its only clauses were not taken.
        self.fields.into_iter().filter(|field| !field.triggers.is_empty()).map(build).collect()
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

/// Conditions by place.
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
                Trigger::Compare(comparison, Value::Literal(range)) => {
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

    /// The conditions that belong to each dense set in a place, beside its own; `None` if a set with this many
    /// conditions is to be a list.
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

/// The triggers that are not compared with bounds.
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
