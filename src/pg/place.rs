//! Where in a query a call stands that the planner simplifies.
//!
//! The planner does not tell which part of the query it simplifies, and hands out copies. But the query still has its
//! parts as they were. So all places are found where such a call could stand, and if these differ, the answer is the
//! one that is right for each.

use crate::pg::outer_join::nullable_sides;
use crate::pg::walker::{expression_tree_walker, query_tree_walker};
use pgrx::pg_sys::{self, NodeTag, Oid};
use pgrx::{PgList, pg_guard};
use std::ffi::c_void;

/// The places where a query may call a function with a column of one of its tables.
#[derive(Clone, Copy, Default)]
pub struct Places {
    /// In a condition of the query, alone or joined with others by AND and OR. There NULL counts as false
    pub in_condition: bool,
    /// The part of the FROM clause to whose conditions the call belongs, if it stands there once, not below an OR, and
    /// nowhere else
    pub conjunct_of: Option<*mut pg_sys::FromExpr>,
    /// Anywhere else: under NOT, in an expression, or perhaps inside of a function in SQL
    pub elsewhere: bool,
    /// In an `EXISTS (…)` of its own, about a column with the same number of a table with the same number. The planner
    /// simplifies conditions of such a sub-select with the state of the outer query (`convert_EXISTS_to_ANY`), so the
    /// two cannot be told apart
    pub is_unclear: bool,
    /// Whether an outer join may put NULLs in place of the table's rows
    pub is_nullable: bool,
}

impl Places {
    /// The places of calls of the functions with a support function, about a column of the query.
    ///
    /// # Safety
    /// `root` is the state of the planner, which has not come further than to the preparation of expressions.
    pub unsafe fn of(root: *mut pg_sys::PlannerInfo, column: Column, support: Oid) -> Self {
        // SAFETY: by this function's own condition. Lists may be null, and are then empty.
        unsafe {
            let parse = (*root).parse;
            let mut walk = Walk { parse, column, support, places: Places::default() };
            let flags = pg_sys::QTW_IGNORE_RT_SUBQUERIES | pg_sys::QTW_IGNORE_CTE_SUBQUERIES;
            query_tree_walker(parse, Some(visit), (&raw mut walk).cast(), flags as i32);
            visit((*root).append_rel_list.cast(), (&raw mut walk).cast());
            if walk.places.elsewhere {
                walk.places.conjunct_of = None;
            }
            walk.places
        }
    }
}

/// A column of a query: the number of its table in the range table, and its number there.
#[derive(Clone, Copy)]
pub struct Column {
    pub table: i32,
    pub number: i16,
}

struct Walk {
    parse: *mut pg_sys::Query,
    column: Column,
    /// The support function of the functions that are sought
    support: Oid,
    places: Places,
}

/// Visits a node outside of the conditions of the query. It never ends the walk.
#[pg_guard]
unsafe extern "C-unwind" fn visit(node: *mut pg_sys::Node, context: *mut c_void) -> bool {
    if node.is_null() {
        return false;
    }
    // SAFETY: Postgres calls this for nodes of the query. `context` is the `Walk` of `Places::of`, and no reference to
    // it lives across a call. The tag of a node names its struct.
    unsafe {
        let walk = context.cast::<Walk>();
        match (*node).type_ {
            NodeTag::T_FromExpr if node == (*(*walk).parse).jointree.cast() => _ = (*walk).join(node, false),
            // Other sub-selects are planned with their own state.
            NodeTag::T_Query => {}
            NodeTag::T_SubLink => {
                let link = node.cast::<pg_sys::SubLink>();
                visit((*link).testexpr, context);
                if (*link).subLinkType == pg_sys::SubLinkType::EXISTS_SUBLINK {
                    (*walk).inspect((*link).subselect.cast());
                }
            }
            _ if pg_sys::check_functions_in_node(node, Some(may_be_sought), (&raw mut (*walk).support).cast())
                && (*walk).mentions_column(node) =>
            {
                (*walk).places.elsewhere = true;
            }
            _ => return expression_tree_walker(node, Some(visit), context),
        }
    }
    false
}

/// The language `sql`. `pg_language.dat` fixes the OID.
const SQL: Oid = Oid::from_u32(14);

/// Whether a function has the support function `support`, or is written in SQL. The planner may replace a call of the
/// latter by its body, and may find a call of the former there.
#[pg_guard]
unsafe extern "C-unwind" fn may_be_sought(function: Oid, support: *mut c_void) -> bool {
    if function.to_u32() < pg_sys::FirstNormalObjectId {
        return false;
    }
    // SAFETY: `support` is the OID of `visit`. The syscache accepts any OID. A tuple that it finds is a row of pg_proc,
    // and is released.
    unsafe {
        let tuple = pg_sys::SearchSysCache1(pg_sys::SysCacheIdentifier::PROCOID as i32, function.into());
        if tuple.is_null() {
            return false;
        }
        let row = pg_sys::GETSTRUCT(tuple).cast::<pg_sys::FormData_pg_proc>();
        let may_be = (*row).prosupport == *support.cast::<Oid>() || (*row).prolang == SQL;
        pg_sys::ReleaseSysCache(tuple);
        may_be
    }
}

