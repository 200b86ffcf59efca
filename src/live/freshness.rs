//! Switching an audience to live counts and back.

use crate::access::{self, Scope};
use crate::audience::{Audience, must_own};
use crate::count;
use crate::error::Failure;
use crate::pg::{relcache, security, snapshot};
use crate::query;
use crate::segment::Definition;
use pgrx::prelude::*;
use pgrx::spi::{quote_identifier, quote_qualified_identifier};
use pgrx::{PgSqlErrorCode, pg_sys};

/// How an audience's counts are kept.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Freshness {
    Periodic,
    Live,
}

/// Says how an audience's counts are kept.
#[pg_extern(sql = false)]
fn set_freshness(audience: &str, freshness: &str) {
    let wanted = match freshness {
        "periodic" => Freshness::Periodic,
        "live" => Freshness::Live,
        other => {
            Failure::new(PgSqlErrorCode::ERRCODE_INVALID_PARAMETER_VALUE, format!("unknown freshness \"{other}\""))
                .detail("Counts are kept live, by every statement that changes contacts, or counted anew in periods.")
                .hint("Use 'live' or 'periodic'.")
                .raise()
        }
    };
    let audience = Audience::load(audience);
    access::require(Scope::WriteSegments, &audience.name);
    must_own(audience.relation.oid);
    if wanted == Freshness::Live {
        refuse_unless_table(&audience);
    }
    let extension_owner = access::extension_owner();
    // Whoever has changed a definition is waited for, whoever will change one waits.
    let current = security::as_role(extension_owner, || {
        query::write_rows(
            "SELECT a.freshness FROM segments.audience_config a WHERE a.name OPERATOR(pg_catalog.=) $1 FOR UPDATE",
            &[audience.name.as_str().into()],
            |row| row.get::<String>(1),
        )
    });
    let tables = relcache::lock_against_writers(audience.relation.oid);
    if wanted == Freshness::Live {
        let foreign = tables.iter().map(|&table| describe(table)).find(|table| table.kind == "f");
        if let Some(foreign) = foreign {
            cannot(&audience, format!("{}, a part of its table, is a foreign table.", foreign.quoted)).raise()
        }
        tables.iter().for_each(|&table| add_triggers(table, extension_owner));
    }
    write_freshness(&audience.name, freshness, extension_owner);
    tables.iter().for_each(|&table| relcache::invalidate(table));
    match wanted {
        Freshness::Periodic => drop_unused_triggers(&tables, extension_owner),
        Freshness::Live if current.first().is_none_or(|current| current != "live") => {
            let segments = security::as_role(extension_owner, || snapshot::latest(|| Definition::all(&audience.name)));
            count::recount(&audience, &segments);
        }
        Freshness::Live => {}
    }
}

/// Takes the triggers of an audience away that goes.
pub fn stop_keeping(audience: &str) {
    let extension_owner = access::extension_owner();
    let live = query::first(
        "SELECT c.oid FROM segments.audience_config a
           LEFT JOIN pg_catalog.pg_class c ON c.oid OPERATOR(pg_catalog.=) a.relation
          WHERE a.name OPERATOR(pg_catalog.=) $1 AND a.freshness OPERATOR(pg_catalog.=) 'live'",
        &[audience.into()],
        |row| row.nullable::<pg_sys::Oid>(1),
    );
    let Some(relation) = live else { return };
    let tables = relation.map(relcache::lock_against_writers).unwrap_or_default();
    write_freshness(audience, "periodic", extension_owner);
    tables.iter().for_each(|&table| relcache::invalidate(table));
    drop_unused_triggers(&tables, extension_owner);
    security::as_role(extension_owner, || {
        query::write(
            "DELETE FROM segments.count_delta d WHERE d.audience OPERATOR(pg_catalog.=) $1",
            &[audience.into()],
        )
    });
}

fn write_freshness(audience: &str, freshness: &str, extension_owner: pg_sys::Oid) {
    security::as_role(extension_owner, || {
        query::write(
            "UPDATE segments.audience_config a SET freshness = $2 WHERE a.name OPERATOR(pg_catalog.=) $1",
            &[audience.into(), freshness.into()],
        )
    });
}

