//! The stored members of a watched segment. A refresh compares them with the members that there are, and records who has
//! entered and who has left since.
//!
//! The ids are in chunks ([`segments_core::members`]). Whoever changes the set of a segment has locked the base of its
//! count before the snapshot in which it reads the members. So of two that compare, the second one sees what the first
//! one has stored.

use crate::catalog::access;
use crate::catalog::audience::Audience;
use crate::catalog::contact_sql;
use crate::catalog::segment::argument;
use crate::live::changes::record;
use crate::live::deltas::Change;
use crate::pg::error::{Failure, internal};
use crate::pg::spi::{Cursor, connected};
use crate::pg::tuple::Tuple;
use crate::pg::{query, security};
use crate::shared::settings;
use pgrx::PgSqlErrorCode;
use pgrx::pg_sys::{self, Oid};
use pgrx::spi::quote_identifier;
use segments_core::expr::Checked;
use segments_core::members::{self, Chunk, Found, Id, Integer, Text};
use std::cell::Cell;
use uuid::Uuid;

/// How many contacts, and how many chunks, are read at once. After so many contacts a refresh in the background pauses.
const CONTACTS: usize = 4096;
const CHUNKS: usize = 64;

/// How many entries and exits are recorded at once.
const CHANGES: usize = 1000;

/// Compares the stored set of a segment with the members in the active snapshot, records who has entered and who has
/// left, and stores the members. If none are stored yet, they are stored, and nobody enters. Returns how many members
/// there are, each row counted.
pub fn take(audience: &Audience, segment: Uuid, condition: &Checked) -> i64 {
    let kind = IdKind::of(audience);
    let stored = security::as_role(access::extension_owner(), || {
        query::first(STORED, &[argument(segment)], |row| row.get::<String>(1))
    });
    let is_first = stored.as_deref() != Some(kind.name());
    if is_first {
        if stored.is_some() {
            warn_of_other_ids(audience);
        }
        forget(segment);
        access::write_latest(BEGIN, &[argument(segment), kind.name().into()]);
        touch(segment);
    }
    let comparison = Comparison { audience, segment, condition, is_first };
    match kind {
        IdKind::Integer => comparison.run::<Integer>(kind),
        IdKind::Uuid => comparison.run::<members::Uuid>(kind),
        IdKind::Text => comparison.run::<Text>(kind),
    }
}

/// Forgets the stored members of a segment. The caller has locked its base and, if its audience is live and the segment
/// stays watched, holds writers. If it is watched no longer, what writers record meanwhile is of no interest.
pub fn forget(segment: Uuid) {
    if access::write_latest(FORGET, &[argument(segment)]) > 0 {
        touch(segment);
    }
}

/// Makes every session compile the triggers' program again, because the segment has got a set or has lost it.
fn touch(segment: Uuid) {
    access::write_latest(TOUCH, &[argument(segment)]);
}

fn warn_of_other_ids(audience: &Audience) {
    Failure::new(
        PgSqlErrorCode::ERRCODE_WARNING,
        format!(
            "entries to and exits from watched segments of audience \"{}\" may have gone unrecorded",
            audience.name
        ),
    )
    .detail("The ids of its contacts are of another type now.")
    .hint("Read the members again: segment_members().")
    .warning();
}

/// How the ids of an audience are stored.
#[derive(Clone, Copy)]
enum IdKind {
    Integer,
    Uuid,
    /// As the text that `segment_members()` writes
    Text,
}

impl IdKind {
    fn of(audience: &Audience) -> Self {
        match audience.id.type_name.as_str() {
            "pg_catalog.int2" | "pg_catalog.int4" | "pg_catalog.int8" => IdKind::Integer,
            "pg_catalog.uuid" => IdKind::Uuid,
            _ => IdKind::Text,
        }
    }

    fn name(self) -> &'static str {
        match self {
            IdKind::Integer => "integer",
            IdKind::Uuid => "uuid",
            IdKind::Text => "text",
        }
    }
}

/// An id that is read from a table of contacts.
trait MemberId: Id {
    /// The id in the first column of a row; `None` if it is NULL.
    fn read(row: &Tuple) -> Option<Self>;

