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

use crate::pg::index_pages::{IndexPages, damaged};
use segments_core::columns::Damage;
use segments_core::columns::layout::{MAP_ENTRIES, Meta, MetaPage, PageEntry, PageMap};

/// The block of the meta page.
const META: u32 = 0;

/// A page that is not what it should be.
#[derive(Clone, Copy, Debug)]
struct DamagedPage {
    block: u32,
    damage: Damage,
}

impl DamagedPage {
    fn at(block: u32) -> impl Fn(Damage) -> Self {
        move |damage| DamagedPage { block, damage }
    }
}

/// What the meta page says now.
fn meta_page(index: IndexPages<'_>) -> Result<MetaPage, DamagedPage> {
    index.read(META, |page| MetaPage::read(page)).map_err(DamagedPage::at(META))
}

/// The entries of a page of the map that is in use.
fn entries(index: IndexPages<'_>, meta: &Meta, number: u32) -> Result<Vec<PageEntry>, DamagedPage> {
    let Some((block, _)) = meta.map_page_of(number * MAP_ENTRIES) else { return Ok(Vec::new()) };
    let read = index.read(block, |page| PageMap::entries(page, number).map(Vec::from_iter));
    read.map_err(DamagedPage::at(block))
}

/// Changes a page, unless it is damaged.
fn change(
    index: IndexPages<'_>,
    block: u32,
    change: impl FnOnce(&mut [u8]) -> Result<(), Damage>,
) -> Result<(), DamagedPage> {
    let mut result = Ok(());
    index.change(block, |page| {
        result = change(page);
        result.ok()
    });
    result.map_err(DamagedPage::at(block))
}

/// Puts a meta page in the place of the one that was there before. Returns false, and changes nothing, if it is not there any
/// more: a library of another version has replaced it, or whoever has found a page damaged. What was read of the index is
/// then void. Nobody else changes it while one session is [`alone`](IndexPages::alone).
fn change_meta(index: IndexPages<'_>, before: &Meta, after: &Meta) -> bool {
    let mut is_there = false;
    index.change(META, |page| {
        is_there = matches!(MetaPage::read(page), Ok(MetaPage::Known(now)) if now == *before);
        is_there.then(|| after.write(page))
    });
    is_there
}

/// What was read or done, unless a page is damaged.
fn sound<T>(index: IndexPages<'_>, result: Result<T, DamagedPage>) -> T {
    result.unwrap_or_else(|DamagedPage { block, damage }| damaged(&index.name(), Some(block), damage).raise())
}
