//! Counting by an index: each heap page from its image, or from its rows.
//!
//! The order of reading is the protocol's: the snapshot, the visibility map, the directory, the map, and the directory again.
//! An image is used where the page was all-visible, is unchanged, and its slot had the same chunk both times. Everything that
//! the snapshot sees of such a page is in the image, and nothing else.

use super::chunks::{self, ChunkPages};
use super::{DamagedPage, entries, meta_page, sound};
use crate::pg::index_pages::IndexPages;
use crate::pg::indexed_columns::IndexedColumns;
use crate::pg::interrupt;
use crate::pg::open_index::OpenIndex;
use segments_core::columns::layout::{DirectoryEntry, MetaPage, PageEntry};
use segments_core::columns::{Answer, Asking, Chunk, Damage, Globals, Plan, Query};
use segments_core::expr::Checked;
use segments_core::program::Surroundings;
use segments_core::program_set::ProgramSet;
use segments_core::row_conditions::Columns;
use segments_core::sql::ContactTable;
use std::collections::BTreeMap;

/// A count, and of how many pages each way.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counted {
    /// The rows that satisfy the condition
    pub rows: u64,
    /// Pages that were counted from images
    pub image_pages: u64,
    /// Pages that were counted row by row
    pub heap_pages: u64,
}

impl std::ops::AddAssign for Counted {
    fn add_assign(&mut self, other: Self) {
        self.rows += other.rows;
        self.image_pages += other.image_pages;
        self.heap_pages += other.heap_pages;
    }
}

/// How the index's columns answer a condition.
pub enum Answering {
    /// The plan says which rows satisfy it
    Wholly(Plan),
    /// The plan says which rows may: the index does not have all columns, so their pages are counted row by row
    Narrowing(Plan),
}

/// Of so many pages, one may be counted row by row because of what the index does not have. A query may use other indexes, and
/// several processes.
const NARROWED: usize = 8;

/// Counts the rows that satisfy a condition, in the active snapshot. The condition is adapted to the table's rows
/// ([`on_row`](segments_core::row_conditions::on_row)). `None` if it is narrowed to too many pages.
pub fn count(
    open: &OpenIndex,
    columns: &IndexedColumns,
    table: &ContactTable,
    condition: &Checked,
    answering: &Answering,
) -> Option<Counted> {
    let (plan, narrows) = match answering {
        Answering::Wholly(plan) => (plan, false),
        Answering::Narrowing(plan) => (plan, true),
    };
    let sources = Sources::now(open);
    let mut heap_pages = sources.heap_pages;
    let mut counted = Counted::default();
    let asking = Asking { natives: columns, globals: &Globals::NONE, interrupt: interrupt::check };
    let query = Query::new(plan, asking);
    for (slot, (chunk, blocks)) in sources.chunks {
        let pages = ChunkPages::new(open.pages(), chunk);
        match pages.unless_given_up(slot, count_images(&pages, chunk, columns, &query, narrows, &blocks)).flatten() {
            Some((rows, asked)) => {
                counted.rows += rows;
                counted.image_pages += (blocks.len() - asked.len()) as u64;
                heap_pages.extend(asked);
            }
            None => heap_pages.extend(blocks),
        }
    }
    let all = counted.image_pages as usize + heap_pages.len();
    if narrows && heap_pages.len() > all / NARROWED {
        return None;
    }
    heap_pages.sort_unstable();
    counted.heap_pages = heap_pages.len() as u64;
    counted.rows += count_rows(open, table, condition, &heap_pages);
    Some(counted)
}

/// The description of a chunk, in which columns have the names that they have now; `None` if it stores a column in another way
/// than the index would now. Postgres keeps an index where a column changes its type between text and citext.
pub(super) fn named_chunk(
    pages: &ChunkPages<'_>,
    chunk: DirectoryEntry,
    columns: &IndexedColumns,
) -> Result<Option<Chunk>, Damage> {
    let mut described = Chunk::open(chunk.generation, pages)?;
    if !columns.know(&described) {
        return Ok(None);
    }
    described.name_natives(|stored| columns.name_of(stored).map(str::to_owned))?;
    Ok(Some(described))
}

