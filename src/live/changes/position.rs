//! Positions in the record of entries and exits.

use crate::pg::error::Failure;
use crate::pg::{query, snapshot};
use pgrx::PgSqlErrorCode;

/// The position of the newest change that readers can see; `None` if there is none.
pub fn newest_change() -> Option<String> {
    query::first(NEWEST_CHANGE, &[History::now().timeline.into()], |row| row.get(1))
}

/// Whether changes are committed that readers cannot see yet, because a transaction is under way that was writing when
/// they were made.
pub fn are_hidden() -> bool {
    query::first(HIDDEN, &[], |row| row.get(1)) == Some(true)
}

/// The position behind every change that readers can see.
pub fn newest() -> Option<String> {
    query::first(NEWEST, &[History::now().timeline.into()], |row| row.get(1))
}

/// The position of a change among all changes. Its text is `log-timeline-horizon-sequence`, each number with as many
/// digits as the largest one, so that texts compare as positions do.
pub struct Position {
    /// The name of the change log
    log: String,
    /// The timeline of the server when the position was handed out. After a failover or a recovery to a point in time,
    /// ids of lost transactions are assigned again
    pub timeline: i64,
    /// The id that the next transaction would get when the change was recorded
    pub horizon: i64,
    pub sequence: i64,
}

impl Position {
    /// Reads a position. Raises 22023 if the text is not a position, or if it belongs to another log or history.
    pub fn read(text: &str, history: &History) -> Self {
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
            .hint("Read the segments' members again, and start with NULL.")
            .raise()
        };
        if query::first(LOG, &[], |row| row.get::<String>(1)).as_ref() != Some(&position.log) {
            elsewhere("database", "Dumps do not contain changes, so a restored database has a record of its own.")
        }
        if !position.is_of(history) {
            elsewhere(
                "history of this database",
                "Since then a standby has replaced its server, or the server was restored, and changes that you have read may be lost.",
            )
        }
        position
    }

    fn parse(text: &str) -> Option<Self> {
        let (log, numbers) = text.split_once('-')?;
        let numbers: Vec<i64> = numbers.split('-').map(|number| number.parse().ok()).collect::<Option<_>>()?;
        let [timeline, horizon, sequence] = numbers[..] else { return None };
        Some(Position { log: log.to_owned(), timeline, horizon, sequence })
    }

    /// Whether the position belongs to the history of this server. On another history, changes may have been recorded
    /// before the position. A standby may still be behind its primary, which has handed the position out.
    fn is_of(&self, history: &History) -> bool {
        let History { timeline, next_transaction } = *history;
        let is_past = next_transaction.is_none_or(|next| self.horizon <= next);
        let is_same = |known: i64| known == timeline || known > timeline && next_transaction.is_none();
        is_past && is_same(self.timeline)
    }
}

/// The present state of the server's history.
pub struct History {
    pub timeline: i64,
    /// The id of the next transaction. Only a primary knows it
    next_transaction: Option<i64>,
}

impl History {
    pub fn now() -> Self {
        let read =
            || query::first(HISTORY, &[], |row| History { timeline: row.get(1), next_transaction: row.nullable(2) });
        snapshot::latest(read).unwrap_or(History { timeline: 0, next_transaction: None })
    }
}

const LOG: &str = "SELECT l.name FROM segments.change_log l";

// During recovery this is the timeline of the last restart point, which is never ahead of the replayed WAL.
const HISTORY: &str = "
SELECT CASE WHEN pg_is_in_recovery() THEN (SELECT c.timeline_id FROM pg_control_checkpoint() c)
            ELSE ('x' || left(pg_walfile_name(pg_current_wal_lsn()), 8))
                 ::bit(32)::int4
       END::int8,
       CASE WHEN NOT pg_is_in_recovery()
            THEN pg_snapshot_xmax(pg_current_snapshot())::text::int8 END";

/// Selects the position of a change in the log `l`, on the timeline `$1`.
macro_rules! select_position {
    ($horizon:literal, $sequence:literal, $rest:literal) => {
        concat!(
            "SELECT concat_ws('-', l.name, to_char($1::int8, 'FM0000000000'),
                    to_char((",
            $horizon,
            ")::text::int8, 'FM0000000000000000000'),
                    to_char(",
            $sequence,
            ", 'FM0000000000000000000'))",
            $rest
        )
    };
}

const NEWEST_CHANGE: &str = select_position!(
    "r.horizon",
    "r.sequence",
    "
  FROM segments.change_record r CROSS JOIN segments.change_log l
 WHERE r.horizon <= pg_snapshot_xmin(pg_current_snapshot())
 ORDER BY r.horizon DESC, r.sequence DESC LIMIT 1"
);

const HIDDEN: &str = "
SELECT EXISTS (SELECT FROM segments.change_record r WHERE r.horizon > pg_snapshot_xmin(pg_current_snapshot()))";

// Whatever is recorded later has a horizon beyond the oldest transaction that runs now.
const NEWEST: &str = select_position!(
    "pg_snapshot_xmin(pg_current_snapshot())",
    "9223372036854775807",
    "
  FROM segments.change_log l"
);

/// A page of at most `$5` changes of the segments `$2`, after the horizon `$3` and the number `$4`.
pub const PAGE: &str = select_position!(
    "r.horizon",
    "r.sequence",
    ", r.segment, r.contact_id, r.change, r.changed_at
  FROM segments.change_record r CROSS JOIN segments.change_log l
 WHERE r.segment = ANY ($2)
   AND ($3 IS NULL OR ROW(r.horizon, r.sequence)
        > ROW($3::text::xid8, $4))
   -- What is yet to be committed has a horizon beyond the number of its own transaction, and so comes later.
   AND r.horizon <= pg_snapshot_xmin(pg_current_snapshot())
 ORDER BY r.horizon, r.sequence LIMIT $5"
);
