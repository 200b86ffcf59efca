//! Warning of entries and exits that no trigger has seen.

use crate::catalog::access;
use crate::live::changes::watched::can_have_sets;
use crate::pg::error::Failure;
use crate::pg::{query, security, snapshot};
use pgrx::PgSqlErrorCode;
use std::cell::RefCell;
use std::collections::HashSet;

/// Warns that contacts may have entered and left watched segments of these live audiences without a record, and says
/// why. What refreshes record is not lost: they compare members. It warns once in a transaction for each audience.
pub fn warn(audiences: Vec<String>, why: &str) {
    let sql = if can_have_sets() { WATCHED_BY_TRIGGERS } else { WATCHED };
    let watched: Vec<String> = security::as_role(access::extension_owner(), || {
        snapshot::latest(|| query::rows(sql, &[audiences.into()], |row| row.get(1)))
    });
    let transaction = snapshot::local_transaction();
    for audience in watched {
        if !WARNED.with_borrow_mut(|warned| warned.insert(transaction, &audience)) {
            continue;
        }
        Failure::new(
            PgSqlErrorCode::ERRCODE_WARNING,
            format!("entries to and exits from watched segments of audience \"{audience}\" may have gone unrecorded"),
        )
        .detail(why)
        .hint("Read the members again: segment_members().")
        .warning();
    }
}

/// The audiences for which the transaction has warned.
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

const WATCHED: &str = "
SELECT DISTINCT s.audience FROM segments.watch_config w
  JOIN segments.segment_config s ON s.id OPERATOR(pg_catalog.=) w.segment
  JOIN segments.audience_config a ON a.name OPERATOR(pg_catalog.=) s.audience AND a.freshness OPERATOR(pg_catalog.=) 'live'
 WHERE w.watched AND s.audience OPERATOR(pg_catalog.=) ANY ($1) ORDER BY s.audience";

const WATCHED_BY_TRIGGERS: &str = "
SELECT DISTINCT s.audience FROM segments.watch_config w
  JOIN segments.segment_config s ON s.id OPERATOR(pg_catalog.=) w.segment
  JOIN segments.audience_config a ON a.name OPERATOR(pg_catalog.=) s.audience AND a.freshness OPERATOR(pg_catalog.=) 'live'
 WHERE w.watched AND s.audience OPERATOR(pg_catalog.=) ANY ($1)
   AND NOT EXISTS (SELECT FROM segments.member_set m WHERE m.segment OPERATOR(pg_catalog.=) w.segment) ORDER BY s.audience";
