//! Offsets from now and from today: `-30 days`, `1 month`.

use super::{Day, Instant, Local, Zone};
use std::fmt;

/// The largest count of an offset, in either direction.
pub const MAX_COUNT: i64 = 1_000_000;

/// An offset from now or from today, shown as `-30 days`, `0 days`, `1 month`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Relative {
    count: i64,
    unit: Unit,
}

/// What an offset counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Unit {
    /// 60 seconds
    Minute,
    /// 60 minutes
    Hour,
    /// A calendar day
    Day,
    /// Seven calendar days
    Week,
    /// A calendar month
    Month,
    /// Twelve calendar months
    Year,
}

impl Relative {
    /// Reads `[+-]count unit`, one space between; units are singular or plural, in any case.
    /// `None` where the text is not that, or counts past [`MAX_COUNT`].
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let (count, unit) = text.split_once(' ')?;
        let digits = count.strip_prefix(['+', '-']).unwrap_or(count);
        if digits.is_empty() || !digits.bytes().all(|b| b.is_ascii_digit()) {
            return None;
        }
        Self::new(count.parse().ok()?, Unit::parse(unit)?)
    }

    /// An offset; `None` where it counts past [`MAX_COUNT`].
    #[must_use]
    pub fn new(count: i64, unit: Unit) -> Option<Self> {
        (-MAX_COUNT..=MAX_COUNT).contains(&count).then_some(Relative { count, unit })
    }

    /// How many; negative is before.
    #[must_use]
    pub fn count(self) -> i64 {
        self.count
    }

    /// Of what.
    #[must_use]
    pub fn unit(self) -> Unit {
        self.unit
    }

    /// The instant at that offset from `now`. `None` outside the years 1 to 9999.
    ///
    /// As `timestamptz + interval` in Postgres: days and longer move the wall clock in the zone and keep
    /// its time (a month may end earlier); hours and minutes move the instant.
    #[must_use]
    pub fn now(self, now: Instant, zone: &dyn Zone) -> Option<Instant> {
        if self.count == 0 {
            // Not by way of the wall clock, which shows some times twice.
            return Some(now);
        }
        match self.unit {
            Unit::Minute => Instant::from_micros(now.0.checked_add(self.count * 60_000_000)?),
            Unit::Hour => Instant::from_micros(now.0.checked_add(self.count * 3_600_000_000)?),
            _ => {
                let local = zone.local_of(now);
                Some(zone.instant_of(Local { day: self.shift(local.day)?, ..local }))
            }
        }
    }

    /// The day at that offset from the zone's day at `now`. `None` outside the years 1 to 9999, and where
    /// the unit is [not of the calendar](Unit::is_calendar).
    #[must_use]
    pub fn today(self, now: Instant, zone: &dyn Zone) -> Option<Day> {
        self.shift(zone.local_of(now).day)
    }

    fn shift(self, day: Day) -> Option<Day> {
        match self.unit {
            Unit::Minute | Unit::Hour => None,
            Unit::Day => day.checked_add_days(self.count),
            Unit::Week => day.checked_add_days(self.count * 7),
            Unit::Month => day.checked_add_months(self.count),
            Unit::Year => day.checked_add_months(self.count * 12),
        }
    }
}

impl fmt::Display for Relative {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let plural = if self.count.abs() == 1 { "" } else { "s" };
        write!(f, "{} {}{plural}", self.count, self.unit.name())
    }
}

impl Unit {
    const ALL: [Unit; 6] = [Unit::Minute, Unit::Hour, Unit::Day, Unit::Week, Unit::Month, Unit::Year];

    /// The unit's name in the singular.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Unit::Minute => "minute",
            Unit::Hour => "hour",
            Unit::Day => "day",
            Unit::Week => "week",
            Unit::Month => "month",
            Unit::Year => "year",
        }
    }

    /// Whether it moves the calendar. Minutes and hours do not, so they say nothing about a day.
    #[must_use]
    pub fn is_calendar(self) -> bool {
        !matches!(self, Unit::Minute | Unit::Hour)
    }

    fn parse(text: &str) -> Option<Self> {
        let singular = text.strip_suffix(['s', 'S']).unwrap_or(text);
        Self::ALL.into_iter().find(|unit| unit.name().eq_ignore_ascii_case(singular))
    }
}
