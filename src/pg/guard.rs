//! What a query with the rights of a table's owner may come to name.
//!
//! Such a query is written from what the catalog says, and then waits for locks. Meanwhile somebody may put a view in
//! the place of a table, or a function beside the one that is meant, which would run with rights that they lack. So the
//! text says which relations it was written for, and as soon as Postgres has found out what its names stand for, and
//! holds the locks, the two are compared; also where a kept plan is made anew.

use crate::pg::error::Failure;
use pgrx::pg_sys::{self, Oid};
use pgrx::{PgSqlErrorCode, pg_guard};
use std::ffi::{CStr, c_char, c_void};
use std::sync::OnceLock;

#[cfg(not(feature = "pg15"))]
use pg_sys::{expression_tree_walker_impl as expression_tree_walker, query_tree_walker_impl as query_tree_walker};

const MARK: &str = "/* segments reads ";
const END: &str = " */ ";

/// The text of a query that is refused where it names other relations than these, or runs what belongs to somebody who
/// lacks the rights that it runs with.
pub fn reading(relations: impl IntoIterator<Item = Oid>, sql: &str) -> String {
    let relations: Vec<String> = relations.into_iter().map(|oid| oid.to_u32().to_string()).collect();
    format!("{MARK}{}{END}{sql}", relations.join(","))
}

/// The relations that a text of [`reading`] was written for.
fn relations_of(text: &[u8]) -> Option<Vec<Oid>> {
    let text = std::str::from_utf8(text.strip_prefix(MARK.as_bytes())?).ok()?;
    let (relations, _) = text.split_once(END)?;
    relations.split(',').map(|oid| oid.parse::<u32>().ok().map(Oid::from)).collect()
}

/// Whether a text begins as those of [`reading`]. It is a look at few bytes, where the length of a statement would be
/// measured through megabytes.
///
/// # Safety
/// The text is NUL-terminated.
unsafe fn is_marked(text: *const c_char) -> bool {
    // SAFETY: by this function's own condition; the NUL differs from every byte of the mark, so the look ends there.
    MARK.bytes().enumerate().all(|(index, byte)| unsafe { *text.add(index) } as u8 == byte)
}

/// Has Postgres show each query once its names are resolved.
pub fn install() {
    // SAFETY: runs once, when the library is loaded, as all hooks are set.
    unsafe {
        let _ = BEFORE.set(pg_sys::post_parse_analyze_hook);
        pg_sys::post_parse_analyze_hook = Some(analyzed);
    }
}

/// The hook that was there before.
static BEFORE: OnceLock<pg_sys::post_parse_analyze_hook_type> = OnceLock::new();

#[pg_guard]
unsafe extern "C-unwind" fn analyzed(
    state: *mut pg_sys::ParseState,
    query: *mut pg_sys::Query,
    jumble: *mut pg_sys::JumbleState,
) {
    // SAFETY: Postgres calls the hook with the state of the parser, whose text, where there is one, is NUL-terminated,
    // and with the query, which is walked and not changed.
    unsafe {
        if let Some(Some(before)) = BEFORE.get() {
            before(state, query, jumble);
        }
        let text = (*state).p_sourcetext;
        if text.is_null() || !is_marked(text) {
            return;
        }
        if let Some(relations) = relations_of(CStr::from_ptr(text).to_bytes()) {
            let mut walk = Walk { relations, role: pg_sys::GetUserId(), refused: None };
            visit(explained(query).cast(), (&raw mut walk).cast());
            if let Some(refused) = walk.refused {
                refused.failure(walk.role).raise()
            }
        }
    }
}

/// The query that is explained, where one is.
unsafe fn explained(query: *mut pg_sys::Query) -> *mut pg_sys::Query {
    // SAFETY: a utility statement is a node, and that of EXPLAIN has been analyzed with it.
    unsafe {
        let statement = (*query).utilityStmt;
        if statement.is_null() || (*statement).type_ != pg_sys::NodeTag::T_ExplainStmt {
            return query;
        }
        (*statement.cast::<pg_sys::ExplainStmt>()).query.cast()
    }
}

struct Walk {
    relations: Vec<Oid>,
    /// With whose rights the query runs
    role: Oid,
    refused: Option<Refused>,
}

enum Refused {
    Relation(Oid),
    Function(Oid),
}

/// Whether to end the walk, because something is refused.
#[pg_guard]
unsafe extern "C-unwind" fn visit(node: *mut pg_sys::Node, walk: *mut c_void) -> bool {
    if node.is_null() {
        return false;
    }
    // SAFETY: Postgres walks nodes of the query; `walk` is that of `analyzed`, for which there is no other reference
    // while Postgres walks.
    unsafe {
        if pg_sys::check_functions_in_node(node, Some(runs), walk) {
            return true;
        }
        match (*node).type_ {
            pg_sys::NodeTag::T_Query => {
                query_tree_walker(node.cast(), Some(visit), walk, pg_sys::QTW_EXAMINE_RTES_BEFORE as i32)
            }
            pg_sys::NodeTag::T_RangeTblEntry => {
                let entry = node.cast::<pg_sys::RangeTblEntry>();
                (*entry).rtekind == pg_sys::RTEKind::RTE_RELATION && (*walk.cast::<Walk>()).reads((*entry).relid)
            }
            _ => expression_tree_walker(node, Some(visit), walk),
        }
    }
}

