//! Locks that let definitions change between two writers, and never during one.
//!
//! Backends compile the definitions of live segments and go on using them. A change of a definition first locks the
//! table against writers until it commits. When the writers get their lock, they learn of the change and compile again.
//! So each change of a contact is counted either by its writer with the new definition, or by the count that the change
//! of the definition takes.

use crate::catalog::access;
use crate::catalog::audience::Audience;
use crate::catalog::freshness::stays_live;
use crate::catalog::source;
use crate::pg::{relcache, security, snapshot};
use pgrx::pg_sys::Oid;

/// Locks the tables of a live audience against writers until the transaction ends. Call it before a segment is created
/// or changes its meaning. Returns the audience as it is after the wait.
pub fn hold_writers(audience: &str) -> Audience {
    if stays_live(audience) {
        lock_tables(&Audience::load(audience));
    }
    snapshot::latest(|| Audience::load(audience))
}

/// Locks the tables of an audience against writers until the transaction ends, if it or an audience that is based on it
/// is live. Call it before a declaration changes the meaning of segments: the zone, a property, a topic. The filter of
/// the audience may be invalid. The returned audience, as it is after the wait, is not restricted by it.
pub fn hold_writers_of_source(source: &str) -> Audience {
    let load = || Audience::unrestricted(source).unwrap_or_else(|failure| failure.raise());
    // The lock also keeps audiences that are based on this one from becoming live.
    if stays_live(source) || !source::live_audiences(source).is_empty() {
        lock_tables(&load());
    }
    snapshot::latest(load)
}

/// Locks the contacts' table and the table of subscriptions, with all their parts, against writers.
pub fn lock_tables(audience: &Audience) -> Vec<Oid> {
    audience.tables().flat_map(relcache::lock_against_writers).collect()
}

/// Like [`lock_tables`], but does not wait. Returns whether all of them are locked. The caller has called
/// [`hold_tables`].
pub fn try_lock_tables(audience: &Audience) -> bool {
    audience.tables().all(relcache::try_lock_against_writers)
}

/// Keeps TRUNCATE and ALTER away from the tables of an audience, or writers too, until the transaction ends. Call it
/// before you lock counts, because those commands lock tables first and then counts.
pub fn hold_tables(audience: &str, and_writers: bool) {
    // A caller who refreshes audiences that are based on this one need not see it.
    let load = || snapshot::latest(|| Audience::unrestricted(audience));
    if let Ok(audience) = security::as_role(access::extension_owner(), load) {
        if and_writers {
            lock_tables(&audience);
        } else {
            audience.tables().for_each(|table| _ = relcache::tree(table));
        }
    }
}
