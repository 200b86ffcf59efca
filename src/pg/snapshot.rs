//! Which state of the database queries see.
//!
//! A statement's own snapshot is older than the locks that it had to wait for, and a REPEATABLE READ transaction's is
//! older than its first statement. What is counted after a lock has to be read in a newer one.

use crate::pg::error::internal;
use pgrx::pg_sys;
use std::cell::Cell;

thread_local! {
    /// How many snapshots of the extension's choosing are active, one inside the other.
    static CHOSEN: Cell<usize> = const { Cell::new(0) };
}

/// The number of a command in its transaction: what it changes is seen by the commands after it.
pub type Command = pg_sys::CommandId;

/// Runs `work` in which queries see everything committed by now, at any isolation level, and what this transaction has
/// done up to now.
pub fn latest<T>(work: impl FnOnce() -> T) -> T {
    // SAFETY: makes this transaction's last command visible; not called in parallel workers, which cannot write.
    unsafe { pg_sys::CommandCounterIncrement() };
    let _active = Active::push();
    work()
}

/// As [`latest`], but of this transaction's own doing only what was done before the command.
pub fn latest_before<T>(command: Command, work: impl FnOnce() -> T) -> T {
    let _active = Active::push();
    // SAFETY: the active snapshot is the copy that PushActiveSnapshot made and nobody else holds, as
    // UpdateActiveSnapshotCommandId requires, which sets the same field.
    unsafe { (*pg_sys::GetActiveSnapshot()).curcid = command };
    work()
}

/// Runs `work` in which queries see what the calling statement sees, even where the transaction has written since.
pub fn of_statement<T>(work: impl FnOnce() -> T) -> T {
    let _chosen = Chosen::choose();
    work()
}

/// What tells the active snapshot from others of this transaction: any two that are equal see the same.
pub fn identity() -> [u32; 5] {
    // SAFETY: the snapshot is active, and is read before anything could end it.
    let snapshot = unsafe { &*active() };
    // Among those with the same bounds, transactions can only have gone from the list of those in progress.
    [u32::from(snapshot.xmin), u32::from(snapshot.xmax), snapshot.xcnt, snapshot.subxcnt as u32, snapshot.curcid]
}

/// The command whose statement is being executed: what triggers fire for.
pub fn current_command() -> Command {
    // SAFETY: the snapshot is active, and is read before anything could end it.
    unsafe { (*active()).curcid }
}

/// The active snapshot; while a statement is executed there is one.
fn active() -> pg_sys::Snapshot {
    // SAFETY: the second is called only where there is an active snapshot.
    unsafe {
        if !pg_sys::ActiveSnapshotSet() {
            internal("no snapshot is active").raise()
        }
        pg_sys::GetActiveSnapshot()
    }
}

/// The command after all that has been done.
pub fn next_command() -> Command {
    // SAFETY: as in `latest`; the number is not used up by asking for it.
    unsafe {
        pg_sys::CommandCounterIncrement();
        pg_sys::GetCurrentCommandId(false)
    }
}

/// The number of the transaction in this session, whether it has written or not.
pub fn local_transaction() -> u32 {
    // SAFETY: inside a transaction the process has its entry, whose own fields it alone writes.
    #[cfg(any(feature = "pg15", feature = "pg16"))]
    let number = unsafe { (*pg_sys::MyProc).lxid };
    // SAFETY: as above.
    #[cfg(not(any(feature = "pg15", feature = "pg16")))]
    let number = unsafe { (*pg_sys::MyProc).vxid.lxid };
    number
}

/// The subtransaction that is under way.
pub fn subtransaction() -> u32 {
    // SAFETY: reads a variable of the backend.
    unsafe { pg_sys::GetCurrentSubTransactionId() }
}

/// Whether a subtransaction of this transaction is under way, be it around others.
pub fn is_subtransaction_active(subtransaction: u32) -> bool {
    // SAFETY: takes any number and only answers.
    unsafe { pg_sys::SubTransactionIsActive(subtransaction) }
}

/// The number of the transaction, which has written.
pub fn transaction() -> u32 {
    // SAFETY: reads a variable of the backend.
    unsafe { pg_sys::GetTopTransactionIdIfAny() }.into()
}

/// The number that the next transaction will get: that of each one under way is lower.
pub fn next_transaction() -> u64 {
    // SAFETY: reads a counter under its lock.
    unsafe { pg_sys::ReadNextFullTransactionId() }.value
}

/// Whether the active snapshot is of the extension's choosing.
pub fn is_chosen() -> bool {
    CHOSEN.get() > 0
}

/// Whether the transaction reads in one snapshot from its first statement to its last.
pub fn is_kept_for_transaction() -> bool {
    // SAFETY: reads a variable of the backend; IsolationUsesXactSnapshot() in access/xact.h.
    unsafe { pg_sys::XactIsoLevel >= pg_sys::XACT_REPEATABLE_READ as i32 }
}

/// Whether the transaction has written anything.
pub fn has_written() -> bool {
    // SAFETY: reads a variable of the backend.
    unsafe { pg_sys::GetCurrentTransactionIdIfAny() != pg_sys::InvalidTransactionId }
}

/// Says that the transaction writes, so that what it reads from now on is what it has written.
///
/// Raises 25006 in a read-only transaction, as all are on a standby.
pub fn will_write() {
    must_be_writable();
    // SAFETY: assigns the transaction's id.
    unsafe { pg_sys::GetCurrentTransactionId() };
}

/// Raises 25006 in a read-only transaction.
pub fn must_be_writable() {
    // SAFETY: the name is a constant that ends in NUL.
    unsafe { pg_sys::PreventCommandIfReadOnly(c"a function that writes".as_ptr()) };
}

/// The latest snapshot, active until dropped. Where an error unwinds, Postgres drops it itself.
struct Active {
    _chosen: Chosen,
}

/// That the active snapshot is of the extension's choosing, until dropped.
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
        // SAFETY: PushActiveSnapshot copies what GetLatestSnapshot returns; Drop pops it.
        unsafe { pg_sys::PushActiveSnapshot(pg_sys::GetLatestSnapshot()) };
        Active { _chosen: Chosen::choose() }
    }
}

impl Drop for Active {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            // SAFETY: what was pushed after it has been popped, in reverse order.
            unsafe { pg_sys::PopActiveSnapshot() };
        }
    }
}
