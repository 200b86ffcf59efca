//! The protocol of the column index, walked: every interleaving of writers, VACUUM, a fold and a reader on a heap page or two.
//!
//! The column index keeps an *image* of a heap page, and a bit that says whether the page has *changed* since the image
//! was made. A reader takes the image of a page that is unchanged and all-visible, and reads the heap otherwise. These
//! tests ask of every order in which the steps of all parties can happen: does the reader count what its snapshot sees?
//! Then they make one mistake in the protocol at a time, and ask whether the walk notices.
//!
//! A change of the protocol begins here. Each test walks a small world that has what its rule is about, which takes parts of
//! a second. `cargo test --release -p segments-core --test column_protocol -- --ignored --nocapture` walks larger ones, with
//! every pair of writers, which takes minutes.

mod events;
mod fold;
mod heap;
mod index;
mod reader;
mod vacuum;
mod world;
mod writer;

use foldhash::fast::RandomState;
use heap::{History, Page, Transactions, Xid};
use index::{Index, PAGES};
use std::collections::HashSet;
use std::hash::{Hash, Hasher};
use std::mem;
use std::ops::Range;
use world::{Mistake, Protocol, World};
use writer::Change;

/// All that there is: the heap pages, what the index says of them, and how far each party has come.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
struct State {
    pages: [Page; PAGES],
    index: Index,
    transactions: Transactions,
    history: History,
    writers: [writer::Writer; 2],
    vacuum: vacuum::Vacuum,
    fold: fold::Fold,
    reader: reader::Reader,
    events: events::Events,
}

/// By the parts in which most states differ, in few numbers: hashing all of a state would be most of a walk's time.
impl Hash for State {
    fn hash<H: Hasher>(&self, hasher: &mut H) {
        self.pages.iter().for_each(|page| hasher.write_u64(page.digest()));
        hasher.write_u64(self.index.digest() << 32 | self.transactions.digest());
        mem::discriminant(&self.fold).hash(hasher);
        hasher.write_u64(self.vacuum.digest() << 32 | self.reader.digest());
        self.writers.iter().for_each(|writer| mem::discriminant(writer).hash(hasher));
    }
}

/// A reader that does not count what its snapshot sees, or that reports damage where there is none.
#[derive(Debug)]
struct Wrong;

impl State {
    fn first(world: &World) -> Self {
        let (pages, history) = heap::first_pages(world);
        State {
            index: Index::first(world, &pages),
            pages,
            transactions: Transactions::with_one_committed(),
            history,
            writers: Default::default(),
            vacuum: vacuum::Vacuum::times(world.vacuums),
            fold: fold::Fold::Waiting,
            reader: reader::Reader::default(),
            events: events::Events::of(world),
        }
    }

    /// The oldest transaction that somebody may still want to know as running: rows that were deleted before it are
    /// nobody's.
    fn horizon(&self, protocol: Protocol) -> Xid {
        let readers = [(!protocol.standby).then(|| self.reader.snapshot()).flatten(), self.fold.snapshot()];
        readers.iter().flatten().fold(self.transactions.oldest_running(), |oldest, snapshot| oldest.min(snapshot.xmin))
    }

    /// Replaying what `newest` did takes rows away, or calls rows visible: a standby cancels the snapshot that disagrees.
    fn conflict(&mut self, protocol: Protocol, newest: Xid) {
        if protocol.standby && protocol.mistake != Some(Mistake::NoConflicts) {
            self.reader.cancel_before(newest);
        }
    }

    /// Sets a page's bit in the visibility map if every snapshot from `horizon` on sees all rows.
    fn set_all_visible(&mut self, page: usize, protocol: Protocol, horizon: Xid) {
        let over_dead = protocol.mistake == Some(Mistake::MapOverDeadLinePointers);
        if let Some(newest) = self.pages[page].newest_if_all_visible(&self.transactions, horizon, over_dead) {
            self.conflict(protocol, newest);
            self.pages[page].all_visible = true;
        }
    }
}

