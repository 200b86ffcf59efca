//! Background processes: starting them, connecting them to a database, waiting, and running each piece of work in a
//! transaction of its own.

use crate::pg::error::internal;
use pgrx::PgTryBuilder;
use pgrx::pg_sys::panic::CaughtError;
use pgrx::pg_sys::{self, Datum, Oid};
use std::ffi::{CStr, CString, c_char};
use std::panic::AssertUnwindSafe;
use std::time::{Duration, Instant};

/// Asks the postmaster to start the launcher whenever the server accepts writes. Call it while libraries are preloaded.
pub fn register_launcher() {
    let mut launcher = describe("segments launcher", "segments_launcher_main", Datum::from(0));
    launcher.bgw_restart_time = 5;
    // SAFETY: Postgres copies the description. Outside of the postmaster the call does nothing.
    unsafe { pg_sys::RegisterBackgroundWorker(&raw mut launcher) };
}

fn describe(name: &str, function: &str, argument: Datum) -> pg_sys::BackgroundWorker {
    let mut worker = pg_sys::BackgroundWorker {
        bgw_flags: (pg_sys::BGWORKER_SHMEM_ACCESS | pg_sys::BGWORKER_BACKEND_DATABASE_CONNECTION) as i32,
        bgw_start_time: pg_sys::BgWorkerStartTime::BgWorkerStart_RecoveryFinished,
        bgw_restart_time: pg_sys::BGW_NEVER_RESTART,
        bgw_main_arg: argument,
        ..Default::default()
    };
    fill(&mut worker.bgw_name, name);
    fill(&mut worker.bgw_type, name);
    fill(&mut worker.bgw_library_name, "segments");
    fill(&mut worker.bgw_function_name, function);
    worker
}

/// Fills in a text, cut so that a NUL is left at the end of the array, which is all zero.
fn fill(target: &mut [c_char], text: &str) {
    let room = target.len() - 1;
    target[..room].iter_mut().zip(text.bytes()).for_each(|(target, byte)| *target = byte as c_char);
}

/// A worker that this process has started.
pub struct Worker(*mut pg_sys::BackgroundWorkerHandle);

impl Worker {
    /// Starts a worker and gives it the number of its place. `None` where the server has no room for another process
    /// (`max_worker_processes`).
    pub fn start(place: usize) -> Option<Self> {
        let mut worker = describe("segments worker", "segments_worker_main", Datum::from(place));
        let mut handle = std::ptr::null_mut();
        // SAFETY: Postgres copies the description. The handle is allocated in the current memory context, so a context
        // that lives as long as the process is made current.
        let is_registered = unsafe {
            worker.bgw_notify_pid = pg_sys::MyProcPid;
            let before = pg_sys::MemoryContextSwitchTo(pg_sys::TopMemoryContext);
            let is_registered = pg_sys::RegisterDynamicBackgroundWorker(&raw mut worker, &raw mut handle);
            pg_sys::MemoryContextSwitchTo(before);
            is_registered
        };
        is_registered.then_some(Worker(handle))
    }

    /// Whether it has ended.
    pub fn has_ended(&self) -> bool {
        let mut pid = 0;
        // SAFETY: Postgres made the handle for this process.
        let status = unsafe { pg_sys::GetBackgroundWorkerPid(self.0, &raw mut pid) };
        status == pg_sys::BgwHandleStatus::BGWH_STOPPED
    }

    /// Ends the worker, whatever it is doing.
    pub fn terminate(&self) {
        // SAFETY: as above.
        unsafe { pg_sys::TerminateBackgroundWorker(self.0) };
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        // SAFETY: nothing else has the handle.
        unsafe { pg_sys::pfree(self.0.cast()) };
    }
}

