//! Access control: which role may do what with which audiences.
//!
//! `segments.access` has the scopes of roles, and row policies and EXECUTE rights follow it. Roles read the extension's
//! tables with their own rights, but cannot write to them. Functions write with [`write()`], after they have checked
//! the scope with [`require_write`].

use crate::pg::call::Call;
use crate::pg::error::Failure;
use crate::pg::spi::QueryText;
use crate::pg::{query, returning, security};
use pgrx::datum::DatumWithOid;
use pgrx::prelude::*;
use pgrx::spi::{quote_identifier, quote_qualified_identifier};
use pgrx::{PgSqlErrorCode, pg_sys};
use std::collections::HashSet;

/// A scope: a permission of a role.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Scope {
    ReadSegments,
    WriteSegments,
    ReadContacts,
    WriteContacts,
    /// Sees cached counts, whatever contacts the role may read. Only the contacts' owner can grant it
    ReadCounts,
}

impl Scope {
    pub const ALL: [Scope; 5] =
        [Scope::ReadSegments, Scope::WriteSegments, Scope::ReadContacts, Scope::WriteContacts, Scope::ReadCounts];

    pub fn name(self) -> &'static str {
        match self {
            Scope::ReadSegments => "read:segments",
            Scope::WriteSegments => "write:segments",
            Scope::ReadContacts => "read:contacts",
            Scope::WriteContacts => "write:contacts",
            Scope::ReadCounts => "read:counts",
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

/// Whether the owner of an audience's contacts has let the caller see its cached counts. No other right implies this.
pub fn is_shown_counts(audience: &str) -> bool {
    holds(&[Scope::ReadCounts], Some(audience))
}

/// Raises 42704 if the caller can see no audience of that name. The audience's table need not exist.
pub fn must_have_audience(name: &str) {
    if !has_audience(name) {
        unknown_audience(name).raise()
    }
}

/// Whether the caller can see an audience of that name. The audience's table need not exist.
pub fn has_audience(name: &str) -> bool {
    let found = query::first("SELECT true FROM segments.audience_config a WHERE a.name = $1", &[name.into()], |row| {
        row.get::<bool>(1)
    });
    found.is_some()
}

/// The error for an unknown audience. A caller who does not see every audience gets the same error for one that exists
/// but is not visible.
pub fn unknown_audience(name: &str) -> Failure {
    // The default of the functions' argument `audience`.
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

/// Raises 42704 if the audience does not exist, and 42501 if the caller may not write its segments. Locks the audience
/// against being detached until the transaction ends, because no foreign key does that (see sql/finalize.sql).
pub fn require_write(audience: &str) {
    must_have_audience(audience);
    require(Scope::WriteSegments, audience);
    hold_attached(audience);
}

/// Locks an audience, and the one that it is based on, against being detached until the transaction ends. Raises 42704 if
/// it is gone.
pub fn hold_attached(audience: &str) {
    let kept = || query::write_rows(HOLD_ATTACHED, &[audience.into()], |row| row.get::<String>(1));
    if !security::as_role(extension_owner(), kept).iter().any(|kept| kept == audience) {
        unknown_audience(audience).raise()
    }
}

/// A query that locks an audience and the one that it is based on, and returns their names and freshness. The one that
/// others are based on is locked first, by everyone.
macro_rules! source_first {
    ($lock:literal) => {
        concat!(
            "SELECT a.name, a.freshness FROM segments.audience_config a
              WHERE a.name = $1
                 OR a.name = (SELECT b.based_on FROM segments.audience_config b WHERE b.name = $1)
              ORDER BY a.based_on NULLS FIRST ",
            $lock
        )
    };
}
pub(super) use source_first;

const HOLD_ATTACHED: &str = source_first!("FOR KEY SHARE");

/// Raises 42501 if the caller does not have the scope for an audience.
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

/// Whether the caller sees every audience.
pub fn sees_every_audience() -> bool {
    is_extension_owner() || holds(&Scope::ALL, None)
}

/// Runs a statement that writes to the extension's own tables, with the rights of their owner. Returns how many rows it
/// returned or changed.
pub fn write<'q>(sql: impl Into<QueryText<'q>>, arguments: &[DatumWithOid]) -> usize {
    security::as_role(extension_owner(), || query::write(sql, arguments))
}

/// Like [`write()`], but the statement sees and may change everything that is committed by now, at any isolation level.
pub fn write_latest(sql: &'static str, arguments: &[DatumWithOid]) -> usize {
    security::as_role(extension_owner(), || query::write_latest(sql, arguments))
}

/// The role that owns the extension's tables.
pub fn extension_owner() -> pg_sys::Oid {
    query::first(
        // A cast to regclass would need USAGE on the schema, which users who write contacts may lack.
        "SELECT c.relowner FROM pg_class c
           JOIN pg_namespace n ON n.oid = c.relnamespace
          WHERE n.nspname = 'segments' AND c.relname = 'access'",
        &[],
        |row| row.get(1),
    )
    .unwrap_or(pg_sys::InvalidOid)
}

/// Whether the caller has the rights of the extension's owner. Row policies do not apply to such a caller.
pub fn is_extension_owner() -> bool {
    security::has_rights_of(extension_owner())
}

/// Whether the caller has one of the scopes for every audience.
#[pg_extern(sql = false)]
fn permits_every_audience(scopes: Vec<Option<String>>) -> bool {
    let scopes: Vec<Scope> = scopes.iter().filter_map(|name| Scope::named(name.as_ref()?)).collect();
    holds(&scopes, None)
}

/// The names of the audiences that the caller has one of the scopes for. Scopes for every audience are not included.
#[pg_extern(sql = false)]
fn permitted_audiences(scopes: Vec<Option<String>>, call: Call) {
    let caller = security::current_role();
    security::as_role(extension_owner(), || {
        returning::rows(call, PERMITTED, &[caller.into(), scopes.into()]);
    });
}

/// The names of the audiences that declare the tables, properties, topics and relations of those that [`permitted_audiences`] returns.
#[pg_extern(sql = false)]
fn permitted_sources(scopes: Vec<Option<String>>, call: Call) {
    let caller = security::current_role();
    security::as_role(extension_owner(), || {
        returning::rows(call, SOURCES, &[caller.into(), scopes.into()]);
    });
}

/// Whether the caller has one of the scopes for an audience; for every audience if `audience` is `None`.
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
    /// The audiences of the caller.
    pub fn of_caller(scopes: &[Scope]) -> Self {
        if is_extension_owner() || holds(scopes, None) {
            return Permitted::Every;
        }
        let caller = security::current_role();
        let names: Vec<String> = scopes.iter().map(|scope| scope.name().to_owned()).collect();
        let read = || query::rows(PERMITTED, &[caller.into(), names.into()], |row| row.get::<String>(1));
        Permitted::Named(security::as_role(extension_owner(), read).into_iter().collect())
    }

    /// Whether the caller has a scope for an audience.
    pub fn includes(&self, audience: &str) -> bool {
        match self {
            Permitted::Every => true,
            Permitted::Named(names) => names.contains(audience),
        }
    }
}

/// The scopes of a role and of the roles whose rights it has. A role that was dropped and created again under the same
/// name has none: granting scopes also grants USAGE of the schema, which is checked here and which was dropped with the
/// role. The query begins with the caller's roles, because thousands of other roles may have scopes.
macro_rules! held {
    ($select:literal, $filter:literal) => {
        concat!(
            "WITH RECURSIVE role(oid) AS (
                SELECT * FROM unnest(ARRAY[$1, 'pg_database_owner'::regrole::oid])
                 UNION
                SELECT m.roleid FROM role JOIN pg_auth_members m ON m.member = role.oid) ",
            $select,
            " FROM role
                JOIN pg_roles r ON r.oid = role.oid
                JOIN segments.access a ON a.role = r.rolname
               WHERE pg_has_role($1, r.oid, 'USAGE')
                 AND has_schema_privilege(r.oid, 'segments', 'USAGE')
                 AND a.scope = ANY ($2) AND ",
            $filter
        )
    };
}

