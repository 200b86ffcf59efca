//! Puts the rows of a relation, contact by contact, to many tests on rows at once.
//!
//! Each different condition on a row is looked up once for a row, by a [`ProgramSet`]. What the tests ask of the rows is
//! gathered as they come ([`ContactRows`]): whether one satisfied a condition, how many did, the sum of their values, the
//! last of them. Tests with the same filter share what they gather. When a contact has no more rows, what was gathered
//! decides the tests.
//!
//! Of one contact there are a few numbers for each test, whatever the number of its rows is, with two exceptions: the
//! different values for `$distinct`, and the positions of those rows that the steps of a `$sequence` ask for.
//! [`ContactRows::held`] says how much that is.

use crate::document::Node;
use crate::expr::{RowsTest, holds_of_count};
use crate::program::{At, Comes, Gathered, Place, Surroundings, comes, in_order};
use crate::program_set::{Matches, ProgramSet};

mod asked;
mod compile;

pub use asked::AskedRows;

use compile::{CountAsked, Ends, Fed, Rows, Step, Time, Values};

/// Many compiled tests on the rows of one relation, numbered from 0.
#[derive(Debug)]
pub struct RelationProgram {
    /// The conditions on a row. Those of sequences come first
    set: ProgramSet,
    /// What the rows feed that satisfy a condition, by its number; what all rows feed follows
    fed: Vec<Fed>,
    fed_by_all: Fed,
    /// The conditions whose rows feed something
    feeding: Vec<u64>,
    counters: usize,
    values: Vec<Values>,
    ends: Vec<Ends>,
    times: Vec<Time>,
    /// The times by which sequences order rows, each with the conditions of these sequences; `None` for all rows
    listed: Vec<(usize, Option<Vec<u64>>)>,
    /// How many words the conditions of sequences have
    listed_words: usize,
    tests: Vec<(Step, bool)>,
}

/// What the rows of a contact have been so far.
#[derive(Debug, Default)]
pub struct ContactRows {
    rows: usize,
    /// The conditions that some row satisfied
    any: Vec<u64>,
    counts: Vec<usize>,
    values: Vec<Gathered>,
    ends: Vec<End>,
    /// For each time by which sequences order rows, the rows that they ask for: the place, and the number among those that
    /// are kept
    listed: Vec<Vec<(Place, u32)>>,
    /// Which conditions of sequences the kept rows satisfy
    kept: Vec<u64>,
    /// The places of the current row, by its times
    places: Vec<Option<Place>>,
    held: usize,
}

/// The first row or the last one.
#[derive(Debug, Default)]
struct End {
    place: Option<Place>,
    /// The conditions that it satisfies; of several, those that one of them does
    satisfied: Vec<u64>,
}

/// About how many bytes a different value takes.
const DIFFERENT: usize = 64;

impl RelationProgram {
    /// Compiles tests on rows of one relation; their positions are their numbers.
    #[must_use]
    pub fn compile(tests: &[RowsTest]) -> Self {
        compile::program(tests)
    }

    /// The keys of a row that are read, in key order.
    #[must_use]
    pub fn keys(&self) -> &[String] {
        self.set.keys()
    }

    /// Adds a row of a contact. `found` has its values, one for each of [`keys`](Self::keys). Rows come in the order of the
    /// primary key, if they have one.
    pub fn add<'d, N: Node<'d>>(
        &self,
        rows: &mut ContactRows,
        found: &[Option<N>],
        surroundings: Surroundings<'_>,
        matches: &mut Matches,
    ) {
        self.set.matching_fields(found, surroundings, matches);
        if rows.rows == 0 {
            self.begin(rows);
        }
        let satisfied = matches.words();
        unite(&mut rows.any, satisfied);
        rows.places.clear();
        rows.places.extend(self.times.iter().map(|time| match &time.check {
            Some((slot, check)) => check.place_below(found[*slot]),
            None => Some(Place::of_index(rows.rows as i64)),
        }));
        rows.rows += 1;
        self.feed(&self.fed_by_all, rows, found, satisfied, surroundings);
        for condition in matches.iter_among(&self.feeding) {
            self.feed(&self.fed[condition], rows, found, satisfied, surroundings);
        }
        self.list(rows, satisfied);
    }

    fn feed<'d, N: Node<'d>>(
        &self,
        fed: &Fed,
        rows: &mut ContactRows,
        found: &[Option<N>],
        satisfied: &[u64],
        surroundings: Surroundings<'_>,
    ) {
        if let Some(counter) = fed.counter {
            rows.counts[counter] += 1;
        }
        for number in &fed.values {
            let Values { aggregate, slot, path, kind } = &self.values[*number];
            let Some(value) = found[*slot] else { continue };
            let gathered = &mut rows.values[*number];
            let before = gathered.different();
            path.visit_below(value, &mut gathered.adding(*aggregate, kind), surroundings);
            rows.held += (gathered.different() - before) * DIFFERENT;
        }
        for number in &fed.ends {
            let Ends { is_last, time } = &self.ends[*number];
            let (Some(place), end) = (rows.places[*time], &mut rows.ends[*number]) else { continue };
            match comes(place, end.place, *is_last, self.times[*time].is_stable()) {
                Comes::Beyond => {
                    end.place = Some(place);
                    end.satisfied.clear();
                    end.satisfied.extend_from_slice(satisfied);
                }
                Comes::Together => unite(&mut end.satisfied, satisfied),
                Comes::Short => {}
            }
        }
    }