// Postgres's own signal handlers, declared here because pgrx wraps them in guards that must not run in a signal
// handler.
unsafe extern "C-unwind" {
    fn die(signal: i32, #[cfg(feature = "pg19")] info: *const pg_sys::pg_signal_info);
    fn SignalHandlerForConfigReload(signal: i32, #[cfg(feature = "pg19")] info: *const pg_sys::pg_signal_info);
}

/// Connects this background process to a database, with the rights of a superuser. With `None` it can use shared memory
/// and shared catalogs only.
pub fn connect(database: Option<Oid>) {
    #[cfg(not(any(feature = "pg18", feature = "pg19")))]
    use pg_sys::pqsignal;
    #[cfg(any(feature = "pg18", feature = "pg19"))]
    use pg_sys::pqsignal_be as pqsignal;
    // SAFETY: this is a background process, which can connect once: a second time Postgres raises. The handlers are
    // Postgres's own.
    unsafe {
        if pg_sys::MyBgworkerEntry.is_null() {
            internal("only a background process connects by itself").raise()
        }
        pqsignal(pg_sys::SIGHUP as i32, Some(SignalHandlerForConfigReload));
        pqsignal(pg_sys::SIGTERM as i32, Some(die));
        pg_sys::BackgroundWorkerUnblockSignals();
        pg_sys::BackgroundWorkerInitializeConnectionByOid(
            database.unwrap_or(pg_sys::InvalidOid),
            pg_sys::InvalidOid,
            0,
        );
    }
    if database.is_some() {
        // ALTER DATABASE and ALTER ROLE may set these for the sessions of users; a worker must not depend on it.
        // SAFETY: sets variables of the backend.
        unsafe { pg_sys::SetSessionAuthorization(pg_sys::GetAuthenticatedUserId(), true) }
        for (name, value) in [
            (c"role", c"none"),
            (c"search_path", c"pg_catalog, pg_temp"),
            (c"default_transaction_isolation", c"read committed"),
            (c"default_transaction_read_only", c"off"),
            (c"statement_timeout", c"0"),
            #[cfg(any(feature = "pg17", feature = "pg18", feature = "pg19"))]
            (c"transaction_timeout", c"0"),
            (c"idle_in_transaction_session_timeout", c"0"),
            // A long lock on the table of one audience must not keep other audiences from being counted.
            (c"lock_timeout", c"10s"),
        ] {
            set(name, value, pg_sys::GucSource::PGC_S_OVERRIDE);
        }
    }
}

/// Sets the default of a setting; the configuration file and other explicit values override it.
pub fn set_default(name: &CStr, value: &CStr) {
    set(name, value, pg_sys::GucSource::PGC_S_DYNAMIC_DEFAULT);
}

fn set(name: &CStr, value: &CStr, source: pg_sys::GucSource::Type) {
    // SAFETY: both are NUL-terminated; the setting lasts as long as the process.
    unsafe {
        let (context, action) = (pg_sys::GucContext::PGC_SUSET, pg_sys::GucAction::GUC_ACTION_SET);
        pg_sys::set_config_option(name.as_ptr(), value.as_ptr(), context, source, action, true, 0, false);
    }
}

/// Why a wait has ended.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Waited {
    /// The time has passed
    Long,
    /// Another process has set the latch
    Woken,
    /// The configuration was reloaded
    Reloaded,
}

/// Waits at most for that long. Does not return if the server or an administrator ends the process.
pub fn wait(time: Duration) -> Waited {
    // SAFETY: waits for the latch of this process, and reads and sets variables of the process, as background processes
    // of Postgres do (src/backend/replication/logical/launcher.c).
    let events = unsafe {
        pg_sys::pgstat_report_activity(pg_sys::BackendState::STATE_IDLE, std::ptr::null());
        let events = pg_sys::WL_LATCH_SET | pg_sys::WL_TIMEOUT | pg_sys::WL_EXIT_ON_PM_DEATH;
        let milliseconds = time.as_millis().max(1) as std::ffi::c_long;
        let events = pg_sys::WaitLatch(pg_sys::MyLatch, events as i32, milliseconds, pg_sys::PG_WAIT_EXTENSION);
        pg_sys::ResetLatch(pg_sys::MyLatch);
        if pg_sys::ProcDiePending != 0 {
            // The process ends as intended, so it does not log the error that an interrupt would raise.
            pg_sys::proc_exit(1);
        }
        events
    };
    pgrx::check_for_interrupts!();
    // SAFETY: as above.
    unsafe {
        if pg_sys::ConfigReloadPending != 0 {
            pg_sys::ConfigReloadPending = 0;
            pg_sys::ProcessConfigFile(pg_sys::GucContext::PGC_SIGHUP);
            return Waited::Reloaded;
        }
    }
    if events as u32 & pg_sys::WL_LATCH_SET != 0 { Waited::Woken } else { Waited::Long }
}

/// Pauses for that long in the middle of work. Raises if the work is cancelled.
pub fn pause(time: Duration) {
    let until = Instant::now() + time;
    loop {
        let left = until.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return;
        }
        // SAFETY: as above. Resetting the latch is harmless, because others who wait for it check their condition again
        // before they wait.
        unsafe {
            let events = pg_sys::WL_LATCH_SET | pg_sys::WL_TIMEOUT | pg_sys::WL_EXIT_ON_PM_DEATH;
            let milliseconds = left.as_millis().max(1) as std::ffi::c_long;
            pg_sys::WaitLatch(pg_sys::MyLatch, events as i32, milliseconds, pg_sys::PG_WAIT_EXTENSION);
            pg_sys::ResetLatch(pg_sys::MyLatch);
        }
        pgrx::check_for_interrupts!();
    }
}

