//! Calls of a set-returning function, which the planner gets as the query that they stand for.
//!
//! Postgres does this for functions in SQL (`inline_set_returning_function` in `src/backend/optimizer/util/clauses.c`), and
//! since Postgres 19 for others that have a support function. Here it is done before the planner begins, in the same way
//! in every version. A call in FROM whose query is not known moves to the select list of a sub-select, because Postgres
//! stores all rows of a function in FROM before it returns the first one.

#[cfg(feature = "pg19")]
use crate::pg::calls::REPLACEABLE;
use crate::pg::calls::{SetCall, Walk, has_support};
use crate::pg::sub_select::{parse, sub_select_entry};
use crate::pg::substitution::{Constant, may_execute};
use crate::pg::subtransaction::hiding_queries;
use crate::pg::{plans, relcache, security};
use pgrx::pg_sys::{self, NodeTag};
use pgrx::{PgBox, PgList, is_a};
use std::ffi::CStr;

/// The query that a call in FROM stands for, if Postgres asks while it plans the query around it. So it does for calls that
/// come from a function in SQL, and for the first call in a session, which loads the library.
///
/// # Safety
/// The planner has made the request.
#[cfg(feature = "pg19")]
pub unsafe fn inlined(request: &pg_sys::SupportRequestInlineInFrom) -> Option<*mut pg_sys::Query> {
    let replaceable = REPLACEABLE.get()?;
    // SAFETY: by this function's own condition.
    unsafe {
        let (root, global) = (request.root, (*request.root).glob);
        let parameters = (*global).boundParams;
        let mut walk = Walk { replaceable, parameters, query: (*root).parse, copy: None, replaced: Vec::new() };
        let call = walk.sought((*request.rtfunc).funcexpr)?;
        let query = walk.query_of((*root).parse, call)?;
        (*global).dependsOnRole = true;
        // Postgres asks in a context that it deletes before it has planned. The lists are needed longer.
        let before = pg_sys::MemoryContextSwitchTo((*root).planner_cxt);
        for (function, substitute) in &walk.replaced {
            plans::list(&mut (*global).relationOids, &mut (*global).invalItems, *function, substitute);
        }
        pg_sys::MemoryContextSwitchTo(before);
        Some(query)
    }
}

impl Walk {
    /// Replaces the calls in FROM.
    ///
    /// # Safety
    /// The query is about to be planned, and belongs to this plan alone.
    pub(super) unsafe fn replace_in_from(&mut self, query: *mut pg_sys::Query) {
        // SAFETY: by this function's own condition. Lists may be null, and are then empty.
        unsafe {
            for entry in PgList::<pg_sys::RangeTblEntry>::from_pg((*query).rtable).iter_ptr() {
                if (*entry).rtekind != pg_sys::RTEKind::RTE_FUNCTION || (*entry).funcordinality {
                    continue;
                }
                let functions = PgList::<pg_sys::RangeTblFunction>::from_pg((*entry).functions);
                let (Some(function), 1) = (functions.get_ptr(0), functions.len()) else { continue };
                let Some(call) = self.sought((*function).funcexpr) else { continue };
                // In FROM, a row is as many columns. The function refuses the type.
                if relcache::is_row_type((*call).funcresulttype) {
                    continue;
                }
                let Some(subquery) = self.query_of(query, call).or_else(|| sub_select(call)) else { continue };
                (*entry).rtekind = pg_sys::RTEKind::RTE_SUBQUERY;
                (*entry).subquery = subquery;
                (*entry).security_barrier = false;
                (*entry).functions = std::ptr::null_mut();
            }
        }
    }

