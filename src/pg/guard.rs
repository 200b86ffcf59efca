//! Protects queries that run with the rights of a table's owner against names that change their meaning.
//!
//! Such a query is written from what the catalog says, and then waits for locks. Meanwhile another user may replace a
//! table by a view, or add a function with the same name, and that code would run with rights that its author lacks. So
//! the text lists the relations that it was written for. When Postgres has resolved the names and holds the locks, a
//! hook compares the relations with that list. This happens again whenever a kept plan is made anew.

use crate::pg::error::Failure;
use crate::pg::walker::{expression_tree_walker, query_tree_walker};
use pgrx::pg_sys::{self, Oid};
use pgrx::{PgSqlErrorCode, pg_guard};
use std::ffi::{CStr, c_char, c_void};
use std::sync::OnceLock;

const MARK: &str = "/* segments reads ";
const END: &str = " */ ";

/// The text of a query that is refused if it names relations other than these, or if it would run code of an owner who
/// lacks the rights of the role that runs the query.
pub fn reading(relations: impl IntoIterator<Item = Oid>, sql: &str) -> String {
    let relations: Vec<String> = relations.into_iter().map(|oid| oid.to_u32().to_string()).collect();
    format!("{MARK}{}{END}{sql}", relations.join(","))
}

/// The relations that a text of [`reading`] lists; `None` for any other text.
fn relations_of(text: &[u8]) -> Option<Vec<Oid>> {
    let text = std::str::from_utf8(text.strip_prefix(MARK.as_bytes())?).ok()?;
    let (relations, _) = text.split_once(END)?;
    relations.split(',').map(|oid| oid.parse::<u32>().ok().map(Oid::from)).collect()
}

/// Whether a text begins with the mark of [`reading`]. It reads only the first bytes, because every statement of the
/// server passes here and may have megabytes.
///
/// # Safety
/// The text is NUL-terminated.
unsafe fn is_marked(text: *const c_char) -> bool {
    // SAFETY: by this function's own condition. The comparison ends at the NUL, which is no byte of the mark.
    MARK.bytes().enumerate().all(|(index, byte)| unsafe { *text.add(index) } as u8 == byte)
}

/// Installs the hook that sees each query once its names are resolved.
pub fn install() {
    // SAFETY: Postgres expects hooks to be set when a library is loaded, which is when this runs.
    unsafe {
        let _ = BEFORE.set(pg_sys::post_parse_analyze_hook);
        pg_sys::post_parse_analyze_hook = Some(analyzed);
    }
}

#[cfg(not(feature = "pg19"))]
type JumbleState = *mut pg_sys::JumbleState;
#[cfg(feature = "pg19")]
type JumbleState = *const pg_sys::JumbleState;

/// The hook that another library had installed before.
static BEFORE: OnceLock<pg_sys::post_parse_analyze_hook_type> = OnceLock::new();

#[pg_guard]
unsafe extern "C-unwind" fn analyzed(state: *mut pg_sys::ParseState, query: *mut pg_sys::Query, jumble: JumbleState) {
    // SAFETY: Postgres calls the hook with the state of the parser, whose text is null or NUL-terminated, and with the
    // query, which is only read.
    unsafe {
        if let Some(Some(before)) = BEFORE.get() {
            before(state, query, jumble);
        }
        let text = (*state).p_sourcetext;
        if text.is_null() || !is_marked(text) {
            return;
        }
        if let Some(relations) = relations_of(CStr::from_ptr(text).to_bytes()) {
            let mut walk = QueryWalk { relations, role: pg_sys::GetUserId(), refused: None };
            visit(explained(query).cast(), (&raw mut walk).cast());
            if let Some(refused) = walk.refused {
                refused.failure(walk.role).raise()
            }
        }
    }
}

/// The query that an EXPLAIN explains; for any other statement the query itself.
unsafe fn explained(query: *mut pg_sys::Query) -> *mut pg_sys::Query {
    // SAFETY: a utility statement is a node. The parser has analyzed the query of an EXPLAIN before.
    unsafe {
        let statement = (*query).utilityStmt;
        if statement.is_null() || (*statement).type_ != pg_sys::NodeTag::T_ExplainStmt {
            return query;
        }
        (*statement.cast::<pg_sys::ExplainStmt>()).query.cast()
    }
}

