//! TRUNCATE, which has no transition tables: everything is counted anew, once for all tables that one command empties.

use super::members::Members;
use crate::access;
use crate::audience::Audience;
use crate::count;
use crate::pg::snapshot::{self, Command};
use crate::pg::{relcache, security};
use crate::segment::Definition;
use std::cell::RefCell;
use std::collections::HashMap;

/// A command that empties tables of an audience.
struct Truncation {
    transaction: u32,
    command: Command,
    /// Who was a member before it; none once everything has been counted
    members: Option<Members>,
}

thread_local! {
    /// The last one of each audience.
    static LAST: RefCell<HashMap<String, Truncation>> = RefCell::default();
}

/// Before a table of an audience is emptied.
pub fn before(audience: &str) {
    snapshot::will_write();
    let (transaction, command) = (snapshot::transaction(), snapshot::current_command());
    let is_same = |last: &Truncation| (last.transaction, last.command) == (transaction, command);
    if LAST.with_borrow(|last| last.get(audience).is_some_and(is_same)) {
        return;
    }
    let (loaded, segments) = load(audience);
    // Whoever has changed contacts may have counted them with subscriptions that are about to go.
    relcache::lock_against_writers(loaded.relation.oid);
    let members = Some(Members::of_watched(&loaded, &segments));
    let truncation = Truncation { transaction, command, members };
    LAST.with_borrow_mut(|last| last.insert(audience.to_owned(), truncation));
}

/// After all of them have been.
pub fn after(audience: &str) {
    let members = LAST.with_borrow_mut(|last| last.get_mut(audience).and_then(|last| last.members.take()));
    let Some(members) = members else { return };
    let (loaded, segments) = load(audience);
    count::recount(&loaded, &segments);
    members.record_changes();
}

fn load(audience: &str) -> (Audience, Vec<Definition>) {
    security::as_role(access::extension_owner(), || {
        snapshot::latest(|| (Audience::load(audience), Definition::all(audience)))
    })
}
