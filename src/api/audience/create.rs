//! `create_contacts`: tables for those who have none.

use super::{ContactsIn, NamedColumns, already_exists, attach};
use crate::api::audience::topics::map_topics;
use crate::catalog::access::{self, Scope};
use crate::pg::error::{Failure, required};
use crate::pg::query;
use crate::pg::spi::QueryText;
use pgrx::prelude::*;
use pgrx::spi::quote_qualified_identifier;
use pgrx::{PgSqlErrorCode, pg_sys};

/// Creates an ordinary table of contacts and a table of subscriptions, both owned by the caller, and attaches them
/// under the table's name.
#[pg_extern(sql = false)]
fn create_contacts(relation: Option<&str>) {
    let relation = required("relation", relation);
    let parts = query::first("SELECT parse_ident($1)", &[relation.into()], |row| row.get::<Vec<String>>(1));
    let (schema, name) = match parts.as_deref() {
        Some([name]) => (creation_schema(), name.clone()),
        Some([schema, name]) => (schema.clone(), name.clone()),
        _ => Failure::new(PgSqlErrorCode::ERRCODE_INVALID_NAME, format!("\"{relation}\" is not the name of a table"))
            .detail("A name may have a schema before it, and nothing else.")
            .hint("Write create_contacts('contacts') or create_contacts('crm.contacts').")
            .raise(),
    };
    access::require(Scope::WriteSegments, &name);
    let singular = name.strip_suffix('s').filter(|singular| !singular.is_empty()).unwrap_or(&name);
    let table = quote_qualified_identifier(&schema, &name);
    let topics_name = format!("{singular}_topics");
    // Postgres would cut a longer name, and the two tables might get the same one.
    if name.len().max(topics_name.len()) >= pg_sys::NAMEDATALEN as usize {
        Failure::new(PgSqlErrorCode::ERRCODE_NAME_TOO_LONG, format!("the name \"{name}\" is too long"))
            .detail(format!(
                "The table of subscriptions would be called \"{topics_name}\", and names of tables have at most {} bytes.",
                pg_sys::NAMEDATALEN - 1
            ))
            .hint("Choose a shorter name, or attach tables of your own with attach_audience() and attach_topics().")
            .raise()
    }
    let topics_table = quote_qualified_identifier(&schema, &topics_name);
    if access::has_audience(&name) {
        already_exists(&name)
    }
    for table in [&table, &topics_table] {
        if query::first("SELECT to_regclass($1)", &[table.as_str().into()], |row| row.nullable::<pg_sys::Oid>(1))
            .flatten()
            .is_some()
        {
            Failure::new(PgSqlErrorCode::ERRCODE_DUPLICATE_TABLE, format!("relation {table} already exists"))
                .detail("create_contacts() makes a table of contacts, and one with what they are subscribed to.")
                .hint("Choose another name, or attach the table that you have with attach_audience().")
                .raise()
        }
    }
    for statement in contacts_ddl(&table, &topics_table) {
        query::write(&statement, &[]);
    }
    let oid = |table: &str| {
        query::write_rows("SELECT $1::regclass::oid", &[table.into()], |row| row.get::<pg_sys::Oid>(1))[0]
    };
    let columns = NamedColumns {
        id: Some("id".to_owned()),
        properties: Some("properties".to_owned()),
        created: Some("created_at".to_owned()),
        listed: None,
    };
    attach(&name, ContactsIn::Table { relation: oid(&table), columns, time_zone: None }, None);
    map_topics(&name, oid(&topics_table), ["contact_id", "topic"]);
}

// The answer depends on the caller's search_path. A constant query would run with the fixed one, so this is none.
const CREATION_SCHEMA: &str = "SELECT pg_catalog.current_schema()::pg_catalog.text";

/// The schema in which a table without a schema is created.
fn creation_schema() -> String {
    let schema = query::first(QueryText::Made(CREATION_SCHEMA), &[], |row| row.nullable(1));
    schema.flatten().unwrap_or_else(|| {
        Failure::new(PgSqlErrorCode::ERRCODE_INVALID_SCHEMA_NAME, "no schema has been selected to create in")
            .detail("search_path names no schema that exists.")
            .hint("Name one: create_contacts('crm.contacts').")
            .raise()
    })
}

fn contacts_ddl(table: &str, topics: &str) -> [String; 4] {
    [
        format!(
            "CREATE TABLE {table} (
                id pg_catalog.uuid PRIMARY KEY DEFAULT pg_catalog.gen_random_uuid(),
                email pg_catalog.text,
                first_name pg_catalog.text,
                last_name pg_catalog.text,
                phone pg_catalog.text,
                country pg_catalog.text,
                city pg_catalog.text,
                timezone pg_catalog.text,
                status pg_catalog.text NOT NULL DEFAULT 'subscribed',
                subscribed_at pg_catalog.timestamptz,
                unsubscribed_at pg_catalog.timestamptz,
                properties pg_catalog.jsonb NOT NULL DEFAULT '{{}}'
                    CHECK (pg_catalog.jsonb_typeof(properties) OPERATOR(pg_catalog.=) 'object'),
                created_at pg_catalog.timestamptz NOT NULL DEFAULT pg_catalog.now(),
                updated_at pg_catalog.timestamptz NOT NULL DEFAULT pg_catalog.now())"
        ),
        format!("CREATE INDEX ON {table} (created_at, id)"),
        format!(
            "CREATE TABLE {topics} (
                contact_id pg_catalog.uuid NOT NULL REFERENCES {table} ON DELETE CASCADE,
                topic pg_catalog.text NOT NULL,
                subscribed_at pg_catalog.timestamptz NOT NULL DEFAULT pg_catalog.now(),
                PRIMARY KEY (contact_id, topic))"
        ),
        format!("CREATE INDEX ON {topics} (topic, contact_id)"),
    ]
}
