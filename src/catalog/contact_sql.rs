//! SQL over an audience's table: conditions, the values of fields, and the comparison with an id.

use crate::catalog::audience::Audience;
use crate::pg::query;
use crate::pg::spi::QueryText;
use pgrx::spi::{quote_identifier, quote_literal};
use segments_core::expr::{Checked, Expr};
use segments_core::path::Path;
use segments_core::sql::{self, Gathered, Gathering, Joined, Names, Style, Way};
use uuid::Uuid;

/// A condition and the audience's filter, as SQL that can be executed under any search_path.
pub fn executable_sql(audience: &Audience, checked: &Checked) -> String {
    sql::where_clause(&restricted(audience, checked), &audience.table, &audience.style())
}

/// Like [`executable_sql`], for a query on one contact or a few, whose rows in relations are looked up.
pub fn executable_sql_for_one(audience: &Audience, checked: &Checked) -> String {
    sql::where_clause_for_one(&restricted(audience, checked), &audience.table, &audience.style())
}

/// Like [`executable_sql`], for the contacts that [`executable_sql`] does not find.
pub fn complement_sql(audience: &Audience, checked: &Checked) -> String {
    sql::where_clause(&restricted(audience, checked).not(), &audience.table, &audience.style())
}

/// Whether [`executable_sql`] reads the audience's table itself, to find those whose row is at hand by their ids.
pub fn reads_contacts(audience: &Audience, checked: &Checked) -> bool {
    sql::needs_joins(&restricted(audience, checked), &audience.table)
}

/// Whether [`executable_sql`] reads all rows of a relation, where [`executable_sql_for_one`] looks up those of one contact.
pub fn reads_whole_relations(audience: &Audience, checked: &Checked) -> bool {
    sql::reads_whole_relations(&restricted(audience, checked), &audience.table)
}

/// Conditions, each with the audience's filter, for one query that tells for each contact which of them it satisfies.
/// Columns of the audience's table need its name as prefix in it.
pub fn joined_sql(audience: &Audience, conditions: &[Checked]) -> Joined {
    let conditions: Vec<Checked> = conditions.iter().map(|checked| restricted(audience, checked)).collect();
    sql::joined(&conditions, &audience.table, &audience.style())
}

