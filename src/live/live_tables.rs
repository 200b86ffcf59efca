//! The table `segments.live_table`, which lists the tables with triggers, and queries for the live audiences of a
//! table.

use crate::catalog::access;
use crate::pg::{query, security, snapshot};
use pgrx::pg_sys::Oid;

/// Records the parts of a table that has got triggers.
pub fn record(root: Oid, parts: &[Oid]) {
    access::write_latest("DELETE FROM segments.live_table l WHERE l.root::oid = $1", &[root.into()]);
    record_changes(root, parts, &[]);
}

/// Records added and removed parts of a table.
pub fn record_changes(root: Oid, added: &[Oid], gone: &[Oid]) {
    access::write_latest(
        "DELETE FROM segments.live_table l
          WHERE l.root::oid = $1 AND l.part::oid = ANY ($2)",
        &[root.into(), gone.to_vec().into()],
    );
    access::write_latest(
        "INSERT INTO segments.live_table (root, part) SELECT $1::oid, p.oid FROM unnest($2) p(oid)",
        &[root.into(), added.to_vec().into()],
    );
}

/// Deletes the tables that no live audience uses any more.
pub fn forget_unused() {
    access::write(UNUSED, &[]);
}

/// Whether the rows of a table are contacts of a live audience, or their subscriptions.
pub fn has_live_audience(relation: Oid) -> bool {
    let live = || query::first(LIVE_AUDIENCES, &[relation.into()], |row| row.get::<String>(1));
    security::as_role(access::extension_owner(), || snapshot::latest(live)).is_some()
}

macro_rules! live_audiences {
    ($select:literal) => {
        concat!(
            "WITH RECURSIVE ancestor(oid) AS (
                SELECT $1
                UNION
                SELECT i.inhparent FROM ancestor
                  JOIN pg_inherits i ON i.inhrelid = ancestor.oid),
             role AS (
                SELECT a.name, a.source, a.scope::text AS filter, t.relation::oid AS relation, t.topics_relation::oid AS topics_relation,
                       t.relation::oid = ANY (SELECT ancestor.oid FROM ancestor) AS has_contacts,
                       COALESCE(t.topics_relation::oid = ANY (SELECT ancestor.oid FROM ancestor),
                                false) AS has_subscriptions
                  FROM segments.table_config t
                  JOIN segments.audience_config a ON a.source = t.audience AND a.freshness = 'live') ",
            $select
        )
    };
}

pub const LIVE_AUDIENCES: &str = live_audiences!(
    "SELECT role.name, role.has_contacts, role.has_subscriptions, role.source, role.filter
       FROM role WHERE role.has_contacts OR role.has_subscriptions ORDER BY role.name"
);

/// The table, its parents, and the other table of each of its audiences.
pub const TABLES_OF: &str = live_audiences!(
    "SELECT ancestor.oid FROM ancestor
      UNION SELECT role.relation FROM role WHERE role.has_subscriptions
      UNION SELECT role.topics_relation FROM role WHERE role.has_contacts AND role.topics_relation IS NOT NULL"
);

const UNUSED: &str = "
DELETE FROM segments.live_table l
 WHERE NOT EXISTS (
       SELECT FROM segments.audience_config a
         JOIN segments.table_config t ON t.audience = a.source
        WHERE a.freshness = 'live'
          AND l.root::oid = ANY (ARRAY[t.relation::oid, t.topics_relation::oid]))";
