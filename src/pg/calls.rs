//! The calls that are replaced before a query is planned.

use crate::pg::plans;
use crate::pg::sub_select::SetQuery;
use crate::pg::substitution::{ColumnCall, Constant};
use crate::pg::written::Substitute;
use pgrx::pg_sys::{self, NodeTag, Oid};
use pgrx::{PgBox, PgList, is_a};
use std::rc::Rc;
use std::sync::OnceLock;

/// The calls that are replaced. Functions are known by their support functions.
pub struct Replaceable {
    /// Set-returning functions, whose calls become queries
    pub set: Support,
    /// Finds the query for a call; `None` if the call must stay
    pub query: fn(&SetCall) -> Option<SetQuery>,
    /// Functions whose calls become conditions (see [`where_clause`](crate::pg::where_clause))
    pub test: Support,
    /// Finds the condition for a call; `None` if the call must stay
    pub condition: fn(&ColumnCall) -> Option<Rc<Substitute>>,
}

/// A function that Postgres calls by pointer.
pub type Support = unsafe extern "C-unwind" fn(pg_sys::FunctionCallInfo) -> pg_sys::Datum;

/// What is replaced, once the hook is installed.
pub(super) static REPLACEABLE: OnceLock<Replaceable> = OnceLock::new();

/// A call whose first argument is known.
pub struct SetCall {
    pub constant: Constant,
    /// The type of the values that the call returns
    pub type_id: Oid,
}

/// Looks for calls in a query that is about to be planned.
pub(super) struct Walk {
    pub replaceable: &'static Replaceable,
    pub parameters: pg_sys::ParamListInfo,
    /// The whole query, and a copy of it from before anything was replaced, if it has a call
    pub query: *mut pg_sys::Query,
    pub copy: Option<*mut pg_sys::Query>,
    /// The functions whose calls were replaced, and what stands in their place
    pub replaced: Vec<(Oid, Rc<Substitute>)>,
}

impl Walk {
    /// Keeps a copy of the query if a node is a call. All calls of a query are met before one of them is replaced.
    ///
    /// # Safety
    /// The node is a part of the query.
    pub(super) unsafe fn keep_query_with(&mut self, node: *mut pg_sys::Node) {
        // SAFETY: by this function's own condition. The tag of a node names its struct.
        unsafe {
            if self.copy.is_some() || !is_a(node, NodeTag::T_FuncExpr) {
                return;
            }
            let function = (*node.cast::<pg_sys::FuncExpr>()).funcid;
            if has_support(function, self.replaceable.test) || has_support(function, self.replaceable.set) {
                self.copy = Some(pg_sys::copyObjectImpl(self.query.cast()).cast());
            }
        }
    }

    /// The condition that a call stands for, if a node is a call with a column of the query and a known value.
    ///
    /// # Safety
    /// The node is a part of the query.
    pub(super) unsafe fn condition_of(
        &mut self,
        query: *mut pg_sys::Query,
        call: *mut pg_sys::Node,
    ) -> Option<(ColumnCall, Rc<Substitute>)> {
        // SAFETY: by this function's own condition. The tag of a node names its struct.
        unsafe {
            if !is_a(call, NodeTag::T_FuncExpr) {
                return None;
            }
            let call = call.cast::<pg_sys::FuncExpr>();
            let (function, replaceable) = ((*call).funcid, self.replaceable);
            if !has_support(function, replaceable.test) {
                return None;
            }
            let known = self.known_argument(query, call, 1)?;
            let call = ColumnCall::in_query(query, function, argument(call, 0)?, known)?;
            let substitute = plans::inside_planner(|| (replaceable.condition)(&call))?;
            Some((call, substitute))
        }
    }

    /// Says that a call of a function was replaced.
    pub(super) fn has_replaced(&mut self, function: Oid, substitute: Rc<Substitute>) {
        plans::depend(function, &substitute);
        self.replaced.push((function, substitute));
    }

    /// The value of an argument of a call, if it is known now.
    ///
    /// # Safety
    /// The call is part of the query.
    pub(super) unsafe fn known_argument(
        &self,
        query: *mut pg_sys::Query,
        call: *mut pg_sys::FuncExpr,
        number: i32,
    ) -> Option<*mut pg_sys::Const> {
        // SAFETY: by this function's own condition. The tag of a node names its struct. The state of the planner is only
        // read. It has what eval_const_expressions reads for an expression without columns.
        unsafe {
            let mut argument = argument(call, number)?;
            if !is_a(argument, NodeTag::T_Const) {
                if pg_sys::contain_var_clause(argument) || pg_sys::checkExprHasSubLink(argument) {
                    return None;
                }
                let mut global = PgBox::<pg_sys::PlannerGlobal>::alloc_node(NodeTag::T_PlannerGlobal);
                global.boundParams = self.parameters;
                let mut root = PgBox::<pg_sys::PlannerInfo>::alloc_node(NodeTag::T_PlannerInfo);
                root.parse = query;
                root.glob = global.into_pg();
                argument =
                    pg_sys::eval_const_expressions(root.into_pg(), pg_sys::copyObjectImpl(argument.cast()).cast());
            }
            is_a(argument, NodeTag::T_Const).then_some(argument.cast())
        }
    }
}

/// An argument of a call, by its number.
///
/// # Safety
/// The call has been parsed.
unsafe fn argument(call: *mut pg_sys::FuncExpr, number: i32) -> Option<*mut pg_sys::Node> {
    // SAFETY: by this function's own condition. The tag of a node names its struct.
    unsafe {
        let is_its = |(index, argument): &(usize, *mut pg_sys::Node)| match (**argument).type_ {
            NodeTag::T_NamedArgExpr => (*argument.cast::<pg_sys::NamedArgExpr>()).argnumber == number,
            _ => *index == number as usize,
        };
        let arguments = PgList::<pg_sys::Node>::from_pg((*call).args);
        let (_, argument) = arguments.iter_ptr().enumerate().find(is_its)?;
        Some(match (*argument).type_ {
            NodeTag::T_NamedArgExpr => (*argument.cast::<pg_sys::NamedArgExpr>()).arg.cast(),
            _ => argument,
        })
    }
}

/// Whether a function that a query calls has this support function.
///
/// # Safety
/// The function exists, because the query depends on it.
pub(super) unsafe fn has_support(function: Oid, sought: Support) -> bool {
    if function.to_u32() < pg_sys::FirstNormalObjectId {
        return false;
    }
    // SAFETY: by this function's own condition.
    unsafe {
        let support = pg_sys::get_func_support(function);
        if support == pg_sys::InvalidOid {
            return false;
        }
        let mut info = pg_sys::FmgrInfo::default();
        pg_sys::fmgr_info(support, &raw mut info);
        info.fn_addr.is_some_and(|address| std::ptr::fn_addr_eq(address, sought))
    }
}
