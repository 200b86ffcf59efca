//! Snapshots: the state of the database that queries see.
//!
//! The snapshot of a statement is older than the locks that the statement has waited for. The snapshot of a REPEATABLE
//! READ transaction is as old as its first statement. So counting after a lock needs a newer snapshot.

use crate::pg::error::{Failure, internal};
use pgrx::{PgSqlErrorCode, pg_sys};
use std::cell::Cell;

thread_local! {
    /// How many snapshots of the extension's choice are active, one inside the other.
    static CHOSEN: Cell<usize> = const { Cell::new(0) };
}

/// The number of a command in its transaction. Later commands see what it changes.
pub type Command = pg_sys::CommandId;

/// Runs `work` with a snapshot in which queries see everything that is committed by now, at any isolation level, and
/// everything that this transaction has done so far. In a query that runs in parallel, it is the snapshot of the query,
/// because Postgres allows no other one.
pub fn latest<T>(work: impl FnOnce() -> T) -> T {
    if is_fixed() {
        return of_statement(work);
    }
    // SAFETY: makes the last command of this transaction visible. Raises in a parallel worker.
    unsafe { pg_sys::CommandCounterIncrement() };
    let _active = Active::push();
    work()
}

/// Runs `work` with the active snapshot as of a command: of this transaction's own changes, queries see only those before it.
pub fn as_of<T>(command: Command, work: impl FnOnce() -> T) -> T {
    // SAFETY: the active snapshot is now a copy to which nothing else refers, as UpdateActiveSnapshotCommandId asks, which
    // sets the same field. Drop pops it.
    unsafe {
        pg_sys::PushCopiedSnapshot(active());
        (*pg_sys::GetActiveSnapshot()).curcid = command;
    }
    let _active = Active { _chosen: Chosen::choose() };
    work()
}

/// Runs `work` with the snapshot of the calling statement, even if the transaction has written since.
pub fn of_statement<T>(work: impl FnOnce() -> T) -> T {
    let _chosen = Chosen::choose();
    work()
}

/// Whether a query runs in parallel, so that Postgres allows no other snapshot than that of the query.
pub fn is_fixed() -> bool {
    // SAFETY: reads a variable of the backend.
    unsafe { pg_sys::IsInParallelMode() }
}

/// The time now, in microseconds since 2000.
pub fn clock() -> i64 {
    // SAFETY: reads the clock.
    unsafe { pg_sys::GetCurrentTimestamp() }
}

/// Whether the transaction is SERIALIZABLE.
pub fn is_serializable() -> bool {
    // SAFETY: reads a variable of the backend.
    unsafe { pg_sys::XactIsoLevel == pg_sys::XACT_SERIALIZABLE as i32 }
}

/// Whether VACUUM may remove rows that a snapshot sees, which Postgres 15 and 16 can be set to.
pub fn may_become_too_old() -> bool {
    #[cfg(any(feature = "pg15", feature = "pg16"))]
    // SAFETY: reads a variable of the server.
    return unsafe { pg_sys::old_snapshot_threshold >= 0 };
    #[cfg(not(any(feature = "pg15", feature = "pg16")))]
    false
}

/// Whether there is an active snapshot. There is one while a statement is executed, and mostly while one is planned.
pub fn is_active() -> bool {
    // SAFETY: reads a variable of the backend.
    unsafe { pg_sys::ActiveSnapshotSet() }
}

/// Numbers that identify the active snapshot within this transaction. Two snapshots with equal numbers see the same.
pub fn identity() -> [u32; 5] {
    // SAFETY: the snapshot is active, and is read before anything could end it.
    let snapshot = unsafe { &*active() };
    // Among snapshots with the same bounds, the list of transactions in progress only shrinks, so its length identifies
    // it.
    [u32::from(snapshot.xmin), u32::from(snapshot.xmax), snapshot.xcnt, snapshot.subxcnt as u32, snapshot.curcid]
}

/// The command whose statement is being executed, for which triggers fire.
pub fn current_command() -> Command {
    // SAFETY: the snapshot is active, and is read before anything could end it.
    unsafe { (*active()).curcid }
}

/// The active snapshot. There is one while a statement is executed; otherwise this raises.
pub(super) fn active() -> pg_sys::Snapshot {
    // SAFETY: the second is called only where there is an active snapshot.
    unsafe {
        if !pg_sys::ActiveSnapshotSet() {
            internal("no snapshot is active").raise()
        }
        pg_sys::GetActiveSnapshot()
    }
}

/// The number of the latest command of this transaction. It grows with each command after one that has written.
pub fn latest_command() -> Command {
    // SAFETY: asking for the number does not use it up.
    unsafe { pg_sys::GetCurrentCommandId(false) }
}

