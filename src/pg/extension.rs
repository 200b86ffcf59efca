//! The extension itself, as an object of the database.

use pgrx::pg_sys;

/// Keeps the extension from being dropped until the transaction ends. Returns whether it exists.
///
/// DROP EXTENSION locks the extension first and then, in an order of its own, its tables. A process that takes this lock
/// before it locks any of them cannot run into a deadlock with it.
pub fn lock() -> bool {
    // SAFETY: the name is NUL-terminated, and a missing extension is allowed.
    let find = || unsafe { pg_sys::get_extension_oid(c"segments".as_ptr(), true) };
    let found = find();
    if found == pg_sys::InvalidOid {
        return false;
    }
    // SAFETY: accepts any numbers.
    unsafe { pg_sys::LockDatabaseObject(pg_sys::ExtensionRelationId, found, 0, pg_sys::AccessShareLock as i32) };
    // While this process waited, the extension may have been dropped and created again.
    found == find()
}