struct QueryWalk {
    relations: Vec<Oid>,
    /// The role whose rights the query runs with
    role: Oid,
    refused: Option<Refused>,
}

enum Refused {
    Relation(Oid),
    Function(Oid),
}

/// Visits a node; true ends the walk, because something is refused.
#[pg_guard]
unsafe extern "C-unwind" fn visit(node: *mut pg_sys::Node, walk: *mut c_void) -> bool {
    if node.is_null() {
        return false;
    }
    // SAFETY: Postgres calls this for nodes of the query. `walk` is the one of `analyzed`, which has no other reference
    // during the walk.
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
                (*entry).rtekind == pg_sys::RTEKind::RTE_RELATION && (*walk.cast::<QueryWalk>()).reads((*entry).relid)
            }
            _ => expression_tree_walker(node, Some(visit), walk),
        }
    }
}

#[pg_guard]
unsafe extern "C-unwind" fn runs(function: Oid, walk: *mut c_void) -> bool {
    // SAFETY: as in `visit`.
    unsafe { (*walk.cast::<QueryWalk>()).runs(function) }
}

impl QueryWalk {
    /// Whether the relation is refused: it is not in the list, or reading it runs code of an owner who lacks the
    /// rights.
    fn reads(&mut self, relation: Oid) -> bool {
        let is_refused = relation.to_u32() >= pg_sys::FirstNormalObjectId
            && !(self.relations.contains(&relation) && may_read(relation, self.role));
        if is_refused {
            self.refused = Some(Refused::Relation(relation));
        }
        is_refused
    }

    /// Whether the function is refused: its owner lacks the rights.
    fn runs(&mut self, function: Oid) -> bool {
        let is_refused = function.to_u32() >= pg_sys::FirstNormalObjectId
            // SAFETY: accepts any OIDs and changes nothing.
            && !owner_of(function).is_some_and(|owner| unsafe { pg_sys::has_privs_of_role(owner, self.role) });
        if is_refused {
            self.refused = Some(Refused::Function(function));
        }
        is_refused
    }
}

/// Whether reading the relation runs no code of an owner who lacks the rights of the role, so far as its kind tells: the owner
/// has the rights, or it is a table without row security.
pub fn may_read(relation: Oid, role: Oid) -> bool {
    // SAFETY: the syscache accepts any OID. A tuple that it finds is a row of pg_class, and is released.
    unsafe {
        let tuple = pg_sys::SearchSysCache1(pg_sys::SysCacheIdentifier::RELOID as i32, relation.into());
        if tuple.is_null() {
            return false;
        }
        let class = pg_sys::GETSTRUCT(tuple).cast::<pg_sys::FormData_pg_class>();
        let is_plain = matches!((*class).relkind as u8, pg_sys::RELKIND_RELATION | pg_sys::RELKIND_PARTITIONED_TABLE)
            && !(*class).relrowsecurity;
        let owner = (*class).relowner;
        pg_sys::ReleaseSysCache(tuple);
        is_plain || pg_sys::has_privs_of_role(owner, role)
    }
}

fn owner_of(function: Oid) -> Option<Oid> {
    // SAFETY: the syscache accepts any OID. A tuple that it finds is a row of pg_proc, and is released.
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
        .hint("Try again. If that does not help, look at who owns it, and who may create things in its schema.")
    }
}

/// The kind and name of an object, as Postgres prints them in messages.
fn describe(class: Oid, object: Oid) -> String {
    let address = pg_sys::ObjectAddress { classId: class, objectId: object, objectSubId: 0 };
    // SAFETY: with missing_ok it returns null or a palloc'ed C string.
    unsafe {
        let text = pg_sys::getObjectDescription(&raw const address, true);
        if text.is_null() { "an object".to_owned() } else { CStr::from_ptr(text).to_string_lossy().into_owned() }
    }
}

fn name_of(role: Oid) -> String {
    // SAFETY: with noerr it returns null or a palloc'ed C string.
    unsafe {
        let name = pg_sys::GetUserNameFromId(role, true);
        if name.is_null() { role.to_u32().to_string() } else { CStr::from_ptr(name).to_string_lossy().into_owned() }
    }
}