/// Walks every interleaving, until the reader is wrong. Returns the number of states that were seen as well.
fn walk(world: &World, protocol: Protocol) -> (usize, Result<(), Wrong>) {
    let first = State::first(world);
    let mut seen: HashSet<State, RandomState> = [first].into_iter().collect();
    let mut left = vec![first];
    let mut next = Vec::new();
    while let Some(state) = left.pop() {
        writer::steps(&state, world, protocol, &mut next);
        vacuum::steps(&state, world, protocol, &mut next);
        fold::steps(&state, world, protocol, &mut next);
        events::steps(&state, world, protocol, &mut next);
        if let Err(wrong) = reader::steps(&state, world, protocol, &mut next) {
            return (seen.len(), Err(wrong));
        }
        left.extend(next.drain(..).filter(|state| !state.reader.is_cancelled() && seen.insert(*state)));
    }
    (seen.len(), Ok(()))
}

/// The world with one writer of each kind that changes all pages of the world. Alone, a writer that inserts another value does
/// what one does that inserts the same.
fn single_writers(world: World) -> impl Iterator<Item = World> {
    let changes = Change::ALL.into_iter().filter(|change| *change != Change::Insert);
    let changes = changes.filter(move |change| world.pages == 1 || *change == Change::Update);
    changes.map(move |change| World { changes: [Some(change), None], ..world })
}

/// The world with two writers of all kinds.
fn pairs(world: World) -> impl Iterator<Item = World> {
    let second = |first: usize| Change::ALL.into_iter().skip(first);
    (0..Change::ALL.len()).flat_map(move |first| {
        second(first).map(move |second| World { changes: [Some(Change::ALL[first]), Some(second)], ..world })
    })
}

#[track_caller]
fn assert_right(worlds: impl Iterator<Item = World>, protocol: Protocol) {
    let mut states = 0;
    for world in worlds {
        let (walked, result) = walk(&world, protocol);
        states += walked;
        assert!(result.is_ok(), "{protocol:?} is wrong in {world:?}");
    }
    println!("{protocol:?}: {states} states, always right");
}

#[track_caller]
fn assert_noticed(world: World, protocol: Protocol, mistake: Mistake) {
    let protocol = Protocol { mistake: Some(mistake), ..protocol };
    let found = single_writers(world).find(|world| walk(world, protocol).1.is_err());
    assert!(found.is_some(), "{mistake:?} is not noticed");
    println!("{mistake:?} is noticed with {:?}", found.unwrap().changes[0]);
}

const ALL_VISIBLE_PAGES: Protocol = Protocol { any_page: false, standby: false, mistake: None };
const STANDBY: Protocol = Protocol { standby: true, ..ALL_VISIBLE_PAGES };
const ANY_PAGE: Protocol = Protocol { any_page: true, ..ALL_VISIBLE_PAGES };

/// A world, and the mistakes that must be noticed in it.
struct Case {
    world: World,
    protocols: &'static [Protocol],
    mistakes: &'static [(Protocol, Mistake)],
}

impl Case {
    #[track_caller]
    fn check(&self) {
        for protocol in self.protocols {
            assert_right(single_writers(self.world), *protocol);
        }
        for (protocol, mistake) in self.mistakes {
            assert_noticed(self.world, *protocol, *mistake);
        }
    }
}

#[test]
fn images_of_all_visible_pages() {
    Case {
        world: World::ONE_PAGE,
        protocols: &[ALL_VISIBLE_PAGES, STANDBY],
        mistakes: &[
            (ALL_VISIBLE_PAGES, Mistake::MapBeforeVisibility),
            (ALL_VISIBLE_PAGES, Mistake::NoMarkByInsert),
            (ALL_VISIBLE_PAGES, Mistake::LateMarkByInsert),
            (ALL_VISIBLE_PAGES, Mistake::NoMarkByVacuum),
            (ALL_VISIBLE_PAGES, Mistake::LateMarkByVacuum),
            (ALL_VISIBLE_PAGES, Mistake::FoldInOneStep),
            (STANDBY, Mistake::NoConflicts),
        ],
    }
    .check();
}

#[test]
fn images_of_any_page() {
    assert_right(single_writers(World::ONE_PAGE), ANY_PAGE);
    for mistake in [Mistake::NoLsn, Mistake::NoHorizon, Mistake::NoHorizonIfAllVisible] {
        assert_noticed(World::ONE_PAGE, ANY_PAGE, mistake);
    }
}

#[test]
fn readers_prune_and_set_the_visibility_map() {
    Case {
        world: World { vacuums: 1, prunes: 1, ..World::ONE_PAGE },
        protocols: &[ALL_VISIBLE_PAGES],
        mistakes: &[
            (ALL_VISIBLE_PAGES, Mistake::PruningFreesDeadRows),
            (ALL_VISIBLE_PAGES, Mistake::MapOverDeadLinePointers),
        ],
    }
    .check();
}

