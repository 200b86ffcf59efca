//! Calls of a set-returning function, which the planner gets as the query that they stand for.
//!
//! Postgres does this for functions in SQL (`inline_set_returning_function` in `src/backend/optimizer/util/clauses.c`), and
//! since Postgres 19 for others that have a support function. Here it is done before the planner begins, in the same way
//! in every version. A call in FROM whose query is not known moves to the select list of a sub-select, because Postgres
//! stores all rows of a function in FROM before it returns the first one.

use crate::pg::substitution::{Constant, may_execute};
use crate::pg::subtransaction::hiding_queries;
use crate::pg::walker::{expression_tree_walker, query_tree_walker};
use crate::pg::written::{Substitute, is_forbidden, owned};
use crate::pg::{plans, relcache, security};
use pgrx::pg_sys::{self, NodeTag, Oid};
use pgrx::spi::{quote_identifier, quote_qualified_identifier};
use pgrx::{PgBox, PgList, is_a, pg_guard};
use std::ffi::{CString, c_char, c_int, c_void};
use std::rc::Rc;
use std::sync::OnceLock;

/// A call whose first argument is known.
pub struct SetCall {
    pub constant: Constant,
    /// The type of the values that the call returns
    pub type_id: Oid,
}

/// The query that a call stands for: the values of an expression for the rows that satisfy a condition.
pub struct SetQuery {
    /// The expression as SQL that means the same under any search_path
    pub expression: String,
    pub substitute: Rc<Substitute>,
}

/// Finds the query for a call; `None` if the call must stay.
type Find = fn(&SetCall) -> Option<SetQuery>;

struct Installed {
    /// The hook that another library had installed before
    before: pg_sys::planner_hook_type,
    /// The support function of the functions whose calls are replaced
    support: Support,
    find: Find,
}

/// A function that Postgres calls by pointer.
pub type Support = unsafe extern "C-unwind" fn(pg_sys::FunctionCallInfo) -> pg_sys::Datum;

static INSTALLED: OnceLock<Installed> = OnceLock::new();

