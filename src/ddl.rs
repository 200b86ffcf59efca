//! What a command that changes, renames or drops a table, a column or a type means to audiences over it.

pub mod invalidation;
pub mod partitions;
pub mod renamed;
