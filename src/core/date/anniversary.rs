//! Anniversaries: the days that are whole years after a date.

use super::{Day, Spans};
use chrono::{Datelike, NaiveDate};

/// Which days have an anniversary in a set of days.
///
/// An anniversary has the month and the day of the date, one or more whole years later; that of 29 February is
/// 28 February in years that have no other. So it is enough to know, of each month and day, the last year in which its
/// anniversary is in the set: the days before that year have one.
#[derive(Clone, Debug)]
pub struct Anniversaries {
    /// By month and day; 0 where there is none
    last_years: Box<[u16; 12 * 31]>,
}

/// How many days after a day each month and day has been at least once more.
const LONGEST_YEAR: i32 = 366;

impl Anniversaries {
    /// Of a set of days, as numbers since 1970-01-01.
    #[must_use]
    pub fn within(days: &Spans) -> Self {
        let mut anniversaries = Anniversaries { last_years: Box::new([0; 12 * 31]) };
        // Of a long span, the last days have the last year of each month and day.
        let ends = days.iter().map(|(first, last)| (first.max(last.saturating_sub(LONGEST_YEAR)), last));
        for day in ends.flat_map(|(first, last)| first..=last).filter_map(Day::from_epoch_days) {
            let date = day.date();
            anniversaries.add(date, place(date));
            if (date.month(), date.day(), date.leap_year()) == (2, 28, false) {
                anniversaries.add(date, place(date) + 1);
            }
        }
        anniversaries
    }

    fn add(&mut self, date: NaiveDate, place: usize) {
        // The year of a `Day` has four digits.
        let year = date.year() as u16;
        self.last_years[place] = self.last_years[place].max(year);
    }

    /// Whether an anniversary of the day is in the set.
    #[must_use]
    pub fn has_one_of(&self, day: Day) -> bool {
        let date = day.date();
        date.year() < i32::from(self.last_years[place(date)])
    }
}

/// Where a month and a day are.
fn place(date: NaiveDate) -> usize {
    (date.month0() * 31 + date.day0()) as usize
}

#[cfg(test)]
mod tests {
    use super::super::sample::day;
    use super::*;
    use proptest::prelude::*;

    fn within(spans: &[(&str, &str)]) -> Anniversaries {
        let days = spans.iter().map(|(first, last)| (day(first).epoch_days(), day(last).epoch_days()));
        Anniversaries::within(&Spans::of(days))
    }

    #[test]
    fn anniversaries_are_whole_years_later() {
        let week = [("2024-12-28", "2025-01-03")];
        for (spans, yes, no) in [
            (
                &week[..],
                vec!["1990-12-28", "1990-01-03", "2023-12-31", "2024-01-01"],
                vec!["1990-12-27", "1990-01-04", "2024-12-31", "2025-01-01"],
            ),
            // Leap days
            (&[("2024-02-28", "2024-02-28")], vec!["2020-02-28"], vec!["2020-02-29"]),
            (&[("2024-02-29", "2024-02-29")], vec!["2020-02-29"], vec!["2020-02-28", "2024-02-29"]),
            (&[("2023-02-28", "2023-02-28")], vec!["2020-02-28", "2020-02-29"], vec!["2020-03-01"]),
            (&[("2023-03-01", "2023-03-01")], vec!["2020-03-01"], vec!["2020-02-29"]),
            (&[("2100-02-28", "2100-02-28")], vec!["2096-02-29"], vec![]),
            // A year or more: all whose first anniversary is not after its end
            (
                &[("2023-05-01", "2024-04-30")],
                vec!["1990-02-28", "2023-04-30", "2022-05-01"],
                vec!["2023-05-01", "2024-01-01"],
            ),
            (&[("0001-01-01", "2024-04-30")], vec!["0001-01-01", "2023-04-30"], vec!["2023-05-01"]),
            (&[("2024-01-01", "9999-12-31")], vec!["1990-02-28", "9998-12-31"], vec!["9999-01-01"]),
            // Several
            (
                &[("2000-06-01", "2000-06-01"), ("2024-06-01", "2024-06-02")],
                vec!["1990-06-01", "2010-06-01", "2010-06-02"],
                vec!["2010-06-03"],
            ),
        ] {
            let anniversaries = within(spans);
            for stored in yes {
                assert!(anniversaries.has_one_of(day(stored)), "{stored} in {spans:?}");
            }
            for stored in no {
                assert!(!anniversaries.has_one_of(day(stored)), "{stored} not in {spans:?}");
            }
        }
    }

    proptest! {
        /// Against all anniversaries, one by one, as `checked_add_months` gives them.
        #[test]
        fn a_day_has_an_anniversary_where_one_is_found(stored in 0..20_000i32, first in -1000..30_000i32, length in 0..1500i32) {
            let stored = Day::from_epoch_days(stored).unwrap();
            let days = Spans::of([(first, first + length)]);
            let mut years = (1..120).filter_map(|years| stored.checked_add_months(12 * years));
            let expected = years.any(|day| days.contains(day.epoch_days()));
            prop_assert_eq!(Anniversaries::within(&days).has_one_of(stored), expected);
        }
    }
}
