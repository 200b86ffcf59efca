//! Statements that run inside others.
//!
//! The changes of a transaction are counted command by command: each with what the commands before it have left behind.
//! That is what a snapshot as of a command shows once all of these are done. But a BEFORE trigger, or a function that a
//! statement calls, runs statements of its own while the outer one is half done, and these have higher numbers. So what
//! they do is not counted when they end: the contacts that they concern are kept until the outer statement ends, and are
//! counted then, from what they were before it to what they are after the last inner one. A trigger before each
//! statement says that it begins.
//!
//! That trigger comes first by its name. Where one of the owner's comes before it all the same, and what that does has been
//! counted, the counts are forgotten.
//!
//! Statements of AFTER triggers run when the outer one is done. Those that run before its own counting are kept for it
//! all the same, which does no harm.

use crate::pg::snapshot::{self, Command};
use pgrx::pg_sys::Oid;
use std::cell::RefCell;
use std::collections::{HashMap, HashSet, VecDeque};
use std::rc::Rc;

/// Contacts whose changes the statement around them is to count.
pub struct Pending {
    /// As text
    contacts: HashSet<String>,
    /// The command after all that was done to them
    until: Command,
    /// Whether something was done to contacts that could not be found: they are among those that the outer statement
    /// changes, or that another inner one does
    has_missed: bool,
}

/// Of one command and audience, the contacts that have been counted for all that was done to them up to a later command.
pub struct Absorbed {
    pub contacts: HashSet<String>,
    pub until: Command,
    /// Whether each contact that the command concerns is to be counted so
    pub has_missed: bool,
}

/// A statement that has begun.
struct Underway {
    table: Oid,
    command: Command,
    subtransaction: u32,
}

/// A command, and an audience.
type Key = (Command, String);

#[derive(Default)]
struct Known {
    transaction: u32,
    underway: Vec<Underway>,
    pending: HashMap<Key, Pending>,
    absorbed: VecDeque<(Key, Rc<RefCell<Absorbed>>)>,
    /// Of each audience, the last command that has been counted when it ended
    counted: HashMap<String, Command>,
    /// Of which audiences statements inside a command have been counted before it was known to have begun
    late: HashSet<Key>,
}

/// Of how many commands and audiences it is known which contacts have been counted: an outer statement fires several
/// triggers, between which others run.
const ABSORBED: usize = 16;

thread_local! {
    static KNOWN: RefCell<Known> = RefCell::default();
}

fn known<T>(work: impl FnOnce(&mut Known) -> T) -> T {
    KNOWN.with_borrow_mut(|known| {
        let transaction = snapshot::local_transaction();
        if known.transaction != transaction {
            *known = Known { transaction, ..Known::default() };
        }
        work(known)
    })
}

/// A statement begins that is to change a table.
pub fn begin(table: Oid) {
    let command = snapshot::current_command();
    known(|known| {
        // Those of a subtransaction that was rolled back have failed.
        known.underway.retain(|statement| snapshot::is_subtransaction_active(statement.subtransaction));
        known.underway.push(Underway { table, command, subtransaction: snapshot::subtransaction() });
        let late = known.counted.iter().filter(|(_, counted)| **counted > command);
        known.late.extend(late.map(|(audience, _)| (command, audience.clone())));
    });
}

/// A command has done all that it does itself, and so have those that began inside it.
pub fn end(command: Command) {
    known(|known| known.underway.retain(|statement| statement.command < command));
}

/// The commands around this one, which are not done, each with a table that it changes.
pub fn outer() -> Vec<(Command, Oid)> {
    known(|known| {
        let is_active = |statement: &&Underway| snapshot::is_subtransaction_active(statement.subtransaction);
        known.underway.iter().filter(is_active).map(|statement| (statement.command, statement.table)).collect()
    })
}

/// Keeps contacts of an audience for the command around; `has_missed`: and others, which could not be found.
pub fn keep_for(outer: Command, audience: &str, contacts: Vec<String>, has_missed: bool) {
    let until = snapshot::next_command();
    known(|known| {
        let pending = known.pending.entry((outer, audience.to_owned())).or_insert_with(|| Pending {
            contacts: HashSet::new(),
            until,
            has_missed: false,
        });
        pending.contacts.extend(contacts);
        pending.until = until;
        pending.has_missed |= has_missed;
    });
}

/// A command, which is inside no other, has been counted for an audience. Whether that is what it did: not where statements
/// inside it were counted before it was known to have begun.
pub fn count(command: Command, audience: &str) -> bool {
    known(|known| {
        known.counted.insert(audience.to_owned(), command);
        !known.late.remove(&(command, audience.to_owned()))
    })
}

/// Whether contacts are kept for a command.
pub fn has_kept(command: Command) -> bool {
    known(|known| known.pending.keys().any(|(outer, _)| *outer == command))
}

/// The contacts of an audience that have been kept for a command, and are to be counted now.
pub fn take_kept(command: Command, audience: &str) -> Option<Vec<String>> {
    let key = (command, audience.to_owned());
    known(|known| {
        let Pending { contacts, until, has_missed } = known.pending.remove(&key)?;
        let absorbed = Absorbed { contacts: HashSet::new(), until, has_missed };
        known.absorbed.truncate(ABSORBED - 1);
        known.absorbed.push_front((key, Rc::new(RefCell::new(absorbed))));
        Some(contacts.into_iter().collect())
    })
}

/// What has been counted so of a command; `None` where nothing is.
pub fn absorbed(command: Command, audience: &str) -> Option<Rc<RefCell<Absorbed>>> {
    known(|known| {
        let found = known.absorbed.iter().find(|(key, _)| key.0 == command && key.1 == audience);
        found.map(|(_, absorbed)| Rc::clone(absorbed))
    })
}
