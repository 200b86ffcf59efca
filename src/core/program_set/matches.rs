//! Puts a document to a set of conditions.

use super::field::{FieldIndex, Layer, Observer};
use super::residual::{Answers, Asking};
use super::sets::{self, Mask, Set, Sets};
use super::single::{Dates, Kind, Single};
use super::{KILL, PLACES, ProgramSet, first_refutation};
use crate::date::{DateReading, Moment};
use crate::decimal::Ranked;
use crate::document::{Node, Object, View};
use crate::locator::Layouts;
use crate::program::Surroundings;

/// The conditions that a document satisfies, and working memory, which is used again for the next document.
#[derive(Clone, Debug, Default)]
pub struct Matches {
    /// A bit for each condition whose clauses all hold so far; while a document is put to the set, also for each
    /// refutation of an `$or`
    pub(super) alive: Vec<u64>,
    /// The sets that the values of the current field led to
    hits: [Vec<Set>; PLACES + 1],
    kept: Vec<u32>,
    union: Vec<u64>,
    /// The dense sets that `alive` is still to be intersected with
    keeping: Vec<u32>,
    answers: Answers,
    layouts: Layouts,
}

impl Matches {
    /// No matches, for a first document.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// The memory of where documents have their keys, which is used again for the next document.
    pub fn layouts(&mut self) -> &mut Layouts {
        &mut self.layouts
    }

    /// The numbers of the conditions, ascending.
    pub fn iter(&self) -> impl Iterator<Item = usize> {
        sets::members(&self.alive)
    }

    /// A bit for each condition.
    pub(crate) fn words(&self) -> &[u64] {
        &self.alive
    }

    /// Like [`iter`](Self::iter), only of some conditions, of which each has a bit.
    pub(crate) fn iter_among<'m>(&'m self, among: &'m [u64]) -> impl Iterator<Item = usize> + 'm {
        sets::members_of(self.alive.iter().zip(among).map(|(alive, among)| alive & among))
    }

    /// Whether the document satisfies the condition with this number.
    #[must_use]
    pub fn contains(&self, number: usize) -> bool {
        sets::contains(&self.alive, number as u32)
    }

    /// The numbers of the conditions that only one of two documents satisfies, ascending. Both must be matches of the
    /// same set.
    pub fn differing<'m>(&'m self, other: &'m Self) -> impl Iterator<Item = usize> + 'm {
        sets::members_of(self.alive.iter().zip(&other.alive).map(|(one, other)| one ^ other))
    }

    pub(super) fn find<'d, N: Node<'d>>(
        &mut self,
        set: &ProgramSet,
        found: &[Option<N>],
        surroundings: Surroundings<'_>,
    ) {
        self.alive.clone_from(&set.everyone);
        self.keeping.clear();
        for field in &set.fields {
            let Some(path) = &field.path else {
                let mut observer =
                    Observer { values: &field.values, reading: field.reading, hits: &mut self.hits, surroundings };
                surroundings.topics.iter().for_each(|topic| observer.string(topic.as_bytes()));
                self.apply(field, &set.sets);
                continue;
            };
            let is_single = field.single.as_ref().is_some_and(|single| {
                path.single(found).is_some_and(|value| self.keep_single(single, field.reading, value, &set.sets))
            });
            if !is_single {
                let mut observer =
                    Observer { values: &field.values, reading: field.reading, hits: &mut self.hits, surroundings };
                path.visit(found, &mut observer, surroundings);
                self.apply(field, &set.sets);
            }
        }
        set.sets.intersect_all(&mut self.alive, &self.keeping);
        self.evaluate_rest(set, found, surroundings);
    }

    /// Applies the sets that the values of a field led to.
    fn apply(&mut self, field: &FieldIndex, sets: &Sets) {
        for (place, layer) in field.layers.iter().enumerate() {
            self.keep(layer, place, sets);
            self.hits[place].clear();
        }
        for set in self.hits[usize::from(KILL)].drain(..) {
            match set {
                Set::Dense(number) => sets::subtract(&mut self.alive, sets.bits(number)),
                Set::Sparse { from, len } => {
                    for condition in sets.list(from, len) {
                        sets::remove(&mut self.alive, *condition);
                    }
                }
            }
        }
    }

