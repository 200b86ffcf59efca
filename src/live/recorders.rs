//! Who records the entries and exits of a watched segment: triggers, where they keep its count, otherwise refreshes, which
//! compare its members with those that the refresh before has found.
//!
//! A segment may go over from one to the other: its audience becomes live or periodic, its condition begins or ceases to
//! read time, triggers are disabled or enabled. Where triggers are to record, the stored members are compared with the
//! present ones for a last time and forgotten, while writers are held; where refreshes are, the present members are
//! stored. So nothing is lost, and nothing is recorded twice. If it happens without any call of ours, a refresh notices.

use crate::catalog::access;
use crate::catalog::audience::Audience;
use crate::catalog::freshness as freshness_of;
use crate::catalog::scope;
use crate::catalog::segment::{Definition, datum};
use crate::catalog::visible::counted_condition;
use crate::counting::{bases, strategy};
use crate::live::changes::member_set;
use crate::live::changes::watched::{self, Watched};
use crate::live::eligibility::{Reach, kept, obstacle_of_rows};
use crate::live::{definition_locks, triggers};
use crate::pg::{relcache, security, snapshot, subtransaction};
use std::collections::{HashMap, HashSet};
use uuid::Uuid;

/// Whether triggers keep the count of a segment now.
pub fn are_triggers(audience: &Audience, segment: &Definition) -> bool {
    freshness_of::is_live(&audience.name) && why_not_triggers(audience, segment).is_none()
}

/// Why triggers do not keep the count of a segment of a live audience now; `None` if they do.
pub fn why_not_triggers(audience: &Audience, segment: &Definition) -> Option<&'static str> {
    if let Some(obstacle) = obstacle_of_rows(audience) {
        return Some(obstacle);
    }
    let segment = match kept(audience, segment, &Reach::of(audience)) {
        Ok(segment) => segment,
        Err(why) => return Some(why),
    };
    let others = audience.others().filter(|other| segment.asks_for.contains(other.name));
    let read = [audience.relation.oid].into_iter().chain(others.map(|other| other.relation.oid));
    let tables: Vec<_> = read.flat_map(relcache::tree).collect();
    let is_silent = !triggers::without_triggers(&tables).is_empty();
    is_silent.then_some("triggers of its tables are disabled, missing or changed")
}

/// Has the watched ones of an audience's segments recorded by whoever can do so from now on. The caller has locked the
/// bases and, if the audience is live, holds writers.
pub fn settle(audience: &Audience, segments: &[Definition]) {
    if !watched::can_have_sets() {
        return;
    }
    let watched = snapshot::latest(|| watched::of(&audience.name));
    for (segment, watched) in both(segments, &watched) {
        // What an error of this says depends on the rights of the caller.
        let settled = subtransaction::attempt(|| settle_one(audience, segment, watched));
        settled.unwrap_or_else(|raised| strategy::raise(raised, audience, std::slice::from_ref(segment)));
    }
}

fn both<'a>(segments: &'a [Definition], watched: &'a [Watched]) -> impl Iterator<Item = (&'a Definition, &'a Watched)> {
    segments.iter().filter_map(|segment| Some((segment, watched.iter().find(|known| known.segment == segment.id)?)))
}

fn settle_one(audience: &Audience, segment: &Definition, watched: &Watched) {
    let owner = access::extension_owner();
    security::as_role(owner, || {
        snapshot::latest(|| {
            let by_triggers = are_triggers(audience, segment);
            if by_triggers && !watched.has_set {
                return;
            }
            // Once the members can be read again, a refresh goes on.
            let Ok(checked) = counted_condition(audience, segment) else { return };
            member_set::take(audience, segment.id, &checked.checked);
            if by_triggers {
                member_set::forget(segment.id);
            }
        });
    });
}

