//! `segment_overlap`: how many contacts are in which of several segments.

use crate::api::segment::read::checked;
use crate::catalog::audience::Audience;
use crate::catalog::contact_sql::joined_sql;
use crate::catalog::segment::{Definition, datum, id_of};
use crate::pg::call::Call;
use crate::pg::error::{Failure, required};
use crate::pg::{returning, snapshot};
use pgrx::PgSqlErrorCode;
use pgrx::prelude::*;
use segments_core::sql::Joined;

/// How many segments can be compared at once.
const MOST: usize = 64;

/// For each combination of the segments that is not empty, how many contacts are in exactly these. The contacts are read
/// once, with the caller's rights.
#[pg_extern(sql = false)]
fn segment_overlap(segments: Option<Vec<Option<pgrx::Uuid>>>, audience: Option<&str>, call: Call) {
    let (segments, audience) = (required("segments", segments), required("audience", audience));
    let audience = Audience::load(audience);
    let segments = distinct(segments);
    let conditions: Vec<_> =
        segments.iter().map(|segment| checked(&audience, &of_audience(*segment, &audience))).collect();
    let Joined { joins, conditions } = joined_sql(&audience, &conditions);
    let is_member: Vec<String> = conditions.iter().map(|condition| format!("({condition}) IS TRUE")).collect();
    let sql = format!(
        "SELECT (SELECT pg_catalog.array_agg(s.id ORDER BY s.number)
                   FROM ROWS FROM (pg_catalog.unnest($1), pg_catalog.unnest(o.is_member)) WITH ORDINALITY s(id, is_member, number)
                  WHERE s.is_member), o.contacts
           FROM (SELECT c.is_member, pg_catalog.count(*) AS contacts
                   FROM (SELECT ARRAY[{}]::pg_catalog.bool[] AS is_member FROM {}{joins} WHERE {}) c
                  GROUP BY c.is_member) o
          ORDER BY o.contacts DESC, o.is_member DESC",
        is_member.join(", "),
        audience.relation.quoted(),
        if is_member.is_empty() { "false".to_owned() } else { is_member.join(" OR ") },
    );
    let ids: Vec<pgrx::Uuid> = segments.into_iter().map(datum).collect();
    snapshot::of_statement(|| returning::rows(call, &sql, &[ids.into()]));
}

/// The ids in their order, each once. Raises if one of them is NULL or if there are too many.
fn distinct(segments: Vec<Option<pgrx::Uuid>>) -> Vec<uuid::Uuid> {
    let mut distinct: Vec<uuid::Uuid> = Vec::new();
    for segment in segments {
        let id = id_of(required("segments", segment));
        if !distinct.contains(&id) {
            distinct.push(id);
        }
    }
    if distinct.len() > MOST {
        Failure::new(PgSqlErrorCode::ERRCODE_PROGRAM_LIMIT_EXCEEDED, format!("at most {MOST} segments can be compared"))
            .detail(format!("There were {}.", distinct.len()))
            .hint("Compare fewer of them at once.")
            .raise()
    }
    distinct
}

/// A segment of the audience. Raises if it does not exist or belongs to another one.
fn of_audience(segment: uuid::Uuid, audience: &Audience) -> Definition {
    let segment = Definition::load(segment);
    if segment.audience != audience.name {
        Failure::new(
            PgSqlErrorCode::ERRCODE_INVALID_PARAMETER_VALUE,
            format!("segment \"{}\" is not one of audience \"{}\"", segment.name, audience.name),
        )
        .detail(format!("It is one of audience \"{}\".", segment.audience))
        .hint("Name segments of one audience, and that audience.")
        .raise()
    }
    segment
}