    /// The text that `segment_members()` writes.
    fn text(&self) -> String;
}

impl MemberId for Integer {
    fn read(row: &Tuple) -> Option<Self> {
        row.get::<i64>(1).map(Integer::from)
    }

    fn text(&self) -> String {
        i64::from(*self).to_string()
    }
}

impl MemberId for members::Uuid {
    fn read(row: &Tuple) -> Option<Self> {
        row.get::<pgrx::Uuid>(1).map(|id| members::Uuid(*id.as_bytes()))
    }

    fn text(&self) -> String {
        Uuid::from_bytes(self.0).to_string()
    }
}

impl MemberId for Text {
    fn read(row: &Tuple) -> Option<Self> {
        row.get::<String>(1).map(|id| Text(id.into_bytes().into()))
    }

    fn text(&self) -> String {
        String::from_utf8_lossy(&self.0).into_owned()
    }
}

/// A comparison of the stored members of a segment with the present ones.
struct Comparison<'a> {
    audience: &'a Audience,
    segment: Uuid,
    condition: &'a Checked,
    /// Whether no members are stored, so that nobody enters
    is_first: bool,
}

impl Comparison<'_> {
    fn run<I: MemberId>(&self, kind: IdKind) -> i64 {
        let (contacts_owner, extension_owner) = (self.audience.relation.owner, access::extension_owner());
        let members = self.members(kind);
        let rows = Cell::new(0);
        connected(|session| {
            let present = security::as_role_restricted(contacts_owner, || {
                let cursor = session.open_cursor(&session.prepare(&members, &[]), &[]);
                Batches { cursor, role: Role::Restricted(contacts_owner), size: CONTACTS, read: I::read }
            });
            let present = present.rows().inspect(|_| rows.set(rows.get() + 1)).flatten();
            // The snapshot may show a set of another kind of ids, which is forgotten.
            let stored = (!self.is_first).then(|| {
                security::as_role(extension_owner, || {
                    let plan = session.prepare(STORED_CHUNKS, &[pg_sys::UUIDOID]);
                    let cursor = session.open_cursor(&plan, &[argument(self.segment)]);
                    Batches { cursor, role: Role::Own(extension_owner), size: CHUNKS, read: chunk }
                })
            });
            let stored = stored.into_iter().flat_map(Batches::rows);
            let mut recorder =
                Recorder { segment: self.segment, extension_owner, is_first: self.is_first, ..Recorder::default() };
            if let Err(failure) = members::merge(stored, present, &mut recorder) {
                failed(failure).raise()
            }
            recorder.record();
            recorder.store();
        });
        rows.get()
    }

    /// The query of the members' ids, in the order of their bytes.
    fn members(&self, kind: IdKind) -> String {
        let (audience, relation) = (self.audience, &self.audience.relation);
        // Otherwise ORDER BY would mean the column of the result.
        let id = format!("{}.{}", quote_identifier(&relation.name.name), quote_identifier(&audience.id.name));
        let (value, order) = match kind {
            IdKind::Integer => (format!("{id}::pg_catalog.int8"), id),
            IdKind::Uuid => (format!("{id}::pg_catalog.uuid"), id),
            IdKind::Text => {
                let text = audience.id.as_text(&id);
                let order = format!("({text}) COLLATE pg_catalog.\"C\"");
                (text, order)
            }
        };
        audience.reading(&format!(
            "SELECT {value} FROM {} WHERE {} ORDER BY {order}",
            relation.quoted(),
            contact_sql::executable_sql(audience, self.condition)
        ))
    }
}

fn failed(failure: members::Failure) -> Failure {
    match failure {
        members::Failure::Damaged => Failure::new(PgSqlErrorCode::ERRCODE_DATA_CORRUPTED, failure.to_string())
            .detail("Who has entered and left cannot be told.")
            .hint("Begin to watch the segment anew: watch_segment(…, false), then watch_segment(…)."),
        members::Failure::Disordered => internal(failure.to_string()),
    }
}

fn chunk(row: &Tuple) -> Chunk {
    Chunk { key: row.get(1).unwrap_or_default(), members: row.get(2).unwrap_or_default() }
}

