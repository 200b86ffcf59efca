//! Changes of what segments mean, between two writers and never into one.
//!
//! Backends compile the definitions of live segments and go on using them. Whoever changes a definition first waits for
//! the writers of the table and lets no other in until the change commits; locking the table again, these hear that it
//! has changed and compile anew. So a segment counts every change that it did not count as a row.

use crate::catalog::audience::{Audience, Subscriptions};
use crate::catalog::freshness::stays_live;
use crate::pg::{relcache, snapshot};
use pgrx::pg_sys::Oid;

/// Lets nobody write to the contacts of a live audience until the transaction ends; to be called before a segment comes
/// or comes to mean something else, be it because of a property or a topic. Returns the audience as it is after the
/// wait.
pub fn hold_writers(audience: &str) -> Audience {
    hold_writers_of(audience, Audience::load)
}

/// As [`hold_writers`], of an audience whose scope may make no sense, and does not restrict what is returned.
pub fn hold_writers_unrestricted(audience: &str) -> Audience {
    hold_writers_of(audience, |name| Audience::unrestricted(name).unwrap_or_else(|failure| failure.raise()))
}

fn hold_writers_of(audience: &str, load: impl Fn(&str) -> Audience) -> Audience {
    if stays_live(audience) {
        lock_tables(&load(audience));
    }
    snapshot::latest(|| load(audience))
}

/// Locks the contacts' table, and that of their subscriptions, against writers, with all parts of both.
pub fn lock_tables(audience: &Audience) -> Vec<Oid> {
    tables(audience).flat_map(relcache::lock_against_writers).collect()
}

/// Lets nobody empty or change the tables of an audience until the transaction ends; to be called before its counts are
/// locked, which whoever does that locks after the tables.
pub fn hold_tables(audience: &str) {
    if let Ok(audience) = snapshot::latest(|| Audience::try_load(audience)) {
        tables(&audience).for_each(|table| _ = relcache::tree(table));
    }
}

fn tables(audience: &Audience) -> impl Iterator<Item = Oid> {
    let topics = match &audience.topics {
        Subscriptions::In(relation) => Some(relation.oid),
        _ => None,
    };
    [audience.relation.oid].into_iter().chain(topics)
}
