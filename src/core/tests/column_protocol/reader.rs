//! The reader: it takes a snapshot, copies the visibility map, reads the meta page, the directory and the map of images, and
//! answers each heap page by image or by heap.

use super::heap::{Rows, Snapshot, Xid};
use super::index::{Entry, Meta, PAGES, Slot, Version};
use super::world::{Mistake, Protocol, World};
use super::{State, Wrong};

/// What it does, one after the other.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Step {
    TakeSnapshot,
    /// Page by page
    CopyVisibility,
    ReadMeta,
    ReadDirectory,
    /// Page by page
    ReadMap,
    /// Whether the directory is as it was
    CompareDirectory,
    FindHeapEnd,
    /// By image or heap, page by page
    Answer,
}

use Step::{Answer, CompareDirectory, CopyVisibility, FindHeapEnd, ReadDirectory, ReadMap, ReadMeta, TakeSnapshot};

/// The steps in their order.
fn order(protocol: Protocol) -> Vec<Step> {
    let mut order =
        vec![TakeSnapshot, CopyVisibility, ReadMeta, ReadDirectory, ReadMap, CompareDirectory, FindHeapEnd, Answer];
    let mut move_to = |step: Step, place: usize| {
        order.retain(|other| *other != step);
        order.insert(place, step);
    };
    match protocol.mistake {
        Some(Mistake::MapBeforeVisibility) => move_to(CopyVisibility, 5),
        Some(Mistake::MetaBeforeSnapshot) => move_to(ReadMeta, 0),
        Some(Mistake::HeapEndBeforeSnapshot) => move_to(FindHeapEnd, 0),
        Some(Mistake::DirectoryOnce) => order.retain(|step| *step != CompareDirectory),
        _ => {}
    }
    order
}

#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(crate) enum Reader {
    #[default]
    Waiting,
    Reading(Reading),
    Cancelled,
}

/// What it knows.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(crate) struct Reading {
    /// The number of its next step, and the page that it comes to
    step: u8,
    page: u8,
    snapshot: Option<Snapshot>,
    all_visible: [bool; PAGES],
    meta: Option<Meta>,
    directory: [Option<Slot>; 2],
    is_same: [bool; 2],
    entries: [Option<Entry>; PAGES],
    exists: [bool; PAGES],
    rows: Rows,
}

impl Reader {
    pub(crate) fn snapshot(&self) -> Option<Snapshot> {
        if let Reader::Reading(reading) = self { reading.snapshot } else { None }
    }

    /// A number that says how far it has come, and most of what it has read.
    pub(crate) fn digest(&self) -> u64 {
        let Reader::Reading(reading) = self else { return 0 };
        let snapshot = reading.snapshot.map_or(0, |snapshot| 1 + u64::from(snapshot.xmin));
        let [first, second] = reading.all_visible.map(u64::from);
        let changed = reading.entries[0].map_or(2, |entry| u64::from(entry.is_changed));
        1 | u64::from(reading.step) << 1
            | u64::from(reading.page) << 5
            | snapshot << 6
            | first << 10
            | second << 11
            | changed << 12
    }

    /// Whether it holds a lock on the table.
    pub(crate) fn is_running(&self) -> bool {
        matches!(self, Reader::Reading(_))
    }

    pub(crate) fn is_cancelled(&self) -> bool {
        *self == Reader::Cancelled
    }

    /// Cancels the reader if its snapshot may not see this transaction.
    pub(crate) fn cancel_before(&mut self, newest: Xid) {
        if self.snapshot().is_some_and(|snapshot| newest >= snapshot.xmin) {
            *self = Reader::Cancelled;
        }
    }
}

/// Adds the state that the reader's next step leads to; none after its last, when nothing can go wrong any more.
///
/// # Errors
/// The reader does not count what its snapshot sees, or it reports damage.
pub(crate) fn steps(state: &State, world: &World, protocol: Protocol, next: &mut Vec<State>) -> Result<(), Wrong> {
    let mut reading = match state.reader {
        Reader::Waiting => Reading { is_same: [true; 2], ..Reading::default() },
        Reader::Reading(reading) => reading,
        Reader::Cancelled => return Ok(()),
    };
    let order = order(protocol);
    while let Some(step) = order.get(usize::from(reading.step)) {
        take(*step, &mut reading, state, protocol)?;
        if matches!(step, CopyVisibility | ReadMap | Answer) && reading.page + 1 < world.pages {
            reading.page += 1;
        } else {
            (reading.step, reading.page) = (reading.step + 1, 0);
        }
        let is_last = usize::from(reading.step) == order.len();
        if !is_last && !is_taken_with_next(*step, world) {
            next.push(State { reader: Reader::Reading(reading), ..*state });
            return Ok(());
        }
    }
    let is_right =
        reading.snapshot.is_some_and(|snapshot| reading.rows == state.history.seen_by(&state.transactions, &snapshot));
    if is_right { Ok(()) } else { Err(Wrong) }
}

