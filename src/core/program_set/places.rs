//! The clauses of a condition on one field that a value has to satisfy to leave the condition alive.

use super::KILL;
use super::clause::Trigger;
use super::sets::remove;
use std::collections::{BTreeMap, HashMap};

/// A trigger, its place, and the number of its condition.
pub(super) type Placed = (Trigger, u8, u32);

/// A bit for each place in which a condition has a clause, and for the place of negated tests.
pub(super) type Places = u8;

pub(super) fn bit(place: u8) -> Places {
    1 << place
}

/// The conditions that have triggers of a family, and their places.
pub(super) struct Members(BTreeMap<u32, Places>);

impl Members {
    pub(super) fn of<'t>(triggers: impl Iterator<Item = &'t Placed>) -> Self {
        let mut members = BTreeMap::new();
        for (_, place, condition) in triggers {
            *members.entry(*condition).or_default() |= bit(*place);
        }
        Members(members)
    }

    /// Whether a value leaves the condition alive that satisfies its clauses in the places `met`, and no others.
    pub(super) fn leaves(&self, condition: u32, met: Places) -> bool {
        let needed = self.0.get(&condition).map_or(0, |places| places & !bit(KILL));
        met & needed == needed && met & bit(KILL) == 0
    }

    /// Removes from `bits` the conditions that a value does not leave alive which satisfies the clauses in `met`, and
    /// no others.
    pub(super) fn keep(&self, bits: &mut [u64], met: &HashMap<u32, Places>) {
        for condition in self.0.keys() {
            if !self.leaves(*condition, met.get(condition).copied().unwrap_or(0)) {
                remove(bits, *condition);
            }
        }
    }
}
