//! Calls in conditions of a query, which the planner gets as the conditions that they stand for.
//!
//! The support function of a call is asked when the planner simplifies expressions. By then it has joined the sub-selects
//! of `IN` and `EXISTS`, so that those which come from a call stay sub-plans. One that groups the rows of a relation would
//! run once for each row of the query where its result does not fit into `work_mem`. So this is done before the planner
//! begins: the condition of a call that is a conjunct, alone or under NOT, is put in its place. For calls under OR, the
//! table is joined with the segment's members. Calls outside of conditions are left to the support function.

use crate::pg::calls::Walk;
use crate::pg::nodes::{is_not_null, when};
use crate::pg::outer_join::{add_nulling_join, is_nullable, without_outer_joins};
use crate::pg::substitution::ColumnCall;
use crate::pg::written::Substitute;
use pgrx::pg_sys::{self, BoolExprType, JoinType, NodeTag};
use pgrx::{PgBox, PgList, is_a};
use std::rc::Rc;

/// The conditions of a query.
pub(super) struct Conditions<'w> {
    walk: &'w mut Walk,
    query: *mut pg_sys::Query,
    /// What tables of the query are joined with
    joined: Vec<Joined>,
}

/// A sub-select of members that a table is joined with.
struct Joined {
    substitute: Rc<Substitute>,
    /// The number of the table, and of its column with the id
    of: (i32, i16),
    /// The numbers of the sub-select, and of the join
    members: i32,
    join: i32,
}

impl<'w> Conditions<'w> {
    /// Replaces the calls in WHERE, and in the conditions of inner joins.
    ///
    /// # Safety
    /// The query is about to be planned, and belongs to this plan alone.
    pub(super) unsafe fn replace(walk: &'w mut Walk, query: *mut pg_sys::Query) {
        let mut conditions = Conditions { walk, query, joined: Vec::new() };
        // SAFETY: by this function's own condition.
        unsafe { conditions.replace_in((*query).jointree.cast()) }
    }

    /// # Safety
    /// The node is null or a part of the query's join tree.
    unsafe fn replace_in(&mut self, node: *mut pg_sys::Node) {
        if node.is_null() {
            return;
        }
        // SAFETY: by this function's own condition. The tag of a node names its struct. A condition speaks of tables below
        // it alone, so that no list is changed which is read here.
        unsafe {
            match (*node).type_ {
                NodeTag::T_FromExpr => {
                    let from = node.cast::<pg_sys::FromExpr>();
                    for part in PgList::<pg_sys::Node>::from_pg((*from).fromlist).iter_ptr() {
                        self.replace_in(part);
                    }
                    (*from).quals = self.replaced((*from).quals, true);
                }
                NodeTag::T_JoinExpr => {
                    let join = node.cast::<pg_sys::JoinExpr>();
                    self.replace_in((*join).larg);
                    self.replace_in((*join).rarg);
                    if (*join).jointype == JoinType::JOIN_INNER {
                        (*join).quals = self.replaced((*join).quals, true);
                    }
                }
                _ => {}
            }
        }
    }

    /// A condition with its calls replaced, which is a conjunct of a condition of the query, or a part of one.
    ///
    /// # Safety
    /// The node is null or a part of the query.
    unsafe fn replaced(&mut self, node: *mut pg_sys::Node, is_conjunct: bool) -> *mut pg_sys::Node {
        if node.is_null() {
            return node;
        }
        // SAFETY: by this function's own condition. The tag of a node names its struct.
        unsafe {
            if is_a(node, NodeTag::T_FuncExpr) {
                let replaced = if is_conjunct { self.condition(node, true) } else { self.test(node) };
                return replaced.unwrap_or(node);
            }
            if !is_a(node, NodeTag::T_BoolExpr) {
                return node;
            }
            let expression = node.cast::<pg_sys::BoolExpr>();
            let mut arguments = PgList::<pg_sys::Node>::from_pg((*expression).args);
            let is_negation = (*expression).boolop == BoolExprType::NOT_EXPR;
            if is_negation
                && is_conjunct
                && let Some(condition) = arguments.get_ptr(0).and_then(|call| self.condition(call, false))
            {
                return condition;
            }
            let are_conjuncts = is_conjunct && (*expression).boolop == BoolExprType::AND_EXPR;
            for number in 0..arguments.len() {
                if let Some(part) = arguments.get_ptr(number) {
                    let part = self.replaced(part, are_conjuncts);
                    arguments.replace_ptr(number, part);
                }
            }
            (*expression).args = arguments.into_pg();
            node
        }
    }

    /// The condition that a call stands for, or its negation.
    ///
    /// # Safety
    /// The node is a part of the query.
    unsafe fn condition(&mut self, node: *mut pg_sys::Node, positive: bool) -> Option<*mut pg_sys::Node> {
        // SAFETY: by this function's own condition.
        unsafe {
            let (call, substitute) = self.walk.condition_of(self.query, node)?;
            let is_nullable = is_nullable((*self.query).jointree.cast(), call.varno());
            let condition = call.conjunct(&substitute, positive, is_nullable)?;
            self.walk.has_replaced(call.function(), substitute);
            Some(condition)
        }
    }

