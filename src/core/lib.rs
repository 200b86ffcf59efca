//! The condition language of segments, without Postgres.
#![forbid(unsafe_code)]
pub mod date;
pub mod decimal;
pub mod document;
pub mod value;
