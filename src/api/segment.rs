//! Segments: named conditions over one audience.

pub mod any_topic;
mod changes;
mod named;
pub mod read;
mod write;
