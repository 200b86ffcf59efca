//! For the tests of dates: days and times from text, and a zone with daylight saving time.

use super::{Day, Instant, Local, Written, Zone};

/// The day of `YYYY-MM-DD`.
pub fn day(text: &str) -> Day {
    match Written::parse(text) {
        Some(Written::Day(day)) => day,
        other => panic!("{text} reads as {other:?}"),
    }
}

/// The instant of a timestamp with its offset.
pub fn at(text: &str) -> Instant {
    match Written::parse(text) {
        Some(Written::Instant(instant)) => instant,
        other => panic!("{text} reads as {other:?}"),
    }
}

/// The wall-clock time of a timestamp without an offset.
pub fn local(text: &str) -> Local {
    match Written::parse(text) {
        Some(Written::Local(local)) => local,
        other => panic!("{text} reads as {other:?}"),
    }
}

/// New York in 2024: EST, and EDT from 2024-03-10 07:00 UTC until 2024-11-03 06:00 UTC.
pub struct NewYork;

const HOUR: i64 = 3_600_000_000;
const EST: i64 = -5 * HOUR;
const EDT: i64 = -4 * HOUR;
/// 2024-03-10T07:00:00Z
const SPRING: i64 = 1_710_054_000_000_000;
/// 2024-11-03T06:00:00Z
const FALL: i64 = 1_730_613_600_000_000;

impl Zone for NewYork {
    fn instant_of(&self, local: Local) -> Instant {
        let wall = local.wall_micros();
        // A time in a gap has the offset from before the gap, a time in an overlap the offset from after it.
        let offset = if (SPRING + EDT..FALL + EST).contains(&wall) { EDT } else { EST };
        Instant::from_micros_saturating(wall - offset)
    }

    fn local_of(&self, instant: Instant) -> Local {
        let offset = if (SPRING..FALL).contains(&instant.micros()) { EDT } else { EST };
        Local::from_wall_micros_saturating(instant.micros() + offset)
    }
}
