//! Up to which command the subscriptions of a contact have been counted.
//!
//! Most commands change a contact's subscriptions by one sort of event, and what its trigger sees in the transition
//! tables is all that the command did to them. But `INSERT … ON CONFLICT DO UPDATE`, `MERGE` and writable `WITH` fire
//! several triggers, and a foreign key's cascades fire them for all its commands at once. Whichever trigger comes first
//! then counts everything that was done to the contact, and those that follow have to know. Each audience counts for
//! itself: several may have the same subscriptions, or contacts of the same ids.

use crate::pg::snapshot::{self, Command};
use std::cell::RefCell;
use std::collections::{HashMap, HashSet, VecDeque};

/// A contact that the statement concerns.
pub struct Touched {
    /// As text
    pub contact: String,
    /// How many subscriptions the statement took from it, and how many it gave it
    pub taken: i64,
    pub given: i64,
    /// The places of its subscriptions in their table, after the command
    pub places: Vec<String>,
}

/// The contacts of an audience that triggers of one command have counted.
pub struct Settled<'a> {
    audience: &'a str,
    command: Command,
    /// The next command: it sees all that has been done
    now: Command,
    counted: Counted,
}

/// Contacts, and the commands before which they have been counted.
type Counted = HashMap<String, Command>;

/// Of one transaction, the latest commands, and what each audience has counted of them; a statement inside another
/// statement's trigger is a command of its own.
struct Known {
    transaction: u32,
    commands: VecDeque<(Command, HashMap<String, Counted>)>,
}

const COMMANDS: usize = 16;
/// How many contacts are remembered of a command whose events were as plain as most.
const PLAIN: usize = 10_000;

thread_local! {
    static KNOWN: RefCell<Known> = const { RefCell::new(Known { transaction: 0, commands: VecDeque::new() }) };
}

impl Known {
    /// What is known of a command of this transaction.
    fn of(&mut self, command: Command) -> &mut HashMap<String, Counted> {
        let transaction = snapshot::transaction();
        if self.transaction != transaction {
            *self = Known { transaction, commands: VecDeque::new() };
        }
        let position = self.commands.iter().position(|(known, _)| *known == command).unwrap_or_else(|| {
            self.commands.truncate(COMMANDS - 1);
            self.commands.push_front((command, HashMap::new()));
            0
        });
        &mut self.commands[position].1
    }
}

impl<'a> Settled<'a> {
    pub fn of(audience: &'a str, command: Command) -> Self {
        let counted = KNOWN.with_borrow_mut(|known| known.of(command).remove(audience)).unwrap_or_default();
        Settled { audience, command, now: snapshot::next_command(), counted }
    }

    /// Notes that a contact has been counted for all that was done to it before a command.
    pub fn count_until(&mut self, contact: &str, until: Command) {
        let counted = self.counted.entry(contact.to_owned()).or_insert(until);
        *counted = until.max(*counted);
    }

    /// Before which command and before which later one the contact is to be evaluated; `None` where nothing is left to
    /// count. Its subscriptions were at `before` when the command began.
    pub fn span(&mut self, touched: &Touched, before: &[String]) -> Option<(Command, Command)> {
        let (old, new): (HashSet<&String>, HashSet<&String>) =
            (before.iter().collect(), touched.places.iter().collect());
        let taken = old.difference(&new).count() as i64;
        let given = new.difference(&old).count() as i64;
        let counted = self.counted.get(&touched.contact).copied();
        let is_all = counted.is_none() && (taken, given) == (touched.taken, touched.given);
        // What the command itself did, or what was done on its behalf later.
        let is_own = touched.taken <= taken && touched.given <= given;
        let until = if is_own { self.command + 1 } else { self.now };
        let from = counted.unwrap_or(self.command);
        if until <= from {
            return None;
        }
        if !is_all || self.counted.len() < PLAIN {
            self.counted.insert(touched.contact.clone(), until);
        }
        Some((from, until))
    }
}

impl Drop for Settled<'_> {
    fn drop(&mut self) {
        let counted = std::mem::take(&mut self.counted);
        KNOWN.with_borrow_mut(|known| known.of(self.command).insert(self.audience.to_owned(), counted));
    }
}
