//! What a statement has done to the counts of segments and to the members of watched ones.

use crate::count::datum;
use crate::error::internal;
use crate::pg::{heap, security};
use crate::query;
use pgrx::pg_sys::Oid;
use std::collections::BTreeMap;
use uuid::Uuid;

/// By how much counts change, and who enters and leaves watched segments.
#[derive(Default)]
pub struct Outcome {
    deltas: BTreeMap<Uuid, i64>,
    changes: Changes,
}

#[derive(Default)]
struct Changes {
    segments: Vec<pgrx::Uuid>,
    contacts: Vec<String>,
    entered: Vec<bool>,
}

impl Outcome {
    /// A segment has so many members more.
    pub fn grew(&mut self, segment: Uuid, members: i64) {
        if members != 0 {
            *self.deltas.entry(segment).or_default() += members;
        }
    }

    /// A contact entered or left a watched segment, which has one member more or less.
    pub fn moved(&mut self, segment: Uuid, contact: String, entered: bool) {
        self.grew(segment, if entered { 1 } else { -1 });
        self.changed(segment, contact, entered);
    }

    /// A contact entered or left a watched segment; that this has grown is for [`grew`](Self::grew) to say.
    pub fn changed(&mut self, segment: Uuid, contact: String, entered: bool) {
        self.changes.segments.push(datum(segment));
        self.changes.contacts.push(contact);
        self.changes.entered.push(entered);
    }

    /// Records all of it, as part of the transaction that did it.
    pub fn record(self, audience: &str, journal: Journal) {
        let changed = self.deltas.iter().filter(|(_, delta)| **delta != 0);
        let (segments, deltas): (Vec<_>, Vec<_>) = changed.map(|(segment, delta)| (datum(*segment), *delta)).unzip();
        if !segments.is_empty() {
            heap::insert(journal.table, &[audience.into(), segments.into(), deltas.into()]);
        }
        self.record_changes(journal.owner);
    }

    /// Records the entries and exits alone.
    pub fn record_changes(self, extension_owner: Oid) {
        let Changes { segments, contacts, entered } = self.changes;
        if !segments.is_empty() {
            security::as_role(extension_owner, || {
                query::write(RECORD_CHANGES, &[segments.into(), contacts.into(), entered.into()])
            });
        }
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
            "SELECT c.oid, c.relowner FROM pg_catalog.pg_class c
               JOIN pg_catalog.pg_namespace n ON n.oid OPERATOR(pg_catalog.=) c.relnamespace
              WHERE n.nspname OPERATOR(pg_catalog.=) 'segments' AND c.relname OPERATOR(pg_catalog.=) 'count_delta'",
            &[],
            |row| Journal { table: row.get(1), owner: row.get(2) },
        );
        found.unwrap_or_else(|| internal("there is no table to record changes of counts in").raise())
    }

    pub fn owner(self) -> Oid {
        self.owner
    }
}

const RECORD_CHANGES: &str = "
INSERT INTO segments.change_record (transaction, segment, contact_id, change, changed_at)
SELECT pg_catalog.pg_current_xact_id(), c.segment, c.contact,
       CASE WHEN c.entered THEN 'entered' ELSE 'exited' END, pg_catalog.clock_timestamp()
  FROM ROWS FROM (pg_catalog.unnest($1), pg_catalog.unnest($2), pg_catalog.unnest($3)) c(segment, contact, entered)";
