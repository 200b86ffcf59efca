//! The fold: it clears the entry of the page, copies the page, and publishes the image if nothing was marked meanwhile.

use super::heap::{Image, Snapshot, Status, Xid, count};
use super::{Mistake, Protocol, State};

#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(crate) enum Fold {
    Waiting,
    Begun(Snapshot),
    Cleared(Snapshot),
    /// The image that was made, if one could be
    Copied(Snapshot, Option<Image>),
    Over,
}

impl Fold {
    pub(crate) fn once() -> Self {
        Fold::Waiting
    }

    pub(crate) fn snapshot(&self) -> Option<Snapshot> {
        match self {
            Fold::Begun(snapshot) | Fold::Cleared(snapshot) | Fold::Copied(snapshot, _) => Some(*snapshot),
            Fold::Waiting | Fold::Over => None,
        }
    }
}

/// Adds the state that the next step of the fold leads to.
pub(crate) fn steps(state: &State, protocol: Protocol, next: &mut Vec<State>) {
    let in_one_step = protocol.mistake == Some(Mistake::FoldInOneStep);
    let mut after = *state;
    after.fold = match state.fold {
        Fold::Waiting => Fold::Begun(state.transactions.snapshot()),
        Fold::Begun(snapshot) => {
            if !in_one_step {
                after.index.image = None;
                after.index.is_changed = false;
            }
            Fold::Cleared(snapshot)
        }
        Fold::Cleared(snapshot) if protocol.any_page => Fold::Copied(snapshot, image_of_settled(state)),
        Fold::Cleared(snapshot) => Fold::Copied(snapshot, state.page.all_visible.then(|| image(state, |_, _| true, 0))),
        Fold::Copied(_, image) => {
            if let Some(image) = image
                && (in_one_step || !state.index.is_changed)
            {
                after.index.image = Some(image);
                after.index.is_changed = false;
            }
            Fold::Over
        }
        Fold::Over => return,
    };
    next.push(after);
}

fn image(state: &State, is_live: impl Fn(Xid, Xid) -> bool, newest: Xid) -> Image {
    let live = state.page.tuples().filter(|tuple| is_live(tuple.inserted_by, tuple.deleted_by));
    Image { rows: count(live.map(|tuple| tuple.value)), lsn: state.page.lsn, newest }
}

/// The image of a page on which every transaction is over.
fn image_of_settled(state: &State) -> Option<Image> {
    let is = |xid, status| state.transactions.is(xid, status);
    let xids = || state.page.tuples().flat_map(|tuple| [tuple.inserted_by, tuple.deleted_by]);
    if xids().any(|xid| is(xid, Status::Running)) {
        return None;
    }
    let newest = xids().filter(|xid| is(*xid, Status::Committed)).max().unwrap_or(0);
    let is_live = |inserted_by, deleted_by| is(inserted_by, Status::Committed) && !is(deleted_by, Status::Committed);
    Some(image(state, is_live, newest))
}
