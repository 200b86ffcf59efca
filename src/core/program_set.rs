//! Many conditions made ready to be put to documents at once.
//!
//! Running each [`Program`](crate::program::Program) alone takes time in proportion to their number. A [`ProgramSet`]
//! asks the document instead: each of its values is looked up once, and tells which conditions it satisfies.
//!
//! A condition requires a number of *clauses*, all of which must hold: `{"plan": "pro", "age": {"$gte": 18}}` has two.
//! A clause holds when the document has one of the values that it lists or a value on the right side of its bound. For
//! every field, a hash table leads from a value to the conditions whose clause on that field it satisfies, and a sorted
//! list of bounds from a value's position to the same. These are sets of bits, a bit for each condition, or lists where
//! they are small. Intersected over all fields, with the bits of the conditions that ask nothing of a field always set,
//! they leave those conditions of which every clause holds; negated tests take out the conditions that the value
//! satisfies. That is a few instructions for 128 conditions.
//!
//! An `$or` is one clause where it asks one field. Any other is *refuted* by the conjunction of its complements, which
//! is looked up as one more condition with a bit of its own: where that does not hold, the `$or` does. So Boolean
//! structure, however nested, comes down to conjunctions.
//!
//! What cannot be looked up (`$regex`, `$contains`, `$elemMatch`, `$expr`) is evaluated for the conditions that are left, each
//! different test at most once for a document.
//!
//! It is the counting algorithm of publish/subscribe systems (Yan and Garcia-Molina 1994; Fabret et al. 2001) turned
//! by 90 degrees: instead of counting the satisfied clauses of each condition, whole words of conditions are
//! intersected clause by clause, as bitmap indexes do (O'Neil 1987).

use crate::document::{Node, Object, View};
use crate::expr::Checked;
use crate::locator::Locator;
use crate::program::Surroundings;
use crate::value::key_order;

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

/// Many compiled conditions, known by their numbers from 0.
#[derive(Debug)]
pub struct ProgramSet {
    len: usize,
    locator: Locator,
    sets: Sets,
    /// The conditions that are not false for everyone
    everyone: Vec<u64>,
    fields: Vec<FieldIndex>,
    /// What is left to evaluate of some conditions, and their bits
    residuals: Vec<Option<Residual>>,
    with_residual: Vec<u64>,
    tests: Tests,
}

/// How many clauses on one field a condition may have before the next is evaluated instead.
const PLACES: usize = 4;
/// The place of negated tests, whose sets are taken out.
const KILL: u8 = PLACES as u8;

/// How many keys are looked up without allocating.
const INLINE_KEYS: usize = 64;

impl ProgramSet {
    /// Compiles checked conditions, to be known by their position.
    #[must_use]
    pub fn compile<'c>(conditions: impl IntoIterator<Item = &'c Checked>) -> Self {
        let conditions: Vec<&Checked> = conditions.into_iter().collect();
        let keys = first_keys(&conditions);
        let mut builder = Builder::of(&conditions);

        let mut interner = Interner::new(&keys);
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

    /// How many conditions there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.len
    }

    /// Whether there are none.
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

    /// Finds the conditions that a document satisfies whose top-level values are those given, one for each of
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

/// Where the conditions that refute an `$or` are numbered from: their bits start a word.
fn first_refutation(conditions: usize) -> usize {
    conditions.next_multiple_of(64)
}

/// The first keys of all fields, in key order.
fn first_keys(conditions: &[&Checked]) -> Vec<String> {
    let mut keys: Vec<&str> =
        conditions.iter().flat_map(|condition| condition.paths()).map(|path| path.first()).collect();
    keys.sort_unstable_by(|left, right| key_order(left.as_bytes(), right.as_bytes()));
    keys.dedup();
    keys.into_iter().map(str::to_owned).collect()
}
