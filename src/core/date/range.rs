//! Dates of operands whose zone is known, and the comparison of stored values with them.

use super::{DateReading, Day, Instant, Moment, Written, Zone};
use std::cmp::Ordering;

/// The date of an operand in a zone: one or more whole days, or a point in time.
///
/// It has the instants from [`from`](Self::from) on, up to and without [`until`](Self::until). A day lasts from its
/// 00:00 to 00:00 of the next day. That is 23 to 25 hours when clocks are changed, and no time at all if the zone
/// skipped the day. A point in time lasts one microsecond.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct DateRange {
    kind: Kind,
    first: Day,
    last: Day,
    from: Instant,
    until: Instant,
    reading: DateReading,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Kind {
    Days,
    Instant,
}

impl DateRange {
    /// A whole day in the zone.
    #[must_use]
    pub fn of_day(day: Day, zone: &dyn Zone) -> Self {
        Self::of_days(day, day, zone)
    }

    /// The whole days from `first` to `last` in the zone; `first` must not be after `last`.
    #[must_use]
    pub fn of_days(first: Day, last: Day, zone: &dyn Zone) -> Self {
        let from = zone.start_of(first);
        let until = last.checked_add_days(1).map_or(Instant::END, |next| zone.start_of(next));
        // A range must not end before it starts, whatever a zone returns.
        Self::days_between((first, last), from, until.max(from))
    }

    /// A point in time, with its day in the zone.
    #[must_use]
    pub fn of_instant(instant: Instant, zone: &dyn Zone) -> Self {
        Self::instant_on(zone.local_of(instant).day, instant)
    }

    /// Reads a written date in the zone.
    #[must_use]
    pub fn resolve(written: Written, zone: &dyn Zone) -> Self {
        match written {
            Written::Day(day) => Self::of_day(day, zone),
            // The day is taken from the instant, because a time in a gap at midnight belongs to another day than the
            // written one.
            Written::Local(local) => Self::of_instant(zone.instant_of(local), zone),
            Written::Instant(instant) => Self::of_instant(instant, zone),
        }
    }

    /// Makes a range of whole days from resolved days and instants; `from` must not be after `until`.
    pub(super) fn days_between((first, last): (Day, Day), from: Instant, until: Instant) -> Self {
        DateRange { kind: Kind::Days, first, last, from, until, reading: DateReading::Strings }
    }

    /// Makes a point in time from its resolved day and instant.
    pub(super) fn instant_on(day: Day, instant: Instant) -> Self {
        let until = Instant(instant.0 + 1);
        DateRange { kind: Kind::Instant, first: day, last: day, from: instant, until, reading: DateReading::Strings }
    }

    /// Whether the range has whole days; otherwise it is a point in time.
    #[must_use]
    pub fn is_days(&self) -> bool {
        self.kind == Kind::Days
    }

    /// The first day, or the day of the point in time, in the zone.
    #[must_use]
    pub fn first_day(&self) -> Day {
        self.first
    }

    /// The last day, or the day of the point in time, in the zone.
    #[must_use]
    pub fn last_day(&self) -> Day {
        self.last
    }

    /// The first instant, or the point in time itself.
    #[must_use]
    pub fn from(&self) -> Instant {
        self.from
    }

    /// The first instant after the range. It is at most 10000-01-01T00:00:00Z, which is after every instant.
    #[must_use]
    pub fn until(&self) -> Instant {
        self.until
    }

    /// The same range, for stored values that are read so.
    #[must_use]
    pub fn with_reading(self, reading: DateReading) -> Self {
        DateRange { reading, ..self }
    }

    /// How the stored values are read that it is compared with.
    #[must_use]
    pub fn reading(&self) -> DateReading {
        self.reading
    }

    /// The range for a comparison with a `date` property, where a point in time counts as its day in the zone.
    #[must_use]
    pub fn to_whole_day(self, zone: &dyn Zone) -> Self {
        match self.kind {
            Kind::Days => self,
            Kind::Instant => Self::of_day(self.first, zone),
        }
    }