/// The rights that a query runs with.
#[derive(Clone, Copy)]
enum Role {
    Own(Oid),
    Restricted(Oid),
}

/// A running query, whose rows are read some at a time.
struct Batches<'s, T> {
    cursor: Cursor<'s>,
    role: Role,
    size: usize,
    read: fn(&Tuple) -> T,
}

impl<'s, T> Batches<'s, T> {
    fn rows(mut self) -> impl Iterator<Item = T> + use<'s, T> {
        let mut is_over = false;
        let batches = std::iter::from_fn(move || {
            if is_over {
                return None;
            }
            let mut fetch = || self.cursor.next(self.size, self.read);
            let rows = match self.role {
                Role::Own(role) => security::as_role(role, &mut fetch),
                Role::Restricted(role) => {
                    settings::yield_to_load();
                    security::as_role_restricted(role, &mut fetch)
                }
            };
            is_over = rows.len() < self.size;
            Some(rows)
        });
        batches.flatten()
    }
}

/// Records what a comparison finds, and stores the chunks that it writes.
#[derive(Default)]
struct Recorder {
    segment: Uuid,
    extension_owner: Oid,
    is_first: bool,
    changes: Vec<Change>,
    written: Vec<Chunk>,
    deleted: Vec<Vec<u8>>,
}

impl Recorder {
    fn change<I: MemberId>(&mut self, id: &I, net: i64) {
        self.changes.push(Change { segment: self.segment, contact: id.text(), net });
        if self.changes.len() >= CHANGES {
            self.record();
        }
    }

    fn record(&mut self) {
        let changes = std::mem::take(&mut self.changes);
        // The arguments of queries live in the memory of a connection, and are freed with it. There may be many.
        connected(|_| security::as_role(self.extension_owner, || record::append(&changes)));
    }

    fn store(&mut self) {
        // A key that is deleted may be written afterwards, but not the other way round.
        let deleted = std::mem::take(&mut self.deleted);
        if !deleted.is_empty() {
            connected(|_| access::write_latest(DELETE, &[argument(self.segment), deleted.into()]));
        }
        let written = std::mem::take(&mut self.written).into_iter().map(|chunk| (chunk.key, chunk.members));
        let (keys, members): (Vec<Vec<u8>>, Vec<Vec<u8>>) = written.unzip();
        if !keys.is_empty() {
            connected(|_| access::write_latest(WRITE, &[argument(self.segment), keys.into(), members.into()]));
        }
    }
}

impl<I: MemberId> Found<I> for Recorder {
    fn entered(&mut self, id: &I) {
        if !self.is_first {
            self.change(id, 1);
        }
    }

    fn exited(&mut self, id: &I) {
        self.change(id, -1);
    }

    fn write(&mut self, chunk: Chunk) {
        self.written.push(chunk);
        if self.written.len() >= CHUNKS {
            self.store();
        }
    }

    fn delete(&mut self, key: Vec<u8>) {
        self.deleted.push(key);
        if self.deleted.len() >= CHUNKS {
            self.store();
        }
    }
}

const STORED: &str = "SELECT m.ids FROM segments.member_set m WHERE m.segment = $1";

const STORED_CHUNKS: &str = "
SELECT c.key, c.members FROM segments.member_chunk c WHERE c.segment = $1 ORDER BY c.key";

const BEGIN: &str = "INSERT INTO segments.member_set (segment, ids) VALUES ($1, $2)";

const FORGET: &str = "DELETE FROM segments.member_set m WHERE m.segment = $1";

const TOUCH: &str = "UPDATE segments.watch_config w SET watched = w.watched WHERE w.segment = $1";

// Code of the table's owner that runs while the members are read may have ended the watching.
const WRITE: &str = "
INSERT INTO segments.member_chunk (segment, key, members)
SELECT m.segment, c.key, c.members
  FROM segments.member_set m, ROWS FROM (unnest($2), unnest($3)) c(key, members)
 WHERE m.segment = $1
    ON CONFLICT (segment, key) DO UPDATE SET members = excluded.members";

const DELETE: &str = "DELETE FROM segments.member_chunk c WHERE c.segment = $1 AND c.key = ANY ($2)";
