//! Heap pages, the transactions that change them, and what has happened, for the truth.

use super::index::PAGES;
use super::world::World;

/// The number of a transaction; 0 is none.
pub(crate) type Xid = u8;

/// How many rows there are of each value.
pub(crate) type Rows = [u8; 4];

/// The value of the row that writers delete and update.
pub(crate) const VICTIM: u8 = 1;
/// The value of the row that stays.
const OTHER: u8 = 2;

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum LinePointer {
    Unused,
    Normal(Tuple),
    /// `LP_DEAD`: index entries may still point here
    Dead,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Tuple {
    pub(crate) value: u8,
    pub(crate) inserted_by: Xid,
    pub(crate) deleted_by: Xid,
    /// Whether a HOT update replaced it, so that pruning frees it without a dead line pointer
    pub(crate) is_hot_updated: bool,
    /// Whether a HOT update inserted it, so that no index points to it, and pruning frees it at once if the update was
    /// aborted
    pub(crate) is_heap_only: bool,
}

/// A page, and its bit in the visibility map.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Page {
    pub(crate) line_pointers: [LinePointer; 4],
    pub(crate) all_visible: bool,
    pub(crate) lsn: u8,
    /// Whether the heap is so long that it has the page
    pub(crate) exists: bool,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Status {
    Unused,
    Running,
    Committed,
    Aborted,
}

const XIDS: usize = 4;

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Transactions {
    status: [Status; XIDS],
    next: Xid,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Snapshot {
    /// The oldest transaction that was running
    pub(crate) xmin: Xid,
    xmax: Xid,
    running: [bool; XIDS],
}

/// A row that was ever inserted, and the transactions that deleted it: the first may have been aborted.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
struct Event {
    value: u8,
    inserted_by: Xid,
    deleted_by: [Xid; 2],
}

/// All that was ever done, which no VACUUM takes away.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct History([Option<Event>; 5]);

/// Pages with rows of transaction 1, which everybody sees: two on the first page, and one on the second if there are two.
pub(crate) fn first_pages(world: &World) -> ([Page; PAGES], History) {
    let tuple = |value| Tuple { value, inserted_by: 1, deleted_by: 0, is_hot_updated: false, is_heap_only: false };
    let mut history = History([None; 5]);
    let mut values: [&[u8]; PAGES] = [&[], &[]];
    if !world.is_empty {
        values = [&[VICTIM, OTHER], if world.pages > 1 { &[OTHER] } else { &[] }];
    }
    let pages = [0, 1].map(|number: usize| {
        let exists = number < usize::from(world.pages);
        let mut page = Page { line_pointers: [LinePointer::Unused; 4], all_visible: exists, lsn: 1, exists };
        for (pointer, value) in page.line_pointers.iter_mut().zip(values[number]) {
            *pointer = LinePointer::Normal(tuple(*value));
            history.insert(*value, 1);
        }
        page
    });
    (pages, history)
}

impl Transactions {
    pub(crate) fn with_one_committed() -> Self {
        let mut status = [Status::Unused; XIDS];
        status[1] = Status::Committed;
        Transactions { status, next: 2 }
    }

    pub(crate) fn begin(&mut self) -> Xid {
        self.next += 1;
        self.status[usize::from(self.next - 1)] = Status::Running;
        self.next - 1
    }

    pub(crate) fn end(&mut self, xid: Xid, status: Status) {
        self.status[usize::from(xid)] = status;
    }

    /// A crash aborts what was running.
    pub(crate) fn crash(&mut self) {
        let running = self.status.iter_mut().filter(|status| **status == Status::Running);
        running.for_each(|status| *status = Status::Aborted);
    }

    /// A number that says all of it.
    pub(crate) fn digest(&self) -> u64 {
        self.status.iter().fold(u64::from(self.next), |digest, status| digest << 2 | *status as u64)
    }

    pub(crate) fn is(&self, xid: Xid, status: Status) -> bool {
        self.status[usize::from(xid)] == status
    }

    pub(crate) fn oldest_running(&self) -> Xid {
        (1..self.next).find(|xid| self.is(*xid, Status::Running)).unwrap_or(self.next)
    }

    pub(crate) fn snapshot(&self) -> Snapshot {
        let running = self.status.map(|status| status == Status::Running);
        Snapshot { xmin: self.oldest_running(), xmax: self.next, running }
    }

    fn sees(&self, snapshot: &Snapshot, xid: Xid) -> bool {
        self.is(xid, Status::Committed) && xid < snapshot.xmax && !snapshot.running[usize::from(xid)]
    }

    /// Whether a row that this transaction deleted, or that nobody did, is there for others to delete.
    pub(crate) fn is_not_deleted(&self, deleted_by: Xid) -> bool {
        deleted_by == 0 || self.is(deleted_by, Status::Aborted)
    }
}

impl Page {
    pub(crate) fn tuples(&self) -> impl Iterator<Item = &Tuple> {
        self.line_pointers.iter().filter_map(|pointer| match pointer {
            LinePointer::Normal(tuple) => Some(tuple),
            LinePointer::Unused | LinePointer::Dead => None,
        })
    }

    /// A number that says most of it.
    pub(crate) fn digest(&self) -> u64 {
        let mut digest = u64::from(self.lsn) << 2 | u64::from(self.all_visible) << 1 | u64::from(self.exists);
        for pointer in &self.line_pointers {
            let of_pointer = match pointer {
                LinePointer::Unused => 0,
                LinePointer::Dead => 1,
                LinePointer::Normal(tuple) => {
                    2 | u64::from(tuple.value) << 2
                        | u64::from(tuple.inserted_by) << 4
                        | u64::from(tuple.deleted_by) << 6
                }
            };
            digest = digest << 8 | of_pointer;
        }
        digest
    }

    /// Whether it has no rows and no line pointers.
    pub(crate) fn is_empty(&self) -> bool {
        self.line_pointers == [LinePointer::Unused; 4]
    }

    /// A change takes its bit in the visibility map.
    pub(crate) fn change(&mut self) {
        self.all_visible = false;
        self.lsn += 1;
    }

    /// Puts a row on the page; false if there is no room.
    pub(crate) fn insert(&mut self, value: u8, xid: Xid, is_heap_only: bool) -> bool {
        let tuple = Tuple { value, inserted_by: xid, deleted_by: 0, is_hot_updated: false, is_heap_only };
        let free = self.line_pointers.iter_mut().find(|pointer| **pointer == LinePointer::Unused);
        free.map(|free| *free = LinePointer::Normal(tuple)).is_some()
    }

    /// Marks the row as deleted that can be deleted now. Returns it as it was.
    pub(crate) fn delete(&mut self, transactions: &Transactions, xid: Xid, is_hot: bool) -> Option<Tuple> {
        self.line_pointers.iter_mut().find_map(|pointer| match pointer {
            LinePointer::Normal(tuple)
                if tuple.value == VICTIM
                    && transactions.is(tuple.inserted_by, Status::Committed)
                    && transactions.is_not_deleted(tuple.deleted_by) =>
            {
                let before = *tuple;
                (tuple.deleted_by, tuple.is_hot_updated) = (xid, is_hot);
                Some(before)
            }
            _ => None,
        })
    }

    /// The rows that a snapshot sees on the page.
    pub(crate) fn seen_by(&self, transactions: &Transactions, snapshot: &Snapshot) -> Rows {
        let is_seen = |tuple: &&Tuple| {
            transactions.sees(snapshot, tuple.inserted_by) && !transactions.sees(snapshot, tuple.deleted_by)
        };
        count(self.tuples().filter(is_seen).map(|tuple| tuple.value))
    }

    /// The newest transaction that inserted a row, if every snapshot from `horizon` on sees all rows. Dead line pointers
    /// forbid that, but for `over_dead`.
    pub(crate) fn newest_if_all_visible(
        &self,
        transactions: &Transactions,
        horizon: Xid,
        over_dead: bool,
    ) -> Option<Xid> {
        let is_visible = |tuple: &Tuple| {
            transactions.is(tuple.inserted_by, Status::Committed)
                && tuple.inserted_by < horizon
                && transactions.is_not_deleted(tuple.deleted_by)
        };
        let is_clean = self.exists
            && (over_dead || !self.line_pointers.contains(&LinePointer::Dead))
            && self.tuples().all(is_visible);
        is_clean.then(|| self.tuples().map(|tuple| tuple.inserted_by).max().unwrap_or(0))
    }
}

impl History {
    pub(crate) fn insert(&mut self, value: u8, xid: Xid) {
        let free = self.0.iter_mut().find(|event| event.is_none());
        *free.expect("three rows, and one of each writer") =
            Some(Event { value, inserted_by: xid, deleted_by: [0, 0] });
    }

    pub(crate) fn delete(&mut self, transactions: &Transactions, tuple: &Tuple, xid: Xid) {
        let is_it = |event: &&mut Event| event.value == tuple.value && event.inserted_by == tuple.inserted_by;
        let event = self.0.iter_mut().flatten().find(is_it).expect("a row on the page was once inserted");
        let free = event.deleted_by.iter_mut().find(|deleted_by| transactions.is_not_deleted(**deleted_by));
        *free.expect("at most two writers delete a row") = xid;
    }

    /// The rows that a snapshot sees, whatever has become of the page.
    pub(crate) fn seen_by(&self, transactions: &Transactions, snapshot: &Snapshot) -> Rows {
        let sees = |xid: &Xid| transactions.sees(snapshot, *xid);
        let is_seen = |event: &&Event| sees(&event.inserted_by) && !event.deleted_by.iter().any(sees);
        count(self.0.iter().flatten().filter(is_seen).map(|event| event.value))
    }
}

pub(crate) fn count(values: impl Iterator<Item = u8>) -> Rows {
    values.fold([0; 4], |mut rows, value| {
        rows[usize::from(value)] += 1;
        rows
    })
}
