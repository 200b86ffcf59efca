//! How many members segments have: counted in one snapshot, stored, and read from what is stored.

pub mod count;
pub mod members;
pub mod pass;
pub mod pending;
pub mod store;
