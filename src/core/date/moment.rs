//! Reads dates and timestamps from text: stored values and operands.

use super::scan::{Scan, Time, scan};
use super::{Day, Instant, Local, POSTGRES_EPOCH_DAYS, POSTGRES_EPOCH_MICROS, Utc, Zone};
use crate::decimal::Decimal;
use std::fmt;

/// A stored date.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Moment {
    /// A whole day
    Day(Day),
    /// A point in time; text without an offset is in UTC
    Instant(Instant),
}

/// The date of an operand, before its zone is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Written {
    /// A day, in a zone that is not known yet
    Day(Day),
    /// A time of the wall clock, in a zone that is not known yet
    Local(Local),
    /// A point in time
    Instant(Instant),
}

impl Moment {
    /// Reads a stored string. Returns `None` if it is no date and no timestamp, or is outside the years 1 to 9999 in
    /// UTC.
    ///
    /// This runs for every row that a condition on a date reads, so that it allocates nothing, and reads fixed places
    /// in one pass.
    #[must_use]
    pub fn parse(text: &[u8]) -> Option<Moment> {
        let Scan { day, time } = scan(text)?;
        let Some(Time { micros, offset }) = time else { return Some(Moment::Day(day)) };
        let instant = Instant::from_micros(day.start_utc().0 + micros - offset.unwrap_or(0))?;
        Some(Moment::Instant(instant))
    }

    /// The value of a `date` column: days since 2000-01-01. Infinity, and days outside the years 1 to 9999, count as
    /// the first or the last day of these years.
    #[must_use]
    pub fn of_date(days: i32) -> Moment {
        Moment::Day(Day(days.saturating_add(POSTGRES_EPOCH_DAYS).clamp(Day::MIN.0, Day::MAX.0)))
    }

    /// The value of a `timestamp` or `timestamptz` column: microseconds since 2000-01-01. Infinity, and times outside
    /// the years 1 to 9999, count as the first or the last instant of these years.
    #[must_use]
    pub fn of_timestamp(micros: i64) -> Moment {
        Moment::Instant(Instant::from_micros_saturating(micros.saturating_add(POSTGRES_EPOCH_MICROS)))
    }

    /// The day; the day of an instant is that in UTC.
    #[must_use]
    pub fn day(self) -> Day {
        match self {
            Moment::Day(day) => day,
            Moment::Instant(instant) => instant.utc_day(),
        }
    }

    /// The instant; the instant of a day is its start in UTC.
    #[must_use]
    pub fn instant(self) -> Instant {
        match self {
            Moment::Day(day) => day.start_utc(),
            Moment::Instant(instant) => instant,
        }
    }
}

impl fmt::Display for Moment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Moment::Day(day) => day.fmt(f),
            Moment::Instant(instant) => instant.fmt(f),
        }
    }
}

impl Written {
    /// Reads an operand by the grammar of [`Moment::parse`], but not 24:00: RFC 3339 does not have it, and only stored
    /// values may.
    #[must_use]
    pub fn parse(text: &str) -> Option<Written> {
        let Scan { day, time } = scan(text.as_bytes())?;
        let Some(Time { micros, offset }) = time else { return Some(Written::Day(day)) };
        if text.get(11..13) == Some("24") {
            return None;
        }
        let wall = day.start_utc().0 + micros;
        Some(match offset {
            Some(offset) => Written::Instant(Instant::from_micros(wall - offset)?),
            // By way of an instant, because second 60 of the last minute is of the next day, which the last day lacks.
            None => Written::Local(Utc.local_of(Instant::from_micros(wall)?)),
        })
    }

    /// The instant this many milliseconds after 1970-01-01T00:00:00Z. `None` if the number is not whole, or the instant
    /// is outside the years 1 to 9999.
    #[must_use]
    pub fn from_millis(millis: &Decimal) -> Option<Written> {
        Some(Written::Instant(Instant::from_micros(millis.to_i64()?.checked_mul(1000)?)?))
    }
}