    /// That the id of a call is among the members that its table is joined with.
    ///
    /// # Safety
    /// The node is a part of the query.
    unsafe fn test(&mut self, node: *mut pg_sys::Node) -> Option<*mut pg_sys::Node> {
        // SAFETY: by this function's own condition.
        unsafe {
            let (call, substitute) = self.walk.condition_of(self.query, node)?;
            let is_nullable = is_nullable((*self.query).jointree.cast(), call.varno());
            let (members, join) = self.join(&call, &substitute)?;
            let (id, is_nullable) = (call.var(), is_nullable || call.may_be_null(&substitute));
            let member = pg_sys::makeVar(members, 1, (*id).vartype, (*id).vartypmod, (*id).varcollid, 0);
            add_nulling_join(member, id, join);
            let is_member = is_not_null(member);
            Some(if is_nullable { when(is_not_null(id), is_member) } else { is_member })
        }
    }

    /// Joins the table of a call with the members, unless it is joined with them already. Returns the numbers of the
    /// sub-select and of the join.
    ///
    /// # Safety
    /// The call is one of the query.
    unsafe fn join(&mut self, call: &ColumnCall, substitute: &Rc<Substitute>) -> Option<(i32, i32)> {
        let of = call.place();
        let is_known = |known: &&Joined| known.of == of && Rc::ptr_eq(&known.substitute, substitute);
        if let Some(known) = self.joined.iter().find(is_known) {
            return Some((known.members, known.join));
        }
        // SAFETY: by this function's own condition. The nodes are new, or belong to this plan alone.
        unsafe {
            let (entry, equals) = (call.members(substitute)?, call.equality()?);
            let members = pg_sys::list_length((*self.query).rtable) + 1;
            let join = members + 1;
            let mut of_join = PgBox::<pg_sys::RangeTblEntry>::alloc_node(NodeTag::T_RangeTblEntry);
            of_join.rtekind = pg_sys::RTEKind::RTE_JOIN;
            of_join.jointype = JoinType::JOIN_LEFT;
            of_join.eref = pg_sys::makeAlias(c"members".as_ptr(), std::ptr::null_mut());
            of_join.inFromCl = true;
            let id = without_outer_joins(call.var());
            let member = pg_sys::makeVar(members, 1, (*id).vartype, (*id).vartypmod, (*id).varcollid, 0);
            let (none, bool_type) = (pg_sys::InvalidOid, pg_sys::BOOLOID);
            let is_same =
                pg_sys::make_opclause(equals, bool_type, false, member.cast(), id.cast(), none, (*id).varcollid);
            pg_sys::set_opfuncid(is_same.cast());
            let mut right = PgBox::<pg_sys::RangeTblRef>::alloc_node(NodeTag::T_RangeTblRef);
            right.rtindex = members;
            let mut joined = PgBox::<pg_sys::JoinExpr>::alloc_node(NodeTag::T_JoinExpr);
            joined.jointype = JoinType::JOIN_LEFT;
            joined.rarg = right.into_pg().cast();
            joined.quals = is_same.cast();
            joined.rtindex = join;
            put_beside((*self.query).jointree.cast(), of.0, joined.into_pg())?;
            (*self.query).rtable = pg_sys::lappend((*self.query).rtable, entry.cast());
            (*self.query).rtable = pg_sys::lappend((*self.query).rtable, of_join.into_pg().cast());
            self.joined.push(Joined { substitute: substitute.clone(), of, members, join });
            self.walk.has_replaced(call.function(), substitute.clone());
            Some((members, join))
        }
    }
}

/// Puts a join, whose left side is empty, in the place of a table in a join tree, and the table on its left side. `None`
/// if the table is not there.
///
/// # Safety
/// The node is a part of the join tree of a query that belongs to one plan.
unsafe fn put_beside(node: *mut pg_sys::Node, table: i32, join: *mut pg_sys::JoinExpr) -> Option<()> {
    // SAFETY: by this function's own condition. The tag of a node names its struct.
    unsafe {
        let is_table = |node: *mut pg_sys::Node| {
            is_a(node, NodeTag::T_RangeTblRef) && (*node.cast::<pg_sys::RangeTblRef>()).rtindex == table
        };
        let put = |place: *mut pg_sys::Node| {
            (*join).larg = place;
            join.cast::<pg_sys::Node>()
        };
        match (*node).type_ {
            NodeTag::T_FromExpr => {
                let from = node.cast::<pg_sys::FromExpr>();
                let mut parts = PgList::<pg_sys::Node>::from_pg((*from).fromlist);
                for number in 0..parts.len() {
                    let part = parts.get_ptr(number)?;
                    if is_table(part) {
                        parts.replace_ptr(number, put(part));
                        (*from).fromlist = parts.into_pg();
                        return Some(());
                    }
                    if put_beside(part, table, join).is_some() {
                        return Some(());
                    }
                }
                None
            }
            NodeTag::T_JoinExpr => {
                let outer = node.cast::<pg_sys::JoinExpr>();
                for side in [&raw mut (*outer).larg, &raw mut (*outer).rarg] {
                    if is_table(*side) {
                        *side = put(*side);
                        return Some(());
                    }
                    if put_beside(*side, table, join).is_some() {
                        return Some(());
                    }
                }
                None
            }
            _ => None,
        }
    }
}