const PERMITTED: &str = held!("SELECT DISTINCT a.audience", "a.audience IS NOT NULL");

const SOURCES: &str = held!(
    "SELECT DISTINCT (SELECT c.source FROM segments.audience_config c WHERE c.name = a.audience)",
    "a.audience IS NOT NULL"
);

const HOLDS: &str = held!("SELECT true", "(a.audience IS NULL OR a.audience = $3) LIMIT 1");

/// The owner of an audience's table.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum TableOwner {
    /// The caller has the rights of the owner
    Caller,
    Another,
    /// The table is gone
    None,
}

/// The owner of an audience's table. Raises 42704 if the caller can see no such audience.
pub fn table_owner(audience: &str) -> TableOwner {
    find_table_owner(audience).unwrap_or_else(|| unknown_audience(audience).raise())
}

/// The owner of an audience's table; `None` if the caller can see no such audience.
pub fn find_table_owner(audience: &str) -> Option<TableOwner> {
    // The query runs with the caller's rights, so an audience that the caller may not see does not exist.
    let owner = query::first(
        "SELECT c.relowner FROM segments.audience_config a
           LEFT JOIN segments.table_config t ON t.audience = a.source
           LEFT JOIN pg_class c ON c.oid = t.relation
          WHERE a.name = $1",
        &[audience.into()],
        |row| row.nullable(1),
    )?;
    Some(match owner.map(owns) {
        None => TableOwner::None,
        Some(true) => TableOwner::Caller,
        Some(false) => TableOwner::Another,
    })
}

