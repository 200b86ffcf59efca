//! Counting an audience's segments anew, all of them in one snapshot.
//!
//! | module | |
//! |---|---|
//! | [`keep`] | what becomes of the counts: stored, remembered, thinned out |
//!
//! A segment that cannot be counted keeps its count, and the reason is recorded; it is due again later and later.

use crate::catalog::access;
use crate::catalog::audience::Audience;
use crate::catalog::scope;
use crate::catalog::scope::CheckedCondition;
use crate::catalog::segment::{Definition, id_of};
use crate::counting::pending;
use crate::counting::{count, members};
use crate::live::definition_locks;
use crate::pg::query;
use crate::pg::snapshot;
use crate::shared::progress;
use crate::shared::progress::Phase;
use pgrx::prelude::*;
use segments_core::date::Instant;
use segments_core::expr::Checked;
use std::collections::HashMap;
use std::time::{self, Duration};
use uuid::Uuid;

/// What came of counting a segment.
pub struct Outcome {
    pub id: Uuid,
    /// Its condition, where it makes sense
    pub checked: Option<Checked>,
    /// When that will mean something else; `None`: never
    pub changes_at: Option<Instant>,
    pub count: Result<i64, String>,
}

impl Outcome {
    fn failed(id: Uuid, message: String) -> Self {
        Outcome { id, checked: None, changes_at: None, count: Err(message) }
    }
}

/// What is due, and when something will be.
pub struct Plan {
    pub due: Vec<Due>,
    /// In how long something else may be due: a segment that there is, or one that is created now
    pub next: Duration,
}

/// Segments of an audience that are due.
pub struct Due {
    pub audience: String,
    pub segments: Vec<Uuid>,
}

/// What is due. Where something is, so is what will be soon: counted together they cost little more, and will be due
/// together the next time.
pub fn due() -> Plan {
    let rows = query::rows(DUE, &[], |row| {
        let segments = row.nullable::<Vec<pgrx::Uuid>>(2).unwrap_or_default();
        let due = Due { audience: row.get(1), segments: segments.into_iter().map(id_of).collect() };
        (due, row.nullable::<f64>(3))
    });
    let shortest = query::first(SHORTEST_INTERVAL, &[], |row| row.get::<f64>(1));
    let next = rows.iter().filter_map(|(_, seconds)| *seconds).chain(shortest).fold(f64::INFINITY, f64::min);
    Plan {
        due: rows.into_iter().map(|(due, _)| due).filter(|due| !due.segments.is_empty()).collect(),
        next: Duration::try_from_secs_f64(next.max(0.0)).unwrap_or(Duration::MAX),
    }
}

/// Counts what is due of an audience; how many segments those were.
pub fn refresh_due_of(due: &Due) -> usize {
    refresh(&due.audience, Some(&due.segments)).outcomes.len()
}

/// Records that nothing of what was due could be counted, so that it is due again later.
pub fn failed(due: &Due, message: &str) {
    let counts = Counts {
        name: &due.audience,
        audience: None,
        outcomes: due.segments.iter().map(|id| Outcome::failed(*id, message.to_owned())).collect(),
        is_live: false,
        pending: HashMap::new(),
        taken_at: clock(),
        took: Duration::ZERO,
        shown: None,
    };
    counts.store(access::extension_owner());
}

/// What a refresh counted, in one snapshot.
pub struct Counts<'a> {
    /// The audience's name
    pub name: &'a str,
    /// `None` where its table is not what it was
    pub audience: Option<Audience>,
    pub outcomes: Vec<Outcome>,
    /// Whether the audience was live, and what recorded changes add to the counts' bases
    pub is_live: bool,
    pub pending: HashMap<Uuid, i64>,
    /// When the snapshot was taken
    pub taken_at: TimestampWithTimeZone,
    pub took: Duration,
    pub shown: Option<progress::Shown>,
}

/// Counts segments of an audience anew and keeps the counts; all of them, where none are named.
pub fn refresh<'a>(name: &'a str, only: Option<&[Uuid]>) -> Counts<'a> {
    // One after the other: who waited counts what the other could not see.
    progress::lock(name);
    let extension_owner = access::extension_owner();
    let listed = || -> Vec<Definition> {
        let is_listed = |segment: &Definition| only.is_none_or(|only| only.contains(&segment.id));
        Definition::all(name).into_iter().filter(is_listed).collect()
    };
    // Before the snapshot: whoever counts after it counts later.
    let taken_at = clock();
    let is_settled = || !definition_locks::is_live(name) && !pending::has_unfolded(name);
    let of_settled = || is_settled().then(|| count_all(name, &listed(), taken_at));
    let counts = snapshot::latest(of_settled).unwrap_or_else(|| {
        definition_locks::hold_tables(name);
        // Changes that are folded meanwhile would be subtracted twice.
        let mut ids: Vec<pgrx::Uuid> =
            snapshot::latest(listed).iter().map(|segment| count::datum(segment.id)).collect();
        ids.sort();
        count::lock_with_segments(extension_owner, &ids);
        let taken_at = clock();
        snapshot::latest(|| count_all(name, &listed(), taken_at))
    });
    if let Some(shown) = &counts.shown {
        shown.enter(Phase::Storing);
    }
    counts.store(extension_owner);
    pending::fold_unlocked(Some(name));
    counts
}

