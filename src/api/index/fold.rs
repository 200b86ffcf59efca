//! `segments_fold`.

use crate::columns::fold;
use crate::pg::error::{Failure, required};
use crate::pg::open_index::OpenIndex;
use crate::pg::security;
use pgrx::PgSqlErrorCode;
use pgrx::prelude::*;

/// Makes images of the pages of a table that its column index has none of. Returns how many.
#[pg_extern(sql = false)]
fn segments_fold(index: Option<pg_sys::Oid>) -> i64 {
    let index = required("index", index);
    let Some(open) = OpenIndex::for_folding(index) else {
        Failure::new(PgSqlErrorCode::ERRCODE_WRONG_OBJECT_TYPE, "this is no column index that can be folded")
            .detail("It is not there, of another access method, of a partitioned table, or not valid yet.")
            .hint("segments.index_status lists the column indexes, and what is the matter with them.")
            .raise()
    };
    if !security::may_maintain(open.table()) {
        Failure::new(PgSqlErrorCode::ERRCODE_INSUFFICIENT_PRIVILEGE, "must be owner of the table to fold its index")
            .detail("Folding writes to the index.")
            .hint("Ask the owner of the table. From Postgres 17 on, the privilege MAINTAIN is enough.")
            .raise()
    }
    fold::fold(&open).into()
}
