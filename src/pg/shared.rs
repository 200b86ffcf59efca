//! Memory that all sessions share, where the library is preloaded.

use crate::progress::{Progress, SLOTS};
use pgrx::lwlock::PgLwLock;
use pgrx::shmem::PGRXSharedMemory;
use pgrx::{pg_guard, pg_shmem_init, pg_sys};
use std::sync::atomic::{AtomicBool, Ordering};

// SAFETY: no other library's lock is called so.
static PROGRESS: PgLwLock<Board> = unsafe { PgLwLock::new(c"segments_progress") };

/// What is shown of the refreshes that run.
#[derive(Clone, Copy)]
struct Board([Progress; SLOTS]);

// SAFETY: it holds no pointers.
unsafe impl PGRXSharedMemory for Board {}

/// Set in the postmaster, whose memory every session starts with.
static IS_SHARED: AtomicBool = AtomicBool::new(false);

/// Asks for the memory; to be called when the library is loaded.
#[allow(unexpected_cfgs, reason = "the macro asks for features of pgrx's own")]
pub fn init() {
    // SAFETY: reads a variable of the postmaster.
    if !unsafe { pg_sys::process_shared_preload_libraries_in_progress } {
        return;
    }
    pg_shmem_init!(PROGRESS = Board([Progress::NONE; SLOTS]));
    IS_SHARED.store(true, Ordering::Relaxed);
}

/// What is shown of the refreshes that run; `None` where the library is not preloaded.
pub fn progress() -> Option<[Progress; SLOTS]> {
    IS_SHARED.load(Ordering::Relaxed).then(|| PROGRESS.share().0)
}

/// Changes what is shown; does nothing where the library is not preloaded. `change` may not raise.
pub fn change_progress<T>(change: impl FnOnce(&mut [Progress; SLOTS]) -> T) -> Option<T> {
    IS_SHARED.load(Ordering::Relaxed).then(|| change(&mut PROGRESS.exclusive().0))
}

/// Whether a process is a backend of this server that has not ended.
pub fn is_running(process: i32) -> bool {
    // SAFETY: looks for the process among those that the server has; takes any number.
    unsafe { !pg_sys::BackendPidGetProc(process).is_null() }
}

/// The process and the database of this session.
pub fn session() -> (i32, u32) {
    // SAFETY: reads variables of the backend.
    unsafe { (pg_sys::MyProcPid, pg_sys::MyDatabaseId.to_u32()) }
}
