//! Pages of contacts, in the documented JSON shape, by keyset.

use crate::audience::{Audience, ColumnRef};
use crate::contact::{can_be_id, executable_sql, literal};
use crate::error::Failure;
use crate::pg::call::Call;
use crate::pg::{returning, subtransaction};
use crate::query;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use pgrx::PgSqlErrorCode;
use pgrx::spi::quote_identifier;
use segments_core::expr::Checked;
use segments_core::sql::{self, Style};

/// Returns one page of the contacts that satisfy a condition: newest first, else by id.
pub fn contacts(call: Call, audience: &Audience, checked: &Checked, page_size: i32, after: Option<&str>) {
    let cursor = after.map(|after| Cursor::parse(after, &audience.id.type_name));
    let past_cursor = match &cursor {
        Some(cursor) => format!(" AND {}", cursor.filter(audience)),
        None => String::new(),
    };
    let sql = format!(
        "SELECT pg_catalog.to_jsonb(c) FROM (SELECT {} FROM {} WHERE ({}){past_cursor} ORDER BY {} LIMIT $1) c",
        members(audience),
        audience.relation.quoted(),
        executable_sql(audience, checked),
        order(audience),
    );
    returning::rows(call, &sql, &[i64::from(page_size).into()]);
}

/// The members of a contact's JSON object, as the columns of a SELECT.
fn members(audience: &Audience) -> String {
    const RESERVED: [&str; 5] = ["object", "id", "properties", "topics", "cursor"];
    let id = audience.value(&audience.id.name);
    let mut members = vec!["'contact'::pg_catalog.text AS object".to_owned(), format!("{id} AS id")];
    let native = audience.table.columns.iter().map(|column| column.name.as_str());
    let native = native.filter(|name| !RESERVED.contains(name));
    members.extend(native.map(|name| format!("{} AS {}", audience.value(name), quote_identifier(name))));
    members.push(match &audience.table.properties {
        Some(column) => format!("{} AS properties", quote_identifier(&column.name)),
        None => "'{}'::pg_catalog.jsonb AS properties".to_owned(),
    });
    members.push(format!("{} AS topics", slugs(audience)));
    let created =
        audience.created.as_ref().map_or("NULL::pg_catalog.text".to_owned(), |created| as_text(audience, created));
    members.push(format!(
        "pg_catalog.translate(pg_catalog.encode(pg_catalog.convert_to(
            pg_catalog.jsonb_build_array({created}, {})::pg_catalog.text, 'UTF8'), 'base64'), E'+/=\\n', '-_') AS cursor",
        as_text(audience, &audience.id)
    ));
    members.join(", ")
}

/// A column as text that reads back exactly, whatever the session's DateStyle is.
fn as_text(audience: &Audience, column: &ColumnRef) -> String {
    format!("(pg_catalog.to_jsonb({}) OPERATOR(pg_catalog.#>>) '{{}}')", audience.value(&column.name))
}

/// The slugs of the topics that the row's contact is subscribed to, as jsonb.
pub fn slugs(audience: &Audience) -> String {
    let Some(topics) = &audience.table.topics else { return "'[]'::pg_catalog.jsonb".to_owned() };
    let relation = pgrx::spi::quote_qualified_identifier(&topics.relation.schema, &topics.relation.name);
    // The contact is that of the query around this one: its table may have any name.
    let table = &audience.relation.name.name;
    let alias = |name: &str| if name == table { format!("{name}_") } else { name.to_owned() };
    let (subscription, known) = (alias("subscription"), alias("known"));
    let style = Style { alias: Some(subscription.clone()), ..audience.style() };
    format!(
        "(SELECT COALESCE(pg_catalog.jsonb_agg({known}.slug ORDER BY {known}.slug), '[]')
            FROM {relation} {subscription}
            JOIN segments.topic_config {known}
              ON {known}.audience OPERATOR(pg_catalog.=) {audience_name}
             AND {topic}::pg_catalog.text OPERATOR(pg_catalog.=) ANY (ARRAY[{known}.slug, {known}.id::pg_catalog.text])
           WHERE {subscription}.{contact} OPERATOR(pg_catalog.=) {table}.{id})",
        audience_name = pgrx::spi::quote_literal(&audience.name),
        contact = quote_identifier(&topics.contact_column),
        topic = sql::value(&topics.topic_column, &style),
        table = quote_identifier(table),
        id = quote_identifier(&topics.id_column),
    )
}

fn order(audience: &Audience) -> String {
    // With the table's name before it: alone, a name would mean what is returned under it.
    let column = |column: &ColumnRef| {
        format!("{}.{}", quote_identifier(&audience.relation.name.name), quote_identifier(&column.name))
    };
    let id = column(&audience.id);
    match &audience.created {
        // Plain DESC is what an index on (created, id) gives when read backwards.
        Some(created) if created.not_null => format!("{} DESC, {id} DESC", column(created)),
        Some(created) => format!("{} DESC NULLS LAST, {id} DESC", column(created)),
        None => format!("{id} DESC"),
    }
}

/// Where a page ended: the ordering values of its last contact, so that it holds when that contact is gone.
struct Cursor {
    created: Option<String>,
    id: String,
}

impl Cursor {
    fn parse(text: &str, id_type: &str) -> Self {
        let json = URL_SAFE_NO_PAD.decode(text).ok();
        let values = json.and_then(|json| serde_json::from_slice::<(Option<String>, String)>(&json).ok());
        let Some((created, id)) = values.filter(|(_, id)| can_be_id(id, id_type)) else { no_cursor().raise() };
        Cursor { created, id }
    }

    /// That a row comes after the cursor.
    fn filter(&self, audience: &Audience) -> String {
        let id = quote_identifier(&audience.id.name);
        let id_value = literal(&self.id, &audience.id.type_name);
        must_be_read(&id_value);
        let Some(created) = &audience.created else {
            return format!("{id} OPERATOR(pg_catalog.<) {id_value}");
        };
        let column = quote_identifier(&created.name);
        let Some(value) = &self.created else {
            return format!("({column} IS NULL AND {id} OPERATOR(pg_catalog.<) {id_value})");
        };
        let value = literal(value, &created.type_name);
        must_be_read(&value);
        let pair = format!("({column}, {id}) OPERATOR(pg_catalog.<) ({value}, {id_value})");
        if created.not_null { pair } else { format!("({pair} OR {column} IS NULL)") }
    }
}

/// Raises 22023 where the text of a literal is no value of its type.
fn must_be_read(literal: &str) {
    let read = || query::first(&format!("SELECT {literal} IS NULL"), &[], |_| ());
    subtransaction::rewording(read, |_| no_cursor());
}

fn no_cursor() -> Failure {
    Failure::new(PgSqlErrorCode::ERRCODE_INVALID_PARAMETER_VALUE, "after is not a cursor")
        .detail("A page goes on after the contact whose cursor is given.")
        .hint("Take the \"cursor\" of the last contact of the page before.")
}
