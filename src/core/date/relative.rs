//! Offsets from now and from today: `-30 days`, `1 month`.

use super::{Day, Instant, Local, Zone};
use std::fmt;

/// The largest count of an offset, in either direction.
pub const MAX_COUNT: i64 = 1_000_000;

/// An offset from now or from today, printed as `-30 days`, `0 days`, `1 month`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Relative {
    count: i64,
    unit: Unit,
}

/// The unit of an offset.
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
    /// Reads `[+-]count unit`, with one space between. Units are singular or plural, in any case. Returns `None` for
    /// other text, and if the count exceeds [`MAX_COUNT`].
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let (count, unit) = text.split_once(' ')?;
        let digits = count.strip_prefix(['+', '-']).unwrap_or(count);
        if digits.is_empty() || !digits.bytes().all(|b| b.is_ascii_digit()) {
            return None;
        }
        Self::new(count.parse().ok()?, Unit::parse(unit)?)
    }

    /// Makes an offset; `None` if the count exceeds [`MAX_COUNT`].
    #[must_use]
    pub fn new(count: i64, unit: Unit) -> Option<Self> {
        (-MAX_COUNT..=MAX_COUNT).contains(&count).then_some(Relative { count, unit })
    }

    /// The count; negative counts go into the past.
    #[must_use]
    pub fn count(self) -> i64 {
        self.count
    }

    /// The unit.
    #[must_use]
    pub fn unit(self) -> Unit {
        self.unit
    }

    /// The instant at this offset from `now`; `None` outside the years 1 to 9999.
    ///
    /// This is what `timestamptz + interval` gives in Postgres: days and longer units move the wall clock of the zone
    /// and keep its time, with the last day of a shorter month; hours and minutes move the instant.
    #[must_use]
    pub fn now(self, now: Instant, zone: &dyn Zone) -> Option<Instant> {
        if self.count == 0 {
            // The wall clock would not do, because it shows some times twice.
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

    /// The day at this offset from the zone's day at `now`. `None` outside the years 1 to 9999, and if the unit is [no
    /// calendar unit](Unit::is_calendar).
    #[must_use]
    pub fn today(self, now: Instant, zone: &dyn Zone) -> Option<Day> {
        self.shift(zone.local_of(now).day)
    }

    /// The day at this offset from a day; `None` outside the years 1 to 9999, and for hours and minutes.
    #[must_use]
    pub fn from_day(self, day: Day) -> Option<Day> {
        self.shift(day)
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

    /// Whether the unit counts days of the calendar. Minutes and hours do not, so that a day has no offset in them.
    #[must_use]
    pub fn is_calendar(self) -> bool {
        !matches!(self, Unit::Minute | Unit::Hour)
    }

    fn parse(text: &str) -> Option<Self> {
        let singular = text.strip_suffix(['s', 'S']).unwrap_or(text);
        Self::ALL.into_iter().find(|unit| unit.name().eq_ignore_ascii_case(singular))
    }
}

#[cfg(test)]
mod tests {
    use super::super::Utc;
    use super::super::sample::{NewYork, at, day};
    use super::*;

    fn relative(text: &str) -> Relative {
        Relative::parse(text).unwrap_or_else(|| panic!("{text} is an offset"))
    }

    #[test]
    fn reads_any_case_and_number_and_shows_one() {
        for (text, shown) in [
            ("-30 days", "-30 days"),
            ("+1 month", "1 month"),
            ("1 Months", "1 month"),
            ("-1 DAYS", "-1 day"),
            ("2 week", "2 weeks"),
            ("0 days", "0 days"),
            ("-0 day", "0 days"),
            ("007 hours", "7 hours"),
            ("90 minutes", "90 minutes"),
            ("-1 year", "-1 year"),
            ("1000000 years", "1000000 years"),
        ] {
            assert_eq!(relative(text).to_string(), shown);
            assert_eq!(relative(shown), relative(text));
        }
    }

    #[test]
    fn refuses_what_is_not_an_offset() {
        for text in [
            "",
            "days",
            "30",
            "30days",
            "30  days",
            " 30 days",
            "30 days ",
            "- 30 days",
            "+-30 days",
            "--30 days",
            "1.5 days",
            "1e3 days",
            "30 dayss",
            "30 d",
            "30 seconds",
            "30 s",
            "1 month 2 days",
            "30 days ago",
            "1000001 days",
            "-1000001 days",
            "99999999999999999999 days",
            "٣ days",
        ] {
            assert_eq!(Relative::parse(text), None, "{text}");
        }
    }

    /// The expected values are what Postgres 15 gives for `timestamptz + interval` with `TimeZone` New York.
    #[test]
    fn now_moves_the_wall_clock_by_days_and_the_instant_by_hours() {
        for (now, offset, then) in [
            ("2024-03-31T12:00:00Z", "-1 month", "2024-02-29T13:00:00Z"),
            ("2024-03-31T12:00:00Z", "1 month", "2024-04-30T12:00:00Z"),
            ("2024-03-31T12:00:00Z", "-13 months", "2023-02-28T13:00:00Z"),
            ("2024-03-31T12:00:00Z", "-1 week", "2024-03-24T12:00:00Z"),
            ("2024-03-31T12:00:00Z", "-30 days", "2024-03-01T13:00:00Z"),
            ("2024-03-31T12:00:00Z", "+36 hours", "2024-04-02T00:00:00Z"),
            ("2024-03-31T12:00:00Z", "-90 minutes", "2024-03-31T10:30:00Z"),
            ("2024-02-29T17:00:00Z", "-1 year", "2023-02-28T17:00:00Z"),
            // Into the gap in spring, from both sides
            ("2024-03-09T07:30:00Z", "1 day", "2024-03-10T07:30:00Z"),
            ("2024-03-11T06:30:00Z", "-1 day", "2024-03-10T07:30:00Z"),
            // Into the overlap in autumn, and out of its first hour
            ("2024-11-02T05:30:00Z", "1 day", "2024-11-03T06:30:00Z"),
            ("2024-11-03T05:30:00Z", "0 days", "2024-11-03T05:30:00Z"),
            ("2024-11-03T05:30:00Z", "24 hours", "2024-11-04T05:30:00Z"),
            ("2024-11-03T05:30:00Z", "1 day", "2024-11-04T06:30:00Z"),
        ] {
            assert_eq!(relative(offset).now(at(now), &NewYork), Some(at(then)), "{now} {offset}");
        }
    }

    #[test]
    fn today_is_of_the_zone() {
        let evening = at("2024-03-31T03:00:00.5Z");
        for (offset, utc, new_york) in [
            ("0 days", "2024-03-31", "2024-03-30"),
            ("-1 day", "2024-03-30", "2024-03-29"),
            ("2 weeks", "2024-04-14", "2024-04-13"),
            ("-1 month", "2024-02-29", "2024-02-29"),
            ("-1 year", "2023-03-31", "2023-03-30"),
        ] {
            assert_eq!(relative(offset).today(evening, &Utc), Some(day(utc)), "{offset}");
            assert_eq!(relative(offset).today(evening, &NewYork), Some(day(new_york)), "{offset}");
        }
    }

    #[test]
    fn hours_say_nothing_about_a_day() {
        for text in ["-36 hours", "0 minutes"] {
            assert!(!relative(text).unit().is_calendar());
            assert_eq!(relative(text).today(at("2024-01-01T00:00:00Z"), &Utc), None);
        }
        for text in ["1 day", "1 week", "1 month", "1 year"] {
            assert!(relative(text).unit().is_calendar());
        }
    }

    #[test]
    fn nothing_leaves_the_years_1_to_9999() {
        let now = at("2024-01-01T00:00:00Z");
        for text in ["-1000000 days", "-1000000 years", "1000000 weeks", "1000000 months", "-2024 years"] {
            assert_eq!(relative(text).now(now, &NewYork), None, "{text}");
            assert_eq!(relative(text).today(now, &NewYork), None, "{text}");
        }
        assert_eq!(relative("1 minute").now(Instant::MAX, &Utc), None);
        assert_eq!(relative("-1 hour").now(Instant::MIN, &Utc), None);
    }
}
