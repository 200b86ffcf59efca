//! Samples of documents that a backend has read while planning, kept for later queries.

use crate::pg::sample::{Documents, SampledTable, TableColumn, Version};
use lru::LruCache;
use std::cell::RefCell;
use std::num::NonZeroUsize;
use std::rc::Rc;
use std::time::{Duration, Instant};

/// How many pages of a table are read. With 20 contacts on a page, these are some 2,500 contacts.
const PAGES: u32 = 128;
/// How many pages are read at least of each of many partitions.
const FEWEST_PAGES: u32 = 4;
/// For how many columns a backend keeps documents. A column takes at most about a megabyte.
const COLUMNS: NonZeroUsize = NonZeroUsize::new(8).unwrap();
/// How long a sample is used. Not every change of a table changes its [`Version`].
const LIFETIME: Duration = Duration::from_secs(60);

/// The state of a column at some time.
#[derive(Clone, Copy)]
pub struct Seen {
    column: TableColumn,
    version: Version,
    at: Instant,
}

struct Kept {
    seen: Seen,
    wanted: u32,
    documents: Rc<Documents>,
}

thread_local! {
    static KEPT: RefCell<LruCache<TableColumn, Kept>> = RefCell::new(LruCache::new(COLUMNS));
}

impl Seen {
    /// The state of the column now; `None` if the table cannot be sampled.
    pub fn now(column: TableColumn) -> Option<Self> {
        SampledTable::with(column.relation, |table| Some(Self::of(column, table)))
    }

    fn of(column: TableColumn, table: &SampledTable) -> Self {
        Seen { column, version: table.version(), at: Instant::now() }
    }

    /// Whether an earlier sample of the column still represents it.
    pub fn is_like(&self, earlier: &Seen) -> bool {
        let age = self.at.duration_since(earlier.at);
        self.column == earlier.column && self.version.is_like(&earlier.version) && age < LIFETIME
    }
}

/// A sample of a column's documents, spread evenly over the table; `None` if the table cannot be sampled. The more
/// `siblings` the query reads in place of one table, the smaller the sample of each.
pub fn documents(column: TableColumn, siblings: u32) -> Option<Rc<Documents>> {
    let wanted = (PAGES / siblings.max(1)).max(FEWEST_PAGES);
    SampledTable::with(column.relation, |table| {
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
