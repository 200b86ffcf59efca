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
//! What is stored (`format.rs` has it byte by byte):
//!
//! - A chunk is a list of pieces, each at most [`PIECE_SIZE`] bytes, with its [`Place`] and a checksum. Reading checks
//!   everything: bytes that are not what they should be are [`Damage`], whatever they are, also with the right checksum.
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
//!
//! Who stores the pieces:
//!
//! - builds a chunk: [`Builder::begin_block`] for a heap page and [`Builder::push`] for each of its rows, while
//!   [`Builder::has_room`] for the next page and [`Builder::memory`] is in bounds; then [`Builder::finish`], which returns the
//!   pieces in the order in which [`Pieces::read`] numbers them. Global dictionaries that got values are written
//!   ([`Global::write`]) before the chunk can be found.
//! - asks a chunk: [`Way::of`] once for a condition, [`Query::new`] once for a count, then for each chunk [`Chunk::open`],
//!   [`Chunk::rows_of`] the heap pages whose images may be used, and [`Query::answer_among`] these. [`Bits::count`] of
//!   [`Answer::rows`] is the count. Heap pages that have unknown rows ([`Chunk::blocks_of`]) are read as if they had
//!   changed, and all their rows are taken out of the answer.
//! - keeps the [version](layout::FORMAT_VERSION) of the format beside them, and never reads pieces of another.
//! - checks a chunk: makes it anew of its heap pages ([`Chunk::heap_rows`]), and compares the [`fingerprints`] of their rows.
//! - takes [`Damage::OtherPiece`] for a page that was used again if the chunk was given up meanwhile, and for damage if not.
//!
//! ```
//! use segments_core::columns::{Asking, Builder, Chunk, Given, Globals, Query, Way};
//! # use segments_core::{check, decimal::Decimal, parse, row::Cell, sql::*};
//! # let column = NativeColumn { name: "age".into(), not_null: true, kind: ColumnKind::Integer, has_precision: false };
//! # let table = ContactTable { columns: vec![column], ..ContactTable::default() };
//! # let condition = check::check(&parse::parse(r#"{"age": {"$gte": 18}}"#).unwrap(), &check::DocumentOnly).unwrap();
//! let mut builder = Builder::new(["age".to_owned()]);
//! for block in 0..3 {
//!     builder.begin_block(block);
//!     for age in ["17", "18", "65"] {
//!         let age = Decimal::parse(age).unwrap();
//!         builder.push(&[Given::Value(Cell::Number(age.as_number()))], None);
//!     }
//! }
//! let generation = 1;
//! let pieces: Vec<Vec<u8>> = builder.finish(generation, &mut Globals::default());
//!
//! let Way::Columns(plan) = Way::of(&condition, &table, &["age".to_owned()]) else { panic!("the index has the column") };
//! let query = Query::new(&plan, Asking::NONE);
//! let chunk = Chunk::open(generation, pieces.as_slice())?;
//! let unchanged = chunk.rows_of(|block| block != 1);
//! let answer = query.answer_among(&chunk, pieces.as_slice(), &unchanged)?;
//! assert_eq!((answer.rows.count(), answer.unknown), (4, None));
//! # Ok::<(), segments_core::columns::Damage>(())
//! ```

mod answer;
mod bits;
mod blocks;
mod builder;
mod bytes;
mod checksum;
mod chunk;
mod column;
mod damage;
mod dictionary;
mod elements;
mod entry;
mod fingerprint;
mod format;
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
mod stored;
mod strings;
mod truth;
mod values;

pub use answer::{Answer, Query};
pub use bits::Bits;
pub use builder::{Builder, Given};
pub use chunk::{Chunk, HeapRows, MOST_COLUMNS, MOST_ROWS};
pub use column::Source;
pub use damage::Damage;
pub use elements::{read_elements, write_elements};
pub use entry::{Class, Entry, LARGEST_VALUE, Natives, NoNatives};
pub use fingerprint::fingerprints;
pub use global::{Global, Globals, MOST_GLOBAL_VALUES};
pub use piece::{PIECE_SIZE, Pieces, Place, seal};
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