    /// Keeps the conditions that a field's only value leaves alive. Returns false if nothing was done, because the
    /// value is an array or has to be compared in another way.
    #[inline]
    fn keep_single<'d, N: Node<'d>>(
        &mut self,
        single: &Single,
        reading: DateReading,
        value: Option<N>,
        sets: &Sets,
    ) -> bool {
        let view = match value.map(N::view) {
            Some(View::Folded(folded)) => Some(View::String(&folded.compared)),
            view => view,
        };
        let kind = match view {
            // Never here: it became a string above.
            Some(View::Folded(_)) => return false,
            None => Kind::Absent,
            Some(View::Null) => Kind::Null,
            Some(View::Bool(false)) => Kind::False,
            Some(View::Bool(true)) => Kind::True,
            Some(View::Object(object)) if object.is_empty() => Kind::EmptyObject,
            Some(View::Object(_)) => Kind::Object,
            Some(View::Array(_)) => return false,
            // Its text would have to be compared with the bounds of strings, and it has none.
            Some(View::Moment(_)) if single.string_steps.is_some() => return false,
            Some(View::Moment(moment)) => {
                if let Some(dates) = &single.dates {
                    self.keep_mask(dates.mask(moment), sets);
                    if dates.are_final {
                        return true;
                    }
                }
                Kind::String
            }
            Some(View::Number(number)) if single.dates.is_some() && reading.reads_numbers() => {
                if let Some(dates) = &single.dates
                    && self.keep_date(dates, reading.number(number), sets)
                {
                    return true;
                }
                Kind::Number
            }
            Some(View::Number(number)) => {
                let stored = Ranked::from(number);
                if let Some(steps) = &single.number_steps {
                    self.keep_mask(steps.mask(stored), sets);
                    if single.numbers.is_empty() {
                        return true;
                    }
                }
                if let Some(same) = single.numbers.get(&stored.rank)
                    && let Some((_, mask)) = same.iter().find(|(number, _)| number.order(stored).is_eq())
                {
                    self.keep_mask(*mask, sets);
                    return true;
                }
                Kind::Number
            }
            Some(View::String(text)) => {
                if let Some(steps) = &single.string_steps {
                    self.keep_mask(steps.mask(text), sets);
                }
                if let Some(dates) = &single.dates
                    && self.keep_date(dates, reading.string(text), sets)
                {
                    return true;
                }
                if let Some(mask) = single.strings.get(text) {
                    self.keep_mask(*mask, sets);
                    return true;
                }
                if text.is_empty() { Kind::EmptyString } else { Kind::String }
            }
        };
        self.keeping.push(single.kinds[kind as usize]);
        true
    }

    /// Keeps the conditions that a date leaves alive, or a value that is none. Returns whether these are all that the
    /// value leaves alive.
    #[inline]
    fn keep_date(&mut self, dates: &Dates, stored: Option<Moment>, sets: &Sets) -> bool {
        match stored {
            Some(moment) => {
                self.keep_mask(dates.mask(moment), sets);
                dates.are_final
            }
            None => {
                self.keeping.push(dates.others);
                false
            }
        }
    }

    #[inline]
    fn keep_mask(&mut self, mask: Mask, sets: &Sets) {
        match mask.toggled {
            (_, 0) => self.keeping.push(mask.dense),
            _ => sets.keep(mask, &mut self.alive),
        }
    }

    /// Keeps the conditions that have no clause in the layer, and those whose clause there holds.
    #[inline]
    fn keep(&mut self, layer: &Layer, place: usize, sets: &Sets) {
        let Matches { alive, hits, kept, union, .. } = self;
        match hits[place][..] {
            [] => return keep_others(layer, alive, sets),
            [Set::Dense(number)] => return sets::intersect(alive, sets.bits(number)),
            _ => {}
        }
        kept.clear();
        let mut dense = Dense::None;
        for set in &hits[place] {
            match (*set, dense) {
                (Set::Sparse { from, len }, _) => {
                    for condition in sets.list(from, len) {
                        if sets::contains(alive, *condition) {
                            kept.push(*condition);
                        }
                    }
                }
                (Set::Dense(number), Dense::None) => dense = Dense::One(number),
                (Set::Dense(number), Dense::One(first)) => {
                    union.clear();
                    union.extend_from_slice(sets.bits(first));
                    sets::unite(union, sets.bits(number));
                    dense = Dense::Union;
                }
                (Set::Dense(number), Dense::Union) => sets::unite(union, sets.bits(number)),
            }
        }
        match dense {
            Dense::None => keep_others(layer, alive, sets),
            Dense::One(number) => sets::intersect(alive, sets.bits(number)),
            Dense::Union => sets::intersect(alive, union),
        }
        for condition in kept {
            sets::insert(alive, *condition);
        }
    }

    fn evaluate_rest<'d, N: Node<'d>>(
        &mut self,
        set: &ProgramSet,
        found: &[Option<N>],
        surroundings: Surroundings<'_>,
    ) {
        self.answers.forget(&set.tests);
        let words = first_refutation(set.len) / 64;
        let (conditions, refutations) = self.alive.split_at_mut(words);
        let mut asking = Asking { set, found, surroundings, refutations, answers: &mut self.answers };
        for (index, (alive, with_residual)) in conditions.iter_mut().zip(&set.with_residual).enumerate() {
            for bit in sets::members(&[*alive & with_residual]) {
                if !asking.rest_holds(index * 64 + bit) {
                    *alive &= !(1 << bit);
                }
            }
        }
        self.alive.truncate(words);
    }
}

/// The dense sets that values led to in one place.
#[derive(Clone, Copy)]
enum Dense {
    None,
    One(u32),
    /// Several, whose union is in `Matches::union`
    Union,
}

/// Removes the conditions that have a clause in the layer.
fn keep_others(layer: &Layer, alive: &mut [u64], sets: &Sets) {
    match *layer {
        Layer::Many(others) => sets::intersect(alive, sets.bits(others)),
        Layer::Few { from, len } => {
            for condition in sets.list(from, len) {
                sets::remove(alive, *condition);
            }
        }
    }
}
