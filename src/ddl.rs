//! Reactions to commands of users that change, rename or drop a table, a column or a type under an audience.

mod altered;
pub mod invalidation;
pub mod partitions;
pub mod renamed;
