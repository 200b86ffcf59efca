//! The first pages of an index.

use super::{fold, status};
use crate::pg::error::Failure;
use crate::pg::heap_pages::HeapPages;
use crate::pg::index_pages::IndexPages;
use crate::pg::indexed_columns::IndexedColumns;
use crate::pg::snapshot;
use pgrx::PgSqlErrorCode;
use pgrx::spi::{quote_identifier, quote_literal};
use segments_core::columns::layout::Meta;

/// The generation of the first chunk. 0 stands for no chunk.
const FIRST_GENERATION: u64 = 1;

/// Makes an index that covers nothing. Writers need not mark anything until it covers what they write to.
pub fn empty(index: IndexPages<'_>) {
    index.append([Meta::empty(FIRST_GENERATION).page()]);
}

/// As [`empty`], of an unlogged table after a crash.
pub fn empty_after_crash(index: IndexPages<'_>) {
    index.write_init_fork(&Meta::empty(FIRST_GENERATION).page());
}

/// Covers all heap pages, and makes images of those of which everybody sees all rows. Nobody may write to the table meanwhile.
/// Says so if they are not nearly all: after a load or a rewrite there are none.
pub fn fill(index: IndexPages<'_>, heap: HeapPages<'_>, columns: Vec<i16>) {
    // Without a snapshot, values that are stored out of line cannot be read.
    if !snapshot::is_active() {
        fold::cover(index, heap.count());
        return;
    }
    let images = fold::make_images(index, heap, IndexedColumns::numbered(index, heap, columns));
    let pages = heap.count();
    if status::is_many(pages.saturating_sub(images), pages) {
        let name = index.name();
        Failure::new(
            PgSqlErrorCode::ERRCODE_SUCCESSFUL_COMPLETION,
            format!("index \"{name}\" has images of {images} of the {pages} pages of its table"),
        )
        .detail("The others may have rows that not everybody sees.")
        .hint(format!("VACUUM the table, then call segments_fold({}).", quote_literal(quote_identifier(&name))))
        .notice();
    }
}
