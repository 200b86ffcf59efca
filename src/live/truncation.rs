//! TRUNCATE, which has no transition tables. Everything is counted again, once for all tables that one command empties.

use crate::catalog::access;
use crate::catalog::audience::Audience;
use crate::catalog::segment::Definition;
use crate::counting::recount::recount;
use crate::live::definition_locks;
use crate::live::members::Members;
use crate::pg::security;
use crate::pg::snapshot::{self, Command};
use pgrx::{PgXactCallbackEvent, register_xact_callback};
use std::cell::RefCell;
use std::collections::HashMap;

/// A TRUNCATE of tables of an audience.
struct Truncation {
    command: Command,
    /// The members before it; `None` once everything has been counted
    members: Option<Members>,
}

thread_local! {
    /// The last TRUNCATE of each audience in this transaction.
    static LAST: RefCell<HashMap<String, Truncation>> = RefCell::default();
}

/// The trigger before TRUNCATE of a table of an audience.
pub fn before(audience: &str) {
    snapshot::will_write();
    let command = snapshot::current_command();
    let is_same = |last: &Truncation| last.command == command;
    if LAST.with_borrow(|last| last.get(audience).is_some_and(is_same)) {
        return;
    }
    let (loaded, segments) = load(audience);
    // A writer that has not committed may have counted contacts with the rows that the TRUNCATE removes, whichever of
    // the tables it has written to, so this waits for writers.
    definition_locks::lock_tables(&loaded);
    let members = Some(Members::of_watched(&loaded, &segments));
    let truncation = Truncation { command, members };
    if LAST.with_borrow(HashMap::is_empty) {
        forget_with_transaction();
    }
    LAST.with_borrow_mut(|last| last.insert(audience.to_owned(), truncation));
}

/// Forgets everything when the transaction ends, because a TRUNCATE that failed has no trigger after it.
fn forget_with_transaction() {
    for end in [PgXactCallbackEvent::Commit, PgXactCallbackEvent::Abort, PgXactCallbackEvent::Prepare] {
        register_xact_callback(end, || LAST.with_borrow_mut(HashMap::clear));
    }
}

/// The trigger after TRUNCATE, which fires when all tables of the command are empty.
pub fn after(audience: &str) {
    let members = LAST.with_borrow_mut(|last| last.get_mut(audience).and_then(|last| last.members.take()));
    let Some(members) = members else { return };
    let (loaded, segments) = load(audience);
    recount(&loaded, &segments);
    members.record_changes();
}

fn load(audience: &str) -> (Audience, Vec<Definition>) {
    security::as_role(access::extension_owner(), || {
        snapshot::latest(|| (Audience::load(audience), Definition::all(audience)))
    })
}
