//! The settings of counting in the background.

use crate::pg::{background, relcache};
use crate::shared::board;
use pgrx::guc::{GucContext, GucFlags, GucRegistry, GucSetting};
use std::ffi::CString;
use std::time::Duration;

/// `segments.databases`: the databases to work in; empty means all.
static DATABASES: GucSetting<Option<CString>> = GucSetting::<Option<CString>>::new(Some(c""));

/// `segments.workers`: in how many databases workers run at once.
pub static WORKERS: GucSetting<i32> = GucSetting::<i32>::new(2);

/// `segments.refresh_interval`: after how many seconds counts are due again, for audiences without an interval of their
/// own.
pub static REFRESH_INTERVAL: GucSetting<i32> = GucSetting::<i32>::new(300);

/// `segments.refresh_cost_delay`: how many milliseconds a pause of a refresh lasts.
static COST_DELAY: GucSetting<i32> = GucSetting::<i32>::new(0);

/// `segments.use_columns`: whether conditions are counted through column indexes. Writers mark what they change either way.
pub static USE_COLUMNS: GucSetting<bool> = GucSetting::<bool>::new(false);

/// Declares the settings. Call it when the library is loaded.
pub fn define() {
    GucRegistry::define_string_guc(
        c"segments.databases",
        c"The databases that the background worker looks after, separated by commas.",
        c"Empty: all that have the extension.",
        &DATABASES,
        GucContext::Sighup,
        GucFlags::default(),
    );
    GucRegistry::define_int_guc(
        c"segments.workers",
        c"In how many databases background workers run at the same time.",
        c"Each takes one of max_worker_processes, and one more is for the launcher.",
        &WORKERS,
        1,
        board::PLACES as i32,
        GucContext::Sighup,
        GucFlags::default(),
    );
    GucRegistry::define_int_guc(
        c"segments.refresh_interval",
        c"How long after a count segments are due again.",
        c"set_refresh_interval() sets it for one audience.",
        &REFRESH_INTERVAL,
        1,
        i32::MAX,
        GucContext::Suset,
        GucFlags::UNIT_S,
    );
    GucRegistry::define_bool_guc(
        c"segments.use_columns",
        c"Whether conditions are counted through column indexes.",
        c"Writers mark the pages that they change either way.",
        &USE_COLUMNS,
        GucContext::Userset,
        GucFlags::default(),
    );
    GucRegistry::define_int_guc(
        c"segments.refresh_cost_delay",
        c"How long a refresh pauses after every 4,096 contacts or rows, and after every segment that it counts by itself.",
        c"0 in sessions, and 2 ms in the background worker, unless it is set.",
        &COST_DELAY,
        0,
        10_000,
        GucContext::Userset,
        GucFlags::UNIT_MS,
    );
}

/// Pauses a refresh so that other work of the server gets resources, unless writers wait until its transaction ends.
pub fn yield_to_load() {
    let delay = COST_DELAY.get();
    if delay > 0 && !relcache::has_held_writers() {
        background::pause(Duration::from_millis(delay as u64));
    }
}

/// Whether `segments.databases` allows a worker in the database of that name.
pub fn is_wanted_in(database: &str) -> bool {
    let listed = DATABASES.get().map(|names| names.to_string_lossy().into_owned()).unwrap_or_default();
    let mut listed = listed.split(',').map(str::trim).filter(|name| !name.is_empty()).peekable();
    listed.peek().is_none() || listed.any(|name| name == database)
}
