//! Live counts: each statement that changes contacts records, in its own transaction, by how much it changed which
//! counts.
//!
//! A trigger puts the conditions of all segments to the rows that the statement took away and to those that it put in
//! their place, and appends the differences to `segments.count_delta` in one row. Nothing that others write is updated,
//! so writers do not wait for each other. A count is the base in `segments.segment_count` and all differences that the
//! reader's snapshot sees, so it is exact in every snapshot. From time to time `fold` adds differences to the base.
//!
//! | module | |
//! |---|---|
//! | [`tracked`] | what the triggers of a table keep, compiled once per backend |
//! | [`kept`], [`parts`] | which counts can be kept, and on which tables that takes triggers |
//! | [`rows`] | what a statement on contacts changed of the counts |
//! | [`contacts`], [`subscriptions`] | the same where segments ask for subscriptions |
//! | [`truncation`] | TRUNCATE |
//! | [`definition`] | how a change of a definition comes between two writers, never into one |
//! | `outcome`, `fold` | recording differences, and folding them |
//! | `change`, `watched`, `members` | who enters and leaves watched segments |
//! | [`record`] | in which order that is recorded |
//! | [`freshness`], [`triggers`] | switching an audience to live and back |
//! | [`following`] | partitions that come and go |
//! | [`forgetting`], [`gaps`] | what changes members and fires no trigger |

use crate::pg::trigger::{Event, Statement};

pub mod changes;
mod contacts;
pub mod definition_locks;
pub mod deltas;
pub mod eligibility;
pub mod freshness;
pub mod row_segments;
pub mod subscriptions;
pub mod trigger_gaps;
pub mod trigger_program;
pub mod triggers;
mod truncation;

/// What the triggers do.
pub fn keep(statement: Statement) {
    if statement.event() != Event::Truncate && statement.changed_rows() == 0 {
        return;
    }
    trigger_program::table(statement.relation()).keep(statement);
}
