//! `segments.index_status`.

use crate::columns::status::Status;
use crate::pg::open_index::OpenIndex;
use pgrx::datum::TimestampWithTimeZone;
use pgrx::prelude::*;

/// What `segments.index_status` shows of one index. No row where it has no pages that this session can read.
#[pg_extern(sql = false)]
#[allow(clippy::type_complexity, reason = "pgrx wants the columns in the signature")]
fn index_pages(
    index: pg_sys::Oid,
) -> TableIterator<
    'static,
    (
        name!(pages, i64),
        name!(image_pages, i64),
        name!(changed_pages, i64),
        name!(not_visible_pages, i64),
        name!(uncovered_pages, i64),
        name!(bytes, i64),
        name!(folded_at, Option<TimestampWithTimeZone>),
        name!(note, Option<&'static str>),
    ),
> {
    let row = OpenIndex::for_reading(index).map(|open| {
        let status = Status::of(&open);
        (
            status.pages.into(),
            status.image_pages.into(),
            status.changed_pages.into(),
            status.not_visible_pages.into(),
            status.uncovered_pages.into(),
            i64::from(status.index_pages) * i64::from(pg_sys::BLCKSZ),
            status.folded_at.and_then(|moment| TimestampWithTimeZone::try_from(moment).ok()),
            status.note(),
        )
    });
    TableIterator::new(row)
}
