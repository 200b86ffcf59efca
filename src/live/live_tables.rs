//! The table `segments.live_table`, which lists the tables with triggers, and queries for the live audiences of a
//! table.

use crate::catalog::access;
use crate::catalog::related_tables::{WithOthers, with_others};
use crate::pg::{query, security, snapshot};
use pgrx::pg_sys::Oid;

/// Records the parts of a table that has got triggers.
pub fn record(root: Oid, parts: &[Oid]) {
    access::write_latest("DELETE FROM segments.live_table l WHERE l.root::oid = $1", &[root.into()]);
    record_changes(root, parts, &[]);
}

/// Whether a table is recorded with its parts.
pub fn is_recorded(root: Oid) -> bool {
    let recorded = || query::first(RECORDED, &[root.into()], |row| row.get::<bool>(1));
    security::as_role(access::extension_owner(), || snapshot::latest(recorded)).is_some()
}

const RECORDED: &str = "SELECT true FROM segments.live_table l WHERE l.root::oid = $1 AND l.part = l.root";

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
    access::write(UNUSED.text(), &[]);
}

/// Whether a live audience has its contacts in a table, or conditions of it may ask for rows of the table.
pub fn has_live_audience(relation: Oid) -> bool {
    let live = || query::first(LIVE_AUDIENCES.text(), &[relation.into()], |row| row.get::<String>(1));
    security::as_role(access::extension_owner(), || snapshot::latest(live)).is_some()
}

/// The live audiences of a table: their names, whether it has their contacts, which of their relations have their rows in it,
/// their sources and filters.
pub const LIVE_AUDIENCES: WithOthers = with_others!(
    ", ancestor(oid) AS (
        SELECT $1
        UNION
        SELECT i.inhparent FROM ancestor
          JOIN pg_inherits i ON i.inhrelid = ancestor.oid),
     role AS (
        SELECT a.name, t.relation::oid = ANY (SELECT ancestor.oid FROM ancestor) AS has_contacts,
               ARRAY(SELECT o.name FROM other o
                      WHERE o.source = a.source AND o.relation = ANY (SELECT ancestor.oid FROM ancestor)) AS relations,
               a.source, a.scope::text AS filter
          FROM segments.table_config t
          JOIN segments.audience_config a ON a.source = t.audience AND a.freshness = 'live')
     SELECT role.name, role.has_contacts, role.relations, role.source, role.filter
       FROM role WHERE role.has_contacts OR role.relations <> '{}' ORDER BY role.name"
);

/// The table, its parents, and the other tables of each of its live audiences.
pub const TABLES_OF: WithOthers = with_others!(
    ", ancestor(oid) AS (
        SELECT $1
        UNION
        SELECT i.inhparent FROM ancestor
          JOIN pg_inherits i ON i.inhrelid = ancestor.oid),
     used(source, relation) AS (
        SELECT o.source, o.relation FROM other o UNION ALL SELECT t.audience, t.relation::oid FROM segments.table_config t),
     source(name) AS (
        SELECT DISTINCT u.source FROM used u
         WHERE u.relation = ANY (SELECT ancestor.oid FROM ancestor)
           AND EXISTS (SELECT FROM segments.audience_config a WHERE a.source = u.source AND a.freshness = 'live'))
     SELECT ancestor.oid FROM ancestor
      UNION SELECT u.relation FROM source JOIN used u ON u.source = source.name"
);

const UNUSED: WithOthers = with_others!(
    "DELETE FROM segments.live_table l
      WHERE NOT EXISTS (
            SELECT FROM segments.audience_config a
              JOIN segments.table_config t ON t.audience = a.source
             WHERE a.freshness = 'live'
               AND (l.root::oid = t.relation::oid
                    OR EXISTS (SELECT FROM other o WHERE o.source = a.source AND o.relation = l.root::oid)))"
);
