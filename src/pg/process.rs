//! This process and other processes of the server.

use pgrx::pg_sys;

/// Whether the postmaster is loading the library for all sessions.
pub fn is_preloading() -> bool {
    // SAFETY: reads a variable of the postmaster.
    unsafe { pg_sys::process_shared_preload_libraries_in_progress }
}

/// Whether a process is a running backend of this server.
pub fn is_running(process: i32) -> bool {
    // SAFETY: accepts any number and looks it up among the processes of the server.
    unsafe { !pg_sys::BackendPidGetProc(process).is_null() }
}

/// The setting `maintenance_work_mem`, in bytes.
pub fn maintenance_memory() -> usize {
    // SAFETY: reads a setting of the backend, which is in kilobytes and positive.
    unsafe { pg_sys::maintenance_work_mem as usize * 1024 }
}

/// A random number that nobody can guess; 0 if the system has no randomness to give.
pub fn secret() -> u64 {
    let mut bytes = [0; 8];
    // SAFETY: writes as many bytes as the array has.
    let is_filled = unsafe { pg_sys::pg_strong_random(bytes.as_mut_ptr().cast(), bytes.len()) };
    if is_filled { u64::from_ne_bytes(bytes) } else { 0 }
}

/// The process id and the database of this session.
pub fn session() -> (i32, u32) {
    // SAFETY: reads variables of the backend.
    unsafe { (pg_sys::MyProcPid, pg_sys::MyDatabaseId.to_u32()) }
}