/// How many rows of these heap pages, which are in order, satisfy the condition by their images, and the pages of which the
/// heap has to be asked; `None` if the chunk cannot be used.
fn count_images(
    pages: &ChunkPages<'_>,
    chunk: DirectoryEntry,
    columns: &IndexedColumns,
    query: &Query<'_, IndexedColumns>,
    narrows: bool,
    blocks: &[u32],
) -> Result<Option<(u64, Vec<u32>)>, Damage> {
    let Some(described) = named_chunk(pages, chunk, columns)? else { return Ok(None) };
    let mut found = 0;
    let wanted = described.rows_of(|block| {
        let is_wanted = blocks.binary_search(&block).is_ok();
        found += usize::from(is_wanted);
        is_wanted
    });
    if found < blocks.len() {
        return Err(Damage::Malformed("a chunk lacks a page that the map says it has"));
    }
    let Answer { mut rows, unknown } = query.answer_among(&described, pages, &wanted)?;
    if narrows {
        unknown.iter().for_each(|unknown| rows.or(unknown));
        return Ok(Some((0, described.blocks_of(&rows))));
    }
    let asked = unknown.map(|unknown| described.blocks_of(&unknown)).unwrap_or_default();
    if !asked.is_empty() {
        rows.and(&described.rows_of(|block| asked.binary_search(&block).is_err()));
    }
    Ok(Some((rows.count(), asked)))
}

/// Counts the rows of these pages, which are in order.
fn count_rows(open: &OpenIndex, table: &ContactTable, condition: &Checked, blocks: &[u32]) -> u64 {
    let columns = Columns::of([condition], table);
    let program = open.heap().program(ProgramSet::compile([condition]), &columns);
    let surroundings = Surroundings { interrupt: interrupt::check, ..Surroundings::NONE };
    let mut rows = 0;
    for run in blocks.chunk_by(|left, right| left + 1 == *right) {
        let run = run[0]..run[run.len() - 1] + 1;
        program.matching(run, surroundings, |matches| rows += u64::from(matches.iter().next().is_some()));
    }
    rows
}

/// From where each heap page is counted.
pub(super) struct Sources {
    /// For each slot its chunk, and the heap pages that are counted from it, in order
    pub(super) chunks: BTreeMap<u32, (DirectoryEntry, Vec<u32>)>,
    /// The heap pages that are counted row by row
    pub(super) heap_pages: Vec<u32>,
}

impl Sources {
    /// The sources for the active snapshot, which was taken before.
    pub(super) fn now(open: &OpenIndex) -> Self {
        let (index, heap) = (open.pages(), open.heap());
        let all_visible = heap.all_visible(0..heap.count());
        let mut sources = Sources { chunks: BTreeMap::new(), heap_pages: Vec::new() };
        let mut next = 0;
        let (slots, entries) = sound(index, images(index));
        for (entry, is_visible) in entries.into_iter().zip(&all_visible) {
            let slot = entry.slot().filter(|_| *is_visible);
            match slot.and_then(|slot| Some((slot, (*slots.get(slot as usize)?)?))) {
                Some((slot, chunk)) if entry.is_of(chunk.generation) => {
                    sources.chunks.entry(slot).or_insert_with(|| (chunk, Vec::new())).1.push(next);
                }
                _ => sources.heap_pages.push(next),
            }
            next += 1;
        }
        // Pages that came later have rows that the snapshot may see: the file grows before a transaction commits.
        sources.heap_pages.extend(next..heap.count());
        sources
    }
}

/// The chunks by slot, and the entries of the covered heap pages. A slot whose chunk has changed meanwhile has none.
fn images(index: IndexPages<'_>) -> Result<(Vec<Option<DirectoryEntry>>, Vec<PageEntry>), DamagedPage> {
    let page = meta_page(index)?;
    let MetaPage::Known(meta) = &page else { return Ok(Default::default()) };
    let read = || {
        let before = chunks::slots(index, meta)?;
        let mut all = Vec::new();
        for number in 0..meta.map_pages() {
            all.extend(entries(index, meta, number)?);
        }
        all.truncate(meta.covered as usize);
        let after = chunks::slots(index, meta)?;
        let same = before.into_iter().zip(after).map(|(before, after)| before.filter(|_| before == after));
        Ok((same.collect(), all))
    };
    read().or_else(|damaged| {
        // Whoever replaces a meta page leaves the pages that it named to others.
        if meta_page(index)? == page { Err(damaged) } else { Ok(Default::default()) }
    })
}
