//! What an operand means once its zone is known, and how stored values compare with it.

use super::{Day, Instant, Moment, Written, Zone};
use std::cmp::Ordering;

/// An operand whose zone is known: a whole day, or a point in time, of that zone.
///
/// It covers the instants from [`from`](Self::from) until before [`until`](Self::until). A day starts at
/// the instant of its 00:00 and lasts until the next day's, 23 to 25 hours around daylight saving, and no
/// time at all where the zone skipped the day. A point in time lasts one microsecond.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct DateRange {
    kind: Kind,
    day: Day,
    from: Instant,
    until: Instant,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Kind {
    Day,
    Instant,
}

impl DateRange {
    /// The whole day in the zone.
    #[must_use]
    pub fn of_day(day: Day, zone: &dyn Zone) -> Self {
        let from = zone.instant_of(day.midnight());
        let until = day.checked_add_days(1).map_or(Instant::END, |next| zone.instant_of(next.midnight()));
        Self::day_between(day, from, until.max(from))
    }

    /// The point in time, which is of a day in the zone.
    #[must_use]
    pub fn of_instant(instant: Instant, zone: &dyn Zone) -> Self {
        Self::instant_on(zone.local_of(instant).day, instant)
    }

    /// What was written, read in the zone.
    #[must_use]
    pub fn resolve(written: Written, zone: &dyn Zone) -> Self {
        match written {
            Written::Day(day) => Self::of_day(day, zone),
            // Its day is asked for again: a time in a gap at midnight is of another day than written.
            Written::Local(local) => Self::of_instant(zone.instant_of(local), zone),
            Written::Instant(instant) => Self::of_instant(instant, zone),
        }
    }

    /// The day and bounds of a whole day that was resolved before; `from` is not after `until`.
    pub(super) fn day_between(day: Day, from: Instant, until: Instant) -> Self {
        DateRange { kind: Kind::Day, day, from, until }
    }

    /// A point in time whose day was resolved before.
    pub(super) fn instant_on(day: Day, instant: Instant) -> Self {
        DateRange { kind: Kind::Instant, day, from: instant, until: Instant(instant.0 + 1) }
    }

    /// Whether it is a whole day; a point in time otherwise.
    #[must_use]
    pub fn is_day(&self) -> bool {
        self.kind == Kind::Day
    }

    /// The day, or the point in time's day, in the zone.
    #[must_use]
    pub fn day(&self) -> Day {
        self.day
    }

    /// The first instant, or the point in time itself.
    #[must_use]
    pub fn from(&self) -> Instant {
        self.from
    }

    /// The first instant after. It is at most 10000-01-01T00:00:00Z, which is past every instant.
    #[must_use]
    pub fn until(&self) -> Instant {
        self.until
    }

    /// The operand as a `date` property reads it: a point in time counts as its day in the zone.
    #[must_use]
    pub fn to_whole_day(self, zone: &dyn Zone) -> Self {
        match self.kind {
            Kind::Day => self,
            Kind::Instant => Self::of_day(self.day, zone),
        }
    }

    /// How a stored value stands to the operand: `Less` is a stored value before it.
    ///
    /// Stored days compare by day, with a point in time by its day in the zone; stored instants are
    /// before, within or after the range.
    #[inline]
    #[must_use]
    pub fn compare(&self, stored: Moment) -> Ordering {
        match stored {
            Moment::Day(day) => day.cmp(&self.day),
            Moment::Instant(instant) if instant < self.from => Ordering::Less,
            Moment::Instant(instant) if instant >= self.until => Ordering::Greater,
            Moment::Instant(_) => Ordering::Equal,
        }
    }
}
