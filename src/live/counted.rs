//! Which stretches of a transaction's commands have been counted for which contacts.
//!
//! One command may fire several triggers for a contact: `INSERT … ON CONFLICT DO UPDATE`, `MERGE`, a writable `WITH`, and the
//! cascades of a foreign key, whose triggers fire for all its commands at once. The first trigger counts everything that was
//! done to the contact until then, and later ones what has been done since. This is tracked for each audience, because
//! several audiences may share tables or ids, and for the segments that were evaluated.

use crate::live::touched::Touched;
use crate::pg::snapshot::{self, Command};
use std::cell::RefCell;
use std::collections::{HashMap, VecDeque};
use uuid::Uuid;

/// Contacts that are to be counted from a command on until another, for some segments.
pub struct Span {
    pub from: Command,
    pub until: Command,
    pub contacts: Vec<String>,
    pub segments: Vec<Uuid>,
}

/// A stretch that has been counted.
struct Counted {
    audience: String,
    from: Command,
    until: Command,
    touched: Touched,
}

#[derive(Default)]
struct Known {
    transaction: u32,
    /// The latest ones first
    counted: VecDeque<Counted>,
}

/// How many stretches are remembered, and how many contacts, of more than the latest ones.
const MOST: usize = 64;
const LATEST: usize = 16;
const MOST_CONTACTS: usize = 1_000_000;

thread_local! {
    static KNOWN: RefCell<Known> = RefCell::default();
}

/// The stretches from a command on that have not been counted yet. The caller counts them now.
pub fn uncounted(audience: &str, command: Command, until: Command, touched: Touched) -> Vec<Span> {
    KNOWN.with_borrow_mut(|known| {
        let transaction = snapshot::local_transaction();
        if known.transaction != transaction {
            *known = Known { transaction, counted: VecDeque::new() };
        }
        let earlier: Vec<&Counted> =
            known.counted.iter().filter(|counted| counted.audience == audience && counted.until > command).collect();
        let spans = spans(&earlier, command, until, &touched);
        known.remember(Counted { audience: audience.to_owned(), from: command, until, touched });
        spans
    })
}

fn spans(earlier: &[&Counted], from: Command, until: Command, touched: &Touched) -> Vec<Span> {
    // Segments that have been evaluated at the same times.
    let mut alike: HashMap<Vec<usize>, Vec<Uuid>> = HashMap::new();
    for segment in &touched.segments {
        let counting = (0..earlier.len()).filter(|number| earlier[*number].touched.segments.contains(segment));
        alike.entry(counting.collect()).or_default().push(*segment);
    }
    let mut spans = Vec::new();
    for (counting, segments) in alike {
        let mut by_stretches: HashMap<Vec<(Command, Command)>, Vec<String>> = HashMap::new();
        for contact in &touched.contacts {
            let mut left = vec![(from, until)];
            for counted in counting.iter().map(|number| earlier[*number]) {
                if counted.touched.contacts.contains(contact) {
                    left =
                        left.into_iter().flat_map(|stretch| without(stretch, (counted.from, counted.until))).collect();
                }
            }
            by_stretches.entry(left).or_default().push(contact.clone());
        }
        for (stretches, contacts) in by_stretches {
            spans.extend(stretches.into_iter().map(|(from, until)| Span {
                from,
                until,
                contacts: contacts.clone(),
                segments: segments.clone(),
            }));
        }
    }
    spans
}

/// What is left of a stretch without another.
fn without((from, until): (Command, Command), gone: (Command, Command)) -> impl Iterator<Item = (Command, Command)> {
    [(from, until.min(gone.0)), (from.max(gone.1), until)].into_iter().filter(|(from, until)| from < until)
}

impl Known {
    fn remember(&mut self, counted: Counted) {
        self.counted.push_front(counted);
        let contacts = |known: &Self| known.counted.iter().map(|counted| counted.touched.contacts.len()).sum::<usize>();
        while self.counted.len() > MOST || self.counted.len() > LATEST && contacts(self) > MOST_CONTACTS {
            self.counted.pop_back();
        }
    }
}
