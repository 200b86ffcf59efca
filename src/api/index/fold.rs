//! `segments_fold` and `segments_check_index`.

use crate::catalog::indexes;
use crate::columns::{check, fold};
use crate::pg::error::{Failure, required};
use crate::pg::open_index::OpenIndex;
use crate::pg::security;
use pgrx::PgSqlErrorCode;
use pgrx::pg_sys::Oid;
use pgrx::prelude::*;

/// Makes images of the pages of a table that its column index has none of. Returns how many.
#[pg_extern(sql = false)]
fn segments_fold(index: Option<pg_sys::Oid>) -> i64 {
    let mut pages = 0;
    for_each(required("index", index), OpenIndex::for_folding, |open| pages += i64::from(fold::fold(open)));
    pages
}

/// What is wrong with the images of a column index.
#[pg_extern(sql = false)]
fn segments_check_index(index: Option<pg_sys::Oid>, share: Option<f32>) -> SetOfIterator<'static, String> {
    let (index, share) = (required("index", index), required("share", share));
    let open = |index| OpenIndex::for_reading(index).filter(OpenIndex::is_told);
    let mut wrong = Vec::new();
    for_each(index, open, |open| wrong.extend(check::check(open, share)));
    SetOfIterator::new(wrong)
}

/// Works on an index or, if its table is partitioned, on that of each partition.
fn for_each(index: Oid, open: impl Fn(Oid) -> Option<OpenIndex>, mut work: impl FnMut(&OpenIndex)) {
    must_maintain(index);
    for index in indexes::with_pages(index) {
        must_maintain(index);
        work(&open(index).unwrap_or_else(|| unreadable().raise()));
    }
}

/// Raises unless the caller may do with an index what the owner of its table may. Nothing is locked for others.
fn must_maintain(index: Oid) {
    if OpenIndex::table_of(index).is_some_and(|table| !security::may_maintain(table)) {
        Failure::new(PgSqlErrorCode::ERRCODE_INSUFFICIENT_PRIVILEGE, "must be owner of the table of the index")
            .detail("A fold writes to the index, and a check reads all of the table.")
            .hint("Ask the owner of the table. From Postgres 17 on, the privilege MAINTAIN is enough.")
            .raise()
    }
}

fn unreadable() -> Failure {
    Failure::new(PgSqlErrorCode::ERRCODE_WRONG_OBJECT_TYPE, "this is no column index that can be read")
        .detail("It is not there, of another access method, or not valid yet.")
        .hint("segments.index_status lists the column indexes, and what is the matter with them.")
}