    /// Replaces the call in `SELECT f(…)`, which has no other columns, no FROM and no WHERE, as in `id IN (SELECT f(…))`.
    ///
    /// # Safety
    /// As for [`replace_in_from`](Self::replace_in_from).
    pub(super) unsafe fn replace_in_select_list(&mut self, query: *mut pg_sys::Query) {
        // SAFETY: by this function's own condition. The tag of a node names its struct.
        unsafe {
            let targets = PgList::<pg_sys::TargetEntry>::from_pg((*query).targetList);
            let is_lone = (*query).commandType == pg_sys::CmdType::CMD_SELECT
                && (*query).hasTargetSRFs
                && (*query).rtable.is_null()
                && (*(*query).jointree).quals.is_null()
                && targets.len() == 1
                && !((*query).hasAggs || (*query).hasWindowFuncs)
                && (*query).groupClause.is_null()
                && (*query).groupingSets.is_null()
                && (*query).havingQual.is_null()
                && (*query).setOperations.is_null();
            let Some(target) = targets.get_ptr(0).filter(|_| is_lone) else { return };
            let Some(call) = self.sought((*target).expr.cast()) else { return };
            let Some(subquery) = self.query_of(query, call) else { return };
            let name = CStr::from_ptr(pg_sys::get_func_name((*call).funcid));
            (*query).rtable = pg_sys::lappend(std::ptr::null_mut(), sub_select_entry(subquery, name).cast());
            let mut reference = PgBox::<pg_sys::RangeTblRef>::alloc_node(NodeTag::T_RangeTblRef);
            reference.rtindex = 1;
            (*(*query).jointree).fromlist = pg_sys::lappend(std::ptr::null_mut(), reference.into_pg().cast());
            let collation = pg_sys::exprCollation(call.cast());
            (*target).expr = pg_sys::makeVar(1, 1, (*call).funcresulttype, -1, collation, 0).cast();
            (*query).hasTargetSRFs = false;
        }
    }

    /// The call, if an expression is one of a function with the support function, whose arguments may be evaluated any
    /// number of times.
    ///
    /// # Safety
    /// The expression is a part of a query.
    unsafe fn sought(&self, expression: *mut pg_sys::Node) -> Option<*mut pg_sys::FuncExpr> {
        // SAFETY: by this function's own condition. The tag of a node names its struct. The function exists, because the
        // query depends on it.
        unsafe {
            if expression.is_null() || !is_a(expression, NodeTag::T_FuncExpr) {
                return None;
            }
            let call = expression.cast::<pg_sys::FuncExpr>();
            let is_sought = (*call).funcretset && has_support((*call).funcid, self.replaceable.set);
            (is_sought && !pg_sys::contain_volatile_functions((*call).args.cast())).then_some(call)
        }
    }

    /// The query that a call stands for; `None` if it is not known, or not for the current role.
    ///
    /// # Safety
    /// The call is part of the query.
    unsafe fn query_of(
        &mut self,
        query: *mut pg_sys::Query,
        call: *mut pg_sys::FuncExpr,
    ) -> Option<*mut pg_sys::Query> {
        // SAFETY: by this function's own condition.
        unsafe {
            let (function, type_id) = ((*call).funcid, (*call).funcresulttype);
            let constant = Constant::of(&*self.known_argument(query, call, 0)?)?;
            if !may_execute(function, security::current_role()) {
                return None;
            }
            // On Postgres 19 a plan may be made without the hook.
            let found = plans::inside_planner(|| (self.replaceable.query)(&SetCall { constant, type_id }))?;
            let collation = pg_sys::exprCollation(call.cast());
            let query = hiding_queries(|| parse(&found, type_id, collation))?;
            self.has_replaced(function, found.substitute);
            Some(query)
        }
    }
}

/// `SELECT f(…)`, which returns one row after the other as they are asked for.
///
/// # Safety
/// The call is a part of a query that it is taken out of.
unsafe fn sub_select(call: *mut pg_sys::FuncExpr) -> Option<*mut pg_sys::Query> {
    // SAFETY: by this function's own condition.
    unsafe {
        let mut query = PgBox::<pg_sys::Query>::alloc_node(NodeTag::T_Query);
        query.commandType = pg_sys::CmdType::CMD_SELECT;
        query.querySource = pg_sys::QuerySource::QSRC_ORIGINAL;
        query.canSetTag = true;
        query.hasTargetSRFs = true;
        query.hasSubLinks = pg_sys::checkExprHasSubLink(call.cast());
        pg_sys::IncrementVarSublevelsUp(call.cast(), 1, 0);
        let target = pg_sys::makeTargetEntry(call.cast(), 1, pg_sys::get_func_name((*call).funcid), false);
        query.targetList = pg_sys::lappend(std::ptr::null_mut(), target.cast());
        query.jointree = pg_sys::makeFromExpr(std::ptr::null_mut(), std::ptr::null_mut());
        Some(query.into_pg())
    }
}
