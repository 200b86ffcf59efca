//! Refreshing counts: which segments are due, and counting them, all segments of a source in one snapshot.
//!
//! A segment that cannot be counted keeps its count, and the reason is recorded. After each failure it takes longer
//! until it is due again. A watched segment that triggers do not record is counted by comparing its members with those
//! that the last refresh has found.

use crate::catalog::access;
use crate::catalog::audience::{Audience, Related};
use crate::catalog::segment::{Definition, datum, id_of};
use crate::catalog::source;
use crate::counting::store::Refreshed;
use crate::counting::take::{Taken, take, take_together};
use crate::counting::{bases, pending, strategy};
use crate::live::changes::{member_set, watched};
use crate::live::definition_locks;
use crate::live::recorders::{self, Strays};
use crate::pg::error::internal;
use crate::pg::{query, relcache, security, snapshot, subtransaction};
use crate::shared::progress::{self, Phase, Shown};
use pgrx::datum::TimestampWithTimeZone;
use pgrx::pg_sys::Oid;
use segments_core::expr::Checked;
use segments_core::relation_program::AskedRows;
use std::collections::{BTreeMap, HashSet};
use std::time::{Duration, Instant};
use uuid::Uuid;

/// The segments that are due, and when others will be.
pub struct DueSegments {
    pub due: Vec<Due>,
    /// In how long another segment may be due, one that exists or one that is created now
    pub next: Duration,
}

/// The segments of an audience, and of those that are based on it, that are due.
pub struct Due {
    pub source: String,
    pub segments: Vec<Uuid>,
}

/// The segments that a refresh counts.
pub enum Wanted {
    /// All segments of these audiences, which have one source
    Audiences(Vec<String>),
    /// These segments of audiences that have one source
    Segments(Vec<Uuid>),
}

impl Wanted {
    /// The definitions of the segments by audience, in the active snapshot.
    fn definitions(&self) -> BTreeMap<String, Vec<Definition>> {
        let definitions = match self {
            Wanted::Audiences(names) => Definition::of_audiences(names),
            Wanted::Segments(ids) => Definition::of_ids(ids),
        };
        let mut by_audience: BTreeMap<String, Vec<Definition>> = BTreeMap::new();
        for definition in definitions {
            by_audience.entry(definition.audience.clone()).or_default().push(definition);
        }
        by_audience
    }
}

/// Finds the segments that are due. If a source has one, segments that will be due soon are included: counting them
/// together costs little more, and they will be due together the next time.
pub fn due() -> DueSegments {
    let rows = query::rows(DUE, &[], |row| {
        let segments = row.nullable::<Vec<pgrx::Uuid>>(2).unwrap_or_default();
        let due = Due { source: row.get(1), segments: segments.into_iter().map(id_of).collect() };
        (due, row.nullable::<f64>(3))
    });
    let shortest = query::first(SHORTEST_INTERVAL, &[], |row| row.get::<f64>(1));
    let next = rows.iter().filter_map(|(_, seconds)| *seconds).chain(shortest).fold(f64::INFINITY, f64::min);
    DueSegments {
        due: rows.into_iter().map(|(due, _)| due).filter(|due| !due.segments.is_empty()).collect(),
        next: Duration::try_from_secs_f64(next.max(0.0)).unwrap_or(Duration::MAX),
    }
}

/// What a refresh does about a watched segment whose entries and exits others are to record from now on, which takes
/// holding writers.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Writers {
    /// It tries to hold them when it has counted, and leaves the segment for another refresh if somebody writes
    Pass,
    /// It waits for them, and holds them while it counts. The segments are few, and the transaction is its own
    Wait,
}

/// The result of a refresh.
pub struct Refresh {
    /// The counts of each audience
    pub taken: Vec<Taken>,
    /// The watched segments that are still to be recorded by others
    pub stray: Vec<Uuid>,
}

impl Refresh {
    /// How many segments there were.
    pub fn segments(&self) -> usize {
        self.taken.iter().map(|taken| taken.outcomes.len()).sum()
    }
}

/// Refreshes the due segments of a source.
pub fn refresh_due_of(due: &Due, writers: Writers) -> Refresh {
    refresh(&due.source, &Wanted::Segments(due.segments.clone()), writers)
}

/// Records that none of the due segments could be counted, so that they are due again later.
pub fn failed(due: &Due, message: &str) {
    let counted = Taken::failed(due.segments.iter().copied(), message).columns();
    let seen_at = vec![None; counted.segments.len()];
    let audiences = vec![due.source.clone()];
    Refreshed { audiences, counted, taken_at: clock(), seconds: 0.0, seen_at, has_locked: false }
        .store(access::extension_owner());
}

