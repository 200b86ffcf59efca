//! The outermost steps of a program. One of them may decide before all keys have been looked up.

use super::{Step, Surroundings};
use crate::document::Node;

/// Steps of which all have to hold, or one has to.
#[derive(Debug)]
pub(super) struct Root {
    /// The result of a step that decides the whole: false if all have to hold, true if one has to
    decisive: bool,
    /// The cheap steps, by the position of the last key that they read
    by_key: Box<[Box<[Step]>]>,
    /// The other steps, the cheapest first
    rest: Box<[Step]>,
}

/// The highest cost of a step that runs while keys are looked up.
const CHEAP: u32 = 4;

impl Root {
    /// Makes the root of a program that looks up this many keys.
    pub(super) fn of(step: Step, keys: usize) -> Self {
        let (decisive, steps) = match step {
            Step::All(steps) => (false, steps),
            Step::Any(steps) => (true, steps),
            step => (false, Box::from([step])),
        };
        let mut by_key: Vec<Vec<Step>> = (0..keys).map(|_| Vec::new()).collect();
        let mut rest = Vec::new();
        for step in steps {
            match step.last_key().filter(|_| step.cost() <= CHEAP) {
                Some(position) => by_key[position].push(step),
                None => rest.push(step),
            }
        }
        Root { decisive, by_key: by_key.into_iter().map(Vec::into_boxed_slice).collect(), rest: rest.into() }
    }

    /// Whether the program is undecided after the keys up to this position have been looked up.
    #[inline]
    pub(super) fn is_open_after<'d, N: Node<'d>>(
        &self,
        position: usize,
        found: &[Option<N>],
        surroundings: Surroundings<'_>,
    ) -> bool {
        self.is_open(&self.by_key[position], found, surroundings)
    }

    /// Whether the program holds. `is_open` says that all keys have been looked up without a decision.
    #[inline]
    pub(super) fn conclude<'d, N: Node<'d>>(
        &self,
        is_open: bool,
        found: &[Option<N>],
        surroundings: Surroundings<'_>,
    ) -> bool {
        let is_open = is_open && self.is_open(&self.rest, found, surroundings);
        is_open != self.decisive
    }

    /// All steps.
    pub(super) fn steps(&self) -> impl Iterator<Item = &Step> {
        self.by_key.iter().flatten().chain(&self.rest)
    }

    fn is_open<'d, N: Node<'d>>(&self, steps: &[Step], found: &[Option<N>], surroundings: Surroundings<'_>) -> bool {
        steps.iter().all(|step| step.holds(found, surroundings) != self.decisive)
    }
}
