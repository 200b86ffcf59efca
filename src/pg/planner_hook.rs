//! The planner hook, which sees each query before it is planned, and replaces calls in it.
//!
//! `from_clause` replaces calls of set-returning functions, `where_clause` calls in conditions.

use crate::pg::calls::{REPLACEABLE, Replaceable, Walk};
use crate::pg::walker::{expression_tree_walker, query_tree_walker};
use crate::pg::way::Way;
use crate::pg::where_clause::Conditions;
use crate::pg::{plans, way};
use pgrx::pg_sys::{self, NodeTag};
use pgrx::{is_a, pg_guard};
use std::ffi::{c_char, c_int, c_void};
use std::sync::OnceLock;

/// The hook that another library had installed before.
static BEFORE: OnceLock<pg_sys::planner_hook_type> = OnceLock::new();

/// Installs the hook that sees each query before it is planned.
pub fn install(replaceable: Replaceable) {
    // SAFETY: Postgres expects hooks to be set when a library is loaded, which is when this runs.
    unsafe {
        let _ = REPLACEABLE.set(replaceable);
        let _ = BEFORE.set(pg_sys::planner_hook);
        pg_sys::planner_hook = Some(plan);
    }
}

#[cfg(not(feature = "pg19"))]
#[pg_guard]
unsafe extern "C-unwind" fn plan(
    query: *mut pg_sys::Query,
    text: *const c_char,
    options: c_int,
    parameters: pg_sys::ParamListInfo,
) -> *mut pg_sys::PlannedStmt {
    // SAFETY: Postgres calls the hook in place of standard_planner, with its arguments.
    unsafe {
        replaced(query, parameters, |before, query| match before {
            Some(before) => pg_sys::ffi::pg_guard_ffi_boundary(|| before(query, text, options, parameters)),
            None => pg_sys::standard_planner(query, text, options, parameters),
        })
    }
}

#[cfg(feature = "pg19")]
#[pg_guard]
unsafe extern "C-unwind" fn plan(
    query: *mut pg_sys::Query,
    text: *const c_char,
    options: c_int,
    parameters: pg_sys::ParamListInfo,
    explain: *mut pg_sys::ExplainState,
) -> *mut pg_sys::PlannedStmt {
    // SAFETY: Postgres calls the hook in place of standard_planner, with its arguments.
    unsafe {
        replaced(query, parameters, |before, query| match before {
            Some(before) => pg_sys::ffi::pg_guard_ffi_boundary(|| before(query, text, options, parameters, explain)),
            None => pg_sys::standard_planner(query, text, options, parameters, explain),
        })
    }
}

/// Replaces calls in a query, and plans it with the hook that was installed before. The guard around that turns an error
/// into a panic.
///
/// # Safety
/// The query is about to be planned for these parameters. The planner may change it.
unsafe fn replaced(
    query: *mut pg_sys::Query,
    parameters: pg_sys::ParamListInfo,
    plan: impl Fn(pg_sys::planner_hook_type, *mut pg_sys::Query) -> *mut pg_sys::PlannedStmt,
) -> *mut pg_sys::PlannedStmt {
    let (Some(replaceable), Some(before)) = (REPLACEABLE.get(), BEFORE.get()) else { return plan(None, query) };
    // SAFETY: by this function's own condition. Each plan has just been made when it is changed.
    plans::inside_planner(|| unsafe {
        let planned = |way: Way, query: *mut pg_sys::Query| {
            let mut walk = Walk { replaceable, parameters, query, copy: None, replaced: Vec::new() };
            let (planned, has_other) = way.plan(|| {
                visit(query.cast(), (&raw mut walk).cast());
                plan(*before, query)
            });
            if !walk.replaced.is_empty() {
                (*planned).dependsOnRole = true;
            }
            for (function, substitute) in &walk.replaced {
                plans::list(&mut (*planned).relationOids, &mut (*planned).invalItems, *function, substitute);
            }
            (planned, walk.copy.filter(|_| has_other))
        };
        let (joined, query) = planned(Way::Joined, query);
        let Some(query) = query.filter(|_| way::is_dear(way::cost(joined))) else { return joined };
        let (looked_up, _) = planned(Way::LookedUp, query);
        if way::prefers_look_ups(way::cost(joined), way::cost(looked_up)) { looked_up } else { joined }
    })
}

/// Replaces the calls in a query and in the queries inside of it. It never ends the walk.
#[pg_guard]
unsafe extern "C-unwind" fn visit(node: *mut pg_sys::Node, context: *mut c_void) -> bool {
    if node.is_null() {
        return false;
    }
    // SAFETY: Postgres calls this for nodes of the query. `context` is the `Walk` of `plan`, and no reference to it lives
    // across a call. The tag of a node names its struct.
    unsafe {
        if !is_a(node, NodeTag::T_Query) {
            (*context.cast::<Walk>()).keep_query_with(node);
            return expression_tree_walker(node, Some(visit), context);
        }
        query_tree_walker(node.cast(), Some(visit), context, 0);
        let walk = &mut *context.cast::<Walk>();
        walk.replace_in_from(node.cast());
        walk.replace_in_select_list(node.cast());
        // Look-ups are no joins. So the support function can put them in the place of the call as well.
        if Way::current() == Way::Joined {
            Conditions::replace(walk, node.cast());
        }
    }
    false
}
