//! Conditions, and what tells contacts apart, as SQL over an audience's table.

use crate::catalog::audience::Audience;
use crate::pg::query;
use crate::pg::spi::QueryText;
use pgrx::spi::{quote_identifier, quote_literal};
use segments_core::expr::{Checked, Expr};
use segments_core::sql::{self, Names, Style};
use uuid::Uuid;

/// A condition with the audience's scope, to be executed under any search_path.
pub fn executable_sql(audience: &Audience, checked: &Checked) -> String {
    sql::where_clause(&restricted(audience, checked), &audience.table, &audience.style())
}

/// As [`executable_sql`], in a query on several tables: columns go by the table's name, and what the contact is
/// subscribed to is the expression `held`, an array.
pub fn sql_with_topics(audience: &Audience, checked: &Checked, held: &str) -> String {
    sql_on_row(audience, checked, &audience.table.name, held)
}

/// As [`sql_with_topics`], where the row goes by another name.
pub fn sql_on_row(audience: &Audience, checked: &Checked, row: &str, held: &str) -> String {
    let alias = Some(row.to_owned());
    let style = Style { names: Names::Qualified, extension_schema: audience.extension_schema.clone(), alias };
    let mut table = audience.table.clone();
    if let Some(topics) = &mut table.topics {
        topics.held = Some(held.to_owned());
    }
    sql::where_clause(&restricted(audience, checked), &table, &style)
}

/// A condition with the audience's scope, to be read by people and run under the caller's search_path.
pub fn readable_sql(audience: &Audience, checked: &Checked) -> String {
    let search_path = query::first(QueryText::Made(SEARCH_PATH), &[], |row| row.get(1));
    let names = Names::Readable { search_path: search_path.unwrap_or_default() };
    let style = Style { names, extension_schema: audience.extension_schema.clone(), alias: None };
    sql::where_clause(&restricted(audience, checked), &audience.table, &style)
}

// The caller's, so it is no constant query: those run with a search_path of their own.
const SEARCH_PATH: &str = "SELECT pg_catalog.current_schemas(true)::pg_catalog.text[]";

/// A condition with the audience's scope.
pub fn restricted(audience: &Audience, checked: &Checked) -> Checked {
    Expr::and([audience.restriction.clone(), checked.clone()])
}

/// That a row is the contact of that id. What is no value of the id's type is the id of no contact.
pub fn is_contact(audience: &Audience, contact_id: &str) -> String {
    if !can_be_id(contact_id, &audience.id.type_name) {
        return "false".to_owned();
    }
    audience.id.is(&quote_identifier(&audience.id.name), &quote_literal(contact_id))
}

/// Whether a text may be read as a value of the type; where that is hard to tell, Postgres will say.
pub fn can_be_id(text: &str, type_name: &str) -> bool {
    match type_name {
        "pg_catalog.uuid" => read_uuid(text).is_some(),
        "pg_catalog.int2" => without_space(text).parse::<i16>().is_ok(),
        "pg_catalog.int4" => without_space(text).parse::<i32>().is_ok(),
        "pg_catalog.int8" => without_space(text).parse::<i64>().is_ok(),
        _ => true,
    }
}

/// A text as Postgres reads it as a uuid (`string_to_uuid` in utils/adt/uuid.c): 32 hexadecimal digits, a hyphen after
/// any four of them, all in braces or not.
pub fn read_uuid(text: &str) -> Option<Uuid> {
    let text = text.strip_prefix('{').map_or(Some(text), |text| text.strip_suffix('}'))?;
    let is_group = |group: &str| !group.is_empty() && group.len().is_multiple_of(4);
    let digits: String = text.split('-').collect();
    let is_uuid = text.split('-').all(is_group) && digits.len() == 32 && digits.bytes().all(|b| b.is_ascii_hexdigit());
    is_uuid.then(|| Uuid::try_parse(&digits).ok()).flatten()
}

/// Without what Postgres takes for white space around a number (`isspace` of C), which is ASCII.
fn without_space(text: &str) -> &str {
    text.trim_matches(|c| matches!(c, ' ' | '\t'..='\r'))
}

/// A value of that type. An argument of type text would be cast, which the owner of an enum may have written a function
/// for; a literal is read by the type itself.
pub fn literal(text: &str, type_name: &str) -> String {
    format!("{}::{type_name}", quote_literal(text))
}
