//! A condition in SQL, parsed over the columns of a table.

use crate::pg::security;
use crate::pg::walker::{expression_tree_walker, query_tree_walker};
use pgrx::pg_sys::{self, NodeTag, Oid};
use pgrx::spi::{quote_identifier, quote_qualified_identifier};
use pgrx::{PgList, is_a, pg_guard};
use std::ffi::{CStr, CString, c_void};

/// A condition that holds for the rows of a table for which the call is true.
pub struct Substitute {
    /// The table that the condition was written for. The call reads it, with the rights of the current role
    pub table: Oid,
    /// The name by which the condition may call the table
    pub alias: String,
    /// The column of the table that the call is about
    pub column: String,
    /// The condition as SQL that means the same under any search_path. It is true, false or NULL
    pub sql: String,
    /// If it reads rows of relations: what else it can be
    pub of_rows: Option<OfRows>,
    /// The relations whose invalidation makes a plan with the condition invalid
    pub sources: Vec<Oid>,
    /// Whether the column is NOT NULL in that table
    pub is_never_null: bool,
    /// Whether the condition is right in this transaction only, because it has dates that are relative to now
    pub is_relative: bool,
}

/// Other ways to say a condition that reads rows of relations.
pub struct OfRows {
    /// The condition of those for whom the call is false, whose id is not NULL
    pub complement: String,
    /// The condition about the row at hand, which looks up the rows of its contact, if the condition itself reads all rows
    pub looked_up: Option<String>,
    /// Whether the condition itself finds the row at hand by its id among those that the table has stored
    pub finds_contact: bool,
}

/// A condition that Postgres has parsed, over the columns of the first and only table of a query.
pub struct Written {
    query: *mut pg_sys::Query,
    pub has_sub_selects: bool,
}

impl Written {
    /// A condition of a substitute over the columns of a table; `None` if the names mean something else now.
    pub fn parse(table: Oid, substitute: &Substitute, condition: &str) -> Option<Self> {
        // SAFETY: the text is NUL-terminated. It has one statement, which is a SELECT from one table. The parser raises
        // where a name does not exist. The policies of other tables are added by QueryRewrite, once these are locked.
        unsafe {
            let name = quote_qualified_identifier(
                owned(pg_sys::get_namespace_name(pg_sys::get_rel_namespace(table)))?,
                owned(pg_sys::get_rel_name(table))?,
            );
            let alias = quote_identifier(&substitute.alias);
            let text = CString::new(format!("SELECT FROM ONLY {name} AS {alias} WHERE {condition}")).ok()?;
            let statements = pg_sys::raw_parser(text.as_ptr(), pg_sys::RawParseMode::RAW_PARSE_DEFAULT);
            let statement = PgList::<pg_sys::RawStmt>::from_pg(statements).get_ptr(0)?;
            let none = std::ptr::null_mut();
            let mut query = pg_sys::parse_sub_analyze((*statement).stmt, none, none.cast(), false, true);
            let has_sub_selects = (*query).hasSubLinks;
            if has_sub_selects {
                pg_sys::AcquireRewriteLocks(query, true, false);
                query = PgList::<pg_sys::Query>::from_pg(pg_sys::QueryRewrite(query)).get_ptr(0)?;
            }
            let written = Written { query, has_sub_selects };
            ((*written.entry()).relid == table && !written.condition().is_null()).then_some(written)
        }
    }

    /// Whether the current role may read what a substitute reads of the table that it was written for, where the query
    /// reads a partition of that table. No policy of the table may apply to the role, because a query of the partition
    /// does not apply it.
    pub fn is_allowed_on(substitute: &Substitute, condition: &str) -> bool {
        !security::row_security_applies(substitute.table)
            && Self::parse(substitute.table, substitute, condition).is_some_and(|written| written.is_allowed())
    }

    /// Whether the current role may read the columns, of this table and in sub-selects.
    pub fn is_allowed(&self) -> bool {
        // SAFETY: by `parse`. The walk changes nothing.
        unsafe { !is_forbidden(self.query.cast(), std::ptr::null_mut()) }
    }

    pub fn condition(&self) -> *mut pg_sys::Node {
        // SAFETY: by `parse`.
        unsafe { (*(*self.query).jointree).quals }
    }

    fn entry(&self) -> *mut pg_sys::RangeTblEntry {
        // SAFETY: by `parse`, the query has a table.
        unsafe { pg_sys::list_nth((*self.query).rtable, 0).cast() }
    }

    /// The columns of the table that the condition reads, as Postgres keeps them for the check of rights.
    pub fn columns(&self) -> *mut pg_sys::Bitmapset {
        // SAFETY: by `parse`.
        #[cfg(feature = "pg15")]
        return unsafe { (*self.entry()).selectedCols };
        // SAFETY: as above.
        #[cfg(not(feature = "pg15"))]
        unsafe {
            permissions((*self.query).rteperminfos, self.entry())
                .map_or(std::ptr::null_mut(), |read| (*read).selectedCols)
        }
    }
}

/// Whether a query, or a query inside of it, reads what the role may not read.
///
/// # Safety
/// The node is null or a part of a query that has been rewritten. The context is not read.
#[pg_guard]
pub unsafe extern "C-unwind" fn is_forbidden(node: *mut pg_sys::Node, context: *mut c_void) -> bool {
    if node.is_null() {
        return false;
    }
    // SAFETY: Postgres calls this for nodes of a query. The tag of a node names its struct.
    unsafe {
        if !is_a(node, NodeTag::T_Query) {
            return expression_tree_walker(node, Some(is_forbidden), context);
        }
        let query = node.cast::<pg_sys::Query>();
        #[cfg(feature = "pg15")]
        let is_own_forbidden = PgList::<pg_sys::RangeTblEntry>::from_pg((*query).rtable)
            .iter_ptr()
            .any(|entry| (*entry).rtekind == pg_sys::RTEKind::RTE_RELATION && !pg_sys::ExecCheckRTEPerms(entry));
        #[cfg(not(feature = "pg15"))]
        let is_own_forbidden = PgList::<pg_sys::RTEPermissionInfo>::from_pg((*query).rteperminfos)
            .iter_ptr()
            .any(|read| !pg_sys::ExecCheckOneRelPerms(read));
        is_own_forbidden || query_tree_walker(query, Some(is_forbidden), context, 0)
    }
}

/// What Postgres checks rights for, where an entry of the range table is read; `None` for partitions that the planner has
/// added.
///
/// # Safety
/// The entry belongs to the query whose list this is.
#[cfg(not(feature = "pg15"))]
pub unsafe fn permissions(
    all: *mut pg_sys::List,
    entry: *mut pg_sys::RangeTblEntry,
) -> Option<*mut pg_sys::RTEPermissionInfo> {
    // SAFETY: by this function's own condition.
    unsafe {
        PgList::<pg_sys::RTEPermissionInfo>::from_pg(all).get_ptr((*entry).perminfoindex.checked_sub(1)? as usize)
    }
}

/// The text of a C string; `None` if the pointer is null.
///
/// # Safety
/// The pointer is null or NUL-terminated.
pub unsafe fn owned(text: *mut std::ffi::c_char) -> Option<String> {
    // SAFETY: by this function's own condition.
    unsafe { (!text.is_null()).then(|| CStr::from_ptr(text).to_string_lossy().into_owned()) }
}
