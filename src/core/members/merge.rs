//! Comparing the ids of stored chunks with the present ids.

use super::cut::{Measured, cut, weight};
use super::{Chunk, Failure, Id, LARGEST_CHUNK, USUAL_CHUNK, key_between};

/// What a comparison finds, in the order of the ids.
pub trait Found<I> {
    /// An id that was not in the set.
    fn entered(&mut self, id: &I);

    /// An id that is gone.
    fn exited(&mut self, id: &I);

    /// A chunk to store, in the place of the one that has the same key, if there is one.
    fn write(&mut self, chunk: Chunk);

    /// A chunk to delete, by its key.
    fn delete(&mut self, key: Vec<u8>);
}

/// A row is written before its end if its ids take so many bytes of memory, and so many of them have changed.
const MOST_MEMORY: usize = 4 << 20;
const ENOUGH_CHANGES: usize = 256;

/// Compares the ids of stored chunks, which come in the order of their keys, with the present ids, which come in the
/// order of their bytes. An id may be present more than once. Afterwards the written chunks, and those that are neither
/// written nor deleted, contain the present ids.
///
/// At most as many chunks are written as ids have entered and exited; one more, if a chunk that cannot grow any more got
/// one id, in the first place. It needs memory for a few chunks.
///
/// # Errors
/// A chunk is damaged, or the present ids are not in order. What has been found by then means nothing.
pub fn merge<I: Id>(
    mut stored: impl Iterator<Item = Chunk>,
    present: impl Iterator<Item = I>,
    found: &mut impl Found<I>,
) -> Result<(), Failure> {
    let mut present = Present::new(present);
    let mut merge = Merge { found, row: Row::new(Vec::new()), follows_tail: false };
    // There are no ids before the first chunk, but there may be some now.
    let mut chunk: Option<Chunk> = None;
    loop {
        let following = stored.next();
        let end = following.as_ref().map(|chunk| chunk.key.as_slice());
        let is_below_end = |id: &I| end.is_none_or(|end| id.bytes().as_ref() < end);
        if let Some(chunk) = &chunk {
            let mut before = I::decode(chunk).map_err(|_| Failure::Damaged)?;
            if end.is_some_and(|end| end <= chunk.key.as_slice()) {
                return Err(Failure::Damaged);
            }
            let valid = before.partition_point(is_below_end);
            merge.begin(chunk, valid, valid < before.len());
            before.truncate(valid);
            for id in before {
                while let Some(new) = present.next_if(|new| *new < id) {
                    merge.enter(new);
                }
                match present.next_if(|new| *new == id) {
                    Some(same) => merge.push(same),
                    None => merge.exit(&id),
                }
            }
        }
        while let Some(new) = present.next_if(is_below_end) {
            merge.enter(new);
        }
        if following.is_none() {
            break;
        }
        chunk = following;
    }
    merge.write_row();
    if present.is_disordered { Err(Failure::Disordered) } else { Ok(()) }
}

/// The present ids, each once.
struct Present<I, P> {
    ids: P,
    next: Option<I>,
    is_disordered: bool,
}

impl<I: Id, P: Iterator<Item = I>> Present<I, P> {
    fn new(mut ids: P) -> Self {
        let next = ids.next();
        Present { ids, next, is_disordered: false }
    }

    fn next_if(&mut self, is_wanted: impl FnOnce(&I) -> bool) -> Option<I> {
        let id = self.next.take_if(|next| is_wanted(next))?;
        self.next = self.ids.find(|next| *next != id);
        if self.next.as_ref().is_some_and(|next| *next < id) {
            self.is_disordered = true;
            self.next = None;
        }
        Some(id)
    }
}

struct Merge<'f, I, F> {
    found: &'f mut F,
    row: Row<I>,
    /// Whether the chunk before the row goes on beyond the row's key with ids that do not count. They would count again
    /// if the row were deleted
    follows_tail: bool,
}

/// A chunk, or several ones that become one, with its present ids.
struct Row<I> {
    key: Vec<u8>,
    /// Whether a chunk with this key is stored
    is_stored: bool,
    /// Whether the stored chunk has ids that do not count
    has_tail: bool,
    ids: Vec<I>,
    memory: usize,
    changes: usize,
    /// The place of the last change: ids before it are the same as in the stored chunk
    changed_at: usize,
    /// The keys of the following chunks whose ids the row gets
    absorbed: Vec<Vec<u8>>,
}