    /// Compares a stored value with the range; `Less` means that the stored value is before it.
    ///
    /// A stored day is compared with the days of the range, or with the day of a point in time in the zone. A stored
    /// instant is before, within or after the range.
    #[inline]
    #[must_use]
    pub fn compare(&self, stored: Moment) -> Ordering {
        match stored {
            Moment::Day(day) if day < self.first => Ordering::Less,
            Moment::Day(day) if day > self.last => Ordering::Greater,
            Moment::Day(_) => Ordering::Equal,
            Moment::Instant(instant) if instant < self.from => Ordering::Less,
            Moment::Instant(instant) if instant >= self.until => Ordering::Greater,
            Moment::Instant(_) => Ordering::Equal,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::sample::{NewYork, at, day};
    use super::super::{Local, Utc};
    use super::*;
    use Ordering::{Equal, Greater, Less};

    fn operand(text: &str, zone: &dyn Zone) -> DateRange {
        DateRange::resolve(Written::parse(text).unwrap(), zone)
    }

    #[track_caller]
    fn assert_compares(operand: DateRange, table: &[(&str, Ordering)]) {
        for (stored, expected) in table {
            assert_eq!(operand.compare(Moment::parse(stored.as_bytes()).unwrap()), *expected, "{stored}");
        }
    }

    #[test]
    fn a_day_is_all_of_it_in_utc() {
        assert_compares(
            operand("2024-01-01", &Utc),
            &[
                ("2023-12-31", Less),
                ("2024-01-01", Equal),
                ("2024-01-02", Greater),
                ("2023-12-31T23:59:59.999999Z", Less),
                ("2024-01-01T00:00:00Z", Equal),
                ("2024-01-01T23:59:59.999999Z", Equal),
                ("2024-01-02T00:00:00Z", Greater),
                ("2024-01-02T00:30:00+01", Equal),
                ("2024-01-01 12:00", Equal),
            ],
        );
    }

    #[test]
    fn days_in_a_row_are_all_of_them_in_the_zone() {
        let february = DateRange::of_days(day("2024-02-01"), day("2024-02-29"), &NewYork);
        assert!(february.is_days());
        assert_compares(
            february,
            &[
                ("2024-01-31", Less),
                ("2024-02-01", Equal),
                ("2024-02-29", Equal),
                ("2024-03-01", Greater),
                ("2024-02-01T04:59:59.999999Z", Less),
                ("2024-02-01T05:00:00Z", Equal),
                ("2024-03-01T04:59:59.999999Z", Equal),
                ("2024-03-01T05:00:00Z", Greater),
            ],
        );
        assert_eq!(february.to_whole_day(&NewYork), february);
    }

    #[test]
    fn a_day_is_all_of_it_in_the_zone() {
        assert_compares(
            operand("2024-01-01", &NewYork),
            &[
                ("2023-12-31", Less),
                ("2024-01-01", Equal),
                ("2024-01-02", Greater),
                ("2024-01-01T04:59:59.999999Z", Less),
                ("2024-01-01T05:00:00Z", Equal),
                // A stored time without an offset is in UTC, not in the operand's zone.
                ("2024-01-01T00:00:00", Less),
                ("2024-01-02T04:59:59.999999Z", Equal),
                ("2024-01-02T05:00:00Z", Greater),
            ],
        );
    }

    #[test]
    fn a_point_in_time_is_one_microsecond_of_its_day() {
        // In New York, this is on 2023-12-31
        assert_compares(
            operand("2024-01-01T03:00:00Z", &NewYork),
            &[
                ("2024-01-01T02:59:59.999999Z", Less),
                ("2024-01-01T03:00:00Z", Equal),
                ("2023-12-31T22:00:00-05", Equal),
                ("2024-01-01T03:00:00.000001Z", Greater),
                ("2023-12-30", Less),
                ("2023-12-31", Equal),
                ("2024-01-01", Greater),
            ],
        );
    }

    #[test]
    fn a_time_without_an_offset_is_read_in_the_zone() {
        assert_eq!(operand("2024-01-01 10:00", &NewYork), operand("2024-01-01T15:00:00Z", &NewYork));
        assert_eq!(operand("2024-07-01 10:00", &NewYork), operand("2024-07-01T14:00:00Z", &NewYork));
        assert_eq!(operand("2024-03-10 02:30", &NewYork), operand("2024-03-10T07:30:00Z", &NewYork));
        assert_eq!(operand("2024-11-03 01:30", &NewYork), operand("2024-11-03T06:30:00Z", &NewYork));
        assert_eq!(operand("2024-01-01 10:00", &Utc), operand("2024-01-01T10:00:00Z", &Utc));
    }

    #[test]
    fn days_of_a_change_of_clocks_last_23_and_25_hours() {
        let hours = |text: &str| {
            let range = operand(text, &NewYork);
            (range.until().micros() - range.from().micros()) / 3_600_000_000
        };
        assert_eq!(hours("2024-03-09"), 24);
        assert_eq!(hours("2024-03-10"), 23);
        assert_eq!(hours("2024-11-03"), 25);
        assert_eq!(operand("2024-11-03", &NewYork).until(), operand("2024-11-04", &NewYork).from());
    }

    #[test]
    fn a_date_property_takes_the_day_in_the_zone() {
        let evening = operand("2024-01-01T03:00:00Z", &NewYork);
        assert!(!evening.is_days());
        assert_eq!(evening.to_whole_day(&NewYork), operand("2023-12-31", &NewYork));
        assert_eq!(operand("2024-01-01", &NewYork).to_whole_day(&NewYork), operand("2024-01-01", &NewYork));
        assert_compares(
            evening.to_whole_day(&NewYork),
            &[("2023-12-31", Equal), ("2024-01-01T04:00:00Z", Equal), ("2024-01-01T05:00:00Z", Greater)],
        );
    }

    /// Havana in autumn 2024, when clocks were set back from 01:00 to 00:00. Times in the overlap are in the second
    /// hour.
    struct Havana;

    impl Zone for Havana {
        fn instant_of(&self, local: Local) -> Instant {
            let offset = if local.wall_micros() < at("2024-11-03T00:00:00Z").micros() { -4 } else { -5 };
            Instant::from_micros_saturating(local.wall_micros() - offset * HOUR)
        }

        fn local_of(&self, instant: Instant) -> Local {
            let offset = if instant < at("2024-11-03T05:00:00Z") { -4 } else { -5 };
            Local::from_wall_micros_saturating(instant.micros() + offset * HOUR)
        }
    }

    #[test]
    fn a_day_begins_at_the_first_of_two_midnights() {
        let day = operand("2024-11-03", &Havana);
        assert_eq!(day.from(), at("2024-11-03T04:00:00Z"));
        assert_eq!(operand("2024-11-02", &Havana).until(), day.from());
        assert_eq!(day.until(), at("2024-11-04T05:00:00Z"));
    }

    /// Samoa, which went from 2011-12-29 in UTC-10 to 2011-12-31 in UTC+14.
    struct Apia;
    const HOUR: i64 = 3_600_000_000;
    const CHANGE: &str = "2011-12-30T10:00:00Z";

    impl Zone for Apia {
        fn instant_of(&self, local: Local) -> Instant {
            let offset = if local.wall_micros() >= at(CHANGE).micros() + 14 * HOUR { 14 } else { -10 };
            Instant::from_micros_saturating(local.wall_micros() - offset * HOUR)
        }

        fn local_of(&self, instant: Instant) -> Local {
            let offset = if instant >= at(CHANGE) { 14 } else { -10 };
            Local::from_wall_micros_saturating(instant.micros() + offset * HOUR)
        }
    }

    #[test]
    fn a_day_that_the_zone_skipped_has_no_instant() {
        let skipped = operand("2011-12-30", &Apia);
        assert!(skipped.is_days());
        assert_eq!(skipped.from(), skipped.until());
        assert_compares(
            skipped,
            &[("2011-12-30T09:59:59.999999Z", Less), ("2011-12-30T10:00:00Z", Greater), ("2011-12-30", Equal)],
        );
        // A time of the skipped day belongs to the next day.
        assert_eq!(operand("2011-12-30 12:00", &Apia).first_day(), day("2011-12-31"));
    }

    #[test]
    fn the_first_and_last_days_take_in_all_there_is() {
        assert_compares(
            operand("9999-12-31", &NewYork),
            &[("9999-12-31T04:59:59Z", Less), ("9999-12-31T05:00:00Z", Equal), ("9999-12-31T23:59:59.999999Z", Equal)],
        );
        assert_compares(operand("0001-01-01", &Apia), &[("0001-01-01T00:00:00Z", Less), ("0001-01-01T10:00Z", Equal)]);
        assert_eq!(operand("0001-01-01T00:00:00Z", &NewYork).first_day(), Day::MIN);
        assert_compares(operand("9999-12-31T23:59:59.999999Z", &Utc), &[("9999-12-31T23:59:59.999999Z", Equal)]);
    }
}
