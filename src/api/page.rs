//! Pages of contacts, by keyset pagination, in the documented JSON shape.

use crate::catalog::audience::Audience;
use crate::catalog::column::ColumnRef;
use crate::catalog::contact_sql::{can_be_id, executable_sql, executable_sql_for_one, literal, reads_whole_relations};
use crate::catalog::subscription;
use crate::pg::call::Call;
use crate::pg::error::Failure;
use crate::pg::{query, returning, subtransaction, way};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use pgrx::PgSqlErrorCode;
use pgrx::spi::quote_identifier;
use segments_core::expr::Checked;
use segments_core::sql::{self, ColumnKind, NativeColumn};

/// A page of the contacts, newest first.
pub enum Page<'a> {
    First,
    /// The page that begins after the contact of that cursor
    After(&'a str),
    /// The page that ends before the contact of that cursor
    Before(&'a str),
}

impl<'a> Page<'a> {
    /// The page that a caller asks for. Raises 22023 if both cursors are given.
    pub fn asked(after: Option<&'a str>, before: Option<&'a str>) -> Self {
        match one_direction(after, before) {
            (Some(cursor), _) => Page::After(cursor),
            (None, Some(cursor)) => Page::Before(cursor),
            (None, None) => Page::First,
        }
    }
}

/// The two cursors of a call. Raises 22023 if both are given.
pub fn one_direction<C>(after: Option<C>, before: Option<C>) -> (Option<C>, Option<C>) {
    if after.is_some() && before.is_some() {
        Failure::new(PgSqlErrorCode::ERRCODE_INVALID_PARAMETER_VALUE, "after and before cannot be used together")
            .detail("after asks for the page that follows, before for the page that precedes.")
            .hint("Give one of them.")
            .raise()
    }
    (after, before)
}

/// Returns a page of the contacts that satisfy a condition, newest first; by id if the audience has no date of
/// creation.
pub fn contacts(call: Call, audience: &Audience, checked: &Checked, page_size: i32, page: &Page) {
    let direction = if matches!(page, Page::Before(_)) { Direction::Newer } else { Direction::Older };
    let cursor = match page {
        Page::First => None,
        Page::After(cursor) => Some(PageCursor::parse(cursor, direction, &audience.id.type_name)),
        Page::Before(cursor) => Some(PageCursor::parse(cursor, direction, &audience.id.type_name)),
    };
    let (members, table, order) = (members(audience), audience.relation.quoted(), order(audience, direction));
    let parts = parts(audience, direction, cursor.as_ref());
    let queries = |condition: String| -> Vec<String> {
        let nearest = |part: &String| {
            format!("(SELECT {members} FROM {table} WHERE ({condition}) AND {part} ORDER BY {order} LIMIT $1) c")
        };
        match direction {
            Direction::Older => {
                parts.iter().map(|part| format!("SELECT pg_catalog.to_jsonb(c.*) FROM {}", nearest(part))).collect()
            }
            Direction::Newer => vec![turned(parts.iter().map(nearest))],
        }
    };
    let mut read = queries(executable_sql(audience, checked));
    // A page has few contacts, unless hardly any contact satisfies the condition.
    if reads_whole_relations(audience, checked) {
        let looked_up = queries(executable_sql_for_one(audience, checked));
        if let (Some(joined), Some(cost)) = (cost(&read, page_size), cost(&looked_up, page_size))
            && way::prefers_look_ups(joined, cost)
        {
            read = looked_up;
        }
    }
    returning::first_rows(call, &read, page_size.into());
}

/// The planner's estimate of the cost of queries.
fn cost(queries: &[String], page_size: i32) -> Option<f64> {
    let each = |sql: &String| query::cost(&format!("EXPLAIN (FORMAT json) {sql}"), &[i64::from(page_size).into()]);
    queries.iter().map(each).sum()
}

/// A query that reads several parts backwards and returns their contacts in the order of the page.
fn turned(parts: impl Iterator<Item = String>) -> String {
    let numbered = parts.enumerate().map(|(number, nearest)| {
        format!(
            "SELECT pg_catalog.to_jsonb(c.*) AS contact, {number} AS part, pg_catalog.row_number() OVER () AS place
               FROM {nearest}"
        )
    });
    format!(
        "SELECT page.contact
           FROM (SELECT * FROM ({}) nearest ORDER BY nearest.part, nearest.place LIMIT $1) page
          ORDER BY page.part DESC, page.place DESC",
        numbered.collect::<Vec<_>>().join(" UNION ALL ")
    )
}

/// The side of a cursor on which a page lies.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Direction {
    Older,
    Newer,
}

/// WHERE conditions for the contacts on that side of the cursor, to be read one after the other. Contacts without a
/// date of creation are the oldest. They are a part of their own, so that an index on date and id serves the others.
fn parts(audience: &Audience, direction: Direction, cursor: Option<&PageCursor>) -> Vec<String> {
    let id = cursor.map(|cursor| CursorBound::new(&audience.id, &cursor.id, direction));
    let Some(created) = &audience.created else {
        return vec![id.map_or("true".to_owned(), |id| id.is_past())];
    };
    let name = quote_identifier(&created.name);
    let (is_null, is_dated) = (format!("{name} IS NULL"), format!("{name} IS NOT NULL"));
    let date = cursor.and_then(|cursor| cursor.created.as_ref()).map(|date| CursorBound::new(created, date, direction));
    match (&date, &id, direction) {
        (None, Some(id), Direction::Older) => vec![format!("{is_null} AND {}", id.is_past())],
        (None, Some(id), Direction::Newer) => vec![format!("{is_null} AND {}", id.is_past()), is_dated],
        (Some(date), Some(id), Direction::Newer) => vec![date.is_past_with(id)],
        (Some(date), Some(id), Direction::Older) if created.not_null => vec![date.is_past_with(id)],
        (Some(date), Some(id), Direction::Older) => vec![date.is_past_with(id), is_null],
        (_, None, _) if created.not_null => vec![is_dated],
        (_, None, _) => vec![is_dated, is_null],
    }
}

