//! Counting an audience's segments anew, all of them in one snapshot.
//!
//! | module | |
//! |---|---|
//! | [`keep`] | what becomes of the counts: stored, remembered, thinned out |
//!
//! A segment that cannot be counted keeps its count, and the reason is recorded; it is due again later and later.

use crate::access::{self, Scope};
use crate::audience::{Audience, unknown};
use crate::count::{self, members};
use crate::error::Failure;
use crate::pg::snapshot;
use crate::progress::{self, Phase};
use crate::segment::{Definition, id_of};
use crate::{live, query, scope};
use pgrx::PgSqlErrorCode;
use pgrx::datum::Interval;
use pgrx::prelude::*;
use segments_core::expr::{Checked, Expr};
use segments_core::sql;
use std::collections::HashMap;
use std::time::Instant;
use uuid::Uuid;

mod keep;

/// What came of counting a segment.
struct Outcome {
    id: Uuid,
    /// Its condition, where it makes sense
    checked: Option<Checked>,
    count: Result<i64, String>,
}

/// Counts all segments of an audience anew, or of all audiences that the caller may write segments of.
#[pg_extern(sql = false)]
fn refresh_segments(
    audience: Option<&str>,
) -> TableIterator<'static, (name!(segment, pgrx::Uuid), name!(contact_count, Option<i64>), name!(error, Option<String>))>
{
    let audiences = match audience {
        Some(audience) => {
            Audience::must_exist(audience);
            access::require(Scope::WriteSegments, audience);
            vec![audience.to_owned()]
        }
        None => {
            let all = query::rows("SELECT a.name FROM segments.audience_config a ORDER BY a.name", &[], |row| {
                row.get::<String>(1)
            });
            all.into_iter().filter(|audience| access::permits(&[Scope::WriteSegments], audience)).collect()
        }
    };
    let rows = audiences.iter().flat_map(|audience| {
        let (audience, outcomes) = refresh(audience, None);
        let mut visible = Visible { audience, known: HashMap::new() };
        outcomes.into_iter().map(move |outcome| {
            let shown = visible.shows(&outcome);
            let (count, error) = match outcome.count {
                Ok(count) => (shown.then_some(count), None),
                Err(error) => (None, Some(error)),
            };
            (count::datum(outcome.id), count, error)
        })
    });
    TableIterator::new(rows.collect::<Vec<_>>())
}

/// Counts the segments that are due, of every audience; how many those were. For whoever owns the extension, such as a
/// worker that calls it again and again.
#[pg_extern(sql = false)]
fn refresh_due() -> i64 {
    let due = query::rows(
        "SELECT s.audience, pg_catalog.array_agg(s.segment) FROM segments.segment_status s
          WHERE s.due OPERATOR(pg_catalog.<=) pg_catalog.clock_timestamp() GROUP BY s.audience ORDER BY s.audience",
        &[],
        |row| (row.get::<String>(1), row.get::<Vec<pgrx::Uuid>>(2)),
    );
    let refreshed = due.into_iter().map(|(audience, segments)| {
        let segments: Vec<Uuid> = segments.into_iter().map(id_of).collect();
        refresh(&audience, Some(&segments)).1.len() as i64
    });
    refreshed.sum()
}

/// Says how often an audience's segments are counted anew.
#[pg_extern(sql = false)]
fn set_refresh_interval(audience: &str, every: Interval) {
    access::require_write(audience);
    let is_long_enough =
        query::first("SELECT $1 OPERATOR(pg_catalog.>=) '1 second'::pg_catalog.interval", &[every.into()], |row| {
            row.get::<bool>(1)
        });
    if is_long_enough != Some(true) {
        Failure::new(PgSqlErrorCode::ERRCODE_INVALID_PARAMETER_VALUE, "segments cannot be refreshed that often")
            .detail("The shortest interval is one second.")
            .hint("For counts that are exact at any time use set_freshness(audience, 'live').")
            .raise()
    }
    let changed = access::write(
        "UPDATE segments.audience_config a SET refresh_interval = $2 WHERE a.name OPERATOR(pg_catalog.=) $1",
        &[audience.into(), every.into()],
    );
    if changed == 0 {
        unknown(audience).raise()
    }
}

