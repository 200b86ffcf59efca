//! The protocol of the column index, walked: every interleaving of writers, VACUUM, a fold and a reader on one heap page.
//!
//! The column index keeps an *image* of a heap page, and a bit that says whether the page has *changed* since the image
//! was made. A reader takes the image of a page that is unchanged and all-visible, and reads the heap otherwise. These
//! tests ask of every order in which the steps of all parties can happen: does the reader count what its snapshot sees?
//! Then they leave out one step of the protocol at a time, and ask whether the walk notices.
//!
//! One writer is enough to find each of these mistakes, which takes seconds. `cargo test --release -p segments-core --test
//! column_protocol -- --ignored --nocapture` walks every pair of writers, which takes minutes.

mod fold;
mod heap;
mod reader;
mod vacuum;
mod writer;

use foldhash::fast::RandomState;
use heap::{History, Index, Page, Transactions};
use std::collections::HashSet;
use writer::Change;

/// What is walked: the protocol, or the protocol with a mistake.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Protocol {
    /// Whether images are made of pages that are not all-visible, too, and used while the page has the same LSN and the
    /// snapshot sees all that has happened on it
    any_page: bool,
    /// Whether the reader is on a standby: it holds no horizon back, and what is replayed may cancel it
    standby: bool,
    mistake: Option<Mistake>,
}

const ALL_VISIBLE_PAGES: Protocol = Protocol { any_page: false, standby: false, mistake: None };
const ANY_PAGE: Protocol = Protocol { any_page: true, ..ALL_VISIBLE_PAGES };

/// A step of the protocol that is left out, or done at a wrong time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Mistake {
    /// The reader reads the map of images before the visibility map
    MapBeforeVisibility,
    /// `aminsert` does not mark the page
    NoMarkByInsert,
    /// `ambulkdelete` does not mark the page
    NoMarkByVacuum,
    /// `ambulkdelete` marks the page after its line pointers have been freed
    LateMarkByVacuum,
    /// The fold clears the mark when it publishes the image, and not before it looks at the page
    FoldInOneStep,
    /// The image of a page is used though the page's LSN is another one
    NoLsn,
    /// The image of a page is used though the snapshot does not see all that has happened on the page
    NoHorizon,
    /// The same, but only of a page that is all-visible
    NoHorizonIfAllVisible,
    /// What is replayed on a standby does not cancel the snapshots that disagree
    NoConflicts,
}

/// All that there is: the heap page, what the index says of it, and how far each party has come.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
struct State {
    page: Page,
    index: Index,
    transactions: Transactions,
    history: History,
    writers: [writer::Writer; 2],
    vacuum: vacuum::Vacuum,
    fold: fold::Fold,
    reader: reader::Reader,
}

/// A reader that does not count what its snapshot sees.
#[derive(Debug)]
struct Wrong;

impl State {
    /// Two rows that everybody sees, and an image of them.
    fn first() -> Self {
        let (page, history) = heap::two_rows();
        State {
            index: Index::with_image(&page),
            page,
            transactions: Transactions::with_one_committed(),
            history,
            writers: Default::default(),
            vacuum: vacuum::Vacuum::twice(),
            fold: fold::Fold::once(),
            reader: Default::default(),
        }
    }

    /// The oldest transaction that somebody may still want to know as running: rows that were deleted before it are
    /// nobody's.
    fn horizon(&self, protocol: Protocol) -> heap::Xid {
        let readers = [(!protocol.standby).then(|| self.reader.snapshot()).flatten(), self.fold.snapshot()];
        readers.iter().flatten().fold(self.transactions.oldest_running(), |oldest, snapshot| oldest.min(snapshot.xmin))
    }

    /// Replaying what `newest` did takes rows away, or calls rows visible: a standby cancels the snapshot that disagrees.
    fn conflict(&mut self, protocol: Protocol, newest: heap::Xid) {
        if protocol.standby && protocol.mistake != Some(Mistake::NoConflicts) {
            self.reader.cancel_before(newest);
        }
    }

