//! Compiles many conditions for evaluation on a document at once.
//!
//! Running many [`Program`](crate::program::Program)s takes time in proportion to their number. A [`ProgramSet`] looks
//! up each value of the document once, which gives the conditions that the value satisfies.
//!
//! A condition has *clauses*, all of which must hold: `{"plan": "pro", "age": {"$gte": 18}}` has two. A clause holds if
//! the document has one of the values that it lists, or a value on the right side of its bound. For each field, a hash
//! table leads from a value to the conditions whose clause on the field it satisfies, and so does a sorted list of
//! bounds. These are sets with a bit for each condition, or lists if they are small. The conditions without a clause on
//! a field are in all sets of that field. So the intersection over all fields has exactly the conditions whose clauses
//! all hold: they are *alive*. Values that satisfy a negated test remove its condition. This takes a few instructions
//! for 128 conditions.
//!
//! A condition can have several clauses on one field. Each of them is in another *place*, and the clauses of all
//! conditions in one place are a *layer*. What satisfies a clause is a *trigger*: a value, a kind of value, or a bound.
//!
//! An `$or` on one field is one clause. Any other `$or` has a *refutation*: the conjunction of the complements of its
//! parts, which is looked up as one more condition with a bit of its own. The `$or` holds if its refutation does not.
//! So all Boolean structure comes down to conjunctions. What cannot be looked up (`$regex`, `$contains`, `$elemMatch`,
//! `$expr`) is the *residual* of a condition. It is evaluated for the conditions that are still alive, each different
//! test at most once for a document.
//!
//! This is the counting algorithm of publish/subscribe systems (Yan and Garcia-Molina 1994; Fabret et al. 2001) turned
//! by 90 degrees: it does not count the satisfied clauses of each condition, but intersects whole words of conditions
//! for each clause, as bitmap indexes do (O'Neil 1987).

use crate::document::{Node, Object, View};
use crate::expr::{Atom, Checked, RowsTest};
use crate::locator::Locator;
use crate::program::Surroundings;
use crate::value::key_order;
use std::collections::HashMap;

mod bounds;
mod build;
mod clause;
mod field;
mod matches;
mod places;
mod residual;
mod sets;
mod single;
mod steps;
mod tally;

pub use matches::Matches;
pub use tally::Tally;

use build::Builder;
use clause::Normal;
use field::FieldIndex;
use residual::{Interner, Residual, Tests};
use sets::Sets;

/// Many compiled conditions, numbered from 0.
#[derive(Debug)]
pub struct ProgramSet {
    len: usize,
    locator: Locator,
    sets: Sets,
    /// The conditions that are not always false
    everyone: Vec<u64>,
    fields: Vec<FieldIndex>,
    /// The residuals of conditions; the bits of the conditions that have one follow
    residuals: Vec<Option<Residual>>,
    with_residual: Vec<u64>,
    tests: Tests,
}

/// The numbers of tests on rows among the answers that are told of a contact.
#[derive(Debug, Default)]
pub struct RowsNumbers<'c>(HashMap<&'c RowsTest, u32>);

impl RowsNumbers<'_> {
    fn get(&self, test: &RowsTest) -> Option<u32> {
        self.0.get(test).copied()
    }
}

impl<'c> FromIterator<(&'c RowsTest, u32)> for RowsNumbers<'c> {
    fn from_iter<I: IntoIterator<Item = (&'c RowsTest, u32)>>(numbers: I) -> Self {
        RowsNumbers(numbers.into_iter().collect())
    }
}

/// The most clauses of a condition on one field that are looked up; further ones are evaluated.
const PLACES: usize = 4;
/// The place of negated tests, whose sets are removed.
const KILL: u8 = PLACES as u8;

/// The most keys that are looked up without an allocation.
const INLINE_KEYS: usize = 64;