/// The members of a contact's JSON object, as the columns of a SELECT.
fn members(audience: &Audience) -> String {
    const RESERVED: [&str; 5] = ["object", "id", "properties", "topics", "cursor"];
    let id = audience.value(&audience.id.name);
    let mut members = vec!["'contact'::pg_catalog.text AS object".to_owned(), format!("{id} AS id")];
    let native = audience.table.columns.iter().filter(|column| !RESERVED.contains(&column.name.as_str()));
    let value = |column: &NativeColumn| match column.kind {
        // A json may contain what jsonb cannot hold.
        ColumnKind::Json => sql::seen(column, &audience.style()),
        _ => audience.value(&column.name),
    };
    members.extend(native.map(|column| format!("{} AS {}", value(column), quote_identifier(&column.name))));
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

/// A column as text that can be read back without loss, whatever the session's DateStyle is.
fn as_text(audience: &Audience, column: &ColumnRef) -> String {
    // The operator would take a string out of its quotes.
    if column.type_name == "pg_catalog.jsonb" {
        return format!("{}::pg_catalog.text", quote_identifier(&column.name));
    }
    format!("(pg_catalog.to_jsonb({}) OPERATOR(pg_catalog.#>>) '{{}}')", audience.value(&column.name))
}

fn order(audience: &Audience, direction: Direction) -> String {
    // The column is qualified, because ORDER BY would read a plain name as the output column of that name.
    let column = |column: &ColumnRef| {
        format!("{}.{}", quote_identifier(&audience.relation.name.name), quote_identifier(&column.name))
    };
    // An index on (created, id) serves plain ASC, and plain DESC when it is read backwards.
    let way = if direction == Direction::Older { "DESC" } else { "ASC" };
    let columns = audience.created.iter().chain([&audience.id]).map(|by| format!("{} {way}", column(by)));
    columns.collect::<Vec<_>>().join(", ")
}

/// A cursor: the values of a contact that pages are ordered by. It stays valid when the contact is deleted.
struct PageCursor {
    created: Option<String>,
    id: String,
}

impl PageCursor {
    fn parse(text: &str, direction: Direction, id_type: &str) -> Self {
        let json = URL_SAFE_NO_PAD.decode(text).ok();
        let values = json.and_then(|json| serde_json::from_slice::<(Option<String>, String)>(&json).ok());
        let Some((created, id)) = values.filter(|(_, id)| can_be_id(id, id_type)) else { no_cursor(direction).raise() };
        PageCursor { created, id }
    }
}

/// A column and a value, both cast to the value's type, because the column may have a domain over it.
struct CursorBound<'a> {
    column: &'a ColumnRef,
    term: String,
    value: String,
    direction: Direction,
}

impl<'a> CursorBound<'a> {
    fn new(column: &'a ColumnRef, value: &str, direction: Direction) -> Self {
        let term = format!("{}::{}", quote_identifier(&column.name), column.type_name);
        let value = literal(value, &column.type_name);
        must_be_read(&value, direction);
        CursorBound { column, term, value, direction }
    }

    fn is_past(&self) -> String {
        format!("{} {} {}", self.term, self.operator(""), self.value)
    }

    /// One row comparison, which an index on both columns serves. It is possible if one operator orders both.
    fn is_past_with(&self, id: &CursorBound) -> String {
        let CursorBound { column, term, value, .. } = self;
        if column.operators == id.column.operators {
            return format!("({term}, {}) {} ({value}, {})", id.term, self.operator(""), id.value);
        }
        format!("({term} {} {value} AND ({} OR {}))", self.operator("="), self.is_past(), id.is_past())
    }

    fn operator(&self, or_equal: &str) -> String {
        let symbol = if self.direction == Direction::Older { "<" } else { ">" };
        self.column.operator(&format!("{symbol}{or_equal}"))
    }
}

/// Raises 22023 if a literal is not a value of its type.
fn must_be_read(literal: &str, direction: Direction) {
    let read = || query::first(&format!("SELECT {literal} IS NULL"), &[], |_| ());
    subtransaction::rewording(read, |_, _| no_cursor(direction));
}

fn no_cursor(direction: Direction) -> Failure {
    let (argument, detail, hint) = match direction {
        Direction::Older => (
            "after",
            "A page begins after the contact whose cursor is given.",
            "Take the \"cursor\" of the last contact of the page before.",
        ),
        Direction::Newer => (
            "before",
            "A page ends before the contact whose cursor is given.",
            "Take the \"cursor\" of the first contact of the page after.",
        ),
    };
    Failure::new(PgSqlErrorCode::ERRCODE_INVALID_PARAMETER_VALUE, format!("{argument} is not a cursor"))
        .detail(detail)
        .hint(hint)
}

/// A page size from 1 to `most`. Raises 22023 for any other.
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
