//! Who may do what with which audiences.
//!
//! `segments.access` says it; row policies and EXECUTE follow it. Roles read the extension's own tables with their own
//! rights, but write to none: functions do, with [`write()`], after asking for the scope with [`require_write`].

use crate::pg::call::Call;
use crate::pg::error::Failure;
use crate::pg::spi::QueryText;
use crate::pg::{query, returning, security};
use pgrx::datum::DatumWithOid;
use pgrx::prelude::*;
use pgrx::spi::quote_qualified_identifier;
use pgrx::{PgSqlErrorCode, pg_sys};
use std::collections::HashSet;

/// What a role may do.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Scope {
    ReadSegments,
    WriteSegments,
    ReadContacts,
    WriteContacts,
}

impl Scope {
    pub const ALL: [Scope; 4] = [Scope::ReadSegments, Scope::WriteSegments, Scope::ReadContacts, Scope::WriteContacts];

    pub fn name(self) -> &'static str {
        match self {
            Scope::ReadSegments => "read:segments",
            Scope::WriteSegments => "write:segments",
            Scope::ReadContacts => "read:contacts",
            Scope::WriteContacts => "write:contacts",
        }
    }

    pub fn named(name: &str) -> Option<Self> {
        Scope::ALL.into_iter().find(|scope| scope.name() == name)
    }
}

/// Whether the caller has one of the scopes for an audience. The extension's owner has every scope.
pub fn permits(scopes: &[Scope], audience: &str) -> bool {
    is_extension_owner() || holds(scopes, Some(audience))
}

/// Raises 42704 where there is no audience of that name that the caller may see, whatever has become of its table.
pub fn must_have_audience(name: &str) {
    if !has_audience(name) {
        unknown_audience(name).raise()
    }
}

/// Whether there is an audience of that name that the caller may see, whatever has become of its table.
pub fn has_audience(name: &str) -> bool {
    let found = query::first("SELECT true FROM segments.audience_config a WHERE a.name = $1", &[name.into()], |row| {
        row.get::<bool>(1)
    });
    found.is_some()
}

/// That there is no such audience, as far as the caller may know: whoever does not see every audience is told the same
/// of one that is another's.
pub fn unknown_audience(name: &str) -> Failure {
    // What functions take where none is named.
    let name_one = if name == "contacts" { "Name one with audience => '…'; " } else { "" };
    if sees_every_audience() {
        let make = "make one with create_contacts(), or attach your own table with attach_audience()";
        let make = if name_one.is_empty() { make.replacen('m', "M", 1) } else { make.to_owned() };
        return Failure::new(PgSqlErrorCode::ERRCODE_UNDEFINED_OBJECT, format!("audience \"{name}\" does not exist"))
            .detail("An audience is a table of contacts that segments speak of.")
            .hint(format!("{name_one}{make}; segments.audience lists those that you may use."));
    }
    Failure::new(
        PgSqlErrorCode::ERRCODE_UNDEFINED_OBJECT,
        format!("audience \"{name}\" does not exist, or you have no scope for it"),
    )
    .detail("You see an audience once grant_segments_access() has given you a scope for it.")
    .hint(if name_one.is_empty() {
        "segments.audience lists those that you may use.".to_owned()
    } else {
        format!("{name_one}segments.audience lists those that you may use.")
    })
}

/// Raises 42704 where there is no such audience, and 42501 where the caller may not write its segments. The audience
/// stays until the transaction ends: no foreign key keeps it from being detached (see sql/finalize.sql).
pub fn require_write(audience: &str) {
    must_have_audience(audience);
    require(Scope::WriteSegments, audience);
    keep(audience);
}

/// Keeps an audience from being detached until the transaction ends; raises 42704 where it is gone.
pub fn keep(audience: &str) {
    let lock = "SELECT FROM segments.audience_config a WHERE a.name = $1 FOR KEY SHARE";
    if write(lock, &[audience.into()]) == 0 {
        unknown_audience(audience).raise()
    }
}

/// Raises 42501 where the caller does not have the scope for an audience.
pub fn require(scope: Scope, audience: &str) {
    if permits(&[scope], audience) {
        return;
    }
    let what = if matches!(scope, Scope::ReadSegments | Scope::WriteSegments) { "segments" } else { "contacts" };
    Failure::new(
        PgSqlErrorCode::ERRCODE_INSUFFICIENT_PRIVILEGE,
        format!("permission denied for {what} of audience \"{audience}\""),
    )
    .detail(format!("This needs the scope {}.", scope.name()))
    .hint(format!("Ask for it: SELECT grant_segments_access('your_role', '{}').", scope.name()))
    .raise()
}

/// Whether there is no audience that the caller does not see.
pub fn sees_every_audience() -> bool {
    is_extension_owner() || holds(&Scope::ALL, None)
}

/// Runs a statement that writes to the extension's own tables, with the rights of their owner, and tells how many rows
/// it concerned.
pub fn write<'q>(sql: impl Into<QueryText<'q>>, arguments: &[DatumWithOid]) -> usize {
    security::as_role(extension_owner(), || query::write(sql, arguments))
}

/// As [`write()`], but it sees, and may change, everything committed by now, at any isolation level.
pub fn write_latest(sql: &'static str, arguments: &[DatumWithOid]) -> usize {
    security::as_role(extension_owner(), || query::write_latest(sql, arguments))
}

