//! The two ways to say a condition that reads rows of relations, for the queries that users write.
//!
//! What rows do together, such as `count(*) >= 3`, is asked of all contacts by a sub-query that groups the whole relation.
//! That is the faster way for many contacts. For few, whom the rest of a query finds, their rows are looked up by index.
//! Postgres turns neither into the other. So a query with such a condition is planned in both ways, and the cheaper plan is
//! kept.

use crate::pg::walker::expression_tree_walker;
use crate::pg::written::Substitute;
use pgrx::pg_sys::{self, NodeTag};
use pgrx::{PgList, is_a, pg_guard};
use std::cell::Cell;
use std::ffi::c_void;

/// How conditions on rows are said in the plan that is being made.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Way {
    /// By sub-queries that are joined with contacts
    Joined,
    /// By look-ups of the rows of the contact at hand
    LookedUp,
}

#[derive(Clone, Copy)]
struct Planning {
    way: Way,
    /// Whether a condition in the plan would be another one in the other way
    has_other: bool,
}

thread_local! {
    static PLANNING: Cell<Planning> = const { Cell::new(Planning { way: Way::Joined, has_other: false }) };
}

/// Restores what was before. Queries that functions run while a plan is made are planned inside of it.
struct Restore(Planning);

impl Drop for Restore {
    fn drop(&mut self) {
        PLANNING.set(self.0);
    }
}

impl Way {
    /// Runs `work`, which makes a plan in this way. Returns also whether the plan would be another one in the other way.
    pub fn plan<T>(self, work: impl FnOnce() -> T) -> (T, bool) {
        let _restore = Restore(PLANNING.replace(Planning { way: self, has_other: false }));
        let planned = work();
        (planned, PLANNING.get().has_other)
    }

    /// The way of the plan that is being made.
    pub fn current() -> Self {
        PLANNING.get().way
    }
}

/// The cost of a plan. To the planner's estimate it adds the sub-plans in conditions of joins, which the planner leaves out.
///
/// # Safety
/// The pointer is to a plan.
pub unsafe fn cost(plan: *mut pg_sys::PlannedStmt) -> f64 {
    // SAFETY: by this function's own condition.
    unsafe {
        let others = PgList::<pg_sys::Plan>::from_pg((*plan).subplans);
        let roots = std::iter::once((*plan).planTree).chain(others.iter_ptr());
        (*(*plan).planTree).total_cost + roots.map(|root| of_join_conditions(root)).sum::<f64>()
    }
}

/// What the sub-plans in conditions of the joins below a node cost, which run for as many rows as the larger side has at least.
///
/// # Safety
/// The node is null or a part of a plan.
unsafe fn of_join_conditions(node: *mut pg_sys::Plan) -> f64 {
    if node.is_null() {
        return 0.0;
    }
    // SAFETY: by this function's own condition. The tag of a node names its struct, which begins with the plan, and that of a
    // join with the join.
    unsafe {
        let (left, right) = ((*node).lefttree, (*node).righttree);
        let (parts, is_join) = match (*node).type_ {
            NodeTag::T_Append => ((*node.cast::<pg_sys::Append>()).appendplans, false),
            NodeTag::T_MergeAppend => ((*node.cast::<pg_sys::MergeAppend>()).mergeplans, false),
            NodeTag::T_SubqueryScan => {
                return of_join_conditions((*node.cast::<pg_sys::SubqueryScan>()).subplan);
            }
            NodeTag::T_NestLoop | NodeTag::T_MergeJoin | NodeTag::T_HashJoin => (std::ptr::null_mut(), true),
            _ => (std::ptr::null_mut(), false),
        };
        let mut below = of_join_conditions(left) + of_join_conditions(right);
        below += PgList::<pg_sys::Plan>::from_pg(parts).iter_ptr().map(|part| of_join_conditions(part)).sum::<f64>();
        if !is_join {
            return below;
        }
        let mut each = 0.0;
        add_sub_plans((*node).qual.cast(), (&raw mut each).cast());
        add_sub_plans((*node.cast::<pg_sys::Join>()).joinqual.cast(), (&raw mut each).cast());
        below + each * (*left).plan_rows.max((*right).plan_rows).max((*node).plan_rows)
    }
}

/// Adds what one run of each sub-plan in an expression costs. It never ends the walk.
#[pg_guard]
unsafe extern "C-unwind" fn add_sub_plans(node: *mut pg_sys::Node, each: *mut c_void) -> bool {
    if node.is_null() {
        return false;
    }
    // SAFETY: Postgres calls this for nodes of a condition of a plan. `each` is the sum. The tag of a node names its struct.
    unsafe {
        if is_a(node, NodeTag::T_SubPlan) {
            *each.cast::<f64>() += (*node.cast::<pg_sys::SubPlan>()).per_call_cost;
        }
        expression_tree_walker(node, Some(add_sub_plans), each)
    }
}

/// Whether a plan that reads all rows costs so much that another one may be worth the time that it takes to make.
pub fn is_dear(joined: f64) -> bool {
    joined > 1000.0
}

/// Whether look-ups are used, by the costs of both plans. They have to be much cheaper: where many more contacts are found than
/// the planner estimates, they are by far the worse mistake.
pub fn prefers_look_ups(joined: f64, looked_up: f64) -> bool {
    is_dear(joined) && looked_up * 4.0 < joined
}

/// The condition that is put in the place of a call in the plan that is being made.
pub(super) fn condition(substitute: &Substitute) -> &str {
    let planning = PLANNING.get();
    let Some(looked_up) = substitute.of_rows.as_ref().and_then(|of_rows| of_rows.looked_up.as_ref()) else {
        return &substitute.sql;
    };
    PLANNING.set(Planning { has_other: true, ..planning });
    if planning.way == Way::LookedUp { looked_up } else { &substitute.sql }
}
