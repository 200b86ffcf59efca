//! Reactions to commands of users that change, rename or drop a table, a column or a type under an audience.

pub mod invalidation;
pub mod partitions;
pub mod renamed;
