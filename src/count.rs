//! Counting members.

use crate::audience::Audience;
use crate::contact;
use crate::pg::security;
use crate::query;
use crate::segment::argument;
use pgrx::pg_sys;
use segments_core::expr::Checked;
use uuid::Uuid;

/// How many contacts satisfy a condition, with the rights of the current role.
pub fn as_caller(audience: &Audience, checked: &Checked) -> i64 {
    let sql = format!(
        "SELECT pg_catalog.count(*) FROM {} WHERE {}",
        audience.relation.quoted(),
        contact::executable_sql(audience, checked)
    );
    query::first(&sql, &[], |row| row.get(1)).unwrap_or(0)
}

/// How many contacts satisfy a condition, counted as the table's owner in a security-restricted operation, as
/// REFRESH MATERIALIZED VIEW computes what it stores.
pub fn as_owner(audience: &Audience, checked: &Checked) -> i64 {
    security::as_role_restricted(audience.relation.owner, || as_caller(audience, checked))
}

/// Keeps a count. The table is the extension's own: nobody else may write to it.
pub fn store(segment: Uuid, contact_count: i64) {
    security::as_role(extension_owner(), || {
        query::write(
            "INSERT INTO segments.segment_count (segment, contact_count, counted_at)
             VALUES ($1, $2, pg_catalog.clock_timestamp())
                 ON CONFLICT (segment) DO UPDATE SET contact_count = excluded.contact_count, counted_at = excluded.counted_at",
            &[argument(segment), contact_count.into()],
        )
    });
}

/// The role that owns the extension's tables.
pub fn extension_owner() -> pg_sys::Oid {
    query::first(
        "SELECT c.relowner FROM pg_catalog.pg_class c
          WHERE c.oid OPERATOR(pg_catalog.=) 'segments.segment_count'::pg_catalog.regclass",
        &[],
        |row| row.get(1),
    )
    .unwrap_or(pg_sys::InvalidOid)
}
