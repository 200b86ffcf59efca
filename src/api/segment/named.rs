//! Finding segments by a text, which is an id or a name.

use crate::catalog::access::{self, Permitted};
use crate::catalog::contact_sql::read_uuid;
use crate::catalog::segment::{Definition, SCOPES, datum, id_of, unknown};
use crate::pg::error::{Failure, required};
use crate::pg::{query, security};
use pgrx::PgSqlErrorCode;
use pgrx::prelude::*;
use pgrx::spi::quote_literal;
use segments_core::nearest::did_you_mean;
use uuid::Uuid;

/// The SQL function for [`segment`].
#[pg_extern(sql = false)]
fn segment_id(reference: &str) -> pgrx::Uuid {
    datum(segment(reference))
}

/// The id of the segment that a text names. A text that looks like an id is read as an id first. Raises 42704 if the
/// caller can see no such segment, and 42725 if there are several.
pub fn segment(reference: &str) -> Uuid {
    match (all(reference).as_slice(), read_uuid(reference)) {
        ([(id, _)], _) => *id,
        ([], Some(id)) => id,
        ([], None) => none_of_name(reference, None).raise(),
        (several, _) => ambiguous(reference, several).raise(),
    }
}

/// Like [`segment`]; `None` where that raises, or where no segment has the id.
pub fn only(reference: &str) -> Option<Uuid> {
    match all(reference).as_slice() {
        [(id, _)] => Some(*id),
        _ => None,
    }
}

/// The ids of the segments that a text may name, with their audiences.
fn all(reference: &str) -> Vec<(Uuid, String)> {
    if let Some(segment) = read_uuid(reference).and_then(Definition::find) {
        return vec![(segment.id, segment.audience)];
    }
    let permitted = Permitted::of_caller(&SCOPES);
    let mut named = security::as_role(access::extension_owner(), || {
        query::rows(NAMED, &[reference.into()], |row| (id_of(row.get(1)), row.get::<String>(2)))
    });
    named.retain(|(_, audience)| permitted.includes(audience));
    named
}

/// The id of the segment of an audience with that id or that name.
#[pg_extern(sql = false)]
fn segment_id_in_audience(reference: Option<&str>, audience: Option<&str>) -> pgrx::Uuid {
    let (reference, audience) = (required("name", reference), required("audience", audience));
    access::must_have_audience(audience);
    let segment = Definition::named(audience, reference);
    datum(segment.unwrap_or_else(|| none_of_name(reference, Some(audience)).raise()).id)
}

/// The error for a name that no segment has, in one audience or in all that the caller may see.
fn none_of_name(name: &str, audience: Option<&str>) -> Failure {
    // The query runs with the caller's rights, so that a caller who may not read segments does not learn their names.
    let names = query::rows(NAMES, &[audience.map(str::to_owned).into()], |row| row.get::<String>(1));
    let failure = match audience {
        None => unknown(name),
        Some(audience) => Failure::new(
            PgSqlErrorCode::ERRCODE_UNDEFINED_OBJECT,
            format!("segment \"{name}\" does not exist in audience \"{audience}\""),
        )
        .detail("A name is compared as a whole, with its upper and lower case.")
        .hint("list_segments() shows the segments that exist."),
    };
    match did_you_mean(name, &names) {
        Some(question) => failure.hint(question),
        None => failure,
    }
}

fn ambiguous(name: &str, segments: &[(Uuid, String)]) -> Failure {
    const MOST: usize = 10;
    let mut list: Vec<String> =
        segments.iter().take(MOST).map(|(id, audience)| format!("{id} of audience \"{audience}\"")).collect();
    if segments.len() > MOST {
        list.push(format!("and {} more", segments.len() - MOST));
    }
    let (name_literal, audience) = (quote_literal(name), quote_literal(&segments[0].1));
    Failure::new(
        PgSqlErrorCode::ERRCODE_AMBIGUOUS_FUNCTION,
        format!("{} segments are called \"{name}\"", segments.len()),
    )
    .detail(format!("They are {}.", list.join(", ")))
    .hint(format!(
        "Give the id of the one that you mean; get_segment({name_literal}, {audience}) finds that of one audience."
    ))
}

const NAMED: &str = "
SELECT s.id, s.audience FROM segments.segment_config s
 WHERE s.name = $1 ORDER BY s.audience";

const NAMES: &str = "
SELECT s.name FROM segments.segment_config s
 WHERE $1 IS NULL OR s.audience = $1 ORDER BY s.id DESC LIMIT 10000";
