//! The language's limits. Past one, a condition is refused by name; nothing is cut off.

/// How many keys the name of a declared property can have: it has 100 characters.
pub const NAME_KEYS: usize = 50;
/// How deep a condition may nest: every condition inside another, `$not`, `$elemMatch`, array and object of a value
/// is a level.
pub const NESTING: usize = 64;
/// How many keys of a path, with those of the `$elemMatch` around it, may be numbers. At an array each is followed as
/// an index and as a key of the elements, so that the ways through a document multiply with every one.
pub const INDEXES: usize = 8;
/// How many nodes a condition may have: tests, logical operators, and values inside arrays and objects. Entries of
/// `$in`, `$nin` and `$all` are counted apart.
pub const NODES: usize = 10_000;
/// How many entries one `$in`, `$nin` or `$all` may list.
pub const ENTRIES: usize = 10_000;
/// How many bytes a compiled regular expression may take.
pub const PATTERN_BYTES: usize = 1 << 20;
/// How many bytes all patterns of a condition may take compiled.
pub const PATTERNS_BYTES: usize = 64 << 20;
/// How many bytes the text of a condition may take.
pub const TEXT_BYTES: usize = 4 << 20;
/// How many mistakes are listed before reading stops.
pub const ERRORS: usize = 100;
