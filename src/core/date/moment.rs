//! The text of days and points in time: one grammar for stored values and operands.
//!
//! `YYYY-MM-DD`, or that, `T`, `t` or a space, and `HH:MM[:SS[.fraction]]`, then perhaps an offset:
//! `Z`, `z`, `±HH`, `±HHMM`, `±HH:MM` or `±HH:MM:SS`. That is a date, a timestamp of RFC 3339, or what
//! Postgres prints for a `timestamp` or `timestamptz` (its oldest offsets have seconds). As in Postgres,
//! a fraction is rounded to microseconds, second 60 is the next minute's first, and 24:00 is the end of
//! the day.

use super::{Day, Instant, Local, MICROS_PER_DAY, Utc, Zone};
use crate::decimal::Decimal;

/// What a stored string says.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Moment {
    /// A whole day
    Day(Day),
    /// A point in time; without an offset it is read in UTC
    Instant(Instant),
}

/// What an operand says, before its zone is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Written {
    /// A day, of a zone yet to be told
    Day(Day),
    /// A wall-clock time, of a zone yet to be told
    Local(Local),
    /// A point in time
    Instant(Instant),
}

impl Moment {
    /// Reads a stored string. `None` where it is not a date or a timestamp, or not of the years 1 to 9999 UTC.
    ///
    /// It runs for every row that a date condition looks at: no allocation, one pass over fixed places.
    #[must_use]
    pub fn parse(text: &[u8]) -> Option<Moment> {
        Some(match read(text)? {
            Written::Day(day) => Moment::Day(day),
            Written::Local(local) => Moment::Instant(Utc.instant_of(local)),
            Written::Instant(instant) => Moment::Instant(instant),
        })
    }

    /// The day: of an instant, its day in UTC.
    #[must_use]
    pub fn day(self) -> Day {
        match self {
            Moment::Day(day) => day,
            Moment::Instant(instant) => instant.utc_day(),
        }
    }

    /// The instant: of a day, its start in UTC.
    #[must_use]
    pub fn instant(self) -> Instant {
        match self {
            Moment::Day(day) => day.start_utc(),
            Moment::Instant(instant) => instant,
        }
    }
}

impl Written {
    /// Reads an operand, by the grammar of [`Moment::parse`].
    #[must_use]
    pub fn parse(text: &str) -> Option<Written> {
        read(text.as_bytes())
    }

    /// The instant of that many milliseconds since 1970-01-01T00:00:00Z; `None` where they are not whole,
    /// or outside the years 1 to 9999.
    #[must_use]
    pub fn from_millis(millis: &Decimal) -> Option<Written> {
        Some(Written::Instant(Instant::from_micros(millis.to_i64()?.checked_mul(1000)?)?))
    }
}

/// Reads an instant written with its offset, where the end of the last day, 9999-12-31T24:00:00Z, may stand too.
pub(super) fn read_range_end(text: &str) -> Option<Instant> {
    match Written::parse(text) {
        Some(Written::Instant(instant)) => Some(instant),
        None if text == Instant::END.to_string() => Some(Instant::END),
        _ => None,
    }
}

#[inline]
fn read(text: &[u8]) -> Option<Written> {
    let (date, rest) = text.split_first_chunk::<10>()?;
    let [y1, y2, y3, y4, b'-', m1, m2, b'-', d1, d2] = *date else { return None };
    let year = two_digits(y1, y2)? * 100 + two_digits(y3, y4)?;
    let day = Day::from_ymd(year as i32, two_digits(m1, m2)?, two_digits(d1, d2)?)?;
    let Some((separator, rest)) = rest.split_first() else { return Some(Written::Day(day)) };
    if !matches!(separator, b'T' | b't' | b' ') {
        return None;
    }
    let (micros, rest) = read_time(rest)?;
    let wall = day.start_utc().0 + micros;
    if rest.is_empty() {
        // Past the last day there is only its own 24:00.
        let wall = Instant::from_micros(wall)?;
        return Some(Written::Local(Utc.local_of(wall)));
    }
    Some(Written::Instant(Instant::from_micros(wall - read_offset(rest)?)?))
}

/// Reads `HH:MM[:SS[.fraction]]` as microseconds of the day, and returns what follows.
#[inline]
fn read_time(text: &[u8]) -> Option<(i64, &[u8])> {
    let ([h1, h2, b':', m1, m2], mut rest) = text.split_first_chunk::<5>()? else { return None };
    let minutes = up_to(59, two_digits(*m1, *m2)?)?;
    let mut micros = i64::from(two_digits(*h1, *h2)? * 60 + minutes) * 60_000_000;
    if let [b':', s1, s2, after @ ..] = rest {
        micros += i64::from(up_to(60, two_digits(*s1, *s2)?)?) * 1_000_000;
        rest = after;
        if let [b'.', after @ ..] = rest {
            let digits = after.iter().take_while(|b| b.is_ascii_digit()).count();
            micros += read_fraction(&rest[..=digits])?;
            rest = &after[digits..];
        }
    }
    (micros <= MICROS_PER_DAY).then_some((micros, rest))
}

/// Reads a point and digits, as microseconds.
#[inline]
fn read_fraction(text: &[u8]) -> Option<i64> {
    match text.len() {
        0 | 1 => None,
        2..=7 => {
            let value = text[1..].iter().fold(0, |value, digit| value * 10 + i64::from(digit - b'0'));
            Some(value * 10_i64.pow(7 - text.len() as u32))
        }
        // In floating point, because Postgres does (`ParseFractionalSecond`), and ties must fall as there.
        _ => Some((std::str::from_utf8(text).ok()?.parse::<f64>().ok()? * 1e6).round_ties_even() as i64),
    }
}

/// Reads an offset from UTC, as microseconds east.
#[inline]
fn read_offset(text: &[u8]) -> Option<i64> {
    let [sign, digits @ ..] = text else { return None };
    if let (b'Z' | b'z', []) = (sign, digits) {
        return Some(0);
    }
    let sign = match sign {
        b'+' => 1,
        b'-' => -1,
        _ => return None,
    };
    let (hours, minutes, seconds) = match *digits {
        [h1, h2] => (two_digits(h1, h2)?, 0, 0),
        [h1, h2, m1, m2] | [h1, h2, b':', m1, m2] => (two_digits(h1, h2)?, two_digits(m1, m2)?, 0),
        [h1, h2, b':', m1, m2, b':', s1, s2] => (two_digits(h1, h2)?, two_digits(m1, m2)?, two_digits(s1, s2)?),
        _ => return None,
    };
    let seconds = (up_to(23, hours)? * 60 + up_to(59, minutes)?) * 60 + up_to(59, seconds)?;
    Some(sign * i64::from(seconds) * 1_000_000)
}

#[inline]
fn two_digits(tens: u8, ones: u8) -> Option<u32> {
    let (tens, ones) = (tens.wrapping_sub(b'0'), ones.wrapping_sub(b'0'));
    (tens < 10 && ones < 10).then_some(u32::from(tens) * 10 + u32::from(ones))
}

#[inline]
fn up_to(limit: u32, value: u32) -> Option<u32> {
    (value <= limit).then_some(value)
}
