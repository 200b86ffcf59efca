//! Refreshing counts: which segments are due, and counting them, all segments of an audience in one snapshot.
//!
//! A segment that cannot be counted keeps its count, and the reason is recorded. After each failure it takes longer
//! until it is due again.

use crate::catalog::access;
use crate::catalog::audience::Audience;
use crate::catalog::freshness::is_live;
use crate::catalog::segment::{Definition, datum, id_of};
use crate::counting::store::Refreshed;
use crate::counting::take::{Taken, take};
use crate::counting::{bases, pending, strategy};
use crate::live::definition_locks;
use crate::pg::error::internal;
use crate::pg::{query, relcache, snapshot};
use crate::shared::progress::{self, Phase};
use pgrx::datum::TimestampWithTimeZone;
use std::time::{Duration, Instant};
use uuid::Uuid;

/// The segments that are due, and when others will be.
pub struct DueSegments {
    pub due: Vec<Due>,
    /// In how long another segment may be due, one that exists or one that is created now
    pub next: Duration,
}

/// The segments of an audience that are due.
pub struct Due {
    pub audience: String,
    pub segments: Vec<Uuid>,
}

/// Finds the segments that are due. If an audience has one, segments that will be due soon are included: counting them
/// together costs little more, and they will be due together the next time.
pub fn due() -> DueSegments {
    let rows = query::rows(DUE, &[], |row| {
        let segments = row.nullable::<Vec<pgrx::Uuid>>(2).unwrap_or_default();
        let due = Due { audience: row.get(1), segments: segments.into_iter().map(id_of).collect() };
        (due, row.nullable::<f64>(3))
    });
    let shortest = query::first(SHORTEST_INTERVAL, &[], |row| row.get::<f64>(1));
    let next = rows.iter().filter_map(|(_, seconds)| *seconds).chain(shortest).fold(f64::INFINITY, f64::min);
    DueSegments {
        due: rows.into_iter().map(|(due, _)| due).filter(|due| !due.segments.is_empty()).collect(),
        next: Duration::try_from_secs_f64(next.max(0.0)).unwrap_or(Duration::MAX),
    }
}

/// Refreshes the due segments of an audience. Returns how many there were.
pub fn refresh_due_of(due: &Due) -> usize {
    refresh(&due.audience, Some(&due.segments)).outcomes.len()
}

/// Records that none of the due segments could be counted, so that they are due again later.
pub fn failed(due: &Due, message: &str) {
    let counted = Taken::failed(due.segments.iter().copied(), message).columns();
    let seen_at = vec![None; counted.segments.len()];
    let refreshed = Refreshed { audience: &due.audience, counted, taken_at: clock(), seconds: 0.0, seen_at };
    refreshed.store(access::extension_owner());
}

/// Counts segments of an audience and stores the counts; all segments if `only` is `None`.
pub fn refresh(name: &str, only: Option<&[Uuid]>) -> Taken {
    // One refresh runs after the other. The one that has waited sees what the other could not see.
    progress::lock(name);
    let extension_owner = access::extension_owner();
    let listed = || -> Vec<Definition> {
        let is_listed = |segment: &Definition| only.is_none_or(|only| only.contains(&segment.id));
        Definition::all(name).into_iter().filter(is_listed).collect()
    };
    // The time is taken before the snapshot, so that no count looks newer than it is.
    let taken_at = clock();
    let is_settled = || !is_live(name) && !pending::has_unfolded(name);
    let of_settled = || is_settled().then(|| Counted::now(name, &listed(), taken_at));
    let counted = snapshot::latest(of_settled).unwrap_or_else(|| {
        definition_locks::hold_tables(name);
        // The bases are locked, because deltas that are folded meanwhile would be subtracted twice.
        let mut ids: Vec<pgrx::Uuid> = snapshot::latest(listed).iter().map(|segment| datum(segment.id)).collect();
        ids.sort();
        bases::lock_with_segments(extension_owner, &ids);
        let taken_at = clock();
        snapshot::latest(|| Counted::now(name, &listed(), taken_at))
    });
    let Counted { taken, taken_at, seconds, seen_at, shown } = counted;
    if let Some(shown) = &shown {
        shown.enter(Phase::Storing);
    }
    let counted = taken.columns();
    Refreshed { audience: name, counted, taken_at, seconds, seen_at }.store(extension_owner);
    pending::fold_unlocked(Some(name));
    taken
}

/// The result of counting, which is still to be stored.
struct Counted {
    taken: Taken,
    taken_at: TimestampWithTimeZone,
    seconds: f64,
    /// When the stored counts were taken, in the order of the segments
    seen_at: Vec<Option<TimestampWithTimeZone>>,
    /// Shows the refresh until this is dropped
    shown: Option<progress::Shown>,
}

impl Counted {
    /// Counts segments in the active snapshot, which was taken just after `taken_at`.
    fn now(name: &str, segments: &[Definition], taken_at: TimestampWithTimeZone) -> Self {
        let started = Instant::now();
        let shown = progress::show(name, segments.len());
        let taken = take(name, segments, |audience, conditions| {
            if let Some(shown) = &shown {
                shown.expect_rows(rows_of(audience));
            }
            strategy::each(audience, conditions, shown.as_ref())
        });
        let ids = taken.outcomes.iter().map(|outcome| datum(outcome.id)).collect();
        let seen_at = bases::counted_at(access::extension_owner(), ids);
        Counted { taken, taken_at, seconds: started.elapsed().as_secs_f64(), seen_at, shown }
    }
}

/// The planner's estimate of how many rows the contacts' table has.
fn rows_of(audience: &Audience) -> Option<u64> {
    let rows = query::first(
        "SELECT sum(c.reltuples) FROM pg_class c
          WHERE c.reltuples >= 0 AND c.relkind <> 'p'
            AND c.oid = ANY ($1)",
        &[relcache::tree(audience.relation.oid).into()],
        |row| row.nullable::<f32>(1),
    );
    rows.flatten().map(|rows| rows as u64)
}

fn clock() -> TimestampWithTimeZone {
    let now = query::first("SELECT clock_timestamp()", &[], |row| row.get(1));
    now.unwrap_or_else(|| internal("the clock gave no answer").raise())
}

// A segment that will be due within a tenth of its interval is included.
const DUE: &str = "
SELECT s.audience,
       CASE WHEN bool_or(s.due <= now.now) THEN
           array_agg(s.segment) FILTER (
               WHERE s.due <= (now.now + (s.refresh_interval / 10)))
       END,
       date_part('epoch', min(s.due) - now.now)
  FROM segments.segment_status s, (SELECT clock_timestamp() OFFSET 0) now(now)
 GROUP BY s.audience, now.now ORDER BY s.audience";

// A segment that is created now will not be due earlier.
const SHORTEST_INTERVAL: &str = "
SELECT date_part('epoch', LEAST(segments.default_refresh_interval(), min(a.refresh_interval)))
  FROM segments.audience_config a";