/// Like [`settle`], for all segments of an audience, and locks the bases of the watched ones. The caller holds writers.
pub fn settle_all(audience: &str) {
    let found = security::as_role(access::extension_owner(), || {
        snapshot::latest(|| {
            let mut segments = Definition::all(audience);
            let watched = watched::of(audience);
            segments.retain(|segment| watched.iter().any(|watched| watched.segment == segment.id));
            // If its filter makes no sense any more, no segment does.
            (!segments.is_empty()).then(|| Some((Audience::try_load(audience).ok()?, segments)))?
        })
    });
    if let Some((audience, segments)) = found {
        lock_bases(&segments);
        settle(&audience, &segments);
    }
}

/// Those of a refresh's segments that were recorded by the wrong one.
#[derive(Default)]
pub struct Strays {
    /// Those that could not be settled, with the reasons
    pub failed: HashMap<Uuid, String>,
    /// Those that are still to be settled, because somebody writes to their tables
    pub waiting: Vec<Uuid>,
}

/// Settles those of the segments whose triggers have begun or ceased to keep their counts without any call of ours. A
/// refresh does so when it has counted them, so that writers are held for the shortest time. It has locked the bases of
/// the segments, which come after the tables in the order of locks. So it must not wait for writers here.
pub fn settle_stray(audiences: Vec<String>, counted: &HashSet<Uuid>) -> Strays {
    let mut strays = Strays::default();
    let stray = security::as_role(access::extension_owner(), || snapshot::latest(|| stray(audiences, counted)));
    for (audience, segment) in stray {
        // If it fails, the writers go on.
        let settled = subtransaction::attempt(|| {
            let is_locked = definition_locks::try_lock_tables(&audience);
            if is_locked {
                settle_again(segment);
            }
            is_locked
        });
        match settled {
            Ok(true) => {}
            Ok(false) => strays.waiting.push(segment),
            Err(raised) => _ = strays.failed.insert(segment, strategy::reason(&raised)),
        }
    }
    strays
}

/// Settles a segment by what is known of it now that its tables are locked.
fn settle_again(segment: Uuid) {
    let found = security::as_role(access::extension_owner(), || {
        snapshot::latest(|| {
            let segment = Definition::find(segment)?;
            let watched = watched::of(&segment.audience).into_iter().find(|watched| watched.segment == segment.id)?;
            Some((Audience::try_load(&segment.audience).ok()?, segment, watched))
        })
    });
    if let Some((audience, segment, watched)) = found {
        settle_one(&audience, &segment, &watched);
    }
}

/// Those of the segments of live audiences that are recorded by the wrong one.
fn stray(audiences: Vec<String>, counted: &HashSet<Uuid>) -> Vec<(Audience, Uuid)> {
    if !watched::can_have_sets() {
        return Vec::new();
    }
    let mut watched = watched::of_all(audiences);
    watched.retain(|watched| watched.is_live && counted.contains(&watched.segment));
    if watched.is_empty() {
        return Vec::new();
    }
    let has_set: HashMap<Uuid, bool> = watched.iter().map(|watched| (watched.segment, watched.has_set)).collect();
    let segments = Definition::of_ids(&has_set.keys().copied().collect::<Vec<_>>());
    let mut loaded: HashMap<String, Option<Audience>> = HashMap::new();
    let mut stray = Vec::new();
    for segment in segments {
        let audience = loaded.entry(segment.audience.clone()).or_insert_with_key(|name| Audience::try_load(name).ok());
        let Some(audience) = audience else { continue };
        let is_stray = || Some(&are_triggers(audience, &segment)) == has_set.get(&segment.id);
        if scope::check_segment(audience, &segment).is_ok() && is_stray() {
            stray.push((audience.clone(), segment.id));
        }
    }
    stray
}

fn lock_bases(segments: &[Definition]) {
    let mut ids: Vec<pgrx::Uuid> = segments.iter().map(|segment| datum(segment.id)).collect();
    ids.sort();
    bases::lock_with_segments(access::extension_owner(), &ids);
}
