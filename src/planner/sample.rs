//! The documents that a backend has read while planning, kept for the next query.

use crate::pg::sample::{Column, Documents, Table, Version};
use lru::LruCache;
use std::cell::RefCell;
use std::num::NonZeroUsize;
use std::rc::Rc;
use std::time::{Duration, Instant};

/// How many pages of a table are read: at 20 contacts each, some 2,500.
const PAGES: u32 = 128;
/// How many pages of each of many partitions are read at least.
const FEWEST_PAGES: u32 = 4;
/// How many columns' documents a backend keeps; those of each are at most about a megabyte.
const COLUMNS: NonZeroUsize = NonZeroUsize::new(8).unwrap();
/// How long what was found of a table is believed, since not every change shows in its [`Version`].
const LIFETIME: Duration = Duration::from_secs(60);

/// A column at some time.
#[derive(Clone, Copy)]
pub struct Seen {
    column: Column,
    version: Version,
    at: Instant,
}

struct Kept {
    seen: Seen,
    wanted: u32,
    documents: Rc<Documents>,
}

thread_local! {
    static KEPT: RefCell<LruCache<Column, Kept>> = RefCell::new(LruCache::new(COLUMNS));
}

impl Seen {
    /// The column now; `None` where it is not of a table that can be read.
    pub fn now(column: Column) -> Option<Self> {
        Table::with(column.relation, |table| Some(Self::of(column, table)))
    }

    fn of(column: Column, table: &Table) -> Self {
        Seen { column, version: table.version(), at: Instant::now() }
    }

    /// Whether what was found in it earlier still holds.
    pub fn is_like(&self, earlier: &Seen) -> bool {
        let age = self.at.duration_since(earlier.at);
        self.column == earlier.column && self.version.is_like(&earlier.version) && age < LIFETIME
    }
}

/// Some documents of a column, spread evenly; `None` where it is not of a table that can be read. Of one table among so
/// many `siblings` in a query, accordingly fewer.
pub fn documents(column: Column, siblings: u32) -> Option<Rc<Documents>> {
    let wanted = (PAGES / siblings.max(1)).max(FEWEST_PAGES);
    Table::with(column.relation, |table| {
        let seen = Seen::of(column, table);
        let known = KEPT.with_borrow_mut(|kept| {
            let kept = kept.get(&column)?;
            (seen.is_like(&kept.seen) && kept.wanted >= wanted).then(|| kept.documents.clone())
        });
        if known.is_some() {
            return known;
        }
        let documents = Rc::new(table.documents(column.number, wanted)?);
        KEPT.with_borrow_mut(|kept| kept.put(column, Kept { seen, wanted, documents: documents.clone() }));
        Some(documents)
    })
}
