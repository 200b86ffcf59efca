//! VACUUM: it prunes the page, tells the index, then frees line pointers; the visibility map is set after either.

use super::heap::{LinePointer, Status, Xid};
use super::{Mistake, Protocol, State};

#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(crate) struct Vacuum {
    /// How many more times it runs
    left: u8,
    at: Step,
}

#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
enum Step {
    Idle,
    Begun {
        horizon: Xid,
    },
    /// The line pointers are dead; `ambulkdelete` has been called if `is_told`
    Pruned {
        horizon: Xid,
        dead: [bool; 4],
        is_told: bool,
    },
    /// Line pointers are free, and `ambulkdelete` is called only now
    FreedUntold,
    Over,
}

impl Vacuum {
    pub(crate) fn twice() -> Self {
        Vacuum { left: 2, at: Step::Idle }
    }
}

/// Adds the state that the next step of VACUUM leads to.
pub(crate) fn steps(state: &State, protocol: Protocol, next: &mut Vec<State>) {
    if state.vacuum.left == 0 {
        return;
    }
    let is_late = protocol.mistake == Some(Mistake::LateMarkByVacuum);
    let mut after = *state;
    after.vacuum.at = match state.vacuum.at {
        Step::Idle => Step::Begun { horizon: state.horizon(protocol) },
        Step::Begun { horizon } => match prune(&mut after, horizon, protocol) {
            [false, false, false, false] => Step::Over,
            dead => Step::Pruned { horizon, dead, is_told: is_late },
        },
        Step::Pruned { horizon, dead, is_told: false } => {
            bulk_delete(&mut after, protocol);
            Step::Pruned { horizon, dead, is_told: true }
        }
        Step::Pruned { horizon, dead, is_told: true } => {
            free(&mut after, dead);
            after.set_all_visible(protocol, horizon);
            if is_late { Step::FreedUntold } else { Step::Over }
        }
        Step::FreedUntold => {
            bulk_delete(&mut after, protocol);
            Step::Over
        }
        Step::Over => {
            after.vacuum.left -= 1;
            Step::Idle
        }
    };
    next.push(after);
}

/// Takes away rows that nobody can see, and returns the line pointers that are dead.
fn prune(after: &mut State, horizon: Xid, protocol: Protocol) -> [bool; 4] {
    let (mut newest, mut is_changed) = (0, false);
    for pointer in &mut after.page.line_pointers {
        let LinePointer::Normal(tuple) = *pointer else { continue };
        let was_never = after.transactions.is(tuple.inserted_by, Status::Aborted);
        let is_gone = after.transactions.is(tuple.inserted_by, Status::Committed)
            && after.transactions.is(tuple.deleted_by, Status::Committed)
            && tuple.deleted_by < horizon;
        if was_never || is_gone {
            is_changed = true;
            newest = newest.max(if is_gone { tuple.deleted_by } else { 0 });
            // The old versions of a HOT chain are freed at once.
            *pointer = if tuple.is_hot_updated && is_gone { LinePointer::Unused } else { LinePointer::Dead };
        }
    }
    if is_changed {
        after.page.lsn += 1;
        after.conflict(protocol, newest);
    }
    after.set_all_visible(protocol, horizon);
    after.page.line_pointers.map(|pointer| pointer == LinePointer::Dead)
}

/// `ambulkdelete`: a page that is not all-visible is marked as changed.
fn bulk_delete(after: &mut State, protocol: Protocol) {
    if !after.page.all_visible && protocol.mistake != Some(Mistake::NoMarkByVacuum) {
        after.index.is_changed = true;
    }
}

fn free(after: &mut State, dead: [bool; 4]) {
    for (pointer, is_dead) in after.page.line_pointers.iter_mut().zip(dead) {
        if is_dead {
            *pointer = LinePointer::Unused;
        }
    }
    after.page.lsn += 1;
}
