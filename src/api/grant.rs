//! Granting and revoking scopes.

use crate::catalog::access::{
    Scope, TableOwner, extension_owner, hold_attached, is_extension_owner, not_owner, table_owner,
};
use crate::pg::error::{Failure, listed, required};
use crate::pg::{query, security};
use pgrx::prelude::*;
use pgrx::spi::quote_identifier;
use pgrx::{PgSqlErrorCode, pg_sys};
use segments_core::nearest::did_you_mean;

/// Grants a role a scope, for one audience or for all.
#[pg_extern(sql = false)]
fn grant_segments_access(role: Option<pg_sys::Oid>, scope: Option<&str>, audience: Option<&str>) {
    let (role, scope) = arguments(role, scope);
    must_administer(audience);
    if scope == Scope::ReadCounts {
        must_own_contacts(audience);
    }
    audience.into_iter().for_each(hold_attached);
    security::as_role(extension_owner(), || {
        // Scopes of a dropped role with the same name are deleted, because its privileges were dropped with it.
        query::write(FORGET_DROPPED, &[role.oid.into()]);
        let has_scope = !query::write_rows(KEPT, &[role.name.as_str().into(), scope.name().into()], |_| ()).is_empty();
        query::write(
            "INSERT INTO segments.access (role, scope, audience) VALUES ($1::name, $2, $3) ON CONFLICT DO NOTHING",
            &[role.name.as_str().into(), scope.name().into(), audience.map(str::to_owned).into()],
        );
        // If the role already has the scope for another audience, it has these privileges.
        if !has_scope {
            query::write(APPLY, &[role.name.as_str().into()]);
        }
    });
    for relation in relations(audience, scope) {
        relation.grant(&role, scope);
    }
    if scope == Scope::ReadContacts {
        audience.into_iter().for_each(|audience| warn_of_filter(audience, &role));
    }
}

/// Warns if a role that was granted the contacts of an audience may read contacts that the audience's filter leaves out.
fn warn_of_filter(audience: &str, role: &Role) {
    let open = query::write_rows(OPEN_TABLE, &[audience.into(), role.oid.into()], |row| {
        pgrx::spi::quote_qualified_identifier(row.get::<String>(1), row.get::<String>(2))
    });
    for table in open {
        Failure::new(
            PgSqlErrorCode::ERRCODE_WARNING,
            format!(
                "role \"{}\" may read every row of {table}, not only the contacts of audience \"{audience}\"",
                role.name
            ),
        )
        .detail("The audience's filter limits what its segments count. It is not a permission.")
        .hint(format!("To limit what roles read: ALTER TABLE {table} ENABLE ROW LEVEL SECURITY, and create a policy."))
        .warning();
    }
}

// The table of an audience with a filter, if a role may read all of it.
const OPEN_TABLE: &str = "
SELECT n.nspname::text, c.relname::text
  FROM segments.audience_config a
  JOIN segments.table_config t ON t.audience = a.source
  JOIN pg_class c ON c.oid = t.relation
  JOIN pg_namespace n ON n.oid = c.relnamespace
 WHERE a.name = $1 AND a.scope IS NOT NULL
   AND c.relkind IN ('r', 'p') AND NOT c.relrowsecurity AND has_table_privilege($2, c.oid, 'SELECT')";

/// Revokes a scope from a role, for one audience or for all.
#[pg_extern(sql = false)]
fn revoke_segments_access(role: Option<pg_sys::Oid>, scope: Option<&str>, audience: Option<&str>) {
    let (role, scope) = arguments(role, scope);
    must_administer(audience);
    let arguments = [role.name.as_str().into(), scope.name().into(), audience.map(str::to_owned).into()];
    let kept = security::as_role(extension_owner(), || {
        query::write(TAKE, &arguments);
        let kept = query::write_rows(KEPT, &arguments[..2], |row| row.nullable::<String>(1));
        if kept.is_empty() {
            query::write(APPLY, &arguments[..1]);
        }
        kept
    });
    match audience {
        Some(audience) if kept.contains(&None) => Failure::new(
            PgSqlErrorCode::ERRCODE_WARNING_PRIVILEGE_NOT_REVOKED,
            format!("role \"{}\" still has the scope {} for every audience", role.name, scope.name()),
        )
        .detail(format!("That includes the audience \"{audience}\"."))
        .hint("Revoke it without an audience, and grant it again for the audiences that the role should keep.")
        .warning(),
        _ => {
            let kept: Vec<_> = kept.into_iter().flatten().flat_map(|kept| relations(Some(&kept), scope)).collect();
            for relation in relations(audience, scope) {
                // Other audiences of the role may use the same table.
                if kept.iter().all(|kept| kept.oid != relation.oid) {
                    relation.revoke(&role, scope);
                }
            }
        }
    }
}