impl<I> Row<I> {
    fn new(key: Vec<u8>) -> Self {
        let (ids, absorbed) = (Vec::new(), Vec::new());
        Row { key, is_stored: false, has_tail: false, ids, memory: 0, changes: 0, changed_at: 0, absorbed }
    }
}

impl<I: Id, F: Found<I>> Merge<'_, I, F> {
    /// Goes on to a stored chunk with so many ids that count. If the row is written anyway, it gets them if it stays small.
    fn begin(&mut self, chunk: &Chunk, ids: usize, has_tail: bool) {
        let row = &mut self.row;
        if row.changes > 0 && !row.ids.is_empty() {
            let together = Measured::of(&row.key, &row.ids).weight + weight(chunk.members.len(), ids);
            if together <= USUAL_CHUNK {
                row.absorbed.push(chunk.key.clone());
                return;
            }
        }
        self.write_row();
        self.row = Row { is_stored: true, has_tail, ..Row::new(chunk.key.clone()) };
    }

    fn enter(&mut self, id: I) {
        self.found.entered(&id);
        self.row.changes += 1;
        self.row.changed_at = self.row.ids.len();
        self.push(id);
    }

    fn exit(&mut self, id: &I) {
        self.found.exited(id);
        self.row.changes += 1;
        // The key of a chunk that begins with the next id may be above this one.
        self.row.changed_at = self.row.ids.len().saturating_sub(1);
    }

    fn push(&mut self, id: I) {
        if self.row.memory >= MOST_MEMORY
            && self.row.changes >= ENOUGH_CHANGES
            && let Some(key) = self.row.ids.last().and_then(|last| key_between(last, &id))
        {
            let left = self.row.changes.saturating_sub(self.write_row());
            // What follows is not stored under this key, so it counts as changed.
            self.row = Row { changes: left.max(1), ..Row::new(key) };
        }
        self.row.memory += size_of::<I>() + id.bytes().as_ref().len();
        self.row.ids.push(id);
    }

    /// Writes the row if it has changed. Returns how many chunks that were.
    fn write_row(&mut self) -> usize {
        let row = std::mem::replace(&mut self.row, Row::new(Vec::new()));
        if row.changes == 0 {
            self.follows_tail = row.is_stored && row.has_tail || !row.is_stored && self.follows_tail;
            return 0;
        }
        let chunks = self.chunks_of(&row);
        let is_written = |key: &Vec<u8>| chunks.iter().any(|chunk| chunk.key == *key);
        row.absorbed.into_iter().filter(|key| !is_written(key)).for_each(|key| self.found.delete(key));
        if chunks.is_empty() {
            if row.is_stored {
                self.found.delete(row.key);
            }
            return 0;
        }
        self.follows_tail = false;
        let count = chunks.len();
        chunks.into_iter().for_each(|chunk| self.found.write(chunk));
        count
    }

    /// The chunks to write for a row. The row is to be deleted if there are none.
    fn chunks_of(&self, row: &Row<I>) -> Vec<Chunk> {
        let key = row.key.clone();
        if row.ids.is_empty() {
            let must_stay = row.is_stored && self.follows_tail;
            return if must_stay { vec![Chunk { key, members: Vec::new() }] } else { Vec::new() };
        }
        if row.changes > 1 || key.len() + Measured::of(&key, &row.ids).size <= LARGEST_CHUNK {
            return cut(key, &row.ids, row.changes);
        }
        // One id has made the chunk too large. If it is in the second part, the first part stays as it is stored.
        let place = match row.changed_at.min(row.ids.len() / 2) {
            0 => row.ids.len() / 2,
            place => place,
        };
        let (first, second) = row.ids.split_at(place);
        let between = first.last().zip(second.first());
        let between = between.and_then(|(before, id)| key_between(before, id));
        let Some(second_key) = between else { return cut(key, &row.ids, 1) };
        let first_stays = row.is_stored && place <= row.changed_at;
        let first = (!first_stays).then(|| cut(key, first, 1));
        first.into_iter().flatten().chain(cut(second_key, second, 1)).collect()
    }
}
