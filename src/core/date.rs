//! Days and points in time: stored ones, those of operands, and how they are compared.
//!
//! A stored value is either a whole day or a point in time ([`Moment`]). So is an operand, but in its segment's time
//! zone, in which a day is a span of time ([`DateRange`]). Days and instants are within the years 1 to 9999, which RFC
//! 3339 can write; anything outside is no date.

mod anniversary;
mod literal;
mod moment;
mod named;
mod part;
mod period;
mod range;
mod reading;
mod relative;
#[cfg(test)]
mod sample;
mod scan;
mod spans;
mod words;

pub use anniversary::Anniversaries;
pub use literal::DateLiteral;
pub use moment::{Moment, Written};
pub use named::NamedZone;
pub use part::DatePart;
pub use period::{Edge, Period, PeriodUnit};
pub use range::DateRange;
pub use reading::DateReading;
pub use relative::{MAX_COUNT, Relative, Unit};
pub use spans::Spans;
pub use words::meant;

use chrono::{Datelike, Months, NaiveDate};
use std::fmt;

/// Microseconds of a day.
pub const MICROS_PER_DAY: i64 = 86_400_000_000;

/// A calendar day of the years 1 to 9999, printed as `YYYY-MM-DD`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Day(i32);

/// A point in time of the years 1 to 9999 UTC, in microseconds, printed as RFC 3339 in UTC.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Instant(i64);

/// A time of the wall clock: a day, and the microseconds since its 00:00.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Local {
    day: Day,
    micros: i64,
}

/// A time zone.
///
/// Both conversions work for every argument. A wall-clock time that the zone skips or repeats is resolved as in
/// Postgres (`DetermineTimeZoneOffset` in `src/backend/utils/adt/datetime.c`):
///
/// - in a gap, by the offset from before it: on 2024-03-10 in New York 02:30 is 03:30 EDT;
/// - in an overlap, by the offset from after it, so the second of the two: on 2024-11-03 in New York
///   01:30 is 01:30 EST, an hour after 01:30 EDT. (Of a daylight-saving overlap that is the
///   standard-time reading; Postgres no longer defines it so, because not every overlap has one.)
///
/// Inside Postgres the implementation calls Postgres's own functions, so that both agree.
pub trait Zone {
    /// The point in time at which wall clocks in the zone show `local`.
    fn instant_of(&self, local: Local) -> Instant;

    /// The time that wall clocks in the zone show at `instant`.
    fn local_of(&self, instant: Instant) -> Local;

    /// The beginning of a day in the zone: the first midnight, if clocks are set back so that there are two.
    fn start_of(&self, day: Day) -> Instant {
        let midnight = day.midnight();
        let start = self.instant_of(midnight);
        let Some(before) = Instant::from_micros(start.micros() - MICROS_PER_DAY) else { return start };
        let offset = self.local_of(before).wall_micros() - before.micros();
        let first = Instant::from_micros_saturating(midnight.wall_micros() - offset);
        if first < start && self.local_of(first).day == day { first } else { start }
    }
}

/// Coordinated Universal Time: the zone of stored values, and of conditions without a segment.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Utc;

impl Zone for Utc {
    fn instant_of(&self, local: Local) -> Instant {
        local.as_utc()
    }

    fn local_of(&self, instant: Instant) -> Local {
        instant.utc_local()
    }
}

impl Day {
    /// 0001-01-01
    pub const MIN: Day = Day(-719_162);
    /// 9999-12-31
    pub const MAX: Day = Day(2_932_896);

    /// The day this many days after 1970-01-01; `None` outside the years 1 to 9999.
    #[must_use]
    pub fn from_epoch_days(days: i32) -> Option<Self> {
        (Self::MIN.0..=Self::MAX.0).contains(&days).then_some(Day(days))
    }

    /// Days since 1970-01-01.
    #[must_use]
    pub const fn epoch_days(self) -> i32 {
        self.0
    }

