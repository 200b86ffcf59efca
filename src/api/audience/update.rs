//! Changing an audience.

use crate::api::audience::must_own_table_of;
use crate::api::patch::Changeable;
use crate::catalog::access;
use crate::catalog::audience::Audience;
use crate::catalog::segment::Definition;
use crate::catalog::{freshness, scope, source, time_zone};
use crate::counting::recount::recount;
use crate::live::definition_locks;
use crate::live::members::Members;
use crate::pg::call::Call;
use crate::pg::error::required;
use crate::pg::{security, snapshot};
use crate::shared::board;
use pgrx::prelude::*;
use segments_core::date::Instant;
use segments_core::expr::{Checked, Expr};

const AUDIENCE: Changeable = Changeable {
    noun: "an audience",
    call: "update_audience(name",
    example: r#"{"time_zone": "Europe/Paris"}"#,
    keys: &["time_zone"],
};

/// Changes an audience, and counts the segments again that mean something else then.
#[pg_extern(sql = false)]
fn update_audience(name: Option<&str>, call: Call) {
    let name = required("name", name);
    let patch = AUDIENCE.read(&required("changes", call.jsonb_text(1)));
    must_own_table_of(name, "change");
    access::require_write(name);
    source::must_declare(name);
    for (key, json) in &patch {
        match (key.as_str(), serde_json::from_str::<String>(json.get())) {
            ("time_zone", Ok(zone)) => move_to(name, &zone),
            ("time_zone", Err(_)) => AUDIENCE.must_be_string(key, json.get()),
            (unknown, _) => AUDIENCE.has_no(unknown),
        }
    }
}

/// Gives an audience another time zone.
fn move_to(name: &str, zone: &str) {
    time_zone::must_exist(zone);
    // This waits for transactions that create or change a segment, and later ones wait for this.
    freshness::hold_definitions(name);
    let before = definition_locks::hold_writers_of_source(name);
    let mut after = before.in_zone(zone);
    after.restrict().unwrap_or_else(|failure| failure.raise());
    let based = source::based_on(name);
    let based = based.into_iter().map(|filter| (before.with_filter(filter.clone()), after.with_filter(filter)));
    let mut based: Vec<(Audience, Audience)> = based.collect();
    // The filter of an audience that is based on this one may have become invalid.
    based.retain_mut(|(_, after)| after.restrict().is_ok());
    let moves = security::as_role(access::extension_owner(), || {
        let all = [(before, after)].into_iter().chain(based);
        all.filter_map(|(before, after)| Move::find(before, after)).collect::<Vec<Move>>()
    });
    // What an error of this says depends on the rights of the caller.
    let members: Vec<Option<Members>> = moves.iter().map(Move::members).collect();
    access::write(
        "UPDATE segments.table_config t SET time_zone = $2 WHERE t.audience = $1",
        &[name.into(), zone.into()],
    );
    for (Move { after, changed, .. }, members) in moves.iter().zip(members) {
        recount(after, changed);
        members.into_iter().for_each(Members::record_changes);
    }
    // Segments may be due at another midnight.
    board::wake();
}

/// What another zone changes of one audience.
struct Move {
    /// `None` if its filter, or the zone that it had, has become invalid
    before: Option<Audience>,
    after: Audience,
    /// The segments that mean something else
    changed: Vec<Definition>,
}

impl Move {
    /// `None` if all segments mean the same.
    fn find(mut before: Audience, after: Audience) -> Option<Self> {
        let before = before.restrict().is_ok().then_some(before);
        let means_the_same = |segment: &Definition| {
            before.as_ref().and_then(|before| meaning(before, segment)) == meaning(&after, segment)
        };
        let mut changed = snapshot::latest(|| Definition::all(&after.name));
        changed.retain(|segment| !means_the_same(segment));
        (!changed.is_empty()).then_some(Move { before, after, changed })
    }

    /// Who is a member of the segments that are watched.
    fn members(&self) -> Option<Members> {
        Some(Members::of_watched(self.before.as_ref()?, &self.changed))
    }
}

/// The checked condition of a segment, and when its meaning will change; `None` if it is invalid.
fn meaning(audience: &Audience, segment: &Definition) -> Option<(Checked, Option<Instant>)> {
    let condition = scope::check_segment(audience, segment).ok()?;
    let restricted = Expr::and([audience.restriction.clone(), condition.checked]);
    Some((restricted, condition.changes_at.into_iter().chain(audience.changes_at).min()))
}
