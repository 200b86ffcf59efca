//! Counting members, and storing the counts.
//!
//! | module | |
//! |---|---|
//! | [`take`] | counts segments: definitions, members and pending deltas are read in one snapshot |
//! | [`strategy`], [`pass`] | how members are counted: many segments in one pass, or a query for each |
//! | [`plan`] | what the aggregates of a pass are told |
//! | [`by_columns`] | counts a condition by a column index |
//! | [`recount`] | counts segments again whose definitions or tables have changed |
//! | [`store`] | stores what was counted |
//! | [`pending`] | the deltas of live segments that are not in the bases yet, and folding them |
//! | [`cached`] | the counts that readers see |
//! | [`bases`] | locks on the bases |
//!
//! `segments.segment_count` has a base for each segment. Statements that change members of a live segment record
//! deltas. The count of a segment is its base plus the deltas that the reader's snapshot shows.

pub mod bases;
pub mod by_columns;
pub mod cached;
pub mod pass;
pub mod pending;
pub mod plan;
pub mod recount;
pub mod store;
pub mod strategy;
pub mod take;