/// The error for a caller who would have to own the table of an audience.
pub fn not_owner(audience: &str) -> Failure {
    let message = format!("must be owner of the table of audience \"{audience}\"");
    Failure::new(PgSqlErrorCode::ERRCODE_INSUFFICIENT_PRIVILEGE, message)
        .detail("The owner of the table decides who may use its audience.")
}

/// Whether the current role has the rights of `owner`.
fn owns(owner: pg_sys::Oid) -> bool {
    security::has_rights_of(owner)
}

/// The quoted name of a relation. Raises 42501 if the caller does not own it, and 42809 if it is not a permanent table.
pub fn must_own(relation: pg_sys::Oid) -> String {
    let (quoted, owner) = must_be_table(relation);
    if !owns(owner) {
        not_owned(&quoted, "the table's owner").hint("Ask its owner to attach it.").raise()
    }
    quoted
}

/// The quoted name of a relation whose rows will be counted as `reader`. Raises 42501 if the caller does not own it and its
/// owner has not let the reader give others the right to SELECT, and 42809 if it is not a permanent table.
pub fn must_own_or_be_granted(relation: pg_sys::Oid, reader: pg_sys::Oid) -> String {
    let (quoted, owner) = must_be_table(relation);
    let is_granted = || query::first(GRANTED, &[relation.into(), reader.into()], |row| row.get(1)) == Some(true);
    if !owns(owner) && !is_granted() {
        let role = quoted_role(reader);
        not_owned(&quoted, "the owner of the contacts' table")
            .hint(format!("Ask its owner to attach it, or to GRANT SELECT ON {quoted} TO {role} WITH GRANT OPTION."))
            .raise()
    }
    quoted
}

/// The quoted name of a role.
pub fn quoted_role(role: pg_sys::Oid) -> String {
    let name = query::first("SELECT pg_get_userbyid($1)::text", &[role.into()], |row| row.get::<String>(1));
    quote_identifier(name.unwrap_or_default())
}

fn not_owned(quoted: &str, counting: &str) -> Failure {
    Failure::new(PgSqlErrorCode::ERRCODE_INSUFFICIENT_PRIVILEGE, format!("must be owner of {quoted}"))
        .detail(format!("Cached counts are computed with the rights of {counting}."))
}

/// The quoted name and the owner of a relation. Raises 42809 if it is not a permanent table.
fn must_be_table(relation: pg_sys::Oid) -> (String, pg_sys::Oid) {
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
        .detail("It may have been dropped since its OID was read.")
        .hint("Name the table instead: 'crm.contacts'::regclass.")
        .raise()
    };
    let quoted = quote_qualified_identifier(&schema, &name);
    if !["r", "p", "v", "m", "f"].contains(&kind.as_str()) {
        Failure::new(PgSqlErrorCode::ERRCODE_WRONG_OBJECT_TYPE, format!("{quoted} is not a table"))
            .detail("Contacts, subscriptions and the rows of relations are in a table, a partitioned table, a view, a materialized view or a foreign table.")
            .hint("Attach one of these.")
            .raise()
    }
    if is_temporary {
        Failure::new(PgSqlErrorCode::ERRCODE_WRONG_OBJECT_TYPE, format!("table \"{name}\" is temporary"))
            .detail("It ends with the session; segments are there for every session.")
            .hint("Attach a table that lasts.")
            .raise()
    }
    (quoted, owner)
}

const GRANTED: &str = "
SELECT EXISTS (SELECT FROM pg_class c, aclexplode(c.relacl) a
                WHERE c.oid = $1 AND a.grantee = $2 AND a.grantor = c.relowner AND a.privilege_type = 'SELECT' AND a.is_grantable)";

const RELATION: &str = "
SELECT n.nspname::text, c.relname::text, c.relowner, c.relkind::text,
       c.relpersistence = 't'
  FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
 WHERE c.oid = $1";