impl Walk {
    /// Visits a part of the FROM clause with its conditions. Returns whether it has the column's table.
    ///
    /// # Safety
    /// The node is a part of the query's join tree.
    unsafe fn join(&mut self, node: *mut pg_sys::Node, is_nullable: bool) -> bool {
        // SAFETY: by this function's own condition. The tag of a node names its struct.
        unsafe {
            match (*node).type_ {
                NodeTag::T_RangeTblRef => {
                    let is_its = (*node.cast::<pg_sys::RangeTblRef>()).rtindex == self.column.table;
                    self.places.is_nullable |= is_its && is_nullable;
                    is_its
                }
                NodeTag::T_FromExpr => {
                    let from = node.cast::<pg_sys::FromExpr>();
                    let mut has_table = false;
                    for part in PgList::<pg_sys::Node>::from_pg((*from).fromlist).iter_ptr() {
                        has_table |= self.join(part, is_nullable);
                    }
                    // A LATERAL sub-select has conditions on tables outside of it.
                    self.condition((*from).quals, has_table.then_some(from));
                    has_table
                }
                NodeTag::T_JoinExpr => {
                    let join = node.cast::<pg_sys::JoinExpr>();
                    let (left, right) = nullable_sides((*join).jointype);
                    let is_left = self.join((*join).larg, is_nullable || left);
                    let is_right = self.join((*join).rarg, is_nullable || right);
                    self.condition((*join).quals, None);
                    is_left || is_right
                }
                _ => false,
            }
        }
    }

    /// Visits a condition, or a part of one that AND or OR joins with others. `from` is the part of the FROM clause that
    /// it belongs to; `None` below an OR, and for the conditions of joins.
    ///
    /// # Safety
    /// The node is null or a part of the query.
    unsafe fn condition(&mut self, node: *mut pg_sys::Node, mut from: Option<*mut pg_sys::FromExpr>) {
        if node.is_null() {
            return;
        }
        // SAFETY: by this function's own condition. The tag of a node names its struct.
        unsafe {
            let parts = match (*node).type_ {
                NodeTag::T_List => node.cast::<pg_sys::List>(),
                NodeTag::T_BoolExpr if (*node.cast::<pg_sys::BoolExpr>()).boolop != pg_sys::BoolExprType::NOT_EXPR => {
                    let expression = node.cast::<pg_sys::BoolExpr>();
                    from = from.filter(|_| (*expression).boolop == pg_sys::BoolExprType::AND_EXPR);
                    (*expression).args
                }
                NodeTag::T_FuncExpr
                    if pg_sys::get_func_support((*node.cast::<pg_sys::FuncExpr>()).funcid) == self.support =>
                {
                    if self.mentions_column(node) {
                        self.places.conjunct_of = from.filter(|_| !self.places.in_condition);
                        self.places.in_condition = true;
                    }
                    // Another call among its arguments is no condition.
                    visit((*node.cast::<pg_sys::FuncExpr>()).args.cast(), std::ptr::from_mut(self).cast());
                    return;
                }
                _ => {
                    visit(node, std::ptr::from_mut(self).cast());
                    return;
                }
            };
            for part in PgList::<pg_sys::Node>::from_pg(parts).iter_ptr() {
                self.condition(part, from);
            }
        }
    }

    /// Looks into an `EXISTS (…)` for a call that could be taken for one of the outer query.
    ///
    /// # Safety
    /// `parse` is the query of a sub-select.
    unsafe fn inspect(&mut self, parse: *mut pg_sys::Query) {
        // SAFETY: by this function's own condition.
        unsafe {
            let mut walk = Walk { parse, column: self.column, support: self.support, places: Places::default() };
            visit((*parse).jointree.cast(), (&raw mut walk).cast());
            self.places.is_unclear |= walk.places.in_condition || walk.places.elsewhere || walk.places.is_unclear;
        }
    }

    /// Whether the column is among the arguments of a call, or a row or a join that may have it.
    ///
    /// # Safety
    /// The node is a part of the query.
    unsafe fn mentions_column(&self, node: *mut pg_sys::Node) -> bool {
        let mut sought = (self.parse, self.column);
        // SAFETY: by this function's own condition.
        unsafe { is_column(node, (&raw mut sought).cast()) }
    }
}

/// Whether a node has a column, itself or further down.
#[pg_guard]
unsafe extern "C-unwind" fn is_column(node: *mut pg_sys::Node, context: *mut c_void) -> bool {
    if node.is_null() {
        return false;
    }
    // SAFETY: Postgres calls this for nodes of the query. `context` is the pair of `mentions_column`, which is only
    // read. A Var of this query level names an entry of the range table. The tag of a node names its struct.
    unsafe {
        match (*node).type_ {
            NodeTag::T_Query => false,
            NodeTag::T_Var => {
                let (parse, column) = *context.cast::<(*mut pg_sys::Query, Column)>();
                let var = node.cast::<pg_sys::Var>();
                let is_its = (*var).varno == column.table && [column.number, 0].contains(&(*var).varattno);
                let entries = PgList::<pg_sys::RangeTblEntry>::from_pg((*parse).rtable);
                let entry = usize::try_from((*var).varno - 1).ok().and_then(|index| entries.get_ptr(index));
                let is_of_join = entry.is_none_or(|entry| (*entry).rtekind == pg_sys::RTEKind::RTE_JOIN);
                (*var).varlevelsup == 0 && (is_its || is_of_join)
            }
            _ => expression_tree_walker(node, Some(is_column), context),
        }
    }
}
