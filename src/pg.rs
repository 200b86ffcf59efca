//! Everything that touches Postgres's memory: the only unsafe code of the extension.

pub mod call;
pub mod condition;
pub mod detoast;
pub mod estimate;
pub mod index;
pub mod interrupt;
pub mod matching;
pub mod nodes;
mod prefetch;
pub mod property;
pub mod relcache;
pub mod returning;
pub mod row;
pub mod rows;
pub mod sample;
pub mod security;
pub mod shared;
pub mod snapshot;
pub mod spi;
pub mod statistics;
pub mod subtransaction;
pub mod support;
pub mod tally;
pub mod trigger;
pub mod zone;