    /// The day of a Postgres `date`: days since 2000-01-01. `None` outside the years 1 to 9999, and for
    /// the infinities.
    #[must_use]
    pub fn from_postgres(days: i32) -> Option<Self> {
        Self::from_epoch_days(days.checked_add(POSTGRES_EPOCH_DAYS)?)
    }

    /// The Postgres `date`: days since 2000-01-01.
    #[must_use]
    pub fn to_postgres(self) -> i32 {
        self.0 - POSTGRES_EPOCH_DAYS
    }

    /// The instant at which the day starts in UTC.
    #[must_use]
    pub fn start_utc(self) -> Instant {
        Instant(i64::from(self.0) * MICROS_PER_DAY)
    }

    /// 00:00 of the day.
    #[must_use]
    pub fn midnight(self) -> Local {
        Local { day: self, micros: 0 }
    }

    /// The day this many days later, or earlier if the number is negative; `None` outside the years 1 to 9999.
    #[must_use]
    pub fn checked_add_days(self, days: i64) -> Option<Self> {
        Self::from_epoch_days(i32::try_from(i64::from(self.0).checked_add(days)?).ok()?)
    }

    /// The same day of the month this many months later, or earlier if the number is negative; the month's last day if
    /// it is shorter. `None` outside the years 1 to 9999.
    #[must_use]
    pub fn checked_add_months(self, months: i64) -> Option<Self> {
        let distance = Months::new(u32::try_from(months.unsigned_abs()).ok()?);
        let date = self.date();
        let moved = if months < 0 { date.checked_sub_months(distance)? } else { date.checked_add_months(distance)? };
        Self::from_epoch_days(moved.to_epoch_days())
    }

    fn date(self) -> NaiveDate {
        // chrono's calendar has every `Day`.
        NaiveDate::from_epoch_days(self.0).unwrap_or_default()
    }
}

impl fmt::Display for Day {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let date = self.date();
        write!(f, "{:04}-{:02}-{:02}", date.year(), date.month(), date.day())
    }
}

impl Instant {
    /// 0001-01-01T00:00:00Z
    pub const MIN: Instant = Instant(Day::MIN.0 as i64 * MICROS_PER_DAY);
    /// 9999-12-31T23:59:59.999999Z
    pub const MAX: Instant = Instant(Self::END.0 - 1);
    /// The end of the day of [`MAX`](Self::MAX). Only the end of a day or of a [`DateRange`], which is exclusive, can be
    /// there.
    pub const END: Instant = Instant((Day::MAX.0 as i64 + 1) * MICROS_PER_DAY);

    /// The instant this many microseconds after 1970-01-01T00:00:00Z; `None` outside the years 1 to 9999.
    #[must_use]
    pub fn from_micros(micros: i64) -> Option<Self> {
        (Self::MIN.0..=Self::MAX.0).contains(&micros).then_some(Instant(micros))
    }

    /// The same, but outside the years 1 to 9999 the nearest instant.
    #[must_use]
    pub fn from_micros_saturating(micros: i64) -> Self {
        Instant(micros.clamp(Self::MIN.0, Self::MAX.0))
    }

    /// Microseconds since 1970-01-01T00:00:00Z.
    #[must_use]
    pub fn micros(self) -> i64 {
        self.0
    }

    /// The instant of a Postgres `timestamptz`: microseconds since 2000-01-01. `None` outside the years
    /// 1 to 9999, and for the infinities.
    #[must_use]
    pub fn from_postgres(micros: i64) -> Option<Self> {
        Self::from_micros(micros.checked_add(POSTGRES_EPOCH_MICROS)?)
    }

    /// The Postgres `timestamptz`: microseconds since 2000-01-01T00:00:00Z.
    #[must_use]
    pub fn to_postgres(self) -> i64 {
        self.0 - POSTGRES_EPOCH_MICROS
    }

