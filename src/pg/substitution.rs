//! Putting a condition, written in SQL, in the place of a call that the planner simplifies.
//!
//! Postgres: `SupportRequestSimplify` in `src/include/nodes/supportnodes.h`, `simplify_function` in
//! `src/backend/optimizer/util/clauses.c`.

use crate::pg::nodes::{both, is_not_null, is_true, when};
use crate::pg::outer_join::{is_nulled, null_like};
use crate::pg::place::{Column, Places};
use crate::pg::semi_join::{Conjunct, has_subclass, has_virtual_columns, take_out};
use crate::pg::sub_select::{SetQuery, parse, sub_select_entry};
#[cfg(not(feature = "pg15"))]
use crate::pg::written::permissions;
use crate::pg::written::{OfRows, Substitute, Written, owned};
use crate::pg::{plans, security, way};
use pgrx::pg_sys::{self, NodeTag, Oid};
use pgrx::spi::quote_identifier;
use pgrx::{FromDatum, PgList, is_a};
use std::rc::Rc;
use uuid::Uuid;

/// A call with a column of a table of the query, and with a constant.
pub struct ColumnCall {
    parse: *mut pg_sys::Query,
    depth: u32,
    function: Oid,
    var: *mut pg_sys::Var,
    entry: *mut pg_sys::RangeTblEntry,
    constant: *mut pg_sys::Const,
}

/// The constant of a call.
pub enum Constant {
    Uuid(Uuid),
    Text(String),
}

impl Constant {
    /// The value of a node; `None` if it is NULL or has another type.
    ///
    /// # Safety
    /// The value has the type that the node says.
    pub unsafe fn of(node: &pg_sys::Const) -> Option<Self> {
        // SAFETY: by this function's own condition. The value is copied.
        unsafe {
            match node.consttype {
                pg_sys::UUIDOID => pgrx::Uuid::from_datum(node.constvalue, node.constisnull)
                    .map(|id| Constant::Uuid(Uuid::from_bytes(*id.as_bytes()))),
                pg_sys::TEXTOID => String::from_datum(node.constvalue, node.constisnull).map(Constant::Text),
                _ => None,
            }
        }
    }
}

impl ColumnCall {
    /// The call of a request; `None` if it is no such call, or if nothing can be put in its place.
    ///
    /// # Safety
    /// The planner has made the request, and planning goes on until the result is dropped.
    pub unsafe fn of(request: &pg_sys::SupportRequestSimplify) -> Option<Self> {
        let (root, call) = (request.root, request.fcall);
        // SAFETY: by this function's own condition. `root` is null where no query is planned. The tag of a node names
        // its struct.
        unsafe {
            // Later than the preparation of expressions, the planner simplifies what is not the query's own, such as
            // CHECK constraints.
            if root.is_null() || !(*root).simple_rel_array.is_null() {
                return None;
            }
            let arguments = PgList::<pg_sys::Node>::from_pg((*call).args);
            let (id, constant) = (arguments.get_ptr(0)?, arguments.get_ptr(1)?);
            if !is_a(constant, NodeTag::T_Const) {
                return None;
            }
            let found = Self::in_query((*root).parse, (*call).funcid, id, constant.cast())?;
            Some(ColumnCall { depth: (*root).query_level, ..found })
        }
    }

    /// The call of a function with an expression and a constant, in a query that is planned or is about to be; `None` if
    /// the expression is no column of a table, or if nothing can be put in the place of the call.
    ///
    /// # Safety
    /// The expression is a part of the query, and planning does not end before the result is dropped.
    pub unsafe fn in_query(
        parse: *mut pg_sys::Query,
        function: Oid,
        id: *mut pg_sys::Node,
        constant: *mut pg_sys::Const,
    ) -> Option<Self> {
        // SAFETY: by this function's own condition. The tag of a node names its struct.
        unsafe {
            let var = without_casts_to_text(id);
            if !is_a(var, NodeTag::T_Var) {
                return None;
            }
            let var = var.cast::<pg_sys::Var>();
            let entries = PgList::<pg_sys::RangeTblEntry>::from_pg((*parse).rtable);
            let entry = entries.get_ptr(usize::try_from((*var).varno - 1).ok()?)?;
            let is_column = (*var).varlevelsup == 0 && (*var).varattno > 0 && is_current_row(var);
            let is_table = (*entry).rtekind == pg_sys::RTEKind::RTE_RELATION
                && matches!((*entry).relkind as u8, b'r' | b'p' | b'm' | b'f');
            let call = ColumnCall { parse, depth: 1, function, var, entry, constant };
            (is_column && is_table && !(*constant).constisnull && call.is_read_by_role()).then_some(call)
        }
    }

