//! Live counts. Every statement that changes contacts records in its own transaction by how much it changes the counts.
//!
//! A trigger evaluates the conditions of all segments for the old and the new rows of the statement, and inserts the
//! deltas as one row of `segments.count_delta`. It updates no row that others use, so writers do not wait for each
//! other. A count is the base in `segments.segment_count` plus all deltas that the reader's snapshot sees, so it is
//! exact in every snapshot. From time to time `fold` adds deltas to the base.
//!
//! | module | |
//! |---|---|
//! | [`trigger_program`] | what the triggers of a table keep, compiled once per backend |
//! | [`eligibility`] | which counts triggers can keep |
//! | [`row_segments`] | what a statement on contacts changed of the counts |
//! | [`asking`] | the same where segments ask for subscriptions, or for rows of relations |
//! | [`concern`], [`touched`] | which contacts a statement concerns in such segments |
//! | [`counted`] | what has been counted already of the commands of a transaction |
//! | [`underway`] | statements that run inside others |
//! | [`truncation`] | TRUNCATE |
//! | [`deltas`] | recording by how much counts changed |
//! | [`changes`] | who enters and leaves watched segments, and in which order that is recorded |
//! | [`recorders`] | whether triggers or refreshes record that |
//! | [`members`] | the same for changes that no trigger is shown |
//! | [`definition_locks`] | how a change of a definition comes between two writers, never into one |
//! | [`freshness`], [`triggers`], [`live_tables`] | switching an audience to live and back |
//! | [`trigger_gaps`] | what keeps triggers from keeping counts |
//! | [`own_commands`] | commands of the extension's own, which event triggers do not follow |

pub mod asking;
pub mod changes;
pub mod concern;
mod counted;
pub mod definition_locks;
pub mod deltas;
pub mod eligibility;
pub mod freshness;
pub mod live_tables;
pub mod members;
pub mod own_commands;
pub mod recorders;
pub mod row_segments;
pub mod touched;
pub mod trigger_gaps;
pub mod trigger_program;
pub mod triggers;
mod truncation;
mod underway;