    /// Sets the page's bit in the visibility map if every snapshot from `horizon` on sees all rows.
    fn set_all_visible(&mut self, protocol: Protocol, horizon: heap::Xid) {
        if let Some(newest) = self.page.newest_if_all_visible(&self.transactions, horizon) {
            self.conflict(protocol, newest);
            self.page.all_visible = true;
        }
    }
}

/// Walks every interleaving, until the reader is wrong. Returns the number of states that were seen as well.
fn walk(changes: [Option<Change>; 2], protocol: Protocol) -> (usize, Result<(), Wrong>) {
    let mut seen: HashSet<State, RandomState> = [State::first()].into_iter().collect();
    let mut left = vec![State::first()];
    let mut next = Vec::new();
    while let Some(state) = left.pop() {
        for (number, change) in changes.iter().enumerate() {
            if let Some(change) = change {
                writer::steps(&state, number, *change, protocol, &mut next);
            }
        }
        vacuum::steps(&state, protocol, &mut next);
        fold::steps(&state, protocol, &mut next);
        if let Err(wrong) = reader::steps(&state, protocol, &mut next) {
            return (seen.len(), Err(wrong));
        }
        left.extend(next.drain(..).filter(|state| seen.insert(*state)));
    }
    (seen.len(), Ok(()))
}

/// One writer of each kind.
fn single_writers() -> impl Iterator<Item = [Option<Change>; 2]> {
    Change::ALL.into_iter().map(|change| [Some(change), None])
}

/// Two writers of all kinds.
fn pairs() -> impl Iterator<Item = [Option<Change>; 2]> {
    let second = |first: usize| Change::ALL.into_iter().skip(first);
    (0..Change::ALL.len())
        .flat_map(move |first| second(first).map(move |second| [Some(Change::ALL[first]), Some(second)]))
}

#[track_caller]
fn assert_right(all: impl Iterator<Item = [Option<Change>; 2]>, protocol: Protocol) {
    let mut states = 0;
    for changes in all {
        let (walked, result) = walk(changes, protocol);
        states += walked;
        assert!(result.is_ok(), "{protocol:?} is wrong with {changes:?}");
    }
    println!("{protocol:?}: {states} states, always right");
}

#[test]
fn images_of_all_visible_pages_are_right() {
    assert_right(single_writers(), ALL_VISIBLE_PAGES);
}

#[test]
fn images_of_all_visible_pages_are_right_on_a_standby() {
    assert_right(single_writers(), Protocol { standby: true, ..ALL_VISIBLE_PAGES });
}

#[test]
fn images_of_any_page_are_right() {
    assert_right(single_writers(), ANY_PAGE);
    assert_right(single_writers(), Protocol { standby: true, ..ANY_PAGE });
}

#[test]
fn every_mistake_is_found() {
    use Mistake::*;
    for (protocol, mistake) in [
        (ALL_VISIBLE_PAGES, MapBeforeVisibility),
        (ALL_VISIBLE_PAGES, NoMarkByInsert),
        (ALL_VISIBLE_PAGES, NoMarkByVacuum),
        (ALL_VISIBLE_PAGES, LateMarkByVacuum),
        (ALL_VISIBLE_PAGES, FoldInOneStep),
        (ANY_PAGE, NoLsn),
        (ANY_PAGE, NoHorizon),
        (ANY_PAGE, NoHorizonIfAllVisible),
        (Protocol { standby: true, ..ALL_VISIBLE_PAGES }, NoConflicts),
    ] {
        let protocol = Protocol { mistake: Some(mistake), ..protocol };
        let found = single_writers().find(|changes| walk(*changes, protocol).1.is_err());
        assert!(found.is_some(), "{mistake:?} is not noticed");
        println!("{mistake:?} is noticed with {found:?}");
    }
}

#[test]
#[ignore = "walks millions of states, for minutes"]
fn every_pair_of_writers() {
    for protocol in [ALL_VISIBLE_PAGES, ANY_PAGE] {
        assert_right(pairs(), protocol);
        assert_right(pairs(), Protocol { standby: true, ..protocol });
    }
}