/// Installs the hook that sees each query before it is planned.
pub fn install(support: Support, find: Find) {
    // SAFETY: Postgres expects hooks to be set when a library is loaded, which is when this runs.
    unsafe {
        let _ = INSTALLED.set(Installed { before: pg_sys::planner_hook, support, find });
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
        replaced(query, parameters, |before| match before {
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
        replaced(query, parameters, |before| match before {
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
    plan: impl FnOnce(pg_sys::planner_hook_type) -> *mut pg_sys::PlannedStmt,
) -> *mut pg_sys::PlannedStmt {
    let Some(installed) = INSTALLED.get() else { return plan(None) };
    let mut walk = Walk { installed, parameters, replaced: Vec::new() };
    // SAFETY: by this function's own condition. The plan has just been made when it is changed.
    plans::inside_planner(|| unsafe {
        visit(query.cast(), (&raw mut walk).cast());
        let planned = plan(installed.before);
        if !walk.replaced.is_empty() {
            (*planned).dependsOnRole = true;
        }
        for (function, substitute) in &walk.replaced {
            plans::list(&mut (*planned).relationOids, &mut (*planned).invalItems, *function, substitute);
        }
        planned
    })
}

/// The query that a call in FROM stands for, if Postgres asks while it plans the query around it. So it does for calls that
/// come from a function in SQL, and for the first call in a session, which loads the library.
///
/// # Safety
/// The planner has made the request.
#[cfg(feature = "pg19")]
pub unsafe fn inlined(request: &pg_sys::SupportRequestInlineInFrom) -> Option<*mut pg_sys::Query> {
    let installed = INSTALLED.get()?;
    // SAFETY: by this function's own condition.
    unsafe {
        let (root, global) = (request.root, (*request.root).glob);
        let mut walk = Walk { installed, parameters: (*global).boundParams, replaced: Vec::new() };
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

struct Walk {
    installed: &'static Installed,
    parameters: pg_sys::ParamListInfo,
    /// The functions whose calls were replaced, and what stands in their place
    replaced: Vec<(Oid, Rc<Substitute>)>,
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
            return expression_tree_walker(node, Some(visit), context);
        }
        query_tree_walker(node.cast(), Some(visit), context, 0);
        let walk = &mut *context.cast::<Walk>();
        walk.replace_in_from(node.cast());
        walk.replace_in_select_list(node.cast());
    }
    false
}

impl Walk {
    /// Replaces the calls in FROM.
    ///
    /// # Safety
    /// The query is about to be planned, and belongs to this plan alone.
    unsafe fn replace_in_from(&mut self, query: *mut pg_sys::Query) {
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
    unsafe fn replace_in_select_list(&mut self, query: *mut pg_sys::Query) {
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
            let name = pg_sys::get_func_name((*call).funcid);
            let columns = pg_sys::lappend(std::ptr::null_mut(), pg_sys::makeString(pg_sys::pstrdup(name)).cast());
            let mut entry = PgBox::<pg_sys::RangeTblEntry>::alloc_node(NodeTag::T_RangeTblEntry);
            entry.rtekind = pg_sys::RTEKind::RTE_SUBQUERY;
            entry.subquery = subquery;
            entry.eref = pg_sys::makeAlias(name, columns);
            entry.inFromCl = true;
            (*query).rtable = pg_sys::lappend(std::ptr::null_mut(), entry.into_pg().cast());
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
            if !(*call).funcretset || (*call).funcid.to_u32() < pg_sys::FirstNormalObjectId {
                return None;
            }
            let support = pg_sys::get_func_support((*call).funcid);
            if support == pg_sys::InvalidOid {
                return None;
            }
            let mut info = pg_sys::FmgrInfo::default();
            pg_sys::fmgr_info(support, &raw mut info);
            let is_sought = info.fn_addr.is_some_and(|address| std::ptr::fn_addr_eq(address, self.installed.support));
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
            let constant = self.first_argument(query, call)?;
            if !may_execute(function, security::current_role()) {
                return None;
            }
            // On Postgres 19 a plan may be made without the hook.
            let found = plans::inside_planner(|| (self.installed.find)(&SetCall { constant, type_id }))?;
            let collation = pg_sys::exprCollation(call.cast());
            let query = hiding_queries(|| parse(&found, type_id, collation))?;
            plans::depend(function, &found.substitute);
            self.replaced.push((function, found.substitute));
            Some(query)
        }
    }

    /// The value of the first argument of a call, if it is known now.
    ///
    /// # Safety
    /// The call is part of the query.
    unsafe fn first_argument(&self, query: *mut pg_sys::Query, call: *mut pg_sys::FuncExpr) -> Option<Constant> {
        // SAFETY: by this function's own condition. The tag of a node names its struct. The state of the planner is only
        // read. It has what eval_const_expressions reads for an expression without columns.
        unsafe {
            let is_first = |(index, argument): &(usize, *mut pg_sys::Node)| match (**argument).type_ {
                NodeTag::T_NamedArgExpr => (*argument.cast::<pg_sys::NamedArgExpr>()).argnumber == 0,
                _ => *index == 0,
            };
            let arguments = PgList::<pg_sys::Node>::from_pg((*call).args);
            let (_, mut argument) = arguments.iter_ptr().enumerate().find(is_first)?;
            if is_a(argument, NodeTag::T_NamedArgExpr) {
                argument = (*argument.cast::<pg_sys::NamedArgExpr>()).arg.cast();
            }
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
            if !is_a(argument, NodeTag::T_Const) {
                return None;
            }
            Constant::of(&*argument.cast::<pg_sys::Const>())
        }
    }
}

/// The query, parsed and with the policies of the tables that it reads; `None` if the current role may not read them, or
/// if the names mean something else now.
fn parse(found: &SetQuery, type_id: Oid, collation: Oid) -> Option<*mut pg_sys::Query> {
    let substitute = &*found.substitute;
    // SAFETY: the text is NUL-terminated. It has one statement, which is a SELECT of one column from one table. The parser
    // raises where a name does not exist. The policies of tables are added by QueryRewrite, once these are locked.
    unsafe {
        let name = quote_qualified_identifier(
            owned(pg_sys::get_namespace_name(pg_sys::get_rel_namespace(substitute.table)))?,
            owned(pg_sys::get_rel_name(substitute.table))?,
        );
        let alias = quote_identifier(&substitute.alias);
        let text = format!("SELECT {} FROM {name} AS {alias} WHERE {}", found.expression, substitute.sql);
        let text = CString::new(text).ok()?;
        let statements = pg_sys::raw_parser(text.as_ptr(), pg_sys::RawParseMode::RAW_PARSE_DEFAULT);
        let statement = PgList::<pg_sys::RawStmt>::from_pg(statements).get_ptr(0)?;
        let none = std::ptr::null_mut();
        let query = pg_sys::parse_sub_analyze((*statement).stmt, none, none.cast(), false, true);
        let entry = PgList::<pg_sys::RangeTblEntry>::from_pg((*query).rtable).get_ptr(0)?;
        if (*entry).relid != substitute.table {
            return None;
        }
        pg_sys::AcquireRewriteLocks(query, true, false);
        let query = PgList::<pg_sys::Query>::from_pg(pg_sys::QueryRewrite(query)).get_ptr(0)?;
        let target = PgList::<pg_sys::TargetEntry>::from_pg((*query).targetList).get_ptr(0)?;
        if pg_sys::exprType((*target).expr.cast()) != type_id || is_forbidden(query.cast(), std::ptr::null_mut()) {
            return None;
        }
        // Around the call, values are sorted and compared by the collation of its result.
        if pg_sys::exprCollation((*target).expr.cast()) != collation {
            let mut collated = PgBox::<pg_sys::CollateExpr>::alloc_node(NodeTag::T_CollateExpr);
            collated.arg = (*target).expr;
            collated.collOid = collation;
            collated.location = -1;
            (*target).expr = collated.into_pg().cast();
        }
        Some(query)
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
