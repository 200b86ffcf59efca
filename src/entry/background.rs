//! The entry points of background processes.

use crate::worker::{database, launcher};
use pgrx::pg_guard;
use pgrx::pg_sys::Datum;

/// The main function of the launcher.
///
/// # Safety
/// Called by Postgres, in a background process.
#[pg_guard]
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn segments_launcher_main(_argument: Datum) {
    launcher::run();
}

/// The main function of a worker, whose argument is the number of its place.
///
/// # Safety
/// Called by Postgres, in a background process.
#[pg_guard]
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn segments_worker_main(place: Datum) {
    database::run(place.value());
}
