//! The limits of the language. A condition past a limit is refused with an error that names the limit; nothing is cut
//! off.

/// The most keys in the name of a declared property, which has at most 100 characters.
pub const NAME_KEYS: usize = 50;
/// The most levels of a condition: each condition inside another, `$not`, `$elemMatch`, array and object is a level.
pub const NESTING: usize = 64;
/// The most numbers among the keys of a path and of the `$elemMatch` around it. At an array, a number is followed both
/// as an index and as a key of the elements, so that each number doubles the ways through a document.
pub const INDEXES: usize = 8;
/// The most nodes of a condition: tests, logical operators, and values inside arrays and objects. The entries of `$in`,
/// `$nin` and `$all` have a limit of their own.
pub const NODES: usize = 10_000;
/// The most entries of one `$in`, `$nin` or `$all`.
pub const ENTRIES: usize = 10_000;
/// The most entries of one `$sequence`. In SQL each is a window over the rows, inside that of the one before.
pub const SEQUENCE: usize = 64;
/// The most bytes of a compiled pattern.
pub const PATTERN_BYTES: usize = 1 << 20;
/// The most bytes of all compiled patterns of a condition.
pub const PATTERNS_BYTES: usize = 64 << 20;
/// The most bytes in the text of a condition.
pub const TEXT_BYTES: usize = 4 << 20;
/// The number of mistakes after which reading stops.
pub const ERRORS: usize = 100;

/// How many further nodes a test of the calendar counts as, and it counts as two levels: in its checked form, what is
/// asked and its complement may be two tests, one of them under a double negation.
pub(crate) const CALENDAR_NODES: usize = 4;
