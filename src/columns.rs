//! The column index: exact counts from images of the table's pages, which are kept in columns.
//!
//! A heap page is counted from its image if it has not changed since the image was made and everybody sees all its rows;
//! otherwise from its rows. So writers have to say one thing only, once for each page: that it has changed
//! ([`marks`]). `segments_core::columns` has the chunks and the layout of the pages; `tests/column_protocol` there walks every
//! order of the steps of writers, VACUUM, a fold and a reader.
//!
//! - *build* makes the first pages of an index
//! - *marks* are what writers and VACUUM say of pages
//! - a *fold* makes images of pages, in chunks; a *count* reads them, a *check* compares them with the table
//! - *status* tells how much of a table the index serves

pub mod build;
pub mod check;
mod chunks;
pub mod count;
pub mod fold;
pub mod marks;
pub mod status;

use crate::pg::error::Failure;
use crate::pg::index_pages::IndexPages;
use pgrx::PgSqlErrorCode;
use segments_core::columns::Damage;
use segments_core::columns::layout::{MAP_ENTRIES, Meta, MetaPage, PageEntry, PageMap};

/// The block of the meta page.
const META: u32 = 0;

/// What the meta page says now.
fn meta_page(index: IndexPages<'_>) -> MetaPage {
    sound(index, META, index.read(META, |page| MetaPage::read(page)))
}

/// The entries of a page of the map that is in use.
fn entries(index: IndexPages<'_>, meta: &Meta, number: u32) -> Vec<PageEntry> {
    let Some((block, _)) = meta.map_page_of(number * MAP_ENTRIES) else { return Vec::new() };
    sound(index, block, index.read(block, |page| PageMap::entries(page, number).map(Vec::from_iter)))
}

/// What was read of a page, unless the page is damaged.
fn sound<T>(index: IndexPages<'_>, block: u32, read: Result<T, Damage>) -> T {
    read.unwrap_or_else(|damage| damaged(index, block, damage).raise())
}

/// The error for a page of an index that is not what it should be.
fn damaged(index: IndexPages<'_>, block: u32, damage: Damage) -> Failure {
    let name = index.name();
    Failure::new(PgSqlErrorCode::ERRCODE_INDEX_CORRUPTED, format!("index \"{name}\" is damaged at block {block}"))
        .detail(sentence(&damage.to_string()))
        .hint(format!("The table is not affected. REINDEX INDEX \"{name}\" makes the index anew."))
}

/// Text as a sentence.
fn sentence(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map_or_else(String::new, |first| format!("{}{}.", first.to_uppercase(), letters.as_str()))
}
