//! The format of stored pieces, byte by byte. [`layout`](super::layout) has that of the other pages.
//!
//! Integers are stored with the lowest byte first. A *varint* has seven bits in each byte, the lowest first, and the highest
//! bit of each byte but the last is set. A *text* is a varint, its length in bytes, and UTF-8. The base-10,000 digits of
//! numbers and the jsonb of containers are as Postgres has them, in the byte order of the machine.
//!
//! **Piece** ([`piece`](super::piece)), at most [`PIECE_SIZE`](super::PIECE_SIZE) bytes; zeros may follow:
//!
//! | bytes | |
//! |---|---|
//! | 8 | generation of the chunk, or of the global dictionary |
//! | 4 | column: 0, 1, … in the order of the description; 2^32 - 1 for the description, 2^32 - 2 for a global dictionary |
//! | 4 | number of the piece among those of the column: 0, 1, … |
//! | 2 | length of the payload |
//! | 2 | zeros |
//! | 4 | [checksum](super::checksum) of the bytes before it and of the payload |
//! | 16 | zeros |
//! | | payload |
//!
//! **Chunk** ([`chunk`](super::chunk)): the pieces of the description, then of each column those of its values and those of
//! its codes. The payloads of the description, one after the other, are:
//!
//! | | |
//! |---|---|
//! | 4 bytes | number of the description's pieces |
//! | varint | rows, at most [`MOST_ROWS`](super::MOST_ROWS) |
//! | varint | columns, at most [`MOST_COLUMNS`](super::MOST_COLUMNS) and the one for other keys |
//! | each column | see below |
//! | each run of heap pages that follow each other, to the end | varint: the first page's number, less the last page's of the run before. Varint: how many pages. For each page 2 bytes: its rows |
//!
//! **Column** in the description ([`column`](super::column)): its source, its values, its layout.
//!
//! | | |
//! |---|---|
//! | source | 0 and text: a native column. 1 and text: a key of the properties. 2: all keys without a column |
//! | values | 0 and a dictionary. 1, or 2 if the last code is that of values that are not stored: 8 bytes, the generation of a global dictionary; varint: how many numbers in it are stored |
//! | layout | 0: the code of each row. 1: sparse; varint: the usual code; varint: the rows that have another |
//!
//! **Dictionary** in the description ([`dictionary`](super::dictionary)): for each [class](super::Class), in order, a varint,
//! the number of its values. Varint: the scale; numbers are integers in units of 10^-scale. Varint: the number of its pieces,
//! and for each a varint, its first code less that of the piece before. A piece has values of one class.
//!
//! | pieces of | |
//! |---|---|
//! | strings ([`strings`](super::strings)) | 2 bytes: how many. 2 bytes for each: where it ends in the payload. Their bytes |
//! | numbers and dates ([`blocks`](super::blocks)) | 2 bytes: how many blocks of 64. 2 bytes for each: where it begins in the payload. The blocks |
//! | a block | 0, 8 bytes: the first integer, a varint for each other: its difference to the one before. Or 1, and for each number a varint, its length, and the number |
//! | a number | 1 byte: 1 if it is negative. 4 bytes: its weight. Its digits |
//! | numbers in a global dictionary ([`values`](super::values)) | 2 bytes for each code from 1 on |
//!
//! A day is the days since 1970-01-01, an instant the microseconds since then.
//!
//! **Codes** ([`kernels`](super::kernels)): for 32 rows 16, 32 or 64 bytes, if there are at most 16, at most 256 or more codes.
//! Of 16 bytes the lower halves are the first 16 rows. Rows that fill up the last 32 have code 0. A sparse column has one
//! piece: 2 bytes for each row with another code, its number, ascending; then 2 bytes for each, its code.
//!
//! **Global dictionary** ([`global`](super::global)): for each value a varint, its length, and the value as an entry. No value
//! lies in two pieces.
//!
//! **Entry** ([`entry`](super::entry)): 1 byte, the number of its class. Then a number; 4 bytes of a day; 8 bytes of an instant;
//! or the bytes of a string. The elements of an array ([`elements`](super::elements)) are, for each, a varint, the length of its
//! entry, and the entry. Keys without a column ([`other_keys`](super::other_keys)) are, one after the other: a text, the
//! key; a varint, the length of the entry; the entry.
//!
//! The [version](super::layout::FORMAT_VERSION) of all this changes when bytes are laid out in another way, and also when a value
//! gets another class or another place among the values of its class: an index of another version has no images.
//! `tests/columns_format.rs` compares the bytes with those of the version.