    /// The day of the instant in UTC.
    #[must_use]
    pub fn utc_day(self) -> Day {
        self.utc_local().day
    }

    fn utc_local(self) -> Local {
        Local::from_wall_micros_saturating(self.0)
    }
}

/// Prints `2024-01-01T10:00:00Z`, with a fraction only if it is not zero: `2024-01-01T10:00:00.25Z`.
impl fmt::Display for Instant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if *self == Self::END {
            return f.write_str("10000-01-01T00:00:00Z");
        }
        let Local { day, micros } = self.utc_local();
        let seconds = micros / 1_000_000;
        write!(f, "{day}T{:02}:{:02}:{:02}", seconds / 3600, seconds / 60 % 60, seconds % 60)?;
        match micros % 1_000_000 {
            0 => f.write_str("Z"),
            fraction => write!(f, ".{}Z", format!("{fraction:06}").trim_end_matches('0')),
        }
    }
}

impl Local {
    /// A wall-clock time of a day; `None` if `micros` is not within a day.
    #[must_use]
    pub fn new(day: Day, micros: i64) -> Option<Self> {
        (0..MICROS_PER_DAY).contains(&micros).then_some(Local { day, micros })
    }

    /// The wall-clock time this many microseconds after 1970-01-01 00:00 on the same clock, which is an instant's
    /// microseconds plus the zone's offset. Outside the years 1 to 9999 it is the nearest time.
    #[must_use]
    pub fn from_wall_micros_saturating(micros: i64) -> Self {
        let micros = Instant::from_micros_saturating(micros).0;
        // This fits into i32, because at most 3.7 million days are left after clamping.
        Local { day: Day(micros.div_euclid(MICROS_PER_DAY) as i32), micros: micros.rem_euclid(MICROS_PER_DAY) }
    }

    /// Microseconds since 1970-01-01 00:00 on the same clock.
    #[must_use]
    pub fn wall_micros(self) -> i64 {
        self.as_utc().0
    }

    /// The calendar day.
    #[must_use]
    pub fn day(self) -> Day {
        self.day
    }

    /// Microseconds since 00:00, less than [`MICROS_PER_DAY`].
    #[must_use]
    pub fn micros_of_day(self) -> i64 {
        self.micros
    }

    fn as_utc(self) -> Instant {
        Instant(self.day.start_utc().0 + self.micros)
    }
}

/// 2000-01-01 in days since 1970-01-01.
const POSTGRES_EPOCH_DAYS: i32 = 10_957;
const POSTGRES_EPOCH_MICROS: i64 = POSTGRES_EPOCH_DAYS as i64 * MICROS_PER_DAY;

#[cfg(test)]
mod tests {
    use super::sample::{NewYork, at, day, local};
    use super::*;

    #[test]
    fn days_and_instants_count_from_both_epochs() {
        assert_eq!(day("1970-01-01").epoch_days(), 0);
        assert_eq!(day("2000-01-01").to_postgres(), 0);
        assert_eq!(at("1970-01-01T00:00:00Z").micros(), 0);
        assert_eq!(at("2000-01-01T00:00:00Z").to_postgres(), 0);
        assert_eq!(at("1969-12-31T23:59:59.999999Z").micros(), -1);
        assert_eq!(Day::from_postgres(day("0001-01-01").to_postgres()), Some(Day::MIN));
        assert_eq!(Instant::from_postgres(Instant::MAX.to_postgres()), Some(Instant::MAX));
        assert_eq!(day("0001-01-01"), Day::MIN);
        assert_eq!(day("9999-12-31"), Day::MAX);
        assert_eq!(at("0001-01-01T00:00:00Z"), Instant::MIN);
        assert_eq!(at("9999-12-31T23:59:59.999999Z"), Instant::MAX);
    }

