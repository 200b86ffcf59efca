//! Where background processes start.

use crate::worker::{database, launcher};
use pgrx::pg_guard;
use pgrx::pg_sys::Datum;

/// Where the launcher starts.
///
/// # Safety
/// Called by Postgres, in a background process.
#[pg_guard]
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn segments_launcher_main(_argument: Datum) {
    launcher::run();
}

/// Where a worker starts.
///
/// # Safety
/// Called by Postgres, in a background process.
#[pg_guard]
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn segments_worker_main(place: Datum) {
    database::run(place.value());
}
