//! Wrappers of Postgres's functions and memory. They know nothing of segments.
//!
//! A function here that is not `unsafe` cannot cause undefined behaviour, whatever safe code does with it. It is called
//! in a transaction, unless it says otherwise. Only this module and `entry` contain unsafe code.

pub mod background;
pub mod call;
pub mod column_kind;
pub mod detoast;
pub mod error;
pub mod expression;
pub mod extension;
pub mod from_clause;
pub mod guard;
pub mod heap;
pub mod heap_pages;
pub mod heap_rows;
pub mod index;
pub mod index_options;
pub mod index_pages;
pub mod indexed_columns;
pub mod interrupt;
pub mod kept_rows;
pub mod merge;
pub mod nodes;
pub mod open_index;
pub mod operator;
mod place;
pub mod plan;
pub mod plans;
pub mod prefetch;
pub mod process;
pub mod query;
mod readable;
pub mod relcache;
pub mod returning;
pub mod row;
pub mod rows;
pub mod sample;
pub mod security;
mod semi_join;
pub mod shared;
pub mod snapshot;
pub mod spi;
pub mod statistics;
pub mod stream;
pub mod substitution;
pub mod subtransaction;
pub mod text;
pub mod transition;
pub mod trigger;
pub mod tuple;
pub mod turn;
mod walker;
pub mod written;
pub mod zone;
