//! A transaction that changes the page once: it changes the heap, tells the index, and commits or aborts.

use super::heap::{Status, VICTIM, Xid};
use super::{Mistake, Protocol, State};

/// What a writer does to the page.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Change {
    /// Inserts a row of the same value as the row that others delete
    InsertSame,
    /// Inserts a row of another value
    Insert,
    Delete,
    Update,
    /// A HOT update that changes indexed columns, of which a summarizing index is told
    HotUpdate,
    /// A HOT update that changes no indexed column, of which no index is told
    HotUpdateOfOthers,
}

const NEW_VALUE: u8 = 3;

impl Change {
    pub(crate) const ALL: [Change; 6] = [
        Change::InsertSame,
        Change::Insert,
        Change::Delete,
        Change::Update,
        Change::HotUpdate,
        Change::HotUpdateOfOthers,
    ];

    fn deletes(self) -> bool {
        !matches!(self, Change::InsertSame | Change::Insert)
    }

    fn inserted_value(self) -> Option<u8> {
        match self {
            Change::InsertSame | Change::HotUpdateOfOthers => Some(VICTIM),
            Change::Insert | Change::Update | Change::HotUpdate => Some(NEW_VALUE),
            Change::Delete => None,
        }
    }

    fn calls_aminsert(self) -> bool {
        !matches!(self, Change::Delete | Change::HotUpdateOfOthers)
    }
}

#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
pub(crate) enum Writer {
    #[default]
    Waiting,
    HeapChanged(Xid),
    IndexTold(Xid),
    Over,
}

/// Adds the states that the writer's next step leads to.
pub(crate) fn steps(state: &State, number: usize, change: Change, protocol: Protocol, next: &mut Vec<State>) {
    let mut after = *state;
    match state.writers[number] {
        Writer::Waiting => {
            if change_heap(&mut after, number, change).is_some() {
                next.push(after);
            }
        }
        Writer::HeapChanged(xid) => {
            if change.calls_aminsert() && protocol.mistake != Some(Mistake::NoMarkByInsert) {
                after.index.is_changed = true;
            }
            after.writers[number] = Writer::IndexTold(xid);
            next.push(after);
        }
        Writer::IndexTold(xid) => {
            after.writers[number] = Writer::Over;
            for status in [Status::Committed, Status::Aborted] {
                let mut ended = after;
                ended.transactions.end(xid, status);
                next.push(ended);
            }
        }
        Writer::Over => {}
    }
}

/// Changes the page, which is then no longer all-visible; `None` if there is no such row, or no room.
fn change_heap(after: &mut State, number: usize, change: Change) -> Option<()> {
    let xid = after.transactions.begin();
    if change.deletes() {
        let is_hot = matches!(change, Change::HotUpdate | Change::HotUpdateOfOthers);
        let deleted = after.page.delete(&after.transactions, xid, is_hot)?;
        after.history.delete(&after.transactions, &deleted, xid);
    }
    if let Some(value) = change.inserted_value() {
        after.page.insert(value, xid).then_some(())?;
        after.history.insert(value, xid);
    }
    after.page.all_visible = false;
    after.page.lsn += 1;
    after.writers[number] = Writer::HeapChanged(xid);
    Some(())
}
