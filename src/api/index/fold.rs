//! `segments_fold` and `segments_check_index`.

use crate::columns::{check, fold};
use crate::pg::error::{Failure, required};
use crate::pg::open_index::OpenIndex;
use crate::pg::security;
use pgrx::PgSqlErrorCode;
use pgrx::prelude::*;

/// Makes images of the pages of a table that its column index has none of. Returns how many.
#[pg_extern(sql = false)]
fn segments_fold(index: Option<pg_sys::Oid>) -> i64 {
    let open = maintained(OpenIndex::for_folding(required("index", index)));
    fold::fold(&open).into()
}

/// What is wrong with the images of a column index.
#[pg_extern(sql = false)]
fn segments_check_index(index: Option<pg_sys::Oid>, share: Option<f32>) -> SetOfIterator<'static, String> {
    let (index, share) = (required("index", index), required("share", share));
    let open = maintained(OpenIndex::for_reading(index).filter(OpenIndex::is_told));
    SetOfIterator::new(check::check(&open, share))
}

/// The index, if the caller may do with it what the owner of its table may.
fn maintained(open: Option<OpenIndex>) -> OpenIndex {
    let Some(open) = open else {
        Failure::new(PgSqlErrorCode::ERRCODE_WRONG_OBJECT_TYPE, "this is no column index that can be read")
            .detail("It is not there, of another access method, of a partitioned table, or not valid yet.")
            .hint("segments.index_status lists the column indexes, and what is the matter with them.")
            .raise()
    };
    if !security::may_maintain(open.table()) {
        Failure::new(PgSqlErrorCode::ERRCODE_INSUFFICIENT_PRIVILEGE, "must be owner of the table of the index")
            .detail("A fold writes to the index, and a check reads all of the table.")
            .hint("Ask the owner of the table. From Postgres 17 on, the privilege MAINTAIN is enough.")
            .raise()
    }
    open
}
