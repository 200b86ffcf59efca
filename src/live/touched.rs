//! Whom a statement concerns.

use std::collections::HashSet;
use uuid::Uuid;

/// The contacts that a statement touches, and the segments that it may concern.
#[derive(Clone, Default)]
pub struct Touched {
    /// The ids as text
    pub contacts: HashSet<String>,
    pub segments: HashSet<Uuid>,
}

impl Touched {
    pub fn is_empty(&self) -> bool {
        self.contacts.is_empty() || self.segments.is_empty()
    }

    pub fn add(&mut self, other: Touched) {
        self.contacts.extend(other.contacts);
        self.segments.extend(other.segments);
    }
}
