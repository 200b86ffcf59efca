//! The documents that a backend has read while planning, kept for the next query.

use crate::pg::sample::{Documents, Table, Version};
use lru::LruCache;
use pgrx::pg_sys::Oid;
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
/// How long they are kept, since not every change shows in the table's [`Version`].
const LIFETIME: Duration = Duration::from_secs(60);

struct Kept {
    version: Version,
    wanted: u32,
    since: Instant,
    documents: Rc<Documents>,
}

thread_local! {
    static KEPT: RefCell<LruCache<(Oid, i16), Kept>> = RefCell::new(LruCache::new(COLUMNS));
}

/// Some documents of a table's column, spread evenly; `None` where the table is not one that can be read. Of one table
/// among so many `siblings` in a query, accordingly fewer.
pub fn documents(relation: Oid, column: i16, siblings: u32) -> Option<Rc<Documents>> {
    let table = Table::open(relation)?;
    let version = table.version();
    let wanted = (PAGES / siblings.max(1)).max(FEWEST_PAGES);
    let known = KEPT.with_borrow_mut(|kept| {
        let kept = kept.get(&(relation, column))?;
        let is_alike = version.is_like(&kept.version) && kept.wanted >= wanted && kept.since.elapsed() < LIFETIME;
        is_alike.then(|| kept.documents.clone())
    });
    Some(known.unwrap_or_else(|| {
        let documents = Rc::new(table.documents(column, wanted));
        let since = Instant::now();
        let kept = Kept { version, wanted, since, documents: documents.clone() };
        KEPT.with_borrow_mut(|all| all.put((relation, column), kept));
        documents
    }))
}