/// Counts segments of an audience anew and keeps the counts; all of them, where none are named.
fn refresh(name: &str, only: Option<&[Uuid]>) -> (Option<Audience>, Vec<Outcome>) {
    // One after the other: who waited counts what the other could not see.
    progress::lock(name);
    let extension_owner = access::extension_owner();
    let is_live = live::is_live(name);
    let listed = |segments: Vec<Definition>| -> Vec<Definition> {
        segments.into_iter().filter(|segment| only.is_none_or(|only| only.contains(&segment.id))).collect()
    };
    if is_live {
        // Changes that are folded meanwhile would be added twice.
        let segments = snapshot::latest(|| listed(Definition::all(name)));
        let mut ids: Vec<pgrx::Uuid> = segments.iter().map(|segment| count::datum(segment.id)).collect();
        ids.sort();
        count::lock(extension_owner, &ids);
    }
    let started = Instant::now();
    let (audience, outcomes, pending, taken_at, shown) = snapshot::latest(|| {
        let taken_at = clock();
        let segments = listed(Definition::all(name));
        let shown = progress::show(name, segments.len());
        let ids: Vec<pgrx::Uuid> = segments.iter().map(|segment| count::datum(segment.id)).collect();
        let (audience, outcomes) = match Audience::try_load(name) {
            Ok(audience) => {
                if let Some(shown) = &shown {
                    shown.expect_rows(rows_of(&audience));
                }
                let outcomes = counted(&audience, &segments, shown.as_ref());
                (Some(audience), outcomes)
            }
            Err(failure) => {
                let failed = |segment: &Definition| Outcome {
                    id: segment.id,
                    checked: None,
                    count: Err(failure.message.clone()),
                };
                (None, segments.iter().map(failed).collect())
            }
        };
        (audience, outcomes, count::pending_of(extension_owner, &ids), taken_at, shown)
    });
    if let Some(shown) = &shown {
        shown.enter(Phase::Storing);
    }
    let kept =
        keep::Counts { audience: name, outcomes: &outcomes, pending: &pending, taken_at, took: started.elapsed() };
    kept.store(extension_owner, is_live);
    (audience, outcomes)
}

fn counted(audience: &Audience, segments: &[Definition], shown: Option<&progress::Shown>) -> Vec<Outcome> {
    let checked: Vec<_> =
        segments.iter().map(|segment| scope::check_segment(audience, segment).map(|checked| checked.checked)).collect();
    let conditions: Vec<Checked> = checked.iter().filter_map(|checked| checked.as_ref().ok().cloned()).collect();
    let mut counts = members::of_each(audience, &conditions, shown).into_iter();
    let outcome = |(segment, checked): (&Definition, Result<Checked, Vec<segments_core::error::Error>>)| match checked {
        Ok(checked) => {
            let count = counts.next().unwrap_or_else(|| Err("segment was not counted".to_owned()));
            Outcome { id: segment.id, checked: Some(checked), count }
        }
        Err(errors) => {
            let message = errors.into_iter().next().map(|error| error.message).unwrap_or_default();
            Outcome { id: segment.id, checked: None, count: Err(message) }
        }
    };
    segments.iter().zip(checked).map(outcome).collect()
}

/// How many rows the planner thinks that the contacts' table has.
fn rows_of(audience: &Audience) -> Option<u64> {
    let rows = query::first(
        "SELECT pg_catalog.sum(c.reltuples) FROM pg_catalog.pg_class c
          WHERE c.reltuples OPERATOR(pg_catalog.>=) 0 AND c.relkind OPERATOR(pg_catalog.<>) 'p'
            AND c.oid OPERATOR(pg_catalog.=) ANY ($1)",
        &[crate::pg::relcache::tree(audience.relation.oid).into()],
        |row| row.nullable::<f32>(1),
    );
    rows.flatten().map(|rows| rows as u64)
}

fn clock() -> TimestampWithTimeZone {
    let now = query::first("SELECT pg_catalog.clock_timestamp()", &[], |row| row.get(1));
    now.unwrap_or_else(|| crate::error::internal("the clock gave no answer").raise())
}

/// Which counts the caller may see: those that they could have counted for themselves.
struct Visible {
    audience: Option<Audience>,
    /// By the columns that a condition reads, which many share
    known: HashMap<Vec<String>, bool>,
}

impl Visible {
    fn shows(&mut self, outcome: &Outcome) -> bool {
        let (Some(audience), Some(checked)) = (&self.audience, &outcome.checked) else { return false };
        let checked = Expr::and([audience.restriction.clone(), checked.clone()]);
        let used = sql::used(&checked, &audience.table);
        let columns = used.columns.iter().map(|column| &column.name).chain(used.properties.map(|column| &column.name));
        let topics = used.topics.map(|topics| format!("\0{}", topics.contact_column));
        let mut reads: Vec<String> = columns.cloned().chain(topics).collect();
        reads.sort();
        *self.known.entry(reads).or_insert_with(|| access::may_select(audience, &used))
    }
}
