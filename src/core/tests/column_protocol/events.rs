//! What happens now and then: somebody who reads a page prunes it, VACUUM truncates the heap, the server crashes, and a
//! chunk of other heap pages goes and comes.

use super::fold::Fold;
use super::index::{Chunk, PAGES, Slot};
use super::reader::Reader;
use super::vacuum;
use super::world::{Mistake, Protocol, World};
use super::writer::Writer;
use super::{State, pages};

/// How often each can happen still.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Events {
    prunes: u8,
    truncations: u8,
    crashes: u8,
    other_chunk: OtherChunk,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum OtherChunk {
    Stands,
    GivenUp,
    CameBack,
}

impl Events {
    pub(crate) fn of(world: &World) -> Self {
        let other_chunk = if world.other_chunk { OtherChunk::Stands } else { OtherChunk::CameBack };
        Events { prunes: world.prunes, truncations: world.truncations, crashes: world.crashes, other_chunk }
    }
}

/// Adds the states that each event leads to.
pub(crate) fn steps(state: &State, world: &World, protocol: Protocol, next: &mut Vec<State>) {
    if state.events.prunes > 0 {
        prune(state, world, protocol, next);
    }
    if state.events.truncations > 0 {
        next.extend(truncated(state, world, protocol));
    }
    if state.events.crashes > 0 {
        next.push(crashed(state, protocol));
    }
    next.extend(other_chunk(state));
}

/// Postgres 19 sets the visibility map when it prunes a page, and older ones leave it.
fn prune(state: &State, world: &World, protocol: Protocol, next: &mut Vec<State>) {
    for page in pages(world) {
        let mut after = *state;
        after.events.prunes -= 1;
        let horizon = state.horizon(protocol);
        if vacuum::prune(&mut after, page, horizon, protocol) {
            next.push(after);
        }
        after.set_all_visible(page, protocol, horizon);
        next.push(after);
    }
}

/// The last page goes if it has no rows and no line pointers. VACUUM takes a lock for that which waits for writers, the fold
/// and readers; on a standby it cancels readers.
fn truncated(state: &State, world: &World, protocol: Protocol) -> Option<State> {
    let mut after = *state;
    let page = &mut after.pages[usize::from(world.pages) - 1];
    let is_locked = state.writers.iter().any(|writer| writer.is_running())
        || state.fold.is_running()
        || (state.reader.is_running() && !protocol.standby);
    if !page.exists || !page.is_empty() || is_locked {
        return None;
    }
    (page.exists, page.all_visible, page.lsn) = (false, false, 0);
    if state.reader.is_running() {
        after.reader = Reader::Cancelled;
    }
    after.events.truncations -= 1;
    Some(after)
}

/// All that was written to the log is there again, and all that was running is not. That the end of the log may be lost as
/// well needs no step: it is a crash at an earlier time.
fn crashed(state: &State, protocol: Protocol) -> State {
    let mut after = *state;
    after.transactions.crash();
    for writer in after.writers.iter_mut().filter(|writer| writer.is_running()) {
        *writer = Writer::Over;
    }
    after.vacuum.crash();
    if state.fold.is_running() {
        after.fold = Fold::Waiting;
        // The next fold finds what this one has left.
        after.index.give_up_unused();
    }
    if state.reader.is_running() {
        after.reader = Reader::Cancelled;
    }
    if protocol.mistake == Some(Mistake::MarkIsNotLogged) {
        after.index.entries.iter_mut().for_each(|entry| entry.is_changed = false);
    }
    after.events.crashes -= 1;
    after
}

/// A chunk of other heap pages is given up. Later, another one is written to where the first chunk of these pages was.
fn other_chunk(state: &State) -> Option<State> {
    let mut after = *state;
    match state.events.other_chunk {
        OtherChunk::Stands => {
            after.index.directory[1] = None;
            after.events.other_chunk = OtherChunk::GivenUp;
        }
        OtherChunk::GivenUp if state.index.is_free(0) => {
            let generation = state.index.next_generation;
            after.index.next_generation += 1;
            after.index.chunks[0] = Chunk { generation, images: [None; PAGES] };
            if after.index.directory[0].is_none() {
                after.index.directory[0] = Some(Slot { generation, at: 0, is_of_others: true });
            }
            after.events.other_chunk = OtherChunk::CameBack;
        }
        OtherChunk::GivenUp | OtherChunk::CameBack => return None,
    }
    Some(after)
}
