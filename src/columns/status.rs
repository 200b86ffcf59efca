//! How much of a table its index serves.

use super::{entries, meta_page, sound};
use crate::pg::open_index::OpenIndex;
use segments_core::columns::layout::{MAP_ENTRIES, MetaPage};

/// Whether so many pages of all are worth a word.
pub(super) fn is_many(pages: u32, all: u32) -> bool {
    const FEW: u32 = 200;
    pages > all / FEW
}

/// The pages of a table, each counted once, and what else there is to say of its index.
#[derive(Debug, Default)]
pub struct Status {
    /// All pages of the table
    pub pages: u32,
    /// Pages that are counted from images
    pub image_pages: u32,
    /// Pages that have changed since the index last looked at them
    pub changed_pages: u32,
    /// Pages with rows that not everybody sees, or with free space of deleted rows that VACUUM has not seen
    pub not_visible_pages: u32,
    /// Pages that the index has not looked at
    pub uncovered_pages: u32,
    /// The pages of the index
    pub index_pages: u32,
    /// When images were last made, in microseconds since 2000
    pub folded_at: Option<i64>,
    /// Whether the index was written by another version of the library
    pub is_of_other_version: bool,
}

impl Status {
    /// Looks at the index now. While others write, the numbers are of slightly different moments. Raises if a page of the index
    /// is damaged.
    pub fn of(open: &OpenIndex) -> Self {
        let (index, heap) = (open.pages(), open.heap());
        let pages = heap.count();
        let mut status = Status { pages, uncovered_pages: pages, index_pages: index.count(), ..Status::default() };
        let meta = match sound(index, meta_page(index)) {
            MetaPage::Known(meta) => meta,
            MetaPage::Other { .. } => return Status { is_of_other_version: true, ..status },
        };
        status.folded_at = meta.folded_at;
        for number in 0..meta.map_pages() {
            let first = number * MAP_ENTRIES;
            let blocks = first..pages.min(meta.covered).min(first.saturating_add(MAP_ENTRIES));
            let all_visible = heap.all_visible(blocks);
            for (entry, is_visible) in sound(index, entries(index, &meta, number)).into_iter().zip(all_visible) {
                let counted = match (is_visible, entry.is_changed(), entry.slot()) {
                    (false, ..) => &mut status.not_visible_pages,
                    (true, true, _) => &mut status.changed_pages,
                    (true, false, Some(_)) => &mut status.image_pages,
                    (true, false, None) => continue,
                };
                *counted += 1;
                status.uncovered_pages -= 1;
            }
            crate::pg::interrupt::check();
        }
        status
    }

    /// Why not more pages are counted from images, and what to do about it; `None` if nearly all are.
    pub fn note(&self) -> Option<&'static str> {
        let is_many = |pages: u32| is_many(pages, self.pages);
        if self.is_of_other_version {
            Some("another version of segments has written this index; it is made anew by the next fold")
        } else if is_many(self.not_visible_pages) {
            Some("VACUUM the table: pages are served once everybody sees all their rows")
        } else if is_many(self.changed_pages) || is_many(self.uncovered_pages) {
            Some("the next fold makes images of the other pages")
        } else {
            None
        }
    }
}
