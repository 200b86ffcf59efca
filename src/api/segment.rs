//! Segments: named conditions over one audience.

pub mod any_topic;
mod changes;
pub mod named;
mod overlap;
pub mod read;
mod statistics;
pub mod write;
