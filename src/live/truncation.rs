//! TRUNCATE, which has no transition tables, and COPY … FREEZE, whose rows were always there for every snapshot. What may have
//! changed is counted again, once for all tables that one command empties.

use crate::catalog::access;
use crate::catalog::audience::Audience;
use crate::catalog::segment::Definition;
use crate::counting::recount::recount;
use crate::live::definition_locks;
use crate::live::eligibility;
use crate::live::members::Members;
use crate::pg::security;
use crate::pg::snapshot::{self, Command};
use pgrx::{PgXactCallbackEvent, register_xact_callback};
use std::cell::RefCell;
use std::collections::{HashMap, HashSet};
use uuid::Uuid;

/// What a table has of an audience.
pub enum Emptied {
    Contacts,
    /// The rows of these relations
    Relations(Vec<String>),
}

/// A TRUNCATE of tables of an audience.
struct Truncation {
    command: Command,
    /// The segments that are to be counted again
    concerned: HashSet<Uuid>,
    /// Their members before it, as they became known to be concerned
    members: Vec<Members>,
}

thread_local! {
    /// The last TRUNCATE of each audience in this transaction.
    static LAST: RefCell<HashMap<String, Truncation>> = RefCell::default();
}

/// The trigger before TRUNCATE of a table of an audience. Nothing is locked or read if no live segment depends on the table.
pub fn before(audience: &str, emptied: &Emptied) {
    let command = snapshot::current_command();
    let is_known = |id: Uuid| {
        LAST.with_borrow(|last| {
            last.get(audience).is_some_and(|last| last.command == command && last.concerned.contains(&id))
        })
    };
    // The table is locked against everybody, so no other session can create a segment that reads it.
    let (loaded, mut segments) = load(audience, |loaded| concerned(loaded, emptied));
    segments.retain(|segment| !is_known(segment.id));
    if segments.is_empty() {
        return;
    }
    snapshot::will_write();
    // A writer that has not committed may have counted contacts with the rows that the TRUNCATE removes, whichever of
    // the tables it has written to, so this waits for writers.
    definition_locks::lock_tables(&loaded);
    let members = Members::of_watched(&loaded, &segments);
    if LAST.with_borrow(HashMap::is_empty) {
        forget_with_transaction();
    }
    LAST.with_borrow_mut(|last| {
        let begun = || Truncation { command, concerned: HashSet::new(), members: Vec::new() };
        let truncation = last.entry(audience.to_owned()).or_insert_with(begun);
        if truncation.command != command {
            *truncation = begun();
        }
        truncation.concerned.extend(segments.iter().map(|segment| segment.id));
        truncation.members.push(members);
    });
}

/// Forgets everything when the transaction ends, because a TRUNCATE that failed has no trigger after it.
fn forget_with_transaction() {
    for end in [PgXactCallbackEvent::Commit, PgXactCallbackEvent::Abort, PgXactCallbackEvent::Prepare] {
        register_xact_callback(end, || LAST.with_borrow_mut(HashMap::clear));
    }
}

/// The trigger after TRUNCATE, which fires when all tables of the command are empty.
pub fn after(audience: &str) {
    let command = snapshot::current_command();
    let take = |last: &mut Truncation| (std::mem::take(&mut last.concerned), std::mem::take(&mut last.members));
    let taken = LAST.with_borrow_mut(|last| last.get_mut(audience).filter(|last| last.command == command).map(take));
    let Some((concerned, members)) = taken.filter(|(concerned, _)| !concerned.is_empty()) else { return };
    let ids: Vec<Uuid> = concerned.into_iter().collect();
    let (loaded, segments) = load(audience, |_| Definition::of_ids(&ids));
    recount(&loaded, &segments);
    members.into_iter().for_each(Members::record_changes);
}

/// The segments whose members may change if a table is emptied. Of a relation's table, these are those that ask for the
/// relation and are kept by triggers; the others are refreshed as ever.
fn concerned(audience: &Audience, emptied: &Emptied) -> Vec<Definition> {
    match emptied {
        Emptied::Contacts => Definition::all(&audience.name),
        Emptied::Relations(names) => {
            let mut segments = eligibility::segments(audience);
            segments.retain(|segment| names.iter().any(|name| segment.asks_for.contains(name)));
            Definition::of_ids(&segments.iter().map(|segment| segment.id).collect::<Vec<_>>())
        }
    }
}

fn load(audience: &str, segments: impl FnOnce(&Audience) -> Vec<Definition>) -> (Audience, Vec<Definition>) {
    security::as_role(access::extension_owner(), || {
        snapshot::latest(|| {
            let audience = Audience::load(audience);
            let segments = segments(&audience);
            (audience, segments)
        })
    })
}
