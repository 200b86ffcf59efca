//! Contacts: counting, searching, paging and asking after them, with the caller's own rights and row security.

use crate::api::page;
use crate::api::segment::read as api_segment;
use crate::catalog::audience::Audience;
use crate::catalog::scope;
use crate::catalog::segment::{Definition, id_of};
use crate::counting::count;
use crate::evaluate::condition;
use crate::pg::call::Call;
use crate::pg::error::{Failure, required};
use crate::pg::query;
use crate::pg::{relcache, returning, security};
use pgrx::prelude::*;
use pgrx::spi::{quote_identifier, quote_literal};
use pgrx::{PgSqlErrorCode, pg_sys};
use segments_core::expr::{Checked, Expr};
use segments_core::sql::{self, Names, Style};
use uuid::Uuid;

mod segments;

/// How many contacts a page may have.
const MOST_CONTACTS: i32 = 1000;

/// How many contacts satisfy a condition now.
#[pg_extern(sql = false)]
fn count_contacts(conditions: Option<&str>, audience: Option<&str>) -> i64 {
    let (conditions, audience) = (required("conditions", conditions), required("audience", audience));
    let audience = Audience::load(audience);
    count::as_caller(&audience, &checked(&audience, conditions))
}

/// Contacts that satisfy a condition, newest first.
#[pg_extern(sql = false)]
fn search_contacts(
    conditions: Option<&str>,
    audience: Option<&str>,
    page_size: Option<i32>,
    after: Option<&str>,
    call: Call,
) {
    let (conditions, audience) = (required("conditions", conditions), required("audience", audience));
    let audience = Audience::load(audience);
    let checked = checked(&audience, conditions);
    page::contacts(call, &audience, &checked, checked_page_size(page_size, MOST_CONTACTS), after);
}

/// Members of a segment, newest first.
#[pg_extern(sql = false)]
fn segment_contacts(segment: Option<pgrx::Uuid>, page_size: Option<i32>, after: Option<&str>, call: Call) {
    let (audience, checked) = members_of(required("segment", segment));
    page::contacts(call, &audience, &checked, checked_page_size(page_size, MOST_CONTACTS), after);
}

/// The ids of a segment's members, in the type that the caller asks for.
#[pg_extern(sql = false)]
fn segment_members(segment: Option<pgrx::Uuid>, call: Call) {
    let (audience, checked) = members_of(required("segment", segment));
    // As it is where its own type is asked for: the text of an enum's value would be cast back to it.
    let is_own_type = call.returns(relcache::column_type(audience.relation.oid, &audience.id.name));
    let name = &audience.id.name;
    let id = match is_own_type {
        true => quote_identifier(name),
        false if call.returns(pg_sys::TEXTOID) => audience.id.as_text(&quote_identifier(name)),
        false => audience.value(name),
    };
    let sql = format!(
        "SELECT {id}::{} FROM {} WHERE {}",
        call.return_type(),
        audience.relation.quoted(),
        executable_sql(&audience, &checked)
    );
    security::with_fixed_output(|| returning::rows(call, &sql, &[]));
}

/// Whether a contact is a member of a segment now.
#[pg_extern(sql = false)]
fn in_segment(contact_id: &str, segment: pgrx::Uuid) -> bool {
    let (audience, checked) = members_of(segment);
    let sql = format!(
        "SELECT EXISTS (SELECT 1 FROM {} WHERE {} AND ({}))",
        audience.relation.quoted(),
        is_contact(&audience, contact_id),
        executable_sql(&audience, &checked)
    );
    query::first(&sql, &[], |row| row.get(1)).unwrap_or(false)
}

/// The WHERE expression that a condition becomes.
#[pg_extern(sql = false)]
fn conditions_sql(conditions: Option<&str>, audience: Option<&str>) -> String {
    let (conditions, audience) = (required("conditions", conditions), required("audience", audience));
    let audience = Audience::load(audience);
    readable_sql(&audience, &checked(&audience, conditions))
}

/// A condition over an audience; raises its first mistake.
fn checked(audience: &Audience, conditions: &str) -> Checked {
    let checked = scope::check(audience, &condition::stored(conditions.as_bytes()), "UTC").checked;
    condition::notice_everyone(&checked);
    checked
}

fn members_of(segment: pgrx::Uuid) -> (Audience, Checked) {
    let definition = Definition::load(id_of(segment));
    let audience = Audience::load(&definition.audience);
    let checked = api_segment::checked(&audience, &definition);
    (audience, checked)
}

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
    let search_path = query::first("SELECT pg_catalog.current_schemas(true)::pg_catalog.text[]", &[], |row| row.get(1));
    let names = Names::Readable { search_path: search_path.unwrap_or_default() };
    let style = Style { names, extension_schema: audience.extension_schema.clone(), alias: None };
    sql::where_clause(&restricted(audience, checked), &audience.table, &style)
}

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
