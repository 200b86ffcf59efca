//! The pages of an index that say where its chunks are, and which heap pages have images.
//!
//! | pages | |
//! |---|---|
//! | block 0 | the [`Meta`] page, from which everything is found |
//! | map | an [`Entry`](PageEntry) of 32 bits for each heap page |
//! | directory | for each [slot](DirectoryEntry) its chunk |
//! | all others | [pieces](super::Pieces), one on a page |
//!
//! The pages of the map and of the directory are numbered from 0. They come in [`Extents`] of 1, 2, 4 and so on pages that
//! follow each other, so that the few numbers on the meta page, which has a checksum, say where each of them is. A page that no extent and no
//! chunk has is free: nothing else says so, and what a crash leaves behind is free by itself.
//!
//! Each page of the map and of the directory says what it is, in which version of the format, and its number. Another
//! version of the format never takes it for its own.

mod directory;
mod extents;
mod meta;
mod numbered;
mod page_map;

pub use directory::{DIRECTORY_SLOTS, Directory, DirectoryEntry};
pub use extents::Extents;
pub use meta::{FORMAT_VERSION, MOST_DIRECTORY_EXTENTS, MOST_MAP_EXTENTS, MapBlock, Meta, MetaPage};
pub use page_map::{MAP_ENTRIES, MOST_SLOTS, PageEntry, PageMap};
