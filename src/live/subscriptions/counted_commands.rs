//! Keeping track of the command up to which the subscriptions of a contact have been counted.
//!
//! Most commands change the subscriptions of a contact with one kind of event, so the transition tables of its trigger
//! show everything that the command did to them. But `INSERT … ON CONFLICT DO UPDATE`, `MERGE` and writable `WITH` fire
//! several triggers, and the cascades of a foreign key fire them for all its commands at once. Then the first trigger
//! counts everything that was done to the contact, and the later triggers must know that. This is tracked for each
//! audience, because several audiences may share subscriptions or ids.

use crate::pg::snapshot::{self, Command};
use std::cell::RefCell;
use std::collections::{HashMap, HashSet, VecDeque};

/// A contact whose subscriptions a statement has changed.
pub struct Touched {
    /// The id as text
    pub contact: String,
    /// How many of its subscriptions the statement removed, and how many it added
    pub taken: i64,
    pub given: i64,
    /// Where its subscriptions are stored after the command
    pub places: Vec<String>,
}

/// The contacts of an audience that the triggers of one command have counted.
pub struct Settled<'a> {
    audience: &'a str,
    command: Command,
    /// The next command, which sees everything done so far
    now: Command,
    counted: CountedContacts,
}

/// For each contact, the command up to which it has been counted.
type CountedContacts = HashMap<String, Command>;

/// The latest commands of a transaction, and what each audience has counted of them. A statement inside a trigger of
/// another statement is a command of its own.
struct LatestCommands {
    transaction: u32,
    commands: VecDeque<(Command, HashMap<String, CountedContacts>)>,
}

const COMMANDS: usize = 16;
/// How many contacts are remembered for a command with one kind of event.
const PLAIN: usize = 10_000;

thread_local! {
    static KNOWN: RefCell<LatestCommands> = const { RefCell::new(LatestCommands { transaction: 0, commands: VecDeque::new() }) };
}

impl LatestCommands {
    /// The counted contacts of a command, by audience.
    fn of(&mut self, command: Command) -> &mut HashMap<String, CountedContacts> {
        let transaction = snapshot::transaction();
        if self.transaction != transaction {
            *self = LatestCommands { transaction, commands: VecDeque::new() };
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

    /// Notes that a contact has been counted for everything that was done to it before a command.
    pub fn count_until(&mut self, contact: &str, until: Command) {
        let counted = self.counted.entry(contact.to_owned()).or_insert(until);
        *counted = until.max(*counted);
    }

    /// The two commands before which the contact must be evaluated, the earlier one first; `None` if nothing is left to
    /// count. `before` says where its subscriptions were stored when the command began.
    pub fn span(&mut self, touched: &Touched, before: &[String]) -> Option<(Command, Command)> {
        let (old, new): (HashSet<&String>, HashSet<&String>) =
            (before.iter().collect(), touched.places.iter().collect());
        let taken = old.difference(&new).count() as i64;
        let given = new.difference(&old).count() as i64;
        let counted = self.counted.get(&touched.contact).copied();
        let is_all = counted.is_none() && (taken, given) == (touched.taken, touched.given);
        // Whether the changes are all the command's own, or some were made on its behalf later.
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