/// The number of the next command, which sees everything done so far.
pub fn next_command() -> Command {
    // SAFETY: as in `latest`. Asking for the number does not use it up.
    unsafe {
        pg_sys::CommandCounterIncrement();
        pg_sys::GetCurrentCommandId(false)
    }
}

/// The number of the transaction in this session. Unlike its id, it exists before the transaction writes.
pub fn local_transaction() -> u32 {
    // SAFETY: inside a transaction MyProc is set. Only this process writes the field.
    #[cfg(any(feature = "pg15", feature = "pg16"))]
    let number = unsafe { (*pg_sys::MyProc).lxid };
    // SAFETY: as above.
    #[cfg(not(any(feature = "pg15", feature = "pg16")))]
    let number = unsafe { (*pg_sys::MyProc).vxid.lxid };
    number
}

/// The id of the current subtransaction.
pub fn subtransaction() -> u32 {
    // SAFETY: reads a variable of the backend.
    unsafe { pg_sys::GetCurrentSubTransactionId() }
}

/// Whether a subtransaction is the current one or encloses it.
pub fn is_subtransaction_active(subtransaction: u32) -> bool {
    // SAFETY: accepts any number and changes nothing.
    unsafe { pg_sys::SubTransactionIsActive(subtransaction) }
}

/// The id of this transaction; 0 if it has not written.
pub fn transaction() -> u32 {
    // SAFETY: reads a variable of the backend.
    unsafe { pg_sys::GetTopTransactionIdIfAny() }.into()
}

/// The id that the next transaction will get. Every transaction under way has a lower one.
pub fn next_transaction() -> u64 {
    // SAFETY: reads a counter under its lock.
    unsafe { pg_sys::ReadNextFullTransactionId() }.value
}

/// Whether the active snapshot is one that this module made active.
pub fn is_chosen() -> bool {
    CHOSEN.get() > 0
}

/// Whether all statements of the transaction read in the same snapshot: REPEATABLE READ and SERIALIZABLE.
pub fn is_kept_for_transaction() -> bool {
    // SAFETY: reads a variable of the backend, like IsolationUsesXactSnapshot() in access/xact.h.
    unsafe { pg_sys::XactIsoLevel >= pg_sys::XACT_REPEATABLE_READ as i32 }
}

/// Whether the transaction has written, or is about to.
pub fn has_written() -> bool {
    // SAFETY: reads a variable of the backend.
    unsafe { pg_sys::GetCurrentTransactionIdIfAny() != pg_sys::InvalidTransactionId }
}

/// Says that the transaction writes, so that its queries see its own changes from now on.
///
/// Raises 25006 in a read-only transaction. On a standby all transactions are read-only.
pub fn will_write() {
    must_be_writable("a function that writes", "");
    // SAFETY: assigns an id to the transaction.
    unsafe { pg_sys::GetCurrentTransactionId() };
}

/// Raises 25006 in a read-only transaction; `what` cannot be executed there. `instead` is a sentence that says what can.
pub fn must_be_writable(what: &str, instead: &str) {
    // SAFETY: reads a variable of the backend.
    if unsafe { pg_sys::XactReadOnly } {
        let message = format!("cannot execute {what} in a read-only transaction");
        Failure::new(PgSqlErrorCode::ERRCODE_READ_ONLY_SQL_TRANSACTION, message)
            .detail("It writes to tables of the extension.")
            .hint(format!(
                "{instead}{}Begin the transaction with BEGIN READ WRITE. A standby allows no writing: connect to the primary.",
                if instead.is_empty() { "" } else { " " }
            ))
            .raise()
    }
}

/// A snapshot that is active until this is dropped. If an error unwinds, Postgres removes the snapshot.
struct Active {
    _chosen: Chosen,
}

/// Until this is dropped, the active snapshot counts as one of the extension's choice.
struct Chosen(());

impl Chosen {
    fn choose() -> Self {
        CHOSEN.set(CHOSEN.get() + 1);
        Chosen(())
    }
}

impl Drop for Chosen {
    fn drop(&mut self) {
        CHOSEN.set(CHOSEN.get() - 1);
    }
}

impl Active {
    fn push() -> Self {
        // SAFETY: PushActiveSnapshot copies the snapshot that GetLatestSnapshot returns. Drop pops it.
        unsafe { pg_sys::PushActiveSnapshot(pg_sys::GetLatestSnapshot()) };
        Active { _chosen: Chosen::choose() }
    }
}

impl Drop for Active {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            // SAFETY: snapshots that were pushed later have been popped, in reverse order.
            unsafe { pg_sys::PopActiveSnapshot() };
        }
    }
}
