//! Changes of what segments mean, between two writers and never into one.
//!
//! Backends compile the definitions of live segments and go on using them. Whoever changes a definition first waits for
//! the writers of the table and lets no other in until the change commits; locking the table again, these hear that it
//! has changed and compile anew. So a segment counts every change that it did not count as a row.

use crate::access;
use crate::audience::{Audience, Subscriptions};
use crate::pg::{relcache, security, snapshot};
use crate::query;
use pgrx::pg_sys::Oid;

/// Lets nobody write to the contacts of a live audience until the transaction ends; to be called before a segment comes
/// or comes to mean something else, be it because of a property or a topic. Returns the audience as it is after the
/// wait.
pub fn hold_writers(audience: &str) -> Audience {
    if stays_live(audience) {
        lock_tables(&Audience::load(audience));
    }
    snapshot::latest(|| Audience::load(audience))
}

/// Locks the contacts' table, and that of their subscriptions, against writers, with all parts of both.
pub fn lock_tables(audience: &Audience) -> Vec<Oid> {
    let mut tables = relcache::lock_against_writers(audience.relation.oid);
    if let Subscriptions::In(relation) = &audience.topics {
        tables.extend(relcache::lock_against_writers(relation.oid));
    }
    tables
}

/// Locks the tables of an audience as readers do. Before its counts: a command that locks a table against readers goes on
/// to lock the counts.
pub fn hold_for_reading(audience: &str) {
    let Ok(audience) = Audience::try_load(audience) else { return };
    relcache::tree(audience.relation.oid);
    if let Subscriptions::In(relation) = &audience.topics {
        relcache::tree(relation.oid);
    }
}

/// Whether the audience is live.
pub fn is_live(audience: &str) -> bool {
    let freshness =
        security::as_role(access::extension_owner(), || query::first(FRESHNESS, &[audience.into()], |row| row.get(1)));
    freshness == Some("live".to_owned())
}

/// Lets nobody else change the definition of a segment, or take back that of a property, until the transaction ends.
pub fn hold_definitions(audience: &str) {
    let lock = format!("{FRESHNESS} FOR NO KEY UPDATE");
    access::write(&lock, &[audience.into()]);
}

/// Whether the audience is live, and stays what it is until the transaction ends.
pub fn stays_live(audience: &str) -> bool {
    let freshness = security::as_role(access::extension_owner(), || {
        query::write_rows(&format!("{FRESHNESS} FOR SHARE"), &[audience.into()], |row| row.get::<String>(1))
    });
    freshness.first().is_some_and(|freshness| freshness == "live")
}

const FRESHNESS: &str = "
SELECT a.freshness FROM segments.audience_config a WHERE a.name OPERATOR(pg_catalog.=) $1";
