//! Segments that depend on themselves: their conditions read rows of a view that asks who their members are, or call a
//! function, or meet a policy, that does.
//!
//! References by `$segment` are checked when a segment is written. What views, functions and policies ask is known only when
//! they are planned or run.

use crate::catalog::segment::Definition;
use crate::pg::error::Failure;
use pgrx::PgSqlErrorCode;
use std::cell::RefCell;
use uuid::Uuid;

/// In how many queries around it a call may stand that the planner replaces. Where a segment depends on itself, the planner
/// replaces a call in each condition that it has put in the place of another one.
const DEEPEST: u32 = 24;

thread_local! {
    /// The segments whose members are being read, the outermost first
    static UNDER_WAY: RefCell<Vec<Uuid>> = const { RefCell::new(Vec::new()) };
}

/// Reads members of a segment. Raises 42P17 if this happens while members of the same segment are being read.
pub fn reading<T>(segment: Uuid, read: impl FnOnce() -> T) -> T {
    if UNDER_WAY.with_borrow(|under_way| under_way.contains(&segment)) {
        circle(segment).raise()
    }
    UNDER_WAY.with_borrow_mut(|under_way| under_way.push(segment));
    let _read = Read;
    read()
}

/// Raises 42P17 if a call stands in more queries than a person nests.
pub fn must_be_shallow(depth: u32, segment: Uuid) {
    if depth > DEEPEST {
        circle(segment).raise()
    }
}

struct Read;

impl Drop for Read {
    fn drop(&mut self) {
        UNDER_WAY.with_borrow_mut(|under_way| _ = under_way.pop());
    }
}

fn circle(segment: Uuid) -> Failure {
    let name = Definition::find(segment).map_or_else(|| segment.to_string(), |segment| segment.name);
    Failure::new(PgSqlErrorCode::ERRCODE_INVALID_OBJECT_DEFINITION, format!("segment \"{name}\" depends on itself"))
        .detail("A view, a function or a policy that its condition reads asks who the segment's members are.")
        .hint("Ask for another segment there, or take the relation out of the condition with update_segment().")
}