    /// Keeps the row for the sequences that ask for it.
    fn list(&self, rows: &mut ContactRows, satisfied: &[u64]) {
        let ContactRows { listed, kept, places, held, .. } = rows;
        let mut number = None;
        for ((time, conditions), listed) in self.listed.iter().zip(listed) {
            let is_asked = conditions.as_ref().is_none_or(|conditions| intersects(conditions, satisfied));
            let Some(place) = places[*time].filter(|_| is_asked) else { continue };
            let number = *number.get_or_insert_with(|| {
                let number = kept.len() / self.listed_words.max(1);
                kept.extend_from_slice(&satisfied[..self.listed_words]);
                *held += self.listed_words * size_of::<u64>();
                number as u32
            });
            listed.push((place, number));
            *held += size_of::<(Place, u32)>();
        }
    }

    fn begin(&self, rows: &mut ContactRows) {
        let words = self.feeding.len();
        rows.any.resize(words, 0);
        rows.counts.resize(self.counters, 0);
        rows.values.resize_with(self.values.len(), Gathered::default);
        rows.ends.resize_with(self.ends.len(), End::default);
        rows.listed.resize_with(self.listed.len(), Vec::new);
    }

    /// Decides the tests by the rows of a contact, which are forgotten. Gives a bit for each test: whether it holds, but
    /// would not without rows, or the reverse. Words without bits are left out at the end.
    pub fn answers(&self, rows: &mut ContactRows, surroundings: Surroundings<'_>) -> Vec<u8> {
        let mut answers = Vec::new();
        if rows.rows > 0 {
            let listed = std::mem::take(&mut rows.listed).into_iter().zip(&self.listed);
            let listed: Vec<_> =
                listed.map(|(listed, (time, _))| in_order(listed, self.times[*time].is_stable())).collect();
            let decided = Decided { program: self, rows, listed: &listed, surroundings };
            for (number, (step, holds_for_none)) in self.tests.iter().enumerate() {
                if decided.holds(step, *holds_for_none) != *holds_for_none {
                    answers.resize(number / 8 + 1, 0);
                    answers[number / 8] |= 1 << (number % 8);
                }
            }
        }
        rows.clear();
        answers
    }
}

/// The rows of a contact, of which there are no more.
struct Decided<'a> {
    program: &'a RelationProgram,
    rows: &'a ContactRows,
    listed: &'a [Vec<(At, u32)>],
    surroundings: Surroundings<'a>,
}

impl Decided<'_> {
    fn holds(&self, step: &Step, holds_for_none: bool) -> bool {
        let rows = self.rows;
        match step {
            Step::Some(condition) => self.has_any(*condition),
            Step::None(condition) => !self.has_any(*condition),
            Step::Count(counter, asked) => asked.holds(counter.map_or(rows.rows, |counter| rows.counts[counter])),
            Step::Of(values) if values.iter().all(|(number, _)| rows.values[*number].is_empty()) => holds_for_none,
            Step::Of(values) => values
                .iter()
                .all(|(number, asked)| rows.values[*number].holds(self.program.values[*number].aggregate, asked)),
            Step::End(number, condition) => {
                let end = &rows.ends[*number];
                end.place.is_some() && condition.is_none_or(|condition| contains(&end.satisfied, condition))
            }
            // Without a row for each step there is no need to look.
            Step::Sequence(_, sequence) if !sequence.conditions().all(|condition| self.has_any(*condition)) => false,
            Step::Sequence(number, sequence) => {
                sequence.fit(&self.listed[*number], self.surroundings, |condition, row| {
                    let words = self.program.listed_words;
                    condition
                        .is_none_or(|condition| contains(&self.rows.kept[row as usize * words..][..words], condition))
                })
            }
        }
    }

    fn has_any(&self, condition: Rows) -> bool {
        condition.is_none_or(|condition| contains(&self.rows.any, condition))
    }
}

/// Copies the bits of [answers](RelationProgram::answers), of which there may be fewer or more than were asked for.
pub fn copy_answers(bytes: &[u8], answers: &mut [u64]) {
    for (index, byte) in bytes.iter().enumerate().take(answers.len() * 8) {
        answers[index / 8] |= u64::from(*byte) << (8 * (index % 8));
    }
}

impl ContactRows {
    /// Whether there are no rows, or they were [answered](RelationProgram::answers).
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.rows == 0
    }

    /// About how many bytes are kept of this contact's rows, beside what is kept of every contact.
    #[must_use]
    pub fn held(&self) -> usize {
        self.held
    }

    fn clear(&mut self) {
        let held = std::mem::take(&mut self.held);
        if held > LARGE {
            // Another contact will not need as much.
            *self = ContactRows::default();
            return;
        }
        self.rows = 0;
        self.any.fill(0);
        self.counts.fill(0);
        self.values.iter_mut().for_each(Gathered::clear);
        for end in &mut self.ends {
            end.place = None;
        }
        self.listed.clear();
        self.kept.clear();
    }
}

/// What a contact may hold whose memory is used again for the next one.
const LARGE: usize = 1 << 16;

impl CountAsked {
    fn holds(&self, count: usize) -> bool {
        match u32::try_from(count).ok().and_then(|count| self.few.checked_shr(count)) {
            Some(few) => few & 1 != 0,
            None => holds_of_count(&self.asked, count),
        }
    }
}

fn contains(words: &[u64], number: u32) -> bool {
    words[number as usize / 64] >> (number % 64) & 1 != 0
}

fn unite(words: &mut [u64], more: &[u64]) {
    words.iter_mut().zip(more).for_each(|(words, more)| *words |= more);
}

fn intersects(one: &[u64], other: &[u64]) -> bool {
    one.iter().zip(other).any(|(one, other)| one & other != 0)
}