    /// The table that the query reads, which may be a partition of the one that the call is about.
    pub fn table(&self) -> Oid {
        // SAFETY: by `of`.
        unsafe { (*self.entry).relid }
    }

    /// In how many queries the call stands, one inside the other.
    pub fn depth(&self) -> u32 {
        self.depth
    }

    /// The name of the column.
    pub fn column(&self) -> Option<String> {
        // SAFETY: by `of`. With missing_ok the function returns null or a palloc'ed C string.
        unsafe { owned(pg_sys::get_attname(self.table(), (*self.var).varattno, true)) }
    }

    /// The constant; `None` if it has another type.
    pub fn constant(&self) -> Option<Constant> {
        // SAFETY: by `of`.
        unsafe { Constant::of(&*self.constant) }
    }

    /// Puts a condition in the place of the call; `None` if the call has to stay. The plan of the query is then made
    /// anew for another role, and when one of the sources changes. The columns that the condition reads are added to
    /// those that Postgres checks the rights for, whenever the plan is run.
    ///
    /// # Safety
    /// The planner simplifies the expressions of the query, with this state.
    pub unsafe fn put(&self, root: *mut pg_sys::PlannerInfo, substitute: &Substitute) -> Option<*mut pg_sys::Node> {
        let column = Column { table: self.varno(), number: self.varattno() };
        // SAFETY: by `of`, and because the preparation of expressions is under way. The nodes that are changed are new,
        // or belong to this plan alone, which is about to be made.
        unsafe {
            let places = Places::of(root, column, pg_sys::get_func_support(self.function));
            let is_nullable = places.is_nullable || self.may_be_null(substitute);
            let is_condition = places.in_condition && !places.elsewhere;
            // Grouping sets put NULL in the place of the column, but not in that of others.
            if places.is_unclear || !is_condition && self.has_grouping_sets() {
                return None;
            }
            let sql = match &substitute.of_rows {
                Some(OfRows { looked_up: Some(looked_up), finds_contact: true, .. })
                    if !self.reads_stored_rows(is_condition, substitute.table) =>
                {
                    looked_up
                }
                _ => way::condition(substitute),
            };
            let written = self.written(substitute, sql)?;
            let mut condition = self.condition(&written);
            if let (true, Some(from)) = (written.has_sub_selects, places.conjunct_of) {
                condition = take_out(Conjunct { root, from, var: self.var }, condition);
            }
            condition = pg_sys::eval_const_expressions(root, condition);
            // In a condition NULL counts as false. Elsewhere the call is NULL for a row that is missing, and otherwise
            // true or false.
            condition = match (is_condition, is_nullable) {
                (true, false) => condition,
                (true, true) => both(condition, is_not_null(self.var)),
                (false, false) => is_true(condition),
                (false, true) => when(is_not_null(self.var), is_true(condition)),
            };
            let global = (*root).glob;
            (*global).dependsOnRole = true;
            plans::list(&mut (*global).relationOids, &mut (*global).invalItems, self.function, substitute);
            plans::depend(self.function, substitute);
            Some(condition)
        }
    }

    /// The condition that a call stands for as a conjunct of the query's conditions, before anything is planned, or the
    /// condition of those for whom the call is false; `None` if the call has to stay. It has sub-selects, which the
    /// planner joins. What depends on the plan is left to the caller.
    pub fn conjunct(&self, substitute: &Substitute, positive: bool, is_nullable: bool) -> Option<*mut pg_sys::Node> {
        let of_rows = substitute.of_rows.as_ref()?;
        if !self.reads_stored_rows(true, substitute.table) {
            return None;
        }
        let sql = way::condition(substitute);
        let written = self.written(substitute, if positive { sql } else { &of_rows.complement })?;
        // SAFETY: by `in_query`. The nodes that are changed are new.
        unsafe {
            let condition = self.condition(&written);
            let is_nullable = is_nullable || self.may_be_null(substitute);
            Some(if is_nullable { both(condition, is_not_null(self.var)) } else { condition })
        }
    }

