//! The functions that users call, one module for each noun of the SQL interface.

pub mod audience;
pub mod builder;
pub mod changes;
pub mod columns;
pub mod contact;
pub mod explain;
pub mod freshness;
pub mod grant;
pub mod index;
pub mod infer;
pub mod name;
pub mod page;
pub mod patch;
pub mod property;
pub mod refresh;
pub mod relation;
pub mod sample;
pub mod segment;
pub mod topic;
pub mod validate;
