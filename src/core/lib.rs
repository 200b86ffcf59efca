//! The condition language of segments, without Postgres.
#![forbid(unsafe_code)]
