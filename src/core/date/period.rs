//! Periods of the calendar: `this month`, `3 weeks ago`, and the first and last day of one.

use super::{Day, Instant, MAX_COUNT, Zone};
use chrono::Datelike;
use std::fmt;

/// The unit of a period of the calendar.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum PeriodUnit {
    /// A day
    Day,
    /// Monday to Sunday (ISO 8601)
    Week,
    /// A month
    Month,
    /// January to March, and so on
    Quarter,
    /// A year
    Year,
}

/// A whole period of the calendar, by its distance from the present one; printed as it was written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Period {
    distance: Distance,
    unit: PeriodUnit,
}

/// The distance of a period from the present one, in words or as a count.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Distance {
    Last,
    This,
    Next,
    /// `3 months ago`
    Ago(i64),
    /// `in 2 weeks`
    In(i64),
}

/// The first or the last day of the period that a day is in: `"$startOf": "month"`, `"$endOf": "month"`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Edge {
    /// The first day
    Start(PeriodUnit),
    /// The last day
    End(PeriodUnit),
}

impl PeriodUnit {
    const ALL: [PeriodUnit; 5] =
        [PeriodUnit::Day, PeriodUnit::Week, PeriodUnit::Month, PeriodUnit::Quarter, PeriodUnit::Year];

    /// The unit's name in the singular.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            PeriodUnit::Day => "day",
            PeriodUnit::Week => "week",
            PeriodUnit::Month => "month",
            PeriodUnit::Quarter => "quarter",
            PeriodUnit::Year => "year",
        }
    }

    /// The unit with this name in the singular, in any case.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|unit| unit.name().eq_ignore_ascii_case(name))
    }

    /// The unit with this name in the singular or the plural, in any case.
    fn parse_counted(name: &str) -> Option<Self> {
        Self::parse(name.strip_suffix(['s', 'S']).unwrap_or(name))
    }

    /// The first day of the period that the day is in.
    fn start(self, day: Day) -> Day {
        let date = day.date();
        let back = match self {
            PeriodUnit::Day => 0,
            PeriodUnit::Week => date.weekday().num_days_from_monday(),
            PeriodUnit::Month => date.day0(),
            PeriodUnit::Quarter => {
                let first = date.with_day(1).and_then(|first| first.with_month0(date.month0() / 3 * 3));
                first.map_or(0, |first| date.ordinal0() - first.ordinal0())
            }
            PeriodUnit::Year => date.ordinal0(),
        };
        // 0001-01-01 is a Monday, so that no period begins before it.
        day.checked_add_days(-i64::from(back)).unwrap_or(Day::MIN)
    }

    /// The first day of the period this many periods after the one that begins on `start`.
    fn shift(self, start: Day, count: i64) -> Option<Day> {
        match self {
            PeriodUnit::Day => start.checked_add_days(count),
            PeriodUnit::Week => start.checked_add_days(count.checked_mul(7)?),
            PeriodUnit::Month => start.checked_add_months(count),
            PeriodUnit::Quarter => start.checked_add_months(count.checked_mul(3)?),
            PeriodUnit::Year => start.checked_add_months(count.checked_mul(12)?),
        }
    }

    /// The last day of the period that begins on `start`. The last week ends on 9999-12-31.
    fn end(self, start: Day) -> Day {
        self.shift(start, 1).and_then(|next| next.checked_add_days(-1)).unwrap_or(Day::MAX)
    }
}

impl Period {
    /// Reads `this`, `last` or `next` and a unit, `N units ago` or `in N units`, from 1 to [`MAX_COUNT`], in any case.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let words: Vec<&str> = text.split(' ').collect();
        let is = |word: &str, other: &str| word.eq_ignore_ascii_case(other);
        let counted = |count: &str, unit: &str, distance: fn(i64) -> Distance| {
            let is_count = count.bytes().all(|byte| byte.is_ascii_digit());
            let count = count.parse().ok().filter(|count| is_count && (1..=MAX_COUNT).contains(count))?;
            Some(Period { distance: distance(count), unit: PeriodUnit::parse_counted(unit)? })
        };
        match words[..] {
            [word, unit] => {
                let named = [("last", Distance::Last), ("this", Distance::This), ("next", Distance::Next)];
                let (_, distance) = named.into_iter().find(|(name, _)| is(word, name))?;
                Some(Period { distance, unit: PeriodUnit::parse(unit)? })
            }
            [count, unit, ago] if is(ago, "ago") => counted(count, unit, Distance::Ago),
            [word, count, unit] if is(word, "in") => counted(count, unit, Distance::In),
            _ => None,
        }
    }

    /// The first and the last day of the period, at the time `now` in the zone; `None` if it begins outside the years 1
    /// to 9999.
    #[must_use]
    pub fn days(self, now: Instant, zone: &dyn Zone) -> Option<(Day, Day)> {
        let count = match self.distance {
            Distance::Last => -1,
            Distance::This => 0,
            Distance::Next => 1,
            Distance::Ago(count) => -count,
            Distance::In(count) => count,
        };
        let first = self.unit.shift(self.unit.start(zone.local_of(now).day()), count)?;
        Some((first, self.unit.end(first)))
    }
}

impl fmt::Display for Period {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let unit = self.unit.name();
        let plural = |count: i64| if count == 1 { "" } else { "s" };
        match self.distance {
            Distance::Last => write!(f, "last {unit}"),
            Distance::This => write!(f, "this {unit}"),
            Distance::Next => write!(f, "next {unit}"),
            Distance::Ago(count) => write!(f, "{count} {unit}{} ago", plural(count)),
            Distance::In(count) => write!(f, "in {count} {unit}{}", plural(count)),
        }
    }
}

