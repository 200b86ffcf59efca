//! `refresh_segments`: counts brought up to date.

use crate::access;
use crate::audience::Audience;
use crate::pg::call::Call;
use crate::pg::returning;
use crate::segment::Definition;
use crate::{count, query, scope};
use pgrx::pg_sys;
use pgrx::prelude::*;
use uuid::Uuid;

/// Counts every segment of an audience anew, or of all audiences that the caller may write segments of, each audience
/// in one snapshot. A segment that makes no sense any more has no count, and its error; it stops no other.
#[pg_extern(sql = false)]
fn refresh_segments(audience: Option<&str>, fcinfo: pg_sys::FunctionCallInfo) {
    let names = match audience {
        Some(name) => {
            access::require_write(name);
            vec![name.to_owned()]
        }
        None => query::rows("SELECT a.name FROM segments.audience_config a ORDER BY a.name", &[], |row| row.get(1))
            .into_iter()
            .filter(|name: &String| access::permits(&[access::Scope::WriteSegments], name))
            .collect(),
    };
    let refreshed: Vec<(Uuid, Option<String>)> = names.iter().flat_map(|name| refresh(name)).collect();
    let (segments, errors): (Vec<_>, Vec<_>) =
        refreshed.into_iter().map(|(id, error)| (pgrx::Uuid::from_bytes(*id.as_bytes()), error)).unzip();
    returning::rows(
        Call::from(fcinfo),
        "SELECT r.segment, segments.visible_count(r.segment), r.error
           FROM ROWS FROM (pg_catalog.unnest($1), pg_catalog.unnest($2)) r(segment, error)",
        &[segments.into(), errors.into()],
    );
}

/// Counts the segments of one audience and tells what is wrong with those that cannot be counted.
fn refresh(name: &str) -> Vec<(Uuid, Option<String>)> {
    let segments = Definition::all(name);
    match Audience::try_load(name) {
        Ok(audience) => {
            count::recount(&audience, &segments);
            let error = |segment: &Definition| scope::check_segment(&audience, segment).err();
            let message = |segment| error(segment).and_then(|errors| errors.first().map(|error| error.message.clone()));
            segments.iter().map(|segment| (segment.id, message(segment))).collect()
        }
        Err(failure) => segments.iter().map(|segment| (segment.id, Some(failure.message.clone()))).collect(),
    }
}