    /// A sub-select of the ids for which the call is true, each once, to join the table with; `None` if there is none.
    pub fn members(&self, substitute: &Rc<Substitute>) -> Option<*mut pg_sys::RangeTblEntry> {
        let is_its = self.table() == substitute.table && substitute.of_rows.is_some();
        if !is_its || !self.reads_stored_rows(true, substitute.table) {
            return None;
        }
        // SAFETY: by `in_query`.
        let (type_id, collation) = unsafe { ((*self.var).vartype, (*self.var).varcollid) };
        let expression = format!("DISTINCT {}", quote_identifier(&substitute.column));
        let query = parse(&SetQuery { expression, substitute: substitute.clone() }, type_id, collation)?;
        Some(sub_select_entry(query, c"in_segment"))
    }

    /// The operator by which Postgres compares ids with each other; `None` for domains, which have none of their own.
    pub fn equality(&self) -> Option<Oid> {
        // SAFETY: by `in_query`. The look-ups accept the type of any column.
        unsafe {
            let type_id = (*self.var).vartype;
            if pg_sys::getBaseType(type_id) != type_id {
                return None;
            }
            let known = pg_sys::lookup_type_cache(type_id, pg_sys::TYPECACHE_EQ_OPR as i32);
            Some((*known).eq_opr).filter(|operator| *operator != pg_sys::InvalidOid)
        }
    }

    /// A condition, parsed over the table of the query; `None` if the current role may not read what it reads.
    fn written(&self, substitute: &Substitute, sql: &str) -> Option<Written> {
        let written = Written::parse(self.table(), substitute, sql)?;
        let is_its = self.table() == substitute.table || Written::is_allowed_on(substitute, sql);
        (is_its && !has_virtual_columns(self.table()) && written.is_allowed()).then_some(written)
    }

    /// The condition about the table of the call, whose columns are added to those that Postgres checks the rights for.
    ///
    /// # Safety
    /// The condition was parsed for this call, and stands nowhere yet.
    unsafe fn condition(&self, written: &Written) -> *mut pg_sys::Node {
        let condition = written.condition();
        // SAFETY: by `in_query`, and by this function's own condition.
        unsafe {
            pg_sys::ChangeVarNodes(condition, 1, self.varno(), 0);
            null_like(condition, self.var);
            (*self.parse).hasSubLinks |= written.has_sub_selects;
        }
        self.add_columns(written.columns());
        condition
    }

    /// The function that is called.
    pub fn function(&self) -> Oid {
        self.function
    }

    /// The column that the call is about.
    pub fn var(&self) -> *mut pg_sys::Var {
        self.var
    }

    /// The numbers of the table and of the column.
    pub fn place(&self) -> (i32, i16) {
        (self.varno(), self.varattno())
    }

    /// Whether a row of the table may have no id.
    pub fn may_be_null(&self, substitute: &Substitute) -> bool {
        !(substitute.is_never_null && self.has_all_constraints_of(substitute.table))
    }

    /// The number of the table in the range table of the query.
    pub fn varno(&self) -> i32 {
        // SAFETY: by `of`.
        unsafe { (*self.var).varno }
    }

    fn varattno(&self) -> i16 {
        // SAFETY: by `of`.
        unsafe { (*self.var).varattno }
    }

    fn has_grouping_sets(&self) -> bool {
        // SAFETY: by `of`.
        unsafe { !(*self.parse).groupingSets.is_null() }
    }

    /// Whether the table is read with the rights of the current role, which may call the function. In a view of another
    /// owner the table is read with the rights of that owner, but the call is made with those of the current role.
    fn is_read_by_role(&self) -> bool {
        let role = security::current_role();
        // SAFETY: by `of`. The check accepts any OIDs.
        unsafe {
            let Some(read) = self.read() else { return false };
            // Until Postgres 15, partitions that the planner has added have none.
            let has_rights = (*read).requiredPerms != 0;
            let is_own = [pg_sys::InvalidOid, role].contains(&(*read).checkAsUser);
            has_rights && is_own && may_execute(self.function, role)
        }
    }

    /// What Postgres checks rights for: until Postgres 15, the entry of the range table.
    #[cfg(feature = "pg15")]
    fn read(&self) -> Option<*mut pg_sys::RangeTblEntry> {
        Some(self.entry)
    }

    /// What Postgres checks rights for. Partitions that the planner has added have no such entry.
    #[cfg(not(feature = "pg15"))]
    fn read(&self) -> Option<*mut pg_sys::RTEPermissionInfo> {
        // SAFETY: by `of`. The index is 0 or that of an entry of the list.
        unsafe { permissions((*self.parse).rteperminfos, self.entry) }
    }

