//! The effect of a statement: deltas of counts, and entries and exits of watched segments.

use crate::catalog::segment::datum;
use crate::pg::error::internal;
use crate::pg::{heap, query};
use pgrx::pg_sys::Oid;
use std::collections::BTreeMap;
use uuid::Uuid;

/// The effect of a statement on the segments of an audience.
#[derive(Default)]
pub struct Effect {
    deltas: BTreeMap<Uuid, i64>,
    changes: Vec<Change>,
}

/// An entry of a contact into a segment, or an exit.
pub struct Change {
    pub segment: Uuid,
    pub contact: String,
    /// By how many members with that id the segment grows, negative if it shrinks; never 0
    pub net: i64,
}

impl Change {
    pub fn entered(&self) -> bool {
        self.net > 0
    }
}

impl Effect {
    /// Adds that a segment has `members` more members.
    pub fn grew(&mut self, segment: Uuid, members: i64) {
        if members != 0 {
            *self.deltas.entry(segment).or_default() += members;
        }
    }

    /// Adds that a contact entered or left a watched segment, which grows by `net` members.
    pub fn moved(&mut self, segment: Uuid, contact: String, net: i64) {
        self.grew(segment, net);
        self.changed(segment, contact, net);
    }

    /// Adds that a contact entered or left a watched segment, without changing the segment's delta.
    pub fn changed(&mut self, segment: Uuid, contact: String, net: i64) {
        if net != 0 {
            self.changes.push(Change { segment, contact, net });
        }
    }

    /// Adds an effect that was computed separately. A contact that entered as often as it left did neither.
    pub fn add_net(&mut self, counted: Effect) {
        counted.deltas.into_iter().for_each(|(segment, delta)| self.grew(segment, delta));
        let mut nets: BTreeMap<(Uuid, String), i64> = BTreeMap::new();
        for Change { segment, contact, net } in counted.changes {
            *nets.entry((segment, contact)).or_default() += net;
        }
        nets.into_iter().for_each(|((segment, contact), net)| self.changed(segment, contact, net));
    }

    /// Inserts the deltas of an audience's segments, as part of the transaction that causes them. Returns the entries
    /// and exits, which are still to be recorded.
    pub fn record_growth(self, audience: &str, journal: Journal) -> Vec<Change> {
        let changed = self.deltas.iter().filter(|(_, delta)| **delta != 0);
        let (segments, deltas): (Vec<_>, Vec<_>) = changed.map(|(segment, delta)| (datum(*segment), *delta)).unzip();
        if !segments.is_empty() {
            heap::insert(journal.table, &[audience.into(), segments.into(), deltas.into()]);
        }
        self.changes
    }
}

/// The table that deltas are inserted into.
#[derive(Clone, Copy)]
pub struct Journal {
    /// `segments.count_delta`
    table: Oid,
    /// The owner of the table
    owner: Oid,
}

impl Journal {
    /// The journal of this database.
    pub fn find() -> Self {
        let found = query::first(
            // A cast to regclass would need USAGE on the schema, which users who write contacts may lack.
            "SELECT c.oid, c.relowner FROM pg_class c
               JOIN pg_namespace n ON n.oid = c.relnamespace
              WHERE n.nspname = 'segments' AND c.relname = 'count_delta'",
            &[],
            |row| Journal { table: row.get(1), owner: row.get(2) },
        );
        found.unwrap_or_else(|| internal("there is no table to record changes of counts in").raise())
    }

    pub fn owner(self) -> Oid {
        self.owner
    }
}
