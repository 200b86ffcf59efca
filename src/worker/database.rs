//! A worker. It does the work of one database, stays while there will soon be more, and then ends.

use crate::counting::pending;
use crate::live::changes::{position, retention};
use crate::pg::background::{self, Waited};
use crate::pg::error::Failure;
use crate::pg::{extension, process, query};
use crate::refresh::{self, Due, Writers};
use crate::shared::board;
use pgrx::PgSqlErrorCode;
use pgrx::pg_sys::Oid;
use std::time::{Duration, Instant};
use uuid::Uuid;

/// A worker stays connected if there will be something to do within this time.
const STAY: Duration = Duration::from_secs(10);

/// When to look again at a database without the extension. CREATE EXTENSION also wakes the launcher.
const ABSENT: Duration = Duration::from_secs(600);

/// When to look again at a database in which looking for work has failed.
const BROKEN: Duration = Duration::from_secs(60);

/// The longest and the shortest time between two looks for segments that are due.
const SELDOM: Duration = Duration::from_secs(3600);
const OFTEN: Duration = Duration::from_secs(1);

/// How often the worker looks at live counts, folds deltas if they are few, and prunes old changes.
const LIVE: Duration = Duration::from_secs(1);
const FOLD: Duration = Duration::from_secs(10);
const PRUNE: Duration = Duration::from_secs(600);

/// The channel on which entries and exits are announced, with the position of the newest one.
const CHANNEL: &str = "segments_change";

/// With this many rows of deltas, the worker folds at once.
const MANY: i64 = 1000;

/// Runs the worker of a place until there is nothing more to do in its database.
pub fn run(place: usize) {
    let (process, _) = process::session();
    let Some(database) = board::arrive(place, process) else { return };
    background::connect(Some(Oid::from(database)));
    background::set_default(c"segments.refresh_cost_delay", c"2ms");
    let mut upkeep = Upkeep::default();
    loop {
        let nap = upkeep.round();
        if nap > STAY || board::is_crowded(place, process) {
            board::leave(place, process, nap);
            return;
        }
        if background::wait(nap) != Waited::Long {
            upkeep.due_at = None;
        }
    }
}

/// The state that a worker keeps between rounds.
#[derive(Default)]
struct Upkeep {
    /// When segments will be due; `None` means that the worker must look now
    due_at: Option<Instant>,
    folded_at: Option<Instant>,
    pruned_at: Option<Instant>,
    /// The newest entry or exit that was announced
    announced: Option<String>,
}

impl Upkeep {
    /// Does all work that is due. Returns how long there will be nothing to do.
    fn round(&mut self) -> Duration {
        match background::transaction("looking for the extension", extension::lock) {
            Ok(true) => {}
            Ok(false) => return ABSENT,
            Err(_) => return BROKEN,
        }
        if self.due_at.is_none_or(|due_at| due_at <= Instant::now()) {
            let Ok(wait) = refresh_due() else { return BROKEN };
            self.due_at = Some(Instant::now() + wait.clamp(OFTEN, SELDOM));
        }
        let Ok(is_live) = self.look_after_live_counts() else { return BROKEN };
        let until_due = self.due_at.map_or(OFTEN, |due_at| due_at.saturating_duration_since(Instant::now()));
        if is_live { LIVE.min(until_due) } else { until_due }
    }

    /// Folds deltas, announces entries and exits, and prunes old ones. Returns whether there will be more.
    fn look_after_live_counts(&mut self) -> Result<bool, String> {
        let now = Instant::now();
        let is_over = |at: &Option<Instant>, time| at.is_none_or(|at| now - at >= time);
        let (is_live, unfolded, newest, are_hidden) = transaction("looking at live counts", || {
            let is_live = query::first(IS_LIVE, &[], |row| row.get::<bool>(1)) == Some(true);
            let unfolded =
                query::rows(UNFOLDED, &[(10 * MANY).into()], |row| (row.get::<String>(1), row.get::<i64>(2)));
            (is_live, unfolded, position::newest_change(), position::are_hidden())
        })?;
        let are_recorded = newest.is_some();
        if are_recorded && newest != self.announced {
            transaction("announcing entries and exits", || {
                query::write(ANNOUNCE, &[CHANNEL.into(), newest.clone().into()])
            })?;
            self.announced = newest;
        }
        let is_time = is_over(&self.folded_at, FOLD);
        for (audience, rows) in &unfolded {
            if is_time || *rows >= MANY {
                let what = format!("folding changes of the counts of audience \"{audience}\"");
                // One audience at a time, in the order in which counting locks counts, too.
                transaction(&what, || pending::fold(Some(audience)))?;
                self.folded_at = Some(now);
            }
        }
        // Changes are pruned even if their audience is no longer live.
        if are_recorded && is_over(&self.pruned_at, PRUNE) {
            transaction("pruning entries and exits", retention::prune)?;
            self.pruned_at = Some(now);
        }
        Ok(is_live || are_hidden || !unfolded.is_empty())
    }
}

/// Runs `work` in a transaction of its own, during which the extension is not dropped.
fn transaction<T>(what: &str, work: impl FnOnce() -> T) -> Result<T, String> {
    background::transaction(what, || {
        if !extension::lock() {
            Failure::new(PgSqlErrorCode::ERRCODE_UNDEFINED_OBJECT, "the extension was dropped").raise()
        }
        work()
    })
}

/// Refreshes the segments that are due, one source at a time. Returns in how long segments will be due again.
fn refresh_due() -> Result<Duration, String> {
    let looked = || transaction("looking for segments that are due", refresh::due);
    let plan = looked()?;
    if plan.due.is_empty() {
        return Ok(plan.next);
    }
    for due in plan.due {
        let segments = refresh(&due, Writers::Pass)?;
        if !segments.is_empty() {
            refresh(&Due { segments, ..due }, Writers::Wait)?;
        }
    }
    Ok(looked()?.next)
}

/// Refreshes segments, or records why that failed. Returns those that are still to be recorded by others.
fn refresh(due: &Due, writers: Writers) -> Result<Vec<Uuid>, String> {
    let what = format!("counting {} segments of audience \"{}\"", due.segments.len(), due.source);
    match transaction(&what, || refresh::refresh_due_of(due, writers).stray) {
        Ok(stray) => Ok(stray),
        Err(message) => {
            transaction("recording that", || refresh::failed(due, &message))?;
            Ok(Vec::new())
        }
    }
}

const IS_LIVE: &str = "
SELECT EXISTS (SELECT FROM segments.audience_config a WHERE a.freshness = 'live')";

const UNFOLDED: &str = "
SELECT d.audience, count(*) FROM (SELECT c.audience FROM segments.count_delta c LIMIT $1) d
 GROUP BY d.audience ORDER BY d.audience";

// The UPDATE finds no row if another worker has announced this position already.
const ANNOUNCE: &str = "
WITH unknown AS (
    UPDATE segments.change_log l SET announced = $2 WHERE l.announced IS DISTINCT FROM $2 RETURNING l.name)
SELECT pg_notify($1, $2) FROM unknown";