/// Whether the world is not about what the step reads, so that the step is taken together with the next.
fn is_taken_with_next(step: Step, world: &World) -> bool {
    match step {
        ReadMeta => world.covered == world.pages && !world.writes_other_version && !world.vacuums_other_version,
        ReadDirectory | CompareDirectory => !world.other_chunk,
        FindHeapEnd => world.truncations == 0,
        TakeSnapshot | CopyVisibility | ReadMap | Answer => false,
    }
}

fn take(step: Step, reading: &mut Reading, state: &State, protocol: Protocol) -> Result<(), Wrong> {
    let page = usize::from(reading.page);
    match step {
        TakeSnapshot => reading.snapshot = Some(state.transactions.snapshot()),
        CopyVisibility => reading.all_visible[page] = state.pages[page].all_visible,
        ReadMeta => reading.meta = Some(state.index.meta),
        ReadDirectory => reading.directory = state.index.directory,
        ReadMap => reading.entries[page] = Some(state.index.entries[page]),
        CompareDirectory => {
            reading.is_same = [0, 1].map(|slot: usize| reading.directory[slot] == state.index.directory[slot]);
        }
        FindHeapEnd => reading.exists = state.pages.map(|page| page.exists),
        Answer => {
            let is_new = page > 0 && protocol.mistake == Some(Mistake::SnapshotOfEachPage);
            let snapshot = if is_new { Some(state.transactions.snapshot()) } else { reading.snapshot };
            let snapshot = snapshot.ok_or(Wrong)?;
            let rows = match from_image(reading, state, protocol, snapshot)? {
                Some(rows) => rows,
                None if !reading.exists[page] => [0; 4],
                None => state.pages[page].seen_by(&state.transactions, &snapshot),
            };
            reading.rows.iter_mut().zip(rows).for_each(|(all, rows)| *all += rows);
        }
    }
    Ok(())
}

/// The rows that the page's image has, if the image says what the snapshot sees; `None` if the heap has to be asked.
///
/// # Errors
/// The reader reports damage.
fn from_image(reading: &Reading, state: &State, protocol: Protocol, snapshot: Snapshot) -> Result<Option<Rows>, Wrong> {
    let mistake = |mistake| protocol.mistake == Some(mistake);
    let page = usize::from(reading.page);
    let is_covered = reading.meta.is_some_and(|meta| meta.version == Version::Own && page < usize::from(meta.covered));
    let Some(Entry { image: Some(place), is_changed }) = reading.entries[page] else { return Ok(None) };
    let slot = usize::from(place.slot);
    let Some(chunk) = reading.directory[slot].filter(|chunk| chunk.generation & 1 == place.low) else {
        return Ok(None);
    };
    let by_visibility = reading.all_visible[page] && !is_changed;
    if !is_covered || !reading.is_same[slot] || (!by_visibility && !protocol.any_page) {
        return Ok(None);
    }
    // Now the chunk is read.
    let stored = &state.index.chunks[usize::from(chunk.at)];
    if stored.generation != chunk.generation && !mistake(Mistake::NoGeneration) {
        // Its space was used again, or it is damaged. The directory knows.
        let is_given_up = state.index.directory[slot] != Some(chunk);
        return if is_given_up && !mistake(Mistake::DamageWithoutDirectory) { Ok(None) } else { Err(Wrong) };
    }
    // A chunk without the page's rows has none to count.
    let Some(image) = stored.images[page] else { return Ok(Some([0; 4])) };
    let is_settled = mistake(Mistake::NoHorizon) || image.newest < snapshot.xmin;
    let by_lsn = is_settled && (mistake(Mistake::NoLsn) || image.lsn == state.pages[page].lsn);
    let is_right = if protocol.any_page {
        by_lsn || (by_visibility && (is_settled || mistake(Mistake::NoHorizonIfAllVisible)))
    } else {
        by_visibility
    };
    Ok(is_right.then_some(image.rows))
}