/// Reads an instant with its offset. It may be 10000-01-01T00:00:00Z, the end of the last day.
pub(super) fn read_range_end(text: &str) -> Option<Instant> {
    match Written::parse(text) {
        Some(Written::Instant(instant)) => Some(instant),
        None if text == Instant::END.to_string() => Some(Instant::END),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::super::sample::{at, day, local};
    use super::*;

    /// Reads a stored string, and checks that an operand with the same text means the same in UTC, or that the hour is
    /// 24.
    fn read(text: &str) -> Option<Moment> {
        let stored = Moment::parse(text.as_bytes());
        if text.get(11..13) == Some("24") {
            assert_eq!(Written::parse(text), None, "{text}");
            return stored;
        }
        let written = Written::parse(text).map(|written| match written {
            Written::Day(day) => Moment::Day(day),
            Written::Local(local) => Moment::Instant(Utc.instant_of(local)),
            Written::Instant(instant) => Moment::Instant(instant),
        });
        assert_eq!(stored, written, "{text}");
        stored
    }

    #[test]
    fn a_date_is_a_day() {
        for (text, epoch_days) in
            [("1970-01-01", 0), ("2024-02-29", 19_782), ("0001-01-01", -719_162), ("9999-12-31", 2_932_896)]
        {
            let day = Day::from_epoch_days(epoch_days).unwrap();
            assert_eq!(read(text), Some(Moment::Day(day)), "{text}");
            assert_eq!(Written::parse(text), Some(Written::Day(day)), "{text}");
        }
    }

    #[test]
    fn every_day_reads_as_it_shows() {
        for days in (Day::MIN.epoch_days()..=Day::MAX.epoch_days()).step_by(13) {
            let day = Day::from_epoch_days(days).unwrap();
            assert_eq!(Moment::parse(day.to_string().as_bytes()), Some(Moment::Day(day)), "{day}");
        }
    }

    /// The expected values are what Postgres 15 reads.
    #[test]
    fn a_time_is_an_instant() {
        for (text, instant) in [
            ("2024-01-01T10:00:00Z", "2024-01-01T10:00:00Z"),
            ("2024-01-01t10:00:00z", "2024-01-01T10:00:00Z"),
            ("2024-01-01 10:00:00+00", "2024-01-01T10:00:00Z"),
            ("2024-01-01 10:00:00", "2024-01-01T10:00:00Z"),
            ("2024-01-01T10:00", "2024-01-01T10:00:00Z"),
            ("2024-01-01T10:00Z", "2024-01-01T10:00:00Z"),
            ("2024-01-01T10:00+02", "2024-01-01T08:00:00Z"),
            ("2024-01-01T10:00-00:00", "2024-01-01T10:00:00Z"),
            ("2024-01-01T10:00:00+05:30", "2024-01-01T04:30:00Z"),
            ("2024-01-01T10:00:00-0330", "2024-01-01T13:30:00Z"),
            ("1883-11-18 12:03:57-04:56:02", "1883-11-18T16:59:59Z"),
            ("2024-01-01T00:30:00+01:00", "2023-12-31T23:30:00Z"),
            ("2024-01-01T10:00:00.5Z", "2024-01-01T10:00:00.5Z"),
            ("2024-01-01T10:00:00.123456+00", "2024-01-01T10:00:00.123456Z"),
            // Second 60, and the end of the day
            ("2024-01-01T10:00:60Z", "2024-01-01T10:01:00Z"),
            ("2024-01-01T10:00:60.5Z", "2024-01-01T10:01:00.5Z"),
            ("2016-12-31T23:59:60Z", "2017-01-01T00:00:00Z"),
            ("2024-02-29T24:00:00Z", "2024-03-01T00:00:00Z"),
            ("2024-02-29 24:00", "2024-03-01T00:00:00Z"),
        ] {
            assert_eq!(read(text), Some(Moment::Instant(at(instant))), "{text}");
        }
    }

    /// The expected values are what Postgres 15 reads: ties go to the even microsecond.
    #[test]
    fn a_fraction_is_rounded_to_microseconds() {
        for (fraction, micros) in [
            ("1234561", 123_456),
            ("1234569", 123_457),
            ("0000005", 0),
            ("00000050000001", 1),
            ("0000015", 2),
            ("0000025", 2),
            ("1234565", 123_456),
            ("1234575", 123_458),
            ("9999985", 999_998),
            ("9999995", 1_000_000),
            ("99999999999999999999999999999999", 1_000_000),
        ] {
            let text = format!("1970-01-01T00:00:00.{fraction}Z");
            let instant = Instant::from_micros(micros).unwrap();
            assert_eq!(read(&text), Some(Moment::Instant(instant)), "{text}");
        }
        assert_eq!(read("2023-12-31T23:59:59.9999999"), Some(Moment::Instant(at("2024-01-01T00:00:00Z"))));
    }

    #[test]
    fn refuses_what_is_not_a_date() {
        for text in [
            "",
            "not a date",
            "2024",
            "2024-1-1",
            "20240101",
            "2024/01/01",
            "2024-01-01 ",
            " 2024-01-01",
            "2024-01-01T",
            "2024-01-01Z",
            "2024-01-01+00",
            "2024-01-01_10:00",
            "2024-01-01T10",
            "2024-01-01T10Z",
            "2024-01-01T1:00",
            "2024-01-01T10:00:0",
            "2024-01-01T10:00:00.",
            "2024-01-01T10:00:00.Z",
            "2024-01-01T10:00:00,5Z",
            "2024-01-01T10:00.5",
            "2024-01-01T10:00:00 Z",
            "2024-01-01T10:00:00ZZ",
            "2024-01-01T10:00:00Z ",
            "2024-01-01T10:00:00+1",
            "2024-01-01T10:00:00+100",
            "2024-01-01T10:00:00+01:",
            "2024-01-01T10:00:00+01:0",
            "2024-01-01T10:00:00+24:00",
            "2024-01-01T10:00:00+01:60",
            "2024-01-01T10:00:00+01:00:60",
            "2024-01-01T10:00:00 America/New_York",
            "+2024-01-01",
            "-2024-01-01",
            "2024-01-01 BC",
            "12024-01-01",
            "٢٠٢٤-01-01",
            // No day of the calendar
            "0000-01-01",
            "2024-00-01",
            "2024-13-01",
            "2024-01-00",
            "2024-01-32",
            "2024-04-31",
            "2023-02-29",
            "1900-02-29",
            // No time of the clock
            "2024-01-01T25:00",
            "2024-01-01T24:00:01",
            "2024-01-01T24:00:00.000001",
            "2024-01-01T23:59:60.1",
            "2024-01-01T10:60",
            "2024-01-01T10:00:61",
            // Outside the years 1 to 9999 in UTC
            "0001-01-01T00:00:00+01",
            "9999-12-31T23:00:00-01",
            "9999-12-31T24:00:00",
            "9999-12-31T24:00:00Z",
            "9999-12-31T23:59:59.9999999",
            "infinity",
        ] {
            assert_eq!(read(text), None, "{text}");
        }
        assert_eq!(Moment::parse(b"2024-01-01T10:00:00\xff"), None);
        assert_eq!(Moment::parse(b"2024-01-\xb01"), None);
    }

    #[test]
    fn each_character_of_a_shape_counts() {
        let text = *b"2024-01-01T10:00:00.5+01:00";
        for place in 0..text.len() {
            for byte in 0..=u8::MAX {
                let mut changed = text;
                changed[place] = byte;
                let plausible = match text[place] {
                    b'0'..=b'9' => byte.is_ascii_digit(),
                    b'T' => b"Tt ".contains(&byte),
                    b'+' => b"+-".contains(&byte),
                    separator => byte == separator,
                };
                if !plausible {
                    assert_eq!(Moment::parse(&changed), None, "{}", changed.escape_ascii());
                }
            }
        }
    }

    #[test]
    fn a_time_without_an_offset_waits_for_its_zone() {
        assert_eq!(Written::parse("2024-01-01 10:00"), Some(Written::Local(local("2024-01-01T10:00:00"))));
        let Some(Written::Local(next)) = Written::parse("2023-12-31 23:59:60") else { panic!("a wall-clock time") };
        assert_eq!((next.day(), next.micros_of_day()), (day("2024-01-01"), 0));
    }

    #[test]
    fn milliseconds_are_whole_and_of_the_years_1_to_9999() {
        let read = |text: &str| Written::from_millis(&Decimal::parse(text).unwrap());
        assert_eq!(read("1704067200000"), Some(Written::Instant(at("2024-01-01T00:00:00Z"))));
        assert_eq!(read("1.7040672e12"), Some(Written::Instant(at("2024-01-01T00:00:00Z"))));
        assert_eq!(read("-1"), Some(Written::Instant(at("1969-12-31T23:59:59.999Z"))));
        for text in ["0.5", "253402300800000", "-62135596800001", "9223372036854775807", "1e300"] {
            assert_eq!(read(text), None, "{text}");
        }
    }

    #[test]
    fn a_stored_value_is_of_a_day_and_starts_at_an_instant() {
        let stored = |text: &str| Moment::parse(text.as_bytes()).unwrap();
        assert_eq!(stored("2024-01-01").instant(), at("2024-01-01T00:00:00Z"));
        assert_eq!(stored("2024-01-01").day(), day("2024-01-01"));
        assert_eq!(stored("2024-01-01T23:00:00-05").day(), day("2024-01-02"));
        assert_eq!(stored("1969-12-31T23:59:59Z").day(), day("1969-12-31"));
    }
}
