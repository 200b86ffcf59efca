//! VACUUM: it prunes the pages, tells the index, then frees line pointers; the visibility map is set after either.
//! Others prune, too.

use super::heap::{LinePointer, Status, Xid};
use super::index::{PAGES, Version};
use super::world::{Mistake, Protocol, World};
use super::{State, pages};

/// The dead line pointers of each page.
type Dead = [[bool; 4]; PAGES];

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Vacuum {
    /// How many more times it runs
    left: u8,
    at: Step,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Step {
    Idle,
    Pruning {
        horizon: Xid,
        page: usize,
        dead: Dead,
    },
    /// `ambulkdelete` comes to the page
    Telling {
        horizon: Xid,
        page: usize,
        dead: Dead,
    },
    Freeing {
        horizon: Xid,
        page: usize,
        dead: Dead,
    },
    /// Line pointers are free, and `ambulkdelete` is called only now, which is a mistake
    FreedUntold,
}

impl Vacuum {
    pub(crate) fn times(left: u8) -> Self {
        Vacuum { left, at: Step::Idle }
    }

    /// A number that says how far it has come.
    pub(crate) fn digest(&self) -> u64 {
        let (step, horizon) = match self.at {
            Step::Idle => (0, 0),
            Step::Pruning { horizon, .. } => (1, horizon),
            Step::Telling { horizon, .. } => (2, horizon),
            Step::Freeing { horizon, .. } => (3, horizon),
            Step::FreedUntold => (4, 0),
        };
        u64::from(self.left) << 8 | step << 4 | u64::from(horizon)
    }

    /// A crash ends it.
    pub(crate) fn crash(&mut self) {
        if self.at != Step::Idle {
            self.end();
        }
    }

    fn end(&mut self) {
        (self.left, self.at) = (self.left - 1, Step::Idle);
    }
}

/// Adds the states that the next step of VACUUM leads to.
pub(crate) fn steps(state: &State, world: &World, protocol: Protocol, next: &mut Vec<State>) {
    if state.vacuum.left == 0 {
        return;
    }
    let is_late = protocol.mistake == Some(Mistake::LateMarkByVacuum);
    let last = usize::from(world.pages) - 1;
    let mut after = *state;
    match state.vacuum.at {
        Step::Idle => {
            let horizon = state.horizon(protocol);
            after.vacuum.at = Step::Pruning { horizon, page: 0, dead: [[false; 4]; PAGES] };
        }
        Step::Pruning { horizon, page, mut dead } => {
            prune(&mut after, page, horizon, protocol);
            after.set_all_visible(page, protocol, horizon);
            dead[page] = after.pages[page].line_pointers.map(|pointer| pointer == LinePointer::Dead);
            if page < last {
                after.vacuum.at = Step::Pruning { horizon, page: page + 1, dead };
            } else if dead.as_flattened().contains(&true) {
                // It may leave dead line pointers for another time.
                let mut bypassed = after;
                bypassed.vacuum.end();
                next.push(bypassed);
                let page = 0;
                after.vacuum.at =
                    if is_late { Step::Freeing { horizon, page, dead } } else { Step::Telling { horizon, page, dead } };
            } else {
                after.vacuum.end();
            }
        }
        Step::Telling { horizon, page, dead } => {
            bulk_delete(&mut after, page, world, protocol);
            after.vacuum.at = if page < last {
                Step::Telling { horizon, page: page + 1, dead }
            } else {
                Step::Freeing { horizon, page: 0, dead }
            };
        }
        Step::Freeing { horizon, page, dead } => {
            free(&mut after, page, dead[page]);
            after.set_all_visible(page, protocol, horizon);
            if page < last {
                after.vacuum.at = Step::Freeing { horizon, page: page + 1, dead };
            } else if is_late {
                after.vacuum.at = Step::FreedUntold;
            } else {
                after.vacuum.end();
            }
        }
        Step::FreedUntold => {
            pages(world).for_each(|page| bulk_delete(&mut after, page, world, protocol));
            after.vacuum.end();
        }
    }
    next.push(after);
}

/// Takes away rows that nobody can see. Returns whether it did.
pub(crate) fn prune(after: &mut State, page: usize, horizon: Xid, protocol: Protocol) -> bool {
    let frees_all = protocol.mistake == Some(Mistake::PruningFreesDeadRows);
    let (mut newest, mut is_changed) = (0, false);
    for pointer in &mut after.pages[page].line_pointers {
        let LinePointer::Normal(tuple) = *pointer else { continue };
        let was_never = after.transactions.is(tuple.inserted_by, Status::Aborted);
        let is_gone = after.transactions.is(tuple.inserted_by, Status::Committed)
            && after.transactions.is(tuple.deleted_by, Status::Committed)
            && tuple.deleted_by < horizon;
        if was_never || is_gone {
            is_changed = true;
            newest = newest.max(if is_gone { tuple.deleted_by } else { 0 });
            // The old versions of a HOT chain are freed at once, and so is a version that an aborted HOT update made.
            let is_free = if is_gone { tuple.is_hot_updated || frees_all } else { tuple.is_heap_only };
            *pointer = if is_free { LinePointer::Unused } else { LinePointer::Dead };
        }
    }
    if is_changed {
        after.pages[page].lsn += 1;
        after.conflict(protocol, newest);
    }
    is_changed
}

/// `ambulkdelete`: a page that is not all-visible is marked as changed.
fn bulk_delete(after: &mut State, page: usize, world: &World, protocol: Protocol) {
    let mistake = |mistake| protocol.mistake == Some(mistake);
    let version = if world.vacuums_other_version { Version::Other } else { Version::Own };
    let keeps_meta = version == Version::Other && mistake(Mistake::OtherVersionKeepsMeta);
    if !after.pages[page].all_visible && !mistake(Mistake::NoMarkByVacuum) && !keeps_meta {
        after.index.mark(page, version);
    }
}

fn free(after: &mut State, page: usize, dead: [bool; 4]) {
    for (pointer, is_dead) in after.pages[page].line_pointers.iter_mut().zip(dead) {
        if is_dead {
            *pointer = LinePointer::Unused;
        }
    }
    after.pages[page].lsn += 1;
}