/// The role that owns the extension's tables.
pub fn extension_owner() -> pg_sys::Oid {
    query::first(
        // Without a cast to regclass, which needs USAGE on the schema: triggers fire for whoever may write contacts.
        "SELECT c.relowner FROM pg_class c
           JOIN pg_namespace n ON n.oid = c.relnamespace
          WHERE n.nspname = 'segments' AND c.relname = 'access'",
        &[],
        |row| row.get(1),
    )
    .unwrap_or(pg_sys::InvalidOid)
}

/// Whether the caller has the rights of the extension's owner: no policy applies to them either.
pub fn is_extension_owner() -> bool {
    security::has_rights_of(extension_owner())
}

/// Whether the caller has one of the scopes for every audience.
#[pg_extern(sql = false)]
fn permits_every_audience(scopes: Vec<Option<String>>) -> bool {
    let scopes: Vec<Scope> = scopes.iter().filter_map(|name| Scope::named(name.as_ref()?)).collect();
    holds(&scopes, None)
}

/// The audiences that the caller has one of the scopes for by name.
#[pg_extern(sql = false)]
fn permitted_audiences(scopes: Vec<Option<String>>, call: Call) {
    let caller = security::current_role();
    security::as_role(extension_owner(), || {
        returning::rows(call, PERMITTED, &[caller.into(), scopes.into()]);
    });
}

/// Whether the caller has one of the scopes for an audience; without one, for all of them.
fn holds(scopes: &[Scope], audience: Option<&str>) -> bool {
    let caller = security::current_role();
    let names: Vec<String> = scopes.iter().map(|scope| scope.name().to_owned()).collect();
    let arguments = [caller.into(), names.into(), audience.map(str::to_owned).into()];
    security::as_role(extension_owner(), || query::first(HOLDS, &arguments, |row| row.get(1))).unwrap_or(false)
}

/// The audiences that the caller has one of the scopes for.
pub enum Permitted {
    Every,
    Named(HashSet<String>),
}

impl Permitted {
    /// Those of the caller.
    pub fn of_caller(scopes: &[Scope]) -> Self {
        if is_extension_owner() || holds(scopes, None) {
            return Permitted::Every;
        }
        let caller = security::current_role();
        let names: Vec<String> = scopes.iter().map(|scope| scope.name().to_owned()).collect();
        let read = || query::rows(PERMITTED, &[caller.into(), names.into()], |row| row.get::<String>(1));
        Permitted::Named(security::as_role(extension_owner(), read).into_iter().collect())
    }

    /// Whether an audience is one of them.
    pub fn includes(&self, audience: &str) -> bool {
        match self {
            Permitted::Every => true,
            Permitted::Named(names) => names.contains(audience),
        }
    }
}

/// The scopes of a role, and of those whose rights it has. A role that was dropped and made again under the same name
/// has none: USAGE of the schema came with the scopes, and went with the role.
macro_rules! held {
    ($select:literal, $filter:literal) => {
        concat!(
            $select,
            " FROM segments.access a
                JOIN pg_roles r ON r.rolname = a.role
               WHERE pg_has_role($1, r.oid, 'USAGE')
                 AND has_schema_privilege(r.oid, 'segments', 'USAGE')
                 AND a.scope = ANY ($2) AND ",
            $filter
        )
    };
}

const PERMITTED: &str = held!("SELECT DISTINCT a.audience", "a.audience IS NOT NULL");

const HOLDS: &str = held!("SELECT true", "(a.audience IS NULL OR a.audience = $3) LIMIT 1");

/// Whether the current role has the rights of `owner`.
pub fn owns(owner: pg_sys::Oid) -> bool {
    security::has_rights_of(owner)
}

/// The relation's quoted name; raises 42501 where the caller does not own it, 42809 where it is no lasting table.
pub fn must_own(relation: pg_sys::Oid) -> String {
    let found = query::write_rows(RELATION, &[relation.into()], |row| {
        (
            row.get::<String>(1),
            row.get::<String>(2),
            row.get::<pg_sys::Oid>(3),
            row.get::<String>(4),
            row.get::<bool>(5),
        )
    });
    let Some((schema, name, owner, kind, is_temporary)) = found.into_iter().next() else {
        Failure::new(
            PgSqlErrorCode::ERRCODE_UNDEFINED_TABLE,
            format!("relation with OID {} does not exist", relation.to_u32()),
        )
        .hint("Name an existing table.")
        .raise()
    };
    let quoted = quote_qualified_identifier(&schema, &name);
    if !owns(owner) {
        Failure::new(PgSqlErrorCode::ERRCODE_INSUFFICIENT_PRIVILEGE, format!("must be owner of {quoted}"))
            .detail("Cached counts are computed with the rights of the table's owner.")
            .hint("Ask its owner to attach it.")
            .raise()
    }
    if !["r", "p", "v", "m", "f"].contains(&kind.as_str()) {
        Failure::new(PgSqlErrorCode::ERRCODE_WRONG_OBJECT_TYPE, format!("{quoted} is not a table"))
            .detail("Contacts are the rows of a table, a partitioned table, a view, a materialized view or a foreign table.")
            .hint("Attach one of these.")
            .raise()
    }
    if is_temporary {
        Failure::new(PgSqlErrorCode::ERRCODE_WRONG_OBJECT_TYPE, format!("table \"{name}\" is temporary"))
            .detail("It ends with the session; segments are there for every session.")
            .hint("Attach a table that lasts.")
            .raise()
    }
    quoted
}

const RELATION: &str = "
SELECT n.nspname::text, c.relname::text, c.relowner, c.relkind::text,
       c.relpersistence = 't'
  FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
 WHERE c.oid = $1";
