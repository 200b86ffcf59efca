//! A lock that only the extension takes.

use pgrx::pg_sys;

/// Tells the extension's locks from others of their kind; shown in `pg_locks.classid`.
const CLASS: u32 = 1936025453;

/// Shown in `pg_locks.objsubid`. SQL takes advisory locks with 1 (one key) and 2 (two keys) alone, so nobody who
/// can merely connect holds one of these.
const KIND: u16 = 3;

/// Waits until no other transaction of this database has the turn of that number, and has it until this one ends.
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
    // SAFETY: Postgres copies the tag, any numbers of which name a lock of their own, and lets the lock go with the
    // transaction.
    unsafe { pg_sys::LockAcquire(&raw const tag, pg_sys::ExclusiveLock as pg_sys::LOCKMODE, false, false) };
}
