//! Counting members.

use crate::access;
use crate::audience::Audience;
use crate::contact;
use crate::pg::security;
use crate::query;
use crate::segment::argument;
use segments_core::expr::Checked;
use uuid::Uuid;

/// How many contacts satisfy a condition, with the rights of the current role.
pub fn as_caller(audience: &Audience, checked: &Checked) -> i64 {
    count(&query_for(audience, checked))
}

/// How many contacts satisfy a condition, counted as the table's owner in a security-restricted operation, as
/// REFRESH MATERIALIZED VIEW computes what it stores.
pub fn as_owner(audience: &Audience, checked: &Checked) -> i64 {
    let sql = query_for(audience, checked);
    security::as_role_restricted(audience.relation.owner, || count(&sql))
}

fn query_for(audience: &Audience, checked: &Checked) -> String {
    format!(
        "SELECT pg_catalog.count(*) FROM {} WHERE {}",
        audience.relation.quoted(),
        contact::executable_sql(audience, checked)
    )
}

fn count(sql: &str) -> i64 {
    query::first(sql, &[], |row| row.get(1)).unwrap_or(0)
}

/// Keeps a count.
pub fn store(segment: Uuid, contact_count: i64) {
    access::write(
        "INSERT INTO segments.segment_count (segment, contact_count, counted_at)
         VALUES ($1, $2, pg_catalog.clock_timestamp())
             ON CONFLICT (segment) DO UPDATE SET contact_count = excluded.contact_count, counted_at = excluded.counted_at",
        &[argument(segment), contact_count.into()],
    );
}
