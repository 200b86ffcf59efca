//! A transaction that changes the heap once: it changes a page, tells the index, and commits or aborts.

use super::State;
use super::heap::{Status, VICTIM, Xid};
use super::index::Version;
use super::world::{Mistake, Protocol, World};

/// What a writer does. Rows are deleted from the first page, and inserted into the last, but for HOT updates.
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

    fn is_hot(self) -> bool {
        matches!(self, Change::HotUpdate | Change::HotUpdateOfOthers)
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

    /// The page that gets the new row.
    fn page(self, world: &World) -> usize {
        if self.is_hot() { 0 } else { usize::from(world.pages) - 1 }
    }
}

#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(crate) enum Writer {
    #[default]
    Waiting,
    /// It remembers that the page is not covered, which is a mistake
    NotCovered,
    HeapChanged {
        xid: Xid,
        may_mark: bool,
    },
    IndexTold(Xid),
    /// Its transaction is over, but it marks the page only now, which is a mistake
    EndedUntold,
    Over,
}

impl Writer {
    /// Whether its transaction is running.
    pub(crate) fn is_running(self) -> bool {
        matches!(self, Writer::HeapChanged { .. } | Writer::IndexTold(_))
    }
}

/// Adds the states that the next step of each writer leads to.
pub(crate) fn steps(state: &State, world: &World, protocol: Protocol, next: &mut Vec<State>) {
    for (number, change) in world.changes.iter().enumerate() {
        if let Some(change) = change {
            step(state, number, *change, world, protocol, next);
        }
    }
}

fn step(state: &State, number: usize, change: Change, world: &World, protocol: Protocol, next: &mut Vec<State>) {
    let mistake = |mistake| protocol.mistake == Some(mistake);
    let mut after = *state;
    match state.writers[number] {
        Writer::Waiting if mistake(Mistake::NotCoveredIsCached) && !state.index.is_covered(change.page(world)) => {
            after.writers[number] = Writer::NotCovered;
            next.push(after);
        }
        before @ (Writer::Waiting | Writer::NotCovered) => {
            if let Some((xid, is_new)) = change_heap(&mut after, change, change.page(world)) {
                let may_mark = before == Writer::Waiting && !(is_new && mistake(Mistake::NoMarkOfNewPage));
                after.writers[number] = Writer::HeapChanged { xid, may_mark };
                next.push(after);
            }
        }
        Writer::HeapChanged { xid, may_mark } => {
            if may_mark && !mistake(Mistake::LateMarkByInsert) {
                tell_index(&mut after, change, world, protocol);
            }
            after.writers[number] = Writer::IndexTold(xid);
            next.push(after);
        }
        Writer::IndexTold(xid) => {
            let is_late = mistake(Mistake::LateMarkByInsert);
            after.writers[number] = if is_late { Writer::EndedUntold } else { Writer::Over };
            for status in [Status::Committed, Status::Aborted] {
                let mut ended = after;
                ended.transactions.end(xid, status);
                next.push(ended);
            }
        }
        Writer::EndedUntold => {
            tell_index(&mut after, change, world, protocol);
            after.writers[number] = Writer::Over;
            next.push(after);
        }
        Writer::Over => {}
    }
}

/// Changes the heap, whose pages are then no longer all-visible. Returns the transaction, and whether it has extended the
/// heap; `None` if there is no such row, or no room.
fn change_heap(after: &mut State, change: Change, page: usize) -> Option<(Xid, bool)> {
    let xid = after.transactions.begin();
    let mut is_new = false;
    if change.deletes() {
        let deleted = after.pages[0].delete(&after.transactions, xid, change.is_hot())?;
        after.history.delete(&after.transactions, &deleted, xid);
        after.pages[0].change();
    }
    if let Some(value) = change.inserted_value() {
        let page = &mut after.pages[page];
        page.insert(value, xid, change.is_hot()).then_some(())?;
        is_new = !std::mem::replace(&mut page.exists, true);
        page.change();
        after.history.insert(value, xid);
    }
    Some((xid, is_new))
}

/// `aminsert`.
fn tell_index(after: &mut State, change: Change, world: &World, protocol: Protocol) {
    let mistake = |mistake| protocol.mistake == Some(mistake);
    if !change.calls_aminsert() || mistake(Mistake::NoMarkByInsert) {
        return;
    }
    let page = if mistake(Mistake::MarkOfOldPage) && change.deletes() { 0 } else { change.page(world) };
    let version = if world.writes_other_version { Version::Other } else { Version::Own };
    if version == Version::Own || !mistake(Mistake::OtherVersionKeepsMeta) {
        after.index.mark(page, version);
    }
}
