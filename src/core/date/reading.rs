//! What stored values are as dates, which depends on the declared type.

use super::{Day, Instant, Moment};
use crate::decimal::Number;
use crate::types::{PropertyType, ScalarType};

/// How stored values are read as dates.
///
/// A number counts from 1970-01-01T00:00:00Z. What it has beyond a microsecond is cut off, so that each instant, which
/// lasts a microsecond, has the numbers from its start up to and without its end. A number outside the years 1 to 9999
/// is no date.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum DateReading {
    /// Strings alone: where no date is declared, a number is a number
    #[default]
    Strings,
    /// `timestamp`: strings, and numbers of milliseconds
    Timestamp,
    /// `date`: strings, and numbers of milliseconds, which are the day that they fall in in UTC
    Date,
    /// `timestamp(seconds)`: numbers of seconds alone
    TimestampSeconds,
    /// `date(seconds)`: numbers of seconds alone, which are the day that they fall in in UTC
    DateSeconds,
}

impl DateReading {
    /// The reading of fields of this type, and of the elements of arrays of it.
    #[must_use]
    pub fn of(read_as: Option<PropertyType>) -> Self {
        match read_as.and_then(PropertyType::element) {
            Some(ScalarType::Timestamp) => DateReading::Timestamp,
            Some(ScalarType::Date) => DateReading::Date,
            Some(ScalarType::TimestampSeconds) => DateReading::TimestampSeconds,
            Some(ScalarType::DateSeconds) => DateReading::DateSeconds,
            Some(ScalarType::String | ScalarType::Number | ScalarType::Boolean) | None => DateReading::Strings,
        }
    }

    /// Whether strings may be dates.
    #[must_use]
    pub fn reads_strings(self) -> bool {
        !matches!(self, DateReading::TimestampSeconds | DateReading::DateSeconds)
    }

    /// Whether numbers may be dates.
    #[must_use]
    pub fn reads_numbers(self) -> bool {
        self != DateReading::Strings
    }

    /// Whether dates are days, so that a time says only which day it is of.
    #[must_use]
    pub fn is_of_days(self) -> bool {
        matches!(self, DateReading::Date | DateReading::DateSeconds)
    }

    /// The date of a stored string.
    #[inline]
    #[must_use]
    pub fn string(self, text: &[u8]) -> Option<Moment> {
        if self.reads_strings() { Moment::parse(text) } else { None }
    }

    /// The date of a stored number.
    #[must_use]
    pub fn number(self, number: Number<'_>) -> Option<Moment> {
        let (power, is_day) = match self {
            DateReading::Strings => return None,
            DateReading::Timestamp => (3, false),
            DateReading::Date => (3, true),
            DateReading::TimestampSeconds => (6, false),
            DateReading::DateSeconds => (6, true),
        };
        let instant = Instant::from_micros(number.floor_scaled(power)?)?;
        Some(if is_day { Moment::Day(instant.utc_day()) } else { Moment::Instant(instant) })
    }
}

impl Day {
    /// The instant at which the day ends in UTC, which is at most 10000-01-01T00:00:00Z.
    #[must_use]
    pub fn end_utc(self) -> Instant {
        Instant(self.start_utc().0 + super::MICROS_PER_DAY)
    }
}

#[cfg(test)]
mod tests {
    use super::super::sample::{at, day};
    use super::*;
    use crate::decimal::Decimal;
    use DateReading::{Date, DateSeconds, Strings, Timestamp, TimestampSeconds};

    fn number(reading: DateReading, text: &str) -> Option<Moment> {
        reading.number(Decimal::parse(text).unwrap().as_number())
    }

    #[test]
    fn numbers_count_from_1970() {
        for (millis, instant) in [
            ("0", "1970-01-01T00:00:00Z"),
            ("1704067200000", "2024-01-01T00:00:00Z"),
            ("1704067200000.5", "2024-01-01T00:00:00.0005Z"),
            ("1704067200000.0009999", "2024-01-01T00:00:00Z"),
            ("-0.0001", "1969-12-31T23:59:59.999999Z"),
            ("-62135596800000", "0001-01-01T00:00:00Z"),
            ("253402300799999.9999", "9999-12-31T23:59:59.999999Z"),
        ] {
            let instant = at(instant);
            assert_eq!(number(Timestamp, millis), Some(Moment::Instant(instant)), "{millis}");
            assert_eq!(number(Date, millis), Some(Moment::Day(instant.utc_day())), "{millis}");
            let seconds = format!("{millis}e-3");
            assert_eq!(number(TimestampSeconds, &seconds), Some(Moment::Instant(instant)), "{seconds}");
            assert_eq!(number(DateSeconds, &seconds), Some(Moment::Day(instant.utc_day())), "{seconds}");
            assert_eq!(number(Strings, millis), None);
        }
    }

    #[test]
    fn outside_the_years_1_to_9999_a_number_is_no_date() {
        for millis in ["-62135596800000.0001", "253402300800000", "1e400", "-1e400"] {
            for (reading, text) in [(Timestamp, millis.to_owned()), (TimestampSeconds, format!("{millis}e-3"))] {
                if let Some(number) = Decimal::parse(&text) {
                    assert_eq!(reading.number(number.as_number()), None, "{text}");
                }
            }
        }
        assert_eq!((number(Date, "1e18"), number(DateSeconds, "1704067200000")), (None, None));
    }

    #[test]
    fn strings_are_no_numbers_of_seconds() {
        let text = b"2024-01-01";
        for reading in [Strings, Timestamp, Date] {
            assert_eq!(reading.string(text), Some(Moment::Day(day("2024-01-01"))));
        }
        for reading in [TimestampSeconds, DateSeconds] {
            assert_eq!((reading.string(text), reading.string(b"1704067200")), (None, None));
        }
    }
}
