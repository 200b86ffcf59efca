//! Reading the rows of a running query a few at a time.

use crate::pg::error::internal;
use crate::pg::plan::{KeptPlan, parameters};
use crate::pg::spi::Session;
use crate::pg::tuple::Tuple;
use pgrx::datum::DatumWithOid;
use pgrx::pg_sys;
use std::ffi::{CStr, CString};

impl Session {
    /// Runs a plan in the active snapshot. The cursor reads a few rows at a time.
    pub fn open_cursor(&self, plan: &KeptPlan, arguments: &[DatumWithOid]) -> Cursor<'_> {
        self.must_be_innermost();
        plan.must_take(arguments);
        // SAFETY: the plan is alive and takes these arguments, which the portal copies. It uses the snapshot that is
        // active now, and the transition tables of this connection, which outlives the cursor. The name of a portal is
        // NUL-terminated.
        let portal = unsafe {
            let (unnamed, plan, arguments) = (std::ptr::null(), plan.as_ptr(), parameters(arguments));
            CStr::from_ptr((*pg_sys::SPI_cursor_open_with_paramlist(unnamed, plan, arguments, true)).name).to_owned()
        };
        Cursor { portal, session: self }
    }
}

/// A running query, from which rows are read. Dropping it closes the portal; if an error unwinds, Postgres closes it.
pub struct Cursor<'s> {
    /// The name of the portal. A pointer could dangle, because Postgres frees portals of a subtransaction that fails
    portal: CString,
    session: &'s Session,
}

impl Cursor<'_> {
    /// Reads at most `most` further rows. If there are fewer, none are left.
    pub fn next<T>(&mut self, most: usize, read: impl Fn(&Tuple) -> T) -> Vec<T> {
        self.session.must_be_innermost();
        let Some(portal) = self.find() else { internal("the cursor is closed").raise() };
        // SAFETY: the portal is open.
        unsafe { pg_sys::SPI_cursor_fetch(portal, true, most as std::ffi::c_long) };
        self.session.returned(read)
    }

    fn find(&self) -> Option<pg_sys::Portal> {
        // SAFETY: the name is NUL-terminated. The answer is null or an open portal.
        let portal = unsafe { pg_sys::SPI_cursor_find(self.portal.as_ptr()) };
        (!portal.is_null()).then_some(portal)
    }
}

impl Drop for Cursor<'_> {
    fn drop(&mut self) {
        if !std::thread::panicking()
            && let Some(portal) = self.find()
        {
            // SAFETY: the portal is open.
            unsafe { pg_sys::SPI_cursor_close(portal) };
        }
    }
}
