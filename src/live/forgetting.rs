//! Forgetting counts of live audiences where something that fires no trigger has changed who the members are. Until
//! they are counted again, they are counted for each reader.

use crate::access;
use crate::count;
use crate::pg::snapshot;
use crate::query;
use pgrx::pg_sys::Oid;
use pgrx::prelude::*;

/// Forgets the counts of the live audiences that have to do with one of the tables.
#[pg_extern(sql = false)]
fn forget_live_counts(tables: Vec<Oid>) {
    let audiences = || query::rows(AUDIENCES_OVER, &[tables.into()], |row| row.get(1));
    forget(snapshot::latest(audiences));
}

/// Forgets the counts of audiences. Whoever is counting them is waited for: what they count may be over already.
pub fn forget(audiences: Vec<String>) {
    let segments: Vec<pgrx::Uuid> = snapshot::latest(|| query::rows(SEGMENTS, &[audiences.into()], |row| row.get(1)));
    if segments.is_empty() {
        return;
    }
    count::lock(access::extension_owner(), &segments);
    access::write_latest(FORGET, &[segments.into()]);
}

const AUDIENCES_OVER: &str = "
SELECT a.name FROM segments.audience_config a
 WHERE a.freshness OPERATOR(pg_catalog.=) 'live'
   AND (a.relation::pg_catalog.oid OPERATOR(pg_catalog.=) ANY ($1) OR a.topics_relation::pg_catalog.oid OPERATOR(pg_catalog.=) ANY ($1)
        OR EXISTS (SELECT FROM segments.live_table l
                    WHERE l.part::pg_catalog.oid OPERATOR(pg_catalog.=) ANY ($1)
                      AND l.root::pg_catalog.oid OPERATOR(pg_catalog.=) ANY (ARRAY[a.relation::pg_catalog.oid, a.topics_relation::pg_catalog.oid])))";

const SEGMENTS: &str = "
SELECT s.id FROM segments.segment_config s WHERE s.audience OPERATOR(pg_catalog.=) ANY ($1) ORDER BY s.id";

const FORGET: &str = "
DELETE FROM segments.segment_count c WHERE c.segment OPERATOR(pg_catalog.=) ANY ($1)";
