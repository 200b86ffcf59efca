//! `explain_count`: by which way a condition is counted.

use crate::api::contact::checked;
use crate::catalog::audience::Audience;
use crate::counting::by_columns::{self, ByIndex};
use crate::counting::strategy::{self, Rights};
use crate::pg::error::required;
use crate::pg::snapshot;
use pgrx::prelude::*;
use std::time::Instant;

/// Counts the contacts that satisfy a condition, and says how.
#[allow(clippy::type_complexity, reason = "pgrx wants the columns in the signature")]
#[pg_extern(sql = false)]
fn explain_count(
    conditions: Option<&str>,
    audience: Option<&str>,
) -> TableIterator<
    'static,
    (
        name!(relation, pg_sys::Oid),
        name!(way, String),
        name!(image_pages, Option<i64>),
        name!(heap_pages, Option<i64>),
        name!(ms, AnyNumeric),
        name!(note, Option<String>),
    ),
> {
    let (conditions, audience) = (required("conditions", conditions), required("audience", audience));
    let audience = Audience::load(audience);
    let checked = checked(&audience, conditions, None);
    let begun = Instant::now();
    let by_index = snapshot::of_statement(|| {
        let by_index = by_columns::count(&audience, &checked);
        if by_index.is_err() {
            strategy::one(&audience, &checked, Rights::Caller);
        }
        by_index
    });
    let ms = AnyNumeric::from(begun.elapsed().as_micros()) / AnyNumeric::from(1000);
    let relation = audience.relation.oid;
    TableIterator::once(match by_index {
        Ok(ByIndex { indexes, counted, note }) => (
            relation,
            match indexes.as_slice() {
                [index, others @ ..] if !others.is_empty() => {
                    format!("index {index}, and {} of other parts", others.len())
                }
                indexes => format!("index {}", indexes.concat()),
            },
            Some(counted.image_pages as i64),
            Some(counted.heap_pages as i64),
            ms,
            note,
        ),
        Err(note) => (relation, "query".to_owned(), None, None, ms, Some(note)),
    })
}
