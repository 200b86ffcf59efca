//! Refreshing segments, and the intervals of refreshes.

use crate::catalog::access::{self, Permitted, Scope, unknown_audience};
use crate::catalog::segment::datum;
use crate::catalog::visible::{Reads, Visible};
use crate::live::changes::retention;
use crate::pg::call::Call;
use crate::pg::error::{Failure, required};
use crate::pg::{query, returning, snapshot};
use crate::refresh::{Wanted, Writers, due, refresh, refresh_due_of};
use crate::shared::board::{self, BOARD};
use crate::shared::progress::{Progress, running};
use crate::shared::settings::REFRESH_INTERVAL;
use pgrx::datum::Interval;
use pgrx::prelude::*;
use pgrx::{PgSqlErrorCode, PgXactCallbackEvent, register_xact_callback};
use std::collections::BTreeMap;

/// Refreshes all segments of an audience, or of all audiences whose segments the caller may write.
#[pg_extern(sql = false)]
fn refresh_segments(
    audience: Option<&str>,
) -> TableIterator<'static, (name!(segment, pgrx::Uuid), name!(contact_count, Option<i64>), name!(error, Option<String>))>
{
    // Otherwise everything would be counted before storing fails.
    snapshot::must_be_writable("refresh_segments()", "");
    let refreshes: Vec<(String, Vec<String>)> = match audience {
        Some(audience) => {
            access::must_have_audience(audience);
            access::require(Scope::WriteSegments, audience);
            vec![(audience.to_owned(), vec![audience.to_owned()])]
        }
        None => {
            let mut by_source: BTreeMap<String, Vec<String>> = BTreeMap::new();
            let permitted = Permitted::of_caller(&[Scope::WriteSegments]);
            let all = query::rows(AUDIENCES, &[], |row| (row.get::<String>(1), row.get::<String>(2)));
            for (audience, source) in all.into_iter().filter(|(audience, _)| permitted.includes(audience)) {
                by_source.entry(source).or_default().push(audience);
            }
            by_source.into_iter().map(|(source, audiences)| refresh_of(source, audiences)).collect()
        }
    };
    let refresh = |(shown, audiences): (String, _)| refresh(&shown, &Wanted::Audiences(audiences), Writers::Pass).taken;
    let taken = refreshes.into_iter().flat_map(refresh);
    let rows = taken.flat_map(|taken| {
        let mut visible = Visible::default();
        taken.outcomes.into_iter().map(move |outcome| {
            let read = taken.audience.as_ref().zip(outcome.checked.as_ref());
            let shown = read.is_some_and(|(audience, checked)| visible.shows(audience, &Reads::of(audience, checked)));
            let (count, error) = match outcome.count {
                Ok(count) => (shown.then_some(count), None),
                Err(error) => (None, Some(error)),
            };
            (datum(outcome.id), count, error)
        })
    });
    let rows: Vec<_> = rows.collect();
    retention::prune();
    TableIterator::new(rows)
}

/// The refresh of some audiences of a source: the audience that it is shown for, and their names.
fn refresh_of(source: String, audiences: Vec<String>) -> (String, Vec<String>) {
    match audiences.as_slice() {
        [one] => (one.clone(), audiences),
        _ => (source, audiences),
    }
}

const AUDIENCES: &str = "SELECT a.name, a.source FROM segments.audience_config a ORDER BY a.name";

/// Refreshes the segments of every audience that are due. Returns how many there were. Only for the extension's owner.
#[pg_extern(sql = false)]
fn refresh_due() -> i64 {
    due().due.iter().map(|due| refresh_due_of(due, Writers::Pass).segments() as i64).sum()
}

/// Sets how often an audience's segments are refreshed. Without an interval, the setting decides.
#[pg_extern(sql = false)]
fn set_refresh_interval(audience: Option<&str>, every: Option<Interval>) {
    let audience = required("audience", audience);
    access::require_write(audience);
    let compared =
        query::first("SELECT $1 < '1 second'::interval, $1 > '10 years'::interval", &[every.into()], |row| {
            (row.nullable(1), row.nullable(2))
        });
    let out_of_range = |message: &str| Failure::new(PgSqlErrorCode::ERRCODE_INVALID_PARAMETER_VALUE, message);
    match compared {
        Some((Some(true), _)) => out_of_range("segments cannot be refreshed that often")
            .detail("The shortest interval is one second.")
            .hint("For counts that are exact at any time use set_freshness(audience, 'live').")
            .raise(),
        Some((_, Some(true))) => out_of_range("segments cannot be refreshed that seldom")
            .detail("The longest interval is ten years.")
            .hint("Pass NULL to refresh them as often as segments.refresh_interval says.")
            .raise(),
        _ => {}
    }
    let changed = access::write(
        "UPDATE segments.audience_config a SET refresh_interval = $2 WHERE a.name = $1",
        &[audience.into(), every.into()],
    );
    if changed == 0 {
        unknown_audience(audience).raise()
    }
    board::wake();
}

/// The progress of the refreshes in this database.
#[pg_extern(sql = false)]
fn progress(call: Call) {
    let here = running();
    let all = |value: fn(&Progress) -> i64| here.iter().map(value).collect::<Vec<i64>>();
    let rows = |progress: &Progress| progress.rows.map(|rows| rows.max(progress.rows_done) as i64);
    returning::rows(
        call,
        "SELECT * FROM ROWS FROM (unnest($1), unnest($2), unnest($3), unnest($4),
                                  unnest($5), unnest($6), unnest($7))",
        &[
            here.iter().map(Progress::audience).collect::<Vec<_>>().into(),
            here.iter().map(|progress| progress.process).collect::<Vec<_>>().into(),
            here.iter().map(|progress| progress.phase.name().to_owned()).collect::<Vec<_>>().into(),
            all(|progress| progress.segments_done as i64).into(),
            all(|progress| progress.segments as i64).into(),
            all(|progress| progress.rows_done as i64).into(),
            here.iter().map(rows).collect::<Vec<_>>().into(),
        ],
    );
}

/// Makes the worker look at this database. Raises a notice if there is no worker.
#[pg_extern(sql = false)]
fn wake_worker() {
    if BOARD.get().is_some() {
        return board::wake();
    }
    // The notice waits for the commit, because notices are not shown while the script of an extension runs.
    register_xact_callback(PgXactCallbackEvent::PreCommit, || {
        Failure::new(PgSqlErrorCode::ERRCODE_SUCCESSFUL_COMPLETION, "segments are not counted in the background")
            .detail("The background worker runs only if the library is preloaded.")
            .hint("Add segments to shared_preload_libraries and restart the server, or call refresh_segments() from a scheduler.")
            .notice();
    });
}

/// After how long segments are due again, for audiences without an interval of their own.
#[pg_extern(sql = false)]
fn default_refresh_interval() -> Interval {
    Interval::from_seconds(f64::from(REFRESH_INTERVAL.get()))
}
