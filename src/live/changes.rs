//! Entries and exits: of which segments they are recorded, and how they are read.

use crate::catalog::access;
use crate::catalog::access::Scope;
use crate::catalog::audience::Audience;
use crate::catalog::segment::{Definition, argument, id_of};
use crate::catalog::visible;
use crate::counting::count::datum;
use crate::live::definition_locks::{hold_writers, stays_live};
use crate::live::eligibility as kept;
use crate::pg::call::Call;
use crate::pg::error::{Failure, required};
use crate::pg::query;
use crate::pg::{returning, security, snapshot};
use pgrx::PgSqlErrorCode;
use pgrx::guc::{GucContext, GucFlags, GucRegistry, GucSetting};
use pgrx::prelude::*;
use uuid::Uuid;

pub mod members;
pub mod record;
pub mod watched;

/// For how many minutes changes are kept.
static RETENTION: GucSetting<i32> = GucSetting::<i32>::new(7 * 24 * 60);

/// Declares the settings; called when the library is loaded.
pub fn define_settings() {
    GucRegistry::define_int_guc(
        c"segments.change_retention",
        c"How long entries and exits of watched segments are kept.",
        c"-1 keeps them for ever.",
        &RETENTION,
        -1,
        i32::MAX,
        GucContext::Sighup,
        GucFlags::UNIT_MIN,
    );
}

/// Has the entries and exits of a segment recorded, or not any more.
#[pg_extern(sql = false)]
fn watch_segment(segment: Option<pgrx::Uuid>, watched: Option<bool>) {
    let (segment, watched) = (required("segment", segment), required("watched", watched));
    let segment = Definition::load(id_of(segment));
    access::require(Scope::WriteSegments, &segment.audience);
    let id = argument(segment.id);
    if !watched {
        access::write(
            "UPDATE segments.watch_config w SET watched = false WHERE w.segment OPERATOR(pg_catalog.=) $1",
            &[id],
        );
        return;
    }
    if !stays_live(&segment.audience) {
        Failure::new(
            PgSqlErrorCode::ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE,
            format!("audience \"{}\" is not live", segment.audience),
        )
        .detail("Entries and exits are recorded by the triggers that keep counts live.")
        .hint(format!(
            "Switch it over first: SELECT set_freshness('{}', 'live').",
            segment.audience.replace('\'', "''")
        ))
        .raise()
    }
    // Between two writers, so that every statement is recorded as a whole or not at all.
    let audience = hold_writers(&segment.audience);
    if !kept::is_kept(&audience, &segment) {
        Failure::new(
            PgSqlErrorCode::ERRCODE_FEATURE_NOT_SUPPORTED,
            format!("entries and exits of segment \"{}\" cannot be recorded", segment.name),
        )
        .detail("Contacts enter and leave it as time passes, or it makes no sense any more.")
        .hint("Record those of a segment without $now and $today.")
        .raise()
    }
    access::write(
        "INSERT INTO segments.watch_config (segment, watched) VALUES ($1, true)
             ON CONFLICT (segment) DO UPDATE SET watched = true",
        &[id],
    );
}

/// Entries and exits after a position, in an order in which nothing can later appear before a position handed out.
#[pg_extern(sql = false)]
fn segment_changes(after: Option<&str>, page_size: Option<i32>, call: Call) {
    if page_size.is_some_and(|page_size| page_size < 1) {
        Failure::new(PgSqlErrorCode::ERRCODE_INVALID_PARAMETER_VALUE, "page_size must be at least 1")
            .detail(format!("It was {}.", page_size.unwrap_or_default()))
            .hint("Ask for further pages with after; NULL gives everything there is.")
            .raise()
    }
    let owner = access::extension_owner();
    let recorded = security::as_role(owner, || query::rows(RECORDED, &[], |row| id_of(row.get(1))));
    let visible = recorded.into_iter().filter_map(Definition::find).filter(may_see);
    let visible: Vec<pgrx::Uuid> = visible.map(|segment| datum(segment.id)).collect();
    security::as_role(owner, || {
        let history = History::now();
        let after = after.map(|after| Position::read(after, &history));
        let (transaction, sequence) = after.map(|after| (after.transaction, after.sequence)).unzip();
        let arguments = [
            history.timeline.into(),
            visible.into(),
            transaction.into(),
            sequence.into(),
            page_size.map(i64::from).into(),
        ];
        returning::rows(call, PAGE, &arguments);
    });
}

/// Deletes changes older than `segments.change_retention`; returns how many those were.
#[pg_extern(sql = false)]
pub fn prune_changes() -> i64 {
    let minutes = RETENTION.get();
    // In an older snapshot, changes that others have deleted since would be an error.
    if minutes < 0 || snapshot::is_kept_for_transaction() {
        return 0;
    }
    let deleted = access::write(
        "DELETE FROM segments.change_record r
          WHERE r.changed_at OPERATOR(pg_catalog.<)
                (pg_catalog.clock_timestamp() OPERATOR(pg_catalog.-) pg_catalog.make_interval(mins => $1))",
        &[minutes.into()],
    );
    deleted as i64
}

/// The position of the newest change that readers can see; `None` where there is none.
pub fn newest_change() -> Option<String> {
    query::first(NEWEST, &[History::now().timeline.into()], |row| row.get(1))
}

/// The watched segments of an audience, whoever asks.
pub fn watched(audience: &str) -> Vec<Uuid> {
    security::as_role(access::extension_owner(), || {
        query::rows(
            "SELECT w.segment FROM segments.watch_config w
               JOIN segments.segment_config s ON s.id OPERATOR(pg_catalog.=) w.segment
              WHERE s.audience OPERATOR(pg_catalog.=) $1 AND w.watched",
            &[audience.into()],
            |row| id_of(row.get(1)),
        )
    })
}

