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

use crate::live::touched::Touched;
use crate::pg::snapshot::{self, Command};
use pgrx::pg_sys::Oid;
use std::cell::RefCell;
use std::collections::{HashMap, HashSet};

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
    /// What outer statements will count
    pending: HashMap<Key, Touched>,
    /// By audience, the last command that was counted when it ended
    counted: HashMap<String, Command>,
    /// The commands and audiences for which an inner statement was counted before the outer command was known to have
    /// begun
    late: HashSet<Key>,
}

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

/// Keeps whom a statement concerns for the outer command.
pub fn keep_for(outer: Command, audience: &str, touched: Touched) {
    known(|known| known.pending.entry((outer, audience.to_owned())).or_default().add(touched));
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

/// Takes what was kept for a command and an audience. The caller counts it now.
pub fn take_kept(command: Command, audience: &str) -> Option<Touched> {
    known(|known| known.pending.remove(&(command, audience.to_owned())))
}
