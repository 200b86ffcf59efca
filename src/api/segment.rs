//! Segments: named conditions over one audience.

mod changes;
mod named;
pub mod read;
mod write;
