//! Reading segments.

use crate::api::page;
use crate::catalog::audience::Audience;
use crate::catalog::segment::{Definition, argument, id_of, unknown};
use crate::catalog::{access, contact_sql, scope, visible};
use crate::counting::cached::{self, CachedCounts};
use crate::pg::call::Call;
use crate::pg::error::required;
use crate::pg::spi::QueryText;
use crate::pg::{returning, security};
use pgrx::AnyElement;
use pgrx::prelude::*;
use std::collections::HashMap;
use uuid::Uuid;

/// A segment with its cached count.
#[pg_extern(sql = false)]
fn get_segment(segment: Option<pgrx::Uuid>) -> Option<AnyElement> {
    let id = id_of(required("segment", segment));
    row(id).or_else(|| unknown(id).raise())
}

/// A segment as a row of the view; `None` if the caller cannot see it.
pub fn row(id: Uuid) -> Option<AnyElement> {
    returning::value(QueryText::Made(ROW), &[argument(id)])
}

// The view may count rows of a user's table, so this is not a constant query.
const ROW: &str = "SELECT s FROM segments.segment s WHERE s.id OPERATOR(pg_catalog.=) $1";

/// Segments, newest first.
#[pg_extern(sql = false)]
fn list_segments(
    audience: Option<&str>,
    page_size: Option<i32>,
    after: Option<pgrx::Uuid>,
    before: Option<pgrx::Uuid>,
    call: Call,
) {
    let page_size = page::checked_page_size(page_size, 100);
    let (after, before) = page::one_direction(after, before);
    if let Some(audience) = audience {
        access::must_have_audience(audience);
    }
    // The previous page has the nearest newer segments, so it is read backwards and then reversed.
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
    returning::rows(call, &sql, &arguments);
}

/// The condition of a segment as an expression for WHERE, over the columns of its table.
#[pg_extern(sql = false)]
fn segment_sql(segment: Option<pgrx::Uuid>) -> String {
    let definition = Definition::load(id_of(required("segment", segment)));
    let audience = Audience::load(&definition.audience);
    contact_sql::readable_sql(&audience, &checked(&audience, &definition))
}

/// The checked condition of a segment. Raises if the condition is no longer valid.
pub fn checked(audience: &Audience, segment: &Definition) -> segments_core::expr::Checked {
    match scope::check_segment(audience, segment) {
        Ok(checked) => checked.checked,
        Err(errors) => crate::evaluate::condition::raise_first(errors),
    }
}

/// A segment's cached count, if the caller may see it; otherwise `None`. It takes the id only, because the
/// caller must not choose the definition.
#[pg_extern(sql = false)]
fn visible_count(segment: pgrx::Uuid, call: Call) -> Option<i64> {
    let definition = Definition::find(id_of(segment))?;
    // The call site keeps the audiences, because a list has many segments of few audiences.
    let (mut nowhere, mut site) = (CountsByAudience::new(), call.site(CountsByAudience::new));
    let audience =
        site.as_deref_mut().unwrap_or(&mut nowhere).entry(definition.audience.clone()).or_insert_with_key(|name| {
            Cached { audience: Audience::try_load(name).ok(), counts: CachedCounts::default() }
        });
    if !visible::shows_count(audience.audience.as_ref(), &definition) {
        return None;
    }
    let kept = audience.counts.of(&definition);
    kept.or_else(|| cached::where_none_is_kept(audience.audience.as_ref()?, &definition))
}

/// The history of a segment's counts. If the caller may not see the segment's count, it has the times without the counts.
#[pg_extern(sql = false)]
fn visible_history(segment: pgrx::Uuid, call: Call) {
    let is_shown = Definition::find(id_of(segment))
        .map(|definition| visible::shows_count(Audience::try_load(&definition.audience).ok().as_ref(), &definition));
    security::as_role(access::extension_owner(), || {
        returning::rows(
            call,
            "SELECT r.counted_at, CASE WHEN $2 THEN r.contact_count END FROM segments.count_record r
              WHERE r.segment = $1 AND $2 IS NOT NULL ORDER BY r.counted_at",
            &[segment.into(), is_shown.into()],
        );
    });
}

/// The state that a call site of [`visible_count`] keeps, by the audience's name.
type CountsByAudience = HashMap<String, Cached>;

struct Cached {
    audience: Option<Audience>,
    counts: CachedCounts,
}
