//! Comparing images with the table.

use super::chunks::ChunkPages;
use super::count::Sources;
use crate::pg::indexed_columns::IndexedColumns;
use crate::pg::interrupt;
use crate::pg::open_index::OpenIndex;
use segments_core::columns::layout::DirectoryEntry;
use segments_core::columns::{Chunk, Damage, Globals, Pieces, fingerprints};
use std::collections::BTreeMap;

/// What is wrong with the images that a count would use now, in sentences. It looks at a share of the chunks, other ones each
/// time. Raises if a page of the index is damaged.
///
/// A page that has changed since the snapshot was taken is left out: until the snapshot is gone, it cannot be all-visible
/// again.
pub fn check(open: &OpenIndex, share: f32) -> Vec<String> {
    let columns = IndexedColumns::of(open);
    let mut wrong = Vec::new();
    let now = crate::pg::snapshot::clock() as f64;
    for (slot, (chunk, blocks)) in Sources::now(open).chunks {
        let place = ((f64::from(slot) + now) * 0.618_033_988).fract();
        if place < f64::from(share) {
            compare(open, &columns, slot, chunk, &blocks, &mut wrong);
        }
        interrupt::check();
    }
    wrong
}

fn compare(
    open: &OpenIndex,
    columns: &IndexedColumns,
    slot: u32,
    chunk: DirectoryEntry,
    blocks: &[u32],
    wrong: &mut Vec<String>,
) {
    let pages = ChunkPages::new(open.pages(), chunk);
    let Some(images) = pages.unless_given_up(slot, of_blocks(chunk.generation, &pages)) else { return };
    let mut builder = columns.builder();
    for block in blocks {
        if let Some(rows) = open.heap().rows_that_all_see(*block) {
            columns.add(*block, &rows, &mut builder);
        }
    }
    let pieces = builder.finish(chunk.generation, &mut Globals::default());
    let Some(rows) = pages.unless_given_up(slot, of_blocks(chunk.generation, pieces.as_slice())) else { return };
    let (Some(images), Some(rows)) = (images, rows) else { return };
    for (block, rows) in rows {
        match images.get(&block) {
            None => wrong.push(format!("chunk {} has no image of page {block} of the table", chunk.generation)),
            Some(image) if image.len() != rows.len() => wrong.push(format!(
                "page {block} of the table has {} rows, but {} in chunk {}",
                rows.len(),
                image.len(),
                chunk.generation
            )),
            Some(image) if *image != rows => {
                wrong.push(format!("page {block} of the table has other values in chunk {}", chunk.generation));
            }
            Some(_) => {}
        }
    }
}

/// The fingerprints of the rows of each heap page of a chunk, if there are some.
fn of_blocks<P: Pieces<Error = Damage> + ?Sized>(
    generation: u64,
    pieces: &P,
) -> Result<Option<BTreeMap<u32, Vec<u64>>>, Damage> {
    let chunk = Chunk::open(generation, pieces)?;
    let Some(rows) = fingerprints(&chunk, pieces, &Globals::NONE)? else { return Ok(None) };
    let blocks = chunk.heap_rows().into_iter();
    let rows = |range: std::ops::Range<u32>| rows[range.start as usize..range.end as usize].to_vec();
    Ok(Some(blocks.map(|of_block| (of_block.block, rows(of_block.rows))).collect()))
}