/// Extends the scopes for contacts of an audience to a table that was attached to it. It grants privileges to the roles
/// that have the scope and the privileges on the other table of the audience.
pub fn extend(audience: &str, added: pg_sys::Oid) {
    let holders = security::as_role(extension_owner(), || {
        query::write_rows(HOLDERS, &[audience.into()], |row| {
            (Role { oid: row.get(1), name: row.get(2) }, Scope::named(&row.get::<String>(3)))
        })
    });
    for (role, scope) in holders {
        let Some(scope) = scope else { continue };
        let (new, others): (Vec<_>, Vec<_>) =
            relations(Some(audience), scope).into_iter().partition(|relation| relation.oid == added);
        if others.iter().any(|relation| relation.lacks(&role, scope).is_empty()) {
            new.iter().for_each(|relation| relation.grant(&role, scope));
        }
    }
}

const HOLDERS: &str = "
SELECT r.oid, r.rolname::text, a.scope FROM segments.access a
  JOIN pg_roles r ON r.rolname = a.role
 WHERE (a.audience IS NULL OR a.audience IN (SELECT c.name FROM segments.audience_config c WHERE c.source = $1))
   AND has_schema_privilege(r.oid, 'segments', 'USAGE')
 ORDER BY r.rolname, a.scope";

const FORGET_DROPPED: &str = "SELECT segments.forget_dropped_role($1)";

const APPLY: &str = "SELECT segments.apply_access($1::name)";

const TAKE: &str = "
DELETE FROM segments.access a
 WHERE a.role = $1::name AND a.scope = $2
   AND ($3 IS NULL OR a.audience = $3)";

const KEPT: &str = "
SELECT a.audience FROM segments.access a
 WHERE a.role = $1::name AND a.scope = $2";

/// Takes back read:counts for an audience that gets another table, unless the same role owns the present one: each owner
/// decides about the counts of its own contacts.
pub fn take_back_counts(audience: &str, relation: pg_sys::Oid) {
    let roles = security::as_role(extension_owner(), || {
        let mut roles = query::write_rows(TAKE_COUNTS, &[audience.into(), relation.into()], |row| row.get::<String>(1));
        roles.sort();
        roles.dedup();
        for role in &roles {
            if query::write_rows(KEPT, &[role.as_str().into(), Scope::ReadCounts.name().into()], |_| ()).is_empty() {
                query::write(APPLY, &[role.as_str().into()]);
            }
        }
        roles
    });
    if !roles.is_empty() {
        Failure::new(
            PgSqlErrorCode::ERRCODE_WARNING,
            format!("read:counts was taken back for audience \"{audience}\" from {}", listed(&roles)),
        )
        .detail("The owner of another table had granted it.")
        .hint("Grant it again with grant_segments_access(), if these roles may see counts of the contacts in this one.")
        .warning();
    }
}

const TAKE_COUNTS: &str = "
DELETE FROM segments.access a
 USING segments.audience_config s, segments.table_config c
 WHERE a.scope = 'read:counts' AND a.audience = s.name AND s.source = $1 AND c.audience = $1
   AND (SELECT t.relowner FROM pg_class t WHERE t.oid = c.relation)
       IS DISTINCT FROM (SELECT t.relowner FROM pg_class t WHERE t.oid = $2)
RETURNING a.role::text";

struct Role {
    oid: pg_sys::Oid,
    name: String,
}

fn arguments(role: Option<pg_sys::Oid>, scope: Option<&str>) -> (Role, Scope) {
    let (oid, scope) = (required("role", role), required("scope", scope));
    let name = query::first("SELECT r.rolname::text FROM pg_roles r WHERE r.oid = $1", &[oid.into()], |row| {
        row.get::<String>(1)
    });
    let Some(name) = name else {
        Failure::new(PgSqlErrorCode::ERRCODE_UNDEFINED_OBJECT, format!("role with OID {} does not exist", oid.to_u32()))
            .detail("It may have been dropped since its OID was read.")
            .hint("Name the role instead: 'app'::regrole. The view pg_roles lists all roles.")
            .raise()
    };
    let scope = Scope::named(scope).unwrap_or_else(|| {
        let names = Scope::ALL.map(Scope::name);
        let meant = did_you_mean(scope, names);
        Failure::new(PgSqlErrorCode::ERRCODE_INVALID_PARAMETER_VALUE, format!("unknown scope \"{scope}\""))
            .detail(format!("Scopes are {}.", names.join(", ")))
            .hint(meant.unwrap_or_else(|| "Use one of these.".to_owned()))
            .raise()
    });
    (Role { oid, name }, scope)
}

/// Raises if the caller is neither the extension's owner nor the owner of the audience's table.
fn must_administer(audience: Option<&str>) {
    let is_extension_owner = is_extension_owner();
    let Some(audience) = audience else {
        if is_extension_owner {
            return;
        }
        Failure::new(PgSqlErrorCode::ERRCODE_INSUFFICIENT_PRIVILEGE, "must be owner of extension segments")
            .detail("Without an audience, the scope is for every audience.")
            .hint("Name an audience whose table you own, or ask the extension's owner.")
            .raise()
    };
    if !is_extension_owner && table_owner(audience) != TableOwner::Caller {
        not_owner(audience).hint("Ask its owner, or the owner of the extension.").raise()
    }
}

