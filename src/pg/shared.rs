//! Memory that all sessions share, where the library is preloaded.

use crate::shared::board::Board;
use crate::shared::progress::{Progress, SLOTS};
use pgrx::lwlock::PgLwLock;
use pgrx::shmem::PGRXSharedMemory;
use pgrx::{pg_guard, pg_shmem_init, pg_sys};
use std::sync::atomic::{AtomicBool, Ordering};

// SAFETY: no other library's lock is called so.
static PROGRESS: PgLwLock<Refreshes> = unsafe { PgLwLock::new(c"segments_progress") };

// SAFETY: no other library's lock is called so.
static BOARD: PgLwLock<Board> = unsafe { PgLwLock::new(c"segments_board") };

/// What is shown of the refreshes that run.
#[derive(Clone, Copy)]
struct Refreshes([Progress; SLOTS]);

// SAFETY: it holds no pointers.
unsafe impl PGRXSharedMemory for Refreshes {}

// SAFETY: it holds no pointers.
unsafe impl PGRXSharedMemory for Board {}

/// Set in the postmaster, whose memory every session starts with.
static IS_SHARED: AtomicBool = AtomicBool::new(false);

/// Asks for the memory; to be called when the library is loaded.
#[allow(unexpected_cfgs, reason = "the macro asks for features of pgrx's own")]
pub fn init() {
    if !is_preloading() {
        return;
    }
    pg_shmem_init!(PROGRESS = Refreshes([Progress::NONE; SLOTS]));
    pg_shmem_init!(BOARD = Board::NONE);
    IS_SHARED.store(true, Ordering::Relaxed);
}

/// Whether the postmaster is loading the library for all sessions.
pub fn is_preloading() -> bool {
    // SAFETY: reads a variable of the postmaster.
    unsafe { pg_sys::process_shared_preload_libraries_in_progress }
}

/// What is shown of the refreshes that run; `None` where the library is not preloaded.
pub fn progress() -> Option<[Progress; SLOTS]> {
    IS_SHARED.load(Ordering::Relaxed).then(|| PROGRESS.share().0)
}

/// Changes what is shown; does nothing where the library is not preloaded. `change` may not raise.
pub fn change_progress<T>(change: impl FnOnce(&mut [Progress; SLOTS]) -> T) -> Option<T> {
    IS_SHARED.load(Ordering::Relaxed).then(|| change(&mut PROGRESS.exclusive().0))
}

/// What launcher, workers and sessions tell each other; `None` where the library is not preloaded.
pub fn board() -> Option<Board> {
    IS_SHARED.load(Ordering::Relaxed).then(|| *BOARD.share())
}

/// Changes what is told; does nothing where the library is not preloaded. `change` may not raise.
pub fn change_board<T>(change: impl FnOnce(&mut Board) -> T) -> Option<T> {
    IS_SHARED.load(Ordering::Relaxed).then(|| change(&mut BOARD.exclusive()))
}

/// Whether a process is a backend of this server that has not ended.
pub fn is_running(process: i32) -> bool {
    // SAFETY: looks for the process among those that the server has; takes any number.
    unsafe { !pg_sys::BackendPidGetProc(process).is_null() }
}

/// A number that nobody can guess; 0 where there is none to be had.
pub fn secret() -> u64 {
    let mut bytes = [0; 8];
    // SAFETY: fills in that many bytes.
    let is_filled = unsafe { pg_sys::pg_strong_random(bytes.as_mut_ptr().cast(), bytes.len()) };
    if is_filled { u64::from_ne_bytes(bytes) } else { 0 }
}

/// The process and the database of this session.
pub fn session() -> (i32, u32) {
    // SAFETY: reads variables of the backend.
    unsafe { (pg_sys::MyProcPid, pg_sys::MyDatabaseId.to_u32()) }
}
