//! Entries and exits: watching segments, and reading the recorded changes.

use crate::catalog::access::{self, Scope};
use crate::catalog::audience::Audience;
use crate::catalog::segment::{Definition, argument, datum, id_of};
use crate::catalog::{scope, visible};
use crate::counting::bases;
use crate::evaluate::condition;
use crate::live::changes::position::{self, History, PAGE, Position};
use crate::live::changes::{member_set, retention, watched as watched_segments};
use crate::live::definition_locks::hold_writers;
use crate::live::recorders;
use crate::pg::call::Call;
use crate::pg::error::{Failure, required};
use crate::pg::{query, returning, security, snapshot};
use pgrx::PgSqlErrorCode;
use pgrx::prelude::*;

/// Begins or ends recording the entries and exits of a segment.
#[pg_extern(sql = false)]
fn watch_segment(segment: Option<pgrx::Uuid>, watched: Option<bool>) {
    let (segment, watched) = (required("segment", segment), required("watched", watched));
    let segment = Definition::load(id_of(segment));
    access::require(Scope::WriteSegments, &segment.audience);
    // Writers are held, so that each statement is recorded completely or not at all.
    let audience = watched.then(|| hold_writers(&segment.audience));
    // A refresh that compares the members has finished, and the next one sees what changes here.
    bases::lock_with_segments(access::extension_owner(), &[datum(segment.id)]);
    let Some(audience) = audience else {
        let known = snapshot::latest(|| watched_segments::of(&segment.audience));
        if known.iter().any(|known| known.segment == segment.id && known.has_set) {
            member_set::forget(segment.id);
        }
        access::write_latest(UNWATCH, &[argument(segment.id)]);
        return;
    };
    let segment = snapshot::latest(|| Definition::load(segment.id));
    if let Err(errors) = snapshot::latest(|| scope::check_segment(&audience, &segment)) {
        condition::raise_first(errors)
    }
    access::write_latest(WATCH, &[argument(segment.id)]);
    recorders::settle(&audience, &[segment]);
}

const WATCH: &str = "
INSERT INTO segments.watch_config (segment, watched) VALUES ($1, true)
    ON CONFLICT (segment) DO UPDATE SET watched = true";

const UNWATCH: &str = "UPDATE segments.watch_config w SET watched = false WHERE w.segment = $1";

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