    #[test]
    fn outside_the_years_1_to_9999_there_is_nothing() {
        for days in [Day::MIN.0 - 1, Day::MAX.0 + 1, i32::MIN, i32::MAX] {
            assert_eq!(Day::from_epoch_days(days), None);
        }
        for micros in [Instant::MIN.0 - 1, Instant::MAX.0 + 1, i64::MIN, i64::MAX] {
            assert_eq!(Instant::from_micros(micros), None);
        }
        // The infinities of Postgres are no days.
        assert_eq!((Day::from_postgres(i32::MIN), Day::from_postgres(i32::MAX)), (None, None));
        assert_eq!((Instant::from_postgres(i64::MIN), Instant::from_postgres(i64::MAX)), (None, None));
        assert_eq!(Instant::from_micros_saturating(i64::MAX), Instant::MAX);
        assert_eq!(Local::from_wall_micros_saturating(i64::MIN), Day::MIN.midnight());
        assert_eq!(Local::new(Day::MIN, MICROS_PER_DAY), None);
    }

    #[test]
    fn instants_show_a_fraction_only_where_there_is_one() {
        for text in [
            "2024-01-01T10:00:00Z",
            "2024-01-01T10:00:00.25Z",
            "2024-01-01T10:00:00.000001Z",
            "1969-12-31T23:59:59.9Z",
            "0001-01-01T00:00:00Z",
            "9999-12-31T23:59:59.999999Z",
        ] {
            assert_eq!(at(text).to_string(), text);
        }
        assert_eq!(Day::MIN.to_string(), "0001-01-01");
    }

    #[test]
    fn months_end_where_the_day_is_missing() {
        for (from, months, to) in [
            ("2024-03-31", -1, "2024-02-29"),
            ("2023-03-31", -1, "2023-02-28"),
            ("2024-01-31", 1, "2024-02-29"),
            ("2024-02-29", 12, "2025-02-28"),
            ("2024-02-29", -12, "2023-02-28"),
            ("2024-02-29", 48, "2028-02-29"),
            ("2024-02-29", -1488, "1900-02-28"),
            ("2024-12-15", 1, "2025-01-15"),
        ] {
            assert_eq!(day(from).checked_add_months(months), Some(day(to)), "{from} {months}");
        }
        for months in [-12 * 2024, 12 * 8000, i64::MIN, i64::MAX] {
            assert_eq!(day("2024-01-01").checked_add_months(months), None);
        }
        for days in [-740_000, 3_000_000, i64::MIN, i64::MAX] {
            assert_eq!(day("2024-01-01").checked_add_days(days), None);
        }
    }

    /// The expected values are what Postgres 15 gives for `timestamptz '…'` with `TimeZone` New York.
    #[test]
    fn the_sample_zone_resolves_gaps_and_overlaps_as_postgres() {
        for (wall, instant) in [
            ("2024-01-01 00:00", "2024-01-01T05:00:00Z"),
            ("2024-03-10 01:59", "2024-03-10T06:59:00Z"),
            ("2024-03-10 02:30", "2024-03-10T07:30:00Z"),
            ("2024-03-10 03:00", "2024-03-10T07:00:00Z"),
            ("2024-07-01 00:00", "2024-07-01T04:00:00Z"),
            ("2024-11-03 00:59", "2024-11-03T04:59:00Z"),
            ("2024-11-03 01:30", "2024-11-03T06:30:00Z"),
            ("2024-11-03 02:00", "2024-11-03T07:00:00Z"),
        ] {
            assert_eq!(NewYork.instant_of(local(wall)), at(instant), "{wall}");
        }
        assert_eq!(NewYork.local_of(at("2024-03-10T07:30:00Z")), local("2024-03-10 03:30"));
        assert_eq!(NewYork.local_of(at("2024-11-03T05:30:00Z")), local("2024-11-03 01:30"));
        assert_eq!(NewYork.local_of(at("2024-11-03T06:30:00Z")), local("2024-11-03 01:30"));
    }
}
