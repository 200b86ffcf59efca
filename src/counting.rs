//! Counting members, and keeping the counts.
//!
//! | module | |
//! |---|---|
//! | [`take`] | counts segments: definitions, members and pending differences are read in one snapshot |
//! | [`strategy`], [`pass`] | how members are counted: many segments in one pass, or a query for each |
//! | [`recount`] | counts segments anew whose definitions or tables have changed |
//! | [`store`] | stores what was counted |
//! | [`pending`] | the differences that live segments have recorded, and folding them into the bases |
//! | [`cached`] | the counts that readers see |
//! | [`bases`] | locks on the bases |
//!
//! `segments.segment_count` has a base for each segment. Statements that change members of a live segment record
//! differences. A segment's count is always the base plus the differences that the reader's snapshot shows.

pub mod bases;
pub mod cached;
pub mod pass;
pub mod pending;
pub mod recount;
pub mod store;
pub mod strategy;
pub mod take;