    fn add_columns(&self, columns: *mut pg_sys::Bitmapset) {
        if let Some(read) = self.read() {
            // SAFETY: by `of`. Both sets are in the memory of the planner, or null.
            unsafe {
                (*read).selectedCols = pg_sys::bms_add_members((*read).selectedCols, columns);
                // An INSERT whose policies have the call reads nothing otherwise.
                (*read).requiredPerms |= pg_sys::ACL_SELECT as pg_sys::AclMode;
            }
        }
    }

    /// Whether the call is about rows as the audience's table has stored them for the snapshot of the query, and a
    /// sub-select finds them there. Rows that are written, or locked and read again, may be others. A sub-select has the
    /// policies of the table again, and the call may stand in one of these.
    fn reads_stored_rows(&self, is_condition: bool, table: Oid) -> bool {
        // SAFETY: by `of`.
        let (command, locks) = unsafe { ((*self.parse).commandType, !(*self.parse).rowMarks.is_null()) };
        let reads = match command {
            pg_sys::CmdType::CMD_SELECT => true,
            // Its conditions are those of a SELECT that was pulled up.
            pg_sys::CmdType::CMD_INSERT => is_condition,
            _ => false,
        };
        reads && !locks && ![table, self.table()].into_iter().any(security::row_security_applies)
    }

    /// Whether all rows that the query reads have the NOT NULL constraints of the audience's table, and none stands for a
    /// missing row. Tables that inherit in the old way may lack the constraints.
    fn has_all_constraints_of(&self, table: Oid) -> bool {
        // SAFETY: by `of`. The check accepts any OID.
        unsafe {
            let is_part = self.table() == table || pg_sys::get_rel_relispartition(self.table());
            let has_others =
                (*self.entry).inh && (*self.entry).relkind as u8 == b'r' && has_subclass((*self.entry).relid);
            is_part && !has_others && !is_nulled(self.var)
        }
    }
}

/// An expression without what turns its value into text.
///
/// # Safety
/// The node is an expression.
unsafe fn without_casts_to_text(mut node: *mut pg_sys::Node) -> *mut pg_sys::Node {
    // SAFETY: by this function's own condition. The tag of a node names its struct.
    unsafe {
        loop {
            match (*node).type_ {
                // A value that is only called another type may print otherwise, as an integer that is read as an OID.
                NodeTag::T_RelabelType => {
                    let relabel = node.cast::<pg_sys::RelabelType>();
                    let value = (*relabel).arg.cast::<pg_sys::Node>();
                    let same = [pg_sys::TEXTOID, pg_sys::VARCHAROID, pg_sys::getBaseType(pg_sys::exprType(value))];
                    if !same.contains(&(*relabel).resulttype) {
                        return node;
                    }
                    node = value;
                }
                NodeTag::T_CoerceViaIO if (*node.cast::<pg_sys::CoerceViaIO>()).resulttype == pg_sys::TEXTOID => {
                    let value = (*node.cast::<pg_sys::CoerceViaIO>()).arg.cast::<pg_sys::Node>();
                    // The text of these types is the same in every session.
                    let types = [pg_sys::UUIDOID, pg_sys::INT2OID, pg_sys::INT4OID, pg_sys::INT8OID];
                    if !types.contains(&pg_sys::exprType(value)) {
                        return node;
                    }
                    node = value;
                }
                _ => return node,
            }
        }
    }
}

/// Whether a role may execute a function.
pub fn may_execute(function: Oid, role: Oid) -> bool {
    let execute = pg_sys::ACL_EXECUTE as pg_sys::AclMode;
    // SAFETY: the checks accept any OIDs.
    #[cfg(feature = "pg15")]
    let answer = unsafe { pg_sys::pg_proc_aclcheck(function, role, execute) };
    // SAFETY: as above.
    #[cfg(not(feature = "pg15"))]
    let answer = unsafe { pg_sys::object_aclcheck(pg_sys::ProcedureRelationId, function, role, execute) };
    answer == pg_sys::AclResult::ACLCHECK_OK
}

/// Whether a column is that of the row as it is, rather than explicitly of the old or the new one in RETURNING.
///
/// # Safety
/// The pointer is to a Var.
#[cfg(any(feature = "pg18", feature = "pg19"))]
unsafe fn is_current_row(var: *mut pg_sys::Var) -> bool {
    // SAFETY: by this function's own condition.
    unsafe { (*var).varreturningtype == pg_sys::VarReturningType::VAR_RETURNING_DEFAULT }
}

#[cfg(not(any(feature = "pg18", feature = "pg19")))]
unsafe fn is_current_row(_var: *mut pg_sys::Var) -> bool {
    true
}