impl ProgramSet {
    /// Compiles checked conditions; their positions are their numbers.
    #[must_use]
    pub fn compile<'c>(conditions: impl IntoIterator<Item = &'c Checked>) -> Self {
        Self::assemble(&conditions.into_iter().collect::<Vec<_>>(), &RowsNumbers::default(), &[])
    }

    /// Like [`compile`](Self::compile). Whether one of these tests on rows holds is not looked for in documents: the bit
    /// of [`Surroundings::rows`] that has the test's number tells it.
    #[must_use]
    pub fn compile_with_rows(conditions: &[Checked], rows: &RowsNumbers<'_>) -> Self {
        Self::assemble(&conditions.iter().collect::<Vec<_>>(), rows, &[])
    }

    /// Like [`compile`](Self::compile). These keys are looked up as well, for others who read them.
    #[must_use]
    pub(crate) fn compile_with_keys(conditions: &[Checked], more: &[&str]) -> Self {
        Self::assemble(&conditions.iter().collect::<Vec<_>>(), &RowsNumbers::default(), more)
    }

    fn assemble(conditions: &[&Checked], told: &RowsNumbers<'_>, more: &[&str]) -> Self {
        let keys = first_keys(conditions, told, more);
        let mut builder = Builder::of(conditions);

        let mut interner = Interner::new(&keys, told);
        let left = std::mem::take(&mut builder.left).into_iter();
        let residuals: Vec<Option<Residual>> =
            left.map(|left| (!left.is_empty()).then(|| interner.intern(&Normal::All(left)))).collect();
        let tests = interner.finish();

        let mut sets = Sets::of(residuals.len());
        let (mut everyone, mut with_residual) = (vec![0; sets.words()], vec![0; sets.words()]);
        let possible = (0..conditions.len()).filter(|number| *conditions[*number] != Checked::Const(false));
        for number in possible.chain(first_refutation(conditions.len())..residuals.len()) {
            sets::insert(&mut everyone, number as u32);
        }
        for (number, _) in residuals.iter().enumerate().filter(|(_, residual)| residual.is_some()) {
            sets::insert(&mut with_residual, number as u32);
        }
        let fields = builder.build(&keys, &everyone, &mut sets);
        let locator = Locator::new(keys);
        ProgramSet { len: conditions.len(), locator, sets, everyone, fields, residuals, with_residual, tests }
    }

    /// The number of conditions.
    #[must_use]
    pub fn len(&self) -> usize {
        self.len
    }

    /// Whether there are no conditions.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// The top-level keys that the conditions read, in key order.
    #[must_use]
    pub fn keys(&self) -> &[String] {
        self.locator.keys()
    }

    /// Finds the conditions that a document satisfies. A document that is not an object has no fields.
    pub fn matching<'d, N: Node<'d>>(&self, document: N, surroundings: Surroundings<'_>, matches: &mut Matches) {
        let mut inline = [None; INLINE_KEYS];
        let mut allocated;
        let found = match inline.get_mut(..self.keys().len()) {
            Some(found) => found,
            None => {
                allocated = vec![None; self.keys().len()];
                allocated.as_mut_slice()
            }
        };
        if let View::Object(object) = document.view() {
            object.locate(&self.locator, matches.layouts(), |position, value| found[position] = Some(value));
        }
        self.matching_fields(found, surroundings, matches);
    }

    /// Finds the conditions that a document satisfies. `found` has its top-level values, one for each of
    /// [`keys`](Self::keys).
    pub fn matching_fields<'d, N: Node<'d>>(
        &self,
        found: &[Option<N>],
        surroundings: Surroundings<'_>,
        matches: &mut Matches,
    ) {
        matches.find(self, found, surroundings);
    }
}

/// The number of the first refutation. Its bit is the first of a word.
fn first_refutation(conditions: usize) -> usize {
    conditions.next_multiple_of(64)
}

/// The first keys of all fields, and some more, in key order. The tests on rows whose answers are told need none.
fn first_keys(conditions: &[&Checked], told: &RowsNumbers<'_>, more: &[&str]) -> Vec<String> {
    let mut keys: Vec<&str> =
        conditions.iter().flat_map(|condition| condition.paths()).map(|path| path.first()).collect();
    keys.extend(more);
    for condition in conditions {
        condition.for_each(&mut |atom| {
            if let Atom::Rows(rows) = atom
                && told.get(rows).is_none()
            {
                keys.push(&rows.relation);
            }
        });
    }
    keys.sort_unstable_by(|left, right| key_order(left.as_bytes(), right.as_bytes()));
    keys.dedup();
    keys.into_iter().map(str::to_owned).collect()
}
