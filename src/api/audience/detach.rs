//! `detach_audience`.

use super::must_own_table_of;
use crate::catalog::access::{self, Scope};
use crate::catalog::{freshness as freshness_of, source};
use crate::live::freshness;
use crate::pg::error::{Failure, listed, required};
use crate::pg::query;
use pgrx::PgSqlErrorCode;
use pgrx::prelude::*;

/// Detaches an audience, with `cascade` also its segments and the audiences that are based on it. Its table stays.
#[pg_extern(sql = false)]
fn detach_audience(name: Option<&str>, cascade: Option<bool>) {
    let (name, cascade) = (required("name", name), required("cascade", cascade));
    must_own_table_of(name, "detach");
    access::require(Scope::WriteSegments, name);
    freshness_of::hold_alone(name);
    let audiences = source::audiences(name);
    let based: Vec<String> = audiences.iter().filter(|audience| *audience != name).cloned().collect();
    if !based.is_empty() && !cascade {
        Failure::new(
            PgSqlErrorCode::ERRCODE_DEPENDENT_OBJECTS_STILL_EXIST,
            format!("other audiences are based on audience \"{name}\""),
        )
        .detail(format!("They are {}.", listed(&based)))
        .hint("Detach them first, or detach with cascade => true, which detaches them and deletes their segments.")
        .raise()
    }
    let segments = query::first(
        "SELECT array_agg(s.name ORDER BY s.name) FROM segments.segment_config s WHERE s.audience = $1",
        &[name.into()],
        |row| row.nullable::<Vec<String>>(1),
    );
    let segments = segments.flatten().unwrap_or_default();
    if !segments.is_empty() && !cascade {
        Failure::new(
            PgSqlErrorCode::ERRCODE_DEPENDENT_OBJECTS_STILL_EXIST,
            format!("audience \"{name}\" still has segments"),
        )
        .detail(format!("They are {}.", listed(&segments)))
        .hint("Delete them first, or detach with cascade => true, which deletes them.")
        .raise()
    }
    for audience in &audiences {
        freshness::stop_keeping(audience);
    }
    for statement in DETACH {
        access::write(statement, &[audiences.clone().into()]);
    }
    access::write("DELETE FROM segments.audience_config a WHERE a.name = $1", &[name.into()]);
}

const DETACH: [&str; 3] = [
    "DELETE FROM segments.segment_reference r USING segments.segment_config s
      WHERE s.id = r.segment AND s.audience = ANY ($1)",
    "DELETE FROM segments.segment_config s WHERE s.audience = ANY ($1)",
    "DELETE FROM segments.audience_config a WHERE a.based_on IS NOT NULL AND a.name = ANY ($1)",
];