/// Counts segments in one snapshot and stores the counts. They belong to the audience, or to audiences that have it as
/// their source. There is a result for each audience that has such segments. One that becomes live meanwhile has none:
/// it has been counted when it did.
pub fn refresh(audience: &str, wanted: &Wanted, writers: Writers) -> Refresh {
    // One refresh of a source runs after the other. The one that has waited sees what the other could not see.
    let source = source::of(audience).unwrap_or_else(|| audience.to_owned());
    progress::lock(&source);
    if source != audience {
        // Nobody waits here, because all who take this turn have taken the turn of the source.
        progress::lock(audience);
    }
    let owner = access::extension_owner();
    // The time is taken before the snapshot, so that no count looks newer than it is.
    let mut taken_at = clock();
    let look = |held: &HashSet<Uuid>| security::as_role(owner, || Plan::of(wanted, held));
    let mut unsettled = HashSet::new();
    let mut held = HashSet::new();
    let first = snapshot::latest(|| match look(&HashSet::new()) {
        plan if plan.to_lock.is_empty() => Ok(Counted::now(audience, plan, taken_at)),
        plan => Err((plan.ids(), plan.to_lock, plan.unsettled)),
    });
    let counted = first.unwrap_or_else(|(others, to_lock, audiences)| {
        definition_locks::hold_tables(&source, writers == Writers::Wait);
        // The bases are locked, because deltas that are folded meanwhile would be subtracted twice, and what others find
        // of entries and exits would be recorded twice.
        held = to_lock.into_iter().collect::<HashSet<Uuid>>();
        bases::ensure_missing(owner, &others);
        let mut ids: Vec<pgrx::Uuid> = held.iter().map(|id| datum(*id)).collect();
        ids.sort();
        bases::lock_with_segments(owner, &ids);
        unsettled = audiences;
        taken_at = clock();
        snapshot::latest(|| Counted::now(audience, look(&held), taken_at))
    });
    let Counted { audiences, mut taken, taken_at, seconds, seen_at, shown } = counted;
    let has_locked = !held.is_empty();
    // What could not be counted shows the reason, and no writer waits for it.
    let outcomes = taken.iter().flat_map(|taken| &taken.outcomes);
    let counted: HashSet<Uuid> = outcomes.filter(|outcome| outcome.count.is_ok()).map(|outcome| outcome.id).collect();
    held.retain(|id| counted.contains(id));
    let Strays { failed, waiting: stray } = recorders::settle_stray(audiences.clone(), &held);
    for outcome in taken.iter_mut().flat_map(|taken| &mut taken.outcomes) {
        if let Some(why) = failed.get(&outcome.id) {
            outcome.count = Err(why.clone());
        }
    }
    if let Some(shown) = &shown {
        shown.enter(Phase::Storing);
    }
    Refreshed { audiences, counted: Taken::columns_of(&taken), taken_at, seconds, seen_at, has_locked }.store(owner);
    for name in unsettled {
        pending::fold_unlocked(Some(&name));
    }
    Refresh { taken, stray }
}

/// The segments to count, as one snapshot has them.
struct Plan {
    /// By audience, those that can be counted in this snapshot
    segments: BTreeMap<String, Vec<Definition>>,
    /// Those whose members are compared with the ones that were found before
    compared: HashSet<Uuid>,
    /// Those whose bases must be locked before the snapshot is taken
    to_lock: Vec<Uuid>,
    /// The audiences whose counts change by deltas
    unsettled: HashSet<String>,
}

impl Plan {
    /// Sorts the segments. The bases of `held` are locked.
    fn of(wanted: &Wanted, held: &HashSet<Uuid>) -> Self {
        let mut segments = wanted.definitions();
        let names: Vec<String> = segments.keys().cloned().collect();
        let unsettled = pending::unsettled(names.clone());
        let compared: HashSet<Uuid> = watched::by_refreshes(names).collect();
        let mut to_lock = Vec::new();
        for (audience, segments) in &mut segments {
            let must_wait = |id: &Uuid| (unsettled.contains(audience) || compared.contains(id)) && !held.contains(id);
            to_lock.extend(segments.iter().map(|segment| segment.id).filter(must_wait));
            segments.retain(|segment| !must_wait(&segment.id));
        }
        segments.retain(|_, segments| !segments.is_empty());
        Plan { segments, compared, to_lock, unsettled }
    }

    /// The segments that can be counted in the snapshot.
    fn ids(&self) -> Vec<pgrx::Uuid> {
        self.segments.values().flatten().map(|segment| datum(segment.id)).collect()
    }
}

