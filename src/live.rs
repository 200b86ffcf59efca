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

mod change;
mod contacts;
mod definition;
mod fold;
mod following;
mod forgetting;
mod freshness;
mod gaps;
mod kept;
mod members;
mod outcome;
mod parts;
mod record;
mod rows;
mod subscriptions;
mod tracked;
mod triggers;
mod truncation;
mod watched;

pub use change::{define_settings, newest_change, prune_changes};
pub use definition::{hold_definitions, hold_tables, hold_writers, hold_writers_unrestricted, is_live};
pub use fold::{fold, fold_unlocked, has_unfolded};
pub use forgetting::forget;
pub use freshness::{stop_keeping, topics_attached};
pub use members::Members;

/// What the triggers do.
pub fn keep(statement: Statement) {
    if statement.event() != Event::Truncate && statement.changed_rows() == 0 {
        return;
    }
    tracked::table(statement.relation()).keep(statement);
}
