//! The values of a column, in classes.
//!
//! A class has the values that are stored in one way and have one order, so that a test on an order is true for a run of
//! a sorted class. How a value is stored never shows: an entry is put to tests as the value that it was made of.

use crate::date::{Day, Instant, Moment};
use crate::decimal::{Digit, Number};
use crate::document::{Node, View};
use crate::jsonb::Jsonb;
use crate::row::Cell;
use std::cmp::Ordering;
use std::io::Write;

/// The largest value that a chunk stores, in bytes. For larger ones it says: ask the heap.
pub const LARGEST_VALUE: usize = 2_048;

/// The most base-10,000 digits of a number that is stored, so that 64 numbers fit into a piece.
const MOST_DIGITS: usize = 32;

/// The classes, in the order that their values have in a dictionary.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum Class {
    /// No value: the key is absent, or the column is NULL. Every dictionary has it, as its first entry
    Missing,
    /// JSON's `null`
    Null,
    /// `false`
    False,
    /// `true`
    True,
    /// Numbers, in their order
    Number,
    /// Strings that are written as [`Day`] prints, in the order of days
    Day,
    /// Strings that are written as [`Instant`] prints, in the order of time
    Instant,
    /// All other strings, in the order of their bytes
    Text,
    /// Arrays and objects, as jsonb
    Container,
    /// Values of a `date` column
    Date,
    /// Values of a `timestamp` or `timestamptz` column
    Timestamp,
    /// Values of a column that the caller reads: it alone knows enum labels, citext, floats and arrays of Postgres
    Native,
    /// A value that is not stored here, so that the heap has to be asked; the last entry
    Unstored,
}

impl Class {
    /// Every class, in order.
    pub const ALL: [Class; 13] = [
        Class::Missing,
        Class::Null,
        Class::False,
        Class::True,
        Class::Number,
        Class::Day,
        Class::Instant,
        Class::Text,
        Class::Container,
        Class::Date,
        Class::Timestamp,
        Class::Native,
        Class::Unstored,
    ];

    /// Whether the class has one value alone, of which nothing needs to be stored.
    #[must_use]
    pub fn is_single(self) -> bool {
        matches!(self, Class::Missing | Class::Null | Class::False | Class::True | Class::Unstored)
    }

    /// Whether its values are stored as integers: numbers and dates.
    pub(super) fn has_integers(self) -> bool {
        matches!(self, Class::Number | Class::Day | Class::Instant | Class::Date | Class::Timestamp)
    }
}