/// The result of counting, which is still to be stored.
struct Counted {
    audiences: Vec<String>,
    taken: Vec<Taken>,
    taken_at: TimestampWithTimeZone,
    seconds: f64,
    /// When the stored counts were taken, in the order of the segments
    seen_at: Vec<Option<TimestampWithTimeZone>>,
    /// Shows the refresh until this is dropped
    shown: Option<progress::Shown>,
}

impl Counted {
    /// Counts segments in the active snapshot, which was taken just after `taken_at`.
    fn now(audience: &str, plan: Plan, taken_at: TimestampWithTimeZone) -> Self {
        let started = Instant::now();
        let Plan { segments: mut counted, compared, .. } = plan;
        let audiences = counted.keys().cloned().collect();
        let shown = progress::show(audience, counted.values().map(Vec::len).sum());
        let watched: Vec<Definition> = counted
            .values_mut()
            .flat_map(|segments| segments.extract_if(.., |segment| compared.contains(&segment.id)))
            .collect();
        counted.retain(|_, segments| !segments.is_empty());
        let count = |audience: &Audience, conditions: &[Checked]| {
            if let Some(shown) = &shown {
                shown.expect_rows(rows_of(audience, conditions));
            }
            strategy::each(audience, conditions, shown.as_ref())
        };
        let mut taken = match counted.iter().next() {
            None => Vec::new(),
            Some((name, segments_of)) if counted.len() == 1 => vec![take(name, segments_of, count)],
            Some(_) => take_together(audience, &counted, count),
        };
        taken.extend(watched.iter().map(|segment| compare(segment, shown.as_ref())));
        let outcomes = taken.iter().flat_map(|taken| &taken.outcomes);
        let ids = outcomes.map(|outcome| datum(outcome.id)).collect();
        let seen_at = bases::counted_at(access::extension_owner(), ids);
        Counted { audiences, taken, taken_at, seconds: started.elapsed().as_secs_f64(), seen_at, shown }
    }
}

/// Counts a watched segment by comparing its members with those that were found before, and records its entries and
/// exits. An error leaves both as they were.
fn compare(segment: &Definition, shown: Option<&Shown>) -> Taken {
    if let Some(shown) = shown {
        shown.enter(Phase::CountingOneByOne);
    }
    let count = |audience: &Audience, condition: &Checked| {
        let compared = subtransaction::attempt(|| member_set::take(audience, segment.id, condition));
        compared.map_err(|raised| strategy::reason(&raised))
    };
    let taken = take(&segment.audience, std::slice::from_ref(segment), |audience, conditions| {
        conditions.iter().map(|condition| count(audience, condition)).collect()
    });
    if let Some(shown) = shown {
        shown.counted(1);
    }
    taken
}

/// The planner's estimate of how many rows the contacts' table has, and the relations that conditions read. Contacts are
/// read once more for those conditions.
fn rows_of(audience: &Audience, conditions: &[Checked]) -> Option<u64> {
    let asked = AskedRows::of(conditions);
    let table = |name| audience.related(name).and_then(Related::relation);
    let relations: Vec<Oid> = asked.relations().filter_map(table).collect();
    let is_of_contacts_alone = |condition: &Checked| !condition.reads_rows();
    let passes = usize::from(conditions.iter().any(is_of_contacts_alone)) + usize::from(!relations.is_empty());
    let tables = std::iter::repeat_n(audience.relation.oid, passes).chain(relations);
    tables.map(rows_of_table).sum()
}

/// The planner's estimate of how many rows a table has; `None` if it has none.
fn rows_of_table(table: Oid) -> Option<u64> {
    let rows = query::first(
        "SELECT sum(c.reltuples) FROM pg_class c
          WHERE c.reltuples >= 0 AND c.relkind <> 'p'
            AND c.oid = ANY ($1)",
        &[relcache::tree(table).into()],
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
SELECT a.source,
       CASE WHEN bool_or(s.due <= now.now) THEN
           array_agg(s.segment) FILTER (
               WHERE s.due <= (now.now + (s.refresh_interval / 10)))
       END,
       date_part('epoch', min(s.due) - now.now)
  FROM segments.segment_status s
  JOIN segments.audience_config a ON a.name = s.audience
 CROSS JOIN (SELECT clock_timestamp() OFFSET 0) now(now)
 GROUP BY a.source, now.now ORDER BY a.source";

// A segment that is created now will not be due earlier.
const SHORTEST_INTERVAL: &str = "
SELECT date_part('epoch', LEAST(segments.default_refresh_interval(), min(a.refresh_interval)))
  FROM segments.audience_config a";