fn may_see(segment: &Definition) -> bool {
    Audience::try_load(&segment.audience).is_ok_and(|audience| visible::may_identify(&audience, segment))
}

/// Of a change, where it stands among others. Written `log-timeline-transaction-sequence`, by earlier versions without
/// the timeline.
struct Position {
    /// The record that it is of
    log: String,
    /// Which history of the server it was handed out in: after a failover, or a recovery to a point in time, numbers of
    /// transactions that were lost are given anew
    timeline: Option<i64>,
    transaction: i64,
    sequence: i64,
}

impl Position {
    /// Reads a position; raises 22023 where it is none, or none of this record.
    fn read(text: &str, history: &History) -> Self {
        let Some(position) = Self::parse(text) else {
            Failure::new(PgSqlErrorCode::ERRCODE_INVALID_PARAMETER_VALUE, format!("\"{text}\" is not a position"))
                .detail("Positions are handed out by segment_changes().")
                .hint("Give the position of the last change that you have read, or NULL to start with the oldest one.")
                .raise()
        };
        let elsewhere = |what: &str, detail: &str| {
            Failure::new(
                PgSqlErrorCode::ERRCODE_INVALID_PARAMETER_VALUE,
                format!("position \"{text}\" is one of another {what}"),
            )
            .detail(detail)
            .hint("Read the segments' members anew, and start with NULL.")
            .raise()
        };
        if query::first(LOG, &[], |row| row.get::<String>(1)).as_ref() != Some(&position.log) {
            elsewhere(
                "database",
                "Changes are left out of dumps: a database that was restored from one has a record of its own.",
            )
        }
        if !position.is_of(history) {
            elsewhere(
                "history of this database",
                "A standby has taken the place of its server since, or it was restored: changes that had been read may be lost.",
            )
        }
        position
    }

    fn parse(text: &str) -> Option<Self> {
        let (log, numbers) = text.split_once('-')?;
        let numbers: Vec<i64> = numbers.split('-').map(|number| number.parse().ok()).collect::<Option<_>>()?;
        let (timeline, transaction, sequence) = match numbers.as_slice() {
            [transaction, sequence] => (None, *transaction, *sequence),
            [timeline, transaction, sequence] => (Some(*timeline), *transaction, *sequence),
            _ => return None,
        };
        Some(Position { log: log.to_owned(), timeline, transaction, sequence })
    }

    /// Whether no change can have been recorded since, by another transaction, before the position. A standby may not
    /// have got as far yet as its primary, which handed it out.
    fn is_of(&self, history: &History) -> bool {
        let History { timeline, next_transaction } = *history;
        let is_past = next_transaction.is_none_or(|next| self.transaction < next);
        let is_same = |known: i64| known == timeline || known > timeline && next_transaction.is_none();
        is_past && self.timeline.is_none_or(is_same)
    }
}

/// Where the server is in its history.
struct History {
    timeline: i64,
    /// The number of the next transaction, which only a primary knows
    next_transaction: Option<i64>,
}

impl History {
    fn now() -> Self {
        let read =
            || query::first(HISTORY, &[], |row| History { timeline: row.get(1), next_transaction: row.nullable(2) });
        snapshot::latest(read).unwrap_or(History { timeline: 0, next_transaction: None })
    }
}

const RECORDED: &str = "SELECT w.segment FROM segments.watch_config w";

const LOG: &str = "SELECT l.name FROM segments.change_log l";

// In recovery, the timeline is that of the last restart point, which is never ahead of what has been replayed.
const HISTORY: &str = "
SELECT CASE WHEN pg_catalog.pg_is_in_recovery() THEN (SELECT c.timeline_id FROM pg_catalog.pg_control_checkpoint() c)
            ELSE ('x' OPERATOR(pg_catalog.||) pg_catalog.left(pg_catalog.pg_walfile_name(pg_catalog.pg_current_wal_lsn()), 8))
                 ::pg_catalog.bit(32)::pg_catalog.int4
       END::pg_catalog.int8,
       CASE WHEN NOT pg_catalog.pg_is_in_recovery()
            THEN pg_catalog.pg_snapshot_xmax(pg_catalog.pg_current_snapshot())::pg_catalog.text::pg_catalog.int8 END";

/// The position of the record `r` in the log `l`, on the timeline `$1`.
macro_rules! select_position {
    ($rest:literal) => {
        concat!("SELECT pg_catalog.concat_ws('-', l.name, $1::pg_catalog.int8, r.transaction, r.sequence)", $rest)
    };
}

const NEWEST: &str = select_position!(
    "
  FROM segments.change_record r CROSS JOIN segments.change_log l
 WHERE r.transaction OPERATOR(pg_catalog.<) pg_catalog.pg_snapshot_xmin(pg_catalog.pg_current_snapshot())
 ORDER BY r.transaction DESC, r.sequence DESC LIMIT 1"
);

const PAGE: &str = select_position!(
    ", r.segment, r.contact_id, r.change, r.changed_at
  FROM segments.change_record r CROSS JOIN segments.change_log l
 WHERE r.segment OPERATOR(pg_catalog.=) ANY ($2)
   AND ($3 IS NULL OR ROW(r.transaction, r.sequence)
        OPERATOR(pg_catalog.>) ROW($3::pg_catalog.text::pg_catalog.xid8, $4))
   -- Whatever has a smaller number has committed, or never will.
   AND r.transaction OPERATOR(pg_catalog.<) pg_catalog.pg_snapshot_xmin(pg_catalog.pg_current_snapshot())
 ORDER BY r.transaction, r.sequence LIMIT $5"
);
