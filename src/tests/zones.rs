//! Time zones, against what Postgres says with `SET TimeZone`.

use crate::pg::query;

use crate::pg::spi::QueryText::Made;
use crate::pg::zone::PgZone;
use crate::tests::random::Random;
use crate::tests::seeds;
use segments_core::date::{Instant, Local, Zone};

/// The first five are also abbreviations, which in Postgres have no daylight saving time.
const ZONES: [&str; 10] = [
    "CET",
    "EET",
    "MET",
    "WET",
    "EST",
    "EST5EDT",
    "Europe/Brussels",
    "America/New_York",
    "Pacific/Apia",
    "Asia/Kolkata",
];

const MICROS: i64 = 1_000_000;

/// Seconds since 1970: some of each year from 1900 to 2100, and the first and the last possible ones.
fn seconds(random: &mut Random) -> Vec<i64> {
    let (first, last) = (Instant::MIN.micros() / MICROS, Instant::MAX.micros().div_euclid(MICROS));
    let year = 31_557_600;
    let of_years = (-70..130).map(|number| number * year + random.below(year as usize) as i64);
    of_years.chain([first, first + 1, first + 86_400, 0, last - 86_400, last]).collect()
}

fn postgres(sql: &'static str, seconds: i64) -> i64 {
    query::first(Made(sql), &[seconds.into()], |row| row.get(1)).unwrap_or_else(|| panic!("{sql} gave nothing"))
}

#[pgrx::pg_schema]
mod tests {
    use super::*;
    use pgrx::prelude::*;

    #[pg_test]
    fn clocks_show_what_they_show_in_sessions_of_the_zone() {
        for seed in seeds() {
            let mut random = Random::new(seed);
            for name in ZONES {
                query::write(Made("SELECT set_config('TimeZone', $1, true)"), &[name.into()]);
                let zone = PgZone::find(name).unwrap_or_else(|| panic!("there is no zone {name}"));
                for seconds in seconds(&mut random) {
                    let wall = postgres(
                        "SELECT extract(epoch FROM (timestamptz 'epoch' + $1 * interval '1 second')::timestamp)::bigint",
                        seconds,
                    );
                    let shown = zone.local_of(Instant::from_micros_saturating(seconds * MICROS));
                    assert_eq!(
                        shown,
                        Local::from_wall_micros_saturating(wall * MICROS),
                        "seed {seed}: {seconds} in {name}"
                    );
                    let instant = postgres(
                        "SELECT extract(epoch FROM (timestamp 'epoch' + $1 * interval '1 second')::timestamptz)::bigint",
                        seconds,
                    );
                    let found = zone.instant_of(Local::from_wall_micros_saturating(seconds * MICROS));
                    assert_eq!(
                        found,
                        Instant::from_micros_saturating(instant * MICROS),
                        "seed {seed}: wall clock {seconds} in {name}"
                    );
                }
            }
        }
    }
}
