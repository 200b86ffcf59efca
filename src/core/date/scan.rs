//! The grammar of days and points in time.
//!
//! The grammar is `YYYY-MM-DD`, perhaps followed by `T`, `t` or a space and `HH:MM[:SS[.fraction]]`, perhaps followed
//! by an offset: `Z`, `z`, `±HH`, `±HHMM`, `±HH:MM` or `±HH:MM:SS`. These are dates, timestamps of RFC 3339, and what
//! Postgres prints for a `timestamp` or `timestamptz` (whose oldest offsets have seconds). As in Postgres, a fraction
//! is rounded to microseconds, second 60 is the next minute's first, and 24:00 is the end of the day.

use super::{Day, MICROS_PER_DAY};
use chrono::NaiveDate;

/// The parts of a text.
pub struct Scan {
    /// The day; the calendar has it
    pub day: Day,
    /// The time of the day
    pub time: Option<Time>,
}

/// A time of the day; the clock has it.
pub struct Time {
    /// Microseconds since 00:00, at most [`MICROS_PER_DAY`]
    pub micros: i64,
    /// Microseconds east of UTC
    pub offset: Option<i64>,
}

/// Reads a text. Returns `None` if it does not follow the grammar, or names a day or a time that does not exist.
#[inline]
pub fn scan(text: &[u8]) -> Option<Scan> {
    let (month, rest) = text.split_first_chunk::<8>()?;
    let [century, _, year, _, _, month, ..] = pairs(month, b"0000-00-")?;
    let (&[d1, d2], rest) = rest.split_first_chunk::<2>()?;
    let date = NaiveDate::from_ymd_opt((century * 100 + year) as i32, month, two_digits(d1, d2)?)?;
    let day = Day::from_epoch_days(date.to_epoch_days())?;
    let Some((separator, rest)) = rest.split_first() else { return Some(Scan { day, time: None }) };
    if !matches!(separator, b'T' | b't' | b' ') {
        return None;
    }
    let (micros, rest) = scan_time(rest)?;
    let offset = if rest.is_empty() { None } else { Some(scan_offset(rest)?) };
    Some(Scan { day, time: Some(Time { micros, offset }) })
}

/// Reads `HH:MM[:SS[.fraction]]` as microseconds of the day, and returns what follows.
#[inline]
fn scan_time(text: &[u8]) -> Option<(i64, &[u8])> {
    let (micros, rest) = match text.split_first_chunk::<8>() {
        Some((clock, rest)) if let Some([hours, _, _, minutes, _, _, seconds, _]) = pairs(clock, b"00:00:00") => {
            let clock = clock_micros(hours, minutes, seconds)?;
            match rest {
                [b'.', ..] => {
                    let (fraction, rest) = scan_fraction(rest)?;
                    (clock + i64::from(fraction), rest)
                }
                _ => (clock, rest),
            }
        }
        _ => {
            let (&[h1, h2, b':', m1, m2], rest) = text.split_first_chunk::<5>()? else { return None };
            (clock_micros(two_digits(h1, h2)?, two_digits(m1, m2)?, 0)?, rest)
        }
    };
    (micros <= MICROS_PER_DAY).then_some((micros, rest))
}

#[inline]
fn clock_micros(hours: u32, minutes: u32, seconds: u32) -> Option<i64> {
    (minutes <= 59 && seconds <= 60).then_some(i64::from((hours * 60 + minutes) * 60 + seconds) * 1_000_000)
}

/// Reads a point and digits, as microseconds, and returns what follows.
#[inline]
fn scan_fraction(text: &[u8]) -> Option<(u32, &[u8])> {
    /// The microseconds that the last of so many digits counts.
    const UNIT: [u32; 7] = [0, 100_000, 10_000, 1_000, 100, 10, 1];
    let digits = text[1..].iter().take_while(|byte| byte.is_ascii_digit()).count();
    let (fraction, rest) = text.split_at(1 + digits);
    let micros = match UNIT.get(digits) {
        Some(0) => return None,
        Some(unit) => fraction[1..].iter().fold(0, |value, byte| value * 10 + u32::from(byte - b'0')) * unit,
        None => round_fraction(fraction)?,
    };
    Some((micros, rest))
}

/// Rounds a point and digits to microseconds as Postgres does: in floating point, with ties to even
/// (`ParseFractionalSecond` in `src/backend/utils/adt/datetime.c`).
#[cold]
fn round_fraction(text: &[u8]) -> Option<u32> {
    let fraction: f64 = std::str::from_utf8(text).ok()?.parse().ok()?;
    Some((fraction * 1e6).round_ties_even() as u32)
}

/// Reads an offset from UTC, as microseconds east.
#[inline]
fn scan_offset(text: &[u8]) -> Option<i64> {
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
    if hours > 23 || minutes > 59 || seconds > 59 {
        return None;
    }
    let seconds = (hours * 60 + minutes) * 60 + seconds;
    Some(sign * i64::from(seconds) * 1_000_000)
}

#[inline]
fn two_digits(tens: u8, ones: u8) -> Option<u32> {
    let (tens, ones) = (tens.wrapping_sub(b'0'), ones.wrapping_sub(b'0'));
    (tens < 10 && ones < 10).then_some(u32::from(tens) * 10 + u32::from(ones))
}

/// Reads eight characters at once. There must be digits where `shape` has `0`, and the same character as in `shape`
/// elsewhere. Returns, for each place, the number that its digit and the next one make.
#[inline]
fn pairs(text: &[u8; 8], shape: &[u8; 8]) -> Option<[u32; 8]> {
    // `slack` is added to the value of each digit, and to the difference of each other character from `shape`. The sum
    // reaches 0x80 if the digit is more than 9, or the difference more than 0. A place that overflows into the next has
    // set its own 0x80 before.
    let slack = u64::from_le_bytes(shape.map(|place| if place == b'0' { 0x80 - 10 } else { 0x80 - 1 }));
    let digits = u64::from_le_bytes(*text) ^ u64::from_le_bytes(*shape);
    if (digits.wrapping_add(slack) | digits) & 0x8080_8080_8080_8080 != 0 {
        return None;
    }
    // No place exceeds 99, so that none overflows into the next.
    Some((digits * 10 + (digits >> 8)).to_le_bytes().map(u32::from))
}
