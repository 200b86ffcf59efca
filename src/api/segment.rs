//! Segments: named conditions over one audience.

pub mod any_topic;
mod changes;
pub mod named;
pub mod read;
mod write;
