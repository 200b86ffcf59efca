//! Which of its clauses on a field a value has to satisfy to leave a condition alive.

use super::KILL;
use super::clause::Trigger;
use super::sets::remove;
use std::collections::{BTreeMap, HashMap};

/// A trigger, its place, and the condition.
pub(super) type Placed = (Trigger, u8, u32);

/// The places that a condition has clauses in, as bits, and that of negated tests.
pub(super) type Places = u8;

pub(super) fn bit(place: u8) -> Places {
    1 << place
}

/// The conditions with something in a family, and the places of that.
pub(super) struct Members(BTreeMap<u32, Places>);

impl Members {
    pub(super) fn of<'t>(triggers: impl Iterator<Item = &'t Placed>) -> Self {
        let mut members = BTreeMap::new();
        for (_, place, condition) in triggers {
            *members.entry(*condition).or_default() |= bit(*place);
        }
        Members(members)
    }

    /// Whether a value that satisfies tests in these places leaves the condition alive.
    pub(super) fn leaves(&self, condition: u32, met: Places) -> bool {
        let needed = self.0.get(&condition).map_or(0, |places| places & !bit(KILL));
        met & needed == needed && met & bit(KILL) == 0
    }

    /// Takes out of the bits what a value that meets nothing else does not leave alive.
    pub(super) fn keep(&self, bits: &mut [u64], met: &HashMap<u32, Places>) {
        for condition in self.0.keys() {
            if !self.leaves(*condition, met.get(condition).copied().unwrap_or(0)) {
                remove(bits, *condition);
            }
        }
    }
}
