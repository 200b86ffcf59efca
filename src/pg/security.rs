//! Whose rights code runs with.

use pgrx::pg_sys;
use std::ffi::CStr;

/// Runs `work` with the rights of `role` and a fixed search_path, as a SECURITY DEFINER function of that role's would.
pub fn as_role<T>(role: pg_sys::Oid, work: impl FnOnce() -> T) -> T {
    let _identity = Identity::assume(role, pg_sys::SECURITY_LOCAL_USERID_CHANGE as i32);
    let _settings = Settings::fixed();
    work()
}

/// Runs `work` with the rights of `role` in a security-restricted operation with a fixed search_path, as REFRESH
/// MATERIALIZED VIEW does: functions of the role's that it calls cannot change the session.
pub fn as_role_restricted<T>(role: pg_sys::Oid, work: impl FnOnce() -> T) -> T {
    let context = pg_sys::SECURITY_LOCAL_USERID_CHANGE | pg_sys::SECURITY_RESTRICTED_OPERATION;
    let _identity = Identity::assume(role, context as i32);
    let _settings = Settings::fixed();
    work()
}

/// Runs `work` with the caller's rights, and settings on which what it reads does not depend.
pub fn with_fixed_settings<T>(work: impl FnOnce() -> T) -> T {
    let _settings = Settings::fixed();
    work()
}

/// Runs `work` with the caller's rights and search_path, and the settings on which it depends how values are written.
pub fn with_fixed_output<T>(work: impl FnOnce() -> T) -> T {
    let _settings = Settings::of_output();
    work()
}

/// Runs `work` with the caller's rights, and a search_path of `pg_catalog` alone. Where that is already in force, as for
/// whoever works [as a role](as_role), it costs nothing.
pub fn with_fixed_search_path<T>(work: impl FnOnce() -> T) -> T {
    let _settings = (!is_search_path_fixed()).then(Settings::search_path);
    work()
}

fn is_search_path_fixed() -> bool {
    // SAFETY: the setting is never NULL, and is NUL-terminated; nothing changes it while it is compared.
    unsafe { CStr::from_ptr(pg_sys::namespace_search_path) == SEARCH_PATH }
}

/// The search_path of what must not find anything that users have made. Without `pg_temp`, which comes last, temporary
/// tables would come first.
const SEARCH_PATH: &CStr = c"pg_catalog, pg_temp";

/// The role whose rights are in force.
pub fn current_role() -> pg_sys::Oid {
    // SAFETY: reads a variable of the backend.
    unsafe { pg_sys::GetUserId() }
}

/// Whether the current role is a superuser.
pub fn is_superuser() -> bool {
    // SAFETY: looks the role up, or knows it.
    unsafe { pg_sys::superuser() }
}

/// Whether the current role has the rights of `role`: is it, inherits from it, or is a superuser.
pub fn has_rights_of(role: pg_sys::Oid) -> bool {
    // SAFETY: takes any OIDs and only answers.
    unsafe { pg_sys::has_privs_of_role(current_role(), role) }
}

/// Whether row-level security applies to the current role on a table.
pub fn row_security_applies(relation: pg_sys::Oid) -> bool {
    // SAFETY: takes any OID; with noError it only answers.
    let answer = unsafe { pg_sys::check_enable_rls(relation, pg_sys::InvalidOid, true) };
    answer == pg_sys::CheckEnableRlsResult::RLS_ENABLED as i32
}

/// The identity to go back to; given back on drop, also while an error unwinds.
struct Identity {
    role: pg_sys::Oid,
    context: i32,
}

impl Identity {
    fn assume(role: pg_sys::Oid, added: i32) -> Self {
        let mut before = Identity { role: pg_sys::InvalidOid, context: 0 };
        // SAFETY: reads and sets globals of the backend; Drop sets them back.
        unsafe {
            pg_sys::GetUserIdAndSecContext(&raw mut before.role, &raw mut before.context);
            pg_sys::SetUserIdAndSecContext(role, before.context | added);
        }
        before
    }
}

impl Drop for Identity {
    fn drop(&mut self) {
        // SAFETY: these are the values that were in force.
        unsafe { pg_sys::SetUserIdAndSecContext(self.role, self.context) }
    }
}

/// A nest level of settings; undone on drop, also while an error unwinds.
struct Settings(i32);

impl Settings {
    fn fixed() -> Self {
        let settings = Settings::of_output();
        set(c"search_path", SEARCH_PATH);
        // What else a session can set that changes what the extension's queries mean.
        set(c"row_security", c"on");
        set(c"array_nulls", c"on");
        set(c"quote_all_identifiers", c"off");
        settings
    }

    fn search_path() -> Self {
        let settings = Settings::open();
        set(c"search_path", SEARCH_PATH);
        settings
    }

    fn of_output() -> Self {
        let settings = Settings::open();
        set(c"extra_float_digits", c"1");
        set(c"IntervalStyle", c"iso_8601");
        set(c"bytea_output", c"hex");
        settings
    }

    fn open() -> Self {
        // SAFETY: opens a nest level, which Drop closes.
        Settings(unsafe { pg_sys::NewGUCNestLevel() })
    }
}

impl Drop for Settings {
    fn drop(&mut self) {
        // SAFETY: closes the level that `open` opened; inner ones were closed before, in reverse order.
        unsafe { pg_sys::AtEOXact_GUC(false, self.0) }
    }
}

fn set(name: &CStr, value: &CStr) {
    // SAFETY: both are NUL-terminated; the setting lasts until the nest level ends.
    unsafe {
        pg_sys::set_config_option(
            name.as_ptr(),
            value.as_ptr(),
            pg_sys::GucContext::PGC_USERSET,
            pg_sys::GucSource::PGC_S_SESSION,
            pg_sys::GucAction::GUC_ACTION_SAVE,
            true,
            0,
            false,
        );
    }
}