impl Edge {
    /// The first or the last day of the period that a day is in.
    #[must_use]
    pub fn of(self, day: Day) -> Day {
        match self {
            Edge::Start(unit) => unit.start(day),
            Edge::End(unit) => unit.end(unit.start(day)),
        }
    }

    /// The operator.
    #[must_use]
    pub fn operator(self) -> &'static str {
        match self {
            Edge::Start(_) => "$startOf",
            Edge::End(_) => "$endOf",
        }
    }

    /// The unit of the period.
    #[must_use]
    pub fn unit(self) -> PeriodUnit {
        match self {
            Edge::Start(unit) | Edge::End(unit) => unit,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::Utc;
    use super::super::sample::{NewYork, at, day};
    use super::*;

    #[test]
    fn reads_any_case_and_shows_what_was_written() {
        for (text, shown) in [
            ("this month", "this month"),
            ("Last Quarter", "last quarter"),
            ("next year", "next year"),
            ("1 month ago", "1 month ago"),
            ("3 Months AGO", "3 months ago"),
            ("03 week ago", "3 weeks ago"),
            ("in 2 weeks", "in 2 weeks"),
            ("in 1 day", "in 1 day"),
        ] {
            let period = Period::parse(text).unwrap_or_else(|| panic!("{text} is a period"));
            assert_eq!(period.to_string(), shown);
            assert_eq!(Period::parse(shown), Some(period));
        }
        for text in [
            "",
            "month",
            "this",
            "this months",
            "this  month",
            "last 3 months",
            "0 months ago",
            "-1 months ago",
            "+1 day ago",
            "1000001 days ago",
            "99999999999999999999 days ago",
            "in 2 hours",
            "2 weeks",
            "in weeks",
            "in -1 week",
            "this hour",
            "٣ days ago",
        ] {
            assert_eq!(Period::parse(text), None, "{text}");
        }
    }

    #[test]
    fn periods_are_whole_and_of_the_zone() {
        // In New York, this is still Sunday, 2024-03-31.
        let now = at("2024-04-01T03:00:00Z");
        for (text, utc, new_york) in [
            ("this day", ("2024-04-01", "2024-04-01"), ("2024-03-31", "2024-03-31")),
            ("last day", ("2024-03-31", "2024-03-31"), ("2024-03-30", "2024-03-30")),
            ("this week", ("2024-04-01", "2024-04-07"), ("2024-03-25", "2024-03-31")),
            ("this month", ("2024-04-01", "2024-04-30"), ("2024-03-01", "2024-03-31")),
            ("last month", ("2024-03-01", "2024-03-31"), ("2024-02-01", "2024-02-29")),
            ("1 month ago", ("2024-03-01", "2024-03-31"), ("2024-02-01", "2024-02-29")),
            ("this quarter", ("2024-04-01", "2024-06-30"), ("2024-01-01", "2024-03-31")),
            ("last quarter", ("2024-01-01", "2024-03-31"), ("2023-10-01", "2023-12-31")),
            ("in 3 quarters", ("2025-01-01", "2025-03-31"), ("2024-10-01", "2024-12-31")),
            ("next year", ("2025-01-01", "2025-12-31"), ("2025-01-01", "2025-12-31")),
            ("5 weeks ago", ("2024-02-26", "2024-03-03"), ("2024-02-19", "2024-02-25")),
        ] {
            let period = Period::parse(text).unwrap();
            for (zone, (first, last)) in [(&Utc as &dyn Zone, utc), (&NewYork, new_york)] {
                assert_eq!(period.days(now, zone), Some((day(first), day(last))), "{text}");
            }
        }
    }

    #[test]
    fn edges_are_of_the_period_that_the_day_is_in() {
        for (unit, of, first, last) in [
            ("day", "2024-02-29", "2024-02-29", "2024-02-29"),
            ("week", "2024-01-01", "2024-01-01", "2024-01-07"),
            ("week", "2024-12-31", "2024-12-30", "2025-01-05"),
            ("month", "2024-02-29", "2024-02-01", "2024-02-29"),
            ("month", "2023-02-01", "2023-02-01", "2023-02-28"),
            ("quarter", "2024-05-31", "2024-04-01", "2024-06-30"),
            ("quarter", "2023-12-31", "2023-10-01", "2023-12-31"),
            ("year", "2024-12-31", "2024-01-01", "2024-12-31"),
            ("week", "9999-12-31", "9999-12-27", "9999-12-31"),
            ("year", "9999-01-01", "9999-01-01", "9999-12-31"),
            ("week", "0001-01-01", "0001-01-01", "0001-01-07"),
        ] {
            let unit = PeriodUnit::parse(unit).unwrap();
            assert_eq!(Edge::Start(unit).of(day(of)), day(first), "{of} {}", unit.name());
            assert_eq!(Edge::End(unit).of(day(of)), day(last), "{of} {}", unit.name());
        }
    }

    #[test]
    fn no_period_begins_outside_the_years_1_to_9999() {
        let now = at("2024-01-01T00:00:00Z");
        for text in ["1000000 days ago", "in 1000000 years", "2024 years ago", "in 1000000 quarters"] {
            assert_eq!(Period::parse(text).unwrap().days(now, &Utc), None, "{text}");
        }
    }
}
