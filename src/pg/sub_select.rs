//! Sub-selects of the values of an expression, which stand in the place of calls.

use crate::pg::way;
use crate::pg::written::{Substitute, is_forbidden, owned};
use pgrx::pg_sys::{self, NodeTag, Oid};
use pgrx::spi::{quote_identifier, quote_qualified_identifier};
use pgrx::{PgBox, PgList};
use std::ffi::{CStr, CString};
use std::rc::Rc;

/// The query that a call stands for: the values of an expression for the rows that satisfy a condition.
pub struct SetQuery {
    /// The expression as SQL that means the same under any search_path
    pub expression: String,
    pub substitute: Rc<Substitute>,
}

/// The query, parsed and with the policies of the tables that it reads; `None` if the current role may not read them, or
/// if the names mean something else now.
pub(super) fn parse(found: &SetQuery, type_id: Oid, collation: Oid) -> Option<*mut pg_sys::Query> {
    let substitute = &*found.substitute;
    // SAFETY: the text is NUL-terminated. It has one statement, which is a SELECT of one column from one table. The parser
    // raises where a name does not exist. The policies of tables are added by QueryRewrite, once these are locked.
    unsafe {
        let name = quote_qualified_identifier(
            owned(pg_sys::get_namespace_name(pg_sys::get_rel_namespace(substitute.table)))?,
            owned(pg_sys::get_rel_name(substitute.table))?,
        );
        let alias = quote_identifier(&substitute.alias);
        let text = format!("SELECT {} FROM {name} AS {alias} WHERE {}", found.expression, way::condition(substitute));
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

/// A new entry of a range table for a sub-select of one column, which has the name as well.
pub(super) fn sub_select_entry(query: *mut pg_sys::Query, name: &CStr) -> *mut pg_sys::RangeTblEntry {
    // SAFETY: the names are copied. The node is new and has its tag.
    unsafe {
        let column = pg_sys::makeString(pg_sys::pstrdup(name.as_ptr()));
        let mut entry = PgBox::<pg_sys::RangeTblEntry>::alloc_node(NodeTag::T_RangeTblEntry);
        entry.rtekind = pg_sys::RTEKind::RTE_SUBQUERY;
        entry.subquery = query;
        entry.eref = pg_sys::makeAlias(name.as_ptr(), pg_sys::lappend(std::ptr::null_mut(), column.cast()));
        entry.inFromCl = true;
        entry.into_pg()
    }
}
