//! Postgres's walkers of trees of nodes, under one name in every version.

use pgrx::pg_sys;
#[cfg(feature = "pg15")]
use std::ffi::c_void;

#[cfg(not(feature = "pg15"))]
pub use pg_sys::{expression_tree_walker_impl as expression_tree_walker, query_tree_walker_impl as query_tree_walker};

// nodes/nodeFuncs.h of Postgres 15 declares these two functions without their arguments, so pgrx has no bindings of
// them.

#[cfg(feature = "pg15")]
type Visit = Option<unsafe extern "C-unwind" fn(*mut pg_sys::Node, *mut c_void) -> bool>;

/// # Safety
/// As Postgres's own.
#[cfg(feature = "pg15")]
pub unsafe fn query_tree_walker(query: *mut pg_sys::Query, visit: Visit, walk: *mut c_void, flags: i32) -> bool {
    unsafe extern "C-unwind" {
        fn query_tree_walker(query: *mut pg_sys::Query, visit: Visit, walk: *mut c_void, flags: i32) -> bool;
    }
    // SAFETY: as declared there; where it raises, the guard makes it a panic.
    unsafe { pg_sys::ffi::pg_guard_ffi_boundary(|| query_tree_walker(query, visit, walk, flags)) }
}

/// # Safety
/// As Postgres's own.
#[cfg(feature = "pg15")]
pub unsafe fn expression_tree_walker(node: *mut pg_sys::Node, visit: Visit, walk: *mut c_void) -> bool {
    unsafe extern "C-unwind" {
        fn expression_tree_walker(node: *mut pg_sys::Node, visit: Visit, walk: *mut c_void) -> bool;
    }
    // SAFETY: as above.
    unsafe { pg_sys::ffi::pg_guard_ffi_boundary(|| expression_tree_walker(node, visit, walk)) }
}
