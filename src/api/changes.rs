//! Entries and exits: watching segments, and reading the recorded changes.

use crate::catalog::access::{self, Scope};
use crate::catalog::audience::Audience;
use crate::catalog::freshness::stays_live;
use crate::catalog::segment::{Definition, argument, datum, id_of};
use crate::catalog::visible;
use crate::live::changes::position::{self, History, PAGE, Position};
use crate::live::changes::retention;
use crate::live::definition_locks::hold_writers;
use crate::live::eligibility;
use crate::pg::call::Call;
use crate::pg::error::{Failure, required};
use crate::pg::{query, returning, security};
use pgrx::PgSqlErrorCode;
use pgrx::prelude::*;

/// Begins or ends recording the entries and exits of a segment.
#[pg_extern(sql = false)]
fn watch_segment(segment: Option<pgrx::Uuid>, watched: Option<bool>) {
    let (segment, watched) = (required("segment", segment), required("watched", watched));
    let segment = Definition::load(id_of(segment));
    access::require(Scope::WriteSegments, &segment.audience);
    let id = argument(segment.id);
    if !watched {
        access::write("UPDATE segments.watch_config w SET watched = false WHERE w.segment = $1", &[id]);
        return;
    }
    if !stays_live(&segment.audience) {
        Failure::new(
            PgSqlErrorCode::ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE,
            format!("audience \"{}\" is not live", segment.audience),
        )
        .detail("Entries and exits are recorded by the triggers that keep counts live.")
        .hint(format!(
            "Switch it over first: SELECT set_freshness('{}', 'live').",
            segment.audience.replace('\'', "''")
        ))
        .raise()
    }
    // Writers are held, so that each statement is recorded completely or not at all.
    let audience = hold_writers(&segment.audience);
    if !eligibility::is_kept(&audience, &segment) {
        Failure::new(
            PgSqlErrorCode::ERRCODE_FEATURE_NOT_SUPPORTED,
            format!("entries and exits of segment \"{}\" cannot be recorded", segment.name),
        )
        .detail("Contacts enter and leave it as time passes, or it makes no sense any more.")
        .hint("Record those of a segment without $now, $today and $period.")
        .raise()
    }
    access::write(
        "INSERT INTO segments.watch_config (segment, watched) VALUES ($1, true)
             ON CONFLICT (segment) DO UPDATE SET watched = true",
        &[id],
    );
}

/// Entries and exits after a position. Nothing can later appear before a position that was handed out.
#[pg_extern(sql = false)]
fn segment_changes(after: Option<&str>, page_size: Option<i32>, call: Call) {
    if page_size.is_some_and(|page_size| page_size < 1) {
        Failure::new(PgSqlErrorCode::ERRCODE_INVALID_PARAMETER_VALUE, "page_size must be at least 1")
            .detail(format!("It was {}.", page_size.unwrap_or_default()))
            .hint("Ask for further pages with after; NULL gives everything there is.")
            .raise()
    }
    let owner = access::extension_owner();
    let recorded = security::as_role(owner, || query::rows(RECORDED, &[], |row| id_of(row.get(1))));
    let visible = recorded.into_iter().filter_map(Definition::find).filter(may_see);
    let visible: Vec<pgrx::Uuid> = visible.map(|segment| datum(segment.id)).collect();
    security::as_role(owner, || {
        let history = History::now();
        let after = after.map(|after| Position::read(after, &history));
        let (horizon, sequence) = after.map(|after| (after.horizon, after.sequence)).unzip();
        let arguments =
            [history.timeline.into(), visible.into(), horizon.into(), sequence.into(), page_size.map(i64::from).into()];
        returning::rows(call, PAGE, &arguments);
    });
}

/// The position behind every entry and exit that [`segment_changes`] returns now.
#[pg_extern(sql = false)]
fn newest_position() -> Option<String> {
    security::as_role(access::extension_owner(), position::newest)
}

fn may_see(segment: &Definition) -> bool {
    Audience::try_load(&segment.audience).is_ok_and(|audience| visible::may_identify(&audience, segment))
}

const RECORDED: &str = "SELECT w.segment FROM segments.watch_config w";

/// Deletes changes that are older than `segments.change_retention`. Returns how many there were.
#[pg_extern(sql = false)]
fn prune_changes() -> i64 {
    retention::prune()
}
