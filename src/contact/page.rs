//! Pages of contacts, in the documented JSON shape, by keyset.

use crate::audience::{Audience, ColumnRef};
use crate::contact::executable_sql;
use crate::error::Failure;
use crate::pg::call::Call;
use crate::pg::returning;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use pgrx::PgSqlErrorCode;
use pgrx::spi::quote_identifier;
use segments_core::expr::Checked;
use segments_core::sql::Topics;

/// Returns one page of the contacts that satisfy a condition: newest first, else by id.
pub fn contacts(call: Call, audience: &Audience, checked: &Checked, page_size: i32, after: Option<&str>) {
    let cursor = after.map(Cursor::parse);
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
    let (created, id) = cursor.map_or((None, None), |cursor| (cursor.created, Some(cursor.id)));
    returning::rows(call, &sql, &[i64::from(page_size).into(), created.into(), id.into()]);
}

/// The members of a contact's JSON object, as the columns of a SELECT.
fn members(audience: &Audience) -> String {
    const RESERVED: [&str; 5] = ["object", "id", "properties", "topics", "cursor"];
    let id = quote_identifier(&audience.id.name);
    let mut members = vec!["'contact'::pg_catalog.text AS object".to_owned(), format!("{id} AS id")];
    let native = audience.table.columns.iter().map(|column| column.name.as_str());
    members.extend(native.filter(|name| !RESERVED.contains(name)).map(quote_identifier));
    members.push(match &audience.table.properties {
        Some(column) => format!("{} AS properties", quote_identifier(&column.name)),
        None => "'{}'::pg_catalog.jsonb AS properties".to_owned(),
    });
    members.push(match &audience.table.topics {
        Some(topics) => format!("{} AS topics", slugs(topics, audience)),
        None => "'[]'::pg_catalog.jsonb AS topics".to_owned(),
    });
    let created = audience.created.as_ref().map_or("NULL::pg_catalog.text".to_owned(), as_text);
    members.push(format!(
        "pg_catalog.translate(pg_catalog.encode(pg_catalog.convert_to(
            pg_catalog.jsonb_build_array({created}, {})::pg_catalog.text, 'UTF8'), 'base64'), E'+/=\\n', '-_') AS cursor",
        as_text(&audience.id)
    ));
    members.join(", ")
}

/// A column as text that reads back exactly, whatever the session's DateStyle is.
fn as_text(column: &ColumnRef) -> String {
    format!("(pg_catalog.to_jsonb({}) OPERATOR(pg_catalog.#>>) '{{}}')", quote_identifier(&column.name))
}

/// The slugs of the topics that the row's contact is subscribed to.
fn slugs(topics: &Topics, audience: &Audience) -> String {
    let relation = pgrx::spi::quote_qualified_identifier(&topics.relation.schema, &topics.relation.name);
    let topic = quote_identifier(&topics.topic_column.name);
    format!(
        "(SELECT COALESCE(pg_catalog.jsonb_agg(known.slug ORDER BY known.slug), '[]')
            FROM {relation} subscription
            JOIN segments.topic_config known
              ON known.audience OPERATOR(pg_catalog.=) {audience_name}
             AND subscription.{topic}::pg_catalog.text OPERATOR(pg_catalog.=) ANY (ARRAY[known.slug, known.id::pg_catalog.text])
           WHERE subscription.{contact} OPERATOR(pg_catalog.=) {table}.{id})",
        audience_name = pgrx::spi::quote_literal(&audience.name),
        contact = quote_identifier(&topics.contact_column),
        table = quote_identifier(&audience.relation.name.name),
        id = quote_identifier(&topics.id_column),
    )
}

fn order(audience: &Audience) -> String {
    let id = quote_identifier(&audience.id.name);
    match &audience.created {
        // Plain DESC is what an index on (created, id) gives when read backwards.
        Some(created) if created.not_null => format!("{} DESC, {id} DESC", quote_identifier(&created.name)),
        Some(created) => format!("{} DESC NULLS LAST, {id} DESC", quote_identifier(&created.name)),
        None => format!("{id} DESC"),
    }
}

/// Where a page ended: the ordering values of its last contact, so that it holds when that contact is gone.
struct Cursor {
    created: Option<String>,
    id: String,
}

impl Cursor {
    fn parse(text: &str) -> Self {
        let json = URL_SAFE_NO_PAD.decode(text).ok();
        let values = json.and_then(|json| serde_json::from_slice::<(Option<String>, String)>(&json).ok());
        let Some((created, id)) = values else {
            Failure::new(PgSqlErrorCode::ERRCODE_INVALID_PARAMETER_VALUE, "after is not a cursor")
                .detail("A page goes on after the contact whose cursor is given.")
                .hint("Take the \"cursor\" of the last contact of the page before.")
                .raise()
        };
        Cursor { created, id }
    }

    /// That a row comes after the cursor, whose values are the query's second and third arguments.
    fn filter(&self, audience: &Audience) -> String {
        let id = quote_identifier(&audience.id.name);
        let id_value = format!("$3::{}", audience.id.type_name);
        let Some(created) = &audience.created else {
            return format!("{id} OPERATOR(pg_catalog.<) {id_value}");
        };
        let column = quote_identifier(&created.name);
        let pair = format!("({column}, {id}) OPERATOR(pg_catalog.<) ($2::{}, {id_value})", created.type_name);
        match (&self.created, created.not_null) {
            (Some(_), true) => pair,
            (Some(_), false) => format!("({pair} OR {column} IS NULL)"),
            (None, _) => format!("({column} IS NULL AND {id} OPERATOR(pg_catalog.<) {id_value})"),
        }
    }
}
