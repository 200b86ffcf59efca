//! What a statement has done to the counts of segments and to the members of watched ones.

use crate::catalog::segment::datum;
use crate::pg::error::internal;
use crate::pg::{heap, query};
use pgrx::pg_sys::Oid;
use std::collections::BTreeMap;
use uuid::Uuid;

/// By how much counts change, and who enters and leaves watched segments.
#[derive(Default)]
pub struct Outcome {
    deltas: BTreeMap<Uuid, i64>,
    changes: Vec<Change>,
}

/// That a contact entered a segment, or left it.
pub struct Change {
    pub segment: Uuid,
    pub contact: String,
    /// How many members more of that id the segment has, or fewer; never 0
    pub net: i64,
}

impl Change {
    pub fn entered(&self) -> bool {
        self.net > 0
    }
}

impl Outcome {
    /// A segment has so many members more.
    pub fn grew(&mut self, segment: Uuid, members: i64) {
        if members != 0 {
            *self.deltas.entry(segment).or_default() += members;
        }
    }

    /// A contact entered or left a watched segment, which has so many members more.
    pub fn moved(&mut self, segment: Uuid, contact: String, net: i64) {
        self.grew(segment, net);
        self.changed(segment, contact, net);
    }

    /// A contact entered or left a watched segment; that this has grown is for [`grew`](Self::grew) to say.
    pub fn changed(&mut self, segment: Uuid, contact: String, net: i64) {
        if net != 0 {
            self.changes.push(Change { segment, contact, net });
        }
    }

    /// Adds what was counted apart: who entered as often as left did neither.
    pub fn add_net(&mut self, counted: Outcome) {
        counted.deltas.into_iter().for_each(|(segment, delta)| self.grew(segment, delta));
        let mut nets: BTreeMap<(Uuid, String), i64> = BTreeMap::new();
        for Change { segment, contact, net } in counted.changes {
            *nets.entry((segment, contact)).or_default() += net;
        }
        nets.into_iter().for_each(|((segment, contact), net)| self.changed(segment, contact, net));
    }

    /// Records by how much the counts of an audience changed, as part of the transaction that did it; returns who
    /// entered and left, which is still to be recorded.
    pub fn record_growth(self, audience: &str, journal: Journal) -> Vec<Change> {
        let changed = self.deltas.iter().filter(|(_, delta)| **delta != 0);
        let (segments, deltas): (Vec<_>, Vec<_>) = changed.map(|(segment, delta)| (datum(*segment), *delta)).unzip();
        if !segments.is_empty() {
            heap::insert(journal.table, &[audience.into(), segments.into(), deltas.into()]);
        }
        self.changes
    }
}

/// Where differences are recorded.
#[derive(Clone, Copy)]
pub struct Journal {
    /// `segments.count_delta`
    table: Oid,
    /// Who owns it
    owner: Oid,
}

impl Journal {
    /// That of this database.
    pub fn find() -> Self {
        let found = query::first(
            // Without a cast to regclass, which needs USAGE on the schema: triggers fire for whoever may write
            // contacts.
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