/// A value of a column, in its class.
#[derive(Clone, Copy, Debug)]
pub enum Entry<'d> {
    /// A value of a class that has no other
    Single(Class),
    /// A number
    Number(Number<'d>),
    /// A string that is a day
    Day(Day),
    /// A string that is a point in time
    Instant(Instant),
    /// Another string
    Text(&'d [u8]),
    /// The bytes of a jsonb container
    Container(&'d [u8]),
    /// A value of a `date` column
    Date(Day),
    /// A value of a `timestamp` or `timestamptz` column
    Timestamp(Instant),
    /// What the caller has stored
    Native(&'d [u8]),
}

/// Reads the values that only the caller understands ([`Class::Native`]).
pub trait Natives {
    /// Calls `see` once, with the value of the column that `stored` was made of; `None` if it counts as missing.
    fn read(&self, column: &str, stored: &[u8], see: &mut dyn FnMut(Option<Cell<'_>>));
}

/// For columns that have no such values.
pub struct NoNatives;

impl Natives for NoNatives {
    fn read(&self, _: &str, _: &[u8], see: &mut dyn FnMut(Option<Cell<'_>>)) {
        see(None);
    }
}

impl<'d> Entry<'d> {
    /// The entry of a value; [`Class::Unstored`] for one that is too large, or that only the caller can store.
    #[must_use]
    pub fn of(cell: Cell<'d>) -> Self {
        let entry = match (cell, cell.view()) {
            (_, View::Null) => Entry::Single(Class::Null),
            (_, View::Bool(value)) => Entry::Single(if value { Class::True } else { Class::False }),
            (_, View::Number(number)) => Entry::Number(number),
            (_, View::String(text)) => Self::of_text(text),
            (_, View::Moment(Moment::Day(day))) => Entry::Date(day),
            (_, View::Moment(Moment::Instant(instant))) => Entry::Timestamp(instant),
            (Cell::Jsonb(node), View::Array(_) | View::Object(_)) => {
                node.container().map_or(Entry::Single(Class::Unstored), Entry::Container)
            }
            (_, View::Folded(_) | View::Array(_) | View::Object(_)) => Entry::Single(Class::Unstored),
        };
        if entry.is_small() { entry } else { Entry::Single(Class::Unstored) }
    }

    /// The entry of a string. A date is one only if it prints as the same string.
    #[must_use]
    pub fn of_text(text: &'d [u8]) -> Self {
        let moment = if text.len() <= MOMENT { Moment::parse(text) } else { None };
        let mut buffer = [0; MOMENT];
        match moment {
            Some(moment) if print(&moment, &mut buffer) == text => match moment {
                Moment::Day(day) => Entry::Day(day),
                Moment::Instant(instant) => Entry::Instant(instant),
            },
            _ => Entry::Text(text),
        }
    }

    /// The class.
    #[must_use]
    pub fn class(&self) -> Class {
        match self {
            Entry::Single(class) => *class,
            Entry::Number(_) => Class::Number,
            Entry::Day(_) => Class::Day,
            Entry::Instant(_) => Class::Instant,
            Entry::Text(_) => Class::Text,
            Entry::Container(_) => Class::Container,
            Entry::Date(_) => Class::Date,
            Entry::Timestamp(_) => Class::Timestamp,
            Entry::Native(_) => Class::Native,
        }
    }

    /// Calls `see` with the value that the entry was made of, which [`Class::Unstored`] does not know.
    pub fn read(&self, column: &str, natives: &impl Natives, see: &mut dyn FnMut(Option<Cell<'_>>)) {
        let string = |moment: Moment, see: &mut dyn FnMut(Option<Cell<'_>>)| {
            see(Some(Cell::String(print(&moment, &mut [0; MOMENT]))));
        };
        match self {
            Entry::Single(Class::Null) => see(Some(Cell::Null)),
            Entry::Single(Class::False) => see(Some(Cell::Bool(false))),
            Entry::Single(Class::True) => see(Some(Cell::Bool(true))),
            Entry::Single(_) => see(None),
            Entry::Number(number) => see(Some(Cell::Number(*number))),
            Entry::Day(day) => string(Moment::Day(*day), see),
            Entry::Instant(instant) => string(Moment::Instant(*instant), see),
            Entry::Text(text) => see(Some(Cell::String(text))),
            Entry::Container(bytes) => see(Some(Cell::Jsonb(Jsonb::new(bytes).root()))),
            Entry::Date(day) => see(Some(Cell::Moment(Moment::Day(*day)))),
            Entry::Timestamp(instant) => see(Some(Cell::Moment(Moment::Instant(*instant)))),
            Entry::Native(stored) => natives.read(column, stored, see),
        }
    }

    fn is_small(&self) -> bool {
        match self {
            Entry::Number(number) => number.digits().len() <= MOST_DIGITS,
            Entry::Text(bytes) | Entry::Container(bytes) | Entry::Native(bytes) => bytes.len() <= LARGEST_VALUE,
            _ => true,
        }
    }

    /// The entry as bytes: its class, then its value. Equal entries have equal bytes.
    pub(super) fn write(&self, out: &mut Vec<u8>) {
        out.push(self.class() as u8);
        match self {
            Entry::Single(_) => {}
            Entry::Number(number) => write_number(*number, out),
            Entry::Day(day) | Entry::Date(day) => out.extend(day.epoch_days().to_le_bytes()),
            Entry::Instant(instant) | Entry::Timestamp(instant) => out.extend(instant.micros().to_le_bytes()),
            Entry::Text(bytes) | Entry::Container(bytes) | Entry::Native(bytes) => out.extend(*bytes),
        }
    }

    /// Reads what [`write`](Self::write) wrote; `None` if it did not.
    pub(super) fn from_bytes(bytes: &'d [u8]) -> Option<Self> {
        let (class, value) = bytes.split_first()?;
        let class = *Class::ALL.get(usize::from(*class))?;
        let day = || Day::from_epoch_days(i32::from_le_bytes(value.try_into().ok()?));
        let instant = || Instant::from_micros(i64::from_le_bytes(value.try_into().ok()?));
        Some(match class {
            Class::Number => Entry::Number(read_number(value)?),
            Class::Day => Entry::Day(day()?),
            Class::Date => Entry::Date(day()?),
            Class::Instant => Entry::Instant(instant()?),
            Class::Timestamp => Entry::Timestamp(instant()?),
            Class::Text => Entry::Text(value),
            Class::Container => Entry::Container(value),
            Class::Native => Entry::Native(value),
            _ => return value.is_empty().then_some(Entry::Single(class)),
        })
    }
}

/// The bytes of a number: whether it is negative, its weight and its digits.
pub(super) fn write_number(number: Number<'_>, out: &mut Vec<u8>) {
    out.push(u8::from(number.is_negative()));
    out.extend(number.weight().to_le_bytes());
    out.extend(number.digits().as_flattened());
}

pub(super) fn read_number(bytes: &[u8]) -> Option<Number<'_>> {
    let (negative, rest) = bytes.split_first()?;
    let (weight, digits) = rest.split_first_chunk()?;
    let (digits, []) = digits.as_chunks() else { return None };
    let in_range = |digit: &Digit| u16::from_ne_bytes(*digit) < 10_000;
    let is_number = *negative <= 1 && digits.iter().all(in_range);
    is_number.then(|| Number::new(*negative == 1, i32::from_le_bytes(*weight), digits))
}

/// The length of the longest instant, `2024-01-01T10:00:00.123456Z`.
const MOMENT: usize = 27;

fn print<'b>(moment: &Moment, buffer: &'b mut [u8; MOMENT]) -> &'b [u8] {
    let mut left = buffer.as_mut_slice();
    // Every moment fits: `MOMENT` is the length of the longest.
    let _ = write!(left, "{moment}");
    let length = MOMENT - left.len();
    &buffer[..length]
}

impl Ord for Entry<'_> {
    fn cmp(&self, other: &Self) -> Ordering {
        match (self, other) {
            (Entry::Number(left), Entry::Number(right)) => left.cmp(right),
            (Entry::Day(left), Entry::Day(right)) | (Entry::Date(left), Entry::Date(right)) => left.cmp(right),
            (Entry::Instant(left), Entry::Instant(right)) | (Entry::Timestamp(left), Entry::Timestamp(right)) => {
                left.cmp(right)
            }
            (Entry::Text(left), Entry::Text(right))
            | (Entry::Container(left), Entry::Container(right))
            | (Entry::Native(left), Entry::Native(right)) => left.cmp(right),
            (left, right) => left.class().cmp(&right.class()),
        }
    }
}

impl PartialOrd for Entry<'_> {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Entry<'_> {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other).is_eq()
    }
}

impl Eq for Entry<'_> {}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::decimal::Decimal;

    #[test]
    fn only_dates_that_print_back_are_dates() {
        for (text, class) in [
            ("2024-02-29", Class::Day),
            ("2024-02-29T10:00:00Z", Class::Instant),
            ("2024-02-29T10:00:00.123456Z", Class::Instant),
            ("2023-02-29", Class::Text),
            ("2024-02-29 10:00:00", Class::Text),
            ("2024-02-29T10:00:00.10Z", Class::Text),
            ("2024-02-29T10:00:00+00", Class::Text),
            ("", Class::Text),
        ] {
            let entry = Entry::of_text(text.as_bytes());
            assert_eq!(entry.class(), class, "{text}");
            entry.read("", &NoNatives, &mut |cell| {
                assert!(matches!(cell, Some(Cell::String(read)) if read == text.as_bytes()), "{text}");
            });
        }
    }

    #[test]
    fn entries_read_back_from_their_bytes() {
        let number = Decimal::parse("-12345.678").unwrap();
        let day = Moment::parse(b"2024-02-29").unwrap().day();
        for entry in [
            Entry::Single(Class::Missing),
            Entry::Single(Class::Unstored),
            Entry::Number(number.as_number()),
            Entry::Day(day),
            Entry::Date(day),
            Entry::Instant(day.start_utc()),
            Entry::Timestamp(day.start_utc()),
            Entry::Text(b"a"),
            Entry::Native(b""),
        ] {
            let mut bytes = Vec::new();
            entry.write(&mut bytes);
            assert_eq!(Entry::from_bytes(&bytes), Some(entry));
        }
        assert_eq!(Entry::from_bytes(&[Class::Day as u8, 1, 2, 3]), None);
        assert_eq!(Entry::from_bytes(&[]), None);
        assert_eq!(Entry::from_bytes(&[99]), None);
    }

    #[test]
    fn what_is_too_large_is_not_stored() {
        let text = "a".repeat(LARGEST_VALUE + 1);
        assert_eq!(Entry::of(Cell::String(text.as_bytes())).class(), Class::Unstored);
        assert_eq!(Entry::of(Cell::String(&text.as_bytes()[1..])).class(), Class::Text);
        for (digits, class) in [(4 * MOST_DIGITS, Class::Number), (4 * MOST_DIGITS + 1, Class::Unstored)] {
            let number = Decimal::parse(&"7".repeat(digits)).unwrap();
            assert_eq!(Entry::of(Cell::Number(number.as_number())).class(), class);
        }
    }
}
