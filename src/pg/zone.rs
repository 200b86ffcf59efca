//! Time zones, as Postgres itself knows them.

use pgrx::{IntoDatum, pg_sys};
use segments_core::date::{Instant, Local, Zone};

/// A time zone that Postgres has found by name.
pub struct PgZone {
    name: String,
}

impl PgZone {
    /// UTC.
    pub fn utc() -> Self {
        PgZone { name: "UTC".to_owned() }
    }

    /// The zone of that name, as `SET TimeZone` finds it; `None` where there is none.
    pub fn find(name: &str) -> Option<Self> {
        let c_name = std::ffi::CString::new(name).ok()?;
        // SAFETY: the name is NUL-terminated; the zone, if any, is cached by Postgres for ever.
        let found = unsafe {
            let zone = pg_sys::pg_tzset(c_name.as_ptr());
            !zone.is_null() && pg_sys::pg_tz_acceptable(zone)
        };
        found.then(|| PgZone { name: name.to_owned() })
    }
}

impl Zone for PgZone {
    fn instant_of(&self, local: Local) -> Instant {
        if self.name == "UTC" {
            return segments_core::date::Utc.instant_of(local);
        }
        let wall = Instant::from_micros_saturating(local.wall_micros()).to_postgres();
        let micros = convert(pg_sys::timestamp_zone, &self.name, wall);
        Instant::from_postgres(micros).unwrap_or_else(|| Instant::from_micros_saturating(local.wall_micros()))
    }

    fn local_of(&self, instant: Instant) -> Local {
        if self.name == "UTC" {
            return segments_core::date::Utc.local_of(instant);
        }
        let micros = convert(pg_sys::timestamptz_zone, &self.name, instant.to_postgres());
        let wall = Instant::from_postgres(micros).unwrap_or(instant).micros();
        Local::from_wall_micros_saturating(wall)
    }
}

/// `timestamp AT TIME ZONE zone`, either way: microseconds since 2000 in, the same out.
fn convert(function: unsafe fn(pg_sys::FunctionCallInfo) -> pg_sys::Datum, zone: &str, micros: i64) -> i64 {
    // SAFETY: both functions take (text, timestamp) and return a timestamp by value, which is an int64.
    let result = unsafe {
        pgrx::direct_function_call_as_datum(function, &[zone.into_datum(), Some(pg_sys::Datum::from(micros))])
    };
    result.map_or(micros, |datum| datum.value() as i64)
}

/// When the current transaction started: what `now()` is.
pub fn now() -> Instant {
    // SAFETY: reads a variable of the backend.
    let micros = unsafe { pg_sys::GetCurrentTransactionStartTimestamp() };
    Instant::from_postgres(micros).unwrap_or(Instant::MIN)
}
