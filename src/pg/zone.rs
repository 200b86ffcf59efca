//! Time zones, as Postgres itself knows them.

use pgrx::pg_sys;
use segments_core::date::{Instant, Local, Utc, Zone};
use std::ptr::{NonNull, null_mut};

/// A time zone that Postgres has found by name; `None` is UTC, which needs no rules.
///
/// It is kept as found, since `AT TIME ZONE` with the same name may mean another: abbreviations come first there, and
/// `CET` is one, without daylight saving.
pub struct PgZone(Option<NonNull<pg_sys::pg_tz>>);

impl PgZone {
    /// UTC.
    pub fn utc() -> Self {
        PgZone(None)
    }

    /// The zone of that name, as `SET TimeZone` finds it; `None` where there is none.
    pub fn find(name: &str) -> Option<Self> {
        if name == "UTC" {
            return Some(Self::utc());
        }
        let c_name = std::ffi::CString::new(name).ok()?;
        // SAFETY: the name is NUL-terminated; the zone, if any, is cached by Postgres for ever.
        let zone = unsafe {
            NonNull::new(pg_sys::pg_tzset(c_name.as_ptr())).filter(|zone| pg_sys::pg_tz_acceptable(zone.as_ptr()))
        };
        zone.map(|zone| PgZone(Some(zone)))
    }
}

impl Zone for PgZone {
    fn instant_of(&self, local: Local) -> Instant {
        let Some(zone) = self.0 else { return Utc.instant_of(local) };
        let wall = local.wall_micros();
        let (mut clock, mut fraction) = (pg_sys::pg_tm::default(), 0);
        // SAFETY: the zone is one that `find` found. Without one, timestamp2tm only takes the wall clock's time apart,
        // as it can for every year that a `Local` has.
        let west = unsafe {
            let postgres = Instant::from_micros_saturating(wall).to_postgres();
            pg_sys::timestamp2tm(postgres, null_mut(), &raw mut clock, &raw mut fraction, null_mut(), null_mut());
            pg_sys::DetermineTimeZoneOffset(&raw mut clock, zone.as_ptr())
        };
        Instant::from_micros_saturating(wall + micros(west))
    }

    fn local_of(&self, instant: Instant) -> Local {
        let Some(zone) = self.0 else { return Utc.local_of(instant) };
        let (mut west, mut clock, mut fraction) = (0, pg_sys::pg_tm::default(), 0);
        // SAFETY: as above; beside the time in the zone, it gives how far that is west of UTC.
        unsafe {
            pg_sys::timestamp2tm(
                instant.to_postgres(),
                &raw mut west,
                &raw mut clock,
                &raw mut fraction,
                null_mut(),
                zone.as_ptr(),
            );
        }
        Local::from_wall_micros_saturating(instant.micros() - micros(west))
    }
}

fn micros(seconds: i32) -> i64 {
    i64::from(seconds) * 1_000_000
}

/// When the current transaction started: what `now()` is.
pub fn now() -> Instant {
    // SAFETY: reads a variable of the backend.
    let micros = unsafe { pg_sys::GetCurrentTransactionStartTimestamp() };
    Instant::from_postgres(micros).unwrap_or(Instant::MIN)
}
