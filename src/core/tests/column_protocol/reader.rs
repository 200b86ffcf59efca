//! The reader: it takes a snapshot, copies the visibility map, reads the map of images, then answers by image or heap.

use super::heap::{Index, Snapshot, Xid};
use super::{Mistake, Protocol, State, Wrong};

#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
pub(crate) enum Reader {
    #[default]
    Waiting,
    Begun(Snapshot),
    /// One of the two maps has been read
    Half(Snapshot, Option<bool>, Option<Index>),
    Ready(Snapshot, bool, Index),
    Over,
    Cancelled,
}

impl Reader {
    pub(crate) fn snapshot(&self) -> Option<Snapshot> {
        match self {
            Reader::Begun(snapshot) | Reader::Half(snapshot, ..) | Reader::Ready(snapshot, ..) => Some(*snapshot),
            Reader::Waiting | Reader::Over | Reader::Cancelled => None,
        }
    }

    /// Cancels the reader if its snapshot may not see this transaction.
    pub(crate) fn cancel_before(&mut self, newest: Xid) {
        if self.snapshot().is_some_and(|snapshot| newest >= snapshot.xmin) {
            *self = Reader::Cancelled;
        }
    }
}

/// Adds the state that the reader's next step leads to.
///
/// # Errors
/// The reader does not count what its snapshot sees.
pub(crate) fn steps(state: &State, protocol: Protocol, next: &mut Vec<State>) -> Result<(), Wrong> {
    let map_first = protocol.mistake == Some(Mistake::MapBeforeVisibility);
    let reader = match state.reader {
        Reader::Waiting => Reader::Begun(state.transactions.snapshot()),
        Reader::Begun(snapshot) if map_first => Reader::Half(snapshot, None, Some(state.index)),
        Reader::Begun(snapshot) => Reader::Half(snapshot, Some(state.page.all_visible), None),
        Reader::Half(snapshot, visible, index) => {
            Reader::Ready(snapshot, visible.unwrap_or(state.page.all_visible), index.unwrap_or(state.index))
        }
        Reader::Ready(snapshot, visible, index) => {
            let from_image = image_answers(state, protocol, snapshot, visible, index);
            let rows = match index.image {
                Some(image) if from_image => image.rows,
                _ => state.page.seen_by(&state.transactions, &snapshot),
            };
            if rows != state.history.seen_by(&state.transactions, &snapshot) {
                return Err(Wrong);
            }
            Reader::Over
        }
        Reader::Over | Reader::Cancelled => return Ok(()),
    };
    next.push(State { reader, ..*state });
    Ok(())
}

/// Whether the image says what the snapshot sees.
fn image_answers(state: &State, protocol: Protocol, snapshot: Snapshot, visible: bool, index: Index) -> bool {
    let Some(image) = index.image else { return false };
    let mistake = |mistake| protocol.mistake == Some(mistake);
    let is_settled = mistake(Mistake::NoHorizon) || image.newest < snapshot.xmin;
    let by_visibility =
        visible && !index.is_changed && (!protocol.any_page || is_settled || mistake(Mistake::NoHorizonIfAllVisible));
    let by_lsn = protocol.any_page && is_settled && (mistake(Mistake::NoLsn) || image.lsn == state.page.lsn);
    by_visibility || by_lsn
}
