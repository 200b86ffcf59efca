//! The rows of a table in columns, for exact counts of millions of rows in milliseconds.
//!
//! ```text
//! rows ─Builder→ pieces ─Chunk::open→ Chunk ─┬→ Query::answer → Answer
//! Checked ─Way::of→ Plan ────────────────────┘
//! ```
//!
//! A [`Chunk`] has the rows of some heap pages, at most [`MOST_ROWS`], and never changes. For each native column and each
//! top-level key of the properties it has a *dictionary* of the distinct values, sorted within [classes](Class), and the
//! *code* of each row: the number of its value in the dictionary, in 4, 8 or 16 bits. A condition is put to each distinct
//! value once, by the evaluator that puts conditions to documents, or to fewer where the values are in an order that the
//! test follows. That gives a table of truth by code, and a few instructions for 32 rows look their codes up in it. So
//! everything that the language says is exact without being said a second time.
//!
//! What is stored:
//!
//! - A chunk is a list of pieces, each at most [`PIECE_SIZE`] bytes, with its [`Place`]. Reading checks everything: bytes
//!   that are not what they should be are [`Damage`], whatever they are.
//! - A column that has few values in all chunks keeps them in a [`Global`] dictionary, and each chunk has their numbers.
//! - A column in which all rows but a few have one value is stored as those few rows.
//! - A chunk has at most [`MOST_COLUMNS`] columns. The keys that fewer rows have are in one more column, whose values are
//!   the keys and values of a row.
//! - A value of more than [`LARGEST_VALUE`] bytes, or a number of more than 128 digits, is not stored, and the rows that
//!   depend on one are told apart ([`Answer::unknown`]).
//! - No collation, label or fold of letters is stored: the caller keeps such values as bytes and reads them when a
//!   condition is put to them ([`Natives`]).
//!
//! This is the part of the column index that needs no server. It knows the pages of chunks only as [`Pieces`]; [`layout`] has
//! those that say which heap pages have images, and where the chunks are.

mod answer;
mod bits;
mod builder;
mod bytes;
mod chunk;
mod column;
mod damage;
mod dictionary;
mod entry;
mod fingerprint;
mod global;
mod kernels;
pub mod layout;
mod leaf;
mod number;
mod other_keys;
mod pair;
mod piece;
mod plan;
mod shape;
mod truth;
mod values;

pub use answer::{Answer, Query};
pub use bits::Bits;
pub use builder::{Builder, Given};
pub use chunk::{Chunk, HeapRows, MOST_COLUMNS, MOST_ROWS};
pub use column::Source;
pub use damage::Damage;
pub use entry::{Class, Entry, LARGEST_VALUE, Natives, NoNatives};
pub use fingerprint::fingerprints;
pub use global::{Global, Globals, MOST_GLOBAL_VALUES};
pub use piece::{PIECE_SIZE, Pieces, Place};
pub use plan::{Obstacle, Plan, Way};

/// What an answer needs beside the chunk.
#[derive(Debug)]
pub struct Asking<'a, N> {
    /// Reads the values that only the caller understands
    pub natives: &'a N,
    /// The global dictionaries that chunks may name
    pub globals: &'a Globals,
    /// Called regularly, so that long answers can be cancelled; may unwind
    pub interrupt: fn(),
}

impl<N> Clone for Asking<'_, N> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<N> Copy for Asking<'_, N> {}

impl Asking<'static, NoNatives> {
    /// No values of the caller, no global dictionaries and no interrupts.
    pub const NONE: Asking<'static, NoNatives> =
        Asking { natives: &NoNatives, globals: &Globals::NONE, interrupt: || () };
}