#[test]
fn pages_are_covered_under_writers() {
    Case {
        world: World { covered: 0, vacuums: 1, ..World::ONE_PAGE },
        protocols: &[ALL_VISIBLE_PAGES],
        mistakes: &[(ALL_VISIBLE_PAGES, Mistake::CoveredAfterCopies), (ALL_VISIBLE_PAGES, Mistake::NotCoveredIsCached)],
    }
    .check();
}

#[test]
fn the_heap_is_truncated_and_extended() {
    Case {
        world: World { is_empty: true, vacuums: 1, truncations: 1, ..World::ONE_PAGE },
        protocols: &[ALL_VISIBLE_PAGES, STANDBY],
        mistakes: &[(ALL_VISIBLE_PAGES, Mistake::NoMarkOfNewPage), (ALL_VISIBLE_PAGES, Mistake::HeapEndBeforeSnapshot)],
    }
    .check();
}

#[test]
fn writers_of_another_version() {
    let world = World { writes_other_version: true, vacuums: 1, ..World::ONE_PAGE };
    Case {
        world,
        protocols: &[ALL_VISIBLE_PAGES],
        mistakes: &[
            (ALL_VISIBLE_PAGES, Mistake::OtherVersionKeepsMeta),
            (ALL_VISIBLE_PAGES, Mistake::MetaBeforeSnapshot),
            (ALL_VISIBLE_PAGES, Mistake::CoveredOverOldMap),
        ],
    }
    .check();
    Case {
        world: World { writes_other_version: false, vacuums_other_version: true, ..world },
        protocols: &[ALL_VISIBLE_PAGES],
        mistakes: &[(ALL_VISIBLE_PAGES, Mistake::OtherVersionKeepsMeta)],
    }
    .check();
}

#[test]
fn crashes_and_recovery() {
    Case {
        world: World { vacuums: 1, crashes: 1, ..World::ONE_PAGE },
        protocols: &[ALL_VISIBLE_PAGES],
        mistakes: &[(ALL_VISIBLE_PAGES, Mistake::MarkIsNotLogged)],
    }
    .check();
}

#[test]
fn pages_of_chunks_are_used_again() {
    Case {
        world: World { vacuums: 0, other_chunk: true, ..World::ONE_PAGE },
        protocols: &[ALL_VISIBLE_PAGES, STANDBY],
        mistakes: &[
            (ALL_VISIBLE_PAGES, Mistake::NoGeneration),
            (ALL_VISIBLE_PAGES, Mistake::DamageWithoutDirectory),
            (ALL_VISIBLE_PAGES, Mistake::DirectoryOnce),
            (ALL_VISIBLE_PAGES, Mistake::FreedBeforePublished),
        ],
    }
    .check();
}

#[test]
fn rows_move_between_two_pages() {
    Case {
        world: World::TWO_PAGES,
        protocols: &[ALL_VISIBLE_PAGES],
        mistakes: &[(ALL_VISIBLE_PAGES, Mistake::SnapshotOfEachPage), (ALL_VISIBLE_PAGES, Mistake::MarkOfOldPage)],
    }
    .check();
}

#[test]
#[ignore = "walks millions of states, for minutes"]
fn every_pair_of_writers() {
    for protocol in [ALL_VISIBLE_PAGES, ANY_PAGE] {
        assert_right(pairs(World::ONE_PAGE), protocol);
        assert_right(pairs(World::ONE_PAGE), Protocol { standby: true, ..protocol });
    }
}

/// All that can happen to one page with one writer, and two pages with two.
#[test]
#[ignore = "walks millions of states, for minutes"]
fn everything_at_once() {
    assert_right(pairs(World::TWO_PAGES), STANDBY);
    let world = World { prunes: 1, truncations: 1, crashes: 1, other_chunk: true, ..World::ONE_PAGE };
    for protocol in [ALL_VISIBLE_PAGES, STANDBY] {
        for covered in 0..2 {
            for writes_other_version in [false, true] {
                let world = World { covered, writes_other_version, ..world };
                assert_right(single_writers(world), protocol);
            }
        }
    }
}

/// The pages of a world that has so many.
fn pages(world: &World) -> Range<usize> {
    0..usize::from(world.pages)
}
