//! Sub-selects of a condition that the planner is given late: `EXISTS (…)` as a semi-join, `NOT EXISTS (…)` as an
//! anti-join.
//!
//! The planner does this itself (`pull_up_sublinks` in `src/backend/optimizer/prep/prepjointree.c`), but before it
//! simplifies expressions. What is simplified to a sub-select would be looked up for each row, or put into a hash table.

use pgrx::pg_sys::{self, NodeTag, Oid};
use pgrx::{PgBox, PgList, is_a};

/// Where a condition stands: alone, or joined with others by AND, in this part of the FROM clause, whose conditions are
/// just being simplified.
#[derive(Clone, Copy)]
pub struct Conjunct {
    pub root: *mut pg_sys::PlannerInfo,
    pub from: *mut pg_sys::FromExpr,
    /// A column of the table that the condition is about
    pub var: *mut pg_sys::Var,
}

/// Takes sub-selects out of a condition and joins the tables that they read. Returns what is left of the condition.
/// Sub-selects that are not simple stay.
///
/// # Safety
/// The condition is new. It stands nowhere else, and its sub-selects refer to the table of the Var only.
pub unsafe fn take_out(at: Conjunct, condition: *mut pg_sys::Node) -> *mut pg_sys::Node {
    // SAFETY: by this function's own condition. The lists and nodes that are changed belong to this plan alone.
    unsafe {
        let parse = (*at.root).parse;
        // It has been determined which rows of which tables are locked.
        let locks = ![pg_sys::CmdType::CMD_SELECT, pg_sys::CmdType::CMD_INSERT].contains(&(*parse).commandType);
        if locks || !(*parse).rowMarks.is_null() {
            return condition;
        }
        let mut left = std::ptr::null_mut();
        for part in PgList::<pg_sys::Node>::from_pg(pg_sys::make_ands_implicit(condition.cast())).iter_ptr() {
            if !join(at, part) {
                left = pg_sys::lappend(left, part.cast());
            }
        }
        pg_sys::make_ands_explicit(left).cast()
    }
}

/// Joins the table of one sub-select, if the part of a condition is one.
///
/// # Safety
/// As for [`take_out`].
unsafe fn join(at: Conjunct, part: *mut pg_sys::Node) -> bool {
    // SAFETY: by the condition of `take_out`. The tag of a node names its struct.
    unsafe {
        let is_negated = is_a(part, NodeTag::T_BoolExpr)
            && (*part.cast::<pg_sys::BoolExpr>()).boolop == pg_sys::BoolExprType::NOT_EXPR;
        let link = if is_negated { pg_sys::list_nth((*part.cast::<pg_sys::BoolExpr>()).args, 0).cast() } else { part };
        if !is_a(link, NodeTag::T_SubLink) || !is_simple(link.cast()) {
            return false;
        }
        let join = convert_EXISTS_sublink_to_join(at.root, link.cast(), is_negated, relations(at.var));
        if join.is_null() {
            return false;
        }
        // The conditions of the join would be prepared with those of the query, whose turn is over.
        let condition = pg_sys::eval_const_expressions(at.root, (*join).quals);
        (*join).quals = pg_sys::make_ands_implicit(pg_sys::canonicalize_qual(condition.cast(), false)).cast();
        let mut inner = PgBox::<pg_sys::FromExpr>::alloc_node(NodeTag::T_FromExpr);
        inner.fromlist = (*at.from).fromlist;
        inner.quals = std::ptr::null_mut();
        (*join).larg = inner.into_pg().cast();
        (*at.from).fromlist = pg_sys::lappend(std::ptr::null_mut(), join.cast());
        true
    }
}

/// Whether a sub-select is `EXISTS` on one table without policies. The planner has looked at all other tables already,
/// and has found what it must do for them.
///
/// # Safety
/// The sub-select has been parsed and rewritten.
unsafe fn is_simple(link: *mut pg_sys::SubLink) -> bool {
    // SAFETY: by this function's own condition.
    unsafe {
        let query = (*link).subselect.cast::<pg_sys::Query>();
        let tables = PgList::<pg_sys::RangeTblEntry>::from_pg((*query).rtable);
        let Some(table) = tables.get_ptr(0) else { return false };
        if (*link).subLinkType != pg_sys::SubLinkType::EXISTS_SUBLINK
            || (*query).hasSubLinks
            || tables.len() != 1
            || (*table).rtekind != pg_sys::RTEKind::RTE_RELATION
            || !(*table).securityQuals.is_null()
        {
            return false;
        }
        (*table).inh = (*table).inh && has_subclass((*table).relid);
        !has_virtual_columns((*table).relid)
    }
}

/// Whether a table has columns that are computed when they are read. The planner replaces them by their expressions
/// before it simplifies anything.
pub fn has_virtual_columns(table: Oid) -> bool {
    if cfg!(any(feature = "pg15", feature = "pg16", feature = "pg17")) {
        return false;
    }
    // SAFETY: the relation is locked. It is closed here, and the lock stays.
    unsafe {
        let opened = pg_sys::RelationIdGetRelation(table);
        if opened.is_null() {
            return true;
        }
        let number = (*(*opened).rd_rel).relnatts;
        pg_sys::RelationClose(opened);
        (1..=number).any(|column| pg_sys::get_attgenerated(table, column) as u8 == b'v')
    }
}

/// The table of a column, with the outer joins that may put NULL in the place of its rows.
///
/// # Safety
/// The pointer is to a Var.
unsafe fn relations(var: *mut pg_sys::Var) -> *mut pg_sys::Bitmapset {
    // SAFETY: by this function's own condition.
    unsafe {
        let table = pg_sys::bms_make_singleton((*var).varno);
        #[cfg(not(feature = "pg15"))]
        let table = pg_sys::bms_add_members(table, (*var).varnullingrels);
        table
    }
}

/// # Safety
/// As Postgres's own.
#[allow(non_snake_case, reason = "it is named as in Postgres")]
unsafe fn convert_EXISTS_sublink_to_join(
    root: *mut pg_sys::PlannerInfo,
    link: *mut pg_sys::SubLink,
    under_not: bool,
    available: *mut pg_sys::Bitmapset,
) -> *mut pg_sys::JoinExpr {
    // optimizer/subselect.h, which pgrx's bindings leave out.
    unsafe extern "C-unwind" {
        fn convert_EXISTS_sublink_to_join(
            root: *mut pg_sys::PlannerInfo,
            link: *mut pg_sys::SubLink,
            under_not: bool,
            available: *mut pg_sys::Bitmapset,
        ) -> *mut pg_sys::JoinExpr;
    }
    // SAFETY: this is its declaration. The guard turns an error of Postgres into a panic.
    unsafe { pg_sys::ffi::pg_guard_ffi_boundary(|| convert_EXISTS_sublink_to_join(root, link, under_not, available)) }
}

/// Whether tables inherit from a table, or did so once.
pub fn has_subclass(table: Oid) -> bool {
    // catalog/pg_inherits.h, which pgrx's bindings leave out.
    unsafe extern "C-unwind" {
        fn has_subclass(relation: Oid) -> bool;
    }
    // SAFETY: this is its declaration. The relation is locked. The guard turns an error of Postgres into a panic.
    unsafe { pg_sys::ffi::pg_guard_ffi_boundary(|| has_subclass(table)) }
}
