//! Whom a statement concerns: which contacts it touches in a way that may matter to segments that ask for other tables, and
//! to which of these. The transition tables are read directly, so that a statement that concerns nobody costs next to
//! nothing, and locks nothing.

use crate::live::touched::Touched;
use std::collections::HashSet;
use uuid::Uuid;

mod contacts;
mod rows;

pub use contacts::ContactsConcern;
pub use rows::RowsConcern;

/// What the rows of a statement concern.
struct Found {
    contacts: HashSet<String>,
    concerned: Vec<bool>,
}

impl Found {
    fn new(conditions: usize) -> Self {
        Found { contacts: HashSet::new(), concerned: vec![false; conditions] }
    }

    /// Adds a contact, unless no condition holds.
    fn add(&mut self, contact: String, conditions: impl Iterator<Item = usize>) {
        let mut holds = false;
        for number in conditions {
            self.concerned[number] = true;
            holds = true;
        }
        if holds {
            self.contacts.insert(contact);
        }
    }

    fn into_touched(self, segments: &[Uuid], touched: &mut Touched) {
        touched.contacts.extend(self.contacts);
        let concerned = segments.iter().zip(self.concerned).filter(|(_, concerned)| *concerned);
        touched.segments.extend(concerned.map(|(segment, _)| *segment));
    }
}
