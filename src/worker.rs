//! The background worker: where the library is preloaded it counts what is due, in every database with the extension.
//!
//! | module | |
//! |---|---|
//! | [`launcher`] | finds databases, and starts a worker in each when there is something to do |
//! | [`database`] | what a worker does: counting what is due, folding and announcing what live audiences recorded |
//! | [`board`] | what these and sessions tell each other |
//!
//! Nothing runs on a standby: the launcher starts when the server accepts writes. Whatever ends a worker, be it an
//! error or an administrator, the launcher starts it again, later and later; what it was doing is rolled back.

use crate::pg::error::Failure;
use crate::pg::query;
use crate::pg::{background, shared};
use crate::shared::board;
use pgrx::datum::Interval;
use pgrx::guc::{GucContext, GucFlags, GucRegistry, GucSetting};
use pgrx::prelude::*;
use pgrx::{PgSqlErrorCode, PgXactCallbackEvent, register_xact_callback};
use std::ffi::CString;
use std::time::Duration;

mod database;
mod launcher;

/// The databases to work in; empty: all.
static DATABASES: GucSetting<Option<CString>> = GucSetting::<Option<CString>>::new(Some(c""));

/// In how many databases at once.
static WORKERS: GucSetting<i32> = GucSetting::<i32>::new(2);

/// After how many seconds counts are due again, of audiences for which nothing else is set.
static REFRESH_INTERVAL: GucSetting<i32> = GucSetting::<i32>::new(300);

/// For how many milliseconds a refresh pauses now and then.
static COST_DELAY: GucSetting<i32> = GucSetting::<i32>::new(0);

/// Where entries and exits are announced, with the position of the newest one.
const CHANNEL: &str = "segments_change";

/// Declares the settings, and has the launcher started; called when the library is loaded.
pub fn init() {
    GucRegistry::define_string_guc(
        c"segments.databases",
        c"Databases whose segments are counted in the background, separated by commas.",
        c"Empty: all that have the extension.",
        &DATABASES,
        GucContext::Sighup,
        GucFlags::default(),
    );
    GucRegistry::define_int_guc(
        c"segments.workers",
        c"In how many databases segments are counted in the background at once.",
        c"Each takes one of max_worker_processes, and one more is for the launcher.",
        &WORKERS,
        1,
        board::PLACES as i32,
        GucContext::Sighup,
        GucFlags::default(),
    );
    GucRegistry::define_int_guc(
        c"segments.refresh_interval",
        c"How long after they were counted segments are due to be counted anew.",
        c"set_refresh_interval() sets it for one audience.",
        &REFRESH_INTERVAL,
        1,
        i32::MAX,
        GucContext::Suset,
        GucFlags::UNIT_S,
    );
    GucRegistry::define_int_guc(
        c"segments.refresh_cost_delay",
        c"How long a refresh pauses after every 4,096 contacts, and after every segment that it counts by itself.",
        c"0 in sessions, and 2 ms in the background worker, unless it is set.",
        &COST_DELAY,
        0,
        10_000,
        GucContext::Userset,
        GucFlags::UNIT_MS,
    );
    if shared::is_preloading() {
        background::register_launcher();
    }
}

/// What the launcher does.
pub fn launch() {
    launcher::run();
}

/// What the worker does that has been given a place.
pub fn work(place: usize) {
    database::run(place);
}

/// Yields to whatever else the server has to do.
pub fn yield_to_load() {
    let delay = COST_DELAY.get();
    if delay > 0 {
        background::pause(Duration::from_millis(delay as u64));
    }
}

/// Has the worker look at this database once the transaction commits.
pub fn wake() {
    let (_, database) = shared::session();
    register_xact_callback(PgXactCallbackEvent::Commit, move || board::wake(database));
}

/// Says so, where no worker adds what statements record to the live counts of this database.
pub fn notice_nobody_folds() {
    let way_out = if shared::board().is_none() {
        "Add segments to shared_preload_libraries and restart the server"
    } else if !is_wanted_in(&current_database()) {
        "Name this database in segments.databases"
    } else {
        return;
    };
    Failure::new(
        PgSqlErrorCode::ERRCODE_SUCCESSFUL_COMPLETION,
        "live counts are not looked after in the background in this database",
    )
    .detail("Each statement that changes contacts records by how much. Until that is added to the counts, whoever reads them adds it up.")
    .hint(format!("{way_out}, or call refresh_segments() now and then."))
    .notice();
}

fn current_database() -> String {
    let name = query::first("SELECT pg_catalog.current_database()::pg_catalog.text", &[], |row| row.get(1));
    name.unwrap_or_default()
}

/// Whether the settings want a worker in the database of that name.
fn is_wanted_in(database: &str) -> bool {
    let listed = DATABASES.get().map(|names| names.to_string_lossy().into_owned()).unwrap_or_default();
    let mut listed = listed.split(',').map(str::trim).filter(|name| !name.is_empty()).peekable();
    listed.peek().is_none() || listed.any(|name| name == database)
}

/// Has the worker look at this database; says so where there is none.
#[pg_extern(sql = false)]
fn wake_worker() {
    if shared::board().is_some() {
        return wake();
    }
    // Not at once: while an extension's script runs, notices are not shown.
    register_xact_callback(PgXactCallbackEvent::PreCommit, || {
        Failure::new(PgSqlErrorCode::ERRCODE_SUCCESSFUL_COMPLETION, "segments are not counted anew in the background")
            .detail("That takes a worker, which runs where the library is preloaded.")
            .hint("Add segments to shared_preload_libraries and restart the server, or call refresh_segments() from a scheduler.")
            .notice();
    });
}

/// How long after they were counted segments are due, of audiences for which nothing else is set.
#[pg_extern(sql = false)]
fn default_refresh_interval() -> Interval {
    Interval::from_seconds(f64::from(REFRESH_INTERVAL.get()))
}
