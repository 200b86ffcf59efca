//! The parts of a date: its year, month, day, day of the week and hour.

use super::{Day, Moment, NamedZone, Zone};
use chrono::Datelike;

/// A part of a stored date, as clocks in some zone show it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum DatePart {
    /// 1 to 9999
    Year,
    /// 1 to 12
    Month,
    /// 1 to 31
    DayOfMonth,
    /// Monday is 1, Sunday is 7
    IsoDayOfWeek,
    /// 0 to 23; a day without a time has none
    Hour,
}

impl DatePart {
    /// The least and the greatest that there is.
    #[must_use]
    pub fn bounds(self) -> (i32, i32) {
        match self {
            DatePart::Year => (1, 9999),
            DatePart::Month => (1, 12),
            DatePart::DayOfMonth => (1, 31),
            DatePart::IsoDayOfWeek => (1, 7),
            DatePart::Hour => (0, 23),
        }
    }

    /// The part of what is stored, in the zone.
    #[must_use]
    pub fn of(self, stored: Moment, zone: &NamedZone) -> Option<i32> {
        let (day, micros) = match stored {
            Moment::Day(day) => (day, None),
            Moment::Instant(instant) => {
                let local = zone.local_of(instant);
                (local.day(), Some(local.micros_of_day()))
            }
        };
        let date = day.date();
        match self {
            DatePart::Year => Some(date.year()),
            DatePart::Month => Some(date.month() as i32),
            DatePart::DayOfMonth => Some(date.day() as i32),
            DatePart::IsoDayOfWeek => Some(date.weekday().number_from_monday() as i32),
            // Within i32: the microseconds are of one day.
            DatePart::Hour => micros.map(|micros| (micros / 3_600_000_000) as i32),
        }
    }

    /// The first and the last day of the years from `first` to `last`, which lie within the [bounds](Self::bounds).
    #[must_use]
    pub fn days_of_years((first, last): (i32, i32)) -> (Day, Day) {
        let day = |year, month, day| {
            let date = chrono::NaiveDate::from_ymd_opt(year, month, day).unwrap_or_default();
            Day::from_epoch_days(date.to_epoch_days())
        };
        (day(first, 1, 1).unwrap_or(Day::MIN), day(last, 12, 31).unwrap_or(Day::MAX))
    }
}

#[cfg(test)]
mod tests {
    use super::super::sample::{NewYork, day};
    use super::*;
    use DatePart::{DayOfMonth, Hour, IsoDayOfWeek, Month, Year};

    #[test]
    fn parts_are_of_the_zone() {
        let (utc, new_york) = (NamedZone::utc(), NamedZone::new("America/New_York", NewYork));
        for (stored, zone, parts) in [
            ("2024-02-29", &utc, [Some(2024), Some(2), Some(29), Some(4), None]),
            ("2024-02-29", &new_york, [Some(2024), Some(2), Some(29), Some(4), None]),
            ("2024-01-01T03:59:00Z", &utc, [Some(2024), Some(1), Some(1), Some(1), Some(3)]),
            ("2024-01-01T03:59:00Z", &new_york, [Some(2023), Some(12), Some(31), Some(7), Some(22)]),
            ("2024-07-01T03:59:00Z", &new_york, [Some(2024), Some(6), Some(30), Some(7), Some(23)]),
            ("0001-01-01T00:00:00Z", &utc, [Some(1), Some(1), Some(1), Some(1), Some(0)]),
            ("9999-12-31T23:59:59.999999Z", &utc, [Some(9999), Some(12), Some(31), Some(5), Some(23)]),
        ] {
            let moment = Moment::parse(stored.as_bytes()).unwrap();
            let found = [Year, Month, DayOfMonth, IsoDayOfWeek, Hour].map(|part| part.of(moment, zone));
            assert_eq!(found, parts, "{stored} in {}", zone.name());
        }
    }

    #[test]
    fn years_are_all_of_their_days() {
        assert_eq!(DatePart::days_of_years((2023, 2024)), (day("2023-01-01"), day("2024-12-31")));
        assert_eq!(DatePart::days_of_years(Year.bounds()), (Day::MIN, Day::MAX));
    }
}
