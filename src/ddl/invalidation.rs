//! Forgetting counts of live audiences where something that fires no trigger has changed who the members are. Until
//! they are counted again, they are counted for each reader.

use crate::catalog::access;
use crate::counting::bases;
use crate::pg::error::Failure;
use crate::pg::{query, relcache, snapshot};
use crate::shared::board;
use pgrx::PgSqlErrorCode;
use pgrx::pg_sys::Oid;
use pgrx::prelude::*;
use std::cell::RefCell;
use std::collections::HashSet;

/// Forgets the counts of the live audiences that have to do with one of the tables.
#[pg_extern(sql = false)]
fn forget_live_counts(tables: Vec<Option<Oid>>) {
    let tables: Vec<Oid> = tables.into_iter().flatten().collect();
    let audiences = || query::rows(AUDIENCES_OVER, &[tables.into()], |row| row.get(1));
    forget(snapshot::latest(audiences));
}

/// Says that contacts may have entered and left watched segments of these audiences without a trigger that fires, since a
/// command has changed what a table holds or how it is read; once in a transaction.
#[pg_extern(sql = false)]
fn warn_unrecorded_changes(audiences: Vec<Option<String>>) {
    let audiences: Vec<String> = audiences.into_iter().flatten().collect();
    let watched: Vec<String> = snapshot::latest(|| query::rows(WATCHED, &[audiences.into()], |row| row.get(1)));
    let transaction = snapshot::local_transaction();
    for audience in watched {
        if !WARNED.with_borrow_mut(|warned| warned.insert(transaction, &audience)) {
            continue;
        }
        Failure::new(
            PgSqlErrorCode::ERRCODE_WARNING,
            format!("entries to and exits from watched segments of audience \"{audience}\" may have gone unrecorded"),
        )
        .detail("The command changes what the table holds, or how it is read, and fires no trigger for its rows.")
        .hint("Read the members again: segment_members().")
        .warning();
    }
}

/// The audiences of which a transaction has said so.
#[derive(Default)]
struct Warned {
    transaction: u32,
    audiences: HashSet<String>,
}

impl Warned {
    fn insert(&mut self, transaction: u32, audience: &str) -> bool {
        if self.transaction != transaction {
            *self = Warned { transaction, audiences: HashSet::new() };
        }
        self.audiences.insert(audience.to_owned())
    }
}

thread_local! {
    static WARNED: RefCell<Warned> = RefCell::default();
}

/// Forgets the counts of the live audiences with columns whose values are labels of one of the types, be it in arrays
/// or in domains. Writers of their tables are held: no statement is to be evaluated with the old labels and count for
/// the new ones.
#[pg_extern(sql = false)]
fn forget_counts_of_types(types: Vec<Option<Oid>>) {
    let types: Vec<Oid> = types.into_iter().flatten().collect();
    let found =
        snapshot::latest(|| query::rows(AUDIENCES_WITH, &[types.into()], |row| (row.get(1), row.get::<Vec<Oid>>(2))));
    let (audiences, tables): (Vec<String>, Vec<Vec<Oid>>) = found.into_iter().unzip();
    for table in tables.into_iter().flatten() {
        relcache::lock_against_writers(table);
    }
    forget(audiences);
}

/// Forgets the counts of audiences. Whoever is counting them is waited for: what they count may be over already.
pub fn forget(audiences: Vec<String>) {
    let segments: Vec<pgrx::Uuid> = snapshot::latest(|| query::rows(SEGMENTS, &[audiences.into()], |row| row.get(1)));
    if segments.is_empty() {
        return;
    }
    bases::lock(access::extension_owner(), &segments);
    access::write_latest(FORGET, &[segments.into()]);
    board::wake();
}

// The tables that have these as parts are found once, not for each audience.
const AUDIENCES_OVER: &str = "
WITH concerned AS (
    SELECT pg_catalog.array_agg(t.oid) AS tables
      FROM (SELECT u.oid FROM pg_catalog.unnest($1) u(oid)
            UNION SELECT l.root::pg_catalog.oid FROM segments.live_table l WHERE l.part::pg_catalog.oid OPERATOR(pg_catalog.=) ANY ($1)) t)
SELECT a.name FROM segments.audience_config a, concerned c
 WHERE a.freshness OPERATOR(pg_catalog.=) 'live'
   AND (a.relation::pg_catalog.oid OPERATOR(pg_catalog.=) ANY (c.tables) OR a.topics_relation::pg_catalog.oid OPERATOR(pg_catalog.=) ANY (c.tables))";

const WATCHED: &str = "
SELECT DISTINCT s.audience FROM segments.watch_config w
  JOIN segments.segment_config s ON s.id OPERATOR(pg_catalog.=) w.segment
  JOIN segments.audience_config a ON a.name OPERATOR(pg_catalog.=) s.audience AND a.freshness OPERATOR(pg_catalog.=) 'live'
 WHERE w.watched AND s.audience OPERATOR(pg_catalog.=) ANY ($1) ORDER BY s.audience";

const AUDIENCES_WITH: &str = "
WITH RECURSIVE type(oid) AS (
    SELECT t.oid FROM pg_catalog.pg_type t WHERE t.oid OPERATOR(pg_catalog.=) ANY ($1) AND t.typtype OPERATOR(pg_catalog.=) 'e'
    UNION
    SELECT t.oid FROM type
      JOIN pg_catalog.pg_type t ON type.oid OPERATOR(pg_catalog.=) t.typelem OR type.oid OPERATOR(pg_catalog.=) t.typbasetype),
relation AS (
    SELECT n.attrelid AS oid FROM type
      JOIN pg_catalog.pg_attribute n ON n.atttypid OPERATOR(pg_catalog.=) type.oid AND NOT n.attisdropped)
SELECT a.name, pg_catalog.array_remove(ARRAY[a.relation::pg_catalog.oid, a.topics_relation::pg_catalog.oid], NULL)
  FROM segments.audience_config a
 WHERE a.freshness OPERATOR(pg_catalog.=) 'live'
   AND EXISTS (SELECT FROM relation r
                WHERE r.oid OPERATOR(pg_catalog.=) ANY (ARRAY[a.relation::pg_catalog.oid, a.topics_relation::pg_catalog.oid]))
 ORDER BY a.name";

const SEGMENTS: &str = "
SELECT s.id FROM segments.segment_config s WHERE s.audience OPERATOR(pg_catalog.=) ANY ($1) ORDER BY s.id";

const FORGET: &str = "
DELETE FROM segments.segment_count c WHERE c.segment OPERATOR(pg_catalog.=) ANY ($1)";
