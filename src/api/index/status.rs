//! `segments.index_status`.

use crate::columns::status::Status;
use crate::pg::open_index::{IsLocked, OpenIndex};
use crate::pg::subtransaction;
use pgrx::datum::TimestampWithTimeZone;
use pgrx::prelude::*;

/// What `segments.index_status` shows of one index. No row where it has no pages that this session can read. Of an index that
/// is locked or damaged it only says so, so that the view shows the others.
#[allow(clippy::type_complexity, reason = "pgrx wants the columns in the signature")]
#[pg_extern(sql = false)]
fn index_pages(
    index: pg_sys::Oid,
) -> TableIterator<
    'static,
    (
        name!(pages, Option<i64>),
        name!(image_pages, Option<i64>),
        name!(changed_pages, Option<i64>),
        name!(not_visible_pages, Option<i64>),
        name!(uncovered_pages, Option<i64>),
        name!(bytes, Option<i64>),
        name!(folded_at, Option<TimestampWithTimeZone>),
        name!(note, Option<String>),
    ),
> {
    let only = |note: String| Some((None, None, None, None, None, None, None, Some(note)));
    let row = match OpenIndex::without_waiting(index) {
        Ok(None) => None,
        Err(IsLocked) => only("another session has locked it, or its table".to_owned()),
        Ok(Some(open)) => match subtransaction::attempt(|| Status::of(&open)) {
            Err(raised) => only(format!("{}: REINDEX it, or drop it", raised.message())),
            Ok(status) => Some((
                Some(status.pages.into()),
                Some(status.image_pages.into()),
                Some(status.changed_pages.into()),
                Some(status.not_visible_pages.into()),
                Some(status.uncovered_pages.into()),
                Some(i64::from(status.index_pages) * i64::from(pg_sys::BLCKSZ)),
                status.folded_at.and_then(|moment| TimestampWithTimeZone::try_from(moment).ok()),
                status.note().map(str::to_owned),
            )),
        },
    };
    TableIterator::new(row)
}
