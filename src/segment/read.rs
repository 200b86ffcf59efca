//! Reading segments.

use super::{Definition, argument, id_of, unknown};
use crate::audience::Audience;
use crate::error::Failure;
use crate::pg::call::Call;
use crate::pg::returning;
use crate::{access, contact, scope};
use pgrx::prelude::*;
use pgrx::{AnyElement, PgSqlErrorCode, pg_sys};

/// A segment with its cached count.
#[pg_extern(sql = false)]
fn get_segment(segment: pgrx::Uuid) -> Option<AnyElement> {
    let id = id_of(segment);
    let row =
        returning::value("SELECT s FROM segments.segment s WHERE s.id OPERATOR(pg_catalog.=) $1", &[argument(id)]);
    row.or_else(|| unknown(id).raise())
}

/// Segments, newest first.
#[pg_extern(sql = false)]
fn list_segments(
    audience: Option<&str>,
    page_size: Option<i32>,
    after: Option<pgrx::Uuid>,
    before: Option<pgrx::Uuid>,
    fcinfo: pg_sys::FunctionCallInfo,
) {
    let page_size = contact::checked_page_size(page_size, 100);
    if after.is_some() && before.is_some() {
        Failure::new(PgSqlErrorCode::ERRCODE_INVALID_PARAMETER_VALUE, "after and before cannot be used together")
            .detail("after asks for the page that follows, before for the page that precedes.")
            .hint("Give one of them.")
            .raise()
    }
    if let Some(audience) = audience {
        Audience::load(audience);
    }
    // The page before is the nearest newer ones, so it is read backwards and turned.
    let direction = if before.is_some() { "ASC" } else { "DESC" };
    let sql = format!(
        "SELECT * FROM (
            SELECT s.* FROM segments.segment s
             WHERE ($1 IS NULL OR s.audience OPERATOR(pg_catalog.=) $1)
               AND ($3 IS NULL OR s.id OPERATOR(pg_catalog.<) $3)
               AND ($4 IS NULL OR s.id OPERATOR(pg_catalog.>) $4)
             ORDER BY s.id {direction} LIMIT $2) page
          ORDER BY page.id DESC"
    );
    let arguments = [audience.map(str::to_owned).into(), i64::from(page_size).into(), after.into(), before.into()];
    returning::rows(Call::from(fcinfo), &sql, &arguments);
}

/// The WHERE expression that a segment is, over the column names of its table.
#[pg_extern(sql = false)]
fn segment_sql(segment: pgrx::Uuid) -> String {
    let definition = Definition::load(id_of(segment));
    let audience = Audience::load(&definition.audience);
    contact::readable_sql(&audience, &checked(&audience, &definition))
}

/// The checked condition of a segment; raises where it makes no sense any more.
pub fn checked(audience: &Audience, segment: &Definition) -> segments_core::expr::Checked {
    match scope::check_segment(audience, segment) {
        Ok(checked) => checked.checked,
        Err(errors) => crate::condition::raise_first(errors),
    }
}

/// Whether the caller could have counted the segment for themselves.
#[pg_extern(sql = false)]
fn may_count(segment: pgrx::Uuid, audience: &str, conditions: &str, time_zone: &str) -> bool {
    let definition = Definition {
        id: id_of(segment),
        audience: audience.to_owned(),
        name: String::new(),
        description: None,
        conditions: conditions.to_owned(),
        time_zone: time_zone.to_owned(),
    };
    access::may_count(&definition)
}
