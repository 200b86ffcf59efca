//! Pages of contacts, in the documented JSON shape, by keyset.

use crate::catalog::audience::Audience;
use crate::catalog::column::ColumnRef;
use crate::catalog::contact_sql::{can_be_id, executable_sql, literal};
use crate::catalog::subscription;
use crate::pg::call::Call;
use crate::pg::error::Failure;
use crate::pg::{query, returning, subtransaction};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use pgrx::PgSqlErrorCode;
use pgrx::spi::quote_identifier;
use segments_core::expr::Checked;

/// Returns one page of the contacts that satisfy a condition: newest first, else by id.
pub fn contacts(call: Call, audience: &Audience, checked: &Checked, page_size: i32, after: Option<&str>) {
    let cursor = after.map(|after| Cursor::parse(after, &audience.id.type_name));
    let (members, table) = (members(audience), audience.relation.quoted());
    let (condition, order) = (executable_sql(audience, checked), order(audience));
    let query = |part: &String| {
        format!(
            "SELECT pg_catalog.to_jsonb(c.*)
               FROM (SELECT {members} FROM {table} WHERE ({condition}) AND {part} ORDER BY {order} LIMIT $1) c"
        )
    };
    let queries: Vec<String> = parts(audience, cursor.as_ref()).iter().map(query).collect();
    returning::first_rows(call, &queries, page_size.into());
}

/// Which contacts come after the cursor: filters, to be read one after the other. Those without a date of creation come
/// last: as a part of their own, they leave the others to an index that is read backwards.
fn parts(audience: &Audience, cursor: Option<&Cursor>) -> Vec<String> {
    let id = cursor.map(|cursor| Bound::new(&audience.id, &cursor.id));
    let Some(created) = &audience.created else {
        return vec![id.map_or("true".to_owned(), |id| id.is_below())];
    };
    let is_null = format!("{} IS NULL", quote_identifier(&created.name));
    let date = cursor.and_then(|cursor| cursor.created.as_ref()).map(|date| Bound::new(created, date));
    let dated = match (&date, &id) {
        (Some(date), Some(id)) => date.is_below_with(id),
        (None, Some(id)) => return vec![format!("{is_null} AND {}", id.is_below())],
        _ => format!("{} IS NOT NULL", quote_identifier(&created.name)),
    };
    if created.not_null { vec![dated] } else { vec![dated, is_null] }
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
    members.push(format!("{} AS topics", subscription::slugs(audience)));
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

fn order(audience: &Audience) -> String {
    // With the table's name before it: alone, a name would mean what is returned under it.
    let column = |column: &ColumnRef| {
        format!("{}.{}", quote_identifier(&audience.relation.name.name), quote_identifier(&column.name))
    };
    // Plain DESC is what an index on (created, id) gives when read backwards.
    let columns = audience.created.iter().chain([&audience.id]).map(|by| format!("{} DESC", column(by)));
    columns.collect::<Vec<_>>().join(", ")
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
}

/// A column and a value of it, both as of the type that the value is of: the column's may be a domain over it.
struct Bound<'a> {
    column: &'a ColumnRef,
    term: String,
    value: String,
}

impl<'a> Bound<'a> {
    fn new(column: &'a ColumnRef, value: &str) -> Self {
        let term = format!("{}::{}", quote_identifier(&column.name), column.type_name);
        let value = literal(value, &column.type_name);
        must_be_read(&value);
        Bound { column, term, value }
    }

    fn is_below(&self) -> String {
        format!("{} {} {}", self.term, self.column.operator("<"), self.value)
    }

    /// As one comparison, where one operator orders both: that is what an index on both answers.
    fn is_below_with(&self, id: &Bound) -> String {
        let Bound { column, term, value } = self;
        if column.operators == id.column.operators {
            return format!("({term}, {}) {} ({value}, {})", id.term, column.operator("<"), id.value);
        }
        format!("({term} {} {value} AND ({} OR {}))", column.operator("<="), self.is_below(), id.is_below())
    }
}

/// Raises 22023 where the text of a literal is no value of its type.
fn must_be_read(literal: &str) {
    let read = || query::first(&format!("SELECT {literal} IS NULL"), &[], |_| ());
    subtransaction::rewording(read, |_, _| no_cursor());
}

fn no_cursor() -> Failure {
    Failure::new(PgSqlErrorCode::ERRCODE_INVALID_PARAMETER_VALUE, "after is not a cursor")
        .detail("A page begins after the contact whose cursor is given.")
        .hint("Take the \"cursor\" of the last contact of the page before.")
}

/// A page size from 1 to `most`; raises 22023 otherwise.
pub fn checked_page_size(page_size: Option<i32>, most: i32) -> i32 {
    let page_size = page_size.unwrap_or(20);
    if (1..=most).contains(&page_size) {
        return page_size;
    }
    Failure::new(PgSqlErrorCode::ERRCODE_INVALID_PARAMETER_VALUE, format!("page_size must be from 1 to {most}"))
        .detail(format!("It was {page_size}."))
        .hint("Ask for further pages with after.")
        .raise()
}