/// Counts segments in the snapshot that is active, which was taken just after that time.
fn count_all<'a>(name: &'a str, segments: &[Definition], taken_at: TimestampWithTimeZone) -> Counts<'a> {
    let started = time::Instant::now();
    let shown = progress::show(name, segments.len());
    let ids: Vec<pgrx::Uuid> = segments.iter().map(|segment| count::datum(segment.id)).collect();
    let (audience, outcomes) = match Audience::try_load(name) {
        Ok(audience) => {
            if let Some(shown) = &shown {
                shown.expect_rows(rows_of(&audience));
            }
            let outcomes = outcomes(&audience, segments, shown.as_ref());
            (Some(audience), outcomes)
        }
        Err(failure) => {
            let failed = |segment: &Definition| Outcome::failed(segment.id, failure.message.clone());
            (None, segments.iter().map(failed).collect())
        }
    };
    let pending = count::pending_of(access::extension_owner(), &ids);
    let took = started.elapsed();
    Counts { name, audience, outcomes, is_live: definition_locks::is_live(name), pending, taken_at, took, shown }
}

/// What comes of counting segments of an audience that is as it should be.
fn outcomes(audience: &Audience, segments: &[Definition], shown: Option<&progress::Shown>) -> Vec<Outcome> {
    let checked: Vec<_> = segments.iter().map(|segment| scope::check_segment(audience, segment)).collect();
    let conditions: Vec<Checked> =
        checked.iter().filter_map(|checked| Some(checked.as_ref().ok()?.checked.clone())).collect();
    let mut counts = members::of_each(audience, &conditions, shown).into_iter();
    let outcomes = segments.iter().zip(checked).map(|(segment, checked)| match checked {
        Ok(CheckedCondition { checked, changes_at, .. }) => {
            let count = counts.next().unwrap_or_else(|| Err("segment was not counted".to_owned()));
            let changes_at = count::earlier(changes_at, audience.changes_at);
            Outcome { id: segment.id, checked: Some(checked), changes_at, count }
        }
        Err(errors) => {
            Outcome::failed(segment.id, errors.into_iter().next().map(|error| error.message).unwrap_or_default())
        }
    });
    outcomes.collect()
}

/// How many rows the planner thinks that the contacts' table has.
fn rows_of(audience: &Audience) -> Option<u64> {
    let rows = query::first(
        "SELECT pg_catalog.sum(c.reltuples) FROM pg_catalog.pg_class c
          WHERE c.reltuples OPERATOR(pg_catalog.>=) 0 AND c.relkind OPERATOR(pg_catalog.<>) 'p'
            AND c.oid OPERATOR(pg_catalog.=) ANY ($1)",
        &[crate::pg::relcache::tree(audience.relation.oid).into()],
        |row| row.nullable::<f32>(1),
    );
    rows.flatten().map(|rows| rows as u64)
}

fn clock() -> TimestampWithTimeZone {
    let now = query::first("SELECT pg_catalog.clock_timestamp()", &[], |row| row.get(1));
    now.unwrap_or_else(|| crate::pg::error::internal("the clock gave no answer").raise())
}

// What is due within the tenth part of an interval is soon.
const DUE: &str = "
SELECT s.audience,
       CASE WHEN pg_catalog.bool_or(s.due OPERATOR(pg_catalog.<=) now.now) THEN
           pg_catalog.array_agg(s.segment) FILTER (
               WHERE s.due OPERATOR(pg_catalog.<=) (now.now OPERATOR(pg_catalog.+) (s.refresh_interval OPERATOR(pg_catalog./) 10)))
       END,
       pg_catalog.date_part('epoch', pg_catalog.min(s.due) OPERATOR(pg_catalog.-) now.now)
  FROM segments.segment_status s, (SELECT pg_catalog.clock_timestamp() OFFSET 0) now(now)
 GROUP BY s.audience, now.now ORDER BY s.audience";

// A segment that is created now is not due before.
const SHORTEST_INTERVAL: &str = "
SELECT pg_catalog.date_part('epoch', LEAST(segments.default_refresh_interval(), pg_catalog.min(a.refresh_interval)))
  FROM segments.audience_config a";
