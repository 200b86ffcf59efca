//! Columns that outer joins may put NULL in the place of.

#[cfg(not(feature = "pg15"))]
use crate::pg::walker::{expression_tree_walker, query_tree_walker};
use pgrx::PgList;
use pgrx::pg_sys::{self, JoinType, NodeTag};

/// Which sides of a join may be NULL for rows of the other one: the left one, the right one.
pub fn nullable_sides(kind: JoinType::Type) -> (bool, bool) {
    match kind {
        JoinType::JOIN_LEFT => (false, true),
        JoinType::JOIN_RIGHT => (true, false),
        JoinType::JOIN_FULL => (true, true),
        _ => (false, false),
    }
}

/// Whether outer joins of a join tree may put NULLs in the place of a table's rows.
///
/// # Safety
/// The node is a part of the join tree of a query that has been parsed.
pub unsafe fn is_nullable(node: *mut pg_sys::Node, table: i32) -> bool {
    // SAFETY: by this function's own condition. The tag of a node names its struct.
    unsafe { nullable(node, table, false).unwrap_or(false) }
}

/// # Safety
/// As for [`is_nullable`].
unsafe fn nullable(node: *mut pg_sys::Node, table: i32, below: bool) -> Option<bool> {
    // SAFETY: by the condition of `is_nullable`. The tag of a node names its struct.
    unsafe {
        match (*node).type_ {
            NodeTag::T_RangeTblRef => ((*node.cast::<pg_sys::RangeTblRef>()).rtindex == table).then_some(below),
            NodeTag::T_FromExpr => PgList::<pg_sys::Node>::from_pg((*node.cast::<pg_sys::FromExpr>()).fromlist)
                .iter_ptr()
                .find_map(|part| nullable(part, table, below)),
            NodeTag::T_JoinExpr => {
                let join = node.cast::<pg_sys::JoinExpr>();
                let (left, right) = nullable_sides((*join).jointype);
                nullable((*join).larg, table, below || left).or_else(|| nullable((*join).rarg, table, below || right))
            }
            _ => None,
        }
    }
}

/// Whether outer joins below may have put NULL in the place of a column. Until Postgres 15, the Var does not tell.
///
/// # Safety
/// The pointer is to a Var.
#[cfg(not(feature = "pg15"))]
pub unsafe fn is_nulled(var: *mut pg_sys::Var) -> bool {
    // SAFETY: by this function's own condition.
    unsafe { !(*var).varnullingrels.is_null() }
}

#[cfg(feature = "pg15")]
pub unsafe fn is_nulled(_var: *mut pg_sys::Var) -> bool {
    false
}

/// A copy of a column as it is below all outer joins.
///
/// # Safety
/// The pointer is to a Var.
pub unsafe fn without_outer_joins(var: *mut pg_sys::Var) -> *mut pg_sys::Var {
    // SAFETY: by this function's own condition.
    unsafe {
        let copy = pg_sys::copyObjectImpl(var.cast()).cast::<pg_sys::Var>();
        #[cfg(not(feature = "pg15"))]
        {
            (*copy).varnullingrels = std::ptr::null_mut();
        }
        copy
    }
}

/// Says of a new column that an outer join, and the outer joins of another column, may put NULL in its place.
///
/// # Safety
/// The pointers are to Vars.
#[cfg(not(feature = "pg15"))]
pub unsafe fn add_nulling_join(var: *mut pg_sys::Var, like: *mut pg_sys::Var, join: i32) {
    // SAFETY: by this function's own condition.
    unsafe { (*var).varnullingrels = pg_sys::bms_add_member(pg_sys::bms_copy((*like).varnullingrels), join) };
}

#[cfg(feature = "pg15")]
pub unsafe fn add_nulling_join(_var: *mut pg_sys::Var, _like: *mut pg_sys::Var, _join: i32) {}

/// Says of all columns of a condition that the outer joins of a Var may put NULL in their place.
///
/// # Safety
/// The condition is new, and reads the table of the Var under the Var's number.
#[cfg(not(feature = "pg15"))]
pub unsafe fn null_like(condition: *mut pg_sys::Node, var: *mut pg_sys::Var) {
    /// The Var, and how many queries are around the node
    type Walk = (*mut pg_sys::Var, u32);
    #[pgrx::pg_guard]
    unsafe extern "C-unwind" fn visit(node: *mut pg_sys::Node, context: *mut std::ffi::c_void) -> bool {
        if node.is_null() {
            return false;
        }
        // SAFETY: Postgres calls this for nodes of the condition, which is new. `context` is the pair below. The tag of
        // a node names its struct.
        unsafe {
            let (like, level) = *context.cast::<Walk>();
            match (*node).type_ {
                NodeTag::T_Var => {
                    let var = node.cast::<pg_sys::Var>();
                    if (*var).varlevelsup == level && (*var).varno == (*like).varno {
                        (*var).varnullingrels = pg_sys::bms_copy((*like).varnullingrels);
                    }
                    false
                }
                NodeTag::T_Query => {
                    let mut inner: Walk = (like, level + 1);
                    query_tree_walker(node.cast(), Some(visit), (&raw mut inner).cast(), 0)
                }
                _ => expression_tree_walker(node, Some(visit), context),
            }
        }
    }
    let mut walk: Walk = (var, 0);
    // SAFETY: by this function's own condition.
    unsafe { visit(condition, (&raw mut walk).cast()) };
}

#[cfg(feature = "pg15")]
pub unsafe fn null_like(_condition: *mut pg_sys::Node, _var: *mut pg_sys::Var) {}
