//! Statements that run inside other statements.
//!
//! The changes of a transaction are counted command by command, each with the result of the commands before it. A
//! snapshot as of a command shows that result if all earlier commands are done. But a BEFORE trigger, or a function
//! that a statement calls, runs statements while the outer one is unfinished, and they have higher numbers. So these
//! inner statements are not counted when they end. The contacts that they change are kept until the outer statement
//! ends. Then the difference between the state before the outer statement and the state after the last inner one is
//! counted. A trigger before each statement reports that it begins.
//!
//! That trigger has a name that sorts first. If a trigger of the owner still fires before it, and statements of that
//! trigger have been counted, the counts are forgotten.
//!
//! Statements of AFTER triggers run when the outer statement is done. If they run before the outer statement is
//! counted, their contacts are kept for it, too, which does no harm.

use crate::pg::snapshot::{self, Command};
use pgrx::pg_sys::Oid;
use std::cell::RefCell;
use std::collections::{HashMap, HashSet, VecDeque};
use std::rc::Rc;

/// Contacts that an outer statement will count.
pub struct Pending {
    /// The ids as text
    contacts: HashSet<String>,
    /// A command that sees everything that was done to the contacts
    until: Command,
    /// Whether some contacts could not be found. The outer statement or another inner one changes them
    has_missed: bool,
}

/// For one command and audience: the contacts that have been counted for everything that was done to them before the
/// command `until`.
pub struct Absorbed {
    pub contacts: HashSet<String>,
    pub until: Command,
    /// Whether every contact that the command changes must be counted in this way
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
struct OpenStatements {
    transaction: u32,
    underway: Vec<Underway>,
    pending: HashMap<Key, Pending>,
    absorbed: VecDeque<(Key, Rc<RefCell<Absorbed>>)>,
    /// By audience, the last command that was counted when it ended
    counted: HashMap<String, Command>,
    /// The commands and audiences for which an inner statement was counted before the outer command was known to have
    /// begun
    late: HashSet<Key>,
}

/// How many entries of `absorbed` are kept. An outer statement fires several triggers, and others run between them.
const ABSORBED: usize = 16;

thread_local! {
    static KNOWN: RefCell<OpenStatements> = RefCell::default();
}

fn known<T>(work: impl FnOnce(&mut OpenStatements) -> T) -> T {
    KNOWN.with_borrow_mut(|known| {
        let transaction = snapshot::local_transaction();
        if known.transaction != transaction {
            *known = OpenStatements { transaction, ..OpenStatements::default() };
        }
        work(known)
    })
}

/// Reports that a statement begins which will change a table.
pub fn begin(table: Oid) {
    let command = snapshot::current_command();
    known(|known| {
        // Statements of a subtransaction that was rolled back have failed.
        known.underway.retain(|statement| snapshot::is_subtransaction_active(statement.subtransaction));
        known.underway.push(Underway { table, command, subtransaction: snapshot::subtransaction() });
        let late = known.counted.iter().filter(|(_, counted)| **counted > command);
        known.late.extend(late.map(|(audience, _)| (command, audience.clone())));
    });
}

/// Reports that a command and the commands inside it are done.
pub fn end(command: Command) {
    known(|known| known.underway.retain(|statement| statement.command < command));
}

/// The unfinished commands around this one, each with a table that it changes.
pub fn outer() -> Vec<(Command, Oid)> {
    known(|known| {
        let is_active = |statement: &&Underway| snapshot::is_subtransaction_active(statement.subtransaction);
        known.underway.iter().filter(is_active).map(|statement| (statement.command, statement.table)).collect()
    })
}

/// Keeps contacts of an audience for the outer command. `has_missed` says that others could not be found.
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

/// Reports that a command which is inside no other has been counted for an audience. Returns whether the count is
/// right. It is wrong if statements inside the command were counted before the command was known to have begun.
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

/// Takes the contacts of an audience that were kept for a command. The caller counts them now.
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

/// The contacts of a command that have been counted in this way; `None` if there are none.
pub fn absorbed(command: Command, audience: &str) -> Option<Rc<RefCell<Absorbed>>> {
    known(|known| {
        let found = known.absorbed.iter().find(|(key, _)| key.0 == command && key.1 == audience);
        found.map(|(_, absorbed)| Rc::clone(absorbed))
    })
}
