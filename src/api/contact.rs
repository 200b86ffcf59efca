//! Contacts: counting and searching them, and the members of segments, with the caller's rights and row security.
//!
//! Contacts are read as they were when the calling statement began, as from functions in SQL that are STABLE. Otherwise a
//! statement that writes contacts would see some of its own.

use crate::api::page::{self, Page, checked_page_size};
use crate::api::segment::read;
use crate::catalog::audience::Audience;
use crate::catalog::contact_sql::readable_sql;
use crate::catalog::scope;
use crate::catalog::segment::{Definition, id_of};
use crate::counting::strategy::{self, Rights};
use crate::evaluate::condition;
use crate::pg::call::Call;
use crate::pg::error::{Failure, required};
use crate::pg::snapshot;
use pgrx::PgSqlErrorCode;
use pgrx::prelude::*;
use segments_core::expr::Checked;

mod circle;
pub mod members;
pub mod membership;
mod segments;

/// How many contacts a page may have.
const MOST_CONTACTS: i32 = 1000;

/// How many contacts satisfy a condition now.
#[pg_extern(sql = false)]
fn count_contacts(conditions: Option<&str>, audience: Option<&str>, time_zone: Option<&str>) -> i64 {
    let (conditions, audience) = (required("conditions", conditions), required("audience", audience));
    let audience = Audience::load(audience);
    let checked = checked(&audience, conditions, time_zone);
    snapshot::of_statement(|| strategy::one(&audience, &checked, Rights::Caller))
}

/// Contacts that satisfy a condition, newest first.
#[pg_extern(sql = false)]
fn search_contacts(
    conditions: Option<&str>,
    audience: Option<&str>,
    page_size: Option<i32>,
    after: Option<&str>,
    before: Option<&str>,
    time_zone: Option<&str>,
    call: Call,
) {
    let (conditions, audience) = (required("conditions", conditions), required("audience", audience));
    let page = Page::asked(after, before);
    let audience = Audience::load(audience);
    let checked = checked(&audience, conditions, time_zone);
    let page_size = checked_page_size(page_size, MOST_CONTACTS);
    snapshot::of_statement(|| page::contacts(call, &audience, &checked, page_size, &page));
}

/// Members of a segment, newest first.
#[pg_extern(sql = false)]
fn segment_contacts(
    segment: Option<pgrx::Uuid>,
    page_size: Option<i32>,
    after: Option<&str>,
    before: Option<&str>,
    call: Call,
) {
    let segment = required("segment", segment);
    let page = Page::asked(after, before);
    let (audience, checked) = members_of(segment);
    let page_size = checked_page_size(page_size, MOST_CONTACTS);
    snapshot::of_statement(|| page::contacts(call, &audience, &checked, page_size, &page));
}

/// A condition as an expression for WHERE.
#[pg_extern(sql = false)]
fn conditions_sql(conditions: Option<&str>, audience: Option<&str>, time_zone: Option<&str>) -> String {
    let (conditions, audience) = (required("conditions", conditions), required("audience", audience));
    let audience = Audience::load(audience);
    readable_sql(&audience, &checked(&audience, conditions, time_zone))
}

/// The error for an id that no contact of an audience has.
pub fn unknown_contact(audience: &Audience, contact_id: &str) -> Failure {
    Failure::new(
        PgSqlErrorCode::ERRCODE_UNDEFINED_OBJECT,
        format!("contact \"{contact_id}\" does not exist in audience \"{}\"", audience.name),
    )
    .detail(format!("Contacts are identified by \"{}\".", audience.id.name))
    .hint("search_contacts() finds contacts and their ids.")
}

/// Parses and checks a condition over an audience. Raises the first mistake.
pub(in crate::api) fn checked(audience: &Audience, conditions: &str, time_zone: Option<&str>) -> Checked {
    let zone = audience.zone(time_zone).unwrap_or_else(|unknown| Failure::from(unknown).raise());
    let checked = scope::check(audience, &condition::stored(conditions.as_bytes()), zone).checked;
    condition::notice_constant(&checked, &audience.table);
    checked
}

fn members_of(segment: pgrx::Uuid) -> (Audience, Checked) {
    let definition = Definition::load(id_of(segment));
    let audience = Audience::load(&definition.audience);
    let checked = read::checked(&audience, &definition);
    (audience, checked)
}