/// Runs `work` in a transaction of its own, and shows `what` in `pg_stat_activity` meanwhile.
///
/// # Errors
/// `work` or the commit raised, and everything was rolled back. The message is in the server's log, too.
pub fn transaction<T>(what: &str, work: impl FnOnce() -> T) -> Result<T, String> {
    let shown = CString::new(format!("segments: {what}")).unwrap_or_default();
    // SAFETY: as background processes of Postgres do it (src/test/modules/worker_spi/worker_spi.c): no transaction is
    // under way, and whatever way `work` ends, the one that is begun is committed or rolled back.
    unsafe {
        if pg_sys::IsTransactionState() {
            internal("a transaction of its own was begun within another one").raise()
        }
        pg_sys::pgstat_report_activity(pg_sys::BackendState::STATE_RUNNING, shown.as_ptr());
        pg_sys::SetCurrentStatementStartTimestamp();
        let result = PgTryBuilder::new(AssertUnwindSafe(|| {
            pg_sys::StartTransactionCommand();
            pg_sys::PushActiveSnapshot(pg_sys::GetTransactionSnapshot());
            let value = work();
            pg_sys::PopActiveSnapshot();
            pg_sys::CommitTransactionCommand();
            Ok(value)
        }))
        .catch_others(|error| {
            pg_sys::AbortCurrentTransaction();
            let (CaughtError::PostgresError(report)
            | CaughtError::ErrorReport(report)
            | CaughtError::RustPanic { ereport: report, .. }) = &error;
            Err(report.message().to_owned())
        })
        .execute();
        pg_sys::pgstat_report_stat(true);
        if let Err(message) = &result {
            pgrx::log!("segments: {what} failed: {message}");
        }
        result
    }
}

/// A database.
pub struct Database {
    pub oid: Oid,
    pub name: String,
}

/// The databases that accept connections and are no templates. A process that is connected to no database can call it.
///
/// # Errors
/// The databases could not be read. The message is in the server's log, too.
pub fn databases() -> Result<Vec<Database>, String> {
    // SAFETY: pg_database can be read without being connected to any database, as autovacuum's launcher does
    // (src/backend/postmaster/autovacuum.c, get_database_list). Names are copied before the scan ends.
    let read = || unsafe {
        let mut databases = Vec::new();
        let lock = pg_sys::AccessShareLock as pg_sys::LOCKMODE;
        let relation = pg_sys::table_open(pg_sys::DatabaseRelationId, lock);
        let scan = pg_sys::table_beginscan_catalog(relation, 0, std::ptr::null_mut());
        loop {
            let tuple = pg_sys::heap_getnext(scan, pg_sys::ScanDirection::ForwardScanDirection);
            if tuple.is_null() {
                break;
            }
            let row = &*pg_sys::GETSTRUCT(tuple).cast::<pg_sys::FormData_pg_database>();
            // An interrupted DROP DATABASE leaves a limit below -1 behind.
            if row.datallowconn && !row.datistemplate && row.datconnlimit >= -1 {
                let name = CStr::from_ptr(row.datname.data.as_ptr()).to_string_lossy().into_owned();
                databases.push(Database { oid: row.oid, name });
            }
        }
        pg_sys::table_endscan(scan);
        pg_sys::table_close(relation, lock);
        databases
    };
    transaction("looking for databases", read)
}

/// Whether another session is about to drop, rename, move or copy a database. Each of these commands waits for all
/// connections to the database to end.
pub fn is_in_demand(database: Oid) -> bool {
    let tag = pg_sys::LOCKTAG {
        locktag_field1: 0,
        locktag_field2: pg_sys::DatabaseRelationId.into(),
        locktag_field3: database.into(),
        locktag_field4: 0,
        locktag_type: pg_sys::LockTagType::LOCKTAG_OBJECT as u8,
        locktag_lockmethodid: pg_sys::DEFAULT_LOCKMETHOD as u8,
    };
    let mode = pg_sys::RowExclusiveLock as pg_sys::LOCKMODE;
    // SAFETY: these commands hold a lock that conflicts with the one that sessions take while they connect. That one is
    // tried here, without waiting, and released at once.
    unsafe {
        let got = pg_sys::LockAcquire(&raw const tag, mode, true, true);
        let is_free = got != pg_sys::LockAcquireResult::LOCKACQUIRE_NOT_AVAIL;
        if is_free {
            pg_sys::LockRelease(&raw const tag, mode, true);
        }
        !is_free
    }
}

/// Sets the latch of a process of this server, if the process still exists.
pub fn wake(process: i32) {
    // SAFETY: Postgres looks the process up among those of the server. If it ends meanwhile, its latch may belong to
    // another process, which wakes in vain.
    unsafe {
        let found = pg_sys::BackendPidGetProc(process);
        if !found.is_null() {
            pg_sys::SetLatch(&raw mut (*found).procLatch);
        }
    }
}
