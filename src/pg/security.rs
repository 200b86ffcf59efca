//! Running code with the rights of another role, and with fixed settings.

use pgrx::pg_sys;
use std::ffi::CStr;

/// Runs `work` with the rights of `role` and fixed settings, like a SECURITY DEFINER function of that role.
pub fn as_role<T>(role: pg_sys::Oid, work: impl FnOnce() -> T) -> T {
    let _identity = Identity::assume(role, pg_sys::SECURITY_LOCAL_USERID_CHANGE as i32);
    let _settings = Settings::fixed();
    work()
}

/// Runs `work` with the rights of `role` and fixed settings in a security-restricted operation, as REFRESH MATERIALIZED
/// VIEW does. Functions of the role that `work` calls cannot change the session.
pub fn as_role_restricted<T>(role: pg_sys::Oid, work: impl FnOnce() -> T) -> T {
    let context = pg_sys::SECURITY_LOCAL_USERID_CHANGE | pg_sys::SECURITY_RESTRICTED_OPERATION;
    let _identity = Identity::assume(role, context as i32);
    let _settings = Settings::fixed();
    work()
}

/// Runs `work` with the caller's rights and fixed settings, so that queries mean the same in every session.
pub fn with_fixed_settings<T>(work: impl FnOnce() -> T) -> T {
    let _settings = Settings::fixed();
    work()
}

/// Runs `work` with the caller's rights and search_path. The settings for the output of values are fixed, so that a
/// value has the same text in every session.
pub fn with_fixed_output<T>(work: impl FnOnce() -> T) -> T {
    let _settings = Settings::of_output();
    work()
}

/// Runs `work` with the caller's rights and a search_path of `pg_catalog` alone. It costs nothing if that search_path
/// is set already, as in [`as_role`].
pub fn with_fixed_search_path<T>(work: impl FnOnce() -> T) -> T {
    let _settings = (!is_search_path_fixed()).then(Settings::search_path);
    work()
}

fn is_search_path_fixed() -> bool {
    // SAFETY: the setting is never null and is NUL-terminated. Nothing changes it during the comparison.
    unsafe { CStr::from_ptr(pg_sys::namespace_search_path) == SEARCH_PATH }
}

/// A search_path in which no object of a user is found. If `pg_temp` were not listed at the end, Postgres would search
/// temporary tables first.
const SEARCH_PATH: &CStr = c"pg_catalog, pg_temp";

/// The role whose rights are in force.
pub fn current_role() -> pg_sys::Oid {
    // SAFETY: reads a variable of the backend.
    unsafe { pg_sys::GetUserId() }
}

/// Whether the current role is a superuser.
pub fn is_superuser() -> bool {
    // SAFETY: looks up the current role.
    unsafe { pg_sys::superuser() }
}

/// Whether the current role has the rights of `role`: it is that role, inherits from it, or is a superuser.
pub fn has_rights_of(role: pg_sys::Oid) -> bool {
    // SAFETY: accepts any OIDs and changes nothing.
    unsafe { pg_sys::has_privs_of_role(current_role(), role) }
}

/// Whether the current role may read every column of a table.
pub fn may_read(relation: pg_sys::Oid) -> bool {
    // SAFETY: accepts any OIDs, and raises if there is no such table.
    unsafe {
        let select = pg_sys::ACL_SELECT as pg_sys::AclMode;
        pg_sys::pg_class_aclcheck(relation, current_role(), select) == pg_sys::AclResult::ACLCHECK_OK
    }
}

/// Whether the current role may do what keeps a table in order: its owner, and from Postgres 17 on who has MAINTAIN.
pub fn may_maintain(relation: pg_sys::Oid) -> bool {
    // SAFETY: both accept any OIDs, and the second raises if there is no such table.
    unsafe {
        #[cfg(feature = "pg15")]
        let is_owner = pg_sys::pg_class_ownercheck(relation, current_role());
        #[cfg(not(feature = "pg15"))]
        let is_owner = pg_sys::object_ownercheck(pg_sys::RelationRelationId, relation, current_role());
        #[cfg(any(feature = "pg15", feature = "pg16"))]
        let may_maintain = false;
        #[cfg(not(any(feature = "pg15", feature = "pg16")))]
        let may_maintain = pg_sys::pg_class_aclcheck(relation, current_role(), pg_sys::ACL_MAINTAIN as pg_sys::AclMode)
            == pg_sys::AclResult::ACLCHECK_OK;
        is_owner || may_maintain
    }
}

/// Whether row-level security of a table applies to the current role.
pub fn row_security_applies(relation: pg_sys::Oid) -> bool {
    // SAFETY: accepts any OID. With noError it does not raise.
    let answer = unsafe { pg_sys::check_enable_rls(relation, pg_sys::InvalidOid, true) };
    answer == pg_sys::CheckEnableRlsResult::RLS_ENABLED as i32
}

/// The role and security context to return to. Dropping it restores them, also while an error unwinds.
struct Identity {
    role: pg_sys::Oid,
    context: i32,
}

impl Identity {
    fn assume(role: pg_sys::Oid, added: i32) -> Self {
        let mut before = Identity { role: pg_sys::InvalidOid, context: 0 };
        // SAFETY: reads and sets variables of the backend. Drop restores them.
        unsafe {
            pg_sys::GetUserIdAndSecContext(&raw mut before.role, &raw mut before.context);
            pg_sys::SetUserIdAndSecContext(role, before.context | added);
        }
        before
    }
}

impl Drop for Identity {
    fn drop(&mut self) {
        // SAFETY: these values were in force before.
        unsafe { pg_sys::SetUserIdAndSecContext(self.role, self.context) }
    }
}

/// A nest level of settings. Dropping it undoes them, also while an error unwinds.
pub(super) struct Settings(i32);

impl Settings {
    /// These settings, by their names.
    pub(super) fn of(settings: &[(&CStr, &CStr)]) -> Self {
        let opened = Settings::open();
        settings.iter().for_each(|(name, value)| set(name, value));
        opened
    }

    fn fixed() -> Self {
        let settings = Settings::of_output();
        set(c"search_path", SEARCH_PATH);
        // A session can change these, and they change the meaning of the extension's queries.
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
        // SAFETY: opens a nest level that Drop closes.
        Settings(unsafe { pg_sys::NewGUCNestLevel() })
    }
}

impl Drop for Settings {
    fn drop(&mut self) {
        // SAFETY: closes the level of this value. Inner levels were closed before, in reverse order.
        unsafe { pg_sys::AtEOXact_GUC(false, self.0) }
    }
}

fn set(name: &CStr, value: &CStr) {
    // SAFETY: both are NUL-terminated. The setting lasts until the nest level ends.
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
