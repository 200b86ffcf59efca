//! What Postgres calls by pointer: functions written against its C interface. Each is a line or two that calls down.

pub mod condition;
pub mod estimate;
pub mod matching;
pub mod planner_support;
pub mod property;
pub mod tally;