/// What contacts are joined with so that an aggregate gathers their rows in relations, for a query on the contacts that the
/// audience's filter lets through. Columns of the audience's table need its name as prefix in it.
pub fn gathered(audience: &Audience, gatherings: &[Gathering<'_>]) -> Gathered {
    sql::gathered(gatherings, &audience.restriction, &audience.table, &audience.style())
}

/// A condition and the audience's filter, as SQL for several queries that have the same result.
pub fn ways(audience: &Audience, checked: &Checked) -> Vec<Way> {
    sql::ways(&restricted(audience, checked), &audience.table, &audience.style())
}

/// Like [`executable_sql`], for a query on several tables. Columns are qualified with the table's name, and the
/// expression `held` is an array of the topics that the contact is subscribed to.
pub fn sql_with_topics(audience: &Audience, checked: &Checked, held: &str) -> String {
    let alias = Some(audience.table.name.clone());
    let style = Style { names: Names::Qualified, extension_schema: audience.extension_schema.clone(), alias };
    let mut table = audience.table.clone();
    if let Some(topics) = &mut table.topics {
        topics.held = Some(held.to_owned());
    }
    sql::where_clause(&restricted(audience, checked), &table, &style)
}

/// A condition and the audience's filter, as SQL for people, which runs under the caller's search_path.
pub fn readable_sql(audience: &Audience, checked: &Checked) -> String {
    let search_path = query::first(QueryText::Made(SEARCH_PATH), &[], |row| row.get(1));
    let names = Names::Readable { search_path: search_path.unwrap_or_default() };
    let style = Style { names, extension_schema: audience.extension_schema.clone(), alias: None };
    sql::where_clause(&restricted(audience, checked), &audience.table, &style)
}

// This asks for the caller's search_path. A constant query would run with the fixed one, so this is none.
const SEARCH_PATH: &str = "SELECT pg_catalog.current_schemas(true)::pg_catalog.text[]";

/// A condition combined with the audience's filter.
pub fn restricted(audience: &Audience, checked: &Checked) -> Checked {
    Expr::and([audience.restriction.clone(), checked.clone()])
}

/// The value at a path, as jsonb.
pub fn field_sql(audience: &Audience, path: &Path) -> String {
    field_as(audience, path, &audience.style())
}

/// Like [`field_sql`], for a query that joins contacts with other tables, as [`joined_sql`] says.
pub fn joined_field_sql(audience: &Audience, path: &Path) -> String {
    field_as(audience, path, &Style { alias: Some(audience.table.name.clone()), ..audience.style() })
}

fn field_as(audience: &Audience, path: &Path, style: &Style) -> String {
    let whole = property_as(audience, path.first(), style);
    if path.rest().is_empty() { whole } else { nested_sql(&whole, path.rest()) }
}

/// The value of a column, or of a key among the custom properties, as jsonb.
pub fn property_sql(audience: &Audience, name: &str) -> String {
    property_as(audience, name, &audience.style())
}

fn property_as(audience: &Audience, name: &str, style: &Style) -> String {
    match (audience.table.column(name), &audience.table.properties) {
        (Some(column), _) => format!("pg_catalog.to_jsonb({})", sql::seen(column, style)),
        (None, Some(properties)) => {
            let row = style.alias.as_ref().map(|alias| format!("{}.", quote_identifier(alias))).unwrap_or_default();
            let properties = quote_identifier(&properties.name);
            format!("({row}{properties} OPERATOR(pg_catalog.->) {})", quote_literal(name))
        }
        (None, None) => "NULL::pg_catalog.jsonb".to_owned(),
    }
}

/// The value at the end of a path inside a property. If an array lies on the way, any element may have it, so it is the
/// whole property.
fn nested_sql(whole: &str, path: &[String]) -> String {
    let keys: Vec<String> = path.iter().map(quote_literal).collect();
    let after = |steps: usize| {
        format!("({whole} OPERATOR(pg_catalog.#>) ARRAY[{}]::pg_catalog.text[])", keys[..steps].join(", "))
    };
    let types: Vec<String> =
        (0..keys.len()).map(|steps| format!("pg_catalog.jsonb_typeof({})", after(steps))).collect();
    format!(
        "COALESCE({}, CASE WHEN 'array' OPERATOR(pg_catalog.=) ANY (ARRAY[{}]) THEN {whole} END)",
        after(keys.len()),
        types.join(", ")
    )
}

/// A condition that a row is the contact with that id. It is false if the text is not a value of the id's type.
pub fn is_contact(audience: &Audience, contact_id: &str) -> String {
    if !can_be_id(contact_id, &audience.id.type_name) {
        return "false".to_owned();
    }
    audience.id.is(&quote_identifier(&audience.id.name), &quote_literal(contact_id))
}

/// Whether a text can be read as a value of a type. True if that is hard to tell; then Postgres raises.
pub fn can_be_id(text: &str, type_name: &str) -> bool {
    match type_name {
        "pg_catalog.uuid" => read_uuid(text).is_some(),
        "pg_catalog.int2" => without_space(text).parse::<i16>().is_ok(),
        "pg_catalog.int4" => without_space(text).parse::<i32>().is_ok(),
        "pg_catalog.int8" => without_space(text).parse::<i64>().is_ok(),
        _ => true,
    }
}

/// Whether Postgres reads a text as a uuid (`string_to_uuid` in utils/adt/uuid.c): 32 hexadecimal digits, optionally
/// with a hyphen after each group of four, optionally in braces.
pub fn read_uuid(text: &str) -> Option<Uuid> {
    let text = text.strip_prefix('{').map_or(Some(text), |text| text.strip_suffix('}'))?;
    let is_group = |group: &str| !group.is_empty() && group.len().is_multiple_of(4);
    let digits: String = text.split('-').collect();
    let is_uuid = text.split('-').all(is_group) && digits.len() == 32 && digits.bytes().all(|b| b.is_ascii_hexdigit());
    is_uuid.then(|| Uuid::try_parse(&digits).ok()).flatten()
}

/// A text without the white space that Postgres ignores around a number. It is that of C's `isspace`, so ASCII only.
fn without_space(text: &str) -> &str {
    text.trim_matches(|c| matches!(c, ' ' | '\t'..='\r'))
}

/// A literal of a type. The input function of the type reads it, while a parameter of type text would be cast, possibly
/// by a function that the owner of an enum has written.
pub fn literal(text: &str, type_name: &str) -> String {
    format!("{}::{type_name}", quote_literal(text))
}
