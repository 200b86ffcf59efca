//! The functions that Postgres calls by pointer, written against its C interface. Each is a line or two that calls a
//! lower floor.

pub mod access_method;
pub mod background;
pub mod bucket;
pub mod condition;
pub mod estimate;
pub mod gather;
pub mod gin_cost;
pub mod id_text;
pub mod matching;
pub mod members_support;
pub mod membership_support;
pub mod planner_support;
pub mod property;
pub mod shared_memory;
pub mod tally;
pub mod triggers;
