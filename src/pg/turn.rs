//! Turns: advisory locks that only the extension can take.

use pgrx::pg_sys;

/// Distinguishes turns from other advisory locks. `pg_locks.classid` shows it.
const CLASS: u32 = 1936025453;

/// `pg_locks.objsubid` shows it. SQL functions take advisory locks with 1 (one key) or 2 (two keys) there, so a user
/// cannot hold a turn by calling them.
const KIND: u16 = 3;

/// Takes the turn of that number until the transaction ends. Waits while another transaction of this database has it.
pub fn take(number: i32) {
    let tag = pg_sys::LOCKTAG {
        // SAFETY: reads a variable of the backend.
        locktag_field1: unsafe { pg_sys::MyDatabaseId }.into(),
        locktag_field2: CLASS,
        locktag_field3: number.cast_unsigned(),
        locktag_field4: KIND,
        locktag_type: pg_sys::LockTagType::LOCKTAG_ADVISORY as u8,
        locktag_lockmethodid: pg_sys::USER_LOCKMETHOD as u8,
    };
    // SAFETY: Postgres copies the tag, accepts any numbers in it, and releases the lock when the transaction ends.
    unsafe { pg_sys::LockAcquire(&raw const tag, pg_sys::ExclusiveLock as pg_sys::LOCKMODE, false, false) };
}