/// Raises if the caller does not own the contacts of an audience. Nobody else can decide that a role sees counts of
/// contacts that it may not read.
fn must_own_contacts(audience: Option<&str>) {
    let Some(audience) = audience else {
        Failure::new(
            PgSqlErrorCode::ERRCODE_INVALID_PARAMETER_VALUE,
            "read:counts is granted for one audience at a time",
        )
        .detail("The owner of an audience's table decides who sees the counts of its contacts.")
        .hint("Name the audience.")
        .raise()
    };
    if table_owner(audience) != TableOwner::Caller {
        not_owner(audience).hint("Ask its owner.").raise()
    }
}

/// A table on which a scope needs privileges.
struct GrantedTable {
    oid: pg_sys::Oid,
    quoted: String,
    schema: String,
}

/// The tables of one or all audiences, if the scope is about contacts; otherwise none.
fn relations(audience: Option<&str>, scope: Scope) -> Vec<GrantedTable> {
    if privileges(scope).is_empty() {
        return Vec::new();
    }
    query::write_rows(RELATIONS, &[audience.map(str::to_owned).into()], |row| GrantedTable {
        oid: row.get(1),
        schema: row.get(2),
        quoted: pgrx::spi::quote_qualified_identifier(row.get::<String>(2), row.get::<String>(3)),
    })
}

const RELATIONS: &str = "
SELECT DISTINCT c.oid, n.nspname::text, c.relname::text
  FROM segments.audience_config a
  JOIN segments.table_config t ON t.audience = a.source
  JOIN pg_class c ON c.oid = ANY (ARRAY[t.relation::oid, t.topics_relation::oid])
  JOIN pg_namespace n ON n.oid = c.relnamespace
 WHERE $1 IS NULL OR a.name = $1
 ORDER BY 2, 3";

/// The privileges on the tables that a scope needs.
fn privileges(scope: Scope) -> &'static [&'static str] {
    match scope {
        Scope::ReadSegments | Scope::WriteSegments | Scope::ReadCounts => &[],
        Scope::ReadContacts => &["SELECT"],
        Scope::WriteContacts => &["INSERT", "UPDATE", "DELETE"],
    }
}

/// Whether privileges are granted or revoked.
#[derive(Clone, Copy)]
enum Action {
    Grant,
    Revoke,
}

impl GrantedTable {
    fn grant(&self, role: &Role, scope: Scope) {
        let missing = self.lacks(role, scope);
        if !missing.is_empty() {
            self.change(role, &missing, Action::Grant);
        }
        let reaches = query::first(
            "SELECT has_schema_privilege($1, $2, 'USAGE')",
            &[role.oid.into(), self.schema.as_str().into()],
            |row| row.get::<bool>(1),
        );
        if reaches != Some(true) {
            Failure::new(
                PgSqlErrorCode::ERRCODE_WARNING_PRIVILEGE_NOT_GRANTED,
                format!("role \"{}\" has no USAGE of schema \"{}\"", role.name, self.schema),
            )
            .detail(format!("It cannot reach {}.", self.quoted))
            .hint(format!(
                "GRANT USAGE ON SCHEMA {} TO {};",
                quote_identifier(&self.schema),
                quote_identifier(&role.name)
            ))
            .warning();
        }
    }

    /// The privileges of the scope that the role lacks.
    fn lacks(&self, role: &Role, scope: Scope) -> Vec<&'static str> {
        privileges(scope).iter().filter(|privilege| !self.has(role.oid, privilege, "")).copied().collect()
    }

    fn revoke(&self, role: &Role, scope: Scope) {
        self.change(role, privileges(scope), Action::Revoke);
    }

    /// Grants or revokes with the caller's rights, or tells the caller what to ask the table's owner for.
    fn change(&self, role: &Role, privileges: &[&str], action: Action) {
        let caller = security::current_role();
        let may_grant = privileges.iter().all(|privilege| self.has(caller, privilege, " WITH GRANT OPTION"));
        let what = format!("{} ON {}", privileges.join(", "), self.quoted);
        let whom = quote_identifier(&role.name);
        let (statement, verb, sqlstate) = match action {
            Action::Grant => {
                let sqlstate = PgSqlErrorCode::ERRCODE_WARNING_PRIVILEGE_NOT_GRANTED;
                (format!("GRANT {what} TO {whom}"), "grant", sqlstate)
            }
            Action::Revoke => {
                let sqlstate = PgSqlErrorCode::ERRCODE_WARNING_PRIVILEGE_NOT_REVOKED;
                (format!("REVOKE {what} FROM {whom}"), "revoke", sqlstate)
            }
        };
        if may_grant {
            query::write(&statement, &[]);
        } else {
            Failure::new(sqlstate, format!("you may not {verb} {what}"))
                .detail("The rest was done. Contacts are read and written with the role's own rights.")
                .hint(format!("Have the owner of {} run: {statement};", self.quoted))
                .warning();
        }
    }

    fn has(&self, role: pg_sys::Oid, privilege: &str, option: &str) -> bool {
        query::write_rows(
            "SELECT has_table_privilege($1, $2::oid, $3)",
            &[role.into(), self.oid.into(), format!("{privilege}{option}").into()],
            |row| row.get::<bool>(1),
        )
        .contains(&true)
    }
}