fn refuse_unless_table(audience: &Audience) {
    let relation = audience.relation.oid;
    match describe(relation).kind.as_str() {
        "r" | "p" => {}
        "v" => cannot(audience, "It is a view, whose rows change without a statement that names it.").raise(),
        "m" => {
            cannot(audience, "It is a materialized view, whose rows change without a statement that names it.").raise()
        }
        _ => cannot(audience, "It is a foreign table, whose rows change elsewhere.").raise(),
    }
    let parent = query::first(
        "SELECT i.inhparent FROM pg_catalog.pg_inherits i WHERE i.inhrelid OPERATOR(pg_catalog.=) $1 LIMIT 1",
        &[relation.into()],
        |row| row.get::<pg_sys::Oid>(1),
    );
    if let Some(parent) = parent {
        let parent = describe(parent).quoted;
        cannot(audience, format!("It is a part of {parent}, and statements on {parent} change its rows too."))
            .hint("Attach that table instead, with a scope that leaves other rows out.")
            .raise()
    }
    if security::as_role(audience.relation.owner, || security::row_security_applies(relation)) {
        cannot(audience, "Row security applies to its owner, with whose rights counts are computed.").raise()
    }
}

fn cannot(audience: &Audience, detail: impl Into<String>) -> Failure {
    Failure::new(
        PgSqlErrorCode::ERRCODE_FEATURE_NOT_SUPPORTED,
        format!("counts over {} cannot be kept live", audience.relation.quoted()),
    )
    .detail(detail)
    .hint("Keep them periodic: refresh_segments() counts anew at any time.")
}

struct Table {
    quoted: String,
    kind: String,
}

fn describe(relation: pg_sys::Oid) -> Table {
    let found = query::write_rows(
        "SELECT n.nspname::pg_catalog.text, c.relname::pg_catalog.text, c.relkind::pg_catalog.text
           FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid OPERATOR(pg_catalog.=) c.relnamespace
          WHERE c.oid OPERATOR(pg_catalog.=) $1",
        &[relation.into()],
        |row| Table {
            quoted: quote_qualified_identifier(&row.get::<String>(1), &row.get::<String>(2)),
            kind: row.get(3),
        },
    );
    let gone = || crate::error::internal("a table that is locked is gone").raise();
    found.into_iter().next().unwrap_or_else(gone)
}

/// The triggers of a table whose counts are live: their names, and when they fire.
const TRIGGERS: [(&str, &str); 4] = [
    ("segments_live_insert", "INSERT"),
    ("segments_live_update", "UPDATE"),
    ("segments_live_delete", "DELETE"),
    ("segments_live_truncate", "TRUNCATE"),
];

/// Adds those triggers that the table does not have. They are the table's, so that dumps have them.
fn add_triggers(table: pg_sys::Oid, extension_owner: pg_sys::Oid) {
    let present = triggers_of(table);
    let quoted = describe(table).quoted;
    for (name, event) in TRIGGERS {
        if present.iter().any(|present| present == name) {
            continue;
        }
        let tables = match event {
            "INSERT" => "REFERENCING NEW TABLE AS segments_new",
            "UPDATE" => "REFERENCING OLD TABLE AS segments_old NEW TABLE AS segments_new",
            "DELETE" => "REFERENCING OLD TABLE AS segments_old",
            _ => "",
        };
        let sql = format!(
            "CREATE TRIGGER {} AFTER {event} ON {quoted} {tables} FOR EACH STATEMENT EXECUTE FUNCTION segments.keep_counts()",
            quote_identifier(name)
        );
        security::as_role(extension_owner, || query::write(&sql, &[]));
    }
}

/// Drops the triggers of tables that belong to no live audience any more.
fn drop_unused_triggers(tables: &[pg_sys::Oid], extension_owner: pg_sys::Oid) {
    for &table in tables {
        if super::tracked::is_kept(table) {
            continue;
        }
        let quoted = describe(table).quoted;
        for name in triggers_of(table) {
            let sql = format!("DROP TRIGGER {} ON {quoted}", quote_identifier(&name));
            security::as_role(extension_owner, || query::write(&sql, &[]));
        }
    }
}

fn triggers_of(table: pg_sys::Oid) -> Vec<String> {
    query::write_rows(
        "SELECT t.tgname::pg_catalog.text FROM pg_catalog.pg_trigger t
          WHERE t.tgrelid OPERATOR(pg_catalog.=) $1
            AND t.tgfoid OPERATOR(pg_catalog.=) 'segments.keep_counts'::pg_catalog.regproc::pg_catalog.oid
          ORDER BY t.tgname",
        &[table.into()],
        |row| row.get(1),
    )
}