#[pg_guard]
unsafe extern "C-unwind" fn runs(function: Oid, walk: *mut c_void) -> bool {
    // SAFETY: as in `visit`.
    unsafe { (*walk.cast::<Walk>()).runs(function) }
}

impl Walk {
    /// Whether the relation is refused: it is another one, or reading it runs what its owner made of it.
    fn reads(&mut self, relation: Oid) -> bool {
        let is_refused = relation.to_u32() >= pg_sys::FirstNormalObjectId
            && !(self.relations.contains(&relation) && self.may_read(relation));
        if is_refused {
            self.refused = Some(Refused::Relation(relation));
        }
        is_refused
    }

    fn may_read(&self, relation: Oid) -> bool {
        // SAFETY: the parser has locked the relation; it is closed again, and the lock is kept.
        unsafe {
            let opened = pg_sys::RelationIdGetRelation(relation);
            if opened.is_null() {
                return false;
            }
            let class = (*opened).rd_rel;
            let is_plain =
                matches!((*class).relkind as u8, pg_sys::RELKIND_RELATION | pg_sys::RELKIND_PARTITIONED_TABLE)
                    && !(*class).relrowsecurity;
            let owner = (*class).relowner;
            pg_sys::RelationClose(opened);
            is_plain || pg_sys::has_privs_of_role(owner, self.role)
        }
    }

    /// Whether the function is refused.
    fn runs(&mut self, function: Oid) -> bool {
        let is_refused = function.to_u32() >= pg_sys::FirstNormalObjectId
            // SAFETY: takes any OIDs and only answers.
            && !owner_of(function).is_some_and(|owner| unsafe { pg_sys::has_privs_of_role(owner, self.role) });
        if is_refused {
            self.refused = Some(Refused::Function(function));
        }
        is_refused
    }
}

fn owner_of(function: Oid) -> Option<Oid> {
    // SAFETY: the syscache takes any OID; a tuple that it finds is a row of pg_proc and is given back.
    unsafe {
        let tuple = pg_sys::SearchSysCache1(pg_sys::SysCacheIdentifier::PROCOID as i32, function.into());
        if tuple.is_null() {
            return None;
        }
        let owner = (*pg_sys::GETSTRUCT(tuple).cast::<pg_sys::FormData_pg_proc>()).proowner;
        pg_sys::ReleaseSysCache(tuple);
        Some(owner)
    }
}

impl Refused {
    fn failure(&self, role: Oid) -> Failure {
        let (class, oid, what, why) = match self {
            Refused::Relation(oid) => (
                pg_sys::RelationRelationId,
                oid,
                "be read",
                "The query was not written for it, or it runs code of an owner who lacks these rights.",
            ),
            Refused::Function(oid) => (pg_sys::ProcedureRelationId, oid, "run", "Its owner lacks these rights."),
        };
        Failure::new(
            PgSqlErrorCode::ERRCODE_INSUFFICIENT_PRIVILEGE,
            format!("{} must not {what} with the rights of role {}", describe(class, *oid), name_of(role)),
        )
        .detail(why)
        .hint("Try again; where that does not help, look at who owns it, and who may create things in its schema.")
    }
}

/// What the catalog calls an object.
fn describe(class: Oid, object: Oid) -> String {
    let address = pg_sys::ObjectAddress { classId: class, objectId: object, objectSubId: 0 };
    // SAFETY: with missing_ok, it returns null or a palloc'd C string.
    unsafe {
        let text = pg_sys::getObjectDescription(&raw const address, true);
        if text.is_null() { "an object".to_owned() } else { CStr::from_ptr(text).to_string_lossy().into_owned() }
    }
}

fn name_of(role: Oid) -> String {
    // SAFETY: with noerr, it returns null or a palloc'd C string.
    unsafe {
        let name = pg_sys::GetUserNameFromId(role, true);
        if name.is_null() { role.to_u32().to_string() } else { CStr::from_ptr(name).to_string_lossy().into_owned() }
    }
}

// nodes/nodeFuncs.h, which declares these two without their arguments before Postgres 16, so that pgrx has no bindings.

#[cfg(feature = "pg15")]
type Visit = Option<unsafe extern "C-unwind" fn(*mut pg_sys::Node, *mut c_void) -> bool>;

/// # Safety
/// As Postgres's own.
#[cfg(feature = "pg15")]
unsafe fn query_tree_walker(query: *mut pg_sys::Query, visit: Visit, walk: *mut c_void, flags: i32) -> bool {
    unsafe extern "C-unwind" {
        fn query_tree_walker(query: *mut pg_sys::Query, visit: Visit, walk: *mut c_void, flags: i32) -> bool;
    }
    // SAFETY: as declared there; where it raises, the guard makes it a panic.
    unsafe { pg_sys::ffi::pg_guard_ffi_boundary(|| query_tree_walker(query, visit, walk, flags)) }
}

/// # Safety
/// As Postgres's own.
#[cfg(feature = "pg15")]
unsafe fn expression_tree_walker(node: *mut pg_sys::Node, visit: Visit, walk: *mut c_void) -> bool {
    unsafe extern "C-unwind" {
        fn expression_tree_walker(node: *mut pg_sys::Node, visit: Visit, walk: *mut c_void) -> bool;
    }
    // SAFETY: as above.
    unsafe { pg_sys::ffi::pg_guard_ffi_boundary(|| expression_tree_walker(node, visit, walk)) }
}
