//! Options of indexes of our access method, and the members of its operator classes: there are none.

use pgrx::pg_sys::{self, Datum, Oid};
use std::cell::OnceCell;

thread_local! {
    /// The kind of options that our indexes have. A backend can make only some thirty of them.
    static KIND: OnceCell<pg_sys::relopt_kind::Type> = const { OnceCell::new() };
}

/// Reads options of an index. With `validate`, any is refused, as Postgres refuses one that it does not know.
///
/// # Safety
/// `options` is null or an array of text, as `pg_class.reloptions`.
pub unsafe fn none_of(options: Datum, validate: bool) -> *mut pg_sys::bytea {
    // SAFETY: by this function's own condition. The result has at least a header; there are no options to be put behind.
    unsafe {
        let kind = KIND.with(|kind| *kind.get_or_init(|| pg_sys::add_reloption_kind()));
        pg_sys::build_reloptions(options, validate, kind, pg_sys::VARHDRSZ, std::ptr::null(), 0).cast()
    }
}

/// Whether the family of an operator class has neither operators nor functions.
pub fn has_no_members(class: Oid) -> bool {
    // SAFETY: the look-ups accept any OID, and raise an error if there is no such class. The lists belong to the caches.
    unsafe {
        let family = Datum::from(pg_sys::get_opclass_family(class));
        let none = Datum::from(0);
        [pg_sys::SysCacheIdentifier::AMOPSTRATEGY, pg_sys::SysCacheIdentifier::AMPROCNUM].into_iter().all(|cache| {
            let list = pg_sys::SearchSysCacheList(cache as _, 1, family, none, none);
            let is_empty = (*list).n_members == 0;
            pg_sys::ReleaseCatCacheList(list);
            is_empty
        })
    }
}
